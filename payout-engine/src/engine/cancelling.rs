//! Cancelling a batch: nothing more is sent, orders that wait for a password are closed. And
//! pausing one: nothing is sent until somebody starts it again.
//!
//! The request comes first and is durable, so that it holds whatever happens then: a run that is
//! on, in this process or another, notices it and ends; every later run of the batch only follows
//! what is open. There is no separate way to cancel: a run of a cancelled batch is what cancels it.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use tokio::time::{Instant, sleep};

use crate::{
    batch::{Batch, CancelRequest, PauseRequest},
    cancel::Cancel,
    engine::Engine,
    error::{Error, ErrorKind},
    gateway::Gateway,
    machine::{Event, Write},
    pages::pages,
    payout::BatchSummary,
    store::{Lease, Transition},
    turn::Run,
};

/// Pauses between tries to take the batch over from a runner that is about to end.
const BETWEEN_TRIES: Duration = Duration::from_millis(100);

impl Engine {
    /// Asks that nothing more of the batch is sent, durably and for good. Needs no lease: who runs
    /// the batch just now notices it within about a second. If it was asked before, the first
    /// request stands. Returns the one that does.
    ///
    /// # Errors
    /// A batch that was never loaded completely; a store that cannot be written.
    pub async fn request_cancel(
        &self,
        batch: &Batch,
        by: &str,
        reason: Option<&str>,
    ) -> Result<CancelRequest, Error> {
        let reason = reason.map(str::to_owned);
        let request = CancelRequest { at: Timestamp::now(), by: by.to_owned(), reason };
        self.store.request_cancel(batch, &request).await
    }

    /// Pauses the batch, durably: nobody runs it until [`Engine::unpause`], and who runs it just
    /// now ends within about a second, drained. If it was paused before, the first request stands.
    /// Returns the one that does.
    ///
    /// # Errors
    /// A batch that was never loaded completely; a store that cannot be written.
    pub async fn pause(&self, batch: &Batch, by: &str) -> Result<PauseRequest, Error> {
        let request = PauseRequest { at: Timestamp::now(), by: by.to_owned() };
        self.store.request_pause(batch, &request).await
    }

    /// Lifts a pause, if there is one: the batch may be run again.
    ///
    /// # Errors
    /// A store that cannot be written.
    pub async fn unpause(&self, batch: &Batch, by: &str) -> Result<(), Error> {
        self.store.lift_pause(batch, by, Timestamp::now()).await
    }

    /// Runs a batch that is to be cancelled as soon as whoever has the store in hand lets go of it,
    /// and for no longer than `wait`.
    ///
    /// # Errors
    /// Those of [`Engine::run`]. Where the store stays locked, the request stands all the same.
    pub async fn run_once_free(
        &self,
        batch: &Batch,
        gateway: Arc<dyn Gateway>,
        cancel: &Cancel,
        wait: Duration,
    ) -> Result<BatchSummary, Error> {
        let deadline = Instant::now() + wait;
        loop {
            let ended = self.run(batch, Arc::clone(&gateway), cancel).await;
            let is_held = matches!(&ended, Err(error) if error.kind() == ErrorKind::Locked);
            if !is_held || cancel.is_cancelled() || Instant::now() >= deadline {
                return ended;
            }
            tokio::select! {
                () = cancel.cancelled() => {}
                () = sleep(BETWEEN_TRIES) => {}
            }
        }
    }

    /// Gives up every row of which nothing was sent, page by page. What is open is left to the run.
    pub(super) async fn give_up_rows(&self, run: &Run, lease: &Lease) -> Result<(), Error> {
        let rules = run.rules();
        let mut pages = pages(&*self.store, run.batch.id);
        while let Some(rows) = pages.next().await? {
            let mut transitions = Vec::new();
            for row in rows {
                let from = row.payout.outcome();
                let step = row.payout.step(&rules, Event::Cancel, run.clock.now());
                if step.write != Write::Not {
                    step.payout.check()?;
                    transitions.push(Transition { from, payout: step.payout });
                }
            }
            if !transitions.is_empty() {
                self.store.offer(lease, &transitions, run.clock.now()).await?;
            }
        }
        Ok(())
    }
}
