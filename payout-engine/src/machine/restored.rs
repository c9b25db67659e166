//! After an old copy of the store was put back: what the store says of a row may be out of date.
//!
//! Between the copy and the moment it was put back ([`Rules::restored_at`]) orders may have been
//! sent that the store knows nothing of, under the very numbers that the core would mint again. So
//! the present order of every row is taken for sent at that moment, whatever the store says, and
//! the ordinary rule decides: only "not found", settled and repeated, lets the row go on.
//!
//! Invariant: in such a batch no withdrawal leaves without a proof that is newer than the copy.

use jiff::Timestamp;

use super::{Call, Event, Order, Payout, Rules, State, Step, Write};
use crate::{order_no::OrderNo, payout::Reason};

impl Payout {
    /// Whether the event would move the row on, to a send or to its end, although its present order
    /// may have been sent, or sent again, without the store knowing.
    pub(super) fn is_outdated(&self, rules: &Rules<'_>, event: &Event) -> bool {
        let Some(since) = rules.restored_at.filter(|_| !rules.options.dry_run) else {
            return false;
        };
        let moves_on = match self.state {
            State::Pending => !matches!(event, Event::Retry),
            State::Sending
            | State::Restored
            | State::Unanswered
            | State::Refused
            | State::Rejected
            | State::Duplicate
            | State::Unbooked => matches!(event, Event::Due | Event::Cleared | Event::Cancel),
            State::Held => matches!(event, Event::Cancel),
            _ => false,
        };
        if !moves_on {
            return false;
        }
        let before = |at: Option<Timestamp>| at.is_none_or(|at| at < since);
        self.order.as_ref().is_none_or(|order| {
            // An order that was seen is never sent again.
            let sent_before = order.sends > 0 && !order.seen && before(order.sent_at);
            let proven = order.not_found >= rules.policy.not_found_answers;
            sent_before || order.sends == 0 && (!proven || before(order.not_found_at))
        })
    }

    /// Takes the order for sent when the copy was put back, and asks about it. A row of which
    /// nothing was sent goes back to where it was once the gateway does not know the order.
    pub(super) fn doubt_again(mut self, rules: &Rules<'_>, now: Timestamp) -> Step {
        let order = self.order.take().unwrap_or_else(|| {
            self.attempt += 1;
            Order::unsent(OrderNo::mint(rules.code, self.row, self.attempt))
        });
        let was_unsent = order.sends == 0 || self.state == State::Restored;
        self.state = if was_unsent { State::Restored } else { State::Unanswered };
        self.order = Some(Order {
            sends: order.sends.max(1),
            sent_at: rules.restored_at.max(Some(now)),
            not_found: 0,
            not_found_at: None,
            ..order
        });
        self.tries = 0;
        self.next_at = Some(now);
        self.reason = Some(restored());
        Step { payout: self, write: Write::Soon, call: Some(Call::Query), stop: None }
    }

    /// The gateway lists an order of this attempt. Where the store knows nothing of it, the row
    /// takes it over: a later attempt is begun only after the one before certainly moved no money.
    pub(super) fn listed(mut self, rules: &Rules<'_>, attempt: u32, now: Timestamp) -> Step {
        let unsent = self.order.as_ref().is_some_and(|order| order.sends == 0);
        let is_news = attempt > self.attempt || (attempt == self.attempt && unsent);
        let settled = matches!(self.state, State::Paid | State::Reversed | State::Invalid);
        if rules.restored_at.is_none() || !is_news || settled {
            return self.rest(Write::Not);
        }
        self.attempt = attempt;
        self.order = Some(Order {
            sends: 1,
            sent_at: Some(now),
            seen: true,
            ..Order::unsent(OrderNo::mint(rules.code, self.row, attempt))
        });
        self.state = State::Processing;
        self.tries = 0;
        self.watched_since = None;
        self.next_at = Some(now);
        self.reason = Some(restored());
        self.transaction_id = None;
        self.otp_url = None;
        self.expires_at = None;
        self.rest(Write::Soon)
    }
}

fn restored() -> Reason {
    Reason::new(
        "restored",
        "an old copy of the store was put back; the gateway is asked what became of the order",
    )
}
