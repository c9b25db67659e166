//! The runner's side: writing what the core decided.
//!
//! Invariant: every transaction here is a [`Work`], so it first proves the lease and tells the log
//! what it changes; it leaves the sums of the batch equal to what was requested; and it leaves rows
//! alone that another runner has in hand.

use std::collections::HashSet;

use jiff::Timestamp;

use super::{PostgresStore, load::move_sums, statement::statement, work::Work};
use crate::{
    chain::LogEvent,
    error::Error,
    payout::{Outcome, StopCause},
    store::{
        Lease, StateChange, Transition,
        books::{distinct_rows, moves_of, not_as_read, unbalanced},
        codec::{Fields, millis},
        failed,
    },
};

pub(super) async fn set_state(
    store: &PostgresStore,
    lease: &Lease,
    change: &StateChange,
    now: Timestamp,
) -> Result<(), Error> {
    let mut work = Work::begin(store, lease, now).await?;
    let stopped = change.stopped.as_ref();
    let cause = stopped.map(|stopped| stopped.cause);
    statement!(
        "UPDATE batches SET state = $2, stop_cause = $3, stop_message = $4, interrupted = $5, \
         elapsed_ms = elapsed_ms + $6 WHERE id = $1",
        lease.batch.0,
        change.state.as_str(),
        cause.map(StopCause::as_str),
        stopped.map(|stopped| stopped.message.as_str()),
        i64::from(change.interrupted),
        i64::try_from(change.elapsed.as_millis()).unwrap_or(i64::MAX)
    )
    .execute(&mut *work.tx)
    .await
    .map_err(failed("write the batch's state"))?;
    work.log(vec![LogEvent::state(change.state, cause, change.interrupted)]).await?;
    work.commit("write the batch's state").await
}

pub(super) async fn wake(
    store: &PostgresStore,
    lease: &Lease,
    now: Timestamp,
) -> Result<(), Error> {
    let mut work = Work::begin(store, lease, now).await?;
    statement!(
        "UPDATE payouts SET next_at = $3, tries = 0, watched_since = NULL, version = version + 1 \
         WHERE batch_id = $1 AND (claimed_by IS NULL OR claimed_by = $2) \
         AND outcome IN ('pending', 'in_doubt', 'awaiting_otp', 'processing') \
         AND (next_at IS NULL OR next_at > $3 OR tries > 0 OR watched_since IS NOT NULL)",
        lease.batch.0,
        lease.fence,
        millis(now)
    )
    .execute(&mut *work.tx)
    .await
    .map_err(failed("wake the rows"))?;
    work.log(vec![LogEvent::Woken]).await?;
    work.commit("wake the rows").await
}

pub(super) async fn hold_duplicates(
    store: &PostgresStore,
    lease: &Lease,
    now: Timestamp,
) -> Result<u64, Error> {
    let mut work = Work::begin(store, lease, now).await?;
    let paid: Vec<_> = Outcome::ALL
        .iter()
        .filter(|outcome| outcome.may_have_moved_money())
        .map(|outcome| outcome.as_str().to_owned())
        .collect();
    // A pending row's order, if it has one, certainly never left: it is held like any other. What a
    // cancelled batch sent and the gateway does not know might still appear; and of a batch that
    // went to another store nobody here knows what became of it there.
    let held = statement!(
        "UPDATE payouts SET state = 'held', outcome = 'held', next_at = NULL, claimed_by = NULL, \
         reason_code = 'duplicate', \
         reason_message = 'another batch paid or may have paid this reference', \
         version = version + 1, updated_at = $3 \
         WHERE batch_id = $1 AND outcome = 'pending' AND (claimed_by IS NULL OR claimed_by = $2) \
         AND EXISTS (SELECT FROM payouts AS other WHERE other.reference = payouts.reference \
         AND other.batch_id <> payouts.batch_id AND other.outcome <> 'invalid' \
         AND (other.outcome = ANY($4) \
         OR (other.outcome = 'cancelled' AND other.sends > 0 AND other.seen = 0) \
         OR (other.outcome IN ('pending', 'held') AND EXISTS (SELECT FROM batches \
         WHERE id = other.batch_id AND state = 'moved')))) \
         AND NOT decisions::jsonb @> '[{\"about\": \"duplicate\", \"ruling\": \"released\"}]' \
         RETURNING *",
        lease.batch.0,
        lease.fence,
        millis(now),
        &paid[..]
    )
    .fetch_all(&mut *work.tx)
    .await
    .map_err(failed("hold rows that were paid elsewhere"))?;
    let mut held = held.iter().map(|row| Fields(row).payout()).collect::<Result<Vec<_>, _>>()?;
    held.sort_by_key(|payout| payout.row);
    let held: Vec<_> =
        held.into_iter().map(|payout| Transition { from: Outcome::Pending, payout }).collect();
    account_for(&mut work, &held).await?;
    work.commit("hold rows that were paid elsewhere").await?;
    Ok(held.len() as u64)
}

