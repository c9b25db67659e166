//! A large batch: its memory from the file to the last row, and how soon it goes on after a kill.

use std::process::Stdio;
use std::time::{Duration, Instant};

use super::Results;
use super::bench::{Bench, Failure, Stub, count, nanoseconds, watch};
use super::check::seconds;
use super::flight::mib;
use super::number::Number;
use super::parts::CALLS_A_PAYOUT;
use crate::memory;

/// `payout run`, killed half-way; `payout resume`, killed as soon as it calls, and again, and in
/// the end left alone.
pub(super) fn large(bench: &Bench, results: &mut Results) -> Result<(), Failure> {
    let rows = bench.sizes.large;
    let stub = Stub::start(bench, &[])?;
    let (file, store) = (bench.people(rows)?, bench.new_store()?);
    let run = ["run", &file, "--yes", "--store", &store, "--concurrency", "256"];
    let half = rows / 2 * CALLS_A_PAYOUT;
    let (mut peak, began) = (until(bench, &stub, &run, half)?.1, Instant::now());
    let resume = ["resume", "--store", &store];
    for _ in 1..bench.sizes.long_rounds {
        let (first, kib) = until(bench, &stub, &resume, 1)?;
        results.add("resume", first, "");
        peak = peak.max(kib);
    }

    stub.forget()?;
    let mut command = bench.command(Some(&stub), &resume);
    let started = Instant::now();
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let (ended, kib) = watch(&mut child)?;
    let figures = stub.figures()?;
    let asked = Instant::now();
    let first = asked.checked_sub(Duration::from_nanos(count(&figures, "first_payout_call_ago")?));
    let first = first.map(|at| at.saturating_duration_since(started)).ok_or("before the start")?;
    results.add("resume", seconds(nanoseconds(first)), format!("of {} rows", Number::whole(rows)));
    peak = peak.max(kib);
    let calls = count(&figures, "calls")?;
    // Its exit code tells how the batch stands, which is not asked here.
    let status = bench.command(None, &["status", "--store", &store, "--json"]).output()?;
    let status: serde_json::Value = serde_json::from_slice(&status.stdout)?;
    let paid = count(&status["counts"], "paid")?;
    // What was under way at a kill, the stub cannot tell: it keeps no books.
    if paid + 256 * u64::from(bench.sizes.long_rounds) < rows {
        return Err(format!("{paid} of {rows} rows were paid").into());
    }
    bench.note(
        "the large batch",
        &serde_json::json!({
            "rows": rows,
            "peak_kib": peak,
            "seconds_from_half": ended.saturating_duration_since(began).as_secs(),
            "calls_of_last_resume": calls,
            "counts": status["counts"],
        }),
    );
    if let Some(kib) = peak {
        let note = format!("payout run and resume of {} rows", Number::whole(rows));
        results.add("run-memory", mib(kib), note);
    }
    Ok(())
}

/// Starts `payout`, and kills it once the stub has had so many calls about payouts. Returns how
/// long the first of them took to come, and the most memory that the process was seen with.
fn until(
    bench: &Bench,
    stub: &Stub,
    arguments: &[&str],
    calls: u64,
) -> Result<(Number, Option<u64>), Failure> {
    stub.forget()?;
    let mut command = bench.command(Some(stub), arguments);
    let started = Instant::now();
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let mut peak = None;
    loop {
        std::thread::sleep(Duration::from_millis(5));
        peak = memory::peak_kib(child.id()).max(peak);
        let figures = stub.figures()?;
        let asked = Instant::now();
        let ended = child.try_wait()?;
        if let Some(ago) = figures["first_payout_call_ago"].as_u64()
            && count(&figures, "calls")? >= calls
        {
            // `kill -9`: what a crash leaves is what is resumed.
            let _ = child.kill();
            child.wait()?;
            let came = asked.checked_sub(Duration::from_nanos(ago)).unwrap_or(started);
            let first = came.saturating_duration_since(started);
            return Ok((seconds(nanoseconds(first)), peak));
        }
        if let Some(status) = ended {
            return Err(format!("payout {}: {status} before it was killed", arguments[0]).into());
        }
    }
}
