//! Follows a batch's event log, and holds the rows as they stand against it, in any store.
//!
//! Memory does not grow with the batch: entries are streamed in the log's order, then once more
//! sorted by row, beside the rows page by page.

use std::collections::VecDeque;

use futures_util::{Stream, TryStreamExt};

use super::{
    PayoutRecord,
    codec::{Columns, Fields},
    failed,
};
use crate::{
    chain::{
        Entry, Salt,
        verify::{Broken, Halt, RowWalk, Walk},
    },
    error::{Error, ErrorKind},
    payout::Outcome,
};

/// The rows of a batch as they stand, in the file's order.
pub(super) trait Pages: Send {
    type Row: Columns + Send + Sync;

    /// Rows after `after`; none at the end.
    fn after(&mut self, after: u64) -> impl Future<Output = Result<Vec<Self::Row>, Error>> + Send;
}

/// Follows all entries of the log, in its order.
pub(super) async fn follow_log<R: Columns>(
    mut entries: impl Stream<Item = Result<R, sqlx::Error>> + Unpin,
    walk: &mut Walk,
) -> Result<(), Halt> {
    while let Some(row) = entries.try_next().await.map_err(failed("read the event log"))? {
        let row = Fields(&row);
        let hash = row.hash("hash").map_err(found)?;
        let seq = row.count("seq").map_err(found)?;
        walk.take(seq, row.text("entry")?, hash)?;
    }
    Ok(())
}

/// The entries of each row, one after the other, beside the row as it stands.
pub(super) async fn follow_rows<R: Columns>(
    mut entries: impl Stream<Item = Result<R, sqlx::Error>> + Unpin,
    pages: &mut impl Pages,
    salt: Option<&Salt>,
    purged: bool,
) -> Result<(), Halt> {
    let mut records = Records { pages, page: VecDeque::new(), after: 0 };
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

struct Records<'a, P> {
    pages: &'a mut P,
    page: VecDeque<(PayoutRecord, Outcome)>,
    after: u64,
}

impl<P: Pages> Records<'_, P> {
    async fn next(&mut self) -> Result<Option<PayoutRecord>, Halt> {
        if self.page.is_empty() {
            let page = self.pages.after(self.after).await?;
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
pub(super) fn found(error: Error) -> Halt {
    match error.kind() {
        ErrorKind::Books => Halt::Broken(Broken::batch(error.to_string())),
        _ => Halt::Failed(error),
    }
}