pub(super) async fn write(
    store: &PostgresStore,
    lease: &Lease,
    transitions: &[Transition],
    now: Timestamp,
) -> Result<(), Error> {
    let mut work = Work::begin(store, lease, now).await?;
    let mut rest = transitions;
    while !rest.is_empty() {
        let (chunk, after) = rest.split_at(distinct_rows(rest, rest.len()));
        if update(&mut work, chunk).await?.len() != chunk.len() {
            return Err(not_as_read(chunk));
        }
        rest = after;
    }
    account_for(&mut work, transitions).await?;
    work.commit("commit").await
}

pub(super) async fn offer(
    store: &PostgresStore,
    lease: &Lease,
    transitions: &[Transition],
    now: Timestamp,
) -> Result<u64, Error> {
    let mut work = Work::begin(store, lease, now).await?;
    let written = update(&mut work, transitions).await?;
    let taken: Vec<_> = transitions
        .iter()
        .filter(|transition| written.contains(&transition.payout.row.cast_signed()))
        .cloned()
        .collect();
    account_for(&mut work, &taken).await?;
    work.commit("commit").await?;
    Ok(taken.len() as u64)
}

/// Moves the sums for rows that were changed, and tells the log.
async fn account_for(work: &mut Work<'_>, transitions: &[Transition]) -> Result<(), Error> {
    let moves = moves_of(transitions)?;
    if !moves.is_empty() {
        move_sums(work, &moves).await?;
        check_sums(work).await?;
    }
    let moved =
        |Transition { from, payout }: &Transition| LogEvent::moved(*from, payout, work.salt());
    let events = transitions.iter().map(moved).collect();
    work.log(events).await
}

