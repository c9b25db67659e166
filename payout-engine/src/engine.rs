//! The engine's front door: take a batch in, pay it, go on where it stopped.
//!
//! [`Engine::create`] writes a batch to the store in bulk. [`Engine::run`] pays it, whether for the
//! first time or after any interruption: there is no separate way to resume, because a run never
//! relies on anything but the store.
//!
//! Memory follows concurrency: due rows are read from the store page by page.

use std::{pin::pin, sync::Arc};

use jiff::Timestamp;
use rand::rngs::OsRng;

use crate::{
    batch::{Batch, BatchState, GatewayIdentity, NewBatch, OtpMode},
    cancel::Cancel,
    clock::{Clock, WallClock},
    dispatch::Gate,
    error::{Error, ErrorKind},
    event::{EngineEvent, Observer},
    gateway::Gateway,
    journal::Journal,
    order_no::BatchCode,
    payout::{BatchSummary, NewPayout, Outcome, StopCause, Stopped},
    policy::Policy,
    store::{Lease, StateChange, Store},
    turn::{Halt, Run},
    wallets::Wallets,
};

mod cancelling;
mod decide;
mod heartbeat;
mod pump;
mod purge;
mod restored;
mod retry;

use heartbeat::Heartbeat;
pub(crate) use heartbeat::Pulse;
use pump::Pump;
pub(crate) use purge::refuse_open_rows;

/// Rows in one transaction while a batch is loaded.
const ROWS_A_LOAD: usize = 2_000;

/// What a run is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Aim {
    /// To pay what is left to pay.
    Pay,
    /// To pay what ended unpaid, too, under new order numbers.
    Retry,
}

/// Creates and runs batches on one store.
#[derive(Clone)]
pub struct Engine {
    store: Arc<dyn Store>,
    policy: Policy,
    observer: Arc<dyn Observer>,
    runner: String,
    is_worker: bool,
    wall: WallClock,
}

