//! What money moved: the truth that a client's own report is held against.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use crate::json::{Json, object};
use crate::settings::MERCHANT;
use crate::world::{Direction, World};

/// One withdrawal.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct LedgerRow {
    /// The merchant's order number.
    pub out_trade_no: String,
    /// The amount, positive.
    pub amount: Decimal,
    /// Its currency.
    pub currency: String,
    /// The account, masked: `12****789`.
    pub account: String,
    /// The bank.
    pub bic: String,
    /// `WAITING`, `SUCCESS`, `CLOSED`.
    pub status: String,
    /// How often money was taken for it. More than once means that somebody was paid twice.
    pub times_booked: u32,
    /// How often it was given back.
    pub times_returned: u32,
    /// What is gone: the amount times the bookings that were not given back.
    pub moved: Decimal,
}

/// Every withdrawal, and the merchant's wallets, at one moment.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Ledger {
    /// Withdrawals in the order of their order numbers.
    pub rows: Vec<LedgerRow>,
    /// What is left, by currency.
    pub balances: BTreeMap<String, Decimal>,
}

impl Ledger {
    pub(crate) fn of(world: &World) -> Self {
        let withdrawals = world.orders.values().filter(|o| o.direction == Direction::Out);
        let rows = withdrawals.map(|order| {
            let account = order.account.as_ref();
            LedgerRow {
                out_trade_no: order.out_trade_no.clone(),
                amount: order.amount,
                currency: order.currency.clone(),
                account: account.map(|account| account.masked()).unwrap_or_default(),
                bic: account.map(|account| account.bic.clone()).unwrap_or_default(),
                status: order.status.as_str().to_owned(),
                times_booked: order.times_booked,
                times_returned: order.times_returned,
                moved: order.moved(),
            }
        });
        let own = world.wallets.values().filter(|wallet| wallet.user_id == MERCHANT);
        let balances = own.map(|wallet| (wallet.currency.clone(), wallet.balance)).collect();
        Self { rows: rows.collect(), balances }
    }

    /// The row of an order.
    #[must_use]
    pub fn row(&self, out_trade_no: &str) -> Option<&LedgerRow> {
        self.rows.iter().find(|row| row.out_trade_no == out_trade_no)
    }

    /// What is gone in `currency`, all withdrawals together.
    #[must_use]
    pub fn moved(&self, currency: &str) -> Decimal {
        self.rows.iter().filter(|row| row.currency == currency).map(|row| row.moved).sum()
    }

    pub(crate) fn to_json(&self) -> Json {
        let rows = self.rows.iter().map(|row| {
            object! {
                "out_trade_no": &row.out_trade_no,
                "amount": row.amount.to_string(),
                "currency": &row.currency,
                "account": &row.account,
                "bic": &row.bic,
                "status": &row.status,
                "times_booked": i64::from(row.times_booked),
                "times_returned": i64::from(row.times_returned),
                "moved": row.moved.to_string(),
            }
        });
        let rows: Vec<Json> = rows.collect();
        let balances: BTreeMap<&str, String> =
            self.balances.iter().map(|(name, sum)| (name.as_str(), sum.to_string())).collect();
        let balances = serde_json::to_string(&balances).unwrap_or_else(|_| "{}".to_owned());
        object! { "rows": rows, "balances": Json::Raw(balances) }
    }
}
