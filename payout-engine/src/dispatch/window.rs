//! How many calls may be in flight: as many as the gateway takes, never more than the user allows.
//!
//! Additive increase, multiplicative decrease. "Too much" (503, 504, or a marked slowdown) halves
//! the window, once for all the calls that were under way together; every windowful of answers adds
//! one. One below the size that was too much, growth pauses for a while, twice as long each time
//! that size proves too much again: such an answer holds everybody up, and for a withdrawal it
//! means doubt. A 429 is about calls a second, and heard by the tempo ([`super::tempo`]).
//!
//! It begins at its bound. A run begins with account checks and queries, for which such an answer
//! costs nothing, and a short batch has no time for a ramp.
//!
//! A slowdown counts only against the same service's own best, and only beyond two seconds. If a
//! quarter of the calls is served no faster, it is not our load that slows the gateway, and what it
//! is now is taken as its best.
//!
//! Pure: integers only, and time is a parameter.

use std::time::Duration;

use tokio::time::Instant;

/// A mean at or below this is never a slowdown.
const SLOW: Duration = Duration::from_secs(2);

/// A mean this many times the best is a slowdown.
const SLOWER: u32 = 4;

/// The window is halved so often for a slowdown without making it better. Once is not enough: the
/// first slow mean is partly of calls from before the slowdown.
const FRUITLESS: u32 = 2;

/// So many calls of a service at least make a mean.
const SAMPLES: usize = 8;

/// How long the window stays below a size that was too much once, and how long at most.
const FIRST_HOLD: Duration = Duration::from_secs(1);
const LONGEST_HOLD: Duration = Duration::from_secs(60);

/// What was called; each has a pace of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    Verify,
    Tokenize,
    Withdraw,
    Query,
    Close,
    Orders,
    Wallets,
}

/// How a call ended, as far as the window is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// The gateway answered.
    Answered,
    /// It said that it has too much to do.
    TooMuch,
    /// No answer came.
    Silence,
}

/// A call that ended.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ended {
    pub(super) service: Service,
    pub(super) ending: Ending,
    /// The round in which it began.
    pub(super) round: u64,
    /// How long it took.
    pub(super) took: Duration,
    /// Calls in flight as it ended, itself included.
    pub(super) in_flight: usize,
}

/// The window of one run.
#[derive(Debug)]
pub(super) struct Window {
    bound: usize,
    size: usize,
    /// Answers since the size last changed.
    answers: usize,
    /// Counts the decreases. A call that began before the last one says nothing about the size
    /// since.
    round: u64,
    ceiling: Option<Ceiling>,
    paces: [Pace; 7],
}

/// The size that was too much, and until when it is not tried again.
#[derive(Debug, Clone, Copy)]
struct Ceiling {
    size: usize,
    hold: Duration,
    until: Instant,
}

/// How fast a service answers.
#[derive(Debug, Clone, Copy, Default)]
struct Pace {
    /// The best mean of a windowful.
    best: Option<Duration>,
    /// The mean for which the window was halved, and how often without making it better.
    halved: Option<(Duration, u32)>,
    sum: Duration,
    count: u32,
}

impl Window {
    pub(super) fn new(bound: usize) -> Self {
        let bound = bound.max(1);
        Self {
            bound,
            size: bound,
            answers: 0,
            round: 0,
            ceiling: None,
            paces: [Pace::default(); 7],
        }
    }

    pub(super) fn size(&self) -> usize {
        self.size
    }

    pub(super) fn is_at_bound(&self) -> bool {
        self.size == self.bound
    }

    pub(super) fn round(&self) -> u64 {
        self.round
    }

    /// Takes the end of a call into account.
    pub(super) fn ended(&mut self, call: Ended, now: Instant) {
        if call.round != self.round {
            return;
        }
        let too_much = match call.ending {
            Ending::TooMuch => true,
            Ending::Answered => self.is_slower(call.service, call.took),
            // A call that ran into its time limit was slow, too. One that broke off early was not
            // fast.
            Ending::Silence => call.took > SLOW && self.is_slower(call.service, call.took),
        };
        if too_much {
            self.shrink(now);
        } else if call.ending == Ending::Answered {
            self.answered(call.in_flight, now);
        }
    }

