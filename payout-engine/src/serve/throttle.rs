//! How many passwords may be tried: a few at once, then one every now and then, for each address
//! and in total.
//!
//! Nobody is locked out for long, and a token or the link of the terminal is never counted: who
//! floods the form keeps nobody out who has one.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Attempts in a row, and the time after which there is one more.
struct Allowance {
    burst: u32,
    every: Duration,
}

const EACH: Allowance = Allowance { burst: 10, every: Duration::from_secs(6) };
const TOTAL: Allowance = Allowance { burst: 50, every: Duration::from_secs(1) };

/// As many addresses are remembered; the next new one waits for one of them to be forgotten.
const ADDRESSES: usize = 10_000;

/// Counts attempts.
#[derive(Default)]
pub(super) struct Throttle {
    used: Mutex<Used>,
}

#[derive(Default)]
struct Used {
    total: Bucket,
    each: HashMap<IpAddr, Bucket>,
}

/// When all attempts that were made will have been forgotten.
#[derive(Clone, Copy, Default)]
struct Bucket(Option<Instant>);

impl Bucket {
    fn debt(self, now: Instant) -> Duration {
        self.0.map_or(Duration::ZERO, |at| at.saturating_duration_since(now))
    }

    fn has_room(self, allowance: &Allowance, now: Instant) -> bool {
        self.debt(now) + allowance.every <= allowance.every * allowance.burst
    }

    fn take(&mut self, allowance: &Allowance, now: Instant) {
        self.0 = Some(now + self.debt(now) + allowance.every);
    }
}

impl Throttle {
    /// Whether this address may try now; if so, the attempt is counted.
    pub(super) fn admits(&self, address: IpAddr) -> bool {
        let now = Instant::now();
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        if used.each.len() >= ADDRESSES {
            used.each.retain(|_, bucket| !bucket.debt(now).is_zero());
        }
        let each = used.each.get(&address).copied().unwrap_or_default();
        let is_full = used.each.len() >= ADDRESSES && !used.each.contains_key(&address);
        if is_full || !each.has_room(&EACH, now) || !used.total.has_room(&TOTAL, now) {
            return false;
        }
        used.each.entry(address).or_default().take(&EACH, now);
        used.total.take(&TOTAL, now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_tries_a_few_times_and_then_now_and_then() {
        let throttle = Throttle::default();
        let tried = (0..100).filter(|_| throttle.admits(address(1))).count();
        assert_eq!(tried, 10);
        assert!(throttle.admits(address(2)), "somebody else is not kept out");
        tokio::time::advance(Duration::from_secs(6)).await;
        assert!(throttle.admits(address(1)) && !throttle.admits(address(1)));
    }

    #[tokio::test(start_paused = true)]
    async fn many_addresses_share_an_allowance_that_comes_back_soon() {
        let throttle = Throttle::default();
        let tried = (0..100).filter(|&last| throttle.admits(address(last))).count();
        assert_eq!(tried, 50);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(throttle.admits(address(200)));
    }
}
