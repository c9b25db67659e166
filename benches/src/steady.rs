//! The steady middle of a run: between a fifth and four fifths of its rows paid, so that ramp and
//! tail are left out.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use payout_engine::{EngineEvent, Observer, Outcome};

/// An observer that notes when the middle began and ended.
#[derive(Debug)]
pub struct Steady {
    paid: AtomicU64,
    /// Rows paid when the middle begins, and when it ends.
    marks: [u64; 2],
    times: Mutex<[Option<Instant>; 2]>,
}

/// The middle of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Middle {
    /// Rows paid in it.
    pub rows: u64,
    /// How long it was.
    pub took: Duration,
}

impl Steady {
    /// Of a run that has so many rows to pay.
    #[must_use]
    pub fn of(rows: u64) -> Self {
        let marks = [(rows / 5).max(1), (rows * 4 / 5).max(1)];
        Self { paid: AtomicU64::new(0), marks, times: Mutex::default() }
    }

    /// What was noted, once all of it was.
    #[must_use]
    pub fn middle(&self) -> Option<Middle> {
        let times = self.times.lock().ok()?;
        let took = times[1]?.checked_duration_since(times[0]?)?;
        Some(Middle { rows: self.marks[1] - self.marks[0], took })
    }

    fn paid(&self) {
        let paid = self.paid.fetch_add(1, Ordering::Relaxed) + 1;
        for (mark, at) in self.marks.iter().zip(0..) {
            if paid == *mark
                && let Ok(mut times) = self.times.lock()
            {
                times[at] = Some(Instant::now());
            }
        }
    }
}

impl Observer for Steady {
    fn event(&self, event: &EngineEvent) {
        if let EngineEvent::Row { to: Outcome::Paid, .. } = event {
            self.paid();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_is_between_a_fifth_and_four_fifths() {
        let steady = Steady::of(10);
        (0..7).for_each(|_| steady.paid());
        assert_eq!(steady.middle(), None);
        steady.paid();
        let at_the_end = steady.middle().expect("it is over");
        assert_eq!(at_the_end.rows, 6);
        (0..2).for_each(|_| steady.paid());
        assert_eq!(steady.middle(), Some(at_the_end));
    }
}
