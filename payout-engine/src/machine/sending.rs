//! The send: the intent, the withdrawal's answer, and sending the same order again.
//!
//! Invariant: this is the only place that mints an order number, counts a send, or asks for
//! [`Call::Withdraw`], and it does so only from `Pending` or after a settled "not found".

use jiff::Timestamp;

use super::{Call, Order, Payout, Rules, State, Step, Write, after};
use crate::{
    gateway::{CallError, OrderView},
    order_no::OrderNo,
    payout::{Outcome, Reason},
};

impl Payout {
    /// The first send of an attempt, or the first that leaves.
    pub(super) fn send(self, rules: &Rules<'_>, now: Timestamp) -> Step {
        if rules.options.dry_run {
            return self.rest(Write::Not);
        }
        self.intent(rules, now)
    }

    /// The same order again, if the proof that nothing was booked still holds.
    pub(super) fn send_again(self, rules: &Rules<'_>, now: Timestamp) -> Step {
        let fresh = self
            .order
            .as_ref()
            .and_then(|order| order.not_found_at)
            .is_some_and(|at| now <= after(at, rules.policy.patience));
        // A very long wait for clearance (a machine that slept) makes the proof stale: ask again
        // rather than trust it. A busy gateway's queue does not, or a row could ask for ever.
        if self.may_send_again(rules) && fresh {
            self.intent(rules, now)
        } else {
            self.call(Call::Query)
        }
    }

    fn intent(mut self, rules: &Rules<'_>, now: Timestamp) -> Step {
        let order = self.order.take().unwrap_or_else(|| {
            self.attempt += 1;
            Order::unsent(OrderNo::mint(rules.code, self.row, self.attempt))
        });
        self.order = Some(Order {
            sends: order.sends + 1,
            sent_at: Some(now),
            not_found: 0,
            not_found_at: None,
            ..order
        });
        self.state = State::Sending;
        self.tries = 0;
        self.reason = None;
        // Due at once, should this process die before it knows the answer.
        self.next_at = Some(now);
        Step { payout: self, write: Write::BeforeCall, call: Some(Call::Withdraw), stop: None }
    }

    pub(super) fn withdrawn(
        mut self,
        rules: &Rules<'_>,
        answer: Result<OrderView, CallError>,
        now: Timestamp,
    ) -> Step {
        // A send that timed out may have been leaving until just now.
        if let Some(order) = &mut self.order {
            order.sent_at = Some(now);
        }
        let error = match answer {
            Ok(view) => {
                self.state = State::Unanswered;
                return self.shown(rules, view, now);
            }
            Err(error) => error,
        };
        self.reason = Some(error.reason().clone());
        match error {
            CallError::NotSent(_) => self.never_left(rules, now),
            CallError::Refused(_) => self.doubt(State::Refused, Call::Query),
            CallError::Duplicate(_) => self.doubt(State::Duplicate, Call::Query),
            CallError::Stop { cause, reason } => {
                self.state = State::Rejected;
                self.stop(cause, reason, now)
            }
            CallError::NotFound(_)
            | CallError::RateLimited { .. }
            | CallError::Overloaded { .. }
            | CallError::Unknown { .. } => {
                self.state = State::Unanswered;
                self.later(rules, &rules.policy.doubt, now)
            }
        }
    }

    /// A run looks at the row for the first time. What an earlier run timed, it timed by a clock
    /// that may have been set since: it proves nothing, and settling begins anew.
    pub(super) fn settle_anew(&mut self, rules: &Rules<'_>, now: Timestamp) {
        let in_doubt = self.outcome() == Outcome::InDoubt;
        // What an old copy says is doubted as a whole, elsewhere.
        let is_old =
            |at: Option<Timestamp>| rules.restored_at.is_some_and(|since| at < Some(since));
        let counts = |order: &&mut Order| in_doubt && !order.seen && !is_old(order.sent_at);
        if let Some(order) = self.order.as_mut().filter(counts) {
            order.sent_at = Some(now);
            order.not_found = 0;
            order.not_found_at = None;
        }
    }

    /// Found `Sending` when a run began: a crash came between the intent and the answer.
    pub(super) fn found_sending(mut self, now: Timestamp) -> Step {
        if let Some(order) = &mut self.order {
            order.sent_at = Some(now);
        }
        self.reason = Some(Reason::new("interrupted", "the engine stopped before the answer came"));
        self.doubt(State::Unanswered, Call::Query)
    }

    /// The request certainly did not leave: it does not count as a send.
    fn never_left(mut self, rules: &Rules<'_>, now: Timestamp) -> Step {
        let Some(order) = &mut self.order else { return self.rest(Write::Not) };
        order.sends = order.sends.saturating_sub(1);
        if order.sends == 0 {
            order.sent_at = None;
            if rules.cancelling {
                return self.given_up();
            }
            self.state = State::Pending;
            return self.later(rules, &rules.policy.retry, now);
        }
        self.state = State::Unanswered;
        self.later(rules, &rules.policy.doubt, now)
    }

    fn doubt(mut self, state: State, call: Call) -> Step {
        self.state = state;
        Step { payout: self, write: Write::Soon, call: Some(call), stop: None }
    }

    /// Tokenized for a re-send. The order stays in doubt until the new intent is durable.
    pub(super) fn tokenized_again(
        mut self,
        rules: &Rules<'_>,
        answer: Result<(), CallError>,
        now: Timestamp,
    ) -> Step {
        let error = match answer {
            Ok(()) => return self.call(Call::Clear),
            Err(error) => error,
        };
        self.reason = Some(error.reason().clone());
        match error {
            CallError::Refused(_) | CallError::NotFound(_) if self.may_send_again(rules) => {
                self.end(State::Failed)
            }
            CallError::Stop { cause, reason } => self.stop(cause, reason, now),
            _ => self.later(rules, &rules.policy.doubt, now),
        }
    }

    /// The proof on which sending an order again rests: it was never shown, and "not found" came
    /// often enough after it had time to settle. The counter only counts such answers (see
    /// `orders`).
    pub(super) fn may_send_again(&self, rules: &Rules<'_>) -> bool {
        self.order.as_ref().is_some_and(|order| {
            !order.seen
                && order.not_found >= rules.policy.not_found_answers
                && (order.sends < rules.policy.max_sends || self.state == State::Unbooked)
        })
    }
}
