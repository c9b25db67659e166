//! A batch looked at once a second while somebody watches it.
//!
//! Whoever watches the same batch shares one poller, which ends with the last of them. It reads the
//! store, so that it shows a run whoever does it.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::standing::Look;
use crate::{
    batch::{Batch, BatchId},
    error::Error,
    store::Store,
};

/// How often the store is looked at.
const EVERY: Duration = Duration::from_secs(1);

/// What the present rate is measured over.
const WINDOW: Duration = Duration::from_secs(30);

/// What a watcher is shown.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) look: Look,
    pub(super) pace: Option<Pace>,
}

/// How fast a batch gets on, as far as it was watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pace {
    /// Rows done in a minute.
    pub(super) a_minute: u64,
    /// Until all are done at this rate; `None` while nothing moves.
    pub(super) seconds_left: Option<u64>,
}

/// Batches that somebody watches.
#[derive(Default)]
pub(super) struct Live {
    watched: Mutex<HashMap<BatchId, watch::Sender<Seen>>>,
}

/// A batch and all that says how it stands, read anew.
///
/// # Errors
/// There is no such batch; the store cannot be read.
pub(super) async fn look(store: &dyn Store, name: &str) -> Result<Look, Error> {
    let batch = store.batch(Some(name)).await?;
    look_at(store, batch).await
}

/// As [`look`], for a batch that was just read.
///
/// # Errors
/// The store cannot be read.
pub(super) async fn look_at(store: &dyn Store, batch: Batch) -> Result<Look, Error> {
    let summary = store.summary(batch.id).await?;
    let brakes = store.brakes(batch.id).await?;
    let now = jiff::Timestamp::now();
    let runners = store.runners(batch.id).await?;
    let runners = runners.into_iter().filter(|runner| runner.until > now).collect();
    Ok(Look { batch, summary, brakes, runners })
}

impl Live {
    /// Watches a batch. The receiver has what is known already, and is told of every look that
    /// shows something else.
    ///
    /// # Errors
    /// There is no such batch; the store cannot be read.
    pub(super) async fn watch(
        &self,
        store: &Arc<dyn Store>,
        name: &str,
    ) -> Result<watch::Receiver<Seen>, Error> {
        let look = look(&**store, name).await?;
        let id = look.batch.id;
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        watched.retain(|_, sender| !sender.is_closed());
        if let Some(sender) = watched.get(&id) {
            return Ok(sender.subscribe());
        }
        let (sender, receiver) = watch::channel(Seen { look, pace: None });
        watched.insert(id, sender.clone());
        tokio::spawn(poll(Arc::clone(store), name.to_owned(), sender));
        Ok(receiver)
    }

    /// The pace of a batch, if somebody watches it.
    pub(super) fn pace(&self, batch: BatchId) -> Option<Pace> {
        let watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        watched.get(&batch).and_then(|sender| sender.borrow().pace)
    }
}

async fn poll(store: Arc<dyn Store>, name: String, sender: watch::Sender<Seen>) {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut history = History::default();
    loop {
        tokio::select! {
            () = sender.closed() => return,
            _ = ticks.tick() => {}
        }
        // A look that fails is made again: whoever watches keeps what they saw.
        let Ok(look) = look(&*store, &name).await else { continue };
        let pace = history.add(Instant::now(), look.done(), look.summary.rows);
        let pace = pace.filter(|_| look.is_worked_on());
        sender.send_replace(Seen { look, pace });
    }
}

/// How many rows were done when.
#[derive(Default)]
struct History(VecDeque<(Instant, u64)>);

impl History {
    fn add(&mut self, now: Instant, done: u64, rows: u64) -> Option<Pace> {
        self.0.push_back((now, done));
        while self.0.len() > 2 && self.0.front().is_some_and(|(at, _)| now - *at > WINDOW) {
            self.0.pop_front();
        }
        let (since, before) = *self.0.front()?;
        let millis = u64::try_from((now - since).as_millis()).ok().filter(|it| *it >= 1_000)?;
        let moved = done.saturating_sub(before);
        let left = rows.saturating_sub(done);
        Some(Pace {
            a_minute: moved * 60_000 / millis,
            seconds_left: (left * millis).checked_div(moved * 1_000),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pace_is_that_of_the_last_half_minute() {
        let begin = Instant::now();
        let at = |seconds| begin + Duration::from_secs(seconds);
        let mut history = History::default();
        assert_eq!(history.add(at(0), 0, 1_000), None);
        let pace = history.add(at(10), 100, 1_000);
        assert_eq!(pace, Some(Pace { a_minute: 600, seconds_left: Some(90) }));
        history.add(at(40), 100, 1_000);
        let pace = history.add(at(71), 100, 1_000);
        assert_eq!(pace, Some(Pace { a_minute: 0, seconds_left: None }));
    }
}
