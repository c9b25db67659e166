//! Whose turn it is with a store that takes one runner at a time.
//!
//! A person never waits long: whoever runs a batch makes room as soon as one wants to, and goes on
//! after. Batches take turns: one that waits for passwords alone makes room for the next one.
//!
//! Invariant: nobody is asked to make room before their work has begun, so everybody gets on.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Instant, sleep, sleep_until};

use crate::{batch::BatchId, payout::Outcome, store::Store};

/// How long a batch that waits for passwords alone is followed before the next one has its turn.
pub(super) const STINT: Duration = Duration::from_secs(10);

/// How often it is looked whether it does, once that is over.
const LOOK: Duration = Duration::from_secs(1);

/// Turns with one store.
#[derive(Clone)]
pub(super) struct Turns {
    /// `None` where the store takes many runners.
    one: Option<Arc<Semaphore>>,
    waiting: watch::Sender<Waiting>,
    stint: Duration,
}

/// Who wants a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    /// A person, for a moment.
    Person,
    /// A run of a batch.
    Run,
}

#[derive(Debug, Clone, Copy, Default)]
struct Waiting {
    people: usize,
    runs: usize,
}

/// A turn, until it is dropped.
pub(super) struct Turn(#[expect(dead_code, reason = "held")] Option<OwnedSemaphorePermit>);

/// Somebody is in the line as long as this is there.
struct InLine<'a>(&'a watch::Sender<Waiting>, Who);

impl Waiting {
    fn of(&mut self, who: Who) -> &mut usize {
        match who {
            Who::Person => &mut self.people,
            Who::Run => &mut self.runs,
        }
    }
}

impl<'a> InLine<'a> {
    fn enter(line: &'a watch::Sender<Waiting>, who: Who) -> Self {
        line.send_modify(|waiting| *waiting.of(who) += 1);
        Self(line, who)
    }
}

impl Drop for InLine<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|waiting| *waiting.of(self.1) -= 1);
    }
}

impl Turns {
    pub(super) fn with(store: &dyn Store, stint: Duration) -> Self {
        let one = (!store.takes_many_runners()).then(|| Arc::new(Semaphore::new(1)));
        Self { one, waiting: watch::Sender::default(), stint }
    }

    /// Waits for a turn. Who comes first is served first.
    pub(super) async fn take(&self, who: Who) -> Turn {
        let Some(one) = &self.one else { return Turn(None) };
        let _in_line = InLine::enter(&self.waiting, who);
        Turn(Arc::clone(one).acquire_owned().await.ok())
    }

    /// Ends when a run of `batch` should make room.
    pub(super) async fn should_make_room(&self, batch: BatchId, store: &dyn Store) {
        let began = Instant::now();
        let mut waiting = self.waiting.subscribe();
        loop {
            let wanted = waiting.wait_for(|line| line.people > 0 || line.runs > 0).await;
            // The sender is ours.
            if wanted.is_ok_and(|line| line.people > 0) {
                return;
            }
            tokio::select! {
                _ = waiting.changed() => continue,
                () = sleep_until(began + self.stint) => {}
            }
            let summary = store.summary(batch).await;
            let has_work = |outcome| summary.as_ref().is_ok_and(|it| it.count(outcome) > 0);
            if !has_work(Outcome::Pending) && !has_work(Outcome::InDoubt) {
                return;
            }
            tokio::select! {
                _ = waiting.changed() => {}
                () = sleep(LOOK) => {}
            }
        }
    }
}
