//! Where batches live: the trait that every store keeps to.
//!
//! A store is dumb about payouts: it writes what the core decided, whole, and finds what is due.
//! What it is strict about: a write lands as one transaction or not at all, a write by a runner
//! that lost its batch is refused, a write on top of something its writer has not read is refused,
//! the sums of a batch add up at every commit, and every write adds to the batch's event log
//! ([`crate::chain`]) what it changed.
//!
//! Invariant: when [`Store::write`] returns `Ok`, the transitions survive the loss of power.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use kess_gateway::{Amount, Currency, Money, Sensitive};

use crate::{
    batch::{Batch, BatchId, BatchState, CancelRequest, GatewayIdentity, NewBatch},
    chain::{LogHash, verify::LogAudit},
    error::Error,
    machine::Payout,
    order_no::BatchCode,
    payout::{BatchSummary, NewPayout, Outcome, Payee, Stopped},
};

pub(crate) mod sqlite;
pub mod storage;
pub(crate) mod url;
mod witness;

use witness::Witness;

type Answer<'a, T> = BoxFuture<'a, Result<T, Error>>;

/// The right to write to one batch. Held as long as the runner runs; the lock it holds is released
/// by the operating system if the process dies.
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

    /// Takes the batch over: lock, next fence, this runner's name. Refused while another runner
    /// holds the lock, or a lease from another machine. Finds out whether the store is an older one
    /// than that which was seen before ([`Lease::restored_at`]).
    fn lease<'a>(&'a self, batch: &'a Batch, runner: &'a str, now: Timestamp) -> Answer<'a, Lease>;

    /// Says until when the runner counts as alive unless it renews that; `None` gives the lease up.
    /// A runner on another machine waits for it, where the lock does not reach.
    fn renew<'a>(&'a self, lease: &'a Lease, until: Option<Timestamp>) -> Answer<'a, ()>;

    /// Marks the batch as cancelled, whoever has it in hand: no lease is needed. The first request
    /// stands, and is returned.
    fn request_cancel<'a>(
        &'a self,
        batch: &'a Batch,
        request: &'a CancelRequest,
    ) -> Answer<'a, CancelRequest>;

    /// The request to cancel the batch, if there is one.
    fn cancel_request(&self, batch: BatchId) -> Answer<'_, Option<CancelRequest>>;

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

    /// Makes every unfinished row due now: what waited for a person's `resume`, and what a crash
    /// left.
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

    /// Rows with something to do at `now`: first those whose order is under way, then those that
    /// are pending, each the longest waiting first. Where there are more than `limit`, half of the
    /// places are for either, so that neither has to wait until all the others are through.
    fn due(&self, batch: BatchId, now: Timestamp, limit: usize) -> Answer<'_, Vec<Claim>>;

    /// The first moment after `now` at which a row has something to do.
    fn next_due(&self, batch: BatchId, now: Timestamp) -> Answer<'_, Option<Timestamp>>;

    /// Counts the rows themselves and compares with the sums; an error where they differ.
    fn audit(&self, batch: BatchId) -> Answer<'_, ()>;

    /// Holds the batch's event log against itself, against the batch and against its rows. With
    /// `noted`, a head that an earlier audit showed, also that the log still has that in it.
    fn verify(&self, batch: BatchId, noted: Option<LogHash>) -> Answer<'_, LogAudit>;

    /// Rows after `after`, in the file's order, at most `limit`.
    fn rows(&self, batch: BatchId, after: u64, limit: usize) -> Answer<'_, Vec<PayoutRecord>>;

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
    pub elapsed: std::time::Duration,
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
