//! The core: `(Payout, Event, now) -> (Payout, Effects)`. Everything that decides about money is
//! here.
//!
//! Pure: no clock, no I/O, no randomness. The shell asks a payout what to do ([`Event::Due`]), does
//! the one call it is told ([`Call`]), and brings back the answer as the next event, until there is
//! nothing left to do now. The same function runs in production, in the simulation and in the
//! property tests.
//!
//! ```text
//!               refused, not found              settled "not found" (or: surely never left)
//! Pending ───────────────────────────> Failed        ┌──────────────┐
//!    │ verified, tokenized, cleared                  v              │
//!    └──── intent durable ──> Sending ── withdraw ──>┤ Unanswered   │ same order number again
//!                                │                   │ Refused      ├──> Failed (Refused only)
//!       SUCCESS, same order,     │                   │ Rejected     ├──> Pending (Rejected only)
//!       amount and currency      │                   │ Duplicate    │
//!    Paid <──────────────────────┤<──── query ───────┴──────────────┘
//!    Expired, Failed, Cancelled, Reversed <──── query ── AwaitingOtp, Processing
//! ```
//!
//! Invariants, each held by this module alone and tested against every event in every state:
//! - [`Call::Withdraw`] comes only with [`Write::BeforeCall`]: the intent is durable before it
//!   leaves.
//! - An order number is minted once per attempt, and never while an earlier order of the row may
//!   have moved money. A re-send uses the same number.
//! - After an unknown outcome only queries follow, until "not found" has settled.
//! - `Failed` only where no money can have moved; `Paid` only on SUCCESS about our own order with
//!   our own amount and currency.
//! - Once the batch is cancelled nothing is sent any more.
//! - Once an old copy of the store was put back, nothing is sent on a proof that is older.
//!
//! `state` is what the store keeps of a payout. `before` holds what comes before the first send,
//! `sending` the send and its answer, `orders` what the gateway shows of an order later, `after`
//! what people decide. `cancelling` is what all of it becomes once the batch is cancelled,
//! `restored` what is doubted once an old copy of the store was put back.

use jiff::Timestamp;
use kess_gateway::{Currency, Sensitive};

use crate::{
    batch::BatchOptions,
    decision::Decision,
    gateway::{CallError, OrderView},
    names::NameMatch,
    order_no::BatchCode,
    payout::{Reason, StopCause},
    policy::{Backoff, Policy},
};

mod after;
mod before;
mod cancelling;
mod orders;
mod restored;
mod sending;
mod state;
#[cfg(test)]
mod tests;

pub(crate) use orders::{Standing, standing};
pub use state::{Order, Payout, State};

/// What is the same for every row of a run.
#[derive(Debug, Clone, Copy)]
pub struct Rules<'a> {
    /// What the batch's order numbers begin with.
    pub code: &'a BatchCode,
    /// What `run` was told.
    pub options: &'a BatchOptions,
    /// Pauses and limits.
    pub policy: &'a Policy,
    /// True once somebody cancelled the batch. It never becomes false again.
    pub cancelling: bool,
    /// When it was last found that the store is an older one than that which was seen before.
    pub restored_at: Option<Timestamp>,
}

/// What the bank said about the account, compared with what the file expects.
#[derive(Debug, Clone)]
pub struct Verified {
    /// The holder's name.
    pub holder: Sensitive<String>,
    /// The account's currency.
    pub currency: Currency,
    /// How well the name agrees with the expected one.
    pub name: NameMatch,
}

/// What happened to a payout.
#[derive(Debug, Clone)]
pub enum Event {
    /// It is time to do something.
    Due,
    /// The account was verified, or not.
    Verified(Result<Verified, CallError>),
    /// The account was tokenized, or not.
    Tokenized(Result<(), CallError>),
    /// A call may leave now: rate, circuit and everybody's pauses allow it.
    Cleared,
    /// The withdrawal was answered, or not.
    Withdrawn(Result<OrderView, CallError>),
    /// The query was answered, or not.
    Queried(Result<OrderView, CallError>),
    /// The close was answered, or not.
    Closed(Result<OrderView, CallError>),
    /// A person decided about the held row.
    Decided(Decision),
    /// A person wants another attempt.
    Retry,
    /// The batch was cancelled. Only with [`Rules::cancelling`], which is what counts; the event
    /// reaches the rows that are not due.
    Cancel,
    /// The gateway lists an order of this attempt at the row. Counts only with
    /// [`Rules::restored_at`].
    Listed {
        /// The attempt.
        attempt: u32,
    },
}

/// The one thing the shell does next for this payout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// Verify the account.
    Verify,
    /// Tokenize the account.
    Tokenize,
    /// Wait until a withdrawal may leave, then come back with [`Event::Cleared`].
    Clear,
    /// Send the withdrawal.
    Withdraw,
    /// Query the order.
    Query,
    /// Close the order.
    Close,
}

/// When the payout has to be durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Write {
    /// Not at all: a crash here loses nothing that matters.
    Not,
    /// Soon; the next row need not wait for it.
    Soon,
    /// Before the call leaves.
    BeforeCall,
}

