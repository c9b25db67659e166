//! Payouts a second by calls in flight, for each latency, with what bounds them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::Results;
use super::bench::{Bench, Failure, Stub};
use super::flight::{bound, stub};
use super::number::Number;
use super::parts::CALLS_A_PAYOUT;

/// The latencies, in milliseconds.
const DELAYS: [u64; 3] = [0, 50, 200];

/// How long a run of the sweep should about take.
const SECONDS: u64 = 4;

/// About what the engine can do at best, so that runs are not too long.
const AT_BEST: u64 = 8_000;

/// A point of a line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Point {
    pub(super) in_flight: usize,
    /// Payouts a second.
    pub(super) rate: Number,
    /// What no run can exceed: a third of the bare calls, or Little's bound where that is lower.
    pub(super) bound: Number,
}

/// A line for each latency.
#[derive(Debug, Default)]
pub(super) struct Sweep(pub(super) BTreeMap<u64, Vec<Point>>);

/// Runs through all of it once.
pub(super) fn sweep(bench: &Bench, results: &mut Results) -> Result<(), Failure> {
    let mut ceilings = BTreeMap::new();
    for delay in DELAYS {
        let stub = stub(bench, delay)?;
        for &in_flight in bench.sizes.sweep {
            if delay == 0 {
                ceilings.insert(in_flight, ceiling(bench, &stub, in_flight)?);
            }
            let ceiling = ceilings.get(&in_flight).copied().unwrap_or_default();
            let little = if delay == 0 { ceiling } else { bound(in_flight, delay) };
            let bound = little.min(ceiling);
            // Enough rows for that time, and for ramp and tail to be a small part.
            let rows = little.floor().min(AT_BEST) * SECONDS;
            let rows = rows.min(bench.sizes.rows * 2).max(2 * in_flight as u64);
            let (_, ran) = bench.pay(&stub, rows, in_flight)?;
            let point = Point { in_flight, rate: ran.steady()?, bound };
            results.sweep.0.entry(delay).or_default().push(point);
        }
    }
    Ok(())
}

/// A third of the bare calls a second.
fn ceiling(bench: &Bench, stub: &Stub, in_flight: usize) -> Result<Number, Failure> {
    let (calls, at_once) = (bench.sizes.calls.to_string(), in_flight.to_string());
    let bare = bench.ours(Some(stub), &["bare", &calls, &at_once])?.a_second();
    Ok(bare.over(Number::whole(CALLS_A_PAYOUT)))
}

impl Sweep {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// For machines.
    pub(super) fn json(&self) -> Value {
        let points = |points: &Vec<Point>| -> Value {
            points
                .iter()
                .map(|point| {
                    json!({
                        "in_flight": point.in_flight,
                        "payouts_a_second": point.rate,
                        "bound": point.bound,
                    })
                })
                .collect()
        };
        let lines = self.0.iter();
        lines.map(|(delay, line)| json!({"delay_ms": delay, "points": points(line)})).collect()
    }

    /// For people.
    pub(super) fn markdown(&self) -> String {
        let mut text = "\n| in flight |".to_owned();
        let mut rule = "|---:|".to_owned();
        for delay in self.0.keys() {
            let _ = write!(text, " {delay} ms: payouts/s | of the bound |");
            rule.push_str("---:|---:|");
        }
        let _ = write!(text, "\n{rule}\n");
        let longest = self.0.values().max_by_key(|line| line.len());
        for at in 0..longest.map_or(0, Vec::len) {
            let in_flight = longest.and_then(|line| line.get(at)).map_or(0, |it| it.in_flight);
            let _ = write!(text, "| {} |", Number::whole(in_flight as u64));
            for line in self.0.values() {
                let cells = line.get(at).map(|point| (point.rate, point.rate.over(point.bound)));
                let _ = match cells {
                    Some((rate, of)) => write!(text, " {rate} | {of} |"),
                    None => write!(text, " | |"),
                };
            }
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_stand_beside_each_other() {
        let point = |in_flight, rate| Point {
            in_flight,
            rate: Number::whole(rate),
            bound: Number::whole(4_000),
        };
        let lines = [(0, vec![point(16, 2_000), point(32, 3_000)]), (50, vec![point(16, 100)])];
        let sweep = Sweep(lines.into_iter().collect());
        let markdown = sweep.markdown();
        assert!(markdown.contains("| 16 | 2,000 | 0.500 | 100 | 0.025 |\n"), "{markdown}");
        assert!(markdown.contains("| 32 | 3,000 | 0.750 | | |\n"), "{markdown}");
        assert_eq!(sweep.json()[1]["points"][0]["in_flight"], 16);
    }
}
