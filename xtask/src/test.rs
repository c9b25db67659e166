//! `cargo xtask test`: every test of the project, from a fresh clone, with one command.
//!
//! Rust alone is enough to run the Rust tests. What needs a tool from elsewhere is skipped with a
//! message where the tool is absent; `--all` makes that an error. All steps run even if an earlier
//! one failed, and the summary at the end says how each of them went.

use std::path::PathBuf;
use std::process::Command;

use crate::tools::{self, PYTHON};
use crate::{console, process, python, root, target_folder};

/// What `cargo xtask test` takes.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// A missing foreign tool (php, openssl, python3) is an error
    #[arg(long)]
    all: bool,
    /// Only the Rust tests that these words select; the other steps are left out
    #[arg(last = true)]
    filter: Vec<String>,
}

/// How a step went.
enum Outcome {
    Passed,
    Failed(String),
    Skipped(String),
}

impl From<Result<(), String>> for Outcome {
    fn from(result: Result<(), String>) -> Self {
        match result {
            Ok(()) => Self::Passed,
            Err(message) => Self::Failed(message),
        }
    }
}

/// A step's title, and what it does.
type Step = (&'static str, fn(&Options) -> Outcome);

const STEPS: &[Step] = &[
    ("Rust tests", rust_tests),
    ("documentation tests", documentation_tests),
    ("the OpenAPI document", openapi_checks),
    ("an attack on the sandbox", attack_sandbox),
];

/// Runs the tests.
pub(crate) fn run(options: &Options) -> Result<(), String> {
    if options.all {
        let missing: Vec<String> =
            tools::ALL.iter().filter(|tool| !tool.is_present()).map(tools::Tool::missing).collect();
        if !missing.is_empty() {
            return Err(format!("--all needs every tool:\n  {}", missing.join("\n  ")));
        }
    }
    if !options.filter.is_empty() {
        return process::run(&mut rust_test_command(options));
    }
    let outcomes: Vec<(&str, Outcome)> = STEPS
        .iter()
        .map(|(title, work)| {
            console::step(title);
            (*title, work(options))
        })
        .collect();
    summary(&outcomes)
}

fn summary(outcomes: &[(&str, Outcome)]) -> Result<(), String> {
    console::step("summary");
    for tool in tools::ALL.iter().filter(|tool| !tool.is_present()) {
        console::warn(&format!("  note     {}", tool.missing()));
    }
    let mut failed = 0_usize;
    for (title, outcome) in outcomes {
        console::say(&match outcome {
            Outcome::Passed => format!("  passed   {title}"),
            Outcome::Skipped(reason) => format!("  skipped  {title}: {reason}"),
            Outcome::Failed(message) => {
                failed += 1;
                format!("  FAILED   {title}: {message}")
            }
        });
    }
    if failed == 0 { Ok(()) } else { Err(format!("{failed} of {} steps failed", outcomes.len())) }
}

fn rust_tests(options: &Options) -> Outcome {
    process::run(&mut rust_test_command(options)).into()
}

/// nextest where it is installed, since it is faster and reports better; plain cargo elsewhere.
fn rust_test_command(options: &Options) -> Command {
    let mut command = process::cargo();
    if process::find("cargo-nextest").is_some() {
        command.args(["nextest", "run", "--workspace", "--no-fail-fast"]);
    } else {
        command.args(["test", "--workspace", "--lib", "--bins", "--tests", "--no-fail-fast"]);
    }
    if options.all {
        command.env(tools::REQUIRE_TOOLS, "1");
    }
    command.args(&options.filter);
    command
}

fn documentation_tests(_options: &Options) -> Outcome {
    process::run(process::cargo().args(["test", "--workspace", "--doc", "--quiet"])).into()
}

fn openapi_checks(_options: &Options) -> Outcome {
    with_python(|python| {
        process::run(process::at_root(python).arg(root().join("spec/checks/check_openapi.py")))
    })
}

/// schemathesis makes up requests from the OpenAPI document and sends them to `payout sandbox`.
fn attack_sandbox(_options: &Options) -> Outcome {
    with_python(|python| {
        // With the tests' dependencies, so that nothing is compiled that the tests did not need.
        process::run(process::cargo().args(["build", "--workspace", "--bins", "--tests"]))?;
        let payout = format!("payout{}", std::env::consts::EXE_SUFFIX);
        process::run(
            process::at_root(python)
                .arg(root().join("spec/checks/attack_sandbox.py"))
                .arg(target_folder().join("debug").join(payout)),
        )
    })
}

fn with_python(check: impl FnOnce(PathBuf) -> Result<(), String>) -> Outcome {
    if PYTHON.is_present() {
        python::interpreter().and_then(check).into()
    } else {
        Outcome::Skipped(PYTHON.missing())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_failed_step_fails_the_whole() {
        let outcomes = [
            ("one", Outcome::Passed),
            ("two", Outcome::Skipped("no php".into())),
            ("three", Outcome::Failed("exit status 1".into())),
        ];
        assert_eq!(summary(&outcomes), Err("1 of 3 steps failed".into()));
        assert_eq!(summary(&outcomes[..2]), Ok(()));
    }
}
