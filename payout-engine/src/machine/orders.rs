//! What the gateway shows of an order: its status, or that it does not know it.
//!
//! Invariant: an order is ours only if number, amount (the sign aside: withdrawals come back
//! negative) and currency agree. Whatever else the gateway shows under our number is for a person.

use jiff::Timestamp;

use super::{Call, Payout, Rules, State, Step, Write, after};
use crate::{
    batch::OtpMode,
    gateway::{CallError, OrderView},
    payout::Reason,
};

/// The statuses of an order, grouped by what they say about our money. The gateway's list is open.
pub(crate) enum Standing {
    Paid,
    Waiting,
    /// Closed unpaid.
    Closed(State),
    Reversed,
    /// Part of the money is back: neither paid nor not paid.
    Partial,
    /// Under way, or a status that nobody has seen yet: certainly an order, not certainly its end.
    Open,
}

pub(crate) fn standing(status: &str) -> Standing {
    match status.trim() {
        "SUCCESS" => Standing::Paid,
        "WAITING" => Standing::Waiting,
        "CLOSED" | "EXPIRED" => Standing::Closed(State::Expired),
        "FAILED" => Standing::Closed(State::Failed),
        "VOID" => Standing::Closed(State::Cancelled),
        "REFUNDED" | "REVERSAL" => Standing::Reversed,
        "PARTIAL_REFUNDED" => Standing::Partial,
        _ => Standing::Open,
    }
}

impl Payout {
    pub(super) fn queried(
        mut self,
        rules: &Rules<'_>,
        answer: Result<OrderView, CallError>,
        now: Timestamp,
    ) -> Step {
        match answer {
            Ok(view) => self.shown(rules, view, now),
            Err(_) if self.state == State::Paid => self.rest(Write::Not),
            Err(CallError::NotFound(_)) => self.not_found(rules, now),
            Err(CallError::Stop { cause, reason }) => self.stop(cause, reason, now),
            Err(error) => {
                // What the withdrawal itself was answered says more than that a query failed.
                self.reason.get_or_insert_with(|| error.reason().clone());
                self.poll(rules, now)
            }
        }
    }

    /// The gateway shows an order.
    pub(super) fn shown(mut self, rules: &Rules<'_>, view: OrderView, now: Timestamp) -> Step {
        let Some(order) = &mut self.order else { return self.rest(Write::Not) };
        let ours = view.order_no == order.no.as_str()
            && view.amount.abs() == self.money.amount()
            && view.currency == *self.money.currency();
        if self.state == State::Paid {
            return match standing(&view.status) {
                Standing::Reversed if ours => self.end(State::Reversed),
                _ => self.rest(Write::Not),
            };
        }
        if view.order_no != order.no.as_str() {
            // Not an answer to our question, so it says nothing.
            self.reason = Some(Reason::new(
                "order_mismatch",
                "the gateway answered about another order than was asked for",
            ));
            return self.poll(rules, now);
        }
        order.seen = true;
        self.transaction_id = view.transaction_id.or(self.transaction_id);
        self.expires_at = view.expires_at.or(self.expires_at);
        if !ours {
            self.reason = Some(Reason::new(
                "amount_mismatch",
                format!(
                    "the gateway shows {} {} under this order number, the payout is {}",
                    view.amount, view.currency, self.money
                ),
            ));
            return self.end(State::Mismatch);
        }
        match standing(&view.status) {
            Standing::Paid => {
                self.reason = None;
                self.end(State::Paid)
            }
            Standing::Closed(_) if self.is_closed_by_us(rules, &view.status) => self.closed_by_us(),
            Standing::Closed(state) => {
                self.reason = Some(closed_reason(&view.status));
                self.end(state)
            }
            Standing::Reversed => {
                self.reason = Some(closed_reason(&view.status));
                self.end(State::Reversed)
            }
            Standing::Partial => {
                self.reason = Some(Reason::new(
                    "partial_refund",
                    "part of the money came back; look at the order at the gateway",
                ));
                self.end(State::Mismatch)
            }
            Standing::Waiting => self.waiting(rules, view.otp_required, view.otp_url, now),
            Standing::Open => {
                self.reason =
                    Some(Reason::new("open", format!("the order is {}", view.status.trim())));
                self.enter(State::Processing);
                self.poll(rules, now)
            }
        }
    }

    /// Accepted and unpaid: for its one-time password, or on its own way.
    fn waiting(
        mut self,
        rules: &Rules<'_>,
        otp_required: Option<bool>,
        otp_url: Option<String>,
        now: Timestamp,
    ) -> Step {
        self.reason = None;
        // Queries do not say whether a password is asked for; then what we knew stands.
        let otp = otp_required.unwrap_or(self.state == State::AwaitingOtp);
        if !otp {
            self.enter(State::Processing);
            return self.poll(rules, now);
        }
        self.otp_url = otp_url.or(self.otp_url);
        let is_new = self.state != State::AwaitingOtp;
        self.enter(State::AwaitingOtp);
        if rules.cancelling {
            return if is_new { self.call(Call::Close) } else { self.close_again(rules, now) };
        }
        // Expiry is the gateway's business; only an order that it seems to have forgotten is
        // closed.
        let forgotten = self.expires_at.is_some_and(|at| now >= after(at, rules.policy.otp_grace));
        if forgotten { self.call(Call::Close) } else { self.poll(rules, now) }
    }

