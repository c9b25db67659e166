//! The one error type of the crate: [`Error`].
//!
//! Two questions matter most after a call that moves money has failed, and each has its own answer
//! here: *what happened* ([`Error::kind`]) and *may the gateway have acted on it*
//! ([`Error::outcome`]). The second is a type of its own, so that no caller has to guess it from a
//! message.
//!
//! Invariant: no secret and no sensitive value in any text form. The gateway's own message is made
//! presentable first; the bytes of the reply are kept, but only [`Error::body`] hands them out.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::operation::OperationMeta;
use crate::sensitive::presentable;

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The client is not configured as it must be.
    Config,
    /// The request breaks a rule of the documentation; it was not sent.
    InvalidRequest,
    /// No connection could be made.
    Connect,
    /// No answer in time.
    Timeout,
    /// The connection broke.
    Transport,
    /// 401: the credentials, or the token twice in a row, were not accepted. Without a status: the
    /// token provider of this client gives it no token.
    Authentication,
    /// 403: this address is not on the allow-list, or the account is disabled. Trying again is of
    /// no use.
    Forbidden,
    /// 400: the gateway refuses the request.
    Refused,
    /// 404, or a reply without the record: there is no such record.
    NotFound,
    /// 409: `out_trade_no` was used before.
    Duplicate,
    /// 419: what the request refers to has expired.
    Expired,
    /// 422, or a failure with a code that is not documented.
    Failed,
    /// 429: too many requests.
    RateLimited,
    /// 500, 502, 503, 504: the gateway or something behind it does not work. Without a status: the
    /// request signer or the token provider of this client could not be asked.
    Unavailable,
    /// The reply is not what the documentation says: HTML, cut off, another shape.
    Decode,
    /// A signature does not hold, or what a request signer answers is none.
    Signature,
    /// The request signer of this client refuses to sign the request; it was not sent.
    NotSigned,
}

/// Whether the gateway may have acted on a call that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The request certainly did not reach the gateway.
    NotSent,
    /// The gateway answered, and for a call that moves money: it certainly refused it.
    Answered,
    /// It may have been carried out. Only a query can tell; never send it again blindly.
    Unknown,
}

/// An error of this crate. One line; says what happened, to which call, and what to do next.
#[derive(Clone)]
pub struct Error(Box<Repr>);

#[derive(Clone)]
struct Repr {
    kind: ErrorKind,
    outcome: Outcome,
    operation: Option<&'static str>,
    message: String,
    code: Option<String>,
    status: Option<u16>,
    retryable: bool,
    retry_after: Option<Duration>,
    body: Option<Bytes>,
    request_id: Option<Box<str>>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

impl Error {
    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Whether the gateway may have acted on the call.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        self.0.outcome
    }

