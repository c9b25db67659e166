//! `cargo fuzz run notice`: see `kess_fuzz_targets::notice`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| kess_fuzz_targets::notice(bytes));
