//! The runner's side: taking a batch over, and writing what the core decided.
//!
//! Invariant: every transaction here is a [`Work`], so it first proves that the lease is the newest
//! one and tells the log what it changes; and it leaves the sums of the batch equal to what was
//! requested.

use std::sync::Arc;

use jiff::Timestamp;
use sqlx::{QueryBuilder, Sqlite};

use super::{
    SqliteStore,
    lease::refuse_held,
    load::move_sums,
    transfer::{gone, mark},
    work::{Work, begin},
};
use crate::{
    batch::{Batch, BatchState},
    chain::LogEvent,
    error::Error,
    payout::{Outcome, StopCause},
    store::{
        Lease, StateChange, Transition,
        books::{
            IN_FLIGHT, distinct_rows, half_loaded, moves_of, not_as_read, statement_size,
            unbalanced,
        },
        codec::{Fields, millis},
        failed,
        log::Log,
    },
};

/// The most rows in one statement.
const ROWS_A_STATEMENT: usize = 128;

pub(super) async fn lease(
    store: &SqliteStore,
    batch: &Batch,
    runner: &str,
    now: Timestamp,
) -> Result<Lease, Error> {
    take(store, batch, runner, now, None).await
}

/// Takes the batch over; with `to`, for good: from then on it goes on there.
pub(super) async fn take(
    store: &SqliteStore,
    batch: &Batch,
    runner: &str,
    now: Timestamp,
    to: Option<&str>,
) -> Result<Lease, Error> {
    let lock = store.lock(runner)?;
    let mut writer = store.writer.lock().await;
    let mut tx = begin(&mut writer).await?;
    refuse_held(&mut tx, &store.host, now).await?;
    let taken = sqlx::query(
        "UPDATE batches SET fence = fence + 1, runner = ?, updated_at = ? \
         WHERE id = ? AND state <> 'loading' AND (state <> 'moved' OR moved_to = ?) \
         RETURNING fence, state, events, head, salt, restored_at",
    )
    .bind(runner)
    .bind(millis(now))
    .bind(batch.id.0)
    .bind(to)
    .fetch_optional(&mut *tx)
    .await
    .map_err(failed("take the batch over"))?;
    let Some(taken) = taken else {
        return Err(gone(&mut tx, batch).await?.unwrap_or_else(|| half_loaded(&batch.name)));
    };
    let fence = Fields(&taken).int("fence")?;
    let is_gone = Fields(&taken).text("state")? == BatchState::Moved.as_str();
    let restored_at = Fields(&taken).maybe_time("restored_at")?;
    let (witness, seen) = store.witness(batch.code)?;
    let witness = Arc::new(witness);
    let work = Work::within(tx, batch.id, &batch.name, fence, Log::of(&taken)?, now);
    let mut work = work.seen_by(&witness);
    let is_doubtful = !work.holds(seen).await?;
    work.log(vec![LogEvent::Leased { runner: runner.to_owned() }]).await?;
    if is_doubtful {
        work.doubt().await?;
    }
    if let Some(to) = to.filter(|_| !is_gone) {
        mark(&mut work, to).await?;
    }
    work.commit("take the batch over").await?;
    witness.sync()?;
    Ok(Lease {
        batch: batch.id,
        name: batch.name.clone(),
        fence,
        restored_at: if is_doubtful { Some(now) } else { restored_at },
        witness: Some(witness),
        _lock: lock,
    })
}

pub(super) async fn set_state(
    store: &SqliteStore,
    lease: &Lease,
    change: StateChange,
    now: Timestamp,
) -> Result<(), Error> {
    let mut writer = store.writer.lock().await;
    let mut work = Work::begin(&mut writer, lease, now).await?;
    let cause = change.stopped.as_ref().map(|stopped| stopped.cause);
    sqlx::query(
        "UPDATE batches SET state = ?, stop_cause = ?, stop_message = ?, interrupted = ?, \
         elapsed_ms = elapsed_ms + ? WHERE id = ?",
    )
    .bind(change.state.as_str())
    .bind(cause.map(StopCause::as_str))
    .bind(change.stopped.as_ref().map(|stopped| stopped.message.clone()))
    .bind(change.interrupted)
    .bind(i64::try_from(change.elapsed.as_millis()).unwrap_or(i64::MAX))
    .bind(lease.batch.0)
    .execute(&mut *work.tx)
    .await
    .map_err(failed("write the batch's state"))?;
    work.log(vec![LogEvent::state(change.state, cause, change.interrupted)]).await?;
    work.commit("write the batch's state").await
}

pub(super) async fn write(
    store: &SqliteStore,
    lease: &Lease,
    transitions: &[Transition],
    now: Timestamp,
) -> Result<(), Error> {
    let mut writer = store.writer.lock().await;
    let mut work = Work::begin(&mut writer, lease, now).await?;
    let mut rest = transitions;
    while !rest.is_empty() {
        let (chunk, after) = rest.split_at(distinct_rows(rest, ROWS_A_STATEMENT));
        update(&mut work, chunk).await?;
        rest = after;
    }
    account_for(&mut work, transitions).await?;
    work.commit("commit").await
}

/// Moves the sums for rows that were changed, and tells the log.
pub(super) async fn account_for(
    work: &mut Work<'_>,
    transitions: &[Transition],
) -> Result<(), Error> {
    let moves = moves_of(transitions)?;
    if !moves.is_empty() {
        move_sums(work, &moves).await?;
        check_sums(work).await?;
    }
    if !work.has_log() {
        return Ok(());
    }
    let moved =
        |Transition { from, payout }: &Transition| LogEvent::moved(*from, payout, work.salt());
    let events = transitions.iter().map(moved).collect();
    work.log(events).await
}

