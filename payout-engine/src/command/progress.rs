//! Progress for people, on stderr: a bar on a terminal, lines elsewhere.
//!
//! It only listens. Counts and sums start from the summary that a run begins with and follow the
//! changes of rows, so that a resumed batch shows what was paid before.

use std::fmt::Write;
use std::io::{self, IsTerminal};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{
    HumanDuration, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle as Style,
};

use crate::command::args::{Global, ProgressStyle};
use crate::command::output::{outcome_words, tell};
use crate::report::{count, grouped, plain};
use crate::{BatchSummary, EngineEvent, Observer, Outcome, Reason};

/// Lines of progress come no more often than this.
const BETWEEN_LINES: Duration = Duration::from_secs(2);

/// The bar's text is made no more often than this.
const BETWEEN_DRAWS: Duration = Duration::from_millis(100);

/// Two lines: the first fits 80 columns whatever the numbers, the second is cut at the terminal's
/// edge. A line that wraps would be drawn anew instead of drawn over.
const BAR: &str = "{bar:24} {pos}/{len} rows  {rate}  {left}\n{wide_msg}";

/// Somebody to watch a run, as the command line asks for.
pub(crate) fn observer(global: &Global) -> Arc<dyn Observer> {
    let style = match global.progress {
        ProgressStyle::Auto if io::stderr().is_terminal() => ProgressStyle::Bar,
        ProgressStyle::Auto => ProgressStyle::Lines,
        chosen => chosen,
    };
    match style {
        ProgressStyle::None => Arc::new(|_: &EngineEvent| {}),
        _ if global.quiet => Arc::new(|_: &EngineEvent| {}),
        ProgressStyle::Bar => {
            let passwords = Arc::new(AtomicU64::new(0));
            let bar = bar(Arc::clone(&passwords));
            Arc::new(Progress::new(Some(bar), passwords, global.verbose > 0))
        }
        ProgressStyle::Lines | ProgressStyle::Auto => {
            Arc::new(Progress::new(None, Arc::default(), global.verbose > 0))
        }
    }
}

/// `passwords` counts what is waited for where nothing else is left to do: that takes as long as
/// people take.
fn bar(passwords: Arc<AtomicU64>) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(10));
    if let Ok(style) = Style::with_template(BAR) {
        // Nobody wants to read a fraction of a row.
        let rate = |state: &ProgressState, out: &mut dyn Write| {
            let _ = write!(out, "{:.0}/s", state.per_sec());
        };
        let left = move |state: &ProgressState, out: &mut dyn Write| {
            let _ = match passwords.load(Ordering::Relaxed) {
                0 => write!(out, "{:#} left", HumanDuration(state.eta())),
                waiting => write!(out, "waiting for {}", count(waiting, "password")),
            };
        };
        let style = style.with_key("rate", rate).with_key("left", left);
        bar.set_style(style.progress_chars("━╸ "));
    }
    bar
}

struct Progress {
    bar: Option<ProgressBar>,
    /// Shown by the bar.
    passwords: Arc<AtomicU64>,
    /// Tells what only those want to know who look for the cause of something.
    verbose: bool,
    seen: Mutex<Seen>,
}

/// The batch as the events so far make it.
struct Seen {
    summary: Option<BatchSummary>,
    verified: u64,
    told_at: Option<Instant>,
}

impl Progress {
    fn new(bar: Option<ProgressBar>, passwords: Arc<AtomicU64>, verbose: bool) -> Self {
        let seen = Seen { summary: None, verified: 0, told_at: None };
        Self { bar, passwords, verbose, seen: Mutex::new(seen) }
    }

    fn line(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| tell(text)),
            None => tell(text),
        }
    }

    /// Shows the counts, unless that was done just now.
    fn show(&self, seen: &mut Seen) {
        let between = if self.bar.is_some() { BETWEEN_DRAWS } else { BETWEEN_LINES };
        if seen.told_at.is_some_and(|at| at.elapsed() < between) {
            return;
        }
        seen.told_at = Some(Instant::now());
        let Some(summary) = &seen.summary else { return };
        let done = settled(summary) + seen.verified;
        match &self.bar {
            Some(bar) => {
                self.passwords.store(passwords_alone(summary), Ordering::Relaxed);
                bar.set_position(done);
                bar.set_message(standing(summary));
            }
            None => {
                tell(&format!("{done} of {}, {}", count(summary.rows, "row"), standing(summary)))
            }
        }
    }

    /// Tells what somebody may have to act on, at once.
    fn tell_row(&self, row: u64, reference: &str, what: &str, reason: Option<&Reason>) {
        let reason = reason.map_or_else(String::new, |reason| format!(": {}", reason.message));
        self.line(&format!("row {row}, {reference}: {what}{reason}"));
    }
}

