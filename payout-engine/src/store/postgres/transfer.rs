//! Letting a batch go to another store, and taking one in.

use std::sync::Arc;

use jiff::Timestamp;
use sqlx::{PgConnection, Postgres};

use super::{
    PostgresStore,
    lease::mark_restored,
    read::{batch as batch_named, count_rows},
    statement::statement,
    work::Work,
    write::check_sums,
};
use crate::{
    batch::{Batch, BatchId},
    chain::LogEvent,
    error::Error,
    store::{
        books::{half_loaded, name_is_taken},
        codec::{Fields, millis},
        failed,
        log::Log,
        transfer::{BATCH, Cell, Cells, Parcel, TABLES, Table},
    },
};

/// Marks the batch as gone, in the transaction that takes it over.
pub(super) async fn mark(work: &mut Work<'_>, to: &str) -> Result<(), Error> {
    statement!(
        "UPDATE batches SET moved_state = state, state = 'moved', moved_to = $2, moved_at = $3 \
         WHERE id = $1",
        work.batch.0,
        to,
        millis(work.now)
    )
    .execute(&mut *work.tx)
    .await
    .map_err(failed("let the batch go"))?;
    work.log(vec![LogEvent::Departed { to: to.to_owned() }]).await
}

/// Why a batch that is gone takes no requests; `None` where it is here.
pub(super) async fn gone(
    connection: &mut PgConnection,
    batch: &Batch,
) -> Result<Option<Error>, Error> {
    let found = statement!("SELECT moved_to FROM batches WHERE id = $1", batch.id.0)
        .fetch_optional(connection)
        .await
        .map_err(failed("read the batch"))?;
    let Some(found) = found else { return Ok(None) };
    Ok(Fields(&found).maybe_text("moved_to")?.map(|to| Error::moved(&batch.name, to)))
}

pub(super) async fn page(
    store: &PostgresStore,
    table: &Table,
    batch: BatchId,
    after: i64,
) -> Result<Vec<Cells>, Error> {
    let rows = table
        .select::<Postgres>(batch, after)
        .build()
        .fetch_all(&store.pool)
        .await
        .map_err(failed("read what is carried"))?;
    rows.iter().map(|row| table.cells(row)).collect()
}

pub(super) async fn arrive(
    store: &PostgresStore,
    parcel: &Parcel<'_>,
    now: Timestamp,
) -> Result<Batch, Error> {
    let mut tx = store.begin().await?;
    let Batch { id: there, name, code, .. } = parcel.batch;
    let known = statement!(
        "SELECT id FROM batches WHERE name = $1 OR code = $2",
        name.as_str(),
        code.as_str()
    )
    .fetch_optional(&mut *tx)
    .await
    .map_err(failed("look for the batch"))?;
    if known.is_some() {
        return Err(name_is_taken(name));
    }
    let incarnation = store.incarnation(&mut tx).await?;
    let here = [
        ("state", Cell::Text(Some(parcel.state.to_string()))),
        ("incarnation", Cell::Text(Some(incarnation.clone()))),
    ];
    let row = parcel.source.page(&BATCH, *there, 0).await?;
    let mut insert_batch = BATCH.insert::<Postgres>(&here, row);
    let carried = insert_batch
        .push(" RETURNING id, fence, events, head, salt")
        .build()
        .fetch_one(&mut *tx)
        .await
        .map_err(failed("take the batch in"))?;
    let batch = BatchId(Fields(&carried).int("id")?);
    let owner = [("batch_id", Cell::Integer(Some(batch.0)))];
    for table in &TABLES {
        let mut next = Some(0);
        while let Some(after) = next {
            let rows = parcel.source.page(table, *there, after).await?;
            next = table.after(&rows);
            if !rows.is_empty() {
                let mut insert = table.insert::<Postgres>(&owner, rows);
                insert.build().execute(&mut *tx).await.map_err(failed("take the batch in"))?;
            }
        }
    }
    let fence = Fields(&carried).int("fence")?;
    let log = Log::of(&carried)?.ok_or_else(|| half_loaded(name))?;
    let (witness, seen) = store.witness(*code)?;
    let witness = Arc::new(witness);
    let work = Work::within(store, tx, batch, name, fence, log, now);
    let mut work = work.seen_by(&witness);
    // One that was seen here before, and is not as it was seen, is an old copy of that.
    let is_old = match seen {
        Some(seen) => !work.holds(seen).await?,
        None => false,
    };
    work.log(vec![LogEvent::Arrived { from: parcel.from.to_owned() }]).await?;
    if parcel.is_doubtful || is_old {
        mark_restored(&mut work, &incarnation).await?;
    }
    check_sums(&mut work).await?;
    count_rows(&mut work.tx, batch).await?;
    work.tell().await?;
    work.commit("take the batch in").await?;
    witness.sync()?;
    batch_named(store, Some(name)).await
}
