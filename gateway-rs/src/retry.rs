//! When a call is sent again: a pure function of what happened, and nothing else.
//!
//! | effect | idempotency | sent again after |
//! |---|---|---|
//! | read | | no connection, time-out, broken connection, 429, 5xx, unreadable answer |
//! | write | | certainly not sent, 429 |
//! | money | `out_trade_no` | certainly not sent |
//! | money | none | nothing |
//!
//! A renewed token after 401 is not a retry in this sense; see [`crate::Client`].
//!
//! Invariant: a call that moves money is never sent again after an unknown outcome, whatever the
//! policy says. The pause has full jitter, so that callers that failed together do not come back
//! together, and is never shorter than `Retry-After`.

use std::time::Duration;

use crate::error::{Error, ErrorKind, Outcome};
use crate::operation::{Effect, Idempotency};

/// How often and how patiently.
///
/// ```
/// use std::time::Duration;
/// use kess_gateway::RetryPolicy;
/// let policy = RetryPolicy { max_attempts: 5, ..RetryPolicy::default() };
/// assert_eq!(policy.max_pause, Duration::from_secs(20));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// How often a call is sent at most, the first time included.
    pub max_attempts: u32,
    /// The upper bound of the first pause; it doubles with every attempt.
    pub base_pause: Duration,
    /// The upper bound of every pause. If the gateway asks for a longer one, the call fails and
    /// [`crate::Error::retry_after`] tells it.
    pub max_pause: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        RetryPolicy {
            max_attempts: 3,
            base_pause: Duration::from_millis(250),
            max_pause: Duration::from_secs(20),
        }
    }
}

impl RetryPolicy {
    /// Sends every call once.
    #[must_use]
    pub fn never() -> RetryPolicy {
        RetryPolicy { max_attempts: 1, ..RetryPolicy::default() }
    }
}

/// What is known about a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) kind: ErrorKind,
    pub(crate) outcome: Outcome,
    pub(crate) retry_after: Option<Duration>,
}

impl From<&Error> for Failure {
    fn from(error: &Error) -> Self {
        Failure { kind: error.kind(), outcome: error.outcome(), retry_after: error.retry_after() }
    }
}

/// Whether the same call may be sent again after this failure.
pub(crate) fn may_repeat(effect: Effect, idempotency: Idempotency, failure: &Failure) -> bool {
    let passing = matches!(
        failure.kind,
        ErrorKind::Connect | ErrorKind::Timeout | ErrorKind::Transport | ErrorKind::Unavailable
    );
    let not_sent = passing && failure.outcome == Outcome::NotSent;
    let limited = failure.kind == ErrorKind::RateLimited;
    match (effect, idempotency) {
        (Effect::Read, _) => {
            let unreadable =
                failure.kind == ErrorKind::Decode && failure.outcome == Outcome::Unknown;
            passing || limited || unreadable
        }
        (Effect::Write, _) => not_sent || limited,
        (Effect::Money, Idempotency::OutTradeNo) => not_sent,
        (Effect::Money, Idempotency::None) => false,
    }
}

/// The pause before the next attempt, or `None` where there is none. `attempt` counts from 1;
/// `random` is any number.
pub(crate) fn pause(
    policy: &RetryPolicy,
    effect: Effect,
    idempotency: Idempotency,
    failure: &Failure,
    attempt: u32,
    random: u64,
) -> Option<Duration> {
    if attempt >= policy.max_attempts || !may_repeat(effect, idempotency, failure) {
        return None;
    }
    let doublings = 1_u32.checked_shl(attempt - 1).unwrap_or(u32::MAX);
    let bound = policy.base_pause.saturating_mul(doublings).min(policy.max_pause);
    match failure.retry_after {
        Some(asked) if asked > policy.max_pause => None,
        // On top of what was asked for: all who were limited together were told the same.
        Some(asked) => Some(asked.saturating_add(part_of(policy.base_pause, random))),
        None => Some(part_of(bound, random)),
    }
}

