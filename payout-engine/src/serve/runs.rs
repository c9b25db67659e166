//! Runs of batches in this process: one task a batch, and at most one run of it.
//!
//! Whoever else runs a batch, the store tells. Runs here and runs elsewhere are the same: they go
//! on from what the store holds.
//!
//! Invariant: a run is never torn apart. It is asked to end, and ends with all it knows written.

mod after_start;
#[cfg(test)]
mod tests;
mod turns;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::pending;
use tokio::sync::watch;
use tracing::{Instrument, Span};

use super::TARGET;
use crate::{
    admission::Conditions,
    batch::{Batch, BatchId, BatchOptions},
    cancel::Cancel,
    decision::Ruling,
    engine::Engine,
    error::Error,
    event::{EngineEvent, Measured, Observer},
    gateway::Gateway,
    intake::Checked,
    pages::pages,
    payout::{Payee, StopCause},
    store::{PayoutRecord, Store},
};
use turns::{STINT, Turns, Who};

/// What a rehearsal does for each payee before a batch is run, with the currency: it opens an
/// account at the sandbox's bank.
pub(crate) type Prepare = Arc<dyn Fn(&Payee, &str) + Send + Sync>;

/// Runs of batches in this process. Clones are the same.
#[derive(Clone)]
pub(crate) struct Runs {
    engine: Engine,
    observer: Arc<dyn Observer>,
    /// The other end; without one, nothing is run here.
    gateway: Option<Arc<dyn Gateway>>,
    prepare: Option<Prepare>,
    turns: Turns,
    known: Arc<Mutex<HashMap<BatchId, Known>>>,
}

/// The newest run of a batch in this process.
struct Known {
    cancel: Cancel,
    ended: watch::Receiver<bool>,
    /// Why it ended, where that is nothing that the store tells.
    problem: Option<String>,
}

/// What a run does first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Aim {
    Pay,
    Retry,
}

impl Known {
    fn is_over(&self) -> bool {
        *self.ended.borrow()
    }
}

impl Runs {
    /// Runs with an engine that nobody watches yet.
    pub(super) fn new(
        engine: Engine,
        observer: Arc<dyn Observer>,
        gateway: Option<Arc<dyn Gateway>>,
        prepare: Option<Prepare>,
    ) -> Self {
        let turns = Turns::with(&**engine.store(), STINT);
        let engine = engine.as_worker();
        Self { engine, observer, gateway, prepare, turns, known: Arc::default() }
    }

    /// Whether this process runs the batch, or will when its turn comes.
    pub(crate) fn is_running(&self, batch: BatchId) -> bool {
        self.lock().get(&batch).is_some_and(|known| !known.is_over())
    }

    /// Why the last run of the batch in this process ended, where that is nothing that the store
    /// tells: another process has the store to itself, for example.
    pub(crate) fn problem(&self, batch: BatchId) -> Option<String> {
        self.lock().get(&batch)?.problem.clone()
    }

    /// Writes a file to the store as a batch; runs make room for that.
    ///
    /// # Errors
    /// Those of [`Conditions::take_in`]; no gateway is configured.
    pub(crate) async fn take_in(
        &self,
        conditions: &Conditions,
        checked: &Checked,
        file_name: &str,
        name: Option<&str>,
        options: BatchOptions,
    ) -> Result<Batch, Error> {
        let identity = self.gateway()?.identity();
        let _turn = self.turns.take(Who::Person).await;
        conditions.take_in(&self.engine, checked, file_name, name, options, &identity).await
    }

    /// Starts a batch, or goes on with it: nobody wants it paused any more. Returns at once; the
    /// store tells how it goes.
    ///
    /// # Errors
    /// There is no such batch; the store cannot be written; no gateway is configured.
    pub(crate) async fn start(&self, batch: &str, by: &str) -> Result<(), Error> {
        let gateway = self.gateway()?;
        let batch = self.batch(batch).await?;
        self.engine.unpause(&batch, by).await?;
        self.begin(batch, Aim::Pay, gateway);
        Ok(())
    }

