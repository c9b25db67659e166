//! `cargo fuzz run money`: see `kess_fuzz_targets::money`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| kess_fuzz_targets::money(bytes));
