//! `cargo fuzz run reply`: see `kess_fuzz_targets::reply`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| kess_fuzz_targets::reply(bytes));
