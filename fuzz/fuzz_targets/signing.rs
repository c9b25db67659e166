//! `cargo fuzz run signing`: see `kess_fuzz_targets::signing`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| kess_fuzz_targets::signing(bytes));