    fn shrink(&mut self, now: Instant) {
        // The same limit again, or a new one?
        let known = self.ceiling.filter(|ceiling| self.size + 1 >= ceiling.size);
        let hold = known.map_or(FIRST_HOLD, |ceiling| (ceiling.hold * 2).min(LONGEST_HOLD));
        self.ceiling = Some(Ceiling { size: self.size.max(2), hold, until: now + hold });
        self.size = (self.size / 2).max(1);
        self.answers = 0;
        self.round += 1;
        for pace in &mut self.paces {
            (pace.sum, pace.count) = (Duration::ZERO, 0);
        }
    }

    fn answered(&mut self, in_flight: usize, now: Instant) {
        // A window that nobody fills proves nothing about a larger one.
        if self.is_at_bound() || in_flight * 2 < self.size {
            return;
        }
        self.answers += 1;
        if self.answers < self.size {
            return;
        }
        match self.ceiling {
            Some(ceiling) if self.size + 1 == ceiling.size && now < ceiling.until => return,
            // The first windowful since the step may be of calls that began before it; a second one
            // at the size that was too much shows that it is not any more.
            Some(ceiling) if self.size >= ceiling.size => {
                if self.answers < self.size * 2 {
                    return;
                }
                self.ceiling = None;
            }
            _ => {}
        }
        self.answers = 0;
        self.size += 1;
    }

