//! Carrying a batch from one store to another, half-run or finished, so that it is never paid from
//! both.
//!
//! First the batch is let go, durably and for good: it is taken over as by any runner, and marked
//! with where it goes. Then it is taken in there, in one transaction. Whatever interrupts that, the
//! same again finishes it: a batch that was let go is nowhere else until it has arrived, and can
//! arrive in one place only.
//!
//! A batch that had to be carried in a second try may have been there before, and that store may be
//! an old copy of itself. So its orders are asked about before anything is sent, as after any
//! restoration ([`crate::machine`]).
//!
//! Invariant: at every moment at most one store would give out a lease for the batch to a runner.

use std::sync::Arc;

use jiff::Timestamp;

use crate::{
    batch::{Batch, BatchState},
    chain::LogHash,
    engine::refuse_open_rows,
    error::Error,
    store::{
        Store,
        transfer::{Parcel, Transfer},
        url::StoreUrl,
    },
};

/// A store that batches are carried from or to.
pub struct Depot {
    store: Arc<dyn Transfer>,
    /// Where it is, without anything secret.
    place: String,
}

/// A batch that was carried.
#[derive(Debug)]
pub struct Carried {
    /// The batch, where it goes on.
    pub batch: Batch,
    /// The head of its event log there.
    pub head: LogHash,
    /// Whether it had arrived before.
    pub was_there: bool,
}

impl Depot {
    /// Opens the store at `url`, and makes it if it is not there.
    ///
    /// # Errors
    /// Where it cannot be opened.
    pub async fn open(url: &StoreUrl) -> Result<Self, Error> {
        let store = url.open_for_transfer().await?;
        Ok(Self { store, place: url.place()? })
    }

    /// The store, for reading.
    pub fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.store) as Arc<dyn Store>
    }

    /// Where the store is, without anything secret.
    pub fn place(&self) -> &str {
        &self.place
    }

    async fn with_code(&self, batch: &Batch) -> Result<Option<Batch>, Error> {
        let batches = self.store.batches().await?;
        Ok(batches.into_iter().find(|found| found.code == batch.code))
    }

    /// An audit of a batch that has to find nothing.
    async fn vouch(&self, batch: &Batch, noted: Option<LogHash>) -> Result<LogHash, Error> {
        self.store.audit(batch.id).await?;
        let audit = self.store.verify(batch.id, noted).await?;
        match audit.broken {
            None => Ok(audit.head),
            Some(broken) => Err(Error::books(format!(
                "batch `{}` in {}: {broken}; `payout audit` tells more",
                batch.name, self.place
            ))),
        }
    }
}

/// Carries `batch` from one store to another. With `archive`, only one that is finished, and the
/// people in it are forgotten where it was.
///
/// What was not finished arrives stopped: nobody pays it on until somebody resumes it there.
///
/// # Errors
/// A runner has the batch in hand; it was moved elsewhere before; the other store has a batch of
/// that name; the log does not account for the batch; a store fails. Where the batch was let go by
/// then, the same again finishes it.
pub async fn carry(
    batch: &Batch,
    from: &Depot,
    to: &Depot,
    runner: &str,
    archive: bool,
) -> Result<Carried, Error> {
    if from.place == to.place {
        return Err(Error::not_allowed(format!(
            "batch `{}` is in {} already",
            batch.name, to.place
        )));
    }
    let there = to.with_code(batch).await?;
    let seen = match batch.moved {
        None => Some(may_go(batch, from, to, there.as_ref(), archive).await?),
        Some(_) => None,
    };
    let now = Timestamp::now();
    let lease = from.store.depart(batch, runner, &to.place, now).await?;
    let gone = from.store.batch(Some(&batch.name)).await?;
    let was_there = there.is_some();
    let arrived = match there {
        Some(arrived) => arrived,
        None => {
            let parcel = Parcel {
                source: &*from.store,
                batch: &gone,
                state: gone.moved.as_ref().map_or(BatchState::Stopped, |moved| moved.arrives()),
                from: &from.place,
                runner,
                is_doubtful: seen.is_none(),
            };
            to.store.arrive(&parcel, now).await?
        }
    };
    let head = to.vouch(&arrived, seen).await?;
    if archive && gone.purged_at.is_none() {
        from.store.purge(&lease, now).await?;
    }
    from.store.renew(&lease, None, now).await?;
    Ok(Carried { batch: arrived, head, was_there })
}

/// Refuses what could not arrive, while the batch is still here. The head of its log.
async fn may_go(
    batch: &Batch,
    from: &Depot,
    to: &Depot,
    there: Option<&Batch>,
    archive: bool,
) -> Result<LogHash, Error> {
    if there.is_some() {
        return Err(Error::batch_state(
            &batch.name,
            format!("is in {} as well: one of these stores is a copy; nothing was moved", to.place),
        ));
    }
    if to.store.batches().await?.iter().any(|found| found.name == batch.name) {
        return Err(Error::batch_state(
            &batch.name,
            format!("cannot be moved: {} has another batch of that name", to.place),
        ));
    }
    if archive {
        refuse_open_rows(&from.store.summary(batch.id).await?, batch)?;
    }
    from.vouch(batch, None).await
}