/// Writes rows that are as they were read, and in nobody else's hands; returns which.
async fn update(work: &mut Work<'_>, transitions: &[Transition]) -> Result<HashSet<i64>, Error> {
    let payouts = || transitions.iter().map(|transition| &transition.payout);
    let orders = || payouts().map(|payout| payout.order.as_ref());
    let reasons = || payouts().map(|payout| payout.reason.as_ref());
    let warnings = || payouts().map(|payout| payout.warning.as_ref());
    let decisions = payouts()
        .map(|payout| serde_json::to_string(&payout.decisions))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| Error::store("write the decisions", error))?;
    let text = |it: &str| it.to_owned();
    let written = statement!(
        "UPDATE payouts SET state = new.state, outcome = new.outcome, attempt = new.attempt, \
         order_no = new.order_no, sends = new.sends, sent_at = new.sent_at, seen = new.seen, \
         not_found = new.not_found, not_found_at = new.not_found_at, tries = new.tries, \
         next_at = new.next_at, watched_since = new.watched_since, \
         reason_code = new.reason_code, reason_message = new.reason_message, \
         warning_code = new.warning_code, warning_message = new.warning_message, \
         holder_name = new.holder_name, transaction_id = new.transaction_id, \
         otp_url = new.otp_url, expires_at = new.expires_at, decisions = new.decisions, \
         version = payouts.version + 1, updated_at = $3, \
         claimed_by = CASE WHEN new.next_at IS NULL THEN NULL ELSE payouts.claimed_by END \
         FROM unnest($4::bigint[], $5::bigint[], $6::text[], $7::text[], $8::text[], \
         $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::text[], \
         $15::text[], $16::bigint[], $17::bigint[], $18::bigint[], $19::bigint[], $20::text[], \
         $21::text[], $22::text[], $23::text[], $24::text[], $25::text[], $26::text[], \
         $27::bigint[]) AS new (row, version, from_outcome, state, outcome, attempt, sends, seen, \
         not_found, tries, decisions, order_no, sent_at, not_found_at, next_at, watched_since, \
         reason_code, reason_message, warning_code, warning_message, holder_name, \
         transaction_id, otp_url, expires_at) \
         WHERE payouts.batch_id = $1 AND payouts.row = new.row \
         AND payouts.version = new.version AND payouts.outcome = new.from_outcome \
         AND (payouts.claimed_by IS NULL OR payouts.claimed_by = $2) RETURNING payouts.row",
        work.batch.0,
        work.fence,
        millis(work.now),
        &list(payouts().map(|it| it.row.cast_signed()))[..],
        &list(payouts().map(|it| i64::from(it.version)))[..],
        &list(transitions.iter().map(|it| text(it.from.as_str())))[..],
        &list(payouts().map(|it| text(it.state.as_str())))[..],
        &list(payouts().map(|it| text(it.outcome().as_str())))[..],
        &list(payouts().map(|it| i64::from(it.attempt)))[..],
        &list(orders().map(|it| it.map_or(0, |order| i64::from(order.sends))))[..],
        &list(orders().map(|it| i64::from(it.is_some_and(|order| order.seen))))[..],
        &list(orders().map(|it| it.map_or(0, |order| i64::from(order.not_found))))[..],
        &list(payouts().map(|it| i64::from(it.tries)))[..],
        &decisions[..];
        nullable &list(orders().map(|it| it.map(|order| text(order.no.as_str())))),
        &list(orders().map(|it| it.and_then(|order| order.sent_at).map(millis))),
        &list(orders().map(|it| it.and_then(|order| order.not_found_at).map(millis))),
        &list(payouts().map(|it| it.next_at.map(millis))),
        &list(payouts().map(|it| it.watched_since.map(millis))),
        &list(reasons().map(|it| it.map(|reason| reason.code.clone()))),
        &list(reasons().map(|it| it.map(|reason| reason.message.clone()))),
        &list(warnings().map(|it| it.map(|reason| reason.code.clone()))),
        &list(warnings().map(|it| it.map(|reason| reason.message.clone()))),
        &list(payouts().map(|it| it.holder_name.as_ref().map(|name| name.expose().clone()))),
        &list(payouts().map(|it| it.transaction_id.clone())),
        &list(payouts().map(|it| it.otp_url.clone())),
        &list(payouts().map(|it| it.expires_at.map(millis)))
    )
    .fetch_all(&mut *work.tx)
    .await
    .map_err(failed("write the rows"))?;
    written.iter().map(|row| Fields(row).int("row")).collect()
}

fn list<T>(values: impl Iterator<Item = T>) -> Vec<T> {
    values.collect()
}

/// requested = sum over the outcomes, in rows and in money, in every currency.
pub(super) async fn check_sums(work: &mut Work<'_>) -> Result<(), Error> {
    let wrong = statement!(
        "SELECT r.currency, r.amount, coalesce(sum(s.amount), 0)::bigint AS found \
         FROM requested AS r \
         LEFT JOIN sums AS s ON s.batch_id = r.batch_id AND s.currency = r.currency \
         WHERE r.batch_id = $1 GROUP BY r.currency, r.amount, r.rows \
         HAVING r.amount <> coalesce(sum(s.amount), 0) OR r.rows <> coalesce(sum(s.rows), 0) \
         LIMIT 1",
        work.batch.0
    )
    .fetch_optional(&mut *work.tx)
    .await
    .map_err(failed("add up the sums"))?;
    let Some(wrong) = wrong else { return Ok(()) };
    let wrong = Fields(&wrong);
    let (requested, found) = (wrong.int("amount")?, wrong.int("found")?);
    Err(unbalanced(&work.name, wrong.text("currency")?, requested, found))
}
