//! Orders: payments that customers make, and withdrawals to bank accounts.
//!
//! They hold personal data, so they have no text form of their own.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::clock::Millis;

/// An order's status, as the documentation spells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Status {
    #[serde(rename = "WAITING")]
    Waiting,
    #[serde(rename = "SUCCESS")]
    Success,
    #[serde(rename = "CLOSED")]
    Closed,
    #[serde(rename = "REFUNDED")]
    Refunded,
    #[serde(rename = "PENDING_REFUNDED")]
    PendingRefunded,
    #[serde(rename = "PARTIAL_REFUNDED")]
    PartialRefunded,
    #[serde(rename = "PENDING_PARTIAL_REFUND")]
    PendingPartialRefund,
}

impl Status {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "WAITING",
            Self::Success => "SUCCESS",
            Self::Closed => "CLOSED",
            Self::Refunded => "REFUNDED",
            Self::PendingRefunded => "PENDING_REFUNDED",
            Self::PartialRefunded => "PARTIAL_REFUNDED",
            Self::PendingPartialRefund => "PENDING_PARTIAL_REFUND",
        }
    }
}

/// Which way an order's money goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Direction {
    /// A customer pays the merchant.
    In,
    /// The merchant pays a bank account.
    Out,
}

/// What happens to a withdrawal that is still `WAITING`, besides its expiry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Plan {
    /// Nothing.
    Wait,
    /// It is paid once this many queries were answered.
    PaidAfterQueries(u32),
    /// The next query finds it closed.
    ClosedOnQuery,
}

/// The one-time password of a withdrawal.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Otp {
    /// Six digits.
    pub(crate) code: String,
    /// Whether the page accepts the code at all.
    pub(crate) accepted: bool,
}

/// A bank account, as the directory or a token knows it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Account {
    pub(crate) number: String,
    pub(crate) bic: String,
    pub(crate) holder: String,
    pub(crate) currency: String,
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Account").field(&self.masked()).finish()
    }
}

impl Account {
    /// `12****789`, the way the gateway shows an account.
    pub(crate) fn masked(&self) -> String {
        mask(&self.number)
    }
}

/// The first two and the last three characters; a short number shows nothing.
pub(crate) fn mask(number: &str) -> String {
    let chars: Vec<char> = number.chars().collect();
    if chars.len() < 6 {
        return "****".to_owned();
    }
    let head: String = chars[..2].iter().collect();
    let tail: String = chars[chars.len() - 3..].iter().collect();
    format!("{head}****{tail}")
}

/// One order.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) out_trade_no: String,
    pub(crate) token: String,
    pub(crate) direction: Direction,
    pub(crate) service: String,
    pub(crate) status: Status,
    /// Always positive; a withdrawal shows it with a minus sign.
    #[serde(with = "crate::world::exact")]
    pub(crate) amount: Decimal,
    pub(crate) currency: String,
    pub(crate) body: String,
    pub(crate) notify_url: Option<String>,
    pub(crate) redirect_url: Option<String>,
    pub(crate) created_at: Millis,
    pub(crate) expires_at: Millis,
    pub(crate) paid_at: Option<Millis>,
    pub(crate) transaction_id: Option<String>,
    /// The number of the order in its day.
    pub(crate) queue: u32,
    /// The bank identifier code of the payment method, once there is one.
    pub(crate) method: Option<String>,
    pub(crate) account: Option<Account>,
    pub(crate) otp: Option<Otp>,
    pub(crate) plan: Plan,
    /// Queries that were answered so far.
    pub(crate) queries: u32,
    /// Queries before this time do not find the order.
    pub(crate) hidden_until: Millis,
    /// How often money was taken for it. More than once is what a client must never cause.
    pub(crate) times_booked: u32,
    /// How often it was given back.
    pub(crate) times_returned: u32,
    /// What was refunded, and what waits to be.
    #[serde(with = "crate::world::exact")]
    pub(crate) refunded: Decimal,
    /// The keys of its refunds.
    pub(crate) refunds: Vec<String>,
}

impl Order {
    /// The amount as replies carry it: negative for a withdrawal.
    pub(crate) fn signed_amount(&self) -> Decimal {
        match self.direction {
            Direction::In => self.amount,
            Direction::Out => -self.amount,
        }
    }

    /// Whether the account's script keeps it waiting.
    pub(crate) fn plan_waits(&self) -> bool {
        self.plan != Plan::Wait
    }

    /// What this order has moved and not given back.
    pub(crate) fn moved(&self) -> Decimal {
        let times = self.times_booked.saturating_sub(self.times_returned);
        self.amount * Decimal::from(times)
    }
}

/// A refund of an order.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Refund {
    pub(crate) transaction_id: String,
    pub(crate) out_trade_no: String,
    #[serde(with = "crate::world::exact")]
    pub(crate) amount: Decimal,
    pub(crate) currency: String,
    pub(crate) status: Status,
    pub(crate) reason: String,
    pub(crate) merchant_reference: Option<String>,
    pub(crate) callback_url: Option<String>,
    pub(crate) final_at: Millis,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_masked_as_the_gateway_does() {
        assert_eq!(mask("123456789"), "12****789");
        assert_eq!(mask("12345"), "****");
    }
}
