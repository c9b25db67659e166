//! `cargo xtask bench`: the criterion benchmarks, the Python binding against Rust, and what another
//! worker is worth.

use std::path::Path;

use crate::package::{self, Build};
use crate::tools::PYTHON;
use crate::{process, python, root, target_folder};

/// What `cargo xtask bench` takes.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// A few iterations only, to see that the benchmarks run
    #[arg(long)]
    quick: bool,
    /// The Python binding against the Rust crates and against a script with aiohttp, instead;
    /// arguments choose among calls, batch and peers
    #[arg(long)]
    python: bool,
    /// One `payout worker` against two, on this empty PostgreSQL database, instead; arguments are
    /// those of benches/workers.py
    #[arg(long, value_name = "URL")]
    workers: Option<String>,
    /// Passed on to criterion, such as the name of a benchmark
    #[arg(last = true)]
    arguments: Vec<String>,
}

/// Runs the benchmarks of the `benches` crate.
pub(crate) fn run(options: &Options) -> Result<(), String> {
    if options.python {
        return compare_python(options);
    }
    if let Some(url) = &options.workers {
        return compare_workers(url, options);
    }
    let mut command = process::cargo();
    command.args(["bench", "--package", "kess-benches", "--benches", "--"]);
    if options.quick {
        command.args(["--warm-up-time", "0.1", "--measurement-time", "0.2", "--sample-size", "10"]);
    }
    process::run(command.args(&options.arguments))
}

/// Lets `benches/workers.py` run one worker and two in turns.
fn compare_workers(url: &str, options: &Options) -> Result<(), String> {
    let build = ["build", "--release", "--package", "payout-engine", "--bin", "payout"];
    process::run(process::cargo().args(build))?;
    let mut command = process::at_root(PYTHON.find()?);
    command.arg(root().join("benches/workers.py"));
    command.arg(target_folder().join("release").join("payout")).arg(url);
    if options.quick {
        command.args(["--rows", "300", "--rounds", "1"]);
    }
    process::run(command.args(&options.arguments))
}

/// Builds both sides optimised, and lets `benches/python/compare.py` run them in turns.
fn compare_python(options: &Options) -> Result<(), String> {
    let interpreter = python::BENCH.interpreter()?;
    let wheel = package::wheel(Build::Release { manylinux: false })?;
    let fresh: &[&Path] = &["--force-reinstall".as_ref(), "--no-deps".as_ref(), &wheel];
    python::install(&interpreter, fresh)?;
    let build = ["build", "--release", "--package", "kess-benches", "--bin", "kess-bench"];
    process::run(process::cargo().args(build))?;

    let mut command = process::at_root(interpreter);
    command.arg(root().join("benches/python/compare.py"));
    command.arg(target_folder().join("release").join("kess-bench"));
    command.arg(target_folder().join("bench"));
    if options.quick {
        command.arg("--quick");
    }
    process::run(command.args(&options.arguments))
}
