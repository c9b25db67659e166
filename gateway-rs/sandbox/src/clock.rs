//! The sandbox's time: the machine's clock or one that stands still, and either can be advanced.
//!
//! Nothing else in the crate reads the machine's clock. Times are milliseconds since 1970.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::{Timestamp, tz};

/// Where a sandbox takes its time from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SandboxClock {
    /// The machine's clock, plus whatever the sandbox was advanced by.
    #[default]
    Real,
    /// Stands still at this many seconds since 1970, until it is advanced.
    Virtual {
        /// Seconds since 1970-01-01T00:00:00Z.
        start: i64,
    },
}

/// A point in time, in milliseconds since 1970.
pub(crate) type Millis = i64;

#[derive(Debug)]
pub(crate) struct Clock {
    source: SandboxClock,
    advanced: AtomicI64,
}

impl Clock {
    pub(crate) fn new(source: SandboxClock) -> Self {
        Self { source, advanced: AtomicI64::new(0) }
    }

    pub(crate) fn now(&self) -> Millis {
        let base = match self.source {
            SandboxClock::Real => Timestamp::now().as_millisecond(),
            SandboxClock::Virtual { start } => start.saturating_mul(1000),
        };
        base.saturating_add(self.advanced.load(Ordering::SeqCst))
    }

    pub(crate) fn advance(&self, by: Duration) {
        let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        let _ = self.advanced.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |advanced| {
            // A century is further than any rehearsal goes, and keeps every sum in range.
            Some(advanced.saturating_add(by).min(100 * 366 * 86_400_000))
        });
    }

    /// Whether time passes by itself.
    pub(crate) fn runs(&self) -> bool {
        self.source == SandboxClock::Real
    }

    /// How long to sleep until `due`; `None` if only [`Clock::advance`] can bring it about.
    pub(crate) fn until(&self, due: Millis) -> Option<Duration> {
        match self.source {
            SandboxClock::Real => {
                let left = due.saturating_sub(self.now()).max(0);
                Some(Duration::from_millis(left.unsigned_abs()))
            }
            SandboxClock::Virtual { .. } => None,
        }
    }
}

/// `2022-07-18T10:44:53.000000Z`, as orders carry their times.
pub(crate) fn rfc3339(at: Millis) -> String {
    format_in(at, tz::offset(0), "%Y-%m-%dT%H:%M:%S.%6fZ")
}

/// `2025-01-13 09:32:21` in the gateway's own zone, UTC+7, as users and transactions carry it.
pub(crate) fn local(at: Millis) -> String {
    format_in(at, tz::offset(7), "%Y-%m-%d %H:%M:%S")
}

/// The day in UTC, `Y-m-d`: orders are counted and searched by it.
pub(crate) fn day(at: Millis) -> String {
    format_in(at, tz::offset(0), "%Y-%m-%d")
}

/// `yymm`, the way a virtual card's expiry is written, `months` from `at`.
pub(crate) fn card_expiry(at: Millis, months: i64) -> String {
    let zoned = timestamp(at).to_zoned(tz::offset(7).to_time_zone());
    let months = jiff::Span::new().months(months.clamp(0, 1200));
    zoned.checked_add(months).unwrap_or(zoned).strftime("%y%m").to_string()
}

fn format_in(at: Millis, zone: tz::Offset, format: &str) -> String {
    timestamp(at).to_zoned(zone.to_time_zone()).strftime(format).to_string()
}

fn timestamp(at: Millis) -> Timestamp {
    Timestamp::from_millisecond(at).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_virtual_clock_moves_only_when_it_is_advanced() {
        let clock = Clock::new(SandboxClock::Virtual { start: 1_658_141_093 });
        assert_eq!(rfc3339(clock.now()), "2022-07-18T10:44:53.000000Z");
        clock.advance(Duration::from_secs(60));
        assert_eq!(rfc3339(clock.now()), "2022-07-18T10:45:53.000000Z");
        assert_eq!(local(clock.now()), "2022-07-18 17:45:53");
        assert_eq!(clock.until(clock.now() + 1), None);
    }

    #[test]
    fn a_card_expires_some_months_on() {
        let january = 1_736_735_541_000;
        assert_eq!(card_expiry(january, 13), "2602");
    }
}
