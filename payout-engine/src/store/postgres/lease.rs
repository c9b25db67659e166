//! Who is at a batch: runners join, say that they are alive, leave, or are taken for dead.
//!
//! Time is the database's, so that no clock of a runner's machine counts. A runner that was not
//! heard of for too long is removed by the next one that joins, renews or leaves; the rows that it
//! had in hand are due at once, for whoever takes them to *query* before anything is sent.
//!
//! Invariant: who was removed writes nothing any more, because every write and every claim locks
//! the runner's own row first. A runner that is in a transaction just now is not removed.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use sqlx::PgConnection;

use super::{
    PostgresStore,
    purge::refuse_company,
    statement::statement,
    transfer::{gone, mark},
    work::Work,
};
use crate::{
    batch::{Batch, BatchId, BatchState, RunnerLease},
    chain::LogEvent,
    error::Error,
    store::{
        Lease,
        books::half_loaded,
        codec::{Fields, millis},
        failed,
        log::Log,
    },
};

/// How long a runner counts as alive that has just come, until it says so itself.
const AT_FIRST: Duration = Duration::from_secs(30);

/// Whom to take for dead.
#[derive(Clone, Copy, PartialEq)]
enum Reaped {
    Overdue,
    /// The database is an older one; nobody who was there can be trusted.
    Everybody,
}

pub(super) async fn lease(
    store: &PostgresStore,
    batch: &Batch,
    runner: &str,
    now: Timestamp,
) -> Result<Lease, Error> {
    take(store, batch, runner, now, None).await
}

/// Joins the batch; with `to`, alone and for good: from then on it goes on there.
pub(super) async fn take(
    store: &PostgresStore,
    batch: &Batch,
    runner: &str,
    now: Timestamp,
    to: Option<&str>,
) -> Result<Lease, Error> {
    let mut tx = store.begin().await?;
    let incarnation = store.incarnation(&mut tx).await?;
    let taken = statement!(
        "UPDATE batches SET fence = fence + 1, runner = $2, updated_at = $3 \
         WHERE id = $1 AND state <> 'loading' AND (state <> 'moved' OR moved_to = $4) \
         RETURNING fence, state, events, head, salt, restored_at, incarnation",
        batch.id.0,
        runner,
        millis(now),
        to
    )
    .fetch_optional(&mut *tx)
    .await
    .map_err(failed("take the batch over"))?;
    let Some(taken) = taken else {
        return Err(gone(&mut tx, batch).await?.unwrap_or_else(|| half_loaded(&batch.name)));
    };
    let fields = Fields(&taken);
    let fence = fields.int("fence")?;
    let is_gone = fields.text("state")? == BatchState::Moved.as_str();
    enter(&mut tx, batch.id, fence, runner, &store.host).await?;
    let log = Log::of(&taken)?.ok_or_else(|| half_loaded(&batch.name))?;
    let (witness, seen) = store.witness(batch.code)?;
    let witness = Arc::new(witness);
    let work = Work::within(store, tx, batch.id, &batch.name, fence, log, now);
    let mut work = work.seen_by(&witness);
    work.log(vec![LogEvent::Joined { runner: runner.to_owned() }]).await?;
    let same = fields.maybe_text("incarnation")? == Some(incarnation.as_str());
    let whole = match seen {
        Some(seen) => work.holds(seen).await?,
        None => true,
    };
    let mut restored_at = fields.maybe_time("restored_at")?;
    if same && whole {
        reap(&mut work, Reaped::Overdue).await?;
    } else {
        restored_at = Some(now);
        mark_restored(&mut work, &incarnation).await?;
        reap(&mut work, Reaped::Everybody).await?;
    }
    // Who is at one that is gone only carries it, too.
    if let Some(to) = to.filter(|_| !is_gone) {
        refuse_company(&mut work).await?;
        mark(&mut work, to).await?;
    }
    work.commit("take the batch over").await?;
    witness.sync()?;
    let lease = Lease::new(batch.id, &batch.name, fence, ());
    Ok(Lease { restored_at, witness: Some(witness), ..lease })
}

/// Writes down that what the batch says of orders may be out of date.
pub(super) async fn mark_restored(work: &mut Work<'_>, incarnation: &str) -> Result<(), Error> {
    statement!(
        "UPDATE batches SET restored_at = $2, incarnation = $3 WHERE id = $1",
        work.batch.0,
        millis(work.now),
        incarnation
    )
    .execute(&mut *work.tx)
    .await
    .map_err(failed("take the batch over"))?;
    work.log(vec![LogEvent::Restored]).await
}

