//! A batch that was cancelled: what was not sent never is, what is open is followed to its end.
//!
//! Invariant: while [`Rules::cancelling`] holds, no step asks for anything but a query or a close.
//! A row becomes `Cancelled` only where nothing was sent, where the gateway shows its order closed,
//! or on the proof on which it would otherwise be sent again; in that case it keeps its number for
//! good, because the order might still appear.

use jiff::Timestamp;

use super::{Call, Event, Payout, Rules, State, Step, Write, after};
use crate::{
    decision::{Decision, Ruling},
    gateway::CallError,
    payout::Reason,
};

impl Payout {
    /// What an event makes of a payout whose batch was cancelled.
    pub(super) fn step_cancelling(self, rules: &Rules<'_>, event: Event, now: Timestamp) -> Step {
        match (self.state, event) {
            // Both would lead to a send.
            (State::Held, Event::Decided(Decision { ruling: Ruling::Released, .. }))
            | (_, Event::Retry) => self.rest(Write::Not),
            (State::Pending, _) | (State::Held, Event::Cancel) => self.given_up(),
            // The way to another send ends here.
            (
                State::Unanswered
                | State::Refused
                | State::Rejected
                | State::Duplicate
                | State::Unbooked,
                Event::Tokenized(_) | Event::Cleared,
            ) => self.call(Call::Query),
            (State::AwaitingOtp, Event::Due) => self.call(Call::Close),
            (State::AwaitingOtp, Event::Closed(answer)) => match answer {
                Err(CallError::Stop { cause, reason }) => self.stop(cause, reason, now),
                // Whatever was answered, what counts is what the gateway shows.
                Ok(_) | Err(_) => self.call(Call::Query),
            },
            (_, event) => self.step_paying(rules, event, now),
        }
    }

    /// Nothing of it was sent, or what was sent certainly never left.
    pub(super) fn given_up(mut self) -> Step {
        self.reason =
            Some(Reason::new("cancelled", "the batch was cancelled before the row was sent"));
        self.end(State::Cancelled)
    }

    /// Sent, and settled as unknown to the gateway: the proof on which it would be sent again.
    pub(super) fn given_up_unbooked(mut self) -> Step {
        self.reason = Some(Reason::new(
            "cancelled",
            "the batch was cancelled; the order was sent, and the gateway does not know it",
        ));
        self.end(State::Cancelled)
    }

    /// Whether the order ended because a cancelled batch closed it.
    pub(super) fn is_closed_by_us(&self, rules: &Rules<'_>, status: &str) -> bool {
        rules.cancelling && self.state == State::AwaitingOtp && status.trim() == "CLOSED"
    }

    /// The order is closed, and it was we who asked for that.
    pub(super) fn closed_by_us(mut self) -> Step {
        self.reason = Some(Reason::new(
            "cancelled",
            "the batch was cancelled; the order was closed before its one-time password came",
        ));
        self.end(State::Cancelled)
    }

    /// The order still waits although it was to be closed: asks for that again, for a while.
    pub(super) fn close_again(mut self, rules: &Rules<'_>, now: Timestamp) -> Step {
        let at = after(now, rules.policy.otp.pause(self.tries, self.row));
        let until = after(self.watched_since.unwrap_or(now), rules.policy.otp_grace * 2);
        self.tries = self.tries.saturating_add(1);
        self.next_at = (at <= until).then_some(at);
        self.rest(Write::Soon)
    }
}
