//! What people read: tables, sums, findings, and what to do next. Data goes to stdout, everything
//! else to stderr.

use std::collections::BTreeMap;
use std::io::{self, Write};

use jiff::Timestamp;
use kess_gateway::{Amount, Currency};
use serde_json::{Value, json};
use tracing::Level;

use crate::command::args::Global;
use crate::command::failure::Failure;
use crate::command::log::{self, Line};
use crate::intake::{Checked, Finding};
use crate::report::{amounts_json, count, grouped, plain};
use crate::{Batch, BatchState, BatchSummary, Outcome, StopCause};

/// How many findings are shown to people before the rest is counted; `--json` has them all.
const FINDINGS_SHOWN: usize = 50;

/// Prints a line on stdout. A reader that went away ends the command quietly.
pub(crate) fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Tells the user something on stderr. What `--quiet` leaves out goes through [`note`].
pub(crate) fn tell(text: &str) {
    if log::is_json() {
        return Line::new(Level::INFO, text).write();
    }
    // Nobody to tell is no reason to stop paying.
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Tells the user something about a batch on stderr, which may be something bad.
pub(crate) fn tell_of(batch: Option<&str>, is_bad: bool, text: &str) {
    if !log::is_json() {
        return tell(text);
    }
    let level = if is_bad { Level::ERROR } else { Level::INFO };
    let fields = [("batch".to_owned(), json!(batch))];
    Line::new(level, text).with(fields.into_iter().collect()).write();
}

/// Tells the user on stderr why a command could not do what it was asked.
pub(crate) fn tell_failure(failure: &Failure) {
    if !log::is_json() {
        return tell(&failure.text());
    }
    let fields = [("exit", json!(failure.exit as u8)), ("hint", json!(failure.hint()))];
    let fields = fields.map(|(name, value)| (name.to_owned(), value));
    Line::new(Level::ERROR, failure.message()).with(fields.into_iter().collect()).write();
}

/// Tells the user something on stderr that `--quiet` leaves out.
pub(crate) fn note(global: &Global, text: &str) {
    if !global.quiet {
        tell(text);
    }
}

/// A table with aligned columns, two blanks between them; those in `right` are aligned right.
pub(crate) fn table(rows: &[Vec<String>], right: &[usize]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| width_of(cell)).max()
    };
    let widths: Vec<_> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            let padding = " ".repeat(widths[column].saturating_sub(width_of(cell)));
            let gap = if column == 0 { "" } else { "  " };
            let is_right = right.contains(&column);
            let cell =
                if is_right { format!("{padding}{cell}") } else { format!("{cell}{padding}") };
            line.push_str(gap);
            line.push_str(&cell);
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text.truncate(text.trim_end().len());
    text
}

/// Columns that a cell takes on a terminal. Khmer signs over and under a consonant take none.
fn width_of(text: &str) -> usize {
    let takes_none = |c: &char| {
        matches!(c, '\u{17b4}'..='\u{17bd}' | '\u{17c6}' | '\u{17c9}'..='\u{17d3}')
            || matches!(c, '\u{200b}'..='\u{200d}')
    };
    text.chars().filter(|c| !takes_none(c)).count()
}

/// The document of `check --json`.
pub(crate) fn checked_json(checked: &Checked) -> String {
    let findings =
        |findings: &[Finding]| -> Vec<Value> { findings.iter().map(finding_json).collect() };
    json!({
        "rows": checked.rows,
        "valid": checked.valid,
        "totals": amounts_json(&checked.totals),
        "problems": findings(&checked.problems),
        "warnings": findings(&checked.warnings),
    })
    .to_string()
}

fn finding_json(finding: &Finding) -> Value {
    json!({
        "line": finding.line,
        "row": finding.row,
        "column": finding.column,
        "code": finding.code.as_str(),
        "value": finding.value,
        "message": finding.message,
        "hint": finding.hint,
    })
}

