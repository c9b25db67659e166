//! A store in memory: the store's contract as plainly as it can be said.
//!
//! The simulation runs on it, thousands of lives in virtual time. What makes that worth anything is
//! that it passes the same suite as the SQLite store (`store.rs`); where the two could differ, the
//! suite has a check.

use std::{
    collections::{BTreeMap, HashSet},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use futures_util::future::{BoxFuture, FutureExt};
use jiff::Timestamp;
use kess_gateway::{Amount, Currency};
use payout_engine::{
    Batch, BatchCode, BatchId, BatchState, BatchSummary, Brakes, CancelRequest, Changes, Claim,
    Conflict, Error, GatewayIdentity, Lease, LogAudit, LogHash, NewBatch, NewPayout, OrderNo,
    Outcome, PauseRequest, PayoutRecord, Reason, Ruling, RunnerLease, StateChange, Store, Stretch,
    Sum, Transition,
    machine::{Payout, State},
};

mod kept;
mod runners;
mod work;

use kept::wake;
use runners::Runners;

type Answer<'a, T> = BoxFuture<'a, Result<T, Error>>;
type Key = (Currency, Outcome);
const UNDER_WAY: [Outcome; 3] = [Outcome::InDoubt, Outcome::AwaitingOtp, Outcome::Processing];

/// The store. Clones are the same store, opened again.
#[derive(Clone, Default)]
pub(crate) struct MemoryStore {
    disk: Arc<Mutex<Disk>>,
    holder: Arc<Mutex<Option<String>>>,
    /// Whether runners join a batch, instead of taking it over.
    is_shared: bool,
}

/// All that is kept. A copy of it is a backup.
#[derive(Clone, Default)]
pub(crate) struct Disk {
    batches: BTreeMap<BatchId, Kept>,
    made: i64,
}

#[derive(Clone)]
struct Kept {
    batch: Batch,
    fence: i64,
    runners: Runners,
    interrupted: bool,
    elapsed: Duration,
    rows: BTreeMap<u64, Arc<PayoutRecord>>,
    sums: BTreeMap<Key, (i64, Amount)>,
    requested: Option<BTreeMap<Currency, (i64, Amount)>>,
}

/// Free again when it is dropped.
struct Lock(Arc<Mutex<Option<String>>>);

impl Drop for Lock {
    fn drop(&mut self) {
        *self.0.lock().unwrap() = None;
    }
}

impl MemoryStore {
    /// The same data past the lock, as a runner on another machine could open it.
    pub(crate) fn past_the_lock(&self) -> Self {
        Self { holder: Arc::default(), ..self.clone() }
    }

    /// A store that any number of runners join.
    pub(crate) fn shared() -> Self {
        Self { is_shared: true, ..Self::default() }
    }

    /// What is kept at this moment.
    pub(crate) fn backup(&self) -> Disk {
        self.disk().clone()
    }

    /// Puts an old copy back.
    pub(crate) fn restore(&self, backup: Disk) {
        *self.disk() = backup;
    }

    fn disk(&self) -> MutexGuard<'_, Disk> {
        self.disk.lock().unwrap()
    }
}

