//! Every row of the table, in its order.

use super::number::Number;
use super::table::{Target, Wanted};

const MIB: &str = "MiB";

const fn least(thousandths: u64) -> Wanted {
    Wanted::AtLeast(Number::thousandths(thousandths))
}

const fn most(thousandths: u64) -> Wanted {
    Wanted::AtMost(Number::thousandths(thousandths))
}

const fn target(
    id: &'static str,
    what: &'static str,
    unit: &'static str,
    wanted: Wanted,
) -> Target {
    Target { id, what, unit, wanted }
}

/// What is wanted of the project, and beside it what helps to understand that.
pub(super) const TARGETS: &[Target] = &[
    target(
        "zero",
        "no latency, 256 in flight: payouts/s of bare reqwest calls/s / 3",
        "",
        least(800),
    ),
    target("50ms", "50 ms, 512 in flight: payouts/s of Little's bound", "", least(950)),
    target("200ms", "200 ms, 2,048 in flight: payouts/s of Little's bound", "", least(900)),
    target(
        "naive",
        "payouts/s of a Rust loop that commits each row by itself",
        "times",
        least(8_000),
    ),
    target("python", "payouts/s of aiohttp and sqlite3, a commit a write", "times", least(10_000)),
    target(
        "python-group",
        "payouts/s of aiohttp and sqlite3, group commit",
        "times",
        Wanted::Nothing,
    ),
    target(
        "check-csv",
        "check of 1,000,000 rows: time of the csv crate's reading",
        "times",
        most(1_500),
    ),
    target(
        "check-polars",
        "check of 1,000,000 rows: time of polars reading and checking",
        "times",
        most(1_000),
    ),
    target("check-memory", "check of 1,000,000 rows: peak memory", MIB, most(64_000)),
    target("check-memory-10m", "check of 10,000,000 rows: peak memory", MIB, most(256_000)),
    target("run-memory", "run of 1,000,000 rows, 256 in flight: peak memory", MIB, most(64_000)),
    target("flight-memory", "each further payout in flight, 256 to 2,048", "KiB", most(96_000)),
    target(
        "resume",
        "resume of a half-run 1,000,000-row batch: until its first call",
        "s",
        most(2_000),
    ),
    target(
        "seal-share",
        "sealing: share of a payout's processor time",
        "",
        Wanted::Below(Number::thousandths(100)),
    ),
    target("sign", "encoding and signing a withdrawal", "µs", Wanted::Below(Number::whole(2))),
    target(
        "sign-hash",
        "encoding and signing: time of SHA-256 of the same bytes",
        "times",
        Wanted::Nothing,
    ),
    target(
        "seal-openssl",
        "sealing: time of OpenSSL's RSA with a public key",
        "times",
        Wanted::Nothing,
    ),
    target("limited", "429s: calls answered of those that the gateway admits", "", least(950)),
    target(
        "retry-after",
        "429s: calls that came inside a Retry-After",
        "",
        Wanted::AtMost(Number::whole(0)),
    ),
    target("load", "loading a file into the store: rows/s", "", Wanted::Nothing),
    target(
        "journal-1",
        "durable transitions/s, 1 a commit, of plain appends with fsync",
        "",
        Wanted::Nothing,
    ),
    target("journal-8", "8 a commit", "", Wanted::Nothing),
    target("journal-64", "64 a commit", "", Wanted::Nothing),
    target("journal-256", "256 a commit", "", Wanted::Nothing),
    target("journal-512", "512 a commit", "", Wanted::Nothing),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::compare::PARTS;

    #[test]
    fn every_target_is_measured_by_one_part() {
        let parts: Vec<&str> = PARTS.iter().flat_map(|part| part.measures).copied().collect();
        let targets: BTreeSet<&str> = TARGETS.iter().map(|target| target.id).collect();
        assert_eq!(targets.len(), TARGETS.len(), "two targets with one name");
        assert_eq!(parts.len(), targets.len(), "{parts:?}");
        assert_eq!(parts.into_iter().collect::<BTreeSet<_>>(), targets);
    }
}
