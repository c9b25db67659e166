//! `cargo fuzz run names`: see `kess_fuzz_targets::names`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| kess_fuzz_targets::names(bytes));
