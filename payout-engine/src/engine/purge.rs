//! Removing personal data from a batch that is done.

use crate::{
    batch::Batch,
    clock::Clock,
    engine::Engine,
    error::Error,
    payout::{BatchSummary, Outcome},
    store::Lease,
};

impl Engine {
    /// Removes who was paid from a finished batch, for good, and keeps references, amounts,
    /// outcomes, codes and order numbers. A batch that was purged before is purged again, which
    /// finishes a purge that was cut off.
    ///
    /// # Errors
    /// Rows that are not final; another runner holds the store; the store fails.
    pub async fn purge(&self, batch: &Batch) -> Result<Batch, Error> {
        let clock = Clock::start(&self.wall);
        let (lease, _) = self.take_over(batch, clock).await?;
        let purged = self.purge_leased(batch, &lease, clock).await;
        self.give_up(&lease).await;
        purged
    }

    async fn purge_leased(
        &self,
        batch: &Batch,
        lease: &Lease,
        clock: Clock,
    ) -> Result<Batch, Error> {
        // Asked under the lease: nobody releases a row or sends it meanwhile.
        refuse_open_rows(&self.store.summary(batch.id).await?, batch)?;
        self.store.audit(batch.id).await?;
        self.store.purge(lease, clock.now()).await?;
        self.store.audit(batch.id).await?;
        self.store.batch(Some(&batch.name)).await
    }
}

/// Whoever is still to be paid, asked about or decided about has to stay known. The rows of a dry
/// run stay pending for ever, and nothing of them was or will be sent.
pub(crate) fn refuse_open_rows(summary: &BatchSummary, batch: &Batch) -> Result<(), Error> {
    let open: u64 = Outcome::ALL
        .iter()
        .filter(|outcome| !outcome.is_final() && **outcome != Outcome::Held)
        .filter(|outcome| !(batch.options.dry_run && **outcome == Outcome::Pending))
        .map(|outcome| summary.count(*outcome))
        .sum();
    let held = summary.count(Outcome::Held);
    let to_do = match (open, held) {
        (0, 0) => return Ok(()),
        (0, _) => "release or reject them first (`payout release`, `payout reject`)",
        _ => "finish it first with `payout resume`",
    };
    Err(Error::batch_state(
        &batch.name,
        format!("is not finished: {} of its rows are still open; {to_do}", open + held),
    ))
}

/// Rows of which nobody knows any more whom they pay get no other attempt.
pub(super) fn refuse_purged(batch: &Batch) -> Result<(), Error> {
    if batch.purged_at.is_none() {
        return Ok(());
    }
    Err(Error::batch_state(
        &batch.name,
        "holds no personal data any more, so nobody of it can be paid; run a new file",
    ))
}
