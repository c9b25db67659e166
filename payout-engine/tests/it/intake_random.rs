//! Whatever stands in a file, it is read to its end, without a panic and without losing a row.

use payout_engine::intake::{self, SEALED_BYTES};
use rand::{Rng, SeedableRng, rngs::StdRng};

use crate::intake::{HEADING, row};

/// Bytes that mean something to somebody who splits records, and some that do not.
const ALPHABET: &[&[u8]] = &[
    b",",
    b";",
    b"\t",
    b"\"",
    b"\n",
    b"\r",
    b"\r\n",
    b"'",
    b"=",
    b"0",
    b"9",
    b".",
    b"-",
    b"e",
    b"E+11",
    b"\0",
    b"\xff",
    b"\xfe",
    b"\xef\xbb\xbf",
    b"\xe9",
    b"\xed\xa0\x80",
    b" ",
    b"\xc2\xa0",
    b"total",
    b"A",
    b"sep=;\n",
    b"\xe1\x9f\xa0",
    b"USD",
    b"#REF!",
    b"PK\x03\x04",
    b"amount",
    b"\xf0\x9f\x98\x80",
];

/// Two thousand files from one seed: noise, noise below a heading, and good files that were
/// changed here and there, in UTF-8 and UTF-16.
#[test]
fn random_and_mutated_files_are_read_without_a_panic() {
    let mut random = StdRng::seed_from_u64(3);
    let good = format!("{HEADING}\n{}\n{}\n", row("A"), row("B"));
    let mut invalid = 0;
    for round in 0..2_000 {
        let mut bytes = match round % 4 {
            0 => Vec::new(),
            1 => format!("{HEADING}\n").into_bytes(),
            2 => good.clone().into_bytes(),
            _ => good.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        };
        // Most changes spare the heading, because without one nothing below it is read.
        let spared = if round % 8 < 6 { bytes.len().min(HEADING.len() + 1) } else { 0 };
        for _ in 0..random.gen_range(1..12) {
            let at = random.gen_range(spared..=bytes.len());
            let removed = random.gen_range(0..3).min(bytes.len() - at);
            let piece = ALPHABET[random.gen_range(0..ALPHABET.len())];
            bytes.splice(at..at + removed, piece.iter().copied());
        }
        let checked = intake::check_bytes(bytes, SEALED_BYTES).unwrap();
        assert!(checked.valid <= checked.rows, "round {round}");
        if checked.sha256.is_empty() {
            assert!(!checked.problems.is_empty(), "round {round}");
            continue;
        }
        let loaded: Vec<_> = intake::load(&checked).unwrap().map(Result::unwrap).collect();
        let valid = loaded.iter().filter(|payout| payout.invalid.is_none()).count();
        assert_eq!((loaded.len() as u64, valid as u64), (checked.rows, checked.valid), "{round}");
        invalid += u64::from(checked.valid < checked.rows);
    }
    assert!(invalid > 300, "{invalid}: the files are too good to prove anything");
}
