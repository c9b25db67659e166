//! A worker: runs whatever batch of its merchant there is something to do in, as long as it is
//! wanted.
//!
//! Any number of workers may look at the same store. Which rows of a batch are whose is between
//! them and the store ([`Store::claim`]); a worker only says which batches it takes part in: those
//! that are ready or running. What is paused, finished, or stopped for a cause is left to a person.
//! A batch that somebody cancelled is taken up once more, to close what is open.
//!
//! Nobody sits behind a worker, so a store that is away or a run that fails is told and tried again
//! after a growing pause, for ever. What runs of a batch may do all the same the engine decides.
//!
//! ```no_run
//! # use payout_engine::{Engine, Gateway};
//! # async fn work(engine: Engine, gateway: std::sync::Arc<dyn Gateway>) {
//! use payout_engine::{Cancel, Worker, WorkerNews};
//!
//! let cancel = Cancel::new();
//! let tell = |news: WorkerNews| eprintln!("{news}");
//! Worker::new(engine, gateway, tell).work(&cancel).await;
//! # }
//! ```

use std::{
    collections::{HashMap, HashSet},
    fmt,
    sync::Arc,
    time::Duration,
};

use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};

use crate::{
    batch::{Batch, BatchId, BatchState},
    cancel::Cancel,
    engine::Engine,
    error::{Error, ErrorKind},
    event::Observer,
    gateway::Gateway,
    payout::{BatchSummary, StopCause},
    policy::Backoff,
};

/// The store is looked into at least this often, whether it has news or not.
const LOOK: Duration = Duration::from_secs(5);

/// Pauses after a look or a run that failed.
const AGAIN: Backoff = Backoff { first: Duration::from_secs(1), longest: Duration::from_secs(30) };

/// What a worker tells.
#[derive(Debug)]
#[non_exhaustive]
pub enum WorkerNews {
    /// It takes part in the batch of that name.
    Took(String),
    /// Its part in the batch of that name ended: there is nothing left to do, a cause stopped it,
    /// or the worker was asked to end.
    Left(String, Box<BatchSummary>),
    /// Its part in the batch of that name broke off; it will be tried again.
    Failed(String, Error),
    /// The store could not be looked into; it will be tried again.
    Away(Error),
}

impl WorkerNews {
    /// The batch that it is about.
    #[must_use]
    pub fn batch(&self) -> Option<&str> {
        match self {
            Self::Took(batch) | Self::Left(batch, _) | Self::Failed(batch, _) => Some(batch),
            Self::Away(_) => None,
        }
    }

    /// Whether something is not as it should be.
    #[must_use]
    pub fn is_bad(&self) -> bool {
        match self {
            Self::Took(_) => false,
            Self::Left(_, summary) => summary.stopped.is_some(),
            Self::Failed(..) | Self::Away(_) => true,
        }
    }
}

impl fmt::Display for WorkerNews {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Took(batch) => write!(f, "batch {batch}: taking part"),
            Self::Left(batch, summary) => match &summary.stopped {
                Some(stopped) => write!(f, "batch {batch}: stopped: {}", stopped.message),
                None => write!(f, "batch {batch}: nothing left to do here"),
            },
            Self::Failed(batch, error) => {
                write!(f, "batch {batch}: {}; trying again", error.in_full())
            }
            Self::Away(error) => write!(f, "{}; trying again", error.in_full()),
        }
    }
}

type Tell = Arc<dyn Fn(WorkerNews) + Send + Sync>;
type Watch = Arc<dyn Fn(&Batch) -> Arc<dyn Observer> + Send + Sync>;

/// Takes part in every batch of one merchant in one store.
pub struct Worker {
    engine: Engine,
    gateway: Arc<dyn Gateway>,
    tell: Tell,
    watch: Option<Watch>,
}

/// A part in a batch, over.
struct Part {
    batch: BatchId,
    name: String,
    ended: Result<BatchSummary, Error>,
}

/// What a worker remembers between two looks.
#[derive(Default)]
struct Memory {
    parts: JoinSet<Part>,
    /// Batches that it takes part in.
    busy: HashSet<BatchId>,
    /// How often a batch failed in a row, and when it may be tried again.
    failures: HashMap<BatchId, (u32, Instant)>,
    /// How often the store could not be looked into, in a row.
    away: u32,
}