    /// Pauses a batch, whoever runs it, until it is started again.
    ///
    /// # Errors
    /// There is no such batch; the store cannot be written.
    pub(crate) async fn pause(&self, batch: &str, by: &str) -> Result<(), Error> {
        let batch = self.batch(batch).await?;
        self.engine.pause(&batch, by).await?;
        Ok(())
    }

    /// Sends nothing more of a batch, for good. The request is in the store when this returns; what
    /// is open is closed in the background.
    ///
    /// # Errors
    /// There is no such batch; the store cannot be written; no gateway is configured.
    pub(crate) async fn cancel(
        &self,
        batch: &str,
        by: &str,
        reason: Option<&str>,
    ) -> Result<(), Error> {
        let batch = self.batch(batch).await?;
        self.engine.request_cancel(&batch, by, reason).await?;
        self.begin(batch, Aim::Pay, self.gateway()?);
        Ok(())
    }

    /// New attempts, under new order numbers, for rows that certainly moved no money.
    ///
    /// # Errors
    /// There is no such batch, or it is run just now; the store cannot be written; no gateway is
    /// configured.
    pub(crate) async fn retry(&self, batch: &str, by: &str) -> Result<(), Error> {
        let gateway = self.gateway()?;
        let batch = self.batch(batch).await?;
        if self.is_running(batch.id) {
            let problem = "is run just now; pause it, or wait for its end, and try again";
            return Err(Error::batch_state(&batch.name, problem));
        }
        self.engine.unpause(&batch, by).await?;
        self.begin(batch, Aim::Retry, gateway);
        Ok(())
    }

    /// A person's word on a held row; runs make room for that. A released row is paid when the
    /// batch is run next, or by the run that is on.
    ///
    /// # Errors
    /// There is no such row, or it is not held; another process has the store to itself.
    pub(crate) async fn decide(
        &self,
        batch: &str,
        reference: &str,
        ruling: Ruling,
        by: &str,
        reason: &str,
    ) -> Result<PayoutRecord, Error> {
        let _turn = self.turns.take(Who::Person).await;
        let batch = self.batch(batch).await?;
        self.engine.decide(&batch, reference, ruling, by, reason).await
    }

    /// Asks every run to end, and waits for it.
    pub(super) async fn drain(&self) {
        let batches: Vec<_> = self.lock().keys().copied().collect();
        for known in self.lock().values() {
            known.cancel.cancel();
        }
        for batch in batches {
            self.ended(batch).await;
        }
    }

    /// Waits for the end of the batch's run, if there is one.
    async fn ended(&self, batch: BatchId) {
        let ended = self.lock().get(&batch).map(|known| known.ended.clone());
        if let Some(mut ended) = ended {
            // The sender goes with the run's task.
            let _ = ended.wait_for(|ended| *ended).await;
        }
    }

    fn gateway(&self) -> Result<Arc<dyn Gateway>, Error> {
        self.gateway.clone().ok_or_else(|| {
            Error::config("no gateway is configured, so nothing can be paid from here")
        })
    }

    fn store(&self) -> &dyn Store {
        &**self.engine.store()
    }

