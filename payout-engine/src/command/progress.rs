//! Progress, on stderr: a bar on a terminal, lines elsewhere, JSON for what collects logs.
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

use serde_json::{Value, json};
use tracing::Level;

use crate::command::args::{Global, ProgressStyle};
use crate::command::log::{self, Line};
use crate::command::output::{outcome_words, tell};
use crate::report::{count, grouped, plain};
use crate::{BatchSummary, EngineEvent, Observer, Outcome};
use note::{Fields, Note};

mod note;

/// Lines of progress come no more often than this, and in a log than that.
const BETWEEN_LINES: Duration = Duration::from_secs(2);
const BETWEEN_LOG_LINES: Duration = Duration::from_secs(10);

/// The bar's text is made no more often than this.
const BETWEEN_DRAWS: Duration = Duration::from_millis(100);

/// Two lines: the first fits 80 columns whatever the numbers, the second is cut at the terminal's
/// edge. A line that wraps would be drawn anew instead of drawn over.
const BAR: &str = "{bar:24} {pos}/{len} rows  {rate}  {left}\n{wide_msg}";

/// Somebody to watch a run of `batch`, as the command line asks for.
pub(crate) fn observer(global: &Global, batch: &str) -> Arc<dyn Observer> {
    let is_silent = global.quiet || global.progress == ProgressStyle::None;
    let wants_bar = match global.progress {
        ProgressStyle::Auto => io::stderr().is_terminal(),
        chosen => chosen == ProgressStyle::Bar,
    };
    let way = match (log::is_json(), wants_bar) {
        // A log without what went wrong would be none.
        (true, _) => Way::Log { least: if is_silent { Level::ERROR } else { Level::DEBUG } },
        (false, _) if is_silent => return Arc::new(|_: &EngineEvent| {}),
        (false, true) => {
            let passwords = Arc::new(AtomicU64::new(0));
            Way::Bar { bar: bar(Arc::clone(&passwords)), passwords }
        }
        (false, false) => Way::Lines,
    };
    let seen = Mutex::new(Seen { summary: None, verified: 0, told_at: None });
    Arc::new(Progress { way, batch: batch.to_owned(), verbose: global.verbose > 0, seen })
}

/// How progress is shown.
enum Way {
    Bar {
        bar: ProgressBar,
        /// Shown by the bar.
        passwords: Arc<AtomicU64>,
    },
    Lines,
    /// Lines of JSON that are at least this important.
    Log {
        least: Level,
    },
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
    way: Way,
    batch: String,
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
    /// Shows the counts, unless that was done just now.
    fn show(&self, seen: &mut Seen) {
        let between = match self.way {
            Way::Bar { .. } => BETWEEN_DRAWS,
            Way::Lines => BETWEEN_LINES,
            Way::Log { .. } => BETWEEN_LOG_LINES,
        };
        if seen.told_at.is_some_and(|at| at.elapsed() < between) {
            return;
        }
        seen.told_at = Some(Instant::now());
        let Some(summary) = &seen.summary else { return };
        let done = settled(summary) + seen.verified;
        match &self.way {
            Way::Bar { bar, passwords } => {
                passwords.store(passwords_alone(summary), Ordering::Relaxed);
                bar.set_position(done);
                bar.set_message(standing(summary));
            }
            Way::Lines => tell(&line(done, summary)),
            Way::Log { least } => log_standing(*least, "progress", done, summary),
        }
    }

    /// Tells what somebody may have to act on, at once.
    fn tell(&self, note: Note) {
        let text = match &note.link {
            Some(link) => format!("{}: {link}", note.text),
            None => note.text.clone(),
        };
        match &self.way {
            Way::Bar { bar, .. } => bar.suspend(|| tell(&text)),
            Way::Lines => tell(&text),
            Way::Log { least } => {
                write(*least, note.level, &note.text, (note.event, &self.batch), note.fields);
            }
        }
    }
}

impl Observer for Progress {
    fn event(&self, event: &EngineEvent) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(summary) = &mut seen.summary {
            event.update(summary);
        }
        if let Some(note) = Note::of(event, self.verbose) {
            self.tell(note);
        }
        match event {
            EngineEvent::Started { summary } => {
                seen.summary = Some(summary.clone());
                match &self.way {
                    Way::Bar { bar, .. } => {
                        bar.set_length(summary.rows);
                        bar.set_position(settled(summary));
                        bar.reset_eta();
                    }
                    Way::Lines => {}
                    Way::Log { least } => {
                        log_standing(*least, "started", settled(summary), summary);
                    }
                }
                self.show(&mut seen);
            }
            EngineEvent::Row { .. } => self.show(&mut seen),
            EngineEvent::Verified { .. } => {
                seen.verified += 1;
                self.show(&mut seen);
            }
            EngineEvent::Ended { summary } => match &self.way {
                Way::Bar { bar, .. } => bar.finish_and_clear(),
                Way::Lines => {}
                Way::Log { least } => {
                    let done = settled(summary) + seen.verified;
                    log_standing(*least, "ended", done, summary);
                }
            },
            _ => {}
        }
    }
}

/// How a batch stands, as a line.
fn line(done: u64, summary: &BatchSummary) -> String {
    format!("{done} of {}, {}", count(summary.rows, "row"), standing(summary))
}

/// How a batch stands, as a line of the log.
fn log_standing(least: Level, event: &str, done: u64, summary: &BatchSummary) {
    let counts = summary.counts.iter().filter(|(_, count)| **count > 0);
    let counts = counts.map(|(outcome, count)| (outcome.to_string(), json!(count)));
    let paid = summary.totals.iter().map(|(currency, total)| {
        (currency.to_string(), json!(plain(total.of(Outcome::Paid), currency)))
    });
    let fields = [
        ("rows", json!(summary.rows)),
        ("done", json!(done)),
        ("counts", Value::Object(counts.collect())),
        ("paid", Value::Object(paid.collect())),
    ];
    let fields = fields.map(|(name, value)| (name.to_owned(), value)).into_iter().collect();
    write(least, Level::INFO, &line(done, summary), (event, &summary.batch), fields);
}

fn write(least: Level, level: Level, text: &str, (event, batch): (&str, &str), fields: Fields) {
    if level <= least {
        let which = [("event", json!(event)), ("batch", json!(batch))];
        let which = which.map(|(name, value)| (name.to_owned(), value)).into_iter().collect();
        Line::new(level, text).with(which).with(fields).write();
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
