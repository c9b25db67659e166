//! Keeps the turns coming: reads due rows page by page, starts as many turns as may be under way.
//!
//! The next page is read while the last one is being worked on, so that no slot stays empty
//! meanwhile.
//!
//! Invariant: a row has one turn at a time, and is not read again before all that its last turn
//! wrote is durable. So what a turn starts from is what the store holds.

use std::{
    collections::{HashSet, VecDeque},
    sync::Arc,
};

use futures_util::{
    FutureExt,
    future::{BoxFuture, OptionFuture},
};
use jiff::Timestamp;
use tokio::{
    sync::Semaphore,
    task::{JoinError, JoinSet},
};

use crate::{
    ahead::{self, Ahead},
    error::Error,
    event::EngineEvent,
    journal::Journal,
    payout::Outcome,
    store::{Claim, Lease, Store, changes::Changes},
    turn::{Run, TurnEnd},
};

/// Rows taken in hand at once, at most, besides those under way.
const PAGE: usize = 512;

/// What was due, as of when.
type Read = (Timestamp, Result<Vec<Claim>, Error>);

pub(super) struct Pump {
    run: Arc<Run>,
    store: Arc<dyn Store>,
    lease: Arc<Lease>,
    changes: Changes,
    /// Rows taken in hand at once: not many more than can be worked on, so that other runners find
    /// some, too.
    page: usize,
    journal: Arc<Journal>,
    permits: Arc<Semaphore>,
    /// Turns that write still count here after they gave their permit back.
    most_turns: usize,
    turns: JoinSet<Result<TurnEnd, Error>>,
    /// Rows that have a turn or are in `ready`.
    busy: HashSet<u64>,
    ready: VecDeque<(Claim, Ahead)>,
    /// The page that is being read, and as of when. No row is in it that was busy when that began:
    /// it might show it as it was before its turn's end.
    reading: Option<BoxFuture<'static, Read>>,
    /// When the store is worth asking again; `None` where nothing is due, ever.
    look_at: Option<Timestamp>,
}

impl Pump {
    pub(super) fn new(
        run: Arc<Run>,
        store: Arc<dyn Store>,
        lease: Arc<Lease>,
        journal: Journal,
    ) -> Self {
        let concurrency = run.batch.options.concurrency.max(1);
        Self {
            look_at: Some(run.clock.now()),
            run,
            changes: store.changes(),
            store,
            lease,
            page: concurrency.saturating_mul(2).min(PAGE),
            journal: Arc::new(journal),
            permits: Arc::new(Semaphore::new(concurrency)),
            most_turns: concurrency.saturating_mul(4),
            turns: JoinSet::new(),
            busy: HashSet::new(),
            ready: VecDeque::new(),
            reading: None,
        }
    }

    /// Runs until nothing is due any more or the run halts, then waits for the turns under way.
    pub(super) async fn run(mut self) -> Result<(), Error> {
        let run = Arc::clone(&self.run);
        while !run.halt.is_raised() {
            self.read_ahead();
            self.start_turns();
            let is_idle = self.ready.is_empty() && self.reading.is_none();
            if is_idle && self.turns.is_empty() && self.look_at.is_none() {
                return Ok(());
            }
            let full = self.turns.len() >= self.most_turns;
            let permits = Arc::clone(&self.permits);
            let wait = self.look_at.filter(|_| is_idle).map(|at| run.clock.until(at));
            tokio::select! {
                biased;
                () = run.halt.raised() => {}
                Some(ended) = self.turns.join_next() => self.ended(ended)?,
                Some((now, claims)) = OptionFuture::from(self.reading.as_mut()) => {
                    self.take_in(now, claims?).await?;
                }
                Ok(permit) = permits.acquire(), if !self.ready.is_empty() && !full => drop(permit),
                () = tokio::time::sleep(wait.unwrap_or_default()), if wait.is_some() => {}
                () = self.changes.next() => self.look_at = Some(run.clock.now()),
            }
        }
        if !self.turns.is_empty() {
            run.observer.event(&EngineEvent::Draining { in_flight: self.turns.len() });
        }
        while let Some(ended) = self.turns.join_next().await {
            self.ended(ended)?;
        }
        Ok(())
    }

    /// Begins to read the next page once half of the last one is used up.
    fn read_ahead(&mut self) {
        let now = self.run.clock.now();
        let is_time = self.look_at.is_some_and(|at| at <= now);
        if self.reading.is_some() || self.ready.len() * 2 > self.page || !is_time {
            return;
        }
        self.look_at = None;
        let (store, lease, limit) = (Arc::clone(&self.store), Arc::clone(&self.lease), self.page);
        let busy: Vec<_> = self.busy.iter().copied().collect();
        let read = async move { (now, store.claim(&lease, now, limit, &busy).await) };
        self.reading = Some(read.boxed());
    }

    /// Takes over what was due at `now`, without what was under way since.
    async fn take_in(&mut self, now: Timestamp, claims: Vec<Claim>) -> Result<(), Error> {
        self.reading = None;
        let found_none = claims.is_empty();
        let mut page = ahead::Page::default();
        for claim in claims {
            self.busy.insert(claim.payout.row);
            let sealed = match self.begins(&claim) {
                true => page.add(&*self.run.gateway, &claim.payee),
                false => Ahead::default(),
            };
            self.ready.push_back((claim, sealed));
        }
        page.begin();
        // What became due since then is found by looking again.
        let next = match found_none {
            true => self.store.next_due(&self.lease, now).await?,
            false => Some(now),
        };
        self.look_again(next);
        Ok(())
    }

    /// Whether a row is at the beginning of what ends with a withdrawal. Of others few come so far.
    fn begins(&self, claim: &Claim) -> bool {
        let pays = !self.run.batch.options.dry_run && !self.run.halt.is_cancelling();
        pays && claim.payout.outcome() == Outcome::Pending && claim.payout.order.is_none()
    }

    fn look_again(&mut self, at: Option<Timestamp>) {
        self.look_at = self.look_at.into_iter().chain(at).min();
    }

    fn start_turns(&mut self) {
        while !self.ready.is_empty() && self.turns.len() < self.most_turns {
            let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() else { return };
            let Some(claim) = self.ready.pop_front() else { return };
            let (run, journal) = (Arc::clone(&self.run), Arc::clone(&self.journal));
            self.turns.spawn(run.turn(journal, claim, permit));
        }
    }

    /// A turn ended, and what it wrote is durable: the row may be read again.
    fn ended(&mut self, ended: Result<Result<TurnEnd, Error>, JoinError>) -> Result<(), Error> {
        let end =
            ended.map_err(|error| Error::books(format!("a row's turn broke off: {error}")))??;
        self.busy.remove(&end.row);
        self.look_again(end.next_at);
        Ok(())
    }
}
