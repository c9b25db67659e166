//! The rate: evenly spaced slots, one for each call.

use std::time::Duration;

use tokio::time::Instant;

use super::Wait;

/// How far ahead of an even spacing calls may run: timers are no finer than a millisecond or so.
const BURST: Duration = Duration::from_millis(50);

/// How much of the time is reserved at once where others reserve, too.
const RESERVED: Duration = Duration::from_millis(250);

/// When calls may leave.
#[derive(Debug)]
pub(super) struct Slots {
    pub(super) interval: Duration,
    /// When the next call would leave if calls were evenly spaced.
    next: Option<Instant>,
    /// How many are ours from there on; `None` where nobody else has any.
    left: Option<u32>,
}

impl Slots {
    /// Slots for `rate` calls a second.
    pub(super) fn new(rate: u32, is_shared: bool) -> Self {
        let interval = Duration::from_secs(1) / rate.max(1);
        Self { interval, next: None, left: is_shared.then_some(0) }
    }

    /// Slots so far apart, of which nobody else has any.
    pub(super) fn spaced(interval: Duration) -> Self {
        Self { interval, next: None, left: None }
    }

    /// When the next slot of ours may be used, up to `ahead` of an even spacing, if that is later.
    pub(super) fn next_free(&self, now: Instant, ahead: Duration) -> Option<Instant> {
        let leaves = self.next?.checked_sub(ahead)?;
        (leaves > now).then_some(leaves)
    }

    /// Uses up the next slot of ours.
    pub(super) fn use_up(&mut self, now: Instant) {
        self.next = Some(self.next.map_or(now, |slot| slot.max(now)) + self.interval);
    }

    /// How many to reserve.
    pub(super) fn wanted(&self) -> u32 {
        u32::try_from(RESERVED.as_nanos() / self.interval.as_nanos().max(1)).unwrap_or(1).max(1)
    }

    /// Takes over what was reserved. It begins where the last of ours ended, or later.
    pub(super) fn reserved(&mut self, first: Instant, calls: u32) {
        (self.next, self.left) = (self.next.max(Some(first)), Some(calls));
    }

    /// Takes the next slot, if it is time.
    pub(super) fn take(&mut self, now: Instant) -> Result<(), Wait> {
        let slot = match self.left {
            None => self.next.map_or(now, |slot| slot.max(now)),
            Some(_) => self.next_of_ours(now).ok_or(Wait::Slots)?,
        };
        let leaves = slot.checked_sub(BURST).unwrap_or(slot);
        if leaves > now {
            return Err(Wait::Until(leaves));
        }
        self.next = Some(slot + self.interval);
        self.left = self.left.map(|left| left - 1);
        Ok(())
    }

    /// Slots that were reserved and not used are gone: saved up, they would let calls run ahead.
    fn next_of_ours(&mut self, now: Instant) -> Option<Instant> {
        let mut slot = self.next?;
        let mut left = self.left?;
        while left > 0 && slot + BURST < now {
            slot += self.interval;
            left -= 1;
        }
        (self.next, self.left) = (Some(slot), Some(left));
        (left > 0).then_some(slot)
    }
}
