//! What of a run is worth a line: in words for people, in fields for logs.
//!
//! Both say the same, but for the link of a one-time password: who opens it can confirm a payment,
//! so people get it and logs do not.

use serde_json::{Map, Value, json};
use tracing::Level;

use crate::command::output::outcome_words;
use crate::{EngineEvent, Outcome, Reason};

/// Fields of a line of the log.
pub(super) type Fields = Map<String, Value>;

/// Something of a run that somebody may have to act on.
pub(super) struct Note {
    pub(super) level: Level,
    /// Its name in logs.
    pub(super) event: &'static str,
    pub(super) text: String,
    /// What people see behind the text.
    pub(super) link: Option<String>,
    pub(super) fields: Fields,
}

impl Note {
    /// What is to tell about an event; `verbose` tells what only those want to know who look for
    /// the cause of something.
    pub(super) fn of(event: &EngineEvent, verbose: bool) -> Option<Self> {
        Some(match event {
            EngineEvent::Row { row, reference, to, reason, .. } if is_worth_a_line(*to) => {
                let said = said(outcome_words(*to), reason.as_ref());
                let note = Self::of_row(Level::WARN, "row", *row, reference, &said);
                note.with("outcome", to.as_str().into()).because(reason.as_ref())
            }
            EngineEvent::Restored { since } => Self::new(
                Level::WARN,
                "restored",
                format!(
                    "an older copy of the store was put back, or the store was moved (found {}): \
                     the gateway is asked about every order before it is sent; that takes a few \
                     minutes",
                    since.strftime("%Y-%m-%d %H:%M UTC")
                ),
            )
            .with("since", since.to_string().into()),
            EngineEvent::Warning { row, reference, reason } => {
                let said = said("warning", Some(reason));
                Self::of_row(Level::WARN, "warning", *row, reference, &said).because(Some(reason))
            }
            EngineEvent::OtpRequired { row, reference, url, expires_at } => {
                let until = expires_at.map_or_else(String::new, |at| {
                    format!(" (until {})", at.strftime("%H:%M:%S UTC"))
                });
                let said = format!("enter the OTP{until}");
                let note = Self::of_row(Level::INFO, "otp_required", *row, reference, &said);
                let link = url.as_deref().unwrap_or("no link was given").to_owned();
                Self { link: Some(link), ..note }
                    .with("expires_at", expires_at.map(|at| at.to_string()).into())
            }
            EngineEvent::Paused { reason, pause } => {
                let seconds = format!("{}.{:01}", pause.as_secs(), pause.subsec_millis() / 100);
                let text = format!("the gateway is busy, pausing {seconds} s: {}", reason.message);
                Self::new(Level::WARN, "paused", text)
                    .with("pause_ms", json!(pause.as_millis() as u64))
                    .because(Some(reason))
            }
            EngineEvent::Concurrency { calls, reason } if verbose => {
                let said = said(&format!("at most {calls} calls in flight now"), reason.as_ref());
                let note = Self::new(Level::DEBUG, "concurrency", said);
                note.with("calls", json!(calls)).because(reason.as_ref())
            }
            EngineEvent::Draining { in_flight } => {
                let text = format!("waiting for {in_flight} calls in flight");
                Self::new(Level::INFO, "draining", text).with("in_flight", json!(in_flight))
            }
            EngineEvent::Stopped { stopped } => {
                let text = format!("stopped: {}", stopped.message);
                let note = Self::new(Level::ERROR, "stopped", text);
                note.with("code", stopped.cause.as_str().into())
            }
            _ => return None,
        })
    }

    fn new(level: Level, event: &'static str, text: String) -> Self {
        Self { level, event, text, link: None, fields: Fields::new() }
    }

    fn of_row(level: Level, event: &'static str, row: u64, reference: &str, said: &str) -> Self {
        Self::new(level, event, format!("row {row}, {reference}: {said}"))
            .with("row", row.into())
            .with("reference", reference.into())
    }

    fn with(mut self, name: &str, value: Value) -> Self {
        self.fields.insert(name.to_owned(), value);
        self
    }

    fn because(self, reason: Option<&Reason>) -> Self {
        self.with("code", reason.map(|reason| reason.code.as_str()).into())
    }
}

/// Rows that only went on as they should are counted.
fn is_worth_a_line(outcome: Outcome) -> bool {
    !matches!(
        outcome,
        Outcome::Paid
            | Outcome::InDoubt
            | Outcome::Processing
            | Outcome::Pending
            | Outcome::AwaitingOtp
    )
}

fn said(what: &str, reason: Option<&Reason>) -> String {
    reason.map_or_else(|| what.to_owned(), |reason| format!("{what}: {}", reason.message))
}