    fn enter(&mut self, state: State) {
        if self.state != state {
            self.state = state;
            self.tries = 0;
        }
    }

    fn is_past_expiry(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|at| now >= at)
    }

    /// The close was answered. Only a query says how the order ended, so it follows after a pause.
    pub(super) fn closed(
        self,
        rules: &Rules<'_>,
        answer: Result<OrderView, CallError>,
        now: Timestamp,
    ) -> Step {
        match answer {
            Err(CallError::Stop { cause, reason }) => self.stop(cause, reason, now),
            Ok(_) | Err(_) => self.later_than_expiry(rules, now),
        }
    }

    /// Comes back when the state is worth asking about again.
    fn poll(self, rules: &Rules<'_>, now: Timestamp) -> Step {
        match self.state {
            State::AwaitingOtp if rules.cancelling => self.close_again(rules, now),
            State::AwaitingOtp => self.poll_otp(rules, now),
            State::Processing => self.later(rules, &rules.policy.processing, now),
            _ => self.later(rules, &rules.policy.doubt, now),
        }
    }

    fn poll_otp(mut self, rules: &Rules<'_>, now: Timestamp) -> Step {
        if self.is_past_expiry(now) {
            return self.later_than_expiry(rules, now);
        }
        if rules.options.otp == OtpMode::Detach {
            self.next_at = None;
            return self.rest(Write::Soon);
        }
        let Some(expires_at) = self.expires_at else {
            return self.later(rules, &rules.policy.otp, now);
        };
        // Until it expires it is worth waiting for, however long a run usually waits.
        let pause = rules.policy.otp.pause(self.tries, self.row);
        self.tries = self.tries.saturating_add(1);
        self.next_at = Some(after(now, pause).min(expires_at));
        self.rest(Write::Soon)
    }

    /// Past its expiry an order is asked about until it says how it ended, for a while.
    fn later_than_expiry(mut self, rules: &Rules<'_>, now: Timestamp) -> Step {
        let at = after(now, rules.policy.otp.pause(self.tries, self.row));
        let from = self.expires_at.max(self.watched_since).unwrap_or(now);
        self.tries = self.tries.saturating_add(1);
        // The first grace is for the gateway to expire it, the second for our close to show.
        self.next_at = (at <= after(from, rules.policy.otp_grace * 2)).then_some(at);
        self.rest(Write::Soon)
    }

    /// The gateway does not know the order.
    fn not_found(mut self, rules: &Rules<'_>, now: Timestamp) -> Step {
        let Some(order) = &mut self.order else { return self.rest(Write::Not) };
        if order.seen {
            // It was shown before, so it exists: this answer is wrong or late.
            return self.poll(rules, now);
        }
        // One send, and it was refused: there is nothing else that could have been booked.
        if order.sends == 1 && self.state == State::Refused {
            order.not_found += 1;
            order.not_found_at = Some(now);
            return self.end(State::Failed);
        }
        if order.sends == 1 && self.state == State::Rejected {
            return self.back_to_pending(rules, now);
        }
        let settled = order.sent_at.is_some_and(|at| now >= after(at, rules.policy.settle));
        let apart =
            order.not_found_at.is_none_or(|at| now >= after(at, rules.policy.not_found_gap));
        if settled && apart {
            order.not_found += 1;
            order.not_found_at = Some(now);
        }
        if order.not_found < rules.policy.not_found_answers {
            let pause =
                if settled { rules.policy.not_found_gap } else { std::time::Duration::ZERO };
            return self.not_found_yet(rules, pause, now);
        }
        if self.state == State::Refused {
            return self.end(State::Failed);
        }
        if self.state == State::Restored {
            return self.back_to_pending(rules, now);
        }
        if rules.cancelling {
            return self.given_up_unbooked();
        }
        if order.sends >= rules.policy.max_sends && self.state != State::Unbooked {
            self.reason = Some(Reason::new(
                "never_booked",
                "sent several times and still unknown to the gateway; `payout resume` tries again",
            ));
            return self.end(State::Unbooked);
        }
        self.prepare(rules)
    }

    /// Once settled, the next answer that can count is a gap away: no need to grow the pause.
    fn not_found_yet(self, rules: &Rules<'_>, gap: std::time::Duration, now: Timestamp) -> Step {
        let mut step = self.later(rules, &rules.policy.doubt, now);
        if !gap.is_zero() {
            step.payout.next_at = step.payout.next_at.map(|at| at.min(after(now, gap)));
        }
        step
    }

    /// Refused for a cause that concerned all rows, or only suspected to be sent, and certainly not
    /// booked: as if never sent. The order number stays: it was stored, and it is used for ever.
    fn back_to_pending(mut self, rules: &Rules<'_>, now: Timestamp) -> Step {
        if let Some(order) = &mut self.order {
            order.sends = 0;
            order.sent_at = None;
        }
        if rules.cancelling {
            return self.given_up();
        }
        self.state = State::Pending;
        self.tries = 0;
        self.reason = None;
        self.next_at = Some(now);
        self.rest(Write::Soon)
    }
}

fn closed_reason(status: &str) -> Reason {
    let status = status.trim();
    Reason::new(status, format!("the gateway shows the order as {status}"))
}
