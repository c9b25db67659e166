//! [`EngineEvent`]: what happens in a run, for eyes. What counts is in the store.

use std::time::{Duration, SystemTime};

use kess_gateway::Amount;
use payout_engine::{Batch, Outcome};

use super::batch::{BatchStatus, Reason, Stopped};
use crate::convert::{Money, Sensitive};

/// Something happened in a run.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum EngineEvent {
    /// A run begins.
    Started {
        /// The batch as it stands.
        status: BatchStatus,
    },
    /// The store is older than what was last seen of it, or nobody knows how old it is: the
    /// gateway is asked about every order before anything is sent.
    Restored {
        /// When that was found.
        since: SystemTime,
    },
    /// A row's outcome changed, and the change is durable.
    RowChanged {
        /// Number of the row, from 1.
        row: u64,
        /// The merchant's id.
        reference: String,
        /// The outcome before.
        before: Outcome,
        /// The outcome now.
        now: Outcome,
        /// What the row pays.
        money: Money,
        /// Why, where there is something to say.
        reason: Option<Reason>,
    },
    /// A row was verified in a dry run; nothing is sent for it.
    Verified {
        /// Number of the row, from 1.
        row: u64,
    },
    /// A row goes on, but a person may want to know.
    Warned {
        /// Number of the row, from 1.
        row: u64,
        /// The merchant's id.
        reference: String,
        /// What was seen.
        reason: Reason,
    },
    /// A withdrawal waits for its one-time password.
    OtpRequired {
        /// Number of the row, from 1.
        row: u64,
        /// The merchant's id.
        reference: String,
        /// The page on which to enter it. Whoever has the address can enter it.
        url: Option<Sensitive>,
        /// When the order closes.
        expires_at: Option<SystemTime>,
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
        calls: u64,
        /// What the gateway said, where that made them fewer.
        reason: Option<Reason>,
    },
    /// What the wallet holds, and what the batch needs of one currency.
    Wallet {
        /// The currency's code.
        currency: String,
        /// What the wallet holds, if the gateway told.
        balance: Option<Amount>,
        /// What is needed.
        needed: Amount,
    },
    /// Asked to end: calls in flight end, nothing new starts.
    Draining {
        /// Rows whose calls are in flight.
        in_flight: u64,
    },
    /// The batch stopped for a cause that concerns all rows.
    RunStopped {
        /// The cause.
        stopped: Stopped,
    },
    /// The run ended.
    Ended {
        /// The batch as it stands.
        status: BatchStatus,
    },
}

impl EngineEvent {
    /// The event; `None` for one that the packages have no word for. Rows that are being written
    /// were written before there is a run to look at.
    pub(super) fn of(batch: &Batch, event: payout_engine::EngineEvent) -> Option<EngineEvent> {
        use payout_engine::EngineEvent as Event;
        Some(match event {
            Event::Started { summary } => {
                EngineEvent::Started { status: BatchStatus::of(batch, &summary) }
            }
            Event::Restored { since } => EngineEvent::Restored { since: since.into() },
            Event::Row { row, reference, from: before, to: now, money, reason } => {
                let (money, reason) = (Money::from(&money), reason.map(Reason::from));
                EngineEvent::RowChanged { row, reference, before, now, money, reason }
            }
            Event::Verified { row } => EngineEvent::Verified { row },
            Event::Warning { row, reference, reason } => {
                EngineEvent::Warned { row, reference, reason: reason.into() }
            }
            Event::OtpRequired { row, reference, url, expires_at } => {
                let (url, expires_at) =
                    (url.map(Sensitive::from), expires_at.map(SystemTime::from));
                EngineEvent::OtpRequired { row, reference, url, expires_at }
            }
            Event::Paused { reason, pause } => EngineEvent::Paused { reason: reason.into(), pause },
            Event::Concurrency { calls, reason } => {
                EngineEvent::Concurrency { calls: calls as u64, reason: reason.map(Reason::from) }
            }
            Event::Wallet { currency, balance, needed } => {
                EngineEvent::Wallet { currency: currency.as_str().to_owned(), balance, needed }
            }
            Event::Draining { in_flight } => EngineEvent::Draining { in_flight: in_flight as u64 },
            Event::Stopped { stopped } => EngineEvent::RunStopped { stopped: stopped.into() },
            Event::Ended { summary } => {
                EngineEvent::Ended { status: BatchStatus::of(batch, &summary) }
            }
            _ => return None,
        })
    }
}
