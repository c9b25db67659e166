//! What a run does with its batch: pay it, try rows again, cancel it.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;

use crate::{
    batch::Batch, cancel::Cancel, engine::Engine, error::Error, gateway::Gateway,
    payout::BatchSummary,
};

/// How long a cancellation waits for whoever has the batch in hand to let go of it.
const LET_GO: Duration = Duration::from_secs(10);

type Work = dyn FnOnce(
        Engine,
        Batch,
        Arc<dyn Gateway>,
        Cancel,
    ) -> BoxFuture<'static, Result<BatchSummary, Error>>
    + Send;

/// What a run does.
pub(super) struct Task {
    /// In a word, for whoever finds the store in use.
    pub(super) doing: &'static str,
    pub(super) work: Box<Work>,
}

impl Task {
    fn new<W>(
        doing: &'static str,
        work: impl FnOnce(Engine, Batch, Arc<dyn Gateway>, Cancel) -> W + Send + 'static,
    ) -> Self
    where
        W: Future<Output = Result<BatchSummary, Error>> + Send + 'static,
    {
        let work = |engine, batch, gateway, cancel| -> BoxFuture<'static, _> {
            Box::pin(work(engine, batch, gateway, cancel))
        };
        Self { doing, work: Box::new(work) }
    }

    /// Pays what is left to pay. `doing` is `run` or `resume`, which are the same thing.
    pub(super) fn pay(doing: &'static str) -> Self {
        Self::new(doing, |engine, batch, gateway, cancel| async move {
            engine.run(&batch, gateway, &cancel).await
        })
    }

    /// Pays what ended unpaid, too, under new order numbers.
    pub(super) fn retry() -> Self {
        Self::new("retry", |engine, batch, gateway, cancel| async move {
            engine.retry(&batch, gateway, &cancel).await
        })
    }

    /// Sends nothing more, for good, and closes what waits for a password.
    pub(super) fn cancel(by: String, reason: Option<String>) -> Self {
        Self::new("cancel", |engine, batch, gateway, cancel| async move {
            engine.request_cancel(&batch, &by, reason.as_deref()).await?;
            engine.run_once_free(&batch, gateway, &cancel, LET_GO).await
        })
    }
}