/// A pause between nothing and `bound`, chosen by `random`.
fn part_of(bound: Duration, random: u64) -> Duration {
    let nanos = u64::try_from(bound.as_nanos()).unwrap_or(u64::MAX);
    match nanos.checked_add(1) {
        Some(choices) => Duration::from_nanos(random % choices),
        None => Duration::from_nanos(random),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KINDS: [ErrorKind; 17] = [
        ErrorKind::Config,
        ErrorKind::InvalidRequest,
        ErrorKind::Connect,
        ErrorKind::Timeout,
        ErrorKind::Transport,
        ErrorKind::Authentication,
        ErrorKind::Forbidden,
        ErrorKind::Refused,
        ErrorKind::NotFound,
        ErrorKind::Duplicate,
        ErrorKind::Expired,
        ErrorKind::Failed,
        ErrorKind::RateLimited,
        ErrorKind::Unavailable,
        ErrorKind::Decode,
        ErrorKind::Signature,
        ErrorKind::NotSigned,
    ];
    const OUTCOMES: [Outcome; 3] = [Outcome::NotSent, Outcome::Answered, Outcome::Unknown];

    fn failure(kind: ErrorKind, outcome: Outcome) -> Failure {
        Failure { kind, outcome, retry_after: None }
    }

    #[test]
    fn the_table_of_the_module_holds() {
        use ErrorKind::{Connect, Decode, Failed, Forbidden, RateLimited, Timeout, Unavailable};
        use Outcome::{Answered, NotSent, Unknown};
        let order = (Effect::Money, Idempotency::OutTradeNo);
        let transfer = (Effect::Money, Idempotency::None);
        let read = (Effect::Read, Idempotency::None);
        let write = (Effect::Write, Idempotency::None);
        for (who, kind, outcome, expected) in [
            (read, Connect, NotSent, true),
            (read, Timeout, Unknown, true),
            (read, RateLimited, Answered, true),
            (read, Unavailable, Answered, true),
            (read, Decode, Unknown, true),
            (read, Decode, Answered, false),
            (read, Failed, Answered, false),
            (read, Forbidden, Answered, false),
            (write, Connect, NotSent, true),
            (write, Timeout, Unknown, false),
            (write, RateLimited, Answered, true),
            (write, Unavailable, Unknown, false),
            (order, Connect, NotSent, true),
            (order, Timeout, NotSent, true),
            (order, Timeout, Unknown, false),
            (order, RateLimited, Unknown, false),
            (order, Unavailable, Unknown, false),
            (order, Forbidden, NotSent, false),
            (transfer, Connect, NotSent, false),
            (transfer, Timeout, Unknown, false),
        ] {
            let repeats = may_repeat(who.0, who.1, &failure(kind, outcome));
            assert_eq!(repeats, expected, "{who:?} {kind:?} {outcome:?}");
        }
    }

    #[test]
    fn money_is_never_sent_again_unless_it_certainly_was_not_sent() {
        for kind in KINDS {
            for outcome in OUTCOMES {
                let failure = failure(kind, outcome);
                let order = may_repeat(Effect::Money, Idempotency::OutTradeNo, &failure);
                assert!(!order || outcome == Outcome::NotSent, "{failure:?}");
                assert!(!may_repeat(Effect::Money, Idempotency::None, &failure), "{failure:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn pauses_are_bounded_and_never_shorter_than_asked_for(
            attempt in 1_u32..80,
            max_attempts in 1_u32..80,
            base in 0_u64..10_000,
            most in 0_u64..100_000,
            asked in proptest::option::of(0_u64..200_000),
            random: u64,
        ) {
            let policy = RetryPolicy {
                max_attempts,
                base_pause: Duration::from_millis(base),
                max_pause: Duration::from_millis(most),
            };
            let asked = asked.map(Duration::from_millis);
            let failure =
                Failure { retry_after: asked, ..failure(ErrorKind::Timeout, Outcome::Unknown) };
            let pause = pause(&policy, Effect::Read, Idempotency::None, &failure, attempt, random);
            match pause {
                None => prop_assert!(
                    attempt >= max_attempts || asked.is_some_and(|asked| asked > policy.max_pause)
                ),
                Some(pause) => {
                    prop_assert!(attempt < max_attempts);
                    match asked {
                        Some(asked) => {
                            prop_assert!(pause >= asked && pause <= asked + policy.base_pause);
                        }
                        None => prop_assert!(pause <= policy.max_pause),
                    }
                }
            }
        }

        #[test]
        fn without_a_base_there_is_no_pause(attempt in 1_u32..100, random in any::<u64>()) {
            let policy = RetryPolicy {
                max_attempts: u32::MAX,
                base_pause: Duration::ZERO,
                ..RetryPolicy::default()
            };
            let timeout = failure(ErrorKind::Timeout, Outcome::Unknown);
            let paused = pause(&policy, Effect::Read, Idempotency::None, &timeout, attempt, random);
            prop_assert_eq!(paused, Some(Duration::ZERO));
        }

        #[test]
        fn jitter_reaches_both_ends(attempt in 1_u32..6) {
            let policy = RetryPolicy { max_attempts: 10, ..RetryPolicy::default() };
            let timeout = failure(ErrorKind::Timeout, Outcome::Unknown);
            let with = |random| {
                pause(&policy, Effect::Read, Idempotency::None, &timeout, attempt, random)
            };
            let bound = (policy.base_pause * 2_u32.pow(attempt - 1)).min(policy.max_pause);
            prop_assert_eq!(with(0), Some(Duration::ZERO));
            let top = u64::try_from(bound.as_nanos()).unwrap();
            prop_assert_eq!(with(top), Some(bound));
        }
    }
}
