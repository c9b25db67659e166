//! Keeps the turns coming: reads due rows page by page, starts as many turns as may be under way.
//!
//! Invariant: a row has one turn at a time, and is not read again before all that its last turn
//! wrote is durable. So what a turn starts from is what the store holds.

use std::{
    collections::{HashSet, VecDeque},
    sync::Arc,
};

use jiff::Timestamp;
use tokio::{
    sync::Semaphore,
    task::{JoinError, JoinSet},
};

use crate::{
    error::Error,
    event::EngineEvent,
    journal::Journal,
    store::{Claim, Lease, Store, changes::Changes},
    turn::{Run, TurnEnd},
};

/// Rows taken in hand at once, at most, besides those under way.
const PAGE: usize = 256;

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
    ready: VecDeque<Claim>,
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
        }
    }

    /// Runs until nothing is due any more or the run halts, then waits for the turns under way.
    pub(super) async fn run(mut self) -> Result<(), Error> {
        let run = Arc::clone(&self.run);
        while !run.halt.is_raised() {
            self.refill().await?;
            self.start_turns();
            if self.turns.is_empty() && self.ready.is_empty() && self.look_at.is_none() {
                return Ok(());
            }
            let full = self.turns.len() >= self.most_turns;
            let permits = Arc::clone(&self.permits);
            let wait = self.look_at.filter(|_| self.ready.is_empty()).map(|at| run.clock.until(at));
            tokio::select! {
                biased;
                () = run.halt.raised() => {}
                Some(ended) = self.turns.join_next() => self.ended(ended)?,
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

    /// Reads the next page once the last one is used up.
    async fn refill(&mut self) -> Result<(), Error> {
        let now = self.run.clock.now();
        if !self.ready.is_empty() || self.look_at.is_none_or(|at| at > now) {
            return Ok(());
        }
        // Rows under way may still look due, so as many more are read. No turn is taken out of
        // `busy` between here and the filter, so no row can slip through with what it was before
        // its turn.
        let claims = self.store.claim(&self.lease, now, self.page + self.busy.len()).await?;
        self.ready
            .extend(claims.into_iter().filter(|claim| !self.busy.contains(&claim.payout.row)));
        self.busy.extend(self.ready.iter().map(|claim| claim.payout.row));
        self.look_at = match self.ready.is_empty() {
            true => self.store.next_due(&self.lease, now).await?,
            false => Some(now),
        };
        Ok(())
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
        if let Some(next_at) = end.next_at {
            self.look_at = Some(self.look_at.map_or(next_at, |at| at.min(next_at)));
        }
        Ok(())
    }
}