impl Worker {
    /// A worker whose runs are those of `engine`. `tell` hears what it does.
    pub fn new(
        engine: Engine,
        gateway: Arc<dyn Gateway>,
        tell: impl Fn(WorkerNews) + Send + Sync + 'static,
    ) -> Self {
        Self { engine: engine.as_worker(), gateway, tell: Arc::new(tell), watch: None }
    }

    /// Lets somebody watch each batch; without it, whoever watches the engine watches all of them.
    #[must_use]
    pub fn watched_by(
        mut self,
        watch: impl Fn(&Batch) -> Arc<dyn Observer> + Send + Sync + 'static,
    ) -> Self {
        self.watch = Some(Arc::new(watch));
        self
    }

    /// Works until `cancel` is raised, then ends drained: calls in flight finish, and what is left
    /// is for other workers.
    pub async fn work(&self, cancel: &Cancel) {
        let mut changes = self.engine.store().changes();
        let mut memory = Memory::default();
        while !cancel.is_cancelled() {
            let pause = self.look(&mut memory, cancel).await;
            tokio::select! {
                biased;
                () = cancel.cancelled() => {}
                Some(Ok(part)) = memory.parts.join_next() => self.ended(&mut memory, part),
                () = changes.next() => {}
                () = sleep(pause) => {}
            }
        }
        while let Some(Ok(part)) = memory.parts.join_next().await {
            self.ended(&mut memory, part);
        }
    }

    /// Takes part in what there is, and says when to look again.
    async fn look(&self, memory: &mut Memory, cancel: &Cancel) -> Duration {
        let batches = match self.engine.store().batches().await {
            Ok(batches) => batches,
            Err(error) => {
                (self.tell)(WorkerNews::Away(error));
                memory.away += 1;
                return AGAIN.pause(memory.away - 1, 0);
            }
        };
        memory.away = 0;
        let identity = self.gateway.identity();
        let is_ours = |batch: &Batch| is_open(batch) && batch.gateway == identity;
        for batch in batches.into_iter().rev().filter(is_ours) {
            let rests = memory.failures.get(&batch.id).is_some_and(|(_, at)| *at > Instant::now());
            if rests || !memory.busy.insert(batch.id) {
                continue;
            }
            (self.tell)(WorkerNews::Took(batch.name.clone()));
            let (mut engine, gateway) = (self.engine.clone(), Arc::clone(&self.gateway));
            if let Some(watch) = &self.watch {
                engine = engine.with_observer(watch(&batch));
            }
            let cancel = cancel.clone();
            memory.parts.spawn(async move {
                let (id, name) = (batch.id, batch.name.clone());
                // A task of its own, so that one that panics ends its part and not the worker.
                let run = async move { engine.run(&batch, gateway, &cancel).await };
                let broke = |error| Err(Error::store("be worked on: the run broke off", error));
                Part { batch: id, name, ended: tokio::spawn(run).await.unwrap_or_else(broke) }
            });
        }
        let again = memory.failures.values().map(|(_, at)| at.duration_since(Instant::now()));
        again.filter(|pause| !pause.is_zero()).min().unwrap_or(LOOK).min(LOOK)
    }

    fn ended(&self, memory: &mut Memory, Part { batch, name, ended }: Part) {
        memory.busy.remove(&batch);
        match ended {
            Ok(summary) => {
                memory.failures.remove(&batch);
                (self.tell)(WorkerNews::Left(name, Box::new(summary)));
            }
            Err(error) => {
                let (times, _) =
                    memory.failures.get(&batch).copied().unwrap_or((0, Instant::now()));
                let at = Instant::now() + AGAIN.pause(times, batch.0.cast_unsigned());
                memory.failures.insert(batch, (times + 1, at));
                // Somebody else has it in hand, which is as good as anything.
                if error.kind() != ErrorKind::Locked {
                    (self.tell)(WorkerNews::Failed(name, error));
                }
            }
        }
    }
}

/// Whether there is something to do in a batch for a runner behind whom nobody sits.
pub(crate) fn is_open(batch: &Batch) -> bool {
    let cause = batch.stopped.as_ref().map(|stopped| stopped.cause);
    match (&batch.cancelled, batch.state) {
        (_, BatchState::Loading | BatchState::Finished | BatchState::Moved) => false,
        (Some(_), BatchState::Stopped) => cause == Some(StopCause::Cancelled),
        (None, BatchState::Stopped) => false,
        (Some(_), BatchState::Ready | BatchState::Running) => true,
        (None, BatchState::Ready | BatchState::Running) => batch.paused.is_none(),
    }
}
