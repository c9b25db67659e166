//! Feeds a batch's event log, and the rows it tells about, to the verifier.
//!
//! Memory does not grow with the batch: entries are streamed in the log's order, then once more
//! sorted by row (SQLite sorts on disk), beside the rows page by page.

use std::collections::VecDeque;

use futures_util::TryStreamExt;
use sqlx::{Connection, Sqlite, SqliteConnection, Transaction};

use super::{
    SqliteStore,
    codec::Fields,
    failed,
    load::requested,
    read::{count_rows, rows_after},
    work::Log,
};
use crate::{
    batch::BatchId,
    chain::{
        Entry, LogHash, Salt,
        verify::{Books, Broken, Halt, LogAudit, RowWalk, Walk},
    },
    error::{Error, ErrorKind},
    payout::Outcome,
    store::PayoutRecord,
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
    let mut entries =
        sqlx::query("SELECT seq, entry, hash FROM events WHERE batch_id = ? ORDER BY seq")
            .bind(batch.0)
            .fetch(&mut **log);
    while let Some(row) = entries.try_next().await.map_err(failed("read the event log"))? {
        let row = Fields(&row);
        let hash = LogHash::read(&row.maybe_bytes("hash")?.unwrap_or_default());
        let seq = row.count("seq").map_err(found)?;
        walk.take(seq, row.text("entry")?, hash.map_err(found)?)?;
    }
    drop(entries);
    walk.end(books)?;
    let salt = books.salt.as_ref();
    let mut records = Records { rows, batch, page: VecDeque::new(), after: 0 };
    follow_rows(log, &mut records, salt, walk.purged).await?;
    count_rows(&mut records.rows, batch).await.map_err(found)
}

/// The entries of each row, one after the other, beside the row as it stands.
async fn follow_rows(
    log: &mut Snapshot<'_>,
    records: &mut Records<'_>,
    salt: Option<&Salt>,
    purged: bool,
) -> Result<(), Halt> {
    let mut entries = sqlx::query(
        "SELECT seq, entry FROM events WHERE batch_id = ? AND entry ->> 'row' IS NOT NULL \
         ORDER BY entry ->> 'row', seq",
    )
    .bind(records.batch.0)
    .fetch(&mut **log);
    let mut story: Option<RowWalk> = None;
    while let Some(row) = entries.try_next().await.map_err(failed("read the event log"))? {
        let fields = Fields(&row);
        let seq = fields.count("seq")?;
        let entry: Entry = serde_json::from_str(fields.text("entry")?)
            .map_err(|error| Error::store("read the event log", error))?;
        let Some(row) = entry.row else { continue };
        match &mut story {
            Some(story) if story.row == row => story.take(seq, entry.event)?,
            _ => {
                let next = RowWalk::begin(seq, row, entry.event)?;
                if let Some(told) = story.replace(next) {
                    records.meet(told, salt, purged).await?;
                }
            }
        }
    }
    if let Some(told) = story {
        records.meet(told, salt, purged).await?;
    }
    match records.next().await? {
        None => Ok(()),
        Some(record) => Err(untold(&record).into()),
    }
}

/// The rows as they stand, in the file's order.
struct Records<'a> {
    rows: Snapshot<'a>,
    batch: BatchId,
    page: VecDeque<(PayoutRecord, Outcome)>,
    after: u64,
}

impl Records<'_> {
    async fn next(&mut self) -> Result<Option<PayoutRecord>, Halt> {
        if self.page.is_empty() {
            let page = rows_after(&mut self.rows, self.batch, self.after, PAGE).await?;
            for row in &page {
                let fields = Fields(row);
                let number = fields.count("row").map_err(found)?;
                let within = |error: Error| match error.kind() {
                    ErrorKind::Books => Halt::Broken(Broken::row(number, error.to_string())),
                    _ => Halt::Failed(error),
                };
                let record = fields.record().map_err(within)?;
                self.page.push_back((record, fields.word("outcome").map_err(within)?));
                self.after = number;
            }
        }
        let Some((record, outcome)) = self.page.pop_front() else { return Ok(None) };
        if outcome != record.payout.outcome() {
            let (row, state) = (record.payout.row, record.payout.state);
            return Err(Broken::row(row, format!("is `{state}` and `{outcome}` at once")).into());
        }
        Ok(Some(record))
    }

    /// The next row has to be the one that the log tells of next.
    async fn meet(&mut self, told: RowWalk, salt: Option<&Salt>, purged: bool) -> Result<(), Halt> {
        match self.next().await? {
            Some(record) if record.payout.row == told.row => Ok(told.end(&record, salt, purged)?),
            Some(record) if record.payout.row < told.row => Err(untold(&record).into()),
            _ => Err(Broken::row(told.row, "was taken out of the store").into()),
        }
    }
}

fn untold(record: &PayoutRecord) -> Broken {
    Broken::row(record.payout.row, "no event tells of it: it was put in past the engine")
}

/// What this version cannot read, or does not add up, was not written by it.
fn found(error: Error) -> Halt {
    match error.kind() {
        ErrorKind::Books => Halt::Broken(Broken::batch(error.to_string())),
        _ => Halt::Failed(error),
    }
}
