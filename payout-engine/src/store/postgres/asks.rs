//! What anybody may ask of a batch, whoever is at it: to cancel it, to pause it, to start it again,
//! to look at a row. No lease is needed.
//!
//! Invariant: a request that changes what runs may do is durable and in the log when it is
//! answered; a nudge changes nothing but when a row is looked at next.

use jiff::Timestamp;
use sqlx::{PgConnection, postgres::PgRow};

use super::{PostgresStore, news, statement::statement, transfer::gone, work::Work};
use crate::{
    batch::{Batch, BatchId, Brakes, CancelRequest, PauseRequest},
    chain::{LogEvent, Salt},
    error::Error,
    order_no::OrderNo,
    store::{
        books::{IN_FLIGHT, never_loaded},
        codec::{Fields, millis},
        failed,
        log::Log,
    },
};

pub(super) async fn request_cancel(
    store: &PostgresStore,
    batch: &Batch,
    request: &CancelRequest,
) -> Result<CancelRequest, Error> {
    let mut tx = store.begin().await?;
    let marked = statement!(
        "UPDATE batches SET cancel_requested_at = $2, cancel_requested_by = $3, \
         cancel_reason = $4, updated_at = $2 \
         WHERE id = $1 AND cancel_requested_at IS NULL AND state NOT IN ('loading', 'moved') \
         RETURNING fence, events, head, salt",
        batch.id.0,
        millis(request.at),
        &request.by[..],
        request.reason.as_deref()
    )
    .fetch_optional(&mut *tx)
    .await
    .map_err(failed("cancel the batch"))?;
    let standing = read(&mut tx, batch.id).await?.cancel;
    let refused = gone(&mut tx, batch).await?;
    if let Some(marked) = marked {
        let event = |salt: Option<&Salt>| LogEvent::cancel_requested(request, salt);
        let work = log(store, tx, batch, &marked, request.at, event).await?;
        work.commit("cancel the batch").await?;
    }
    standing.ok_or_else(|| refused.unwrap_or_else(|| never_loaded(&batch.name)))
}

pub(super) async fn request_pause(
    store: &PostgresStore,
    batch: &Batch,
    request: &PauseRequest,
) -> Result<PauseRequest, Error> {
    let mut tx = store.begin().await?;
    let marked = statement!(
        "UPDATE batches SET paused_at = $2, paused_by = $3, updated_at = $2 \
         WHERE id = $1 AND paused_at IS NULL AND state NOT IN ('loading', 'moved') \
         RETURNING fence, events, head, salt",
        batch.id.0,
        millis(request.at),
        &request.by[..]
    )
    .fetch_optional(&mut *tx)
    .await
    .map_err(failed("pause the batch"))?;
    let standing = read(&mut tx, batch.id).await?.pause;
    let refused = gone(&mut tx, batch).await?;
    if let Some(marked) = marked {
        let event = |_: Option<&Salt>| LogEvent::Paused { by: request.by.clone() };
        let work = log(store, tx, batch, &marked, request.at, event).await?;
        work.commit("pause the batch").await?;
    }
    standing.ok_or_else(|| refused.unwrap_or_else(|| never_loaded(&batch.name)))
}

pub(super) async fn lift_pause(
    store: &PostgresStore,
    batch: &Batch,
    by: &str,
    now: Timestamp,
) -> Result<(), Error> {
    let mut tx = store.begin().await?;
    let lifted = statement!(
        "UPDATE batches SET paused_at = NULL, paused_by = NULL, updated_at = $2 \
         WHERE id = $1 AND paused_at IS NOT NULL AND state NOT IN ('loading', 'moved') \
         RETURNING fence, events, head, salt",
        batch.id.0,
        millis(now)
    )
    .fetch_optional(&mut *tx)
    .await
    .map_err(failed("start the batch again"))?;
    let Some(lifted) = lifted else { return Ok(()) };
    let event = |_: Option<&Salt>| LogEvent::Unpaused { by: by.to_owned() };
    let work = log(store, tx, batch, &lifted, now, event).await?;
    work.commit("start the batch again").await
}

/// Tells the log and everybody of what was just written to the batch.
async fn log<'s>(
    store: &'s PostgresStore,
    tx: sqlx::Transaction<'static, sqlx::Postgres>,
    batch: &Batch,
    marked: &PgRow,
    at: Timestamp,
    event: impl Fn(Option<&Salt>) -> LogEvent,
) -> Result<Work<'s>, Error> {
    let log = Log::of(marked)?.ok_or_else(|| never_loaded(&batch.name))?;
    let fence = Fields(marked).int("fence")?;
    let mut work = Work::within(store, tx, batch.id, &batch.name, fence, log, at);
    let event = event(work.salt());
    work.log(vec![event]).await?;
    work.tell().await?;
    Ok(work)
}

pub(super) async fn brakes(store: &PostgresStore, batch: BatchId) -> Result<Brakes, Error> {
    let mut connection = store.connection().await?;
    read(&mut connection, batch).await
}

pub(super) async fn nudge(
    store: &PostgresStore,
    order_no: &OrderNo,
    now: Timestamp,
) -> Result<Option<BatchId>, Error> {
    let Some((code, row)) = order_no.place() else { return Ok(None) };
    let open: Vec<_> = IN_FLIGHT.iter().map(|outcome| outcome.as_str().to_owned()).collect();
    let mut connection = store.connection().await?;
    let nudged = statement!(
        "UPDATE payouts SET next_at = $4 WHERE batch_id = \
         (SELECT id FROM batches WHERE code = $1 AND state <> 'moved') \
         AND row = $2 AND order_no = $3 AND outcome = ANY($5) RETURNING batch_id",
        code.as_str(),
        row.cast_signed(),
        order_no.as_str(),
        millis(now),
        &open[..]
    )
    .fetch_optional(&mut *connection)
    .await
    .map_err(failed("make the row due"))?;
    let Some(nudged) = nudged else { return Ok(None) };
    news::tell(&mut connection).await?;
    Ok(Some(BatchId(Fields(&nudged).int("batch_id")?)))
}

async fn read(connection: &mut PgConnection, batch: BatchId) -> Result<Brakes, Error> {
    let row = statement!(
        "SELECT cancel_requested_at, cancel_requested_by, cancel_reason, paused_at, paused_by, \
         stop_cause, stop_message FROM batches WHERE id = $1",
        batch.0
    )
    .fetch_one(connection)
    .await
    .map_err(failed("read the batch"))?;
    Fields(&row).brakes()
}