    /// The gateway's code, such as `VALIDATION_ERROR`, as it came.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// The HTTP status of the answer, if there was one.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// What happened, in words: the gateway's, where it gave any, without account numbers and mail
    /// addresses.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The operation that failed, such as `withdraw`.
    #[must_use]
    pub fn operation(&self) -> Option<&'static str> {
        self.0.operation
    }

    /// Whether the very same call may be sent again, now or later, without a query in between.
    /// The client has then already tried as often as its policy allows.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.0.retryable
    }

    /// How long the gateway asks to wait; a day at most, however much it asks for.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// The bytes of the answer, whatever they are. They may hold sensitive values.
    #[must_use]
    pub fn body(&self) -> Option<&Bytes> {
        self.0.body.as_ref()
    }

    /// The id under which the gateway or a proxy has this call in its logs, where it tells one
    /// (`X-Request-Id`). Worth giving to KESS with a question.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Error {
        let outcome = match kind {
            ErrorKind::Config | ErrorKind::InvalidRequest | ErrorKind::NotSigned => {
                Outcome::NotSent
            }
            _ => Outcome::Unknown,
        };
        Error(Box::new(Repr {
            kind,
            outcome,
            operation: None,
            message: message.into(),
            code: None,
            status: None,
            retryable: false,
            retry_after: None,
            body: None,
            request_id: None,
            source: None,
        }))
    }

    /// An error in the gateway's words, made presentable.
    pub(crate) fn in_words_of_the_gateway(kind: ErrorKind, message: &str) -> Error {
        Error::new(kind, presentable(message))
    }

    pub(crate) fn of(mut self, meta: &OperationMeta) -> Error {
        self.0.operation = Some(meta.name);
        self
    }

    pub(crate) fn with_kind(mut self, kind: ErrorKind) -> Error {
        self.0.kind = kind;
        self
    }

    pub(crate) fn with_outcome(mut self, outcome: Outcome) -> Error {
        self.0.outcome = outcome;
        self
    }

    pub(crate) fn with_code(mut self, code: Option<String>) -> Error {
        self.0.code = code.map(|code| presentable(&code));
        self
    }

    pub(crate) fn with_status(mut self, status: u16) -> Error {
        self.0.status = Some(status);
        self
    }

    pub(crate) fn with_body(mut self, body: Bytes) -> Error {
        self.0.body = Some(body);
        self
    }

    pub(crate) fn with_request_id(mut self, request_id: Option<Box<str>>) -> Error {
        self.0.request_id = request_id;
        self
    }

    pub(crate) fn with_retryable(mut self, retryable: bool) -> Error {
        self.0.retryable = retryable;
        self
    }

    pub(crate) fn with_retry_after(mut self, retry_after: Option<Duration>) -> Error {
        self.0.retry_after = retry_after;
        self
    }

    pub(crate) fn with_source(mut self, source: impl StdError + Send + Sync + 'static) -> Error {
        self.0.source = Some(Arc::new(source));
        self
    }

    /// What a person should do next.
    fn advice(&self) -> &'static str {
        match (self.0.kind, self.0.outcome) {
            (ErrorKind::Config, _) => "correct the configuration",
            (ErrorKind::InvalidRequest, _) => "correct the request; nothing was sent",
            (ErrorKind::Authentication, _) if self.0.status.is_none() => {
                "nothing was sent; sign in to what hands out the tokens"
            }
            (ErrorKind::Authentication, _) => "check client id, secret, user name and password",
            (ErrorKind::NotSigned, _) => "nothing was sent; ask whoever signs what is allowed",
            (ErrorKind::Forbidden, _) => {
                "ask KESS whether this address is allowed and the account is active"
            }
            (ErrorKind::Duplicate, _) => "it is there already: query it before anything else",
            (_, Outcome::Unknown) => "it is not known whether the gateway acted: query first",
            (_, Outcome::NotSent) => "nothing reached the gateway; try again later",
            (ErrorKind::RateLimited | ErrorKind::Unavailable, _) => "try again later",
            (ErrorKind::NotFound, _) => "there is no such record",
            (ErrorKind::Expired, _) => "start again: what it refers to has expired",
            (_, Outcome::Answered) => "correct what the gateway names",
        }
    }

    fn what(&self) -> &'static str {
        match self.0.kind {
            ErrorKind::Config => "configuration",
            ErrorKind::InvalidRequest => "invalid request",
            ErrorKind::Connect => "no connection",
            ErrorKind::Timeout => "no answer in time",
            ErrorKind::Transport => "the connection broke",
            ErrorKind::Authentication => "not authenticated",
            ErrorKind::Forbidden => "access denied",
            ErrorKind::Refused => "refused",
            ErrorKind::NotFound => "not found",
            ErrorKind::Duplicate => "duplicate",
            ErrorKind::Expired => "expired",
            ErrorKind::Failed => "failed",
            ErrorKind::RateLimited => "too many requests",
            ErrorKind::Unavailable if self.0.status.is_none() => "not available",
            ErrorKind::Unavailable => "gateway not available",
            ErrorKind::Decode => "unreadable reply",
            ErrorKind::Signature => "wrong signature",
            ErrorKind::NotSigned => "not signed",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(operation) = self.0.operation {
            write!(f, "{operation}: ")?;
        }
        f.write_str(self.what())?;
        match (&self.0.code, self.0.status) {
            (Some(code), Some(status)) => write!(f, " ({code}, HTTP {status})")?,
            (Some(code), None) => write!(f, " ({code})")?,
            (None, Some(status)) => write!(f, " (HTTP {status})")?,
            (None, None) => {}
        }
        if !self.0.message.is_empty() {
            write!(f, ": {}", self.0.message)?;
        }
        write!(f, "; {}", self.advice())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("outcome", &self.0.outcome)
            .field("operation", &self.0.operation)
            .field("code", &self.0.code)
            .field("status", &self.0.status)
            .field("message", &self.0.message)
            .field("retryable", &self.0.retryable)
            .field("retry_after", &self.0.retry_after)
            .field("request_id", &self.0.request_id)
            .field("body_bytes", &self.0.body.as_ref().map(Bytes::len))
            .finish_non_exhaustive()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}
