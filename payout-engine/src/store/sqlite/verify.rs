//! Feeds a batch's event log, and the rows it tells about, to the verifier.
//!
//! Memory does not grow with the batch: entries are streamed in the log's order, then once more
//! sorted by row (SQLite sorts on disk), beside the rows page by page.

use sqlx::{Connection, Sqlite, SqliteConnection, Transaction, sqlite::SqliteRow};

use super::{
    SqliteStore,
    load::requested,
    read::{count_rows, rows_after},
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

type Snapshot<'a> = Transaction<'a, Sqlite>;

pub(super) async fn verify(
    store: &SqliteStore,
    batch: BatchId,
    noted: Option<LogHash>,
) -> Result<LogAudit, Error> {
    let (mut first, mut second) = store.two_readers().await?;
    let (mut log, rows, books) = loop {
        let mut log = first.begin().await.map_err(failed("read the event log"))?;
        let books_of_log = books(&mut log, batch).await?;
        let mut rows = second.begin().await.map_err(failed("read the rows"))?;
        // Both have to see the same commit, and every commit adds to the log. One that came in
        // between is rare, and the next try is likely to be alone.
        if books(&mut rows, batch).await?.log == books_of_log.log {
            break (log, rows, books_of_log);
        }
    };
    let mut walk = Walk::new(LogHash::genesis(&books.batch.code), noted);
    let broken = match follow(&mut log, rows, &books, &mut walk).await {
        Ok(()) => None,
        Err(Halt::Broken(broken)) => Some(broken),
        Err(Halt::Failed(error)) => return Err(error),
    };
    Ok(LogAudit { events: walk.events, head: walk.head, noted: walk.noted_at, broken })
}

async fn books(connection: &mut SqliteConnection, batch: BatchId) -> Result<Books, Error> {
    let row = sqlx::query("SELECT * FROM batches WHERE id = ?")
        .bind(batch.0)
        .fetch_one(&mut *connection)
        .await
        .map_err(failed("read the batch"))?;
    let fields = Fields(&row);
    let log = Log::of(&row)?;
    Ok(Books {
        batch: fields.batch()?,
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
    log: &mut Snapshot<'_>,
    rows: Snapshot<'_>,
    books: &Books,
    walk: &mut Walk,
) -> Result<(), Halt> {
    let batch = books.batch.id;
    let entries =
        sqlx::query("SELECT seq, entry, hash FROM events WHERE batch_id = ? ORDER BY seq")
            .bind(batch.0)
            .fetch(&mut **log);
    follow_log(entries, walk).await?;
    walk.end(books)?;
    let entries = sqlx::query(
        "SELECT seq, entry FROM events WHERE batch_id = ? AND entry ->> 'row' IS NOT NULL \
         ORDER BY entry ->> 'row', seq",
    )
    .bind(batch.0)
    .fetch(&mut **log);
    let mut rows = Rows { tx: rows, batch };
    follow_rows(entries, &mut rows, books.salt.as_ref(), walk.purged).await?;
    count_rows(&mut rows.tx, batch).await.map_err(found)
}

/// The rows as they stand, in the file's order.
struct Rows<'a> {
    tx: Snapshot<'a>,
    batch: BatchId,
}

impl Pages for Rows<'_> {
    type Row = SqliteRow;

    async fn after(&mut self, after: u64) -> Result<Vec<SqliteRow>, Error> {
        rows_after(&mut self.tx, self.batch, after, PAGE).await
    }
}
