//! A payout's progress: what the store keeps of it, and what has to hold whatever led to it.
//!
//! Data only. How it moves from state to state is `machine`'s business; here stands what is never
//! true of it, as a last guard between a mistake there and a payment.

use jiff::Timestamp;
use kess_gateway::{Money, Sensitive};

use crate::{
    decision::Decision,
    error::Error,
    order_no::OrderNo,
    payout::{Outcome, Reason},
    text_enum::text_enum,
};

text_enum! {
    /// Where a payout stands. Finer than [`Outcome`]: it says what the engine may do next.
    State: "state" {
        /// Nothing was sent, or what was sent certainly never left.
        Pending = "pending",
        /// A person has to decide.
        Held = "held",
        /// The intent is durable; the withdrawal may have left. After a crash: in doubt.
        Sending = "sending",
        /// An old copy of the store was put back, and it is not known whether this order was sent
        /// since the copy was made. If it was not, the row is pending again.
        Restored = "restored",
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
        /// Given up before anything was sent or booked, or closed before it was paid.
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
            | Self::Restored
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

impl Order {
    /// An order of which nothing was sent yet.
    pub(super) fn unsent(no: OrderNo) -> Self {
        Self { no, sends: 0, sent_at: None, seen: false, not_found: 0, not_found_at: None }
    }
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
            | State::Restored
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
            State::Failed | State::Cancelled => sends == 0 || seen || not_found,
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
}
