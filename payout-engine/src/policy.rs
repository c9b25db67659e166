//! Every pause, limit and patience of the engine, in one place.
//!
//! Nothing here decides about money by itself; the numbers say how long the engine waits before it
//! believes something and how often it tries. Tests run the same engine with milliseconds.

use std::time::Duration;

use serde::{Deserialize, Deserializer, de};

/// Growing pauses: `first`, then twice as long each time, up to `longest`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Backoff {
    /// The first pause.
    #[serde(deserialize_with = "duration")]
    pub first: Duration,
    /// No pause is longer.
    #[serde(deserialize_with = "duration")]
    pub longest: Duration,
}

impl Backoff {
    const fn millis(first: u64, longest: u64) -> Self {
        Self { first: Duration::from_millis(first), longest: Duration::from_millis(longest) }
    }

    /// The pause after `tries` fruitless tries (0 is the first).
    ///
    /// `salt` (the row) shortens it by up to a quarter, so that rows that failed together do not
    /// come back together. Deterministic, because the core that asks has no randomness.
    pub fn pause(&self, tries: u32, salt: u64) -> Duration {
        let grown = self.first.saturating_mul(1 << tries.min(20)).min(self.longest);
        let spread = salt.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(u64::from(tries)) >> 32;
        grown - grown.saturating_mul((spread % 256) as u32) / 1024
    }
}

/// The engine's patience. `payout.toml` sets it under `[policy]`; durations are text: `"60s"`,
/// `"500ms"`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// How long after the last send "not found" is no proof yet.
    #[serde(deserialize_with = "duration")]
    pub settle: Duration,
    /// How many "not found" answers after `settle` are believed.
    pub not_found_answers: u32,
    /// How far apart those answers have to be.
    #[serde(deserialize_with = "duration")]
    pub not_found_gap: Duration,
    /// How often one order number is sent before it takes a `resume` to send it once more.
    pub max_sends: u32,
    /// Pauses between queries of an order in doubt.
    pub doubt: Backoff,
    /// Pauses between queries of an accepted order.
    pub processing: Backoff,
    /// Pauses between queries of an order that waits for its one-time password.
    pub otp: Backoff,
    /// How long past its expiry an order that waits for a one-time password is polled before it is
    /// closed, and how long after that it is polled to see the close.
    #[serde(deserialize_with = "duration")]
    pub otp_grace: Duration,
    /// How long one run polls an order without a conclusive answer before it leaves it to `resume`.
    #[serde(deserialize_with = "duration")]
    pub patience: Duration,
    /// Pauses after a fruitless call before anything was sent.
    pub retry: Backoff,
    /// How often verification or tokenization of a row is tried in one run.
    pub tries: u32,
    /// How many calls in a row may fail before the circuit opens and everybody pauses.
    pub circuit_failures: u32,
    /// Pauses of the open circuit.
    pub circuit: Backoff,
    /// How long the circuit may stay open before the batch stops for an outage.
    #[serde(deserialize_with = "duration")]
    pub outage_after: Duration,
    /// The pause after a 429 or 503 that names none.
    #[serde(deserialize_with = "duration")]
    pub retry_after: Duration,
    /// How often the wallets are looked at during a run; zero for only before it.
    #[serde(deserialize_with = "duration")]
    pub wallet_every: Duration,
    /// How long a runner counts as alive after it was last heard of. It is heard of three times as
    /// often; a runner on another machine waits this long before it takes a batch over.
    #[serde(deserialize_with = "duration")]
    pub lease: Duration,
    /// How long a run that is asked to end waits for calls under way. What is not answered then is
    /// left to `resume`. The command itself never takes longer than ten seconds to end.
    #[serde(deserialize_with = "duration")]
    pub drain: Duration,
    /// How often a run looks whether somebody cancelled or paused its batch. Where the store tells
    /// of news, it looks at once.
    #[serde(deserialize_with = "duration")]
    pub look_every: Duration,
    /// How long a commit waits for company while many rows are writing. Nothing waits when one is.
    #[serde(deserialize_with = "duration")]
    pub linger: Duration,
    /// The largest number of transitions in one commit.
    pub commit_max: usize,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            settle: Duration::from_secs(60),
            not_found_answers: 3,
            not_found_gap: Duration::from_secs(5),
            max_sends: 5,
            doubt: Backoff::millis(1_000, 30_000),
            processing: Backoff::millis(1_000, 60_000),
            otp: Backoff::millis(2_000, 10_000),
            otp_grace: Duration::from_secs(30),
            patience: Duration::from_secs(15 * 60),
            retry: Backoff::millis(500, 30_000),
            tries: 8,
            circuit_failures: 16,
            circuit: Backoff::millis(1_000, 15_000),
            outage_after: Duration::from_secs(120),
            retry_after: Duration::from_secs(2),
            wallet_every: Duration::from_secs(30),
            lease: Duration::from_secs(30),
            drain: Duration::from_secs(8),
            look_every: Duration::from_secs(1),
            linger: Duration::from_millis(1),
            commit_max: 512,
        }
    }
}

/// Reads `"500ms"`, `"60s"`, `"15m"` or `"1h"`.
fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse_duration(&text).ok_or_else(|| {
        de::Error::custom(format!("`{text}` is no duration: write 500ms, 60s, 15m or 1h"))
    })
}

fn parse_duration(text: &str) -> Option<Duration> {
    let unit_at = text.find(|c: char| !c.is_ascii_digit())?;
    let (digits, unit) = text.split_at(unit_at);
    let count: u64 = digits.parse().ok()?;
    match unit {
        "ms" => Some(Duration::from_millis(count)),
        "s" => Some(Duration::from_secs(count)),
        "m" => count.checked_mul(60).map(Duration::from_secs),
        "h" => count.checked_mul(3600).map(Duration::from_secs),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_spread() {
        let backoff = Backoff::millis(100, 1_000);
        for (tries, most) in
            [(0, 100), (1, 200), (2, 400), (3, 800), (4, 1_000), (4_000_000, 1_000)]
        {
            let pauses: Vec<_> = (0..50).map(|row| backoff.pause(tries, row)).collect();
            assert!(
                pauses.iter().all(|p| *p <= Duration::from_millis(most)),
                "{tries}: {pauses:?}"
            );
            assert!(pauses.iter().all(|p| *p >= Duration::from_millis(most) * 3 / 4), "{tries}");
            assert!(pauses.iter().any(|p| p != &pauses[0]), "{tries}: nobody is spread");
        }
    }

    #[test]
    fn durations_are_read_with_their_unit() {
        for (text, millis) in [
            ("500ms", Some(500)),
            ("60s", Some(60_000)),
            ("15m", Some(900_000)),
            ("1h", Some(3_600_000)),
            ("60", None),
            ("s", None),
            ("-1s", None),
            ("1 s", None),
        ] {
            assert_eq!(parse_duration(text), millis.map(Duration::from_millis), "{text}");
        }
    }
}
