//! Before anything is sent: verify the account, tokenize it, hold or fail the row.
//!
//! Invariant: a payout here has no order, or one whose sends certainly never left
//! (`order.sends == 0`), so failing it is safe, and trying again costs nothing but a call.

use jiff::Timestamp;

use super::{Call, Payout, Rules, State, Step, Verified, Write};
use crate::{
    batch::{NameCheck, Route},
    decision::{ACCOUNT_CURRENCY, HOLDER_NAME},
    gateway::CallError,
    names::NameMatch,
    payout::Reason,
};

impl Payout {
    pub(super) fn verified(
        mut self,
        rules: &Rules<'_>,
        answer: Result<Verified, CallError>,
        now: Timestamp,
    ) -> Step {
        let verified = match answer {
            Ok(verified) => verified,
            Err(error) => return self.not_begun(rules, error, now),
        };
        self.tries = 0;
        self.reason = None;
        let same_holder = self.holder_name.as_ref() == Some(&verified.holder);
        self.holder_name = Some(verified.holder);
        // A person released the row from this one holder's account, not from every one.
        let is_released = |about: &str| same_holder && self.is_released(about);
        if verified.currency != *self.money.currency() && !is_released(ACCOUNT_CURRENCY) {
            self.reason = Some(Reason::new(
                ACCOUNT_CURRENCY,
                format!(
                    "the account is in {}, the payout in {}",
                    verified.currency,
                    self.money.currency()
                ),
            ));
            return self.end(State::Held);
        }
        if let Some(differs) = other_name(verified.name).filter(|new| !is_released(&new.code)) {
            match rules.options.name_match {
                NameCheck::Off => {}
                NameCheck::Warn => self.warning = Some(differs),
                NameCheck::Strict => {
                    self.reason = Some(differs);
                    return self.end(State::Held);
                }
            }
        }
        if rules.options.dry_run {
            self.next_at = None;
            return self.rest(Write::Soon);
        }
        self.prepare(rules)
    }

    /// The call that has to come right before a withdrawal on the batch's route.
    pub(super) fn prepare(self, rules: &Rules<'_>) -> Step {
        match rules.options.route {
            Route::Token => self.call(Call::Tokenize),
            Route::Direct => self.call(Call::Clear),
        }
    }

    pub(super) fn tokenized(
        self,
        rules: &Rules<'_>,
        answer: Result<(), CallError>,
        now: Timestamp,
    ) -> Step {
        match answer {
            Ok(()) => self.call(Call::Clear),
            Err(error) => self.not_begun(rules, error, now),
        }
    }

    /// A call failed before anything was sent.
    fn not_begun(mut self, rules: &Rules<'_>, error: CallError, now: Timestamp) -> Step {
        self.reason = Some(error.reason().clone());
        match error {
            CallError::Refused(_) | CallError::NotFound(_) | CallError::Duplicate(_) => {
                self.end(State::Failed)
            }
            CallError::Stop { cause, reason } => self.stop(cause, reason, now),
            CallError::NotSent(_)
            | CallError::RateLimited { .. }
            | CallError::Overloaded { .. }
            | CallError::Unknown { .. } => self.try_again(rules, &error, now),
        }
    }

    fn try_again(mut self, rules: &Rules<'_>, error: &CallError, now: Timestamp) -> Step {
        if self.tries + 1 < rules.policy.tries {
            return self.later(rules, &rules.policy.retry, now);
        }
        // A gateway that answers again and again that it cannot serve this row has refused it. One
        // that is silent has not: the row stays as it is and `resume` tries again.
        if matches!(error, CallError::Unknown { answered: true, .. }) {
            return self.end(State::Failed);
        }
        self.next_at = None;
        self.rest(Write::Soon)
    }
}

/// What is said of the holder's name; `None` for a match. The names themselves are personal and
/// stand in the report, where who may see them can compare them.
fn other_name(name: NameMatch) -> Option<Reason> {
    match name {
        NameMatch::Match => None,
        NameMatch::Close => Some(Reason::new(
            "holder_name_close",
            "the account's name is close to the one the file expects, and not surely the same \
             (an initial, a missing word, another spelling): compare the two",
        )),
        NameMatch::NoMatch => {
            Some(Reason::new(HOLDER_NAME, "the account is in another name than the file expects"))
        }
    }
}
