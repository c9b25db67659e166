//! What the engine tells whoever watches: one enum for progress bar, lines, JSON and bindings.
//!
//! Events are for eyes. Nothing in the engine depends on anybody listening, an observer cannot
//! change what happens, and what counts is in the store: an event may be lost with the process, a
//! row may not.
//!
//! Invariant: events carry no personal data but the one-time password's link, which is there to be
//! opened.

use std::time::Duration;

use jiff::Timestamp;
use kess_gateway::{Amount, Currency, Money};

use crate::payout::{BatchSummary, Outcome, Reason, Stopped};

/// Something happened in a run.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum EngineEvent {
    /// Rows were written to the store; `rows` so far.
    Loading {
        /// Rows written so far.
        rows: u64,
    },
    /// A run begins, with the batch as it stands.
    Started {
        /// Counts and sums at the start.
        summary: BatchSummary,
    },
    /// The store is older than what was last seen of it, or nobody knows how old it is: the gateway
    /// is asked about every order before anything is sent.
    Restored {
        /// When that was found.
        since: Timestamp,
    },
    /// A row's outcome changed, and the change is durable.
    Row {
        /// Record number in the file.
        row: u64,
        /// The merchant's id.
        reference: String,
        /// The outcome before.
        from: Outcome,
        /// The outcome now.
        to: Outcome,
        /// The row's amount and currency.
        money: Money,
        /// Why, where there is something to say.
        reason: Option<Reason>,
    },
    /// A row was verified in a dry run; nothing is sent for it.
    Verified {
        /// Record number in the file.
        row: u64,
    },
    /// A row goes on, but a person may want to know.
    Warning {
        /// Record number in the file.
        row: u64,
        /// The merchant's id.
        reference: String,
        /// What was seen.
        reason: Reason,
    },
    /// A withdrawal waits for its one-time password.
    OtpRequired {
        /// Record number in the file.
        row: u64,
        /// The merchant's id.
        reference: String,
        /// The page on which to enter it.
        url: Option<String>,
        /// When the order closes.
        expires_at: Option<Timestamp>,
    },
    /// The gateway is busy or away; nobody calls it for a while.
    Paused {
        /// Why.
        reason: Reason,
        /// For how long.
        pause: Duration,
    },
    /// The number of calls that may be in flight changed markedly.
    Concurrency {
        /// How many now.
        calls: usize,
        /// What the gateway said, where that made them fewer.
        reason: Option<Reason>,
    },
    /// What the wallet holds and what the batch needs of one currency.
    Wallet {
        /// The currency.
        currency: Currency,
        /// What the wallet holds, if the gateway told.
        balance: Option<Amount>,
        /// What the batch's pending rows need, with money in flight of other batches.
        needed: Amount,
    },
    /// Interrupted: calls in flight end, nothing new starts.
    Draining {
        /// Rows whose calls are in flight.
        in_flight: usize,
    },
    /// The batch stopped for a cause that concerns all rows.
    Stopped {
        /// The cause.
        stopped: Stopped,
    },
    /// The run ended, with the batch as it stands.
    Ended {
        /// Counts and sums at the end.
        summary: BatchSummary,
    },
}

impl EngineEvent {
    /// Brings the numbers of a batch up to date, for whoever shows them while it runs. What counts
    /// is in the store.
    pub fn update(&self, numbers: &mut BatchSummary) {
        match self {
            Self::Started { summary } | Self::Ended { summary } => numbers.clone_from(summary),
            Self::Row { from, to, money, .. } => shift(numbers, *from, *to, money),
            Self::Stopped { stopped } => numbers.stopped = Some(stopped.clone()),
            _ => {}
        }
    }
}

fn shift(numbers: &mut BatchSummary, from: Outcome, to: Outcome, money: &Money) {
    let before = numbers.counts.entry(from).or_default();
    *before = before.saturating_sub(1);
    *numbers.counts.entry(to).or_default() += 1;
    let total = numbers.totals.entry(money.currency().clone()).or_default();
    let less = total.of(from).checked_sub(money.amount());
    let more = total.of(to).checked_add(money.amount());
    if let (Some(less), Some(more)) = (less, more) {
        total.by_outcome.insert(from, less);
        total.by_outcome.insert(to, more);
    }
}

/// Whoever watches a run. Called from several tasks; should return at once.
pub trait Observer: Send + Sync {
    /// Something happened.
    fn event(&self, event: &EngineEvent);

    /// Something was measured. Most observers have no use for it.
    fn measured(&self, _measured: &Measured) {}
}

/// What is worth a number on a dashboard and no word to a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Measured {
    /// Transitions of rows became durable together.
    Commit {
        /// How many.
        transitions: usize,
        /// How long the store took.
        took: Duration,
    },
    /// The circuit opened, because calls kept failing, or closed, because one was answered.
    Circuit {
        /// Whether it is open now.
        is_open: bool,
    },
}

impl<F: Fn(&EngineEvent) + Send + Sync> Observer for F {
    fn event(&self, event: &EngineEvent) {
        self(event);
    }
}
