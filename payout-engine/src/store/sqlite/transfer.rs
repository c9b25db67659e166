//! Letting a batch go to another store, and taking one in.

use std::sync::Arc;

use jiff::Timestamp;
use sqlx::{Sqlite, SqliteConnection};

use super::{
    SqliteStore,
    lease::refuse_held,
    read::{batch as batch_named, count_rows},
    work::{Work, begin},
    write::check_sums,
};
use crate::{
    batch::{Batch, BatchId},
    chain::LogEvent,
    error::Error,
    store::{
        books::name_is_taken,
        codec::{Fields, millis},
        failed,
        log::Log,
        transfer::{BATCH, Cell, Cells, Parcel, TABLES, Table},
    },
};

/// Marks the batch as gone, in the transaction that takes it over.
pub(super) async fn mark(work: &mut Work<'_>, to: &str) -> Result<(), Error> {
    sqlx::query(
        "UPDATE batches SET moved_state = state, state = 'moved', moved_to = ?, moved_at = ? \
         WHERE id = ?",
    )
    .bind(to)
    .bind(millis(work.now))
    .bind(work.batch.0)
    .execute(&mut *work.tx)
    .await
    .map_err(failed("let the batch go"))?;
    work.log(vec![LogEvent::Departed { to: to.to_owned() }]).await
}

/// Why a batch that is gone takes no requests; `None` where it is here.
pub(super) async fn gone(
    connection: &mut SqliteConnection,
    batch: &Batch,
) -> Result<Option<Error>, Error> {
    let to: Option<Option<String>> =
        sqlx::query_scalar("SELECT moved_to FROM batches WHERE id = ?")
            .bind(batch.id.0)
            .fetch_optional(connection)
            .await
            .map_err(failed("read the batch"))?;
    Ok(to.flatten().map(|to| Error::moved(&batch.name, &to)))
}

pub(super) async fn page(
    store: &SqliteStore,
    table: &Table,
    batch: BatchId,
    after: i64,
) -> Result<Vec<Cells>, Error> {
    let mut reader = store.reader().await?;
    let rows = table
        .select::<Sqlite>(batch, after)
        .build()
        .fetch_all(&mut *reader)
        .await
        .map_err(failed("read what is carried"))?;
    rows.iter().map(|row| table.cells(row)).collect()
}

pub(super) async fn arrive(
    store: &SqliteStore,
    parcel: &Parcel<'_>,
    now: Timestamp,
) -> Result<Batch, Error> {
    // Nobody else writes meanwhile, and nobody waits in vain for a transaction as long as this one.
    let _lock = store.lock(parcel.runner)?;
    let mut writer = store.writer.lock().await;
    let mut tx = begin(&mut writer).await?;
    refuse_held(&mut tx, &store.host, now).await?;
    let Batch { id: there, name, code, .. } = parcel.batch;
    let known = sqlx::query("SELECT 1 FROM batches WHERE name = ? OR code = ?")
        .bind(name)
        .bind(code.as_str())
        .fetch_optional(&mut *tx)
        .await
        .map_err(failed("look for the batch"))?;
    if known.is_some() {
        return Err(name_is_taken(name));
    }
    let state = [("state", Cell::Text(Some(parcel.state.to_string())))];
    let row = parcel.source.page(&BATCH, *there, 0).await?;
    let mut insert_batch = BATCH.insert::<Sqlite>(&state, row);
    let batch: i64 = insert_batch
        .push(" RETURNING id")
        .build_query_scalar()
        .fetch_one(&mut *tx)
        .await
        .map_err(failed("take the batch in"))?;
    let owner = [("batch_id", Cell::Integer(Some(batch)))];
    for table in &TABLES {
        let mut next = Some(0);
        while let Some(after) = next {
            let rows = parcel.source.page(table, *there, after).await?;
            next = table.after(&rows);
            if !rows.is_empty() {
                let mut insert = table.insert::<Sqlite>(&owner, rows);
                insert.build().execute(&mut *tx).await.map_err(failed("take the batch in"))?;
            }
        }
    }
    let carried = sqlx::query("SELECT fence, events, head, salt FROM batches WHERE id = ?")
        .bind(batch)
        .fetch_one(&mut *tx)
        .await
        .map_err(failed("take the batch in"))?;
    let (fence, log) = (Fields(&carried).int("fence")?, Log::of(&carried)?);
    let (witness, seen) = store.witness(*code)?;
    let witness = Arc::new(witness);
    let work = Work::within(tx, BatchId(batch), name, fence, log, now);
    let mut work = work.seen_by(&witness);
    // One that was seen here before, and is not as it was seen, is an old copy of that.
    let is_old = seen.is_some() && !work.holds(seen).await?;
    work.log(vec![LogEvent::Arrived { from: parcel.from.to_owned() }]).await?;
    if parcel.is_doubtful || is_old {
        work.doubt().await?;
    }
    check_sums(&mut work).await?;
    count_rows(&mut work.tx, BatchId(batch)).await?;
    work.commit("take the batch in").await?;
    witness.sync()?;
    drop(writer);
    batch_named(store, Some(name)).await
}
