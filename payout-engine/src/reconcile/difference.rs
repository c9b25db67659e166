//! What two ledgers can disagree on, and when a row and an order do.
//!
//! Pure: it compares what was read on both sides and asks nobody.

use kess_gateway::{Amount, Currency, Money};

use crate::{
    gateway::OrderView,
    machine::{Standing, standing},
    order_no::OrderNo,
    payout::{Outcome, Reason},
    store::PayoutRecord,
    text_enum::text_enum,
};

text_enum! {
    /// In what the ledgers differ.
    DifferenceKind: "difference" {
        /// The order stands otherwise at the gateway than the row in the store.
        Outcome = "outcome",
        /// Amount or currency differ.
        Amount = "amount",
        /// The gateway does not know an order that the store saw there.
        Missing = "missing",
        /// Paid in the store and by query, but not in the gateway's list of orders.
        Unlisted = "unlisted",
        /// An order with this batch's code that the store does not know.
        UnknownOrder = "unknown_order",
        /// An earlier attempt at the row was paid, or is still open.
        EarlierAttempt = "earlier_attempt",
        /// The gateway gave no usable answer, so nothing is known.
        Unanswered = "unanswered",
    }
}

/// Something the ledgers disagree on.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    /// The order number; absent where the difference is about the list as a whole.
    pub out_trade_no: Option<String>,
    /// What the gateway shows of the order, if it shows one.
    pub seen: Option<Seen>,
    /// One line for people.
    pub message: String,
}

/// What of an order at the gateway counts here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// `status`, as answered.
    pub status: Box<str>,
    /// `total_amount`, without the sign that withdrawals have.
    pub amount: Amount,
    /// Its currency.
    pub currency: Currency,
}

impl Seen {
    pub(super) fn of(view: OrderView) -> Self {
        Self { status: view.status.into(), amount: view.amount.abs(), currency: view.currency }
    }
}

impl Difference {
    pub(super) fn about(
        kind: DifferenceKind,
        out_trade_no: Option<String>,
        seen: Option<Seen>,
        message: String,
    ) -> Self {
        Self {
            kind,
            row: None,
            reference: None,
            outcome: None,
            money: None,
            out_trade_no,
            seen,
            message,
        }
    }

    pub(super) fn of(mut self, record: &PayoutRecord) -> Self {
        self.row = Some(record.payout.row);
        self.reference = Some(record.reference.clone());
        self.outcome = Some(record.payout.outcome());
        self.money = Some(record.payout.money.clone());
        self
    }
}

/// The order of the row's present attempt: by query, and in the list. The first difference counts.
pub(super) fn present_order(
    record: &PayoutRecord,
    no: &OrderNo,
    answer: Option<&Result<Option<Seen>, Reason>>,
    is_listed: bool,
    listed: Option<Seen>,
) -> Option<Difference> {
    let payout = &record.payout;
    let differ = |kind, seen, message| {
        Some(Difference::about(kind, Some(no.to_string()), seen, message).of(record))
    };
    let queried = match answer? {
        Ok(seen) => seen.clone(),
        Err(reason) => {
            let message = format!("no answer about the order: {}", reason.message);
            return differ(DifferenceKind::Unanswered, None, message);
        }
    };
    for seen in [queried.as_ref(), listed.as_ref()].into_iter().flatten() {
        if let Some((kind, message)) = contradiction(payout.outcome(), &payout.money, seen) {
            return differ(kind, Some(seen.clone()), message);
        }
    }
    let saw_order = [Outcome::Paid, Outcome::Reversed, Outcome::Processing, Outcome::AwaitingOtp];
    if queried.is_none() && saw_order.contains(&payout.outcome()) {
        let message =
            format!("{} in the store, and the gateway has no such order", payout.outcome());
        return differ(DifferenceKind::Missing, None, message);
    }
    if is_listed && listed.is_none() && payout.outcome() == Outcome::Paid {
        let message = "paid, and not in the gateway's list of orders".to_owned();
        return differ(DifferenceKind::Unlisted, queried, message);
    }
    None
}

/// In what an order contradicts the row it belongs to.
fn contradiction(outcome: Outcome, money: &Money, seen: &Seen) -> Option<(DifferenceKind, String)> {
    if seen.amount != money.amount() || seen.currency != *money.currency() {
        let shown = format!("{} {}", seen.amount, seen.currency);
        let message = format!("the store pays {money}, the gateway shows {shown}");
        return Some((DifferenceKind::Amount, message));
    }
    let expected: &[Outcome] = match standing(&seen.status) {
        Standing::Paid => &[Outcome::Paid],
        Standing::Closed(_) => &[Outcome::Failed, Outcome::Expired, Outcome::Cancelled],
        Standing::Reversed => &[Outcome::Reversed],
        Standing::Waiting | Standing::Open => {
            &[Outcome::InDoubt, Outcome::AwaitingOtp, Outcome::Processing]
        }
        Standing::Partial => &[],
    };
    if expected.contains(&outcome) {
        return None;
    }
    let message = format!("{outcome} in the store, {} at the gateway", seen.status.trim());
    Some((DifferenceKind::Outcome, message))
}

/// Whether an order with this status has moved money, or still may.
pub(super) fn has_money(status: &str) -> bool {
    !matches!(standing(status), Standing::Closed(_) | Standing::Reversed)
}
