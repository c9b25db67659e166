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

use crate::error::{ErrorKind, Outcome};
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
    let doubled = policy.base_pause.saturating_mul(1_u32.checked_shl(attempt - 1).unwrap_or(0));
    let bound = if doubled.is_zero() { policy.max_pause } else { doubled.min(policy.max_pause) };
    let jittered = part_of(bound, random);
    match failure.retry_after {
        Some(asked) if asked > policy.max_pause => None,
        // On top of what was asked for: all who were limited together were told the same.
        Some(asked) => Some(asked.saturating_add(part_of(policy.base_pause, random))),
        None => Some(jittered),
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
