//! `cargo fuzz run intake`: see `kess_fuzz_targets::intake`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| kess_fuzz_targets::intake(bytes));
