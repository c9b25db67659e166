//! The time of day for the store, immune to jumps while a run is on.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use tokio::time::Instant;

/// Where the time of day comes from.
pub(crate) type WallClock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Reads the wall clock once and counts on from there. Somebody who sets the clock during a run can
/// then neither shorten the time that "not found" needs to settle nor wake every row at once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    started: Instant,
    wall: Timestamp,
}

impl Clock {
    pub(crate) fn start(wall: &WallClock) -> Self {
        Self { started: Instant::now(), wall: wall() }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.wall.saturating_add(self.started.elapsed()).unwrap_or(Timestamp::MAX)
    }

    /// How long ago the run began.
    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// How long until `at`; zero if it has passed.
    pub(crate) fn until(&self, at: Timestamp) -> Duration {
        at.duration_since(self.now()).try_into().unwrap_or_default()
    }
}
