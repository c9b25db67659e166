//! Runs without latency and their peers, the pure parts, and the journal.

use std::process::Command;

use super::Results;
use super::bench::{Bench, Failure, Measured, Stub};
use super::number::Number;

/// Calls that a payout takes.
pub(super) const CALLS_A_PAYOUT: u64 = 3;

/// The engine against bare calls and against its peers, all of them at one stub.
pub(super) fn without_latency(bench: &Bench, results: &mut Results) -> Result<(), Failure> {
    let stub = Stub::start(bench, &[])?;
    let calls = bench.sizes.calls.to_string();
    let peers_file = bench.people(bench.sizes.peer_rows)?;
    for round in 0..bench.sizes.rounds {
        let bare = || bench.ours(Some(&stub), &["bare", &calls, "256"]);
        // The ceiling before it in one round, behind it in the next.
        let (ceiling, (loaded, ran)) = if round % 2 == 0 {
            let ceiling = bare()?;
            (ceiling, bench.pay(&stub, bench.sizes.rows, 256)?)
        } else {
            let ran = bench.pay(&stub, bench.sizes.rows, 256)?;
            (bare()?, ran)
        };
        let (rate, bare) = (ran.a_second(), ceiling.a_second());
        let of_ceiling = rate.times(CALLS_A_PAYOUT).over(bare);
        results.add("zero", of_ceiling, format!("{rate} payouts/s; {bare} calls/s"));
        results.add("load", loaded.a_second(), "");

        let (_, ran) = bench.pay(&stub, bench.sizes.rows, 64)?;
        let (ours, mut missed) = (ran.a_second(), Vec::new());
        let mut against = |id, peer: &Measured| {
            let its = peer.a_second();
            results.add(id, ours.over(its), format!("{ours} and {its} payouts/s, 64 in flight"));
        };
        let store = bench.new_store()?;
        let store = store.trim_start_matches("sqlite://");
        let naive = bench.ours(Some(&stub), &["naive", &peers_file, store])?;
        against("naive", &naive);
        for (id, commit) in [("python", "row"), ("python-group", "group")] {
            match aiohttp(bench, &stub, &peers_file, commit) {
                Ok(peer) => against(id, &peer),
                Err(why) => missed.push((id, why.to_string())),
            }
        }
        for (id, why) in missed {
            results.miss(id, &why);
        }
    }
    Ok(())
}

fn aiohttp(bench: &Bench, stub: &Stub, file: &str, commit: &str) -> Result<Measured, Failure> {
    let store = bench.new_store()?;
    let mut command = bench.peer("aiohttp_payouts.py")?;
    command.args([file, store.trim_start_matches("sqlite://"), commit]);
    Ok(serde_json::from_value(bench.run(Some(stub), &mut command)?)?)
}

/// Sealing and signing, beside a run that tells what a payout costs.
pub(super) fn pure(bench: &Bench, results: &mut Results) -> Result<(), Failure> {
    let stub = Stub::start(bench, &[])?;
    for _ in 0..bench.sizes.rounds {
        let mut command = Command::new(&bench.kess_bench);
        let costs = bench.run(None, command.arg("pure"))?;
        let cost = |name: &str| costs[name].as_u64().ok_or("kess-bench pure is incomplete");
        let (seal, sign, hash) = (cost("seal")?, cost("sign")?, cost("hash")?);

        let (_, ran) = bench.pay(&stub, bench.sizes.rows, 256)?;
        let payout = ran.processor_nanoseconds / ran.done.max(1);
        let note = format!("{} of {} µs", micro(seal), micro(payout));
        results.add("seal-share", Number::ratio(seal.into(), payout.into()), note);
        results.add("sign", micro(sign), "");
        results.add("sign-hash", Number::ratio(sign.into(), hash.into()), "");
        match openssl() {
            Ok(verify) => {
                let note = format!("{} µs", micro(verify));
                results.add("seal-openssl", Number::ratio(seal.into(), verify.into()), note);
            }
            Err(why) => results.miss("seal-openssl", &why.to_string()),
        }
    }
    Ok(())
}

/// Nanoseconds as microseconds.
fn micro(nanoseconds: u64) -> Number {
    Number::ratio(nanoseconds.into(), 1_000)
}

/// Nanoseconds of OpenSSL's RSA with a public key of 2048 bits.
fn openssl() -> Result<u64, Failure> {
    let mut command = Command::new("openssl");
    command.args(["speed", "-seconds", "1", "-mr", "rsa2048"]);
    let output = command.output().map_err(|error| format!("openssl: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    verify_time(&text).ok_or_else(|| "openssl speed said something else".into())
}

/// From a line `+F2:INDEX:BITS:SIGN:VERIFY`, in nanoseconds. OpenSSL 3 tells how many a second,
/// older ones how many seconds each.
fn verify_time(text: &str) -> Option<u64> {
    let line = text.lines().find(|line| line.starts_with("+F2:"))?;
    let value = line.split(':').nth(4)?;
    let (whole, part) = value.split_once('.')?;
    if whole != "0" {
        return Some(Number::ratio(1_000_000_000, whole.parse().ok()?).floor());
    }
    // The nine digits behind the point are nanoseconds.
    format!("{part:0<9.9}").parse().ok()
}

/// Groups of transitions against as many bytes that are appended and made durable.
pub(super) fn journal(bench: &Bench, results: &mut Results) -> Result<(), Failure> {
    let groups = [
        ("journal-1", 1),
        ("journal-8", 8),
        ("journal-64", 64),
        ("journal-256", 256),
        ("journal-512", 512),
    ];
    let stub = Stub::start(bench, &[])?;
    let plain = bench.scratch.join("appended").display().to_string();
    for _ in 0..bench.sizes.long_rounds {
        for (id, group) in groups {
            // A thousand commits of one say as much as twenty thousand would.
            let rows = bench.sizes.journal_rows.min(500 * group);
            let (file, store) = (bench.people(rows)?, bench.new_store()?);
            let (size, times) = (group.to_string(), (2 * rows / group).to_string());
            let ours = bench.ours(Some(&stub), &["journal", &file, &store, &size])?;
            let appended = bench.ours(None, &["append", &plain, &size, &times])?;
            let (rate, ceiling) = (ours.a_second(), appended.a_second());
            let note = format!("{rate} transitions/s; {ceiling}");
            results.add(id, rate.over(ceiling), note);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_to_verify_is_read_from_openssl() {
        let old = "+DTP:2048:private:rsa:1\n+R1:1:2048:1.0\n+F2:2:2048:0.000566:0.000017\n";
        assert_eq!(verify_time(old), Some(17_000));
        assert_eq!(verify_time("+F2:2:2048:3912.121212:60172.727273\n"), Some(16_619));
        assert_eq!(verify_time("nothing\n"), None);
    }
}
