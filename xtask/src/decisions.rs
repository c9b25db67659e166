//! `cargo xtask decisions`: writes docs/decisions.md anew, from what the engine does.
//!
//! The page is made by a test of the engine, which otherwise compares; see
//! `payout-engine/tests/it/decisions.rs`.

use crate::process;

pub(crate) fn run() -> Result<(), String> {
    let test = ["test", "--package", "payout-engine", "--test", "it", "decisions::"];
    process::run(process::cargo().args(test).env("KESSPAY_WRITE_DECISIONS", "1"))
}
