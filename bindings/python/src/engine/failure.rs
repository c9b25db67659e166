//! The engine's errors as the package's exceptions.

use payout_engine::report::WriteError;
use payout_engine::{Error, ErrorKind};
use pyo3::prelude::*;

use crate::error::{self, IntoPyErr};

impl IntoPyErr for Error {
    fn into_py_err(self, py: Python<'_>) -> PyErr {
        let (class, kind) = words(self.kind());
        error::raise(py, class, &self.in_full(), |keywords| keywords.set_item("kind", kind))
    }
}

impl IntoPyErr for WriteError {
    fn into_py_err(self, py: Python<'_>) -> PyErr {
        match self {
            Self::Store(error) => error.into_py_err(py),
            // `FileNotFoundError`, `PermissionError` and their like.
            Self::Output(error) => error.into(),
        }
    }
}

/// The class of the exception, and its `kind`.
fn words(kind: ErrorKind) -> (&'static str, &'static str) {
    match kind {
        ErrorKind::Config => ("ConfigurationError", "configuration"),
        ErrorKind::NoSuchBatch => ("NoSuchBatchError", "no_such_batch"),
        ErrorKind::BatchState => ("BatchStateError", "batch_state"),
        ErrorKind::NotAllowed => ("BatchStateError", "not_allowed"),
        ErrorKind::Locked => ("LockedError", "locked"),
        // Another runner has the batch in hand: the same thing, noticed later.
        ErrorKind::Fenced => ("LockedError", "fenced"),
        ErrorKind::OtherGateway => ("OtherGatewayError", "other_gateway"),
        ErrorKind::Refused => ("FileRefusedError", "refused"),
        ErrorKind::Books => ("BooksError", "books"),
        ErrorKind::Store => ("StoreError", "store"),
        _ => ("EngineError", "engine"),
    }
}
