//! What every store does with money the same way: how a row begins, how sums move, what counts.
//!
//! Pure. Invariant: amounts are whole ten-thousandths, and one that does not fit is refused.

use std::{
    collections::{BTreeMap, HashSet},
    time::Duration,
};

use jiff::Timestamp;

use super::{
    Transition,
    codec::{Columns, Fields, amount, currency, units},
};
use crate::{
    batch::{BatchState, GatewayIdentity, NewBatch},
    chain::{Creation, LogEvent},
    error::Error,
    machine::{Payout, State},
    order_no::BatchCode,
    payout::{BatchSummary, NewPayout, Outcome},
};

/// What stands where words stood that were purged. Words of people, of banks and of the gateway may
/// name somebody; codes never do, so they stay.
pub(super) const REMOVED: &str = "removed with the personal data";

/// Outcomes whose money was sent and whose end is not known.
pub(super) const IN_FLIGHT: [Outcome; 3] =
    [Outcome::InDoubt, Outcome::AwaitingOtp, Outcome::Processing];

/// States in which a batch waits for `resume`.
pub(super) const UNFINISHED: [BatchState; 3] =
    [BatchState::Ready, BatchState::Running, BatchState::Stopped];

/// What is added to the sums of a batch, in rows and in ten-thousandths, by currency and outcome.
/// Taking away is adding a negative number.
pub(super) type Moves<'a> = BTreeMap<(&'a str, Outcome), (i64, i64)>;

pub(super) fn creation(
    new: &NewBatch,
    gateway: &GatewayIdentity,
    code: BatchCode,
    runner: &str,
) -> Vec<LogEvent> {
    let creation = Creation {
        name: new.name.clone(),
        code: code.to_string(),
        base_url: gateway.base_url.clone(),
        seller_code: gateway.seller_code.clone(),
        source: new.source.clone(),
        options: new.options.clone(),
        runner: runner.to_owned(),
    };
    LogEvent::created(creation, new)
}

/// A row as it is before anything happens to it.
pub(super) fn first(row: &NewPayout, now: Timestamp) -> Payout {
    let mut payout = Payout::new(row.row, row.money.clone(), now);
    if let Some(reason) = &row.invalid {
        payout.state = State::Invalid;
        payout.next_at = None;
        payout.reason = Some(reason.clone());
    }
    payout
}

/// The amount of a row in ten-thousandths.
pub(super) fn units_of(row: &NewPayout) -> Result<i64, Error> {
    units(&row.money.amount())
        .ok_or_else(|| Error::row(row.row, "the amount does not fit the store"))
}

/// What rows that are loaded add to the sums.
pub(super) fn sums_of(rows: &[NewPayout], now: Timestamp) -> Result<Moves<'_>, Error> {
    let mut sums = Moves::new();
    for row in rows {
        let outcome = first(row, now).outcome();
        let sum = sums.entry((row.money.currency().as_str(), outcome)).or_default();
        sum.0 += 1;
        sum.1 = sum
            .1
            .checked_add(units_of(row)?)
            .ok_or_else(|| Error::row(row.row, "the batch's sum does not fit the store"))?;
    }
    Ok(sums)
}

/// What transitions move from one outcome's sum to the other's.
pub(super) fn moves_of(transitions: &[Transition]) -> Result<Moves<'_>, Error> {
    let mut moves = Moves::new();
    for Transition { from, payout } in transitions {
        if *from == payout.outcome() {
            continue;
        }
        let units = units(&payout.money.amount())
            .ok_or_else(|| Error::row(payout.row, "the amount does not fit the store"))?;
        let currency = payout.money.currency().as_str();
        for (outcome, sign) in [(*from, -1), (payout.outcome(), 1)] {
            let sum = moves.entry((currency, outcome)).or_default();
            sum.0 += sign;
            sum.1 += sign * units;
        }
    }
    Ok(moves)
}

