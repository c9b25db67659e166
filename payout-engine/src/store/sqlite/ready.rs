//! What is done to a batch's rows before a run pays the first of them.
//!
//! It is done in the time between `payout resume` and the first call, so it follows the rows that
//! it is about and not the batch: indexes lead to rows that have to be woken, and in a store with
//! one batch no other can have paid them.

use jiff::Timestamp;
use sqlx::{QueryBuilder, Sqlite};

use super::{
    SqliteStore,
    work::Work,
    write::{account_for, given_up_unbooked},
};
use crate::{
    chain::LogEvent,
    error::Error,
    machine::State,
    payout::Outcome,
    store::{
        Lease, Transition,
        codec::{Fields, millis},
        failed,
    },
};

/// Unfinished rows that are not due at `?2`, or were tried before, by the index that leads to them.
/// Together they are all of those. SQLite would rather read the whole batch than these indexes, so
/// it is told; the conditions are those of the indexes, word for word.
const ASLEEP: [(&str, &str); 3] = [
    (
        "payouts_under_way",
        "next_at IS NOT NULL AND outcome <> 'pending' \
         AND outcome IN ('in_doubt', 'awaiting_otp', 'processing') \
         AND (next_at > ?2 OR tries > 0 OR watched_since IS NOT NULL)",
    ),
    ("payouts_due", "next_at > ?2 AND outcome = 'pending'"),
    (
        "payouts_asleep",
        "outcome IN ('pending', 'in_doubt', 'awaiting_otp', 'processing') \
         AND (next_at IS NULL \
         OR outcome = 'pending' AND (tries > 0 OR watched_since IS NOT NULL))",
    ),
];

pub(super) async fn wake(store: &SqliteStore, lease: &Lease, now: Timestamp) -> Result<(), Error> {
    let mut writer = store.writer.lock().await;
    let mut work = Work::begin(&mut writer, lease, now).await?;
    for (index, asleep) in ASLEEP {
        let mut update = QueryBuilder::<Sqlite>::new("UPDATE payouts INDEXED BY ");
        update.push(index).push(" SET next_at = ?2, tries = 0, watched_since = NULL, ");
        update.push("version = version + 1 WHERE batch_id = ?1 AND ").push(asleep);
        let update = update.build().bind(lease.batch.0).bind(millis(now));
        update.execute(&mut *work.tx).await.map_err(failed("wake the rows"))?;
    }
    work.log(vec![LogEvent::Woken]).await?;
    work.commit("wake the rows").await
}

/// Whether the store has no other batch.
async fn is_alone(work: &mut Work<'_>) -> Result<bool, Error> {
    let other = sqlx::query("SELECT 1 FROM batches WHERE id <> ? LIMIT 1")
        .bind(work.batch.0)
        .fetch_optional(&mut *work.tx)
        .await
        .map_err(failed("look for other batches"))?;
    Ok(other.is_none())
}

pub(super) async fn hold_duplicates(
    store: &SqliteStore,
    lease: &Lease,
    now: Timestamp,
) -> Result<u64, Error> {
    let mut writer = store.writer.lock().await;
    let mut work = Work::begin(&mut writer, lease, now).await?;
    if is_alone(&mut work).await? {
        return Ok(0);
    }
    let mut update = QueryBuilder::<Sqlite>::new("UPDATE payouts SET state = ");
    update.push_bind(State::Held.as_str()).push(", outcome = ");
    update.push_bind(Outcome::Held.as_str()).push(", next_at = NULL, reason_code = 'duplicate', ");
    update.push("reason_message = 'another batch paid or may have paid this reference', ");
    update.push("version = version + 1, updated_at = ").push_bind(millis(now));
    update.push(" WHERE batch_id = ").push_bind(lease.batch.0);
    // A pending row's order, if it has one, certainly never left: it is held like any other.
    update.push(" AND outcome = 'pending' AND EXISTS (");
    update.push("SELECT 1 FROM payouts AS other JOIN batches ON batches.id = other.batch_id ");
    update
        .push("WHERE other.reference = payouts.reference AND other.batch_id <> payouts.batch_id ");
    // The first condition is that of the index.
    update.push("AND other.outcome <> 'invalid' AND (").push(given_up_unbooked("other"));
    update.push(" OR other.outcome IN (");
    let mut outcomes = update.separated(", ");
    for outcome in Outcome::ALL.iter().filter(|outcome| outcome.may_have_moved_money()) {
        outcomes.push_bind(outcome.as_str());
    }
    // Of a batch that went to another store nobody here knows what became of it there.
    update.push(") OR (batches.state = 'moved' AND other.outcome IN ('pending', 'held'))");
    update.push(")) AND NOT EXISTS (SELECT 1 FROM json_each(payouts.decisions) AS decision ");
    update.push("WHERE decision.value ->> 'about' = 'duplicate' ");
    update.push("AND decision.value ->> 'ruling' = 'released') RETURNING *");
    let held = update
        .build()
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
