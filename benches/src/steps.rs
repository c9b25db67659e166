//! A row's way through the state machine where everything goes well.

use jiff::Timestamp;
use kess_gateway::Amount;
use payout_engine::machine::{Event, Payout, Rules, Verified};
use payout_engine::{NameMatch, OrderView, compare_names};

/// What a bank and a gateway answer for a row.
fn answers(payout: &Payout, order_no: &str) -> OrderView {
    let amount: Amount = payout.money.amount();
    OrderView {
        order_no: order_no.to_owned(),
        status: "SUCCESS".to_owned(),
        // Withdrawals come back negative.
        amount: Amount::default().checked_sub(amount).unwrap_or_default(),
        currency: payout.money.currency().clone(),
        transaction_id: Some("202207261258590014".to_owned()),
        otp_required: Some(false),
        otp_url: None,
        expires_at: None,
    }
}

/// From pending to the intent that has to be durable before the withdrawal leaves.
#[must_use]
pub fn intent(payout: Payout, rules: &Rules<'_>, now: Timestamp) -> Payout {
    let verified = Verified {
        holder: "SOK DARA".to_owned().into(),
        currency: payout.money.currency().clone(),
        name: NameMatch::Match,
    };
    let events =
        [Event::Due, Event::Verified(Ok(verified)), Event::Tokenized(Ok(())), Event::Cleared];
    events.into_iter().fold(payout, |payout, event| payout.step(rules, event, now).payout)
}

/// From the intent to paid.
#[must_use]
pub fn outcome(intent: Payout, rules: &Rules<'_>, now: Timestamp) -> Payout {
    let order_no = intent.order.as_ref().map(|order| order.no.to_string()).unwrap_or_default();
    let view = answers(&intent, &order_no);
    intent.step(rules, Event::Withdrawn(Ok(view)), now).payout
}

/// Compares the holder's name, as the engine does when the bank has answered.
#[must_use]
pub fn compare() -> NameMatch {
    compare_names("Sok Dara", "SOK DARA")
}
