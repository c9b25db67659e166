//! A person decides about one held row.

use crate::{
    batch::{Batch, BatchState},
    clock::Clock,
    decision::{Decision, Ruling},
    engine::Engine,
    error::Error,
    machine::{Event, Rules},
    payout::{Outcome, Reason},
    store::{Lease, PayoutRecord, Transition},
};

impl Engine {
    /// Releases or rejects a held row, durably, with who decided and why. Nothing is sent: the next
    /// run of the batch pays a released row, after it verified the account again.
    ///
    /// # Errors
    /// No such row, or one that is not held; a release in a batch that was cancelled; another
    /// runner holds the store; the store fails.
    pub async fn decide(
        &self,
        batch: &Batch,
        reference: &str,
        ruling: Ruling,
        by: &str,
        reason: &str,
    ) -> Result<PayoutRecord, Error> {
        let clock = Clock::start(&self.wall);
        let (lease, _) = self.take_over(batch, clock).await?;
        let decided =
            self.decide_leased(batch, &lease, reference, (ruling, by, reason), clock).await;
        self.give_up(&lease).await;
        decided
    }

    async fn decide_leased(
        &self,
        batch: &Batch,
        lease: &Lease,
        reference: &str,
        (ruling, by, reason): (Ruling, &str, &str),
        clock: Clock,
    ) -> Result<PayoutRecord, Error> {
        let request = self.store.brakes(batch.id).await?.cancel;
        if request.is_some() && ruling == Ruling::Released {
            return Err(Error::cancelled(&batch.name));
        }
        let found = self.store.find(batch.id, reference).await?;
        let mut record = found.ok_or_else(|| no_such_row(batch, reference))?;
        let held = held_for(&record)?;
        let decision = Decision {
            ruling,
            about: held.code.clone(),
            by: by.to_owned(),
            reason: reason.to_owned(),
        };
        let rules = Rules {
            code: &batch.code,
            options: &batch.options,
            policy: &self.policy,
            cancelling: request.is_some(),
            restored_at: lease.restored_at,
        };
        let from = record.payout.outcome();
        let step = record.payout.clone().step(&rules, Event::Decided(decision), clock.now());
        step.payout.check()?;
        if ruling == Ruling::Released && !self.has_company(lease).await? {
            // First, so that the newest unfinished batch is this one, whenever a crash comes.
            let stopped = batch.stopped.clone();
            self.end(lease, clock, BatchState::Stopped, stopped, false).await?;
        }
        record.payout = step.payout;
        let transition = Transition { from, payout: record.payout.clone() };
        self.store.write(lease, &[transition], clock.now()).await?;
        Ok(record)
    }
}

fn held_for(record: &PayoutRecord) -> Result<&Reason, Error> {
    let outcome = record.payout.outcome();
    let held = record.payout.reason.as_ref().filter(|_| outcome == Outcome::Held);
    held.ok_or_else(|| {
        Error::not_allowed(format!(
            "`{}` (row {}) is {outcome}; only a held row waits for a decision",
            record.reference, record.payout.row
        ))
    })
}

fn no_such_row(batch: &Batch, reference: &str) -> Error {
    Error::not_allowed(format!(
        "batch `{}` has no row `{reference}`; `payout report` shows those it has",
        batch.name
    ))
}
