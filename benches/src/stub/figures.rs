//! What the stub has seen.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// Counted since it was last told to forget.
#[derive(Debug, Default)]
pub(super) struct Figures {
    calls: u64,
    first: Option<Instant>,
    last: Option<Instant>,
    /// The first call about a payout.
    first_payout: Option<Instant>,
    pub(super) refused: u64,
    /// Calls that came into the silence that a refusal had asked for.
    inside: u64,
}

impl Figures {
    pub(super) fn call(&mut self, concerns_a_payout: bool, now: Instant) {
        self.calls += 1;
        self.first.get_or_insert(now);
        self.last = Some(now);
        if concerns_a_payout {
            self.first_payout.get_or_insert(now);
        }
    }

    pub(super) fn inside(&mut self, inside: bool) {
        self.inside += u64::from(inside);
    }

    /// Moments are told as how long ago they were: no two processes share a clock's beginning.
    pub(super) fn json(&self, now: Instant, delay: Option<Duration>, room: Option<u64>) -> Value {
        let ago = |at: Option<Instant>| at.map(|at| nanoseconds(now.duration_since(at)));
        json!({
            "calls": self.calls,
            "refused": self.refused,
            "inside_retry_after": self.inside,
            "first_call_ago": ago(self.first),
            "last_call_ago": ago(self.last),
            "first_payout_call_ago": ago(self.first_payout),
            "room": room,
            "mean_delay": delay.map(nanoseconds),
        })
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
