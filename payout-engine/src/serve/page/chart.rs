//! Pictures of a batch: the bar of its progress, and how it went over time.
//!
//! Both are SVG in shares of the width they get, so they fit a phone and a screen. Colours are
//! never the only difference: every outcome has a pattern of its own as well (`shapes.html`), and
//! the chart comes with the same numbers as a table.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use minijinja::{Value, context};

use super::{view, words::Language};
use crate::{
    batch::Batch,
    error::Error,
    payout::{BatchSummary, Outcome},
    report::grouped,
    store::Store,
};

/// How long the time behind one bar may be, with the words for it.
const BUCKETS: [(u64, &str, u64); 14] = [
    (1, "second", 1),
    (2, "second", 2),
    (5, "second", 5),
    (10, "second", 10),
    (30, "second", 30),
    (60, "minute", 1),
    (120, "minute", 2),
    (300, "minute", 5),
    (600, "minute", 10),
    (1_800, "minute", 30),
    (3_600, "hour", 1),
    (21_600, "hour", 6),
    (86_400, "day", 1),
    (604_800, "day", 7),
];

/// The most bars of a chart.
const BARS: u64 = 60;

/// The order in which outcomes are stacked and listed: what is done first, what is left last.
pub(super) const ORDER: [Outcome; 11] = [
    Outcome::Paid,
    Outcome::Processing,
    Outcome::AwaitingOtp,
    Outcome::InDoubt,
    Outcome::Held,
    Outcome::Failed,
    Outcome::Expired,
    Outcome::Cancelled,
    Outcome::Reversed,
    Outcome::Invalid,
    Outcome::Pending,
];

/// A length as a share of the whole, in per cent with two decimals.
fn share(part: u64, whole: u64) -> String {
    let share = u128::from(part) * 10_000 / u128::from(whole.max(1));
    format!("{}.{:02}%", share / 100, share % 100)
}

/// The pieces of the progress bar: one for each outcome that occurs, as wide as its share.
pub(super) fn pieces(summary: &BatchSummary) -> Vec<Value> {
    let mut begun = 0;
    let mut pieces = Vec::new();
    for outcome in ORDER {
        let count = summary.count(outcome);
        if count > 0 {
            let (x, width) = (share(begun, summary.rows), share(count, summary.rows));
            pieces.push(context! { outcome => outcome.as_str(), x, width });
            begun += count;
        }
    }
    pieces
}

/// Rows by the time of their last change.
type Times = BTreeMap<Timestamp, BTreeMap<Outcome, u64>>;

/// What the template `chart.html` shows: bars, axis, and the table.
///
/// # Errors
/// Where the store cannot be read.
pub(super) async fn over_time(
    store: &dyn Store,
    batch: &Batch,
    language: Language,
) -> Result<Value, Error> {
    let mut bucket = bucket_for(seconds_between(batch.created_at, batch.updated_at));
    let mut times = read(store, batch, bucket.0).await?;
    // Long idle before the start, or since the end: what happened may fill a few bars only.
    let finer = bucket_for(span(&times) + bucket.0);
    if finer.0 < bucket.0 {
        bucket = finer;
        times = read(store, batch, bucket.0).await?;
    }
    Ok(drawn(&times, bucket, language))
}

async fn read(store: &dyn Store, batch: &Batch, seconds: u64) -> Result<Times, Error> {
    let mut times = Times::new();
    for stretch in store.timeline(batch.id, Duration::from_secs(seconds)).await? {
        // A row that was never touched changed when it was read in; that is no event.
        if !matches!(stretch.outcome, Outcome::Pending | Outcome::Invalid) {
            let counts = times.entry(stretch.begin).or_default();
            *counts.entry(stretch.outcome).or_default() += stretch.rows;
        }
    }
    Ok(times)
}

fn seconds_between(from: Timestamp, to: Timestamp) -> u64 {
    u64::try_from((to.as_second() - from.as_second()).max(0)).unwrap_or_default()
}

fn span(times: &Times) -> u64 {
    let ends = times.first_key_value().zip(times.last_key_value());
    ends.map_or(0, |((first, _), (last, _))| seconds_between(*first, *last))
}

/// The shortest time for one bar with which the chart has few enough of them.
fn bucket_for(span: u64) -> (u64, &'static str, u64) {
    let fits = BUCKETS.into_iter().find(|(seconds, ..)| span / seconds < BARS);
    fits.unwrap_or(BUCKETS[BUCKETS.len() - 1])
}

fn drawn(times: &Times, bucket: (u64, &str, u64), language: Language) -> Value {
    let (seconds, unit, number) = bucket;
    let slots = (span(times) / seconds + 1).max(12);
    let highest = times.values().map(|counts| counts.values().sum::<u64>()).max().unwrap_or(0);
    let top = round_up(highest);
    let first = times.keys().next().copied();
    let mut bars = Vec::new();
    for (at, counts) in times {
        let slot = first.map_or(0, |first| seconds_between(first, *at) / seconds);
        let mut below = 0;
        for outcome in ORDER {
            let Some(&count) = counts.get(&outcome) else { continue };
            below += count;
            bars.push(context! {
                outcome => outcome.as_str(),
                x => share(slot * 20 + 2, slots * 20),
                width => share(16, slots * 20),
                y => share(top - below, top),
                height => share(count, top),
            });
        }
    }
    let shown: Vec<_> = ORDER
        .into_iter()
        .filter(|outcome| times.values().any(|counts| counts.contains_key(outcome)))
        .collect();
    let rows = times.iter().map(|(at, counts)| {
        let counts = shown.iter().map(|it| counts.get(it).copied().unwrap_or(0));
        context! {
            at => view::moment(*at),
            counts => counts.map(|it| grouped(&it.to_string())).collect::<Vec<_>>(),
        }
    });
    let last = first.map(|first| {
        let end = i64::try_from(slots * seconds).unwrap_or(i64::MAX);
        Timestamp::from_second(first.as_second().saturating_add(end)).unwrap_or(first)
    });
    context! {
        bars,
        outcomes => shown.iter().map(|it| it.as_str()).collect::<Vec<_>>(),
        rows => rows.collect::<Vec<_>>(),
        top => grouped(&top.to_string()),
        half => grouped(&(top / 2).to_string()),
        bucket => language.count(&format!("bucket.{unit}"), number),
        first => first.map(view::moment),
        last => last.map(view::moment),
    }
}

/// The next number that halves well and reads well on an axis.
fn round_up(highest: u64) -> u64 {
    let mut step = 1;
    loop {
        for factor in [2, 4, 6, 10] {
            if factor * step >= highest {
                return factor * step;
            }
        }
        step *= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_axis_ends_at_a_round_number_above_everything() {
        let cases = [(0, 2), (1, 2), (3, 4), (7, 10), (11, 20), (61, 100), (399, 400)];
        for (highest, top) in cases {
            assert_eq!(round_up(highest), top);
        }
    }

    #[test]
    fn shares_are_exact_and_need_no_fractions() {
        assert_eq!(share(1, 3), "33.33%");
        assert_eq!(share(0, 0), "0.00%");
        assert_eq!(share(100_000, 100_000), "100.00%");
    }

    #[test]
    fn a_chart_has_few_bars_however_long_a_batch_took() {
        for span in [0, 59, 60, 3_599, 86_400, 30 * 86_400] {
            let (seconds, ..) = bucket_for(span);
            assert!(span / seconds < BARS, "{span}");
        }
    }

    #[test]
    fn every_outcome_has_its_place_in_the_stack() {
        let mut order = ORDER.to_vec();
        order.sort_unstable();
        assert_eq!(order, Outcome::ALL);
    }
}
