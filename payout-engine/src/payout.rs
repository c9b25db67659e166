//! What a payout is for people and for files: who is to be paid, how it ended, and the sums of a
//! batch.
//!
//! This is vocabulary, no behaviour: intake makes [`NewPayout`]s, the engine turns them into
//! [`Outcome`]s, reports print them. What the engine *does* with a payout is in [`crate::machine`].
//!
//! Invariant: every outcome says one thing about money, and [`Outcome::may_have_moved_money`] is
//! the only place that says which.

use std::{collections::BTreeMap, time::Duration};

use kess_gateway::{Amount, Currency, Money, Sensitive};

use crate::{batch::CancelRequest, text_enum::text_enum};

/// Who gets the money: everything about a person that a payout carries.
///
/// It is kept apart from the payout's progress so that it can be removed (`payout purge`) while
/// amounts and outcomes stay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payee {
    /// First name, as the `customer` object of the gateway's documentation wants it.
    pub first_name: Sensitive<String>,
    /// Last name.
    pub last_name: Sensitive<String>,
    /// The account holder's name that the merchant expects; without it, first and last name.
    pub holder_name: Option<Sensitive<String>>,
    /// Phone number; text, because leading zeros live.
    pub phone_number: Sensitive<String>,
    /// E-mail address.
    pub email: Sensitive<String>,
    /// Account number at the bank; text, because leading zeros live.
    pub bank_account_number: Sensitive<String>,
    /// The bank's code. The list is open: new banks appear.
    pub bic: String,
    /// Street address.
    pub address: Option<Sensitive<String>>,
    /// City.
    pub city: Option<Sensitive<String>>,
    /// Postcode; text, because leading zeros live.
    pub postcode: Option<Sensitive<String>>,
}

impl Payee {
    /// The holder's name to compare with what the bank answers: the expected one, or first and
    /// last.
    pub fn expected_holder(&self) -> String {
        match &self.holder_name {
            Some(name) => name.expose().clone(),
            None => format!("{} {}", self.first_name.expose(), self.last_name.expose()),
        }
    }
}

/// One valid row of a batch file, on its way into the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPayout {
    /// Number of the record in the file; the first record after the header is 1. Unique in a batch.
    pub row: u64,
    /// Physical line on which the record starts; the file's first line is 1.
    pub line: u64,
    /// The merchant's own id of the payout, unique in the file.
    pub reference: String,
    /// Who gets the money.
    pub payee: Payee,
    /// How much, exactly.
    pub money: Money,
    /// What the payee reads on the statement; the gateway wants at most 255 characters.
    pub body: Option<String>,
    /// Columns that the engine does not know, in the file's order: they come back in the report.
    pub extra: Vec<(String, String)>,
    /// Why intake refused the row, where the run goes on without it (`--skip-invalid`). Such a row
    /// is stored as [`Outcome::Invalid`] and never sent.
    pub invalid: Option<Reason>,
}

/// What went wrong with a row, in words for people and a code for scripts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// The gateway's code, or one of the engine's own in lower case (`amount_mismatch`).
    pub code: String,
    /// One line, without personal data.
    pub message: String,
}

impl Reason {
    /// A reason from a code and a line of text.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into() }
    }

    /// The message, with the code behind it unless it says it already.
    pub fn with_code(&self) -> String {
        let Self { code, message } = self;
        if message.contains(code.as_str()) {
            message.clone()
        } else {
            format!("{message} ({code})")
        }
    }
}

text_enum! {
    /// How a row stands, in the words of the command's contract.
    Outcome: "outcome" {
        /// Nothing was sent.
        Pending = "pending",
        /// A person has to decide: the holder's name or the account's currency differs.
        Held = "held",
        /// Sent, and no conclusive answer yet: only queries may follow.
        InDoubt = "in_doubt",
        /// The gateway waits for a one-time password to be entered on its page.
        AwaitingOtp = "awaiting_otp",
        /// Accepted by the gateway, not final.
        Processing = "processing",
        /// The gateway said SUCCESS, with our order number, amount and currency.
        Paid = "paid",
        /// Refused; certainly no money moved.
        Failed = "failed",
        /// The order was closed unpaid.
        Expired = "expired",
        /// Cancelled before it was paid.
        Cancelled = "cancelled",
        /// Paid and given back.
        Reversed = "reversed",
        /// Refused by validation, never sent.
        Invalid = "invalid",
    }
}

impl Outcome {
    /// True where the engine has nothing left to do and the gateway will not change its mind.
    pub const fn is_final(self) -> bool {
        !matches!(
            self,
            Self::Pending | Self::Held | Self::InDoubt | Self::AwaitingOtp | Self::Processing
        )
    }

    /// True where the payee has the money or may get it: paying the same row again risks paying
    /// twice.
    ///
    /// ```
    /// use payout_engine::Outcome;
    /// assert!(Outcome::InDoubt.may_have_moved_money());
    /// assert!(!Outcome::Failed.may_have_moved_money());
    /// ```
    pub const fn may_have_moved_money(self) -> bool {
        matches!(self, Self::InDoubt | Self::AwaitingOtp | Self::Processing | Self::Paid)
    }
}

/// The sums of one currency in a batch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Total {
    /// Sum over all rows.
    pub requested: Amount,
    /// Sum over the rows of each outcome; outcomes without rows are absent.
    pub by_outcome: BTreeMap<Outcome, Amount>,
}

impl Total {
    /// Sum over the rows of one outcome; zero where there are none.
    pub fn of(&self, outcome: Outcome) -> Amount {
        self.by_outcome.get(&outcome).cloned().unwrap_or_default()
    }
}

/// Why a batch stopped before its rows were done, where the cause concerns all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stopped {
    /// What kind of cause it is.
    pub cause: StopCause,
    /// One line for people: what happened and what to do.
    pub message: String,
}

text_enum! {
    /// A cause that concerns every row of a batch, so that going on would only burn attempts.
    StopCause: "stop cause" {
        /// The gateway does not accept the credentials or the signature.
        Credentials = "credentials",
        /// The gateway refuses this caller: address not on the allow-list, or account disabled.
        Forbidden = "forbidden",
        /// The wallet holds less than the batch needs.
        Funds = "funds",
        /// The gateway has not answered usefully for longer than the policy allows.
        Outage = "outage",
        /// Somebody cancelled the batch.
        Cancelled = "cancelled",
        /// The engine found its own books inconsistent and will not touch money on top of that.
        Books = "books",
    }
}

/// A batch in numbers: what `status`, `run` and `resume` print.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchSummary {
    /// The batch's name.
    pub batch: String,
    /// Rows in the batch, invalid ones included.
    pub rows: u64,
    /// Rows by outcome; outcomes without rows are absent.
    pub counts: BTreeMap<Outcome, u64>,
    /// Sums by currency.
    pub totals: BTreeMap<Currency, Total>,
    /// Time that runners have spent on the batch.
    pub elapsed: Duration,
    /// The cause for which the batch stopped, if it did.
    pub stopped: Option<Stopped>,
    /// True where the last run was interrupted by the user and drained.
    pub interrupted: bool,
    /// Who wants nothing more of it to be sent, if anybody does.
    pub cancelled: Option<CancelRequest>,
}

impl BatchSummary {
    /// Rows of one outcome.
    pub fn count(&self, outcome: Outcome) -> u64 {
        self.counts.get(&outcome).copied().unwrap_or(0)
    }
}