/// Writes transitions of different rows in one statement. Its text depends on how many there are,
/// so the last is repeated until there is a number of which texts are prepared: to write the same
/// into a row twice in one statement is to write it once.
async fn update(work: &mut Work<'_>, transitions: &[Transition]) -> Result<(), Error> {
    let mut update = QueryBuilder::<Sqlite>::new(
        "WITH new (row, version, from_outcome, state, outcome, attempt, order_no, sends, sent_at, \
         seen, not_found, not_found_at, tries, next_at, watched_since, reason_code, \
         reason_message, warning_code, warning_message, holder_name, transaction_id, otp_url, \
         expires_at, decisions) AS (",
    );
    let size = statement_size(transitions.len());
    let mut rows = Vec::with_capacity(size);
    for transition in transitions.iter().chain(transitions.last().into_iter().cycle()).take(size) {
        let decisions = serde_json::to_string(&transition.payout.decisions)
            .map_err(|error| Error::store("write the decisions", error))?;
        rows.push((transition, decisions));
    }
    update.push_values(rows, |mut tuple, (transition, decisions)| {
        let payout = &transition.payout;
        let order = payout.order.as_ref();
        let reason = payout.reason.as_ref();
        let warning = payout.warning.as_ref();
        tuple
            .push_bind(payout.row.cast_signed())
            .push_bind(i64::from(payout.version))
            .push_bind(transition.from.as_str())
            .push_bind(payout.state.as_str())
            .push_bind(payout.outcome().as_str())
            .push_bind(i64::from(payout.attempt))
            .push_bind(order.map(|order| order.no.as_str().to_owned()))
            .push_bind(order.map_or(0, |order| i64::from(order.sends)))
            .push_bind(order.and_then(|order| order.sent_at).map(millis))
            .push_bind(order.is_some_and(|order| order.seen))
            .push_bind(order.map_or(0, |order| i64::from(order.not_found)))
            .push_bind(order.and_then(|order| order.not_found_at).map(millis))
            .push_bind(i64::from(payout.tries))
            .push_bind(payout.next_at.map(millis))
            .push_bind(payout.watched_since.map(millis))
            .push_bind(reason.map(|reason| reason.code.clone()))
            .push_bind(reason.map(|reason| reason.message.clone()))
            .push_bind(warning.map(|reason| reason.code.clone()))
            .push_bind(warning.map(|reason| reason.message.clone()))
            .push_bind(payout.holder_name.as_ref().map(|name| name.expose().clone()))
            .push_bind(payout.transaction_id.clone())
            .push_bind(payout.otp_url.clone())
            .push_bind(payout.expires_at.map(millis))
            .push_bind(decisions);
    });
    update.push(
        ") UPDATE payouts SET state = new.state, outcome = new.outcome, attempt = new.attempt, \
         order_no = new.order_no, sends = new.sends, sent_at = new.sent_at, seen = new.seen, \
         not_found = new.not_found, not_found_at = new.not_found_at, tries = new.tries, \
         next_at = new.next_at, watched_since = new.watched_since, \
         reason_code = new.reason_code, reason_message = new.reason_message, \
         warning_code = new.warning_code, warning_message = new.warning_message, \
         holder_name = new.holder_name, transaction_id = new.transaction_id, \
         otp_url = new.otp_url, expires_at = new.expires_at, \
         decisions = new.decisions, version = payouts.version + 1, \
         updated_at = ",
    );
    update.push_bind(millis(work.now)).push(" FROM new WHERE payouts.batch_id = ");
    update.push_bind(work.batch.0);
    update.push(
        " AND payouts.row = new.row AND payouts.version = new.version \
         AND payouts.outcome = new.from_outcome",
    );
    let written = update.build().execute(&mut *work.tx).await.map_err(failed("write the rows"))?;
    if written.rows_affected() == transitions.len() as u64 {
        return Ok(());
    }
    Err(not_as_read(transitions))
}

/// requested = sum over the outcomes, in rows and in money, in every currency.
pub(super) async fn check_sums(work: &mut Work<'_>) -> Result<(), Error> {
    let wrong: Option<(String, i64, i64)> = sqlx::query_as(
        "SELECT r.currency, r.amount, coalesce(sum(s.amount), 0) FROM requested AS r \
         LEFT JOIN sums AS s ON s.batch_id = r.batch_id AND s.currency = r.currency \
         WHERE r.batch_id = ? GROUP BY r.currency \
         HAVING r.amount <> coalesce(sum(s.amount), 0) OR r.rows <> coalesce(sum(s.rows), 0)",
    )
    .bind(work.batch.0)
    .fetch_optional(&mut *work.tx)
    .await
    .map_err(failed("add up the sums"))?;
    match wrong {
        None => Ok(()),
        Some((currency, requested, found)) => {
            Err(unbalanced(&work.name, &currency, requested, found))
        }
    }
}

/// Rows of a cancelled batch that were sent and that the gateway does not know. Their orders might
/// still appear, so for another batch they may have been paid.
pub(super) fn given_up_unbooked(payouts: &str) -> String {
    let outcome = Outcome::Cancelled;
    format!("({payouts}.outcome = '{outcome}' AND {payouts}.sends > 0 AND {payouts}.seen = 0)")
}

/// The list of outcomes whose money is under way, for an `IN` clause.
pub(super) fn push_in_flight(query: &mut QueryBuilder<Sqlite>) {
    let mut outcomes = query.separated(", ");
    for outcome in IN_FLIGHT {
        outcomes.push_bind(outcome.as_str());
    }
}