    /// Whether the last windowful of this service's calls was a slowdown.
    fn is_slower(&mut self, service: Service, took: Duration) -> bool {
        let samples = self.size.max(SAMPLES);
        let pace = &mut self.paces[service as usize];
        pace.sum = pace.sum.saturating_add(took);
        pace.count += 1;
        if (pace.count as usize) < samples {
            return false;
        }
        let mean = pace.sum / pace.count;
        (pace.sum, pace.count) = (Duration::ZERO, 0);
        let best = pace.best.map_or(mean, |best| best.min(mean));
        pace.best = Some(best);
        if mean <= SLOW || mean <= best.saturating_mul(SLOWER) {
            pace.halved = None;
            return false;
        }
        pace.halved = match pace.halved {
            Some((before, times)) if mean >= before / 4 * 3 => {
                if times == FRUITLESS {
                    pace.best = Some(mean);
                    pace.halved = None;
                    return false;
                }
                Some((before, times + 1))
            }
            _ => Some((mean, 1)),
        };
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BRISK: Duration = Duration::from_millis(100);

    /// `calls` that all began in the window's present round.
    fn end(window: &mut Window, calls: usize, ending: Ending, took: Duration, now: Instant) {
        let (round, in_flight) = (window.round(), window.size());
        for _ in 0..calls {
            let service = Service::Query;
            window.ended(Ended { service, ending, round, took, in_flight }, now);
        }
    }

    fn answered(window: &mut Window, calls: usize, took: Duration, now: Instant) {
        end(window, calls, Ending::Answered, took, now);
    }

    #[test]
    fn calls_that_were_under_way_together_halve_it_once() {
        let now = Instant::now();
        let mut window = Window::new(64);
        let round = window.round();
        end(&mut window, 64, Ending::TooMuch, BRISK, now);
        assert_eq!(window.size(), 32);
        // Stragglers of that round change nothing, whatever they say.
        let ending = Ending::Answered;
        let late = Ended { service: Service::Query, ending, round, took: BRISK, in_flight: 64 };
        (0..1000).for_each(|_| window.ended(late, now));
        assert_eq!(window.size(), 32);
        let halved: Vec<usize> = (0..7)
            .map(|_| {
                end(&mut window, 1, Ending::TooMuch, BRISK, now);
                window.size()
            })
            .collect();
        assert_eq!(halved, [16, 8, 4, 2, 1, 1, 1]);
    }

    #[test]
    fn a_windowful_of_answers_adds_one_up_to_the_bound() {
        let mut now = Instant::now();
        let mut window = Window::new(4);
        for _ in 0..3 {
            end(&mut window, 1, Ending::TooMuch, BRISK, now);
        }
        now += LONGEST_HOLD;
        let mut sizes = Vec::new();
        for _ in 0..5 {
            let windowful = window.size();
            answered(&mut window, windowful - 1, BRISK, now);
            assert_eq!(window.size(), windowful, "one answer is missing");
            answered(&mut window, 1, BRISK, now);
            sizes.push(window.size());
        }
        assert_eq!(sizes, [2, 2, 3, 4, 4], "twice as much where it was too much before");
    }

    #[test]
    fn a_window_that_nobody_fills_does_not_grow() {
        let now = Instant::now();
        let mut window = Window::new(64);
        end(&mut window, 1, Ending::TooMuch, BRISK, now);
        let (service, ending, round) = (Service::Query, Ending::Answered, window.round());
        let lonely = Ended { service, ending, round, took: BRISK, in_flight: 15 };
        (0..1000).for_each(|_| window.ended(lonely, now));
        assert_eq!(window.size(), 32);
    }

    #[test]
    fn what_was_too_much_again_and_again_is_tried_ever_more_rarely() {
        let mut now = Instant::now();
        let mut window = Window::new(64);
        // The gateway takes 20 at once. Each windowful takes a tenth of a second.
        let mut too_much_at = Vec::new();
        let began = now;
        while now < began + Duration::from_secs(400) {
            now += BRISK;
            let size = window.size();
            answered(&mut window, size.min(20), BRISK, now);
            if size > 20 {
                end(&mut window, 1, Ending::TooMuch, BRISK, now);
                too_much_at.push(now);
            }
        }
        let gaps: Vec<u64> = too_much_at.windows(2).map(|at| (at[1] - at[0]).as_secs()).collect();
        assert!(gaps.iter().rev().take(3).all(|gap| (60..65).contains(gap)), "{gaps:?}");
        assert!(gaps.len() < 16, "{gaps:?}");
    }

    #[test]
    fn only_a_marked_slowdown_beyond_two_seconds_counts() {
        let now = Instant::now();
        let millis = Duration::from_millis;
        for (best, then, expected) in [
            (0, 1_900, 16),      // Ever so many times zero, and not slow.
            (10, 2_000, 16),     // At the limit.
            (1_000, 4_000, 16),  // Four times, not more.
            (600, 2_401, 8),     // More than both.
            (3_000, 11_000, 16), // A slow service is not a slower one.
        ] {
            let mut window = Window::new(16);
            answered(&mut window, 16, millis(best), now);
            answered(&mut window, 15, millis(then), now);
            assert_eq!(window.size(), 16, "one sample is missing");
            answered(&mut window, 1, millis(then), now);
            assert_eq!(window.size(), expected, "{best} ms, then {then} ms");
        }
    }

    #[test]
    fn a_slow_service_is_not_compared_with_a_fast_one() {
        let now = Instant::now();
        let mut window = Window::new(16);
        answered(&mut window, 100, Duration::from_millis(5), now);
        let (ending, round) = (Ending::Answered, window.round());
        let took = Duration::from_secs(5);
        let withdrawal = Ended { service: Service::Withdraw, ending, round, took, in_flight: 16 };
        (0..100).for_each(|_| window.ended(withdrawal, now));
        assert_eq!(window.size(), 16);
    }

    #[test]
    fn calls_without_an_answer_count_as_slow_and_never_as_fast() {
        let now = Instant::now();
        let mut window = Window::new(16);
        end(&mut window, 100, Ending::Silence, Duration::from_millis(1), now);
        answered(&mut window, 16, Duration::from_secs(3), now);
        answered(&mut window, 16, Duration::from_secs(9), now);
        assert_eq!(window.size(), 16, "a cut connection is nobody's best");
        end(&mut window, 16, Ending::Silence, Duration::from_secs(60), now);
        assert_eq!(window.size(), 8);
    }

    #[test]
    fn a_slowdown_that_fewer_calls_do_not_cure_is_taken_as_it_is() {
        let mut now = Instant::now();
        let slow = Duration::from_secs(5);
        let mut window = Window::new(16);
        answered(&mut window, 16, BRISK, now);
        answered(&mut window, 16, slow, now);
        assert_eq!(window.size(), 8);
        answered(&mut window, 8, slow, now);
        assert_eq!(window.size(), 4);
        for _ in 0..100 {
            now += slow;
            answered(&mut window, 16, slow, now);
        }
        assert_eq!(window.size(), 16, "the bank is slow at night, whatever we do");
    }

    #[test]
    fn a_slowdown_that_fewer_calls_cure_is_our_load() {
        let now = Instant::now();
        let mut window = Window::new(64);
        answered(&mut window, 64, Duration::from_millis(500), now);
        // One call after the other: half as many take half as long.
        for (size, seconds) in [(64, 16), (32, 8), (16, 4)] {
            assert_eq!(window.size(), size);
            answered(&mut window, size, Duration::from_secs(seconds), now);
        }
        answered(&mut window, 8, Duration::from_secs(2), now);
        assert_eq!((window.size(), window.round()), (9, 3));
    }
}
