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
//!
//! `before` holds what comes before the first send, `sending` the send and its answer,
//! `orders` what the gateway shows of an order later, `after` what people decide.

use jiff::Timestamp;
use kess_gateway::{Currency, Money, Sensitive};

use crate::{
    batch::BatchOptions,
    decision::Decision,
    error::Error,
    gateway::{CallError, OrderView},
    names::NameMatch,
    order_no::{BatchCode, OrderNo},
    payout::{Outcome, Reason, StopCause},
    policy::{Backoff, Policy},
    text_enum::text_enum,
};

mod after;
mod before;
mod orders;
mod sending;
#[cfg(test)]
mod tests;

pub(crate) use orders::{Standing, standing};

text_enum! {
    /// Where a payout stands. Finer than [`Outcome`]: it says what the engine may do next.
    State: "state" {
        /// Nothing was sent, or what was sent certainly never left.
        Pending = "pending",
        /// A person has to decide.
        Held = "held",
        /// The intent is durable; the withdrawal may have left. After a crash: in doubt.
        Sending = "sending",
        /// Sent, no answer that says anything certain.
        Unanswered = "unanswered",
        /// Sent, and refused for the row's own sake; to be confirmed by a query.
        Refused = "refused",
        /// Sent, and refused for the batch's sake (credentials, funds); to be confirmed by a query.
        Rejected = "rejected",
        /// Sent, and the gateway says the order number was used before.
        Duplicate = "duplicate",
        /// Sent as often as a run may, settled as not found each time. Every `resume` may send it
        /// once more, under the same number.
        Unbooked = "unbooked",
        /// The gateway shows something under our order number that is not our order. For a person.
        Mismatch = "mismatch",
        /// The order waits for its one-time password.
        AwaitingOtp = "awaiting_otp",
        /// The order exists and is not final.
        Processing = "processing",
        /// SUCCESS, with our order number, amount and currency.
        Paid = "paid",
        /// Refused; certainly no money moved.
        Failed = "failed",
        /// The order was closed unpaid.
        Expired = "expired",
        /// Given up before anything was sent, or voided before it was paid.
        Cancelled = "cancelled",
        /// Paid and given back.
        Reversed = "reversed",
        /// Refused by validation, never sent.
        Invalid = "invalid",
    }
}

impl State {
    /// The outcome that people see.
    pub const fn outcome(self) -> Outcome {
        match self {
            Self::Pending => Outcome::Pending,
            Self::Held => Outcome::Held,
            Self::Sending
            | Self::Unanswered
            | Self::Refused
            | Self::Rejected
            | Self::Duplicate
            | Self::Unbooked
            | Self::Mismatch => Outcome::InDoubt,
            Self::AwaitingOtp => Outcome::AwaitingOtp,
            Self::Processing => Outcome::Processing,
            Self::Paid => Outcome::Paid,
            Self::Failed => Outcome::Failed,
            Self::Expired => Outcome::Expired,
            Self::Cancelled => Outcome::Cancelled,
            Self::Reversed => Outcome::Reversed,
            Self::Invalid => Outcome::Invalid,
        }
    }
}

/// What the engine knows about one payout; the store writes it whole at every transition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payout {
    /// Record number in the file.
    pub row: u64,
    /// How much.
    pub money: Money,
    /// Where it stands.
    pub state: State,
    /// Attempts begun, that is order numbers minted.
    pub attempt: u32,
    /// The order of the present attempt, once its number is minted.
    pub order: Option<Order>,
    /// Fruitless tries in a row; they make the pauses grow.
    pub tries: u32,
    /// When there is something to do again; `None` where the engine has nothing to do.
    pub next_at: Option<Timestamp>,
    /// Since when the present run has been trying to move this row on.
    pub watched_since: Option<Timestamp>,
    /// What went wrong last.
    pub reason: Option<Reason>,
    /// What a person may want to know although the row went on.
    pub warning: Option<Reason>,
    /// The holder's name, as the bank gave it.
    pub holder_name: Option<Sensitive<String>>,
    /// The gateway's number of the transaction.
    pub transaction_id: Option<String>,
    /// The page on which the one-time password is entered.
    pub otp_url: Option<String>,
    /// When the unpaid order closes.
    pub expires_at: Option<Timestamp>,
    /// What people decided about it, oldest first.
    pub decisions: Vec<Decision>,
    /// Counts the writes, so that nobody writes on top of what they have not read.
    pub version: u32,
}

/// An order number and everything its proof of payment, or of non-payment, rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// The number.
    pub no: OrderNo,
    /// How many sends may have reached the gateway.
    pub sends: u32,
    /// The latest moment at which a send may still have been on its way.
    pub sent_at: Option<Timestamp>,
    /// True once the gateway has shown the order: it exists, and is never sent again.
    pub seen: bool,
    /// "Not found" answers that count, since the last send.
    pub not_found: u32,
    /// When the last of them came.
    pub not_found_at: Option<Timestamp>,
}

/// What is the same for every row of a run.
#[derive(Debug, Clone, Copy)]
pub struct Rules<'a> {
    /// What the batch's order numbers begin with.
    pub code: &'a BatchCode,
    /// What `run` was told.
    pub options: &'a BatchOptions,
    /// Pauses and limits.
    pub policy: &'a Policy,
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
    /// A payout of which nothing has been sent, due at once.
    pub fn new(row: u64, money: Money, now: Timestamp) -> Self {
        Self {
            row,
            money,
            state: State::Pending,
            attempt: 0,
            order: None,
            tries: 0,
            next_at: Some(now),
            watched_since: None,
            reason: None,
            warning: None,
            holder_name: None,
            transaction_id: None,
            otp_url: None,
            expires_at: None,
            decisions: Vec::new(),
            version: 0,
        }
    }

    /// The outcome that people see.
    pub fn outcome(&self) -> Outcome {
        self.state.outcome()
    }

    /// What an event makes of the payout. Total: an event that does not belong to the state (an
    /// answer that came twice, a stale task) changes nothing.
    #[expect(clippy::too_many_lines, reason = "one table of states and events, read as a whole")]
    pub fn step(mut self, rules: &Rules<'_>, event: Event, now: Timestamp) -> Step {
        self.watched_since.get_or_insert(now);
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
                State::Unanswered
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
                State::Unanswered
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

    /// What has to hold whenever a payout is written, whatever led to it. A violation is a bug in
    /// this module; it stops the batch instead of becoming a payment.
    ///
    /// # Errors
    /// Names the row and the rule that is broken.
    pub fn check(&self) -> Result<(), Error> {
        let sends = self.order.as_ref().map_or(0, |order| order.sends);
        let seen = self.order.as_ref().is_some_and(|order| order.seen);
        let not_found = self.order.as_ref().is_some_and(|order| order.not_found > 0);
        let holds = match self.state {
            State::Pending | State::Held | State::Invalid => sends == 0,
            State::Sending
            | State::Unanswered
            | State::Refused
            | State::Rejected
            | State::Duplicate
            | State::Unbooked => sends > 0 && !seen,
            State::Mismatch
            | State::AwaitingOtp
            | State::Processing
            | State::Paid
            | State::Expired
            | State::Reversed => seen,
            State::Cancelled => sends == 0 || seen,
            State::Failed => sends == 0 || seen || not_found,
        };
        if holds {
            return Ok(());
        }
        Err(Error::books(format!(
            "row {} is {} with {sends} sends, {} by the gateway",
            self.row,
            self.state,
            if seen { "shown" } else { "never shown" }
        )))
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