/// The answer of the core: the payout as it is now, and what follows from it.
#[derive(Debug, Clone)]
pub struct Step {
    /// The payout after the event.
    pub payout: Payout,
    /// When it has to be durable.
    pub write: Write,
    /// What to do next; `None` ends the row's turn until its `next_at`.
    pub call: Option<Call>,
    /// Set where the whole batch has to stop.
    pub stop: Option<(StopCause, Reason)>,
}

impl Payout {
    /// What an event makes of the payout. Total: an event that does not belong to the state (an
    /// answer that came twice, a stale task) changes nothing.
    pub fn step(mut self, rules: &Rules<'_>, event: Event, now: Timestamp) -> Step {
        let is_first_look = self.watched_since.replace(self.watched_since.unwrap_or(now)).is_none();
        if let Event::Listed { attempt } = event {
            return self.listed(rules, attempt, now);
        }
        if self.is_outdated(rules, &event) {
            return self.doubt_again(rules, now);
        }
        if is_first_look {
            self.settle_anew(rules, now);
        }
        if rules.cancelling {
            return self.step_cancelling(rules, event, now);
        }
        self.step_paying(rules, event, now)
    }

    #[expect(clippy::too_many_lines, reason = "one table of states and events, read as a whole")]
    fn step_paying(self, rules: &Rules<'_>, event: Event, now: Timestamp) -> Step {
        match (self.state, event) {
            (State::Pending, Event::Due) => self.call(Call::Verify),
            (State::Pending, Event::Verified(answer)) => self.verified(rules, answer, now),
            (State::Pending, Event::Tokenized(answer)) => self.tokenized(rules, answer, now),
            (State::Pending, Event::Cleared) => self.send(rules, now),

            (State::Held, Event::Decided(decision)) => self.decided(decision, now),

            (State::Failed | State::Expired | State::Cancelled, Event::Retry) => self.retry(now),

            // Found like this after a crash: the withdrawal may have left.
            (State::Sending, Event::Due) => self.found_sending(now),
            (State::Sending, Event::Withdrawn(answer)) => self.withdrawn(rules, answer, now),

            (
                State::Unanswered
                | State::Refused
                | State::Rejected
                | State::Duplicate
                | State::Unbooked,
                Event::Tokenized(answer),
            ) => self.tokenized_again(rules, answer, now),
            (
                State::Unanswered
                | State::Refused
                | State::Rejected
                | State::Duplicate
                | State::Unbooked,
                Event::Cleared,
            ) => self.send_again(rules, now),

            (
                State::Restored
                | State::Unanswered
                | State::Refused
                | State::Rejected
                | State::Duplicate
                | State::Unbooked
                | State::Mismatch
                | State::AwaitingOtp
                | State::Processing,
                Event::Due,
            ) => self.call(Call::Query),
            (
                State::Restored
                | State::Unanswered
                | State::Refused
                | State::Rejected
                | State::Duplicate
                | State::Unbooked
                | State::Mismatch
                | State::AwaitingOtp
                | State::Processing
                | State::Paid,
                Event::Queried(answer),
            ) => self.queried(rules, answer, now),
            (State::AwaitingOtp, Event::Closed(answer)) => self.closed(rules, answer, now),

            (
                State::Pending
                | State::Held
                | State::Sending
                | State::Restored
                | State::Unanswered
                | State::Refused
                | State::Rejected
                | State::Duplicate
                | State::Unbooked
                | State::Mismatch
                | State::AwaitingOtp
                | State::Processing
                | State::Paid
                | State::Failed
                | State::Expired
                | State::Cancelled
                | State::Reversed
                | State::Invalid,
                _,
            ) => self.rest(Write::Not),
        }
    }

    /// Ends the turn.
    fn rest(self, write: Write) -> Step {
        Step { payout: self, write, call: None, stop: None }
    }

    /// Goes on with a call; nothing worth writing has happened.
    fn call(self, call: Call) -> Step {
        Step { payout: self, write: Write::Not, call: Some(call), stop: None }
    }

    /// Moves to a state in which the engine has nothing left to do.
    fn end(mut self, state: State) -> Step {
        self.state = state;
        self.next_at = None;
        self.tries = 0;
        self.rest(Write::Soon)
    }

    /// Comes back after a pause, or not before `resume` where the run's patience is used up.
    fn later(mut self, rules: &Rules<'_>, backoff: &Backoff, now: Timestamp) -> Step {
        let pause = backoff.pause(self.tries, self.row);
        let at = after(now, pause);
        let patience = after(self.watched_since.unwrap_or(now), rules.policy.patience);
        self.tries = self.tries.saturating_add(1);
        self.next_at = (at <= patience).then_some(at);
        self.rest(Write::Soon)
    }

    /// Stops the batch and leaves the row where it is, due as soon as the batch goes on.
    fn stop(mut self, cause: StopCause, reason: Reason, now: Timestamp) -> Step {
        self.next_at = Some(now);
        self.reason = Some(reason.clone());
        Step { payout: self, write: Write::Soon, call: None, stop: Some((cause, reason)) }
    }
}

/// A moment later than `at`, or the end of time.
fn after(at: Timestamp, pause: std::time::Duration) -> Timestamp {
    at.saturating_add(pause).unwrap_or(Timestamp::MAX)
}
