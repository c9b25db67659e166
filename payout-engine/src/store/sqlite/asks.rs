//! What anybody may ask of a batch, whoever has it in hand: to cancel it, to pause it, to start it
//! again, to look at a row. No lease is needed.
//!
//! Invariant: a request that changes what runs may do is durable and in the log when it is
//! answered; a nudge changes nothing but when a row is looked at next.

use jiff::Timestamp;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use super::{
    SqliteStore,
    transfer::gone,
    work::{Work, begin},
    write::push_in_flight,
};
use crate::{
    batch::{Batch, BatchId, Brakes, CancelRequest, PauseRequest},
    chain::LogEvent,
    error::Error,
    order_no::OrderNo,
    store::{
        books::never_loaded,
        codec::{Fields, millis},
        failed,
        log::Log,
    },
};

pub(super) async fn request_cancel(
    store: &SqliteStore,
    batch: &Batch,
    request: &CancelRequest,
) -> Result<CancelRequest, Error> {
    let mut writer = store.writer.lock().await;
    let mut tx = begin(&mut writer).await?;
    let marked = sqlx::query(
        "UPDATE batches SET cancel_requested_at = ?, cancel_requested_by = ?, cancel_reason = ?, \
         updated_at = ? WHERE id = ? AND cancel_requested_at IS NULL \
         AND state NOT IN ('loading', 'moved') \
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
    let standing = read(&mut tx, batch.id).await?.cancel;
    let refused = gone(&mut tx, batch).await?;
    if let Some(marked) = marked {
        let (fence, log) = (Fields(&marked).int("fence")?, Log::of(&marked)?);
        let mut work = Work::within(tx, batch.id, &batch.name, fence, log, request.at);
        let event = LogEvent::cancel_requested(request, work.salt());
        work.log(vec![event]).await?;
        work.commit("cancel the batch").await?;
        store.bell.ring();
    }
    standing.ok_or_else(|| refused.unwrap_or_else(|| never_loaded(&batch.name)))
}

pub(super) async fn request_pause(
    store: &SqliteStore,
    batch: &Batch,
    request: &PauseRequest,
) -> Result<PauseRequest, Error> {
    let mut writer = store.writer.lock().await;
    let mut tx = begin(&mut writer).await?;
    let marked = sqlx::query(
        "UPDATE batches SET paused_at = ?, paused_by = ?, updated_at = ? \
         WHERE id = ? AND paused_at IS NULL AND state NOT IN ('loading', 'moved') \
         RETURNING fence, events, head, salt",
    )
    .bind(millis(request.at))
    .bind(&request.by)
    .bind(millis(request.at))
    .bind(batch.id.0)
    .fetch_optional(&mut *tx)
    .await
    .map_err(failed("pause the batch"))?;
    let standing = read(&mut tx, batch.id).await?.pause;
    let refused = gone(&mut tx, batch).await?;
    if let Some(marked) = marked {
        let (fence, log) = (Fields(&marked).int("fence")?, Log::of(&marked)?);
        let mut work = Work::within(tx, batch.id, &batch.name, fence, log, request.at);
        work.log(vec![LogEvent::Paused { by: request.by.clone() }]).await?;
        work.commit("pause the batch").await?;
        store.bell.ring();
    }
    standing.ok_or_else(|| refused.unwrap_or_else(|| never_loaded(&batch.name)))
}

pub(super) async fn lift_pause(
    store: &SqliteStore,
    batch: &Batch,
    by: &str,
    now: Timestamp,
) -> Result<(), Error> {
    let mut writer = store.writer.lock().await;
    let mut tx = begin(&mut writer).await?;
    let lifted = sqlx::query(
        "UPDATE batches SET paused_at = NULL, paused_by = NULL, updated_at = ? \
         WHERE id = ? AND paused_at IS NOT NULL AND state NOT IN ('loading', 'moved') \
         RETURNING fence, events, head, salt",
    )
    .bind(millis(now))
    .bind(batch.id.0)
    .fetch_optional(&mut *tx)
    .await
    .map_err(failed("start the batch again"))?;
    let Some(lifted) = lifted else { return Ok(()) };
    let (fence, log) = (Fields(&lifted).int("fence")?, Log::of(&lifted)?);
    let mut work = Work::within(tx, batch.id, &batch.name, fence, log, now);
    work.log(vec![LogEvent::Unpaused { by: by.to_owned() }]).await?;
    work.commit("start the batch again").await?;
    store.bell.ring();
    Ok(())
}

pub(super) async fn brakes(store: &SqliteStore, batch: BatchId) -> Result<Brakes, Error> {
    let mut reader = store.reader().await?;
    read(&mut reader, batch).await
}

pub(super) async fn nudge(
    store: &SqliteStore,
    order_no: &OrderNo,
    now: Timestamp,
) -> Result<Option<BatchId>, Error> {
    let Some((code, row)) = order_no.place() else { return Ok(None) };
    let mut nudge = QueryBuilder::<Sqlite>::new("UPDATE payouts SET next_at = ");
    nudge.push_bind(millis(now));
    nudge.push(" WHERE batch_id = (SELECT id FROM batches WHERE code = ");
    nudge
        .push_bind(code.as_str().to_owned())
        .push(" AND state <> 'moved') AND row = ")
        .push_bind(row.cast_signed());
    nudge.push(" AND order_no = ").push_bind(order_no.as_str().to_owned());
    nudge.push(" AND outcome IN (");
    push_in_flight(&mut nudge);
    nudge.push(") RETURNING batch_id");
    let mut writer = store.writer.lock().await;
    let nudged: Option<i64> = nudge
        .build_query_scalar()
        .fetch_optional(&mut *writer)
        .await
        .map_err(failed("make the row due"))?;
    if nudged.is_some() {
        store.bell.ring();
    }
    Ok(nudged.map(BatchId))
}

async fn read(connection: &mut SqliteConnection, batch: BatchId) -> Result<Brakes, Error> {
    let row = sqlx::query(
        "SELECT cancel_requested_at, cancel_requested_by, cancel_reason, paused_at, paused_by, \
         stop_cause, stop_message FROM batches WHERE id = ?",
    )
    .bind(batch.0)
    .fetch_one(connection)
    .await
    .map_err(failed("read the batch"))?;
    Fields(&row).brakes()
}
