//! `cargo xtask fuzz`: every fuzz target for a while, without libFuzzer.
//!
//! The targets are functions in `fuzz/targets`; here a driver of our own runs them, on any
//! toolchain. Who has a nightly one and `cargo-fuzz` runs the same functions with coverage:
//! `cargo fuzz run TARGET`.

use crate::{console, process};

/// What `cargo xtask fuzz` takes.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Only these targets [default: all]
    targets: Vec<String>,
    /// How long each of them runs
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Which inputs are made up; the same ones for the same number
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Runs the targets.
pub(crate) fn run(options: &Options) -> Result<(), String> {
    console::step("fuzz targets");
    let mut driver = process::cargo();
    driver.args(["run", "--quiet", "--package", "kess-fuzz-targets", "--"]);
    driver.args([options.seconds.to_string(), options.seed.to_string()]);
    process::run(driver.args(&options.targets))
}