/// How many transitions from the start fit one statement that takes at most `limit`: no row twice,
/// because one statement writes a row once.
pub(super) fn distinct_rows(transitions: &[Transition], limit: usize) -> usize {
    let mut seen = HashSet::with_capacity(limit.min(transitions.len()));
    transitions
        .iter()
        .take(limit)
        .take_while(|transition| seen.insert(transition.payout.row))
        .count()
}

/// How many rows a statement has that writes `rows` rows: as many, or up to a quarter more, so that
/// there are few different texts, and each stays prepared.
pub(super) fn statement_size(rows: usize) -> usize {
    rows.next_multiple_of((rows.next_power_of_two() / 8).max(1))
}

/// Rows that were not all as their writer had read them.
pub(super) fn not_as_read(transitions: &[Transition]) -> Error {
    let rows: Vec<_> = transitions.iter().map(|t| t.payout.row.to_string()).collect();
    Error::books(format!("one of the rows {} is not as it was read", rows.join(", ")))
}

/// The sums of a batch that are not what was requested.
pub(super) fn unbalanced(batch: &str, currency: &str, requested: i64, found: i64) -> Error {
    let (requested, found) = (amount(requested), amount(found));
    Error::books(format!(
        "batch `{batch}` requested {requested} {currency}, its rows add up to {found}"
    ))
}

/// The rows of an outcome that are not as many, or not as much, as is kept of them.
pub(super) fn miscounted(currency: &str, outcome: &str) -> Error {
    Error::books(format!(
        "the rows that are `{outcome}` in {currency} are not the sum kept of them"
    ))
}

/// Intake finds repeated references with their lines; this is only the last line of defence.
pub(super) fn duplicate_or_failed(error: sqlx::Error, rows: &[NewPayout]) -> Error {
    let unique = error.as_database_error().is_some_and(|e| e.is_unique_violation());
    match rows.first() {
        Some(first) if unique => {
            Error::row(first.row, "here or shortly after: a reference or record number is repeated")
        }
        _ => Error::store("write the rows", error),
    }
}

/// The summary of a batch, of its row and those of its sums.
pub(super) fn summary<R: Columns>(batch: &R, sums: &[R]) -> Result<BatchSummary, Error> {
    let fields = Fields(batch);
    let mut summary = BatchSummary {
        batch: fields.text("name")?.to_owned(),
        rows: 0,
        counts: BTreeMap::new(),
        totals: BTreeMap::new(),
        elapsed: Duration::from_millis(fields.count("elapsed_ms")?),
        stopped: fields.stopped()?,
        interrupted: fields.int("interrupted")? != 0,
        cancelled: fields.cancel_request()?,
    };
    for sum in sums {
        let sum = Fields(sum);
        let outcome: Outcome = sum.word("outcome")?;
        let rows: u64 = sum.count("rows")?;
        let money = amount(sum.int("amount")?);
        summary.rows += rows;
        *summary.counts.entry(outcome).or_default() += rows;
        let total = summary.totals.entry(currency(sum.text("currency")?)?).or_default();
        total.requested = total
            .requested
            .checked_add(money)
            .ok_or_else(|| Error::books("the batch's sum is too large"))?;
        total.by_outcome.insert(outcome, money);
    }
    Ok(summary)
}

pub(super) fn taken(name: &str) -> Error {
    Error::batch_state(
        name,
        "exists already; `payout resume` goes on with it, `--batch` gives another name",
    )
}

pub(super) fn half_loaded(name: &str) -> Error {
    Error::batch_state(name, "was never loaded completely; run its file again")
}

pub(super) fn never_loaded(name: &str) -> Error {
    Error::batch_state(name, "was never loaded completely, so nothing of it can be sent")
}

pub(super) fn name_is_taken(name: &str) -> Error {
    Error::batch_state(name, "cannot be taken in: there is a batch of that name already")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::statement_size;

    #[test]
    fn statements_have_few_sizes_and_little_to_spare() {
        let rows = 1..=128;
        assert!(rows.clone().all(|rows| (rows..=rows * 5 / 4).contains(&statement_size(rows))));
        assert_eq!(rows.map(statement_size).collect::<BTreeSet<_>>().len(), 24);
        assert_eq!(statement_size(0), 0);
    }
}