/// What a run tells about a file, on stderr. Findings quote what stands in the file, so a log has
/// their number alone.
pub(crate) fn checked_note(checked: &Checked) -> String {
    if !log::is_json() {
        return checked_text(checked);
    }
    let counts = [("problem", &checked.problems), ("warning", &checked.warnings)];
    counts.map(|(what, findings)| count(findings.len() as u64, what)).join(", ")
        + " in the file; `payout check` shows them"
}

/// What `check` tells people about a file.
pub(crate) fn checked_text(checked: &Checked) -> String {
    let mut parts = Vec::new();
    if !checked.problems.is_empty() {
        parts.push(findings_text("problem", &checked.problems));
    }
    if !checked.warnings.is_empty() {
        parts.push(findings_text("warning", &checked.warnings));
    }
    let valid = grouped(&checked.valid.to_string());
    let rows = format!("{valid} of {}", count(checked.rows, "row"));
    let mut lines = vec![vec!["valid".to_owned(), rows]];
    lines.extend(amount_lines(&checked.totals));
    parts.push(table(&lines, &[]));
    parts.join("\n\n")
}

/// Sums by currency, for a table.
pub(crate) fn amount_lines(totals: &BTreeMap<Currency, Amount>) -> Vec<Vec<String>> {
    let line = |(currency, amount): (&Currency, &Amount)| {
        vec![currency.to_string(), grouped(&plain(*amount, currency))]
    };
    totals.iter().map(line).collect()
}

fn findings_text(what: &str, findings: &[Finding]) -> String {
    let mut text = format!("{}:", count(findings.len() as u64, what));
    for finding in findings.iter().take(FINDINGS_SHOWN) {
        let value = finding.value.as_ref().map_or_else(String::new, |value| format!(" `{value}`"));
        let column = finding.column.as_ref().map_or_else(String::new, |name| format!(", {name}"));
        let place = format!("  line {}{column}{value}", finding.line);
        text.push_str(&format!("\n{place}: {}\n    -> {}", finding.message, finding.hint));
    }
    if let Some(more) = findings.len().checked_sub(FINDINGS_SHOWN).filter(|&more| more > 0) {
        text.push_str(&format!("\n  and {more} more; `--json` lists them all"));
    }
    text
}

/// How a batch stands, for people: sums by currency, rows by outcome.
pub(crate) fn summary_text(summary: &BatchSummary) -> String {
    let mut heading = vec![String::new(), "rows".to_owned()];
    heading.extend(summary.totals.keys().map(ToString::to_string));
    let mut rows = vec![heading];
    for &outcome in Outcome::ALL {
        let count = summary.count(outcome);
        if count == 0 {
            continue;
        }
        let mut row = vec![outcome_words(outcome).to_owned(), count.to_string()];
        row.extend(
            summary
                .totals
                .iter()
                .map(|(currency, total)| grouped(&plain(total.of(outcome), currency))),
        );
        rows.push(row);
    }
    let mut all = vec!["all".to_owned(), summary.rows.to_string()];
    all.extend(summary.totals.iter().map(|(c, total)| grouped(&plain(total.requested, c))));
    rows.push(all);
    let right: Vec<_> = (1..rows[0].len()).collect();
    let rows = table(&rows, &right);
    let mut text = format!("batch {}: {}\n\n{rows}", summary.batch, count(summary.rows, "row"));
    if let Some(request) = &summary.cancelled {
        text.push_str(&format!("\n\n{request}"));
    }
    let told = |cause| cause == StopCause::Cancelled && summary.cancelled.is_some();
    if let Some(stopped) = summary.stopped.as_ref().filter(|stopped| !told(stopped.cause)) {
        text.push_str(&format!("\n\nstopped: {}", stopped.message));
    }
    text
}

