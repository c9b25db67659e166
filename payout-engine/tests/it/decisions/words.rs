//! The core's steps in plain words.

use std::time::Duration;

use payout_engine::{
    CallError, Outcome, Policy,
    machine::{Call, State, Step},
};

use super::drive::{Asking, Decision, Fate, exhausted, fate, now};

/// What the answer is taken as.
pub(super) fn taken_as(error: Option<&CallError>) -> String {
    match error {
        None => "the answer".to_owned(),
        Some(CallError::NotSent(_)) => "certainly not sent".to_owned(),
        Some(CallError::Refused(_)) => "refused".to_owned(),
        Some(CallError::Duplicate(_)) => "the number was used before".to_owned(),
        Some(CallError::NotFound(_)) => "not found".to_owned(),
        Some(CallError::RateLimited { .. }) => "too many calls".to_owned(),
        Some(CallError::Overloaded { .. }) => "overloaded; nothing certain".to_owned(),
        Some(CallError::Unknown { .. }) => "nothing certain".to_owned(),
        Some(CallError::Stop { cause, .. }) => format!("a cause for all: {cause}"),
    }
}

/// The row after it.
pub(super) fn row(step: &Step) -> String {
    let outcome = step.payout.outcome();
    let detail = match step.payout.state {
        State::Refused | State::Rejected => ", the refusal to be confirmed",
        State::Duplicate => ", booked by an earlier send?",
        State::Mismatch => ", for a person to look at",
        _ => "",
    };
    format!("`{outcome}`{detail}")
}

/// What the engine does next.
pub(super) fn next(asking: Asking, decision: &Decision) -> String {
    let step = &decision.step;
    if let Some((cause, _)) = &step.stop {
        return format!("the batch stops ({cause}, exit 6); `payout resume` goes on");
    }
    match step.call {
        Some(Call::Query) => return "asks about the order at once".to_owned(),
        Some(Call::Close) => return "closes the order".to_owned(),
        Some(Call::Tokenize | Call::Clear) => return "goes on".to_owned(),
        Some(call) => return format!("{call:?}"),
        None => {}
    }
    if let Some(error) = &decision.error
        && let Some((tries, outcome)) = exhausted(asking, error).filter(|(tries, _)| *tries > 1)
    {
        let then = match outcome {
            Outcome::Failed => "then `failed`",
            _ => "then left for `payout resume`",
        };
        return format!("tries again, {tries} times with growing pauses, {then}");
    }
    if step.payout.next_at.is_some() {
        return match step.payout.state {
            State::Pending => "begins again after a pause",
            _ => "asks about the order after a pause, again and again",
        }
        .to_owned();
    }
    match step.payout.outcome() {
        Outcome::AwaitingOtp => "waits for the OTP",
        Outcome::InDoubt => "asks again with every `payout resume`",
        _ => "nothing more",
    }
    .to_owned()
}

/// Whether and when it may be sent again, as the core does it.
pub(super) fn again(step: &Step) -> String {
    if step.payout.order.is_none() {
        return match step.payout.outcome() {
            Outcome::Failed => "nothing was sent; `payout retry`",
            _ => "nothing was sent",
        }
        .to_owned();
    }
    match fate(step) {
        Fate::Never => "**never**".to_owned(),
        Fate::Retried { absent: 0 } => "only by `payout retry`, with a **new** number".to_owned(),
        Fate::Retried { absent } => {
            format!("after {}, only by `payout retry`, with a **new** number", answers(absent))
        }
        Fate::Sent { same: false, .. } => unreachable!("another number without a retry"),
        Fate::Sent { absent: 0, .. } => "yes, **same** number: it never left".to_owned(),
        Fate::Sent { absent, resumed: true, .. } if absent == 1 => {
            format!("by `payout resume`, after {}, **same** number", answers(absent))
        }
        Fate::Sent { seconds, .. } => {
            let settle = Policy::default().settle.as_secs();
            assert!(seconds > settle.cast_signed(), "sent again after {seconds} s");
            let enough = Policy::default().not_found_answers;
            format!(
                "only after {} from {settle} s after the send on, **same** number",
                answers(enough)
            )
        }
    }
}

fn answers(count: u32) -> String {
    match count {
        1 => "one \"not found\"".to_owned(),
        count => format!("{count} times \"not found\""),
    }
}

/// What it means for all other rows.
pub(super) fn for_all(error: Option<&CallError>) -> String {
    let policy = Policy::default();
    let failures = policy.circuit_failures;
    let in_a_row = format!("{failures} in a row: all pause, one call probes");
    let pause = |pause: Duration| format!("all pause {} s", pause.as_secs());
    match error {
        Some(CallError::RateLimited { retry_after, .. }) => {
            format!("{}, then call more slowly", pause(retry_after.unwrap_or(policy.retry_after)))
        }
        Some(CallError::Overloaded { retry_after: Some(asked), .. }) => {
            format!("{}; fewer at once; {in_a_row}", pause(*asked))
        }
        Some(CallError::Overloaded { .. }) => format!("fewer at once; {in_a_row}"),
        Some(CallError::NotSent(_) | CallError::Unknown { .. }) => in_a_row,
        Some(CallError::Stop { .. }) => "nothing new is sent".to_owned(),
        _ => "–".to_owned(),
    }
}

/// The row can be asked about again no earlier than now.
pub(super) fn is_consistent(step: &Step) -> bool {
    step.payout.check().is_ok() && step.payout.next_at.is_none_or(|at| at >= now())
}
