//! What people decide about a row: release or reject one that is held, try an ended one again.
//!
//! Invariant: a decision moves only a row of which nothing was sent, or whose sends certainly never
//! left (`order.sends == 0`), and only for the cause it names. It never sends anything itself: a
//! released row is pending again and goes the whole way from its verification.
//!
//! Invariant: a row lets go of its order number only where that order certainly moved no money.

use jiff::Timestamp;

use super::{Payout, State, Step, Write};
use crate::{
    decision::{Decision, Ruling},
    payout::Reason,
};

impl Payout {
    /// A person decided about a held row. A decision about something else than the row is held for
    /// is stale and changes nothing.
    pub(super) fn decided(mut self, decision: Decision, now: Timestamp) -> Step {
        let Some(held) = self.reason.take_if(|held| held.code == decision.about) else {
            return self.rest(Write::Not);
        };
        let Decision { by, reason, .. } = &decision;
        match decision.ruling {
            Ruling::Released => {
                let message = format!("{}; released by {by}: {reason}", held.message);
                self.warning = Some(Reason::new(held.code, message));
                self.decisions.push(decision);
                self.state = State::Pending;
                self.tries = 0;
                self.watched_since = None;
                self.next_at = Some(now);
                self.rest(Write::Soon)
            }
            Ruling::Rejected => {
                let message = format!("{}; rejected by {by}: {reason}", held.message);
                self.reason = Some(Reason::new("rejected", message));
                self.decisions.push(decision);
                self.end(State::Cancelled)
            }
        }
    }

    /// Lets go of an order that ended unpaid: the next send mints another number. The old one is
    /// not lost, because numbers are derived from the attempt.
    pub(super) fn retry(mut self, now: Timestamp) -> Step {
        if !self.is_retriable() {
            return self.rest(Write::Not);
        }
        self.state = State::Pending;
        self.order = None;
        self.tries = 0;
        self.watched_since = None;
        self.next_at = Some(now);
        self.reason = None;
        self.transaction_id = None;
        self.otp_url = None;
        self.expires_at = None;
        self.rest(Write::Soon)
    }

    /// Whether [`Event::Retry`](super::Event::Retry) gives the row another attempt: it ended,
    /// certainly moved no money, and nobody rejected it.
    ///
    /// An order that was given up although it was sent, because the gateway does not know it, is
    /// never followed by one under another number: both might appear.
    pub fn is_retriable(&self) -> bool {
        let sent = self.order.as_ref().is_some_and(|order| order.sends > 0 && !order.seen);
        let unpaid = match self.state {
            State::Failed | State::Expired => true,
            State::Cancelled => !sent,
            _ => false,
        };
        unpaid && self.decisions.iter().all(|decision| decision.ruling != Ruling::Rejected)
    }

    /// Whether a person released the row from this cause.
    pub(super) fn is_released(&self, about: &str) -> bool {
        self.decisions
            .iter()
            .any(|decision| decision.ruling == Ruling::Released && decision.about == about)
    }
}
