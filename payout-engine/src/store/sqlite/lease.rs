//! The lease: what a runner on another machine can know of this one, and the request to cancel.
//!
//! The operating system's lock ([`super::lock`]) says for certain whether a runner on this machine
//! is alive, but it may not reach another machine that shares the folder. There the lease speaks: a
//! time that the runner keeps moving on. It only keeps runners from getting into each other's way;
//! should it fail, a clock be wrong or a machine have slept, the fence keeps their writes apart.

use jiff::Timestamp;
use sqlx::SqliteConnection;

use super::{
    SqliteStore,
    codec::{Fields, millis},
    failed,
    work::{Log, Work, begin},
};
use crate::{
    batch::{Batch, BatchId, CancelRequest},
    chain::LogEvent,
    error::Error,
    store::Lease,
};

/// Refuses while a runner on another machine counts as alive. Those of this machine are dead: the
/// caller holds the lock.
pub(super) async fn refuse_held(
    tx: &mut SqliteConnection,
    host: &str,
    now: Timestamp,
) -> Result<(), Error> {
    let held = sqlx::query(
        "SELECT runner, lease_until FROM batches WHERE lease_until > ? AND lease_host <> ? \
         ORDER BY lease_until DESC LIMIT 1",
    )
    .bind(millis(now))
    .bind(host)
    .fetch_optional(tx)
    .await
    .map_err(failed("look for other runners"))?;
    let Some(held) = held else { return Ok(()) };
    let held = Fields(&held);
    let until = held.time("lease_until")?.strftime("%H:%M:%S UTC").to_string();
    Err(Error::locked(format!("{}, alive until {until} at least", held.text("runner")?)))
}

pub(super) async fn renew(
    store: &SqliteStore,
    lease: &Lease,
    until: Option<Timestamp>,
) -> Result<(), Error> {
    let mut writer = store.writer.lock().await;
    let renewed = sqlx::query(
        "UPDATE batches SET lease_until = ?, lease_host = ? WHERE id = ? AND fence = ?",
    )
    .bind(until.map(millis))
    .bind(until.map(|_| store.host.as_str()))
    .bind(lease.batch.0)
    .bind(lease.fence)
    .execute(&mut *writer)
    .await
    .map_err(failed("renew the runner's lease"))?;
    if renewed.rows_affected() == 1 { Ok(()) } else { Err(Error::fenced(&lease.name)) }
}

pub(super) async fn request_cancel(
    store: &SqliteStore,
    batch: &Batch,
    request: &CancelRequest,
) -> Result<CancelRequest, Error> {
    let mut writer = store.writer.lock().await;
    let mut tx = begin(&mut writer).await?;
    let marked = sqlx::query(
        "UPDATE batches SET cancel_requested_at = ?, cancel_requested_by = ?, cancel_reason = ?, \
         updated_at = ? WHERE id = ? AND cancel_requested_at IS NULL AND state <> 'loading' \
         RETURNING fence, events, head, salt",
    )
    .bind(millis(request.at))
    .bind(&request.by)
    .bind(&request.reason)
    .bind(millis(request.at))
    .bind(batch.id.0)
    .fetch_optional(&mut *tx)
    .await
    .map_err(failed("cancel the batch"))?;
    let standing = read(&mut tx, batch.id).await?;
    if let Some(marked) = marked {
        let (fence, log) = (Fields(&marked).int("fence")?, Log::of(&marked)?);
        let mut work = Work::within(tx, batch.id, &batch.name, fence, log, request.at);
        let event = LogEvent::cancel_requested(request, work.salt());
        work.log(vec![event]).await?;
        work.commit("cancel the batch").await?;
    }
    standing.ok_or_else(|| {
        Error::batch_state(&batch.name, "was never loaded completely, so nothing of it can be sent")
    })
}

pub(super) async fn cancel_request(
    store: &SqliteStore,
    batch: BatchId,
) -> Result<Option<CancelRequest>, Error> {
    let mut reader = store.reader().await?;
    read(&mut reader, batch).await
}

async fn read(
    connection: &mut SqliteConnection,
    batch: BatchId,
) -> Result<Option<CancelRequest>, Error> {
    let row = sqlx::query(
        "SELECT cancel_requested_at, cancel_requested_by, cancel_reason FROM batches WHERE id = ?",
    )
    .bind(batch.0)
    .fetch_one(connection)
    .await
    .map_err(failed("read the batch"))?;
    Fields(&row).cancel_request()
}
