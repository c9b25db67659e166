//! News of a store: that there may be something to do by somebody else's doing.
//!
//! News carry nothing but themselves; whoever hears of them looks into the store. So they may come
//! too often or for nothing, and a listener that was busy hears of many at once.
//!
//! Invariant: what happens after [`Bell::listen`] is heard, however late somebody waits for it.

use std::future::pending;

use tokio::sync::watch;

/// Rings for everybody who listens to a store.
#[derive(Clone)]
pub(crate) struct Bell(watch::Sender<()>);

/// Who listens to a store.
pub struct Changes(watch::Receiver<()>);

impl Bell {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(()))
    }

    pub(crate) fn ring(&self) {
        self.0.send_replace(());
    }

    pub(crate) fn listen(&self) -> Changes {
        Changes(self.0.subscribe())
    }
}

impl Changes {
    /// Listens to nothing: for a store that has one user only.
    #[must_use]
    pub fn none() -> Self {
        Bell::new().listen()
    }

    /// Waits for news. May be dropped and called again: nothing is missed.
    pub async fn next(&mut self) {
        if self.0.changed().await.is_err() {
            // The store is gone.
            pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn what_rang_before_somebody_waits_is_heard_once() {
        let bell = Bell::new();
        bell.ring();
        let mut changes = bell.listen();
        assert_eq!(changes.next().now_or_never(), None, "that was before");
        bell.ring();
        bell.ring();
        assert_eq!(changes.next().now_or_never(), Some(()));
        assert_eq!(changes.next().now_or_never(), None);
        drop(bell);
        assert_eq!(changes.next().now_or_never(), None);
        assert_eq!(Changes::none().next().now_or_never(), None);
    }
}
