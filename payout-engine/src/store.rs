//! Where batches live: the trait that every store keeps to.
//!
//! A store is dumb about payouts: it writes what the core decided, whole, and finds what is due.
//! What it is strict about: a write lands as one transaction or not at all, a write by a runner
//! that lost its batch is refused, a write on top of something its writer has not read is refused,
//! the sums of a batch add up at every commit, and every write adds to the batch's event log
//! ([`crate::chain`]) what it changed.
//!
//! How many runners may be at a batch is up to the store. SQLite gives it to one at a time; in
//! PostgreSQL any number join it, and every row is in the hands of one of them
//! ([`Store::claim`]). The engine is the same for both.
//!
//! Invariant: when [`Store::write`] returns `Ok`, the transitions survive the loss of power.

use std::{sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use kess_gateway::{Amount, Currency, Money, Sensitive};

use crate::{
    batch::{
        Batch, BatchId, BatchState, Brakes, CancelRequest, GatewayIdentity, NewBatch, PauseRequest,
        RunnerLease,
    },
    chain::{LogHash, verify::LogAudit},
    dispatch::pace::Pace,
    error::Error,
    machine::Payout,
    order_no::{BatchCode, OrderNo},
    payout::{BatchSummary, NewPayout, Outcome, Payee, Stopped},
};

mod audit;
mod books;
pub(crate) mod changes;
mod codec;
mod log;
#[cfg(feature = "postgres")]
pub(crate) mod postgres;
pub(crate) mod sqlite;
pub mod storage;
pub(crate) mod transfer;
pub(crate) mod url;
mod witness;

use changes::Changes;
use witness::Witness;

/// Says what a store was doing when its database failed.
fn failed(doing: &'static str) -> impl Fn(sqlx::Error) -> Error {
    move |error| Error::store(doing, error)
}

type Answer<'a, T> = BoxFuture<'a, Result<T, Error>>;

/// The right to write to one batch. Held as long as the runner runs, or until its sign of life is
/// overdue ([`Store::renew`]).
pub struct Lease {
    /// The batch.
    pub batch: BatchId,
    /// Its name, for messages.
    pub name: String,
    /// The fencing token: only writes with the batch's newest token land.
    pub fence: i64,
    /// When it was last found that the store is an older one than that which was seen before.
    pub restored_at: Option<Timestamp>,
    /// Told of every commit.
    pub(crate) witness: Option<Arc<Witness>>,
    pub(crate) _lock: Box<dyn Send + Sync>,
}

/// One change of one payout: the outcome it had, and the payout as it is now.
#[derive(Debug, Clone)]
pub struct Transition {
    /// The outcome before; the sums move from there.
    pub from: Outcome,
    /// The payout after. Its `version` is the one that was read; the store writes the next one.
    pub payout: Payout,
}

/// A payout that is due, with what a call needs.
#[derive(Debug, Clone)]
pub struct Claim {
    /// Its progress.
    pub payout: Payout,
    /// The merchant's id.
    pub reference: String,
    /// Who is paid.
    pub payee: Payee,
    /// What the payee reads.
    pub body: Option<String>,
}

/// A row as reports want it.
#[derive(Debug, Clone)]
pub struct PayoutRecord {
    /// Its progress.
    pub payout: Payout,
    /// Physical line in the file.
    pub line: u64,
    /// The merchant's id.
    pub reference: String,
    /// Who is paid; absent once personal data was removed.
    pub payee: Option<Payee>,
    /// What the payee reads.
    pub body: Option<String>,
    /// Columns that the engine does not know.
    pub extra: Vec<(String, String)>,
    /// When the row last changed.
    pub updated_at: Timestamp,
}

/// A row of another batch that has the same reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The reference.
    pub reference: String,
    /// The other batch.
    pub batch: String,
    /// The row there.
    pub row: u64,
    /// How it stands there. Where [`Outcome::may_have_moved_money`] holds, paying again may pay
    /// twice.
    pub outcome: Outcome,
    /// How much is paid there.
    pub money: Money,
    /// The bank there; `None` once personal data was removed.
    pub bic: Option<String>,
    /// The account there; `None` once personal data was removed.
    pub account: Option<Sensitive<String>>,
}

/// Rows that last changed in one stretch of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stretch {
    /// When it began.
    pub begin: Timestamp,
    /// What became of them.
    pub outcome: Outcome,
    /// How many.
    pub rows: u64,
}

/// A sum of money in one currency.
pub type Sum = (Currency, Amount);

