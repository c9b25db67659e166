//! What is fuzzed: one function a target. Each takes any bytes, and panics where something is not
//! as it must be.
//!
//! The functions know no driver. libFuzzer drives them under `cargo fuzz run TARGET`, our own
//! mutations under `cargo xtask fuzz`, and the tests here with the seeds of `fuzz/corpus/`.
//!
//! Invariant: a target asks for more than that nothing panics. What is accepted has to hold what
//! the rest of the project relies on.

mod client;
mod file;
mod text;

pub use client::{notice, reply, signing};
pub use file::intake;
pub use text::{khqr, money, names};

/// A target: its name, which is that of its folder of seeds, and its function.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: &[Target] = &[
    ("intake", intake),
    ("reply", reply),
    ("notice", notice),
    ("khqr", khqr),
    ("money", money),
    ("names", names),
    ("signing", signing),
];

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    #[test]
    fn every_seed_of_every_target_holds() {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus");
        for (name, target) in TARGETS {
            let mut seeds = 0;
            for seed in fs::read_dir(corpus.join(name)).unwrap() {
                target(&fs::read(seed.unwrap().path()).unwrap());
                seeds += 1;
            }
            assert!(seeds >= 3, "{name} has {seeds} seeds");
        }
    }

    #[test]
    fn libfuzzer_has_every_target() {
        let manifest = include_str!("../../Cargo.toml");
        for (name, _) in TARGETS {
            let listed = format!("[[bin]]\nname = \"{name}\"\npath = \"fuzz_targets/{name}.rs\"\n");
            assert!(manifest.contains(&listed), "{name}");
        }
    }
}
