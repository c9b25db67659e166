//! Asking a run to end: nothing new starts, calls in flight finish, everything is written.

use std::sync::Arc;

use tokio::sync::watch;

/// A flag that is raised once and that anybody can wait for.
///
/// Raising it drains a run, for as long as the policy allows ([`crate::Policy::drain`]). Dropping
/// the run's future tears it apart, and the store is consistent after that too: it is what a crash
/// looks like.
#[derive(Debug, Clone)]
pub struct Cancel(Arc<watch::Sender<bool>>);

impl Cancel {
    /// A flag that is not raised.
    pub fn new() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }

    /// Raises the flag.
    pub fn cancel(&self) {
        self.0.send_replace(true);
    }

    /// True once it is raised.
    pub fn is_cancelled(&self) -> bool {
        *self.0.borrow()
    }

    /// Ends when the flag is raised.
    pub async fn cancelled(&self) {
        // The sender lives as long as `self`, so waiting cannot fail.
        let _ = self.0.subscribe().wait_for(|raised| *raised).await;
    }
}

impl Default for Cancel {
    fn default() -> Self {
        Self::new()
    }
}
