//! [`PayoutRun`]: a run that is on.

use std::sync::Arc;

use payout_engine::desk::Run;

use super::batch::BatchStatus;
use super::error::{EngineError, unless_cancelled};
use super::event::EngineEvent;
use crate::call::Cancellation;

/// A run of a batch. It goes on by itself, whoever looks at it or not; what it did is in the store.
#[derive(uniffi::Object)]
pub struct PayoutRun {
    run: Arc<Run>,
}

impl PayoutRun {
    pub(super) fn new(run: Run) -> PayoutRun {
        PayoutRun { run: Arc::new(run) }
    }
}

#[uniffi::export]
impl PayoutRun {
    /// The batch's name.
    pub fn batch(&self) -> String {
        self.run.name().to_owned()
    }

    /// How the batch stands, as far as the run's events tell. Cheap: for whoever shows progress.
    pub fn status(&self) -> BatchStatus {
        BatchStatus::of(self.run.batch(), &self.run.summary())
    }

    /// Rows that were verified, in a dry run.
    pub fn verified(&self) -> u64 {
        self.run.verified()
    }

    /// What somebody should know of what is paid here, although it hindered nothing.
    pub fn warnings(&self) -> Vec<String> {
        self.run.warnings().to_vec()
    }

    /// Whether the run has ended.
    pub fn is_over(&self) -> bool {
        self.run.is_over()
    }

    /// The next events, in their order; none once the run is over and all were handed out. Each
    /// is handed out once. The packages make a flow, or a sequence, of it.
    #[uniffi::method(default(cancellation = None))]
    pub async fn next_events(
        &self,
        cancellation: Option<Arc<Cancellation>>,
    ) -> Result<Vec<EngineEvent>, EngineError> {
        let run = Arc::clone(&self.run);
        unless_cancelled(cancellation, async move {
            while let Some(events) = run.next_events().await {
                let events = events.into_iter();
                let known: Vec<_> =
                    events.filter_map(|event| EngineEvent::of(run.batch(), event)).collect();
                if !known.is_empty() {
                    return Ok(known);
                }
            }
            Ok(Vec::new())
        })
        .await
    }

    /// Waits for the end, and tells how the batch stands then. Giving the wait up does not end the
    /// run.
    #[uniffi::method(default(cancellation = None))]
    pub async fn result(
        &self,
        cancellation: Option<Arc<Cancellation>>,
    ) -> Result<BatchStatus, EngineError> {
        let run = Arc::clone(&self.run);
        unless_cancelled(cancellation, async move {
            run.ended().await;
            match run.result() {
                Ok(Some((batch, summary))) => Ok(BatchStatus::of(&batch, &summary)),
                Ok(None) => Err(EngineError::Cancelled),
                Err(error) => Err(error.into()),
            }
        })
        .await
    }

    /// Asks the run to end: calls in flight finish, nothing new starts. `resume` goes on later.
    pub fn stop(&self) {
        self.run.stop();
    }

    /// Gives the run up at once, as a crash would. What was sent is in the store, and `resume` asks
    /// about it.
    pub fn give_up(&self) {
        self.run.give_up();
    }
}