impl Observer for Progress {
    fn event(&self, event: &EngineEvent) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(summary) = &mut seen.summary {
            event.update(summary);
        }
        match event {
            EngineEvent::Started { summary } => {
                if let Some(bar) = &self.bar {
                    bar.set_length(summary.rows);
                    bar.set_position(settled(summary));
                    bar.reset_eta();
                }
                seen.summary = Some(summary.clone());
                self.show(&mut seen);
            }
            EngineEvent::Row { row, reference, to, reason, .. } => {
                let quiet =
                    [Outcome::Paid, Outcome::InDoubt, Outcome::Processing, Outcome::Pending];
                if !quiet.contains(to) && *to != Outcome::AwaitingOtp {
                    self.tell_row(*row, reference, outcome_words(*to), reason.as_ref());
                }
                self.show(&mut seen);
            }
            EngineEvent::Restored { since } => self.line(&format!(
                "an older copy of the store was put back, or the store was moved (found {}): the \
                 gateway is asked about every order before it is sent; that takes a few minutes",
                since.strftime("%Y-%m-%d %H:%M UTC")
            )),
            EngineEvent::Verified { .. } => {
                seen.verified += 1;
                self.show(&mut seen);
            }
            EngineEvent::Warning { row, reference, reason } => {
                self.tell_row(*row, reference, "warning", Some(reason));
            }
            EngineEvent::OtpRequired { row, reference, url, expires_at } => {
                let until = expires_at.map_or_else(String::new, |at| {
                    format!(" (until {})", at.strftime("%H:%M:%S UTC"))
                });
                let url = url.as_deref().unwrap_or("no link was given");
                self.tell_row(*row, reference, &format!("enter the OTP{until}: {url}"), None);
            }
            EngineEvent::Paused { reason, pause } => {
                let pause = format!("{}.{:01}", pause.as_secs(), pause.subsec_millis() / 100);
                self.line(&format!("the gateway is busy, pausing {pause} s: {}", reason.message));
            }
            EngineEvent::Concurrency { calls, reason } if self.verbose => {
                let why =
                    reason.as_ref().map_or_else(String::new, |it| format!(": {}", it.message));
                self.line(&format!("at most {calls} calls in flight now{why}"));
            }
            EngineEvent::Stopped { stopped } => self.line(&format!("stopped: {}", stopped.message)),
            EngineEvent::Ended { .. } => {
                if let Some(bar) = &self.bar {
                    bar.finish_and_clear();
                }
            }
            _ => {}
        }
    }
}

/// Rows with which this run has nothing more to do.
fn settled(summary: &BatchSummary) -> u64 {
    let open = [Outcome::Pending, Outcome::InDoubt, Outcome::Processing];
    let open: u64 = open.iter().map(|&outcome| summary.count(outcome)).sum();
    summary.rows.saturating_sub(open)
}

/// How many passwords are waited for, where nothing else is.
fn passwords_alone(summary: &BatchSummary) -> u64 {
    let is_all = settled(summary) == summary.rows;
    if is_all { summary.count(Outcome::AwaitingOtp) } else { 0 }
}

/// Paid money by currency, and what is not as it should be.
fn standing(summary: &BatchSummary) -> String {
    let mut parts: Vec<String> = summary
        .totals
        .iter()
        .map(|(currency, total)| {
            format!("{} {currency}", grouped(&plain(total.of(Outcome::Paid), currency)))
        })
        .collect();
    if let Some(last) = parts.last_mut() {
        last.push_str(" paid");
    }
    let quiet = [Outcome::Paid, Outcome::Pending];
    for &outcome in Outcome::ALL.iter().filter(|outcome| !quiet.contains(outcome)) {
        let count = summary.count(outcome);
        if count > 0 {
            parts.push(format!("{count} {}", outcome_words(outcome)));
        }
    }
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use crate::Total;
    use kess_gateway::{Currency, Money};

    use super::*;

    #[test]
    fn sums_follow_the_rows() {
        let total = Total {
            requested: "30".parse().unwrap(),
            by_outcome: BTreeMap::from([(Outcome::Pending, "30".parse().unwrap())]),
        };
        let mut summary = BatchSummary {
            batch: "b".to_owned(),
            rows: 3,
            counts: BTreeMap::from([(Outcome::Pending, 3)]),
            totals: BTreeMap::from([(Currency::Usd, total)]),
            elapsed: Duration::ZERO,
            stopped: None,
            interrupted: false,
            cancelled: None,
        };
        let ten = Money::usd("10").unwrap();
        let mut shift = |from, to| {
            let reference = "A-1".to_owned();
            let money = ten.clone();
            EngineEvent::Row { row: 1, reference, from, to, money, reason: None }
                .update(&mut summary);
            summary.clone()
        };
        shift(Outcome::Pending, Outcome::InDoubt);
        shift(Outcome::InDoubt, Outcome::Paid);
        let summary = shift(Outcome::Pending, Outcome::Failed);
        assert_eq!(standing(&summary), "10.00 USD paid, 1 failed");
        assert_eq!(settled(&summary), 2);
        let summary = shift(Outcome::Pending, Outcome::AwaitingOtp);
        assert_eq!(passwords_alone(&summary), 1);
        let summary = shift(Outcome::Paid, Outcome::InDoubt);
        assert_eq!(passwords_alone(&summary), 0, "something else is left to do");
    }
}
