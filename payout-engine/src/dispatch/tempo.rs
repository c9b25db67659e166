//! How many calls a second the gateway takes, found out from its 429s.
//!
//! A gateway that counts calls refuses what is too much and then wants to be left alone
//! (`Retry-After`). Whoever calls as fast as it goes, is refused, waits and begins again, makes use
//! of a part of what it would take only: a tenth where it saves up no more than a tenth of a
//! second. So after the first 429 calls are spaced evenly, just below what it takes.
//!
//! ```text
//!            kept up            too much
//!   0 ─────────┼── rate ──>──────┼───────
//! ```
//! The search is between two rates: one that was kept up, and one that proved too much. A quarter
//! of what is between them is added at a time, until both are as good as the same. From there the
//! rate that was too much is tried again, ever more rarely: a 429 holds everybody up, and for a
//! withdrawal it means doubt. If it is not too much any more, there is room above it.
//!
//! Two things tell what can be kept up. A rate at which calls left for a while without a 429; that
//! is wrong where the gateway had saved up for it, and the next 429 tells. And what was admitted
//! from one 429 to the next: at either the gateway had nothing left, so it cannot be more than it
//! takes; it may be less, where time was lost in between.
//!
//! A 429 says nothing about how many calls may be in flight; who says that is heard by the window.
//!
//! Pure: integers only, and time is a parameter.

use std::time::Duration;

use tokio::time::Instant;

use super::{Wait, slots::Slots};

/// Calls in a thousand seconds.
type Rate = u64;

/// The rates between which the search is are as good as the same at this part of the higher one.
const CLOSE: u64 = 64;

/// No gateway is taken for one that takes less: a call in ten seconds.
const LOWEST: Rate = 100;

/// How far ahead of an even spacing calls may run. Less than where the user sets a rate: gateways
/// that count the calls of a second would count these, too.
const AHEAD: Duration = Duration::from_millis(10);

/// For how long a rate is tried at least, and at most where the gateway wanted long pauses.
const SHORTEST_STEP: Duration = Duration::from_secs(1);
const LONGEST_STEP: Duration = Duration::from_secs(60);

/// How many steps it stays below a rate that was too much once, and how many at most: what is lost
/// in the pause that follows another try is then little beside what is called in between.
const FIRST_HOLD: u32 = 30;
const LONGEST_HOLD: u32 = 240;

/// A call that left: when, in which round, and after how many others.
#[derive(Debug, Clone, Copy)]
pub(super) struct Left {
    at: Instant,
    round: u64,
    after: u64,
}

/// The tempo of one run.
#[derive(Debug, Default)]
pub(super) struct Tempo {
    /// Counts the 429s. A call that left before the last one says nothing about the time since.
    round: u64,
    /// When the call left that was refused last after others had been admitted; and how many left
    /// in this round.
    since: Option<Instant>,
    left: u64,
    /// Whether one of them was admitted.
    has_admitted: bool,
    /// `None` as long as nothing was refused.
    search: Option<Search>,
}

#[derive(Debug)]
struct Search {
    slots: Slots,
    rate: Rate,
    kept_up: Rate,
    too_much: Option<Rate>,
    /// What is added next where nothing is known to be too much; twice as much each time.
    stride: Rate,
    hold: u32,
    held_until: Instant,
    step: Duration,
    /// When the first call left at this rate, and whether one had to wait for its turn since.
    tried_since: Option<Instant>,
    has_waited: bool,
}

impl Tempo {
    /// What the next call has to wait for. After a 429 one call leaves, and the others once that
    /// was admitted: a pause may have been too short.
    pub(super) fn wait(&mut self, now: Instant) -> Result<(), Wait> {
        let Some(search) = &mut self.search else { return Ok(()) };
        if self.left > 0 && !self.has_admitted {
            return Err(Wait::Change);
        }
        let Some(at) = search.slots.next_free(now, AHEAD) else { return Ok(()) };
        search.has_waited = true;
        Err(Wait::Until(at))
    }

    /// A call leaves.
    pub(super) fn leaves(&mut self, now: Instant) -> Left {
        self.since.get_or_insert(now);
        if let Some(search) = &mut self.search {
            search.slots.use_up(now);
            search.tried_since.get_or_insert(now);
        }
        let left = Left { at: now, round: self.round, after: self.left };
        self.left += 1;
        left
    }

