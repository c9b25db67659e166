//! How a batch stands: [`BatchStatus`], and the words for it.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use kess_gateway::Amount;
use payout_engine::{Batch, BatchState, BatchSummary, Outcome, StopCause};

/// How a row stands.
#[uniffi::remote(Enum)]
pub enum Outcome {
    /// Nothing was sent.
    Pending,
    /// A person has to decide: the holder's name or the account's currency differs.
    Held,
    /// Sent, and no conclusive answer yet: only queries may follow.
    InDoubt,
    /// The gateway waits for a one-time password to be entered on its page.
    AwaitingOtp,
    /// Accepted by the gateway, not final.
    Processing,
    /// The gateway said SUCCESS, with our order number, amount and currency.
    Paid,
    /// Refused; certainly no money moved.
    Failed,
    /// The order was closed unpaid.
    Expired,
    /// Cancelled before it was paid.
    Cancelled,
    /// Paid and given back.
    Reversed,
    /// Refused by validation, never sent.
    Invalid,
}

/// Where a batch stands.
#[uniffi::remote(Enum)]
pub enum BatchState {
    /// Its rows are being written; none of them can be paid yet.
    Loading,
    /// Complete, not started.
    Ready,
    /// A runner is at it, or died at it.
    Running,
    /// Ended before its rows did; `resume` goes on.
    Stopped,
    /// Every row has ended or waits for a person.
    Finished,
    /// It goes on in another store, and is here to be read only.
    Moved,
}

/// A cause that concerns every row of a batch.
#[uniffi::remote(Enum)]
pub enum StopCause {
    /// The gateway does not accept the credentials or the signature.
    Credentials,
    /// The gateway refuses this caller.
    Forbidden,
    /// The wallet holds less than the batch needs.
    Funds,
    /// The gateway has not answered usefully for longer than the policy allows.
    Outage,
    /// Somebody cancelled the batch.
    Cancelled,
    /// The engine found its own books inconsistent and will not touch money on top of that.
    Books,
}

/// Why something stands as it does.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Reason {
    /// The gateway's code, or one of the engine's own in lower case.
    pub code: String,
    /// One line, without personal data.
    pub message: String,
}

impl From<payout_engine::Reason> for Reason {
    fn from(reason: payout_engine::Reason) -> Self {
        Reason { code: reason.code, message: reason.message }
    }
}

/// Why a batch stopped before its rows were done.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Stopped {
    /// What kind of cause it is.
    pub cause: StopCause,
    /// One line: what happened and what to do.
    pub message: String,
}

impl From<payout_engine::Stopped> for Stopped {
    fn from(stopped: payout_engine::Stopped) -> Self {
        Stopped { cause: stopped.cause, message: stopped.message }
    }
}

/// The sums of one currency.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Total {
    /// Over all rows.
    pub requested: Amount,
    /// Over the rows of each outcome; outcomes without rows are absent.
    pub by_outcome: HashMap<Outcome, Amount>,
}

/// A batch in numbers.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct BatchStatus {
    /// The batch's name.
    pub batch: String,
    /// Where it stands.
    pub state: BatchState,
    /// How many rows it has, invalid ones included.
    pub rows: u64,
    /// Rows by outcome; outcomes without rows are absent.
    pub counts: HashMap<Outcome, u64>,
    /// Sums by currency.
    pub totals: HashMap<String, Total>,
    /// Time that was spent on it.
    pub elapsed: Duration,
    /// The cause for which it stopped, if it did.
    pub stopped: Option<Stopped>,
    /// Whether the last run was asked to end.
    pub interrupted: bool,
    /// Who wants nothing more of it to be sent, and why, if anybody does.
    pub cancelled: Option<String>,
    /// Whether accounts are only verified.
    pub dry_run: bool,
    /// What it was made of, for people.
    pub source: String,
    /// When it was made.
    pub created_at: SystemTime,
    /// When its personal data was removed.
    pub purged_at: Option<SystemTime>,
}

impl BatchStatus {
    pub(super) fn of(batch: &Batch, summary: &BatchSummary) -> BatchStatus {
        let totals = summary.totals.iter().map(|(currency, total)| {
            let by_outcome = total.by_outcome.iter().map(|(of, sum)| (*of, *sum)).collect();
            (currency.as_str().to_owned(), Total { requested: total.requested, by_outcome })
        });
        BatchStatus {
            batch: summary.batch.clone(),
            state: batch.state,
            rows: summary.rows,
            counts: summary.counts.iter().map(|(of, rows)| (*of, *rows)).collect(),
            totals: totals.collect(),
            elapsed: summary.elapsed,
            stopped: summary.stopped.clone().map(Stopped::from),
            interrupted: summary.interrupted,
            cancelled: summary.cancelled.as_ref().map(ToString::to_string),
            dry_run: batch.options.dry_run,
            source: batch.source.clone(),
            created_at: batch.created_at.into(),
            purged_at: batch.purged_at.map(SystemTime::from),
        }
    }
}
