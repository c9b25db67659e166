//! After an old copy of the store was put back: what the gateway lists and the store does not know.
//!
//! What keeps anybody from being paid twice is in the core (`machine::restored`): it asks about
//! every order before it sends one. The list is for what it does not ask about: a row that had
//! ended in the copy and was tried again since.

use std::collections::BTreeMap;

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
        let mut listed = BTreeMap::from_iter(latest);
        // Most of a large batch may not be listed, so its rows are passed over.
        while let Some((&first, _)) = listed.first_key_value() {
            let Some(rows) = pages.from(first).await? else { break };
            let rest = rows.last().map_or(u64::MAX, |last| last.payout.row + 1);
            let rest = listed.split_off(&rest);
            let mut transitions = Vec::new();
            for row in rows {
                let Some(&attempt) = listed.get(&row.payout.row) else { continue };
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
            listed = rest;
        }
        Ok(true)
    }
}