/// What to do next, as commands to type; `flags` go with each of them.
pub(crate) fn next_steps(summary: &BatchSummary, flags: &str) -> String {
    let batch = quoted(&summary.batch);
    let any = |outcomes: &[Outcome]| outcomes.iter().any(|&outcome| summary.count(outcome) > 0);
    let mut steps = Vec::new();
    let is_cancelled = summary.cancelled.is_some();
    if summary.count(Outcome::AwaitingOtp) > 0 && !is_cancelled {
        steps.push(format!("enter the one-time passwords: payout otp {batch}{flags}"));
    }
    let open = [Outcome::Pending, Outcome::InDoubt, Outcome::AwaitingOtp, Outcome::Processing];
    if any(&open) {
        let what = if is_cancelled { "close what is open" } else { "go on" };
        steps.push(format!("{what}: payout resume {batch}{flags}"));
    }
    if any(&[Outcome::Held]) && !is_cancelled {
        let decide = format!("payout release {batch} REFERENCE --reason TEXT{flags}");
        steps.push(format!("decide about held rows: {decide} (or `reject`)"));
    }
    if is_cancelled && any(&[Outcome::Failed, Outcome::Expired, Outcome::Cancelled]) {
        let rows = format!("payout report {batch}{flags} --retriable -o again.csv");
        steps.push(format!("pay them after all, from a new file: {rows}"));
    } else if any(&[Outcome::Failed, Outcome::Expired, Outcome::Cancelled]) {
        steps.push(format!("try them again, once the cause is gone: payout retry {batch}{flags}"));
    }
    if any(&[Outcome::Failed, Outcome::Expired, Outcome::Held, Outcome::Invalid, Outcome::Reversed])
    {
        steps.push(format!("see why: payout report {batch}{flags} -o report.csv"));
    }
    if steps.is_empty() && summary.count(Outcome::Paid) > 0 {
        steps.push(format!("keep the proof: payout report {batch}{flags} -o report.csv"));
    }
    steps.join("\n")
}

/// Where a batch stands, who has it in hand, and whether its people are forgotten.
pub(crate) fn state_text(batch: &Batch, now: Timestamp) -> String {
    let purged = batch.purged_at.map(|at| format!(", purged {}", at.strftime("%Y-%m-%d")));
    let holder = batch.lease.as_ref().filter(|lease| lease.until > now).map(|lease| &lease.runner);
    if let Some(departure) = &batch.moved {
        return [departure.to_string(), purged.unwrap_or_default()].concat();
    }
    let state = match (&batch.cancelled, batch.state) {
        (Some(_), BatchState::Finished) => "cancelled",
        (Some(_), _) => "being cancelled",
        (None, state) if batch.paused.is_some() && state != BatchState::Finished => "paused",
        (None, BatchState::Running) if holder.is_none() => "stopped, its process is gone",
        (None, state) => state.as_str(),
    };
    let holder = holder.map(|holder| format!(": {holder}"));
    [Some(state.to_owned()), purged, holder].into_iter().flatten().collect()
}

/// A batch's name as a shell takes it.
pub(crate) fn quoted(name: &str) -> String {
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c));
    if plain { name.to_owned() } else { format!("'{}'", name.replace('\'', "'\\''")) }
}

/// An outcome as people say it.
pub(crate) fn outcome_words(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pending => "not sent yet",
        Outcome::Held => "held for a decision",
        Outcome::InDoubt => "in doubt",
        Outcome::AwaitingOtp => "waiting for an OTP",
        Outcome::Processing => "in progress",
        Outcome::Paid => "paid",
        Outcome::Failed => "failed",
        Outcome::Expired => "expired unpaid",
        Outcome::Cancelled => "cancelled",
        Outcome::Reversed => "paid and given back",
        Outcome::Invalid => "invalid, not sent",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells<const N: usize>(cells: [&str; N]) -> Vec<String> {
        cells.map(str::to_owned).to_vec()
    }

    #[test]
    fn tables_are_aligned() {
        let rows = [cells(["a", "1"]), cells(["bbb", "100"])];
        assert_eq!(table(&rows, &[1]), "a      1\nbbb  100");
        let khmer = [cells(["ប្រាក់", "1"]), cells(["abc", "2"])];
        assert_eq!(table(&khmer, &[]).lines().map(width_of).max(), Some(width_of("ប្រាក់  1")));
    }

    #[test]
    fn a_name_is_typed_as_the_shell_takes_it() {
        assert_eq!(quoted("june-2026"), "june-2026");
        assert_eq!(quoted("june 2026"), "'june 2026'");
    }
}
