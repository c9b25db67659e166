//! Rows of a report, what waits for a password, and how ledgers compare.

use std::collections::HashMap;
use std::time::SystemTime;

use kess_gateway::Amount;
use payout_engine::{DifferenceKind, Outcome};

use super::batch::{Reason, Stopped};
use crate::convert::{Money, Sensitive};

/// One row of a batch, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct ReportRow {
    /// Number of the row, from 1.
    pub row: u64,
    /// Line of the file.
    pub line: u64,
    /// The merchant's id.
    pub reference: String,
    /// How it stands.
    pub outcome: Outcome,
    /// The present order number, if there is one.
    pub out_trade_no: Option<String>,
    /// How much.
    pub money: Money,
    /// The bank's code; absent once personal data was removed.
    pub bic: Option<String>,
    /// The account number as it may be shown; absent once personal data was removed.
    pub masked_account: Option<String>,
    /// The holder's name as the bank gave it.
    pub holder_name: Option<Sensitive>,
    /// The gateway's number of the transaction.
    pub transaction_id: Option<String>,
    /// The page on which the one-time password is entered. Whoever has the address can enter it.
    pub otp_url: Option<Sensitive>,
    /// When the order that waits for it closes.
    pub otp_expires_at: Option<SystemTime>,
    /// Attempts begun.
    pub attempts: u32,
    /// Why the row stands as it does.
    pub error: Option<Reason>,
    /// What a person may want to know although the row went on.
    pub warning: Option<Reason>,
    /// Columns that the engine does not know.
    pub extra: HashMap<String, Sensitive>,
    /// When the row last changed.
    pub updated_at: SystemTime,
}

impl From<payout_engine::report::ReportRow> for ReportRow {
    fn from(row: payout_engine::report::ReportRow) -> Self {
        let masked_account = row.payee.as_ref().map(|_| row.masked_account());
        ReportRow {
            row: row.row,
            line: row.line,
            reference: row.reference,
            outcome: row.outcome,
            out_trade_no: row.out_trade_no,
            money: Money::from(&row.money),
            bic: row.payee.map(|payee| payee.bic),
            masked_account,
            holder_name: row.holder_name.map(Sensitive::from),
            transaction_id: row.transaction_id,
            otp_url: row.otp_url.map(Sensitive::from),
            otp_expires_at: row.otp_expires_at.map(SystemTime::from),
            attempts: row.attempts,
            error: row.error.map(Reason::from),
            warning: row.warning.map(Reason::from),
            extra: row.extra.into_iter().map(|(name, value)| (name, value.into())).collect(),
            updated_at: row.updated_at.into(),
        }
    }
}

/// A withdrawal that waits for its one-time password.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct OtpWaiting {
    /// Number of the row, from 1.
    pub row: u64,
    /// The merchant's id.
    pub reference: String,
    /// The order number.
    pub out_trade_no: Option<String>,
    /// How much.
    pub money: Money,
    /// The page on which to enter it. Whoever has the address can enter it.
    pub url: Option<Sensitive>,
    /// When the order closes.
    pub expires_at: Option<SystemTime>,
}

impl From<payout_engine::report::ReportRow> for OtpWaiting {
    fn from(row: payout_engine::report::ReportRow) -> Self {
        OtpWaiting {
            row: row.row,
            reference: row.reference,
            out_trade_no: row.out_trade_no,
            money: Money::from(&row.money),
            url: row.otp_url.map(Sensitive::from),
            expires_at: row.otp_expires_at.map(SystemTime::from),
        }
    }
}

/// In what ledgers differ.
#[uniffi::remote(Enum)]
pub enum DifferenceKind {
    /// The order stands otherwise at the gateway than the row in the store.
    Outcome,
    /// Amount or currency differ.
    Amount,
    /// The gateway does not know an order that the store saw there.
    Missing,
    /// Paid in the store and by query, but not in the gateway's list of orders.
    Unlisted,
    /// An order with this batch's code that the store does not know.
    UnknownOrder,
    /// An earlier attempt at the row was paid, or is still open.
    EarlierAttempt,
    /// The gateway gave no usable answer, so nothing is known.
    Unanswered,
}

/// How the store and the gateway's ledger compare.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Reconciliation {
    /// The batch.
    pub batch: String,
    /// Rows in the store.
    pub rows: u64,
    /// Rows with an order number, each of which was asked about.
    pub asked: u64,
    /// Orders of this batch in the gateway's list.
    pub listed: u64,
    /// What they disagree on, in the order of the rows. Where there is nothing, they agree.
    pub differences: Vec<Difference>,
    /// The cause for which the comparison was given up, if it was.
    pub stopped: Option<Stopped>,
}

/// Something that the ledgers disagree on.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Difference {
    /// In what they differ.
    pub kind: DifferenceKind,
    /// The row, where there is one.
    pub row: Option<u64>,
    /// Its reference.
    pub reference: Option<String>,
    /// How it stands in the store.
    pub outcome: Option<Outcome>,
    /// What it pays.
    pub money: Option<Money>,
    /// The order number.
    pub out_trade_no: Option<String>,
    /// What the gateway shows of the order: its status, if it shows one.
    pub seen_status: Option<String>,
    /// What the gateway shows of the order: its amount.
    pub seen_amount: Option<Amount>,
    /// What the gateway shows of the order: its currency.
    pub seen_currency: Option<String>,
    /// One line for people.
    pub message: String,
}

impl Reconciliation {
    pub(super) fn of(batch: String, compared: payout_engine::Reconciliation) -> Reconciliation {
        Reconciliation {
            batch,
            rows: compared.rows,
            asked: compared.asked,
            listed: compared.listed,
            differences: compared.differences.into_iter().map(Difference::from).collect(),
            stopped: compared.stopped.map(Stopped::from),
        }
    }
}

impl From<payout_engine::Difference> for Difference {
    fn from(found: payout_engine::Difference) -> Self {
        let seen = found.seen;
        Difference {
            kind: found.kind,
            row: found.row,
            reference: found.reference,
            outcome: found.outcome,
            money: found.money.as_ref().map(Money::from),
            out_trade_no: found.out_trade_no,
            seen_status: seen.as_ref().map(|seen| seen.status.trim().to_owned()),
            seen_amount: seen.as_ref().map(|seen| seen.amount),
            seen_currency: seen.map(|seen| seen.currency.as_str().to_owned()),
            message: found.message,
        }
    }
}
