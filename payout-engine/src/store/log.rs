//! The end of a batch's chain of events, as a store keeps it beside the batch.

use jiff::Timestamp;

use super::codec::{Columns, Fields};
use crate::{
    chain::{Entry, LogEvent, LogHash, Salt},
    error::Error,
};

/// The end of a batch's chain. A batch that was loaded before there was a log has none.
pub(super) struct Log {
    pub(super) events: i64,
    pub(super) head: LogHash,
    pub(super) salt: Option<Salt>,
}

/// An entry that was added: its place in the log, its text, its hash.
pub(super) type Added = (i64, String, LogHash);

impl Log {
    /// Reads `events`, `head` and `salt` of a batch.
    pub(super) fn of(batch: &impl Columns) -> Result<Option<Self>, Error> {
        let batch = Fields(batch);
        let Some(events) = batch.maybe_int("events")? else { return Ok(None) };
        let salt = batch.maybe_bytes("salt")?.map(Salt::read).transpose()?;
        Ok(Some(Self { events, head: batch.hash("head")?, salt }))
    }

    /// Adds events, in this order.
    pub(super) fn add(
        &mut self,
        now: Timestamp,
        fence: i64,
        events: Vec<LogEvent>,
    ) -> Result<Vec<Added>, Error> {
        let mut added = Vec::with_capacity(events.len());
        for event in events {
            let entry = Entry::new(now, fence, event).encode()?;
            self.head = self.head.next(&entry);
            self.events += 1;
            added.push((self.events, entry, self.head));
        }
        Ok(added)
    }
}
