//! After an old copy of the store was put back: what the gateway lists and the store does not know.
//!
//! What keeps anybody from being paid twice is in the core (`machine::restored`): it asks about
//! every order before it sends one. The list is for what it does not ask about: a row that had
//! ended in the copy and was tried again since.

use crate::{
    engine::Engine,
    error::Error,
    event::EngineEvent,
    machine::{Event, Write},
    pages::pages,
    reconcile::latest_attempts,
    store::{Lease, Transition},
    turn::Run,
};

impl Engine {
    /// Takes over the orders that the gateway lists and the store does not know. False if the run
    /// has to end because the list cannot be read.
    pub(super) async fn catch_up(&self, run: &Run, lease: &Lease) -> Result<bool, Error> {
        let Some(since) = run.restored_at.filter(|_| !run.batch.options.dry_run) else {
            return Ok(true);
        };
        self.observer.event(&EngineEvent::Restored { since });
        let latest = match latest_attempts(run).await {
            Ok(latest) => latest,
            Err(_) if run.halt.is_asked() => return Ok(false),
            Err(stopped) => {
                run.halt.stop(stopped.cause, stopped.message);
                return Ok(false);
            }
        };
        let rules = run.rules();
        let mut pages = pages(&*self.store, run.batch.id);
        while let Some(rows) = pages.next().await? {
            let mut transitions = Vec::new();
            for row in rows {
                let Some(&attempt) = latest.get(&row.payout.row) else { continue };
                let from = row.payout.outcome();
                let step = row.payout.step(&rules, Event::Listed { attempt }, run.clock.now());
                if step.write != Write::Not {
                    step.payout.check()?;
                    transitions.push(Transition { from, payout: step.payout });
                }
            }
            if !transitions.is_empty() {
                self.store.offer(lease, &transitions, run.clock.now()).await?;
            }
        }
        Ok(true)
    }
}
