//! The one way in which a runner writes: a transaction that proves its lease and keeps the log.
//!
//! Invariant: what a transaction changes and the events that tell of it are committed together or
//! not at all, and only by the newest runner.

use std::sync::Arc;

use jiff::Timestamp;
use sqlx::{Connection, Sqlite, SqliteConnection, Transaction};

use crate::{
    batch::BatchId,
    chain::{LogEvent, LogHash, Salt},
    error::Error,
    store::{Lease, Witness, codec::millis, failed, log::Log},
};

/// A writing transaction of a runner.
pub(super) struct Work<'c> {
    pub(super) tx: Transaction<'c, Sqlite>,
    pub(super) batch: BatchId,
    pub(super) name: String,
    pub(super) now: Timestamp,
    fence: i64,
    log: Option<Log>,
    witness: Option<Arc<Witness>>,
}

/// Begins a transaction that will write, so that it never has to give way to another one.
pub(super) async fn begin(writer: &mut SqliteConnection) -> Result<Transaction<'_, Sqlite>, Error> {
    writer.begin_with("BEGIN IMMEDIATE").await.map_err(failed("begin a transaction"))
}

impl<'c> Work<'c> {
    /// Begins a transaction, proves that nobody took the batch over, and marks it as touched.
    pub(super) async fn begin(
        writer: &'c mut SqliteConnection,
        lease: &Lease,
        now: Timestamp,
    ) -> Result<Self, Error> {
        let mut tx = begin(writer).await?;
        let batch = sqlx::query(
            "UPDATE batches SET updated_at = ? WHERE id = ? AND fence = ? \
             RETURNING events, head, salt",
        )
        .bind(millis(now))
        .bind(lease.batch.0)
        .bind(lease.fence)
        .fetch_optional(&mut *tx)
        .await
        .map_err(failed("check the runner's lease"))?;
        let batch = batch.ok_or_else(|| Error::fenced(&lease.name))?;
        let log = Log::of(&batch)?;
        let work = Self::within(tx, lease.batch, &lease.name, lease.fence, log, now);
        Ok(Self { witness: lease.witness.clone(), ..work })
    }

    /// Goes on with a transaction that has just made the lease.
    pub(super) fn within(
        tx: Transaction<'c, Sqlite>,
        batch: BatchId,
        name: &str,
        fence: i64,
        log: Option<Log>,
        now: Timestamp,
    ) -> Self {
        Self { tx, batch, name: name.to_owned(), now, fence, log, witness: None }
    }

    /// Tells the witness of the commit.
    pub(super) fn seen_by(self, witness: &Arc<Witness>) -> Self {
        Self { witness: Some(Arc::clone(witness)), ..self }
    }

    /// Whether the log holds the event that was seen last. A store where nothing was seen is one
    /// of which nobody knows how old it is.
    pub(super) async fn holds(&mut self, seen: Option<(i64, LogHash)>) -> Result<bool, Error> {
        let Some((seq, hash)) = seen else { return Ok(false) };
        let found: Option<Vec<u8>> =
            sqlx::query_scalar("SELECT hash FROM events WHERE batch_id = ? AND seq = ?")
                .bind(self.batch.0)
                .bind(seq)
                .fetch_optional(&mut *self.tx)
                .await
                .map_err(failed("read the event log"))?;
        Ok(found.is_some_and(|found| found == hash.as_bytes()))
    }

    /// Writes down that what the batch says of orders may be out of date.
    pub(super) async fn doubt(&mut self) -> Result<(), Error> {
        sqlx::query("UPDATE batches SET restored_at = ? WHERE id = ?")
            .bind(millis(self.now))
            .bind(self.batch.0)
            .execute(&mut *self.tx)
            .await
            .map_err(failed("doubt the batch"))?;
        self.log(vec![LogEvent::Restored]).await
    }

    /// The salt of the batch's seals; `None` once personal data was removed, or without a log.
    pub(super) fn salt(&self) -> Option<&Salt> {
        self.log.as_ref().and_then(|log| log.salt.as_ref())
    }

    /// Whether events are kept of this batch.
    pub(super) fn has_log(&self) -> bool {
        self.log.is_some()
    }

    /// Adds events to the log, in this order.
    pub(super) async fn log(&mut self, events: Vec<LogEvent>) -> Result<(), Error> {
        let Some(log) = &mut self.log else { return Ok(()) };
        if events.is_empty() {
            return Ok(());
        }
        let first = log.events + 1;
        let added = log.add(self.now, self.fence, events)?;
        let entries: Vec<_> = added.iter().map(|(_, entry, _)| entry).collect();
        let entries = serde_json::to_string(&entries)
            .map_err(|error| Error::store("write the event log", error))?;
        let hashes: Vec<u8> =
            added.iter().flat_map(|(_, _, hash)| hash.as_bytes()).copied().collect();
        // A hash has 32 bytes.
        sqlx::query(
            "INSERT INTO events (batch_id, seq, entry, hash) \
             SELECT ?, ? + key, value, substr(?, 1 + 32 * key, 32) FROM json_each(?)",
        )
        .bind(self.batch.0)
        .bind(first)
        .bind(hashes)
        .bind(entries)
        .execute(&mut *self.tx)
        .await
        .map_err(failed("write the event log"))?;
        sqlx::query("UPDATE batches SET events = ?, head = ? WHERE id = ?")
            .bind(log.events)
            .bind(log.head.as_bytes())
            .bind(self.batch.0)
            .execute(&mut *self.tx)
            .await
            .map_err(failed("write the event log"))?;
        Ok(())
    }

    /// Makes it all durable.
    pub(super) async fn commit(self, doing: &'static str) -> Result<(), Error> {
        self.tx.commit().await.map_err(failed(doing))?;
        match (&self.witness, &self.log) {
            (Some(witness), Some(log)) => witness.note(log.events, log.head),
            _ => Ok(()),
        }
    }
}
