//! [`EngineError`]: what the engine could not do. A row that fails is no error, it is an outcome.

use std::sync::Arc;

use payout_engine::desk::Refused;
use payout_engine::report::WriteError;
use payout_engine::{Error, ErrorKind};

use crate::call::Cancellation;
use crate::runtime;

/// What the engine could not do; its message says what to do next.
#[derive(Clone, Debug, thiserror::Error, uniffi::Error)]
#[uniffi(flat_error)]
pub enum EngineError {
    /// Options or settings that make no sense.
    #[error("{0}")]
    Configuration(String),
    /// There is no such batch, or no unfinished one.
    #[error("{0}")]
    NoSuchBatch(String),
    /// The batch, or the row, stands so that this cannot be asked of it.
    #[error("{0}")]
    BatchState(String),
    /// Somebody else has the store or the batch in hand.
    #[error("{0}")]
    Locked(String),
    /// The batch belongs to another gateway or seller.
    #[error("{0}")]
    OtherGateway(String),
    /// The rows may not be paid, and nothing of them was; `check` tells all that is wrong.
    #[error("{0}")]
    Refused(String),
    /// Sums do not add up: nothing more is sent.
    #[error("{0}")]
    Books(String),
    /// The store, or a file, could not be read or written.
    #[error("{0}")]
    Storage(String),
    /// The waiting was given up. A run goes on all the same.
    #[error("the wait was cancelled; a run that is on goes on")]
    Cancelled,
}

impl From<Error> for EngineError {
    fn from(error: Error) -> Self {
        EngineError::from(&error)
    }
}

impl From<&Error> for EngineError {
    fn from(error: &Error) -> Self {
        let text = error.in_full();
        match error.kind() {
            ErrorKind::NoSuchBatch => Self::NoSuchBatch(text),
            ErrorKind::BatchState | ErrorKind::NotAllowed => Self::BatchState(text),
            // Another runner has the batch in hand: the same thing, noticed later.
            ErrorKind::Locked | ErrorKind::Fenced => Self::Locked(text),
            ErrorKind::OtherGateway => Self::OtherGateway(text),
            ErrorKind::Refused => Self::Refused(text),
            ErrorKind::Books => Self::Books(text),
            ErrorKind::Store | ErrorKind::Intake => Self::Storage(text),
            _ => Self::Configuration(text),
        }
    }
}

impl From<Refused> for EngineError {
    fn from(refused: Refused) -> Self {
        EngineError::from(refused.error())
    }
}

impl From<WriteError> for EngineError {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Store(error) => error.into(),
            WriteError::Output(error) => Self::Storage(error.to_string()),
        }
    }
}

/// Does the work on our threads, unless it is given up.
pub(super) async fn unless_cancelled<T: Send + 'static>(
    cancellation: Option<Arc<Cancellation>>,
    work: impl Future<Output = Result<T, EngineError>> + Send + 'static,
) -> Result<T, EngineError> {
    runtime::run(async move {
        let Some(cancellation) = cancellation else { return work.await };
        tokio::select! {
            biased;
            () = cancellation.cancelled() => Err(EngineError::Cancelled),
            done = work => done,
        }
    })
    .await
}