impl Store for MemoryStore {
    fn create<'a>(
        &'a self,
        new: &'a NewBatch,
        gateway: &'a GatewayIdentity,
        code: BatchCode,
        runner: &'a str,
        now: Timestamp,
    ) -> Answer<'a, Lease> {
        async move { self.begin(new, gateway, code, runner, now) }.boxed()
    }

    fn append<'a>(
        &'a self,
        lease: &'a Lease,
        rows: &'a [NewPayout],
        now: Timestamp,
    ) -> Answer<'a, ()> {
        let append = move |kept: &mut Kept| rows.iter().try_for_each(|row| kept.append(row, now));
        async move { self.transact(lease, now, append) }.boxed()
    }

    fn complete<'a>(&'a self, lease: &'a Lease, now: Timestamp) -> Answer<'a, Batch> {
        let complete = |kept: &mut Kept| {
            if kept.requested.is_some() {
                return Err(Error::store("complete the batch", "it is complete already"));
            }
            kept.requested = Some(kept.by_currency());
            kept.batch.state = BatchState::Ready;
            kept.batch.rows = kept.rows.len() as u64;
            Ok(kept.batch.clone())
        };
        async move { self.transact(lease, now, complete) }.boxed()
    }

    fn lease<'a>(&'a self, batch: &'a Batch, runner: &'a str, now: Timestamp) -> Answer<'a, Lease> {
        async move { self.take_over(batch, runner, now) }.boxed()
    }

    fn batch<'a>(&'a self, name: Option<&'a str>) -> Answer<'a, Batch> {
        let unfinished = [BatchState::Ready, BatchState::Running, BatchState::Stopped];
        let is_meant = move |batch: &&Batch| match name {
            Some(name) => batch.name == name,
            None => unfinished.contains(&batch.state),
        };
        async move {
            let disk = self.disk();
            let found = disk.batches.values().rev().map(|kept| &kept.batch).find(is_meant);
            found.cloned().ok_or_else(|| Error::no_such_batch(name))
        }
        .boxed()
    }

    fn newest(&self) -> Answer<'_, Batch> {
        async move {
            let disk = self.disk();
            let mut batches = disk.batches.values().rev().map(|kept| &kept.batch);
            let newest = batches.find(|batch| batch.state != BatchState::Loading);
            newest.cloned().ok_or_else(|| Error::no_such_batch(None))
        }
        .boxed()
    }

    fn batches(&self) -> Answer<'_, Vec<Batch>> {
        let all = self.disk().batches.values().rev().map(|kept| kept.batch.clone()).collect();
        async move { Ok(all) }.boxed()
    }

    fn summary(&self, batch: BatchId) -> Answer<'_, BatchSummary> {
        async move { self.read(batch, |kept| Ok(kept.summary())) }.boxed()
    }

    fn set_state<'a>(
        &'a self,
        lease: &'a Lease,
        change: StateChange,
        now: Timestamp,
    ) -> Answer<'a, ()> {
        let set = move |kept: &mut Kept| {
            kept.batch.state = change.state;
            kept.batch.stopped = change.stopped;
            kept.interrupted = change.interrupted;
            kept.elapsed += change.elapsed;
            Ok(())
        };
        async move { self.transact(lease, now, set) }.boxed()
    }

    fn wake<'a>(&'a self, lease: &'a Lease, now: Timestamp) -> Answer<'a, ()> {
        let wake = move |kept: &mut Kept| {
            let runners = &kept.runners;
            let free = |row: &&mut Arc<PayoutRecord>| runners.may(lease, row.payout.row);
            let rows = kept.rows.values_mut().filter(free);
            rows.for_each(|row| wake(&mut Arc::make_mut(row).payout, now));
            Ok(())
        };
        async move { self.transact(lease, now, wake) }.boxed()
    }

    fn hold_duplicates<'a>(&'a self, lease: &'a Lease, now: Timestamp) -> Answer<'a, u64> {
        async move { self.hold(lease, now) }.boxed()
    }

    fn write<'a>(
        &'a self,
        lease: &'a Lease,
        transitions: &'a [Transition],
        now: Timestamp,
    ) -> Answer<'a, ()> {
        let write =
            move |kept: &mut Kept| transitions.iter().try_for_each(|t| kept.write(lease, t, now));
        async move { self.transact(lease, now, write) }.boxed()
    }

    fn renew<'a>(
        &'a self,
        lease: &'a Lease,
        hold: Option<Duration>,
        now: Timestamp,
    ) -> Answer<'a, ()> {
        let renewed = self.transact(lease, now, |kept| {
            // Where a batch is taken over leases run out at once, so that a runner on another
            // machine never has to wait.
            if self.is_shared {
                kept.renew(lease, hold, now);
            }
            Ok(())
        });
        async move { renewed }.boxed()
    }

    fn request_cancel<'a>(
        &'a self,
        batch: &'a Batch,
        request: &'a CancelRequest,
    ) -> Answer<'a, CancelRequest> {
        let mut disk = self.disk();
        let kept = disk.batches.get_mut(&batch.id);
        let asked =
            kept.map(|kept| kept.batch.cancelled.get_or_insert_with(|| request.clone()).clone());
        async move { asked.ok_or_else(|| Error::no_such_batch(None)) }.boxed()
    }

    fn runners(&self, batch: BatchId) -> Answer<'_, Vec<RunnerLease>> {
        async move { self.read(batch, |kept| Ok(kept.runners.present())) }.boxed()
    }

    fn request_pause<'a>(
        &'a self,
        batch: &'a Batch,
        request: &'a PauseRequest,
    ) -> Answer<'a, PauseRequest> {
        let mut disk = self.disk();
        let kept = disk.batches.get_mut(&batch.id);
        let asked =
            kept.map(|kept| kept.batch.paused.get_or_insert_with(|| request.clone()).clone());
        async move { asked.ok_or_else(|| Error::no_such_batch(None)) }.boxed()
    }

    fn lift_pause<'a>(&'a self, batch: &'a Batch, _: &'a str, _: Timestamp) -> Answer<'a, ()> {
        if let Some(kept) = self.disk().batches.get_mut(&batch.id) {
            kept.batch.paused = None;
        }
        async { Ok(()) }.boxed()
    }

    fn brakes(&self, batch: BatchId) -> Answer<'_, Brakes> {
        let brakes = |kept: &Kept| {
            let batch = kept.batch.clone();
            Ok(Brakes { cancel: batch.cancelled, pause: batch.paused, stopped: batch.stopped })
        };
        async move { self.read(batch, brakes) }.boxed()
    }

    fn nudge<'a>(&'a self, no: &'a OrderNo, now: Timestamp) -> Answer<'a, Option<BatchId>> {
        let mut nudged = None;
        for (id, kept) in &mut self.disk().batches {
            let is_meant = |row: &&mut Arc<PayoutRecord>| {
                let order = row.payout.order.as_ref();
                order.is_some_and(|order| order.no == *no)
                    && UNDER_WAY.contains(&row.payout.outcome())
            };
            if let Some(row) = kept.rows.values_mut().find(is_meant) {
                Arc::make_mut(row).payout.next_at = Some(now);
                nudged = Some(*id);
            }
        }
        async move { Ok(nudged) }.boxed()
    }

    fn changes(&self) -> Changes {
        Changes::none()
    }

    fn offer<'a>(
        &'a self,
        lease: &'a Lease,
        transitions: &'a [Transition],
        now: Timestamp,
    ) -> Answer<'a, u64> {
        let offer = move |kept: &mut Kept| {
            let written = transitions.iter().filter(|t| kept.write(lease, t, now).is_ok());
            Ok(written.count() as u64)
        };
        async move { self.transact(lease, now, offer) }.boxed()
    }

    fn claim<'a>(
        &'a self,
        lease: &'a Lease,
        now: Timestamp,
        limit: usize,
        under_way: &'a [u64],
    ) -> Answer<'a, Vec<Claim>> {
        let due = move |kept: &mut Kept| {
            let runners = &kept.runners;
            let is_due = |row: &&Arc<PayoutRecord>| {
                let payout = &row.payout;
                let is_time = payout.next_at.is_some_and(|at| at <= now);
                is_time && !under_way.contains(&payout.row) && runners.may(lease, payout.row)
            };
            let mut due: Vec<_> = kept.rows.values().filter(is_due).collect();
            due.sort_by_key(|row| (row.payout.next_at, row.payout.row));
            let is_pending = |row: &&Arc<PayoutRecord>| row.payout.outcome() == Outcome::Pending;
            let (mut pending, mut begun): (Vec<_>, Vec<_>) = due.into_iter().partition(is_pending);
            // Half of the places are for either, where there are not enough for all.
            pending.truncate(limit - begun.len().min(limit / 2));
            begun.truncate(limit - pending.len());
            let claim = |row: &Arc<PayoutRecord>| Claim {
                payout: row.payout.clone(),
                reference: row.reference.clone(),
                payee: row.payee.clone().unwrap(),
                body: row.body.clone(),
            };
            let claims: Vec<_> = begun.into_iter().chain(pending).map(claim).collect();
            kept.runners.claim(lease, claims.iter().map(|claim| claim.payout.row));
            Ok(claims)
        };
        async move { self.transact(lease, now, due) }.boxed()
    }

    fn next_due<'a>(&'a self, lease: &'a Lease, now: Timestamp) -> Answer<'a, Option<Timestamp>> {
        let next = move |kept: &Kept| {
            let soon = now + Duration::from_secs(1);
            let times = kept.rows.values().filter_map(|row| {
                // What another runner has in hand is looked at again every now and then.
                let next_at = row.payout.next_at?;
                let is_ours = kept.runners.may(lease, row.payout.row);
                Some(if is_ours { next_at } else { next_at.max(soon) })
            });
            Ok(times.filter(|at| *at > now).min())
        };
        async move { self.read(lease.batch, next) }.boxed()
    }

    fn audit(&self, batch: BatchId) -> Answer<'_, ()> {
        async move { self.read(batch, Kept::audit) }.boxed()
    }

    fn verify(&self, _: BatchId, _: Option<LogHash>) -> Answer<'_, LogAudit> {
        let no_log = Error::store("verify the log", "this one keeps none");
        async move { Err(no_log) }.boxed()
    }

    fn rows(&self, batch: BatchId, after: u64, limit: usize) -> Answer<'_, Vec<PayoutRecord>> {
        let rows = move |kept: &Kept| {
            let rows = kept.rows.range(after + 1..).map(|(_, row)| PayoutRecord::clone(row));
            Ok(rows.take(limit).collect())
        };
        async move { self.read(batch, rows) }.boxed()
    }

    fn rows_of<'a>(
        &'a self,
        batch: BatchId,
        outcomes: &'a [Outcome],
        after: u64,
        limit: usize,
    ) -> Answer<'a, Vec<PayoutRecord>> {
        let rows = move |kept: &Kept| {
            let rows = kept.rows.range(after + 1..).map(|(_, row)| row);
            let meant = rows.filter(|row| outcomes.contains(&row.payout.outcome()));
            Ok(meant.take(limit).map(|row| PayoutRecord::clone(row)).collect())
        };
        async move { self.read(batch, rows) }.boxed()
    }

    fn timeline(&self, batch: BatchId, stretch: Duration) -> Answer<'_, Vec<Stretch>> {
        let stretch = i64::try_from(stretch.as_millis()).unwrap();
        let timeline = move |kept: &Kept| {
            let mut counts = BTreeMap::<(i64, &str), (Outcome, u64)>::new();
            for row in kept.rows.values() {
                let (at, outcome) = (row.updated_at.as_millisecond(), row.payout.outcome());
                let key = (at / stretch * stretch, outcome.as_str());
                counts.entry(key).or_insert((outcome, 0)).1 += 1;
            }
            let stretches = counts.into_iter().map(|((begin, _), (outcome, rows))| {
                let begin = Timestamp::from_millisecond(begin).unwrap();
                Stretch { begin, outcome, rows }
            });
            Ok(stretches.collect())
        };
        async move { self.read(batch, timeline) }.boxed()
    }

    fn find<'a>(&'a self, batch: BatchId, reference: &'a str) -> Answer<'a, Option<PayoutRecord>> {
        let find = move |kept: &Kept| {
            let mut valid = kept.rows.values().filter(|row| row.payout.state != State::Invalid);
            let found = valid.find(|row| row.reference == reference);
            Ok(found.map(|row| PayoutRecord::clone(row)))
        };
        async move { self.read(batch, find) }.boxed()
    }

    fn purge<'a>(&'a self, lease: &'a Lease, now: Timestamp) -> Answer<'a, ()> {
        let no_files = |_: &mut Kept| Err(Error::store("purge", "this one is never purged"));
        async move { self.transact(lease, now, no_files) }.boxed()
    }

    fn conflicts<'a>(
        &'a self,
        references: &'a [&'a str],
        except: Option<BatchId>,
    ) -> Answer<'a, Vec<Conflict>> {
        let given_up = [Outcome::Failed, Outcome::Expired, Outcome::Cancelled, Outcome::Reversed];
        let mut found = Vec::new();
        let counts = |kept: &&Kept| {
            let is_payable = !kept.batch.options.dry_run && kept.batch.state != BatchState::Loading;
            Some(kept.batch.id) != except && is_payable
        };
        for kept in self.disk().batches.values().filter(counts) {
            for row in kept.rows.values() {
                let outcome = row.payout.outcome();
                let counts = outcome != Outcome::Invalid && !given_up.contains(&outcome);
                if counts && references.contains(&row.reference.as_str()) {
                    found.push(Conflict {
                        reference: row.reference.clone(),
                        batch: kept.batch.name.clone(),
                        row: row.payout.row,
                        outcome,
                        money: row.payout.money.clone(),
                        bic: row.payee.as_ref().map(|payee| payee.bic.clone()),
                        account: row.payee.as_ref().map(|it| it.bank_account_number.clone()),
                    });
                }
            }
        }
        async move { Ok(found) }.boxed()
    }

    fn in_flight_elsewhere(&self, batch: BatchId) -> Answer<'_, Vec<Sum>> {
        let mut sums: BTreeMap<Currency, Amount> = BTreeMap::new();
        for kept in self.disk().batches.values().filter(|kept| kept.batch.id != batch) {
            let in_flight = kept.sums.iter().filter(|((_, it), _)| UNDER_WAY.contains(it));
            for ((currency, _), (_, amount)) in in_flight {
                let sum = sums.entry(currency.clone()).or_default();
                *sum = sum.checked_add(*amount).unwrap();
            }
        }
        async move { Ok(sums.into_iter().collect()) }.boxed()
    }
}
