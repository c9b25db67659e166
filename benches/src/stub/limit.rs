//! A gateway that admits so many calls a second, and says for how long it wants to hear no more.
//!
//! Integers only: the bucket counts nanoseconds, of which a call takes its share.

use std::time::{Duration, Instant};

/// How long after a refusal was sent calls may still come that left before it was read.
pub(super) const UNDER_WAY: Duration = Duration::from_millis(50);

/// What is admitted.
#[derive(Debug, Clone, Copy)]
pub struct Limit {
    /// Calls a second.
    pub rate: u32,
    /// Calls at once, after a while without any.
    pub burst: u32,
    /// Seconds for which a refusal asks for silence.
    pub retry_after: u64,
}

/// A bucket that fills by itself.
#[derive(Debug)]
pub(super) struct Bucket {
    limit: Limit,
    /// What is in it, as the time that it took to fill.
    filled: Duration,
    at: Instant,
    /// The last refusal: when its answer goes out, and when the silence that it asks for ends.
    silence: Option<(Instant, Instant)>,
}

/// What becomes of a call; `inside` if it came into the silence that a refusal had asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Admitted { inside: bool },
    Refused { inside: bool, seconds: u64 },
}

impl Bucket {
    pub(super) fn full(limit: Limit, now: Instant) -> Self {
        Self { limit, filled: each(limit) * limit.burst, at: now, silence: None }
    }

    /// The same, full and with nothing behind it.
    pub(super) fn filled(self, now: Instant) -> Self {
        Self::full(self.limit, now)
    }

    /// How many calls would be admitted now, at once.
    pub(super) fn room(&self, now: Instant) -> u64 {
        let most = each(self.limit) * self.limit.burst;
        let filled = (self.filled + now.saturating_duration_since(self.at)).min(most);
        let calls = filled.as_nanos() / each(self.limit).as_nanos().max(1);
        u64::try_from(calls).unwrap_or(u64::MAX)
    }

    /// A call that came at `now`, and is answered at `answered`.
    pub(super) fn ask(&mut self, now: Instant, answered: Instant) -> Answer {
        let most = each(self.limit) * self.limit.burst;
        self.filled = (self.filled + (now - self.at)).min(most);
        self.at = now;
        let inside = self.silence.is_some_and(|(from, to)| (from + UNDER_WAY..to).contains(&now));
        if let Some(left) = self.filled.checked_sub(each(self.limit)) {
            self.filled = left;
            return Answer::Admitted { inside };
        }
        let seconds = self.limit.retry_after;
        // Refusals of calls that were under way do not make the silence any longer for those who
        // read the first one.
        if self.silence.is_none_or(|(_, to)| now >= to) {
            self.silence = Some((answered, answered + Duration::from_secs(seconds)));
        }
        Answer::Refused { inside, seconds }
    }
}

fn each(limit: Limit) -> Duration {
    Duration::from_secs(1) / limit.rate.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_beyond_the_rate_are_refused_and_counted_inside_the_silence() {
        let limit = Limit { rate: 100, burst: 2, retry_after: 1 };
        let begin = Instant::now();
        let mut bucket = Bucket::full(limit, begin);
        let mut ask = |millis| {
            let now = begin + Duration::from_millis(millis);
            bucket.ask(now, now)
        };
        let admitted = Answer::Admitted { inside: false };
        assert_eq!([ask(0), ask(0)], [admitted, Answer::Admitted { inside: false }]);
        assert_eq!(ask(5), Answer::Refused { inside: false, seconds: 1 });
        // It left before the refusal was read.
        assert_eq!(ask(12), Answer::Admitted { inside: false });
        assert_eq!(ask(56), Answer::Admitted { inside: true });
        assert_eq!(ask(1_004), Answer::Admitted { inside: true });
        assert_eq!(ask(1_005), Answer::Admitted { inside: false });
        let room = |millis| bucket.room(begin + Duration::from_millis(millis));
        assert_eq!([room(1_005), room(1_014), room(9_000)], [0, 1, 2]);
    }
}
