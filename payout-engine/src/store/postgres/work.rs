//! The one way in which a runner writes: a transaction that proves its lease and keeps the log.
//!
//! Whoever writes locks the batch first, so that the log has one end. The runner's own row is
//! locked as well: it cannot be taken away before the transaction is through.
//!
//! A connection that is lost while a commit is on its way leaves it unknown whether that landed.
//! The log tells: [`Work::commit`] looks for its own last event there, and says for certain.
//!
//! Invariant: what a transaction changes and the events that tell of it are committed together or
//! not at all, and only by a runner that is in the batch and whose last event is in the log.

use std::sync::Arc;

use jiff::Timestamp;
use sqlx::{PgConnection, Postgres, Transaction};

use super::{PostgresStore, news, patience::is_lost, statement::statement};
use crate::{
    batch::BatchId,
    chain::{LogEvent, LogHash, Salt},
    error::Error,
    store::{
        Lease, Witness,
        codec::{Fields, millis},
        failed,
        log::Log,
    },
};

/// A writing transaction.
pub(super) struct Work<'s> {
    store: &'s PostgresStore,
    pub(super) tx: Transaction<'static, Postgres>,
    pub(super) batch: BatchId,
    pub(super) name: String,
    pub(super) now: Timestamp,
    pub(super) fence: i64,
    log: Log,
    witness: Option<Arc<Witness>>,
}

impl<'s> Work<'s> {
    /// Begins a transaction, proves that the runner is still in the batch and that the log holds
    /// what it saw last, and marks the batch as touched.
    pub(super) async fn begin(
        store: &'s PostgresStore,
        lease: &Lease,
        now: Timestamp,
    ) -> Result<Self, Error> {
        let seen = lease.witness.as_ref().and_then(|witness| witness.last());
        let mut tx = store.begin().await?;
        let batch = statement!(
            "WITH me AS (SELECT batch_id FROM runners WHERE batch_id = $1 AND fence = $2 \
             FOR KEY SHARE) \
             UPDATE batches SET updated_at = $3 FROM me WHERE batches.id = me.batch_id \
             RETURNING batches.events, batches.head, batches.salt, \
             (SELECT hash FROM events WHERE batch_id = $1 AND seq = $4) AS seen",
            lease.batch.0,
            lease.fence,
            millis(now),
            seen.map_or(0, |(seq, _)| seq)
        )
        .fetch_optional(&mut *tx)
        .await
        .map_err(failed("check the runner's lease"))?;
        let batch = batch.ok_or_else(|| Error::fenced(&lease.name))?;
        if let Some((_, head)) = seen
            && Fields(&batch).maybe_bytes("seen")? != Some(head.as_bytes())
        {
            return Err(Error::put_back(&lease.name));
        }
        let log = Log::of(&batch)?.ok_or_else(|| Error::fenced(&lease.name))?;
        let work = Self::within(store, tx, lease.batch, &lease.name, lease.fence, log, now);
        Ok(Self { witness: lease.witness.clone(), ..work })
    }

    /// Goes on with a transaction that has locked the batch.
    pub(super) fn within(
        store: &'s PostgresStore,
        tx: Transaction<'static, Postgres>,
        batch: BatchId,
        name: &str,
        fence: i64,
        log: Log,
        now: Timestamp,
    ) -> Self {
        Self { store, tx, batch, name: name.to_owned(), now, fence, log, witness: None }
    }

    /// Tells the witness of the commit.
    pub(super) fn seen_by(self, witness: &Arc<Witness>) -> Self {
        Self { witness: Some(Arc::clone(witness)), ..self }
    }

    /// Whether the log holds this event.
    pub(super) async fn holds(&mut self, (seq, hash): (i64, LogHash)) -> Result<bool, Error> {
        Ok(event(&mut self.tx, self.batch, seq).await? == Some(hash))
    }

    /// The salt of the batch's seals; `None` once personal data was removed.
    pub(super) fn salt(&self) -> Option<&Salt> {
        self.log.salt.as_ref()
    }

    /// Adds events to the log, in this order.
    pub(super) async fn log(&mut self, events: Vec<LogEvent>) -> Result<(), Error> {
        if events.is_empty() {
            return Ok(());
        }
        let (mut seqs, mut texts, mut hashes) = (Vec::new(), Vec::new(), Vec::new());
        for (seq, text, hash) in self.log.add(self.now, self.fence, events)? {
            seqs.push(seq);
            texts.push(text);
            hashes.push(hash.as_bytes().to_vec());
        }
        statement!(
            "WITH added AS (INSERT INTO events (batch_id, seq, entry, hash) \
             SELECT $1, * FROM unnest($2::bigint[], $3::text[], $4::bytea[])) \
             UPDATE batches SET events = $5, head = $6 WHERE id = $1",
            self.batch.0,
            &seqs[..],
            &texts[..],
            &hashes[..],
            self.log.events,
            self.log.head.as_bytes()
        )
        .execute(&mut *self.tx)
        .await
        .map_err(failed("write the event log"))?;
        Ok(())
    }

    /// Tells everybody, once this is committed, that there may be something to do.
    pub(super) async fn tell(&mut self) -> Result<(), Error> {
        news::tell(&mut self.tx).await
    }

    /// Makes it all durable. After an error of which [`is_lost`] holds it certainly did not land,
    /// and may be done anew.
    pub(super) async fn commit(self, doing: &'static str) -> Result<(), Error> {
        if let Err(error) = self.tx.commit().await {
            let (events, head) = (self.log.events, self.log.head);
            if !is_lost(&error) || !self.store.landed(self.batch, events, head).await? {
                return Err(Error::store(doing, error));
            }
        }
        match &self.witness {
            Some(witness) => witness.note(self.log.events, self.log.head),
            None => Ok(()),
        }
    }
}

impl PostgresStore {
    /// Whether a commit landed whose last event is this one, and whose connection was lost.
    async fn landed(&self, batch: BatchId, seq: i64, hash: LogHash) -> Result<bool, Error> {
        let looked = self.patiently(|| async move {
            let mut tx = self.begin().await?;
            // It had the batch locked. Once the lock is ours, it is over, one way or the other.
            statement!("SELECT id FROM batches WHERE id = $1 FOR NO KEY UPDATE", batch.0)
                .execute(&mut *tx)
                .await
                .map_err(failed("lock the batch"))?;
            Ok(event(&mut tx, batch, seq).await? == Some(hash))
        });
        looked.await.map_err(|error| {
            Error::store("find out whether its last write landed", error)
                .with_hint("`payout resume` goes on with what the store holds")
        })
    }
}

async fn event(
    connection: &mut PgConnection,
    batch: BatchId,
    seq: i64,
) -> Result<Option<LogHash>, Error> {
    let found =
        statement!("SELECT hash FROM events WHERE batch_id = $1 AND seq = $2", batch.0, seq)
            .fetch_optional(connection)
            .await
            .map_err(failed("read the event log"))?;
    found.map(|row| Fields(&row).hash("hash")).transpose()
}