/// Writes down that a runner is at the batch.
pub(super) async fn enter(
    connection: &mut PgConnection,
    batch: BatchId,
    fence: i64,
    runner: &str,
    host: &str,
) -> Result<(), Error> {
    statement!(
        "INSERT INTO runners (batch_id, fence, runner, host, lease_until) \
         VALUES ($1, $2, $3, $4, now_millis() + $5)",
        batch.0,
        fence,
        runner,
        host,
        whole_millis(AT_FIRST)
    )
    .execute(connection)
    .await
    .map_err(failed("take the batch over"))?;
    Ok(())
}

pub(super) async fn renew(
    store: &PostgresStore,
    lease: &Lease,
    hold: Option<Duration>,
    now: Timestamp,
) -> Result<(), Error> {
    let Some(hold) = hold else { return leave(store, lease, now).await };
    let renewed = statement!(
        "UPDATE runners SET lease_until = now_millis() + $3 WHERE batch_id = $1 AND fence = $2 \
         RETURNING (SELECT count(*) FROM runners AS other WHERE other.batch_id = $1 \
         AND other.fence <> $2 AND other.lease_until < now_millis()) AS overdue",
        lease.batch.0,
        lease.fence,
        whole_millis(hold)
    )
    .fetch_optional(&store.pool)
    .await
    .map_err(failed("renew the runner's lease"))?;
    let renewed = renewed.ok_or_else(|| Error::fenced(&lease.name))?;
    if Fields(&renewed).int("overdue")? == 0 {
        return Ok(());
    }
    let mut work = Work::begin(store, lease, now).await?;
    reap(&mut work, Reaped::Overdue).await?;
    work.commit("take over from runners that are gone").await
}

async fn leave(store: &PostgresStore, lease: &Lease, now: Timestamp) -> Result<(), Error> {
    let mut work = Work::begin(store, lease, now).await?;
    reap(&mut work, Reaped::Overdue).await?;
    release(&mut work, &[lease.fence]).await?;
    statement!(
        "DELETE FROM runners WHERE batch_id = $1 AND fence = $2",
        lease.batch.0,
        lease.fence
    )
    .execute(&mut *work.tx)
    .await
    .map_err(failed("give the batch up"))?;
    work.log(vec![LogEvent::Left { runner: lease.fence }]).await?;
    work.tell().await?;
    work.commit("give the batch up").await
}

/// Removes other runners, and releases what they had in hand.
async fn reap(work: &mut Work<'_>, whom: Reaped) -> Result<(), Error> {
    let gone = statement!(
        "DELETE FROM runners WHERE batch_id = $1 AND fence IN (SELECT fence FROM runners \
         WHERE batch_id = $1 AND fence <> $2 AND ($3 OR lease_until < now_millis()) \
         FOR UPDATE SKIP LOCKED) RETURNING fence",
        work.batch.0,
        work.fence,
        whom == Reaped::Everybody
    )
    .fetch_all(&mut *work.tx)
    .await
    .map_err(failed("remove runners that are gone"))?;
    if gone.is_empty() {
        return Ok(());
    }
    let gone = gone.iter().map(|row| Fields(row).int("fence")).collect::<Result<Vec<_>, _>>()?;
    work.log(gone.iter().map(|fence| LogEvent::Left { runner: *fence }).collect()).await?;
    release(work, &gone).await?;
    work.tell().await
}

/// Makes the rows due that these runners had in hand, for anybody.
async fn release(work: &mut Work<'_>, fences: &[i64]) -> Result<(), Error> {
    let released = statement!(
        "UPDATE payouts SET claimed_by = NULL, next_at = $3, tries = 0, watched_since = NULL, \
         version = version + 1 WHERE batch_id = $1 AND claimed_by = ANY($2)",
        work.batch.0,
        fences,
        millis(work.now)
    )
    .execute(&mut *work.tx)
    .await
    .map_err(failed("release rows"))?;
    match released.rows_affected() {
        0 => Ok(()),
        _ => work.log(vec![LogEvent::Woken]).await,
    }
}

pub(super) async fn runners(
    store: &PostgresStore,
    batch: BatchId,
) -> Result<Vec<RunnerLease>, Error> {
    let rows = statement!(
        "SELECT fence, runner, lease_until FROM runners WHERE batch_id = $1 ORDER BY fence",
        batch.0
    )
    .fetch_all(&store.pool)
    .await
    .map_err(failed("read who is at the batch"))?;
    let mut runners = Vec::with_capacity(rows.len());
    for row in &rows {
        runners.extend(Fields(row).lease()?);
    }
    Ok(runners)
}

fn whole_millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 2)
}