    /// A call was admitted, whatever came of it.
    pub(super) fn admitted(&mut self, call: Left, now: Instant) {
        if call.round != self.round {
            return;
        }
        self.has_admitted = true;
        if let Some(search) = &mut self.search {
            search.step_up(now);
        }
    }

    /// A call ended. If nothing is known of the one that left first, the next one is the first.
    pub(super) fn ended(&mut self, call: Left) {
        if call.round == self.round && !self.has_admitted && self.search.is_some() {
            self.left = 0;
        }
    }

    /// A call was refused; everybody waits for `pause` now.
    pub(super) fn refused(&mut self, call: Left, pause: Duration, now: Instant) {
        if call.round != self.round {
            return;
        }
        (self.round, self.left, self.has_admitted) = (self.round + 1, 0, false);
        if call.after == 0 {
            // Nothing was admitted after the last pause: it was too short, which says nothing.
            return;
        }
        // It is the first of those that were refused, so all that left before it were not.
        let since = self.since.replace(call.at).unwrap_or(call.at);
        // What came in a burst says little about a second.
        let lasted = call.at.duration_since(since).max(SHORTEST_STEP).as_millis();
        let average = u128::from(call.after) * 1_000_000 / lasted;
        let average = Rate::try_from(average).unwrap_or(Rate::MAX).max(LOWEST);
        let step = pause.clamp(SHORTEST_STEP, LONGEST_STEP);
        match &mut self.search {
            None => self.search = Some(Search::begin(average, step, now)),
            Some(search) => search.step_down(average, step, now),
        }
    }
}

impl Search {
    fn begin(average: Rate, step: Duration, now: Instant) -> Self {
        Self {
            slots: Slots::spaced(interval(average)),
            rate: average,
            kept_up: average,
            too_much: None,
            stride: average.div_ceil(2),
            hold: FIRST_HOLD,
            held_until: now,
            step,
            tried_since: None,
            has_waited: false,
        }
    }

    /// The rate was too much.
    fn step_down(&mut self, average: Rate, step: Duration, now: Instant) {
        let is_known = self.too_much.is_some_and(|rate| is_close(self.rate, rate));
        self.hold = if is_known { (self.hold * 2).min(LONGEST_HOLD) } else { FIRST_HOLD };
        let below = self.rate - self.rate.div_ceil(CLOSE);
        // Was it kept up only with what the gateway had saved?
        let saved = self.kept_up > below;
        let kept_up = if saved { self.rate - self.rate / 8 } else { self.kept_up }.max(average);
        (self.kept_up, self.too_much) = (kept_up.min(below).max(LOWEST), Some(self.rate));
        (self.held_until, self.step) = (now + step * self.hold, step);
        self.change(self.kept_up);
    }

    /// The rate may have been kept up for long enough.
    fn step_up(&mut self, now: Instant) {
        if self.tried_since.is_none_or(|since| now.duration_since(since) < self.step) {
            return;
        }
        if !self.has_waited {
            // Nobody wanted more, which proves nothing.
            self.tried_since = Some(now);
            return;
        }
        self.kept_up = self.kept_up.max(self.rate);
        match self.too_much {
            Some(limit) if self.rate >= limit => {
                (self.too_much, self.stride) = (None, limit.div_ceil(CLOSE));
                self.grow();
            }
            Some(limit) if is_close(self.rate, limit) => {
                if now >= self.held_until {
                    self.change(limit);
                }
            }
            Some(limit) => {
                let more = ((limit - self.rate) / 4).max(limit / CLOSE / 2);
                self.change(self.rate + more);
            }
            None => self.grow(),
        }
    }

    fn grow(&mut self) {
        let stride = self.stride.min(self.rate.div_ceil(2));
        self.stride = stride.saturating_mul(2);
        self.change(self.rate.saturating_add(stride));
    }

    fn change(&mut self, rate: Rate) {
        self.rate = rate.max(LOWEST);
        self.slots.interval = interval(self.rate);
        (self.tried_since, self.has_waited) = (None, false);
    }
}

fn is_close(rate: Rate, limit: Rate) -> bool {
    rate + limit.div_ceil(CLOSE) >= limit
}

fn interval(rate: Rate) -> Duration {
    Duration::from_secs(1_000) / u32::try_from(rate).unwrap_or(u32::MAX).max(1)
}
