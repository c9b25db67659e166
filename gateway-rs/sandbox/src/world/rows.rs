//! The smaller records of the sandbox's world: wallets, movements, users, cards, subscriptions.
//!
//! Those that hold secrets or personal data have no text form of their own.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::clock::Millis;

/// What the sandbox has to know about itself after a restart.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Meta {
    /// What credentials and identifiers are made of.
    pub(crate) seed: u64,
    /// The port it listened on.
    pub(crate) port: u16,
    /// The key pair, PKCS#8 PEM.
    pub(crate) private_key: String,
    /// The last number that was given out.
    pub(crate) counter: u64,
}

/// Money in one currency.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Wallet {
    pub(crate) id: String,
    pub(crate) user_id: String,
    pub(crate) currency: String,
    pub(crate) account_number: String,
    #[serde(with = "crate::world::exact")]
    pub(crate) balance: Decimal,
}

/// One movement of money in one wallet, never changed once written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Movement {
    pub(crate) transaction_ref: String,
    pub(crate) at: Millis,
    pub(crate) wallet: String,
    /// What came in; negative for what went out.
    #[serde(with = "crate::world::exact")]
    pub(crate) amount: Decimal,
    pub(crate) currency: String,
    pub(crate) reason: String,
    pub(crate) debited_user_id: String,
    pub(crate) credited_user_id: String,
}

/// A user of the merchant, or the merchant itself.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct User {
    pub(crate) id: i64,
    pub(crate) user_id: String,
    pub(crate) phone_number: String,
    pub(crate) email: String,
    pub(crate) full_name: String,
    pub(crate) muser_identity: Option<String>,
    pub(crate) created_at: Millis,
    pub(crate) wallets: Vec<String>,
}

/// An access token with the refresh token that came along.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Grant {
    pub(crate) refresh_token: String,
    pub(crate) expires_at: Millis,
    pub(crate) refresh_expires_at: Millis,
    /// No longer good: refreshed, or revoked by a fault.
    pub(crate) revoked: bool,
    pub(crate) refreshed: bool,
}

impl Grant {
    /// Whether the access token is good at `now`.
    pub(crate) fn is_good(&self, now: Millis) -> bool {
        !self.revoked && now < self.expires_at
    }
}

/// A virtual card. Its number is one that issuers publish for tests.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct VirtualCard {
    pub(crate) purchase_request_id: String,
    pub(crate) pan: String,
    pub(crate) expiry: String,
    pub(crate) avv: String,
    pub(crate) currency: String,
    pub(crate) user_id: String,
    pub(crate) max_trans: i64,
    #[serde(with = "crate::world::exact")]
    pub(crate) trans_limit_amount: Decimal,
    #[serde(with = "crate::world::exact")]
    pub(crate) available_balance: Decimal,
    pub(crate) created_at: Millis,
}

/// A card that a customer saves on the page behind `saveCard`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SavedCard {
    pub(crate) token: String,
    pub(crate) card_token: String,
    pub(crate) notify_url: String,
    pub(crate) redirect_url: Option<String>,
    pub(crate) saved: bool,
}

/// A subscription, or the link that leads to one.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Subscription {
    pub(crate) code: String,
    pub(crate) out_trade_no: String,
    pub(crate) holder_name: String,
    pub(crate) interval: String,
    #[serde(with = "crate::world::exact")]
    pub(crate) amount: Decimal,
    pub(crate) currency: String,
    pub(crate) active: bool,
    pub(crate) created_at: Millis,
    pub(crate) next_at: Millis,
}
