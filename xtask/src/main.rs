//! The one door to every chore of the project: `cargo xtask CHORE`.
//!
//! What can be done with plain cargo stays plain cargo; what takes more than one step, or a tool
//! that is not Rust, is a chore here. A chore says in plain words what it does and what it lacks,
//! and ends with 0 (done), 1 (something is wrong with the project) or 2 (wrong usage).

mod bench;
mod codegen;
mod console;
mod decisions;
mod fuzz;
mod instructions;
mod kotlin;
mod package;
mod planted;
mod process;
mod python;
mod queries;
mod swift;
mod test;
mod tidy;
mod tools;
mod uniffi;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The chores of the kesspay project.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version)]
struct Cli {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Run all tests; whatever they need is made on the spot
    Test(test::Options),
    /// Generate everything that comes from spec/
    Codegen(codegen::Options),
    /// Write docs/decisions.md anew: what the engine does with every answer
    Decisions,
    /// Write anew what the compiler knows of the statements of the store on PostgreSQL
    Queries(queries::Options),
    /// Check what the compiler does not: sizes, names, links, secrets, formatting
    Tidy,
    /// Throw made-up input at everything that reads what others wrote, for a while
    Fuzz(fuzz::Options),
    /// Plant bugs about money, one after the other, and see the tests find each of them
    Planted(planted::Options),
    /// Run the benchmarks
    Bench(bench::Options),
    /// Count the instructions of the pure parts, and hold them against what is written down
    Instructions(instructions::Options),
    /// Build what is handed to others
    Package(package::Options),
}

fn main() -> ExitCode {
    let result = match Cli::parse().chore {
        Chore::Test(options) => test::run(&options),
        Chore::Codegen(options) => codegen::run(&options),
        Chore::Decisions => decisions::run(),
        Chore::Queries(options) => queries::run(&options),
        Chore::Tidy => tidy::run(),
        Chore::Fuzz(options) => fuzz::run(&options),
        Chore::Planted(options) => planted::run(&options),
        Chore::Bench(options) => bench::run(&options),
        Chore::Instructions(options) => instructions::run(&options),
        Chore::Package(options) => package::run(&options),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            console::warn(&format!("error: {message}"));
            ExitCode::FAILURE
        }
    }
}

/// The root of the repository.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// Where cargo builds, and where chores keep what they make.
fn target_folder() -> PathBuf {
    let chosen = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    root().join(chosen.unwrap_or_else(|| "target".into()))
}
