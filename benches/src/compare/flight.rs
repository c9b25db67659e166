//! Runs at a gateway that takes its time, and what each payout in flight costs in memory.

use super::Results;
use super::bench::{Bench, Failure, Measured, Stub};
use super::number::Number;
use super::parts::CALLS_A_PAYOUT;

/// The rate that no run can exceed: each of `in_flight` payouts waits for its calls.
pub(super) fn bound(in_flight: usize, delay_ms: u64) -> Number {
    Number::ratio(in_flight as u128 * 1_000, u128::from(CALLS_A_PAYOUT * delay_ms))
}

/// Both latencies in turns.
pub(super) fn late(bench: &Bench, results: &mut Results) -> Result<(), Failure> {
    let (near, far) = (stub(bench, 50)?, stub(bench, 200)?);
    let [near_rows, far_rows] = bench.sizes.late_rows;
    for _ in 0..bench.sizes.long_rounds {
        let (_, ran) = bench.pay(&near, near_rows, 512)?;
        results.add("50ms", of_bound(&ran, 512, 50)?, note(&ran)?);
        let (_, many) = bench.pay(&far, far_rows, 2_048)?;
        results.add("200ms", of_bound(&many, 2_048, 200)?, note(&many)?);

        let (_, few) = bench.pay(&far, far_rows / 8, 256)?;
        let (Some(many), Some(few)) = (many.peak_kib, few.peak_kib) else {
            results.miss("flight-memory", "this system does not tell the peak of a process");
            continue;
        };
        let each = Number::ratio(many.saturating_sub(few).into(), 2_048 - 256);
        let note = format!("{} and {} MiB", mib(few), mib(many));
        results.add("flight-memory", each, note);
    }
    Ok(())
}

/// A stub with a delay.
pub(super) fn stub(bench: &Bench, delay_ms: u64) -> Result<Stub, Failure> {
    if delay_ms == 0 {
        return Stub::start(bench, &[]);
    }
    Stub::start(bench, &["--delay", &delay_ms.to_string()])
}

fn of_bound(ran: &Measured, in_flight: usize, delay_ms: u64) -> Result<Number, Failure> {
    Ok(ran.steady()?.over(bound(in_flight, delay_ms)))
}

fn note(ran: &Measured) -> Result<String, Failure> {
    Ok(format!("{} payouts/s; {} with ramp and tail", ran.steady()?, ran.a_second()))
}

/// KiB as MiB.
pub(super) fn mib(kib: u64) -> Number {
    Number::ratio(kib.into(), 1_024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_is_littles() {
        assert_eq!(bound(512, 50).to_string(), "3,413");
        assert_eq!(bound(2_048, 200).to_string(), "3,413");
    }
}
