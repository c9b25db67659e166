//! A run that is on: where it stands, what happens in it, and how it is ended.
//!
//! It goes on by itself, whatever its front end does meanwhile. Counts are kept here from the
//! engine's events, so that whoever shows progress looks ten times a second instead of being called
//! for every row.
//!
//! Invariant: nothing depends on anybody looking. A run that nobody has in hand any more goes on to
//! its end, but for one that nobody ever had: that is asked to end ([`Started`]).

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::task::{AbortHandle, JoinHandle};

use crate::{
    batch::Batch,
    cancel::Cancel,
    error::Error,
    event::{EngineEvent, Observer},
    payout::BatchSummary,
};

/// Events handed out at once.
const EVENTS_A_TURN: usize = 1_024;

/// What a front end wants to see of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Watch {
    /// Its numbers alone. Events are dropped: a batch of a million rows has some millions of them.
    Numbers,
    /// Its events, too. They are kept until [`Run::next_events`] hands them out, so somebody has to
    /// read them.
    Events,
}

/// A run of a batch.
pub struct Run {
    batch: Batch,
    warnings: Vec<String>,
    live: Arc<Live>,
    cancel: Cancel,
    task: AbortHandle,
    ended: Arc<Ended>,
}

/// A run that nobody has in hand yet. Whoever asked for it may be gone by now, as a call that is
/// dropped while it waits: what nobody claims is asked to end.
pub struct Started {
    run: Run,
    unclaimed: Unclaimed,
}

/// Asks a run to end when it is dropped, unless it was disarmed.
struct Unclaimed(Option<Cancel>);

/// What the run's events make of the batch so far.
pub(super) struct Live {
    seen: Mutex<Seen>,
    /// Told of every event that is kept, and of the end.
    news: Notify,
    watch: Watch,
}

struct Seen {
    summary: BatchSummary,
    verified: u64,
    events: VecDeque<EngineEvent>,
    is_over: bool,
}

type Result<T, E = Error> = std::result::Result<T, E>;

/// How the run ended, once it has.
#[derive(Default)]
struct Ended {
    end: Mutex<Option<End>>,
    over: Notify,
}

enum End {
    Summed(Box<(Batch, BatchSummary)>),
    /// Shared, so that everybody who asks is told.
    Failed(Arc<Error>),
    /// Its task was given up, or broke.
    GivenUp,
}

impl Live {
    /// Begins with the batch as it stands.
    pub(super) fn new(summary: BatchSummary, watch: Watch) -> Arc<Self> {
        let seen = Seen { summary, verified: 0, events: VecDeque::new(), is_over: false };
        Arc::new(Self { seen: Mutex::new(seen), news: Notify::new(), watch })
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self) {
        self.seen().is_over = true;
        self.news.notify_waiters();
    }

    async fn next(&self) -> Option<Vec<EngineEvent>> {
        loop {
            // Before the look, so that news between look and wait are not missed.
            let news = self.news.notified();
            {
                let mut seen = self.seen();
                let count = seen.events.len().min(EVENTS_A_TURN);
                if count > 0 {
                    return Some(seen.events.drain(..count).collect());
                }
                if seen.is_over {
                    return None;
                }
            }
            news.await;
        }
    }
}

impl Observer for Live {
    fn event(&self, event: &EngineEvent) {
        let mut seen = self.seen();
        match event {
            EngineEvent::Verified { .. } => seen.verified += 1,
            event => event.update(&mut seen.summary),
        }
        if self.watch == Watch::Events {
            seen.events.push_back(event.clone());
            drop(seen);
            self.news.notify_waiters();
        }
    }
}

impl Started {
    pub(super) fn new(run: Run) -> Self {
        let unclaimed = Unclaimed(Some(run.cancel.clone()));
        Self { run, unclaimed }
    }

    pub(super) fn with_warnings(mut self, warnings: Vec<String>) -> Self {
        self.run.warnings = warnings;
        self
    }

    /// Takes the run in hand.
    #[must_use]
    pub fn claim(self) -> Run {
        let Self { run, mut unclaimed } = self;
        unclaimed.0 = None;
        run
    }
}

impl Drop for Unclaimed {
    fn drop(&mut self) {
        if let Some(cancel) = &self.0 {
            cancel.cancel();
        }
    }
}

impl Run {
    /// Sends `work` on its way.
    pub(super) fn start(
        batch: Batch,
        live: Arc<Live>,
        cancel: Cancel,
        work: impl Future<Output = Result<(Batch, BatchSummary)>> + Send + 'static,
    ) -> Self {
        let work = tokio::spawn(work);
        let (task, ended) = (work.abort_handle(), Arc::new(Ended::default()));
        tokio::spawn(keep_end(work, Arc::clone(&ended), Arc::clone(&live)));
        Self { batch, warnings: Vec::new(), live, cancel, task, ended }
    }

    /// The batch, as it was when the run began.
    #[must_use]
    pub fn batch(&self) -> &Batch {
        &self.batch
    }

    /// The batch's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.batch.name
    }

    /// What somebody should know of what is paid here, although it hindered nothing: another batch
    /// that pays the same, for example.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Rows that were verified, in a dry run.
    #[must_use]
    pub fn verified(&self) -> u64 {
        self.live.seen().verified
    }

    /// How the batch stands, as far as the run's events tell.
    #[must_use]
    pub fn summary(&self) -> BatchSummary {
        self.live.seen().summary.clone()
    }

    /// Waits for the end of the run.
    pub async fn ended(&self) {
        self.ended.wait().await;
    }

    /// Whether it has come.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.ended.lock().is_some()
    }

    /// The next events, at least one, in their order; `None` once the run is over and all were
    /// handed out. Each is handed out once: there is one reader. A run that is watched for its
    /// numbers alone has none.
    pub async fn next_events(&self) -> Option<Vec<EngineEvent>> {
        self.live.next().await
    }

    /// Asks the run to end: calls in flight finish, nothing new starts.
    pub fn stop(&self) {
        self.cancel.cancel();
    }

    /// Gives the run up at once, which is what a crash looks like. What was sent is in the store,
    /// and [`super::Desk::resume`] asks about it.
    pub fn give_up(&self) {
        self.task.abort();
    }

    /// How the batch stands at the end of the run. `None` before that, and where the run was given
    /// up: the store says then how far it came.
    ///
    /// # Errors
    /// The batch belongs to another gateway, another runner holds the store, the store failed, or
    /// the books do not add up. Rows that fail are no errors.
    pub fn result(&self) -> Result<Option<(Batch, BatchSummary)>> {
        match &*self.ended.lock() {
            Some(End::Summed(end)) => Ok(Some((**end).clone())),
            Some(End::Failed(error)) => Err(Error::shared(Arc::clone(error))),
            Some(End::GivenUp) | None => Ok(None),
        }
    }
}

/// Waits for the run itself, so that its end is noticed although nobody waits for it.
async fn keep_end(
    work: JoinHandle<Result<(Batch, BatchSummary)>>,
    ended: Arc<Ended>,
    live: Arc<Live>,
) {
    let end = match work.await {
        Ok(Ok(end)) => End::Summed(Box::new(end)),
        Ok(Err(error)) => End::Failed(Arc::new(error)),
        Err(_) => End::GivenUp,
    };
    *ended.lock() = Some(end);
    live.end();
    ended.over.notify_waiters();
}

impl Ended {
    fn lock(&self) -> MutexGuard<'_, Option<End>> {
        self.end.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn wait(&self) {
        loop {
            let over = self.over.notified();
            if self.lock().is_some() {
                return;
            }
            over.await;
        }
    }
}
