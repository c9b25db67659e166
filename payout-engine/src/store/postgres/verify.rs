//! Feeds a batch's event log, and the rows it tells about, to the verifier.
//!
//! Two connections see the same snapshot: one streams the log, the other reads the rows beside it.

use sqlx::{AssertSqlSafe, PgConnection, Postgres, Row, Transaction, postgres::PgRow};

use super::{
    PostgresStore,
    load::requested,
    read::{count_rows, rows_after},
    statement::statement,
};
use crate::{
    batch::BatchId,
    chain::{
        LogHash,
        verify::{Books, Halt, LogAudit, Walk},
    },
    error::Error,
    store::{
        audit::{Pages, follow_log, follow_rows, found},
        codec::Fields,
        failed,
        log::Log,
    },
};

/// Rows read at once.
const PAGE: usize = 1_000;

pub(super) async fn verify(
    store: &PostgresStore,
    batch: BatchId,
    noted: Option<LogHash>,
) -> Result<LogAudit, Error> {
    let mut log = store.snapshot().await?;
    let shared: String = sqlx::query("SELECT pg_export_snapshot()")
        .fetch_one(&mut *log)
        .await
        .and_then(|row| row.try_get(0))
        .map_err(failed("read the event log"))?;
    let mut rows = store.snapshot().await?;
    // The server made this name; it cannot be a parameter.
    sqlx::query(AssertSqlSafe(format!("SET TRANSACTION SNAPSHOT '{shared}'")))
        .execute(&mut *rows)
        .await
        .map_err(failed("read the rows"))?;
    let books = books(&mut log, batch).await?;
    let mut walk = Walk::new(LogHash::genesis(&books.batch.code), noted);
    let broken = match follow(&mut log, rows, &books, &mut walk).await {
        Ok(()) => None,
        Err(Halt::Broken(broken)) => Some(broken),
        Err(Halt::Failed(error)) => return Err(error),
    };
    Ok(LogAudit { events: walk.events, head: walk.head, noted: walk.noted_at, broken })
}

async fn books(connection: &mut PgConnection, batch: BatchId) -> Result<Books, Error> {
    let shown = statement!("SELECT * FROM shown WHERE id = $1", batch.0)
        .fetch_one(&mut *connection)
        .await
        .map_err(failed("read the batch"))?;
    let row = statement!(
        "SELECT fence, runner, interrupted, restored_at, events, head, salt FROM batches \
         WHERE id = $1",
        batch.0
    )
    .fetch_one(&mut *connection)
    .await
    .map_err(failed("read the batch"))?;
    let fields = Fields(&row);
    let log = Log::of(&row)?;
    Ok(Books {
        batch: Fields(&shown).batch()?,
        fence: fields.int("fence")?,
        runner: fields.text("runner")?.to_owned(),
        interrupted: fields.int("interrupted")? != 0,
        restored_at: fields.maybe_int("restored_at")?,
        requested: requested(connection, batch).await?,
        log: log.as_ref().map(|log| (log.events, log.head)),
        salt: log.and_then(|log| log.salt),
    })
}

async fn follow(
    log: &mut PgConnection,
    rows: Transaction<'static, Postgres>,
    books: &Books,
    walk: &mut Walk,
) -> Result<(), Halt> {
    let batch = books.batch.id;
    let entries =
        statement!("SELECT seq, entry, hash FROM events WHERE batch_id = $1 ORDER BY seq", batch.0)
            .fetch(&mut *log);
    follow_log(entries, walk).await?;
    walk.end(books)?;
    let entries = statement!(
        "SELECT seq, entry FROM events WHERE batch_id = $1 AND entry::jsonb ->> 'row' IS NOT NULL \
         ORDER BY (entry::jsonb ->> 'row')::bigint, seq",
        batch.0
    )
    .fetch(&mut *log);
    let mut rows = Rows { tx: rows, batch };
    follow_rows(entries, &mut rows, books.salt.as_ref(), walk.purged).await?;
    count_rows(&mut rows.tx, batch).await.map_err(found)
}

/// The rows as they stand, in the file's order.
struct Rows {
    tx: Transaction<'static, Postgres>,
    batch: BatchId,
}

impl Pages for Rows {
    type Row = PgRow;

    async fn after(&mut self, after: u64) -> Result<Vec<PgRow>, Error> {
        rows_after(&mut self.tx, self.batch, after, PAGE).await
    }
}