impl Engine {
    /// An engine on a store, with the default policy and nobody watching.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            policy: Policy::default(),
            observer: Arc::new(|_: &EngineEvent| {}),
            runner: format!("process {}", std::process::id()),
            is_worker: false,
            wall: Arc::new(Timestamp::now),
        }
    }

    /// Sets pauses and limits.
    #[must_use]
    pub fn with_policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// Lets somebody watch.
    #[must_use]
    pub fn with_observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observer = observer;
        self
    }

    /// Sets what others are told about who holds the store, for example `payout resume, process
    /// 4711`.
    #[must_use]
    pub fn with_runner(mut self, runner: impl Into<String>) -> Self {
        self.runner = runner.into();
        self
    }

    /// Makes it one of many runners that come and go, behind whom nobody sits: its runs follow
    /// one-time passwords whatever the batch says, and when one is asked to end it leaves the batch
    /// as it is, for another runner to go on with.
    #[must_use]
    pub fn as_worker(mut self) -> Self {
        self.is_worker = true;
        self
    }

    /// Sets where the time of day comes from; without it, from the operating system. It is read
    /// once when a run begins; from there on the run counts by itself.
    #[must_use]
    pub fn with_wall_clock(mut self, wall: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        self.wall = Arc::new(wall);
        self
    }

    /// The store, for reading: status, reports, conflicts.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// Writes a batch to the store. Until the last row is in, none of them can be paid; an error or
    /// a crash on the way leaves nothing behind that could be.
    ///
    /// # Errors
    /// The first error that `rows` yields; a name that is taken; a store that another runner holds
    /// or that cannot be written.
    pub async fn create<I>(
        &self,
        new: &NewBatch,
        gateway: &GatewayIdentity,
        rows: I,
    ) -> Result<Batch, Error>
    where
        I: IntoIterator<Item = Result<NewPayout, Error>>,
    {
        let clock = Clock::start(&self.wall);
        let code = BatchCode::random(&mut OsRng);
        let lease = self.store.create(new, gateway, code, &self.runner, clock.now()).await?;
        let pulse = Pulse::now();
        self.store.renew(&lease, Some(self.policy.lease), (self.wall)()).await?;
        let mut rows = rows.into_iter();
        let mut chunk = Vec::with_capacity(ROWS_A_LOAD);
        let heartbeat = Heartbeat::new(&*self.store, &lease, &self.policy, &self.wall, &pulse);
        let mut written = 0;
        loop {
            for row in rows.by_ref().take(ROWS_A_LOAD) {
                chunk.push(row?);
            }
            if chunk.is_empty() {
                break;
            }
            heartbeat.renew_in_time().await?;
            self.store.append(&lease, &chunk, clock.now()).await?;
            written += chunk.len() as u64;
            chunk.clear();
            self.observer.event(&EngineEvent::Loading { rows: written });
        }
        let batch = self.store.complete(&lease, clock.now()).await?;
        self.give_up(&lease).await;
        Ok(batch)
    }

    /// Pays what is left to pay of a batch, and returns how it stands then.
    ///
    /// Ends when no row has anything left to do, when a cause stops the whole batch
    /// ([`BatchSummary::stopped`]), or, drained, after `cancel` is raised or somebody pauses it.
    ///
    /// # Errors
    /// The batch belongs to another gateway or is paused, another runner holds the store, the store
    /// fails, or the books do not add up. Rows that fail are no errors.
    pub async fn run(
        &self,
        batch: &Batch,
        gateway: Arc<dyn Gateway>,
        cancel: &Cancel,
    ) -> Result<BatchSummary, Error> {
        self.run_for(Aim::Pay, batch, gateway, cancel).await
    }

    async fn run_for(
        &self,
        aim: Aim,
        batch: &Batch,
        gateway: Arc<dyn Gateway>,
        cancel: &Cancel,
    ) -> Result<BatchSummary, Error> {
        let configured = gateway.identity();
        if batch.gateway != configured {
            return Err(Error::other_gateway(&batch.name, &batch.gateway, &configured));
        }
        let clock = Clock::start(&self.wall);
        let (lease, pulse) = self.take_over(batch, clock).await?;
        let result = self.run_leased(aim, batch, gateway, cancel, clock, (&lease, pulse)).await;
        if let Err(error) = &result
            && error.kind() == ErrorKind::Books
        {
            let stopped = Stopped { cause: StopCause::Books, message: error.to_string() };
            // The store is suspect already; what counts is the error that is returned.
            let _ = self.end(&lease, clock, BatchState::Stopped, Some(stopped), false).await;
        }
        self.give_up(&lease).await;
        result
    }

    /// Takes the batch over, in a task of its own: were it cut off while the new fence is written,
    /// the lock would be free before the write had landed, and the write could fence out the next
    /// runner.
    async fn take_over(&self, batch: &Batch, clock: Clock) -> Result<(Arc<Lease>, Pulse), Error> {
        let (store, batch, runner) = (Arc::clone(&self.store), batch.clone(), self.runner.clone());
        let (hold, wall) = (self.policy.lease, Arc::clone(&self.wall));
        let taken = tokio::spawn(async move {
            let lease = store.lease(&batch, &runner, clock.now()).await?;
            let pulse = Pulse::now();
            store.renew(&lease, Some(hold), wall()).await?;
            Ok((Arc::new(lease), pulse))
        });
        taken.await.unwrap_or_else(|error| Err(Error::store("take the batch over", error)))
    }

    /// Lets a runner on another machine begin at once. Where that fails it waits for the lease to
    /// run out; what this run did is done either way.
    async fn give_up(&self, lease: &Lease) {
        let _ = self.store.renew(lease, None, (self.wall)()).await;
    }

    /// Whether others are at the batch besides the one who has this lease.
    async fn has_company(&self, lease: &Lease) -> Result<bool, Error> {
        let runners = self.store.runners(lease.batch).await?;
        Ok(runners.iter().any(|runner| runner.fence != lease.fence))
    }

    async fn run_leased(
        &self,
        aim: Aim,
        batch: &Batch,
        gateway: Arc<dyn Gateway>,
        cancel: &Cancel,
        clock: Clock,
        (lease, pulse): (&Arc<Lease>, Pulse),
    ) -> Result<BatchSummary, Error> {
        let brakes = self.store.brakes(batch.id).await?;
        let cancelled = brakes.cancel.is_some();
        if let Some(pause) = brakes.pause.filter(|_| !cancelled) {
            return Err(Error::batch_state(&batch.name, format!("is {pause}"))
                .with_hint("`payout resume` starts it again"));
        }
        if cancelled && aim == Aim::Retry {
            return Err(Error::cancelled(&batch.name));
        }
        self.store.audit(batch.id).await?;
        if aim == Aim::Retry || batch.options.dry_run {
            purge::refuse_purged(&self.store.batch(Some(&batch.name)).await?)?;
        }
        self.store.set_state(lease, running(), clock.now()).await?;
        let (concurrency, rate) = (batch.options.concurrency, batch.options.rate);
        let observer = Arc::clone(&self.observer);
        let pace = self.store.pace(&batch.gateway);
        let mut batch = batch.clone();
        if self.is_worker {
            batch.options.otp = OtpMode::Wait;
        }
        let run = Arc::new(Run {
            batch,
            policy: self.policy.clone(),
            clock,
            gateway,
            gate: Gate::new(self.policy.clone(), concurrency, rate, observer, pace),
            observer: Arc::clone(&self.observer),
            halt: Halt::new(cancel.clone(), cancelled),
            restored_at: lease.restored_at,
            pulse,
        });
        let heartbeat = Heartbeat::new(&*self.store, lease, &self.policy, &self.wall, &run.pulse);
        let (store, holder) = (Arc::clone(&self.store), Arc::clone(lease));
        let (policy, observer) = (self.policy.clone(), Arc::clone(&self.observer));
        let (journal, writer) = Journal::open(store, holder, policy, clock, observer);
        // One task for all: a run that is dropped is not heard of any more.
        let worked = tokio::select! {
            worked = self.work(aim, &run, lease, journal) => worked,
            never = heartbeat.beat(&run.halt) => match never {},
            // Calls that are still under way are left. Their intents are in the store, so the next
            // run asks about them.
            () = run.halt.overdue(self.policy.drain) => Ok(()),
        };
        // All that was handed in is written before the lease goes, also when a turn failed.
        let _ = writer.await;
        worked?;
        self.store.audit(run.batch.id).await?;
        self.conclude(&run, lease).await
    }

    /// All that a run does between its first and its last word.
    async fn work(
        &self,
        aim: Aim,
        run: &Arc<Run>,
        lease: &Arc<Lease>,
        journal: Journal,
    ) -> Result<(), Error> {
        let (batch, clock) = (&run.batch, run.clock);
        if !self.catch_up(run, lease).await? {
            return Ok(());
        }
        if aim == Aim::Retry {
            self.begin_again(lease, batch, clock).await?;
        }
        if run.halt.is_cancelling() {
            self.give_up_rows(run, lease).await?;
        } else if batch.options.allow_duplicate.is_none() && !batch.options.dry_run {
            self.store.hold_duplicates(lease, clock.now()).await?;
        }
        self.store.wake(lease, clock.now()).await?;
        let summary = self.store.summary(batch.id).await?;
        self.observer.event(&EngineEvent::Started { summary: summary.clone() });
        let mut wallets = Wallets::new(run, &*self.store);
        wallets.check().await?;

        let store = Arc::clone(&self.store);
        let pump = Pump::new(Arc::clone(run), store, Arc::clone(lease), journal);
        pump_watched(run, pump, wallets).await
    }

    /// Writes how the run ended.
    async fn conclude(&self, run: &Run, lease: &Lease) -> Result<BatchSummary, Error> {
        let before = self.store.summary(run.batch.id).await?;
        let stopped = run.halt.cause().cloned();
        let interrupted = run.halt.is_asked() || run.halt.is_paused();
        let state = if stopped.is_some() || interrupted || is_unfinished(&before, run) {
            BatchState::Stopped
        } else {
            BatchState::Finished
        };
        let leaves_quietly = self.is_worker && run.halt.is_asked() && stopped.is_none();
        if !leaves_quietly {
            if run.halt.is_asked() && self.has_company(lease).await? {
                // Whoever interrupts a run means the batch, not this process.
                self.pause(&run.batch, &self.runner).await?;
            }
            self.end(lease, run.clock, state, stopped.clone(), interrupted).await?;
        }
        let summary = self.store.summary(run.batch.id).await?;
        if let Some(stopped) = stopped {
            self.observer.event(&EngineEvent::Stopped { stopped });
        }
        self.observer.event(&EngineEvent::Ended { summary: summary.clone() });
        Ok(summary)
    }

    async fn end(
        &self,
        lease: &Lease,
        clock: Clock,
        state: BatchState,
        stopped: Option<Stopped>,
        interrupted: bool,
    ) -> Result<(), Error> {
        let change = StateChange { state, stopped, interrupted, elapsed: clock.elapsed() };
        self.store.set_state(lease, change, clock.now()).await
    }
}

/// Pumps, with an eye on the wallets as long as that takes. If the eye fails, the run is drained.
async fn pump_watched(run: &Run, pump: Pump, mut wallets: Wallets<'_>) -> Result<(), Error> {
    let mut pumping = pin!(pump.run());
    let failed = tokio::select! {
        pumped = &mut pumping => return pumped,
        Err(error) = wallets.watch() => error,
    };
    run.halt.raise();
    pumping.await?;
    Err(failed)
}

fn running() -> StateChange {
    StateChange {
        state: BatchState::Running,
        stopped: None,
        interrupted: false,
        elapsed: std::time::Duration::ZERO,
    }
}

/// True where `resume` has something to do. A dry run leaves its rows pending, and is done.
fn is_unfinished(summary: &BatchSummary, run: &Run) -> bool {
    Outcome::ALL.iter().any(|outcome| {
        let open = !outcome.is_final() && *outcome != Outcome::Held;
        let verified = run.batch.options.dry_run && *outcome == Outcome::Pending;
        open && !verified && summary.count(*outcome) > 0
    })
}