    async fn batch(&self, name: &str) -> Result<Batch, Error> {
        self.store().batch(Some(name)).await
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<BatchId, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a run on its way, after the one that is ending. Nothing where one is on that goes on:
    /// that sees itself what changed in the store.
    fn begin(&self, batch: Batch, aim: Aim, gateway: Arc<dyn Gateway>) {
        let cancel = Cancel::new();
        let (over, ended) = watch::channel(false);
        let id = batch.id;
        let mut known = self.lock();
        let before = known.get(&id).filter(|it| !it.is_over());
        if before.is_some_and(|it| !it.cancel.is_cancelled()) {
            return;
        }
        let before = before.map(|it| it.ended.clone());
        known.insert(id, Known { cancel: cancel.clone(), ended, problem: None });
        drop(known);
        let runs = self.clone();
        tokio::spawn(async move {
            if let Some(mut before) = before {
                let _ = before.wait_for(|ended| *ended).await;
            }
            if let Err(error) = runs.conduct(&batch, aim, &gateway, &cancel).await {
                tracing::error!("the run of batch {} ended: {}", batch.name, error.in_full());
                if let Some(known) = runs.lock().get_mut(&id) {
                    known.problem = Some(error.in_full());
                }
            }
            over.send_replace(true);
        });
    }

    /// Runs a batch to its end, in as many turns as that takes.
    async fn conduct(
        &self,
        batch: &Batch,
        mut aim: Aim,
        gateway: &Arc<dyn Gateway>,
        cancel: &Cancel,
    ) -> Result<(), Error> {
        loop {
            let turn = tokio::select! {
                turn = self.turns.take(Who::Run) => turn,
                () = cancel.cancelled() => return Ok(()),
            };
            let brakes = self.store().brakes(batch.id).await?;
            if brakes.pause.is_some() && brakes.cancel.is_none() {
                return Ok(());
            }
            if let Some(prepare) = &self.prepare {
                prepare_all(self.store(), batch, &**prepare).await?;
            }
            // Raised to end this turn, whoever wants that.
            let leave = Cancel::new();
            let (has_begun, begun) = watch::channel(false);
            let observer = Begun { has_begun, observer: Arc::clone(&self.observer) };
            let engine = self.engine.clone().with_observer(Arc::new(observer));
            let work = async {
                let gateway = Arc::clone(gateway);
                match aim {
                    Aim::Pay => engine.run(batch, gateway, &leave).await,
                    Aim::Retry => engine.retry(batch, gateway, &leave).await,
                }
            };
            let summary = tokio::select! {
                ended = work.instrument(span(batch)) => ended?,
                never = self.raise(&leave, cancel, begun, batch.id) => match never {},
            };
            drop(turn);
            let goes_on = match summary.stopped.map(|stopped| stopped.cause) {
                // Cancelled while it was on, which ends it; the next one closes what is open.
                Some(StopCause::Cancelled) => true,
                Some(_) => false,
                // It made room.
                None => leave.is_cancelled(),
            };
            if !goes_on || cancel.is_cancelled() {
                return Ok(());
            }
            aim = Aim::Pay;
        }
    }

    /// Raises `leave` when the run should end or make room.
    async fn raise(
        &self,
        leave: &Cancel,
        cancel: &Cancel,
        mut begun: watch::Receiver<bool>,
        batch: BatchId,
    ) -> std::convert::Infallible {
        let room = async {
            if begun.wait_for(|begun| *begun).await.is_err() {
                pending::<()>().await;
            }
            self.turns.should_make_room(batch, self.store()).await;
        };
        tokio::select! {
            () = cancel.cancelled() => {}
            () = room => {}
        }
        leave.cancel();
        pending().await
    }
}

/// What is told about a run: the code of its batch, never the name, which people give.
fn span(batch: &Batch) -> Span {
    tracing::info_span!(target: TARGET, "run", batch = batch.code.as_str())
}

/// Notices that a run has begun, and passes everything on.
struct Begun {
    has_begun: watch::Sender<bool>,
    observer: Arc<dyn Observer>,
}

impl Observer for Begun {
    fn event(&self, event: &EngineEvent) {
        if matches!(event, EngineEvent::Started { .. }) {
            self.has_begun.send_replace(true);
        }
        self.observer.event(event);
    }

    fn measured(&self, measured: &Measured) {
        self.observer.measured(measured);
    }
}

async fn prepare_all(
    store: &dyn Store,
    batch: &Batch,
    prepare: &(dyn Fn(&Payee, &str) + Send + Sync),
) -> Result<(), Error> {
    let mut pages = pages(store, batch.id);
    while let Some(rows) = pages.next().await? {
        for row in &rows {
            if let Some(payee) = &row.payee {
                prepare(payee, row.payout.money.currency().as_str());
            }
        }
    }
    Ok(())
}
