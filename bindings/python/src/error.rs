//! Raising the package's exceptions (`kesspay/errors.py`) for errors of the client and the engine.
//!
//! Invariant: a call that changes something or moves money, and whose outcome is not known, raises
//! `UnknownOutcomeError` whatever went wrong. A handler that repeats what was "unavailable" can
//! then never repeat a withdrawal.

use kess_gateway::{Effect, Error, ErrorKind, Outcome};
use payout_engine::causes;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::record::Home;

/// What to do after a call was given up that may have been carried out.
pub(crate) const QUERY_FIRST: &str = "it is not known whether the gateway carried it out: query it \
    by its out_trade_no before anything else, and do not send it again under another number";

/// What becomes an exception once the interpreter is held.
pub(crate) trait IntoPyErr {
    /// The exception.
    fn into_py_err(self, py: Python<'_>) -> PyErr;
}

impl IntoPyErr for PyErr {
    fn into_py_err(self, _: Python<'_>) -> PyErr {
        self
    }
}

/// An error of a call with this effect.
pub(crate) struct Failed {
    pub(crate) error: Error,
    pub(crate) effect: Effect,
}

impl IntoPyErr for Failed {
    fn into_py_err(self, py: Python<'_>) -> PyErr {
        of_gateway(py, &self.error, self.effect)
    }
}

/// The exception for an error of a call with this effect.
fn of_gateway(py: Python<'_>, error: &Error, effect: Effect) -> PyErr {
    let unknown = effect != Effect::Read && error.outcome() == Outcome::Unknown;
    let class = if unknown { "UnknownOutcomeError" } else { class_of(error.kind()) };
    made(gateway_exception(py, class, error))
}

/// The exception for an error that no call led to: of a configuration, a key, a text that was read.
pub(crate) fn of_setup(py: Python<'_>, error: &Error) -> PyErr {
    of_gateway(py, error, Effect::Read)
}

/// An exception of `kesspay.errors`, with further attributes by keyword. For the engine's errors:
///
/// `raise(py, "NoSuchBatchError", &text, |keywords| keywords.set_item("batch", name))`
pub(crate) fn raise(
    py: Python<'_>,
    class: &str,
    message: &str,
    attributes: impl FnOnce(&Bound<'_, PyDict>) -> PyResult<()>,
) -> PyErr {
    made(exception(py, class, message, attributes))
}

/// `kesspay.ValidationError`: the right type, but not a value that can be sent.
pub(crate) fn invalid(py: Python<'_>, message: &str) -> PyErr {
    raise(py, "ValidationError", message, |keywords| {
        keywords.set_item("kind", kind_name(ErrorKind::InvalidRequest))
    })
}

/// The same error, with more before its message; for saying which field it was.
pub(crate) fn before(py: Python<'_>, prefix: &str, error: PyErr) -> PyErr {
    let message = format!("{prefix}{}", error.value(py));
    if error.get_type(py).is(py.get_type::<PyTypeError>()) {
        return PyTypeError::new_err(message);
    }
    match Home::Errors.class(py, "ValidationError") {
        Ok(class) if error.get_type(py).is(&class) => invalid(py, &message),
        _ => error,
    }
}

/// Adds a sentence to an exception, where this version of Python can.
pub(crate) fn add_note(py: Python<'_>, error: &PyErr, note: &str) {
    // Python 3.10 has no notes; the exception is the same without.
    let _ = error.value(py).call_method1("add_note", (note,));
}

/// The exception, or what kept it from being made.
fn made(exception: PyResult<Bound<'_, PyAny>>) -> PyErr {
    exception.map_or_else(|error| error, PyErr::from_value)
}

fn exception<'py>(
    py: Python<'py>,
    class: &str,
    message: &str,
    attributes: impl FnOnce(&Bound<'_, PyDict>) -> PyResult<()>,
) -> PyResult<Bound<'py, PyAny>> {
    let keywords = PyDict::new(py);
    attributes(&keywords)?;
    Home::Errors.class(py, class)?.call((message,), Some(&keywords))
}

fn gateway_exception<'py>(
    py: Python<'py>,
    class: &str,
    error: &Error,
) -> PyResult<Bound<'py, PyAny>> {
    let exception = exception(py, class, &error.to_string(), |keywords| {
        keywords.set_item("kind", kind_name(error.kind()))?;
        keywords.set_item("outcome", outcome_name(error.outcome()))?;
        keywords.set_item("operation", error.operation())?;
        keywords.set_item("code", error.code())?;
        keywords.set_item("status", error.status())?;
        keywords.set_item("retryable", error.is_retryable())?;
        keywords.set_item("retry_after", error.retry_after().map(|pause| pause.as_secs_f64()))?;
        keywords.set_item("request_id", error.request_id())?;
        keywords.set_item("body", error.body().map(|body| PyBytes::new(py, body)))
    })?;
    if let Some(causes) = causes(error) {
        add_note(py, &PyErr::from_value(exception.clone()), &format!("caused by: {causes}"));
    }
    Ok(exception)
}

/// The class of an exception, where the outcome does not decide it.
fn class_of(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Config => "ConfigurationError",
        ErrorKind::InvalidRequest => "ValidationError",
        ErrorKind::Connect => "ConnectError",
        ErrorKind::Timeout => "TimedOutError",
        ErrorKind::Transport => "TransportError",
        ErrorKind::Authentication => "AuthenticationError",
        ErrorKind::Forbidden => "ForbiddenError",
        ErrorKind::Refused => "RefusedError",
        ErrorKind::NotFound => "NotFoundError",
        ErrorKind::Duplicate => "DuplicateError",
        ErrorKind::Expired => "ExpiredError",
        ErrorKind::Failed => "FailedError",
        ErrorKind::RateLimited => "RateLimitedError",
        ErrorKind::Unavailable => "UnavailableError",
        ErrorKind::Decode => "UnreadableReplyError",
        ErrorKind::Signature => "SignatureError",
        _ => "Error",
    }
}

/// The words of `kesspay.Error.kind`.
fn kind_name(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Config => "configuration",
        ErrorKind::InvalidRequest => "invalid_request",
        ErrorKind::Connect => "connect",
        ErrorKind::Timeout => "timeout",
        ErrorKind::Transport => "transport",
        ErrorKind::Authentication => "authentication",
        ErrorKind::Forbidden => "forbidden",
        ErrorKind::Refused => "refused",
        ErrorKind::NotFound => "not_found",
        ErrorKind::Duplicate => "duplicate",
        ErrorKind::Expired => "expired",
        ErrorKind::Failed => "failed",
        ErrorKind::RateLimited => "rate_limited",
        ErrorKind::Unavailable => "unavailable",
        ErrorKind::Decode => "unreadable_reply",
        ErrorKind::Signature => "signature",
        _ => "other",
    }
}

/// The words of `kesspay.Error.outcome`.
fn outcome_name(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::NotSent => "not_sent",
        Outcome::Answered => "answered",
        Outcome::Unknown => "unknown",
    }
}
