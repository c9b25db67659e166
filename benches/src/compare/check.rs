//! `payout check` against the csv crate and polars, and a series of sizes.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::Results;
use super::bench::{Bench, Failure};
use super::flight::mib;
use super::number::Number;

/// Whole processes: `payout check` from its start to its end, csv and polars without their start.
pub(super) fn check(bench: &Bench, results: &mut Results) -> Result<(), Failure> {
    let sizes = bench.sizes.checks;
    // The last is for memory alone.
    let judged = sizes[sizes.len().saturating_sub(2)];
    let file = bench.people(judged)?;
    let of_rows = |rows| format!("of {} rows", Number::whole(rows));
    for _ in 0..bench.sizes.rounds {
        let raw = bench.ours(None, &["csv", &file])?;
        let ours = bench.payout(None, &["check", &file])?;
        let time = seconds(ours.nanoseconds);
        let note = format!("{time} and {} s, {}", seconds(raw.nanoseconds), of_rows(judged));
        let ratio = Number::ratio(ours.nanoseconds.into(), raw.nanoseconds.into());
        results.add("check-csv", ratio, note);
        match polars(bench, &file) {
            Ok(theirs) => {
                let note = format!("{time} and {theirs} s, {}", of_rows(judged));
                results.add("check-polars", time.over(theirs), note);
            }
            Err(why) => results.miss("check-polars", &why.to_string()),
        }
        if let Some(peak) = ours.peak_kib {
            results.add("check-memory", mib(peak), of_rows(judged));
        }
    }
    for &rows in sizes {
        let file = bench.people(rows)?;
        let raw = bench.ours(None, &["csv", &file])?;
        let ours = bench.payout(None, &["check", &file])?;
        if let Some(peak) = ours.peak_kib.filter(|_| Some(&rows) == sizes.last()) {
            results.add("check-memory-10m", mib(peak), of_rows(rows));
        }
        let rate = Number::ratio(u128::from(rows) * 1_000_000_000, ours.nanoseconds.into());
        results.checks.push(json!({
            "rows": rows,
            "seconds": seconds(ours.nanoseconds),
            "csv_seconds": seconds(raw.nanoseconds),
            "rows_a_second": rate,
            "peak_mib": ours.peak_kib.map(mib),
        }));
        std::fs::remove_file(file)?;
    }
    Ok(())
}

/// Seconds that polars took, by its own account.
fn polars(bench: &Bench, file: &str) -> Result<Number, Failure> {
    let said = bench.run(None, bench.peer("polars_check.py")?.arg(file))?;
    Number::parse(&said["seconds"].to_string()).ok_or_else(|| "polars took no time".into())
}

/// Nanoseconds as seconds.
pub(super) fn seconds(nanoseconds: u64) -> Number {
    Number::ratio(nanoseconds.into(), 1_000_000_000)
}

/// The series as Markdown.
pub(super) fn markdown(series: &[Value]) -> String {
    if series.is_empty() {
        return String::new();
    }
    let mut text = "\n| `payout check` of rows | s | rows/s | csv crate alone, s | peak MiB |\n\
                    |---:|---:|---:|---:|---:|\n"
        .to_owned();
    for check in series {
        let number = |name: &str| {
            let value = check[name].as_str().and_then(Number::parse);
            value.map(|number| number.to_string()).unwrap_or_default()
        };
        let rows = Number::whole(check["rows"].as_u64().unwrap_or_default());
        let _ = writeln!(
            text,
            "| {rows} | {} | {} | {} | {} |",
            number("seconds"),
            number("rows_a_second"),
            number("csv_seconds"),
            number("peak_mib")
        );
    }
    text
}
