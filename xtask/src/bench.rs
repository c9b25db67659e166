//! `cargo xtask bench`: whole runs held against what is wanted of them; and, instead of that, the
//! pure parts, the Python binding against Rust, what another worker is worth, how long compiling
//! takes.

mod compile;
mod document;
mod speed;

use std::path::Path;

use crate::package::{self, Build};
use crate::tools::PYTHON;
use crate::{process, python, root, target_folder};

/// What `cargo xtask bench` takes.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// As little as shows that it runs; the figures say nothing
    #[arg(long)]
    quick: bool,
    /// Write the table and the picture into docs/, too
    #[arg(long, conflicts_with_all = ["quick", "pure", "python", "workers"])]
    document: bool,
    /// The criterion benchmarks of the pure parts, instead; arguments are criterion's, such as the
    /// name of a benchmark
    #[arg(long, conflicts_with_all = ["python", "workers", "compile"])]
    pure: bool,
    /// The Python binding against the Rust crates and against a script with aiohttp, instead;
    /// arguments choose among calls, batch and peers
    #[arg(long, conflicts_with_all = ["workers", "compile"])]
    python: bool,
    /// One `payout worker` against two, on this empty PostgreSQL database, instead; arguments are
    /// those of benches/workers.py
    #[arg(long, value_name = "URL", conflicts_with = "compile")]
    workers: Option<String>,
    /// How long `payout` takes to compile from nothing, and how large it is, instead
    #[arg(long)]
    compile: bool,
    /// Passed on: the parts to measure and the options of `kess-bench compare`
    #[arg(last = true)]
    arguments: Vec<String>,
}

/// Runs the benchmarks.
pub(crate) fn run(options: &Options) -> Result<(), String> {
    if options.python {
        return compare_python(options);
    }
    if let Some(url) = &options.workers {
        return compare_workers(url, options);
    }
    if options.pure {
        return pure(options);
    }
    if options.compile {
        return compile::run(options.document);
    }
    speed::run(options.quick, options.document, &options.arguments)
}

/// Runs the criterion benchmarks of the `benches` crate.
fn pure(options: &Options) -> Result<(), String> {
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
