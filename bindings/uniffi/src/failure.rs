//! [`CallError`]: what a call that failed hands to the other languages, and what both of them make
//! their exceptions of.
//!
//! Invariant: whatever went wrong with a call that changes something, if it may have been carried
//! out, its kind is [`FailureKind::UnknownOutcome`]. No handler of "unavailable" can then repeat a
//! withdrawal.

use std::fmt;
use std::time::Duration;

use kess_gateway::{Effect, Error, ErrorKind, OperationMeta, Outcome};
use payout_engine::with_causes;

/// What went wrong, as the packages name their exceptions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum FailureKind {
    /// The client is not configured as it must be.
    Configuration,
    /// The request breaks a rule of the documentation; it was not sent.
    InvalidRequest,
    /// No connection could be made.
    Connect,
    /// No answer in time.
    Timeout,
    /// The connection broke.
    Transport,
    /// The credentials, or the token, were not accepted.
    Authentication,
    /// This address is not on the allow-list, or the account is disabled.
    Forbidden,
    /// The gateway refuses the request.
    Refused,
    /// There is no such record.
    NotFound,
    /// The order number was used before.
    Duplicate,
    /// What the request refers to has expired.
    Expired,
    /// A failure with a code that is not documented.
    Failed,
    /// Too many requests.
    RateLimited,
    /// The gateway, or something behind it, does not work.
    Unavailable,
    /// The reply is not what the documentation says.
    Decode,
    /// A signature does not hold.
    Signature,
    /// Whoever signs does not sign this request; it was not sent.
    NotSigned,
    /// Whatever went wrong: it may have been carried out, and only a query can tell.
    UnknownOutcome,
    /// The call was given up before it could change anything.
    Cancelled,
}

/// Whether the gateway may have acted on a call that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum CallOutcome {
    /// The request certainly did not reach the gateway.
    NotSent,
    /// The gateway answered, and for a call that moves money: it certainly refused it.
    Answered,
    /// It may have been carried out. Only a query can tell; never send it again blindly.
    Unknown,
}

/// What is known about a call that failed.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Failure {
    /// What went wrong.
    pub kind: FailureKind,
    /// One line: what happened, to which call, and what to do next.
    pub message: String,
    /// The operation, such as `withdraw`.
    pub operation: Option<String>,
    /// The gateway's code, such as `VALIDATION_ERROR`.
    pub code: Option<String>,
    /// The HTTP status of the answer, if there was one.
    pub status: Option<u16>,
    /// Whether the gateway may have acted on the call.
    pub outcome: CallOutcome,
    /// Whether the very same call may be sent again without a query in between.
    pub retryable: bool,
    /// How long the gateway asks to wait.
    pub retry_after: Option<Duration>,
    /// The gateway's number of the exchange, for its support.
    pub request_id: Option<String>,
}

/// A call that failed.
#[derive(Clone, Debug, thiserror::Error, uniffi::Error)]
pub enum CallError {
    /// The one case; what went wrong is inside.
    #[error("{failure}")]
    Failed {
        /// What is known.
        failure: Failure,
    },
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl CallError {
    /// What went wrong before there was a call.
    pub(crate) fn setup(kind: ErrorKind, message: String) -> CallError {
        let failure = Failure {
            kind: kind_of(kind),
            message,
            operation: None,
            code: None,
            status: None,
            outcome: CallOutcome::NotSent,
            retryable: false,
            retry_after: None,
            request_id: None,
        };
        CallError::Failed { failure }
    }

    /// An error of a call of this operation.
    pub(crate) fn of(error: &Error, meta: &OperationMeta) -> CallError {
        let unknown = meta.effect != Effect::Read && error.outcome() == Outcome::Unknown;
        let kind = if unknown { FailureKind::UnknownOutcome } else { kind_of(error.kind()) };
        let failure = Failure {
            kind,
            message: with_causes(error),
            operation: Some(meta.name.to_owned()),
            code: error.code().map(str::to_owned),
            status: error.status(),
            outcome: outcome_of(error.outcome()),
            retryable: error.is_retryable(),
            retry_after: error.retry_after(),
            request_id: error.request_id().map(str::to_owned),
        };
        CallError::Failed { failure }
    }

    /// The caller gave a call up, which may be on its way.
    pub(crate) fn cancelled(meta: &OperationMeta) -> CallError {
        let (kind, outcome, message) = match meta.effect {
            Effect::Read => (FailureKind::Cancelled, CallOutcome::Unknown, "was cancelled"),
            Effect::Write | Effect::Money => (
                FailureKind::UnknownOutcome,
                CallOutcome::Unknown,
                "was cancelled, and it is not known whether the gateway carried it out: query it \
                 before anything else, and do not send it again under another number",
            ),
        };
        let failure = Failure {
            kind,
            message: format!("{} {message}", meta.name),
            operation: Some(meta.name.to_owned()),
            code: None,
            status: None,
            outcome,
            retryable: meta.effect == Effect::Read,
            retry_after: None,
            request_id: None,
        };
        CallError::Failed { failure }
    }
}

impl From<Error> for CallError {
    /// An error that no call led to: of a configuration, a key, a text that was read.
    fn from(error: Error) -> Self {
        CallError::setup(error.kind(), with_causes(&error))
    }
}

fn outcome_of(outcome: Outcome) -> CallOutcome {
    match outcome {
        Outcome::NotSent => CallOutcome::NotSent,
        Outcome::Answered => CallOutcome::Answered,
        Outcome::Unknown => CallOutcome::Unknown,
    }
}

fn kind_of(kind: ErrorKind) -> FailureKind {
    match kind {
        ErrorKind::Config => FailureKind::Configuration,
        ErrorKind::InvalidRequest => FailureKind::InvalidRequest,
        ErrorKind::Connect => FailureKind::Connect,
        ErrorKind::Timeout => FailureKind::Timeout,
        ErrorKind::Transport => FailureKind::Transport,
        ErrorKind::Authentication => FailureKind::Authentication,
        ErrorKind::Forbidden => FailureKind::Forbidden,
        ErrorKind::Refused => FailureKind::Refused,
        ErrorKind::NotFound => FailureKind::NotFound,
        ErrorKind::Duplicate => FailureKind::Duplicate,
        ErrorKind::Expired => FailureKind::Expired,
        ErrorKind::RateLimited => FailureKind::RateLimited,
        ErrorKind::Unavailable => FailureKind::Unavailable,
        ErrorKind::Decode => FailureKind::Decode,
        ErrorKind::Signature => FailureKind::Signature,
        ErrorKind::NotSigned => FailureKind::NotSigned,
        // A kind that is newer than this binding is a failure like any other.
        _ => FailureKind::Failed,
    }
}
