//! `cargo fuzz run khqr`: see `kess_fuzz_targets::khqr`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| kess_fuzz_targets::khqr(bytes));