/// A place that keeps batches through crashes.
pub trait Store: Send + Sync + 'static {
    /// Begins a batch in state `loading`, and takes the lock. What an earlier process left half
    /// loaded is removed: none of it was ever payable.
    fn create<'a>(
        &'a self,
        new: &'a NewBatch,
        gateway: &'a GatewayIdentity,
        code: BatchCode,
        runner: &'a str,
        now: Timestamp,
    ) -> Answer<'a, Lease>;

    /// Writes rows of a batch that is loading, in one transaction.
    fn append<'a>(
        &'a self,
        lease: &'a Lease,
        rows: &'a [NewPayout],
        now: Timestamp,
    ) -> Answer<'a, ()>;

    /// Completes a loading batch: fixes what was requested and makes it `ready`.
    fn complete<'a>(&'a self, lease: &'a Lease, now: Timestamp) -> Answer<'a, Batch>;

    /// Takes the batch over, or joins those who are at it: next fence, this runner's name. A store
    /// that gives a batch to one runner at a time refuses while another one has it. Finds out
    /// whether the store is an older one than that which was seen before ([`Lease::restored_at`]).
    fn lease<'a>(&'a self, batch: &'a Batch, runner: &'a str, now: Timestamp) -> Answer<'a, Lease>;

    /// Says for how long from now the runner counts as alive unless it renews that; `None` gives
    /// the lease up, and the rows that it has in hand. What a runner leaves whose time is over, the
    /// next one that renews or leases takes over.
    fn renew<'a>(
        &'a self,
        lease: &'a Lease,
        hold: Option<Duration>,
        now: Timestamp,
    ) -> Answer<'a, ()>;

    /// Whether several runners may be at work in it at the same time, on one batch or on several.
    fn takes_many_runners(&self) -> bool {
        false
    }

    /// Who is at the batch, as far as the store knows.
    fn runners(&self, batch: BatchId) -> Answer<'_, Vec<RunnerLease>>;

    /// Marks the batch as cancelled, whoever has it in hand: no lease is needed. The first request
    /// stands, and is returned.
    fn request_cancel<'a>(
        &'a self,
        batch: &'a Batch,
        request: &'a CancelRequest,
    ) -> Answer<'a, CancelRequest>;

    /// Pauses the batch, whoever has it in hand: no lease is needed. Nobody runs it until that is
    /// lifted. The first request stands, and is returned.
    fn request_pause<'a>(
        &'a self,
        batch: &'a Batch,
        request: &'a PauseRequest,
    ) -> Answer<'a, PauseRequest>;

    /// Lifts a pause, if there is one.
    fn lift_pause<'a>(&'a self, batch: &'a Batch, by: &'a str, now: Timestamp) -> Answer<'a, ()>;

    /// What keeps the batch from being paid on.
    fn brakes(&self, batch: BatchId) -> Answer<'_, Brakes>;

    /// Makes the row of this order due now, if nobody knows the order's end yet, and tells its
    /// batch. A hint that is worth nothing by itself: whoever has the row in hand queries.
    fn nudge<'a>(&'a self, order_no: &'a OrderNo, now: Timestamp) -> Answer<'a, Option<BatchId>>;

    /// Tells from now on that there may be something to do by somebody else's doing: a row was
    /// nudged, a batch is complete, paused or started again, a runner left.
    fn changes(&self) -> Changes;

    /// The batch of that name; without a name the newest unfinished one that is completely loaded.
    fn batch<'a>(&'a self, name: Option<&'a str>) -> Answer<'a, Batch>;

    /// The newest batch, finished or not.
    fn newest(&self) -> Answer<'_, Batch>;

    /// All batches, newest first.
    fn batches(&self) -> Answer<'_, Vec<Batch>>;

    /// Counts and sums of a batch.
    fn summary(&self, batch: BatchId) -> Answer<'_, BatchSummary>;

    /// Moves the batch to another state, with the cause if it stopped for one.
    fn set_state<'a>(
        &'a self,
        lease: &'a Lease,
        change: StateChange,
        now: Timestamp,
    ) -> Answer<'a, ()>;

    /// Makes every unfinished row due now that no other runner has in hand: what waited for a
    /// person's `resume`, and what a crash left.
    fn wake<'a>(&'a self, lease: &'a Lease, now: Timestamp) -> Answer<'a, ()>;

    /// Holds pending rows whose reference another batch paid or may have paid, but for those that a
    /// person released from that. Returns how many.
    fn hold_duplicates<'a>(&'a self, lease: &'a Lease, now: Timestamp) -> Answer<'a, u64>;

    /// Writes transitions as one durable transaction.
    fn write<'a>(
        &'a self,
        lease: &'a Lease,
        transitions: &'a [Transition],
        now: Timestamp,
    ) -> Answer<'a, ()>;

    /// As [`Store::write`], but for rows that may have changed since they were read, or that
    /// another runner has in hand: those are left out. Returns how many were written.
    fn offer<'a>(
        &'a self,
        lease: &'a Lease,
        transitions: &'a [Transition],
        now: Timestamp,
    ) -> Answer<'a, u64>;

    /// Takes rows in hand that have something to do at `now`: first those whose order is under way,
    /// then those that are pending, each the longest waiting first. Where there are more than
    /// `limit`, half of the places are for either, so that neither has to wait until all the others
    /// are through. Rows `under_way` are left out: they have their turn already.
    ///
    /// A row stays in the runner's hands, and is claimed by it again and again, until it has
    /// nothing to do or the runner leaves. So what is timed of a row is timed by one clock.
    fn claim<'a>(
        &'a self,
        lease: &'a Lease,
        now: Timestamp,
        limit: usize,
        under_way: &'a [u64],
    ) -> Answer<'a, Vec<Claim>>;

    /// The first moment after `now` at which this runner may have something to do. What others
    /// have in hand counts, too: they may leave it.
    fn next_due<'a>(&'a self, lease: &'a Lease, now: Timestamp) -> Answer<'a, Option<Timestamp>>;

    /// Counts the rows themselves and compares with the sums; an error where they differ.
    fn audit(&self, batch: BatchId) -> Answer<'_, ()>;

    /// Holds the batch's event log against itself, against the batch and against its rows. With
    /// `noted`, a head that an earlier audit showed, also that the log still has that in it.
    fn verify(&self, batch: BatchId, noted: Option<LogHash>) -> Answer<'_, LogAudit>;

    /// Rows after `after`, in the file's order, at most `limit`.
    fn rows(&self, batch: BatchId, after: u64, limit: usize) -> Answer<'_, Vec<PayoutRecord>>;

    /// As [`Store::rows`], of those with one of these outcomes.
    fn rows_of<'a>(
        &'a self,
        batch: BatchId,
        outcomes: &'a [Outcome],
        after: u64,
        limit: usize,
    ) -> Answer<'a, Vec<PayoutRecord>>;

    /// How many rows last changed in each stretch of time, and to which outcome, in the order of
    /// time; a stretch is named by its beginning.
    fn timeline(&self, batch: BatchId, stretch: Duration) -> Answer<'_, Vec<Stretch>>;

    /// The row with this reference, if it is a valid one.
    fn find<'a>(&'a self, batch: BatchId, reference: &'a str) -> Answer<'a, Option<PayoutRecord>>;

    /// Removes who was paid from a batch, for good: payees, unknown columns, holders' names, links,
    /// and what people, banks and the gateway wrote about rows. Nothing of it can be found in the
    /// store's files afterwards.
    fn purge<'a>(&'a self, lease: &'a Lease, now: Timestamp) -> Answer<'a, ()>;

    /// Rows with one of these references in batches other than `except` that were not given up.
    /// What a dry run left, and what is only half loaded, will never be paid and does not count.
    fn conflicts<'a>(
        &'a self,
        references: &'a [&'a str],
        except: Option<BatchId>,
    ) -> Answer<'a, Vec<Conflict>>;

    /// Money that other batches have sent and not heard the end of.
    fn in_flight_elsewhere(&self, batch: BatchId) -> Answer<'_, Vec<Sum>>;

    /// The pace of a merchant's calls, where several runners share it; `None` where a run's own is
    /// all there is.
    fn pace(&self, _merchant: &GatewayIdentity) -> Option<Arc<dyn Pace>> {
        None
    }
}

/// A batch's next state.
#[derive(Debug, Clone)]
pub struct StateChange {
    /// The state.
    pub state: BatchState,
    /// The cause for which it stopped.
    pub stopped: Option<Stopped>,
    /// Whether the user interrupted it.
    pub interrupted: bool,
    /// Time the runner spent since the last change.
    pub elapsed: Duration,
}

impl Lease {
    /// A lease that a store hands out. `lock` is released when it is dropped.
    pub fn new(
        batch: BatchId,
        name: impl Into<String>,
        fence: i64,
        lock: impl Send + Sync + 'static,
    ) -> Self {
        Self {
            batch,
            name: name.into(),
            fence,
            restored_at: None,
            witness: None,
            _lock: Box::new(lock),
        }
    }
}

impl std::fmt::Debug for Lease {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lease").field("batch", &self.name).field("fence", &self.fence).finish()
    }
}
