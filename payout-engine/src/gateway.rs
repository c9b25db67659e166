//! The port through which the engine sees a gateway.
//!
//! Seven calls, answers in the engine's own words. What stands behind it (the KESS PAY client, a
//! model with its own ledger in tests) is not the engine's business, and nothing here decides about
//! money.
//!
//! Invariant: an implementation never repeats `withdraw` on its own unless the request certainly
//! did not leave, and it answers [`CallError::Refused`] to `withdraw` only where the gateway
//! refused with a code that is documented as a refusal. When in any doubt it says
//! [`CallError::Unknown`].

use std::time::Duration;

use futures_util::{future::BoxFuture, stream::BoxStream};
use jiff::{Timestamp, civil::Date};
use kess_gateway::{Amount, Currency, Money, Sealed, Sensitive, objects::Customer};

use crate::{
    batch::GatewayIdentity,
    order_no::OrderNo,
    payout::{Payee, Reason, StopCause},
};

mod kess;

pub use kess::KessGateway;

/// The other end. Every method is one logical call; none panics.
pub trait Gateway: Send + Sync + 'static {
    /// Which gateway and seller this is; a batch is bound to it.
    fn identity(&self) -> GatewayIdentity;

    /// Who holds the account, and in which currency (`verifybankaccount`).
    fn verify<'a>(&'a self, payee: &'a Payee) -> BoxFuture<'a, Result<Holder, CallError>>;

    /// Encrypting what later calls carry of the payee. It takes processor time and no network, so
    /// the engine has it done once a row, ahead of need, on threads that drive no calls. `None`
    /// where nothing is encrypted.
    fn seal(&self, payee: &Payee) -> Option<Sealing> {
        let _ = payee;
        None
    }

    /// A token for the account and its owner (`tokenizebankaccount`). `sealed` is what came of
    /// [`Gateway::seal`]; without it, it is encrypted now.
    fn tokenize<'a>(
        &'a self,
        payee: &'a Payee,
        sealed: Option<&'a SealedPayee>,
    ) -> BoxFuture<'a, Result<BankToken, CallError>>;

    /// Moves the money (`withdraw` or `withdrawByBankNumber`).
    fn withdraw<'a>(
        &'a self,
        withdrawal: Withdrawal<'a>,
    ) -> BoxFuture<'a, Result<OrderView, CallError>>;

    /// How an order stands (`queryOrder`); [`CallError::NotFound`] where there is none.
    fn query<'a>(&'a self, order_no: &'a OrderNo) -> BoxFuture<'a, Result<OrderView, CallError>>;

    /// Closes an unpaid order (`closeorder`).
    fn close<'a>(&'a self, order_no: &'a OrderNo) -> BoxFuture<'a, Result<OrderView, CallError>>;

    /// The orders of these days, both included, page by page (`queryorderbydaterange`). A page is
    /// asked for when it is polled for, and no page follows an error. An order can come twice.
    fn orders(&self, first: Date, last: Date) -> BoxStream<'_, Result<Vec<OrderView>, CallError>>;

    /// What the merchant's wallets hold (`merchantinfo`).
    fn wallets(&self) -> BoxFuture<'_, Result<Vec<Wallet>, CallError>>;
}

/// What the bank says about an account.
#[derive(Debug, Clone)]
pub struct Holder {
    /// The account holder's name.
    pub name: Sensitive<String>,
    /// The account's currency.
    pub currency: Currency,
}

/// Work that is left to do; see [`Gateway::seal`].
pub type Sealing = Box<dyn FnOnce() -> SealedPayee + Send>;

/// The payee as the gateway wants it sealed, or why it cannot be. It lives in memory only.
#[derive(Debug)]
pub struct SealedPayee(Result<Sealed<Customer>, kess_gateway::Error>);

/// An account's token. It lives in memory only.
#[derive(Debug, Clone)]
pub struct BankToken(pub Sensitive<String>);

/// Everything a withdrawal needs.
#[derive(Debug, Clone, Copy)]
pub struct Withdrawal<'a> {
    /// The order number; its intent is durable.
    pub order_no: &'a OrderNo,
    /// How much.
    pub money: &'a Money,
    /// What the payee reads.
    pub body: &'a str,
    /// To whom.
    pub payee: &'a Payee,
    /// What came of [`Gateway::seal`]; without it, it is encrypted now.
    pub sealed: Option<&'a SealedPayee>,
    /// The account's token; without it the withdrawal goes by account number.
    pub token: Option<&'a BankToken>,
    /// Seconds until an unpaid order closes.
    pub expires_in: Option<u32>,
    /// Where the gateway sends its notices.
    pub notify_url: Option<&'a str>,
}

/// An order as the gateway shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderView {
    /// `out_trade_no`, as answered: the core compares it with the one it asked about.
    pub order_no: String,
    /// `status`, as answered; the list is open.
    pub status: String,
    /// `total_amount`; negative for withdrawals.
    pub amount: Amount,
    /// Its currency.
    pub currency: Currency,
    /// The gateway's own number of the transaction.
    pub transaction_id: Option<String>,
    /// Whether a one-time password is asked for; absent where the call does not tell.
    pub otp_required: Option<bool>,
    /// The page on which to enter it.
    pub otp_url: Option<String>,
    /// When the unpaid order closes.
    pub expires_at: Option<Timestamp>,
}

/// A wallet of the merchant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wallet {
    /// Its currency.
    pub currency: Currency,
    /// What it holds.
    pub balance: Amount,
}

/// A call that brought no answer to the question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallError {
    /// The request certainly did not leave this machine.
    NotSent(Reason),
    /// The gateway refused this request, and did nothing.
    Refused(Reason),
    /// The order number was used before.
    Duplicate(Reason),
    /// There is no such account or order.
    NotFound(Reason),
    /// The gateway asks everybody to slow down. Whether it did something is not known.
    RateLimited {
        /// What it said.
        reason: Reason,
        /// How long it asks to wait.
        retry_after: Option<Duration>,
    },
    /// The gateway, or something in front of it, has too much to do (503, 504). Whether it did
    /// something is not known.
    Overloaded {
        /// What it said.
        reason: Reason,
        /// How long it asks to wait.
        retry_after: Option<Duration>,
    },
    /// Cut, timed out, or an answer that says nothing certain.
    Unknown {
        /// What happened.
        reason: Reason,
        /// True where the gateway did answer, so it is alive.
        answered: bool,
        /// How long it asks to wait, if it did.
        retry_after: Option<Duration>,
    },
    /// A cause that concerns every row.
    Stop {
        /// The cause.
        cause: StopCause,
        /// What the gateway said.
        reason: Reason,
    },
}

impl CallError {
    /// What happened, for people and scripts.
    pub fn reason(&self) -> &Reason {
        match self {
            Self::NotSent(reason)
            | Self::Refused(reason)
            | Self::Duplicate(reason)
            | Self::NotFound(reason)
            | Self::RateLimited { reason, .. }
            | Self::Overloaded { reason, .. }
            | Self::Unknown { reason, .. }
            | Self::Stop { reason, .. } => reason,
        }
    }

    /// How long the gateway asks to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after, .. }
            | Self::Overloaded { retry_after, .. }
            | Self::Unknown { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}
