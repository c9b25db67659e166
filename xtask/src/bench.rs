//! `cargo xtask bench`: the criterion benchmarks.

use crate::process;

/// What `cargo xtask bench` takes.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// A few iterations only, to see that the benchmarks run
    #[arg(long)]
    quick: bool,
    /// Passed on to criterion, such as the name of a benchmark
    #[arg(last = true)]
    arguments: Vec<String>,
}

/// Runs the benchmarks of the `benches` crate.
pub(crate) fn run(options: &Options) -> Result<(), String> {
    let mut command = process::cargo();
    command.args(["bench", "--package", "kess-benches", "--"]);
    if options.quick {
        command.args(["--warm-up-time", "0.1", "--measurement-time", "0.2", "--sample-size", "10"]);
    }
    process::run(command.args(&options.arguments))
}
