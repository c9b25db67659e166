//! A stopwatch of two clocks: the one on the wall, and the one that runs while this process works.
//!
//! On a machine that others use too, the first says what a caller waits for just then, and the
//! second, almost whatever the others do, what the work costs.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// Started, and not read yet.
#[derive(Debug)]
pub struct Watch {
    started: Instant,
    worked: Duration,
}

/// What a watch says.
#[derive(Debug, Clone, Copy)]
pub struct Took {
    /// Time that passed.
    pub elapsed: Duration,
    /// Time that processors spent on all threads of this process.
    pub processor: Duration,
}

impl Watch {
    /// Starts both clocks.
    #[must_use]
    pub fn start() -> Self {
        Self { started: Instant::now(), worked: worked() }
    }

    /// What has passed since.
    #[must_use]
    pub fn read(&self) -> Took {
        Took { elapsed: self.started.elapsed(), processor: worked().saturating_sub(self.worked) }
    }
}

fn worked() -> Duration {
    // It counts from 0 when the process starts.
    clock_gettime(ClockId::ProcessCPUTime).try_into().unwrap_or_default()
}
