//! Another attempt for the rows that certainly moved no money.

use std::sync::Arc;

use super::Aim;
use crate::{
    batch::Batch,
    cancel::Cancel,
    clock::Clock,
    engine::Engine,
    error::Error,
    gateway::Gateway,
    machine::{Event, Rules, Write},
    pages::pages,
    payout::BatchSummary,
    store::{Lease, PayoutRecord, Transition},
};

impl Engine {
    /// Gives every row that failed, expired or was cancelled another attempt under a new order
    /// number, and runs the batch as [`Engine::run`] does. Rows that a person rejected stay as they
    /// are, and so does every row that paid, or may have.
    ///
    /// # Errors
    /// Those of [`Engine::run`]; a batch that was cancelled, or whose personal data was removed.
    pub async fn retry(
        &self,
        batch: &Batch,
        gateway: Arc<dyn Gateway>,
        cancel: &Cancel,
    ) -> Result<BatchSummary, Error> {
        self.run_for(Aim::Retry, batch, gateway, cancel).await
    }

    /// Page by page: after a crash on the way the rows that were reached are pending, and the next
    /// retry reaches the others.
    pub(super) async fn begin_again(
        &self,
        lease: &Lease,
        batch: &Batch,
        clock: Clock,
    ) -> Result<(), Error> {
        let rules = Rules {
            code: &batch.code,
            options: &batch.options,
            policy: &self.policy,
            cancelling: false,
            restored_at: lease.restored_at,
        };
        let mut pages = pages(&*self.store, batch.id);
        while let Some(rows) = pages.next().await? {
            let mut transitions = Vec::new();
            for row in rows {
                transitions.extend(another_attempt(&rules, row, clock)?);
            }
            if !transitions.is_empty() {
                self.store.offer(lease, &transitions, clock.now()).await?;
            }
        }
        Ok(())
    }
}

fn another_attempt(
    rules: &Rules<'_>,
    row: PayoutRecord,
    clock: Clock,
) -> Result<Option<Transition>, Error> {
    let from = row.payout.outcome();
    let step = row.payout.step(rules, Event::Retry, clock.now());
    if step.write == Write::Not {
        return Ok(None);
    }
    step.payout.check()?;
    Ok(Some(Transition { from, payout: step.payout }))
}
