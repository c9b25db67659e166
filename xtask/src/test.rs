//! `cargo xtask test`: every test of the project, from a fresh clone, with one command.
//!
//! Rust alone is enough to run the Rust tests. What needs a tool from elsewhere is skipped with a
//! message where the tool is absent; `--all` makes that an error. All steps run even if an earlier
//! one failed, and the summary at the end says how each of them went.

mod kotlin;
mod page;
mod python;
mod swift;

use std::path::PathBuf;
use std::process::Command;

use crate::python::CHECKS;
use crate::tools::{self, PYTHON};
use crate::{console, process, queries, root, target_folder};

/// What `cargo xtask test` takes.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// A missing foreign tool (php, python3, chromium, java, swift and the like) is an error
    #[arg(long)]
    all: bool,
    /// Only the steps whose title holds this word, such as `Python`
    #[arg(long, value_name = "WORD")]
    only: Option<String>,
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
    ("the engine as a phone has it", engine_for_phones),
    ("documentation tests", documentation_tests),
    ("the statements for PostgreSQL", statements),
    ("the OpenAPI document", openapi_checks),
    ("an attack on the sandbox", attack_sandbox),
    ("the operator's page in a browser", operators_page),
    ("the Python package", python_package),
    ("the Kotlin package", kotlin_package),
    ("the Swift package", swift_package),
];

/// Runs the tests.
pub(crate) fn run(options: &Options) -> Result<(), String> {
    if options.all {
        let missing: Vec<String> = tools::missing().collect();
        if !missing.is_empty() {
            return Err(format!("--all needs every tool:\n  {}", missing.join("\n  ")));
        }
    }
    if !options.filter.is_empty() {
        return process::run(&mut rust_test_command(options));
    }
    let only = options.only.as_deref().unwrap_or_default();
    let steps = STEPS.iter().filter(|(title, _)| title.contains(only));
    let outcomes: Vec<(&str, Outcome)> = steps
        .map(|(title, work)| {
            console::step(title);
            (*title, work(options))
        })
        .collect();
    if outcomes.is_empty() {
        let titles: Vec<&str> = STEPS.iter().map(|(title, _)| *title).collect();
        return Err(format!(
            "no step holds `{only}` in its title; there are: {}",
            titles.join(", ")
        ));
    }
    summary(&outcomes)
}

fn summary(outcomes: &[(&str, Outcome)]) -> Result<(), String> {
    console::step("summary");
    for missing in tools::missing() {
        console::warn(&format!("  note     {missing}"));
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

/// All but the binding: it can only be loaded by Python, and its tests are Python's.
const TESTED_BY_RUST: [&str; 3] = ["--workspace", "--exclude", "kesspay-python"];

/// nextest where it is installed, since it is faster and reports better; plain cargo elsewhere.
fn rust_test_command(options: &Options) -> Command {
    let mut command = process::cargo();
    if process::find("cargo-nextest").is_some() {
        command.args(["nextest", "run", "--no-fail-fast"]).args(TESTED_BY_RUST);
    } else {
        command.args(["test", "--lib", "--bins", "--tests", "--no-fail-fast"]);
        command.args(TESTED_BY_RUST);
    }
    if options.all {
        command.env(tools::REQUIRE_TOOLS, "1");
    }
    command.args(&options.filter);
    command
}

/// What stands in for the features that a phone does without; the other tests have them all.
fn engine_for_phones(_options: &Options) -> Outcome {
    let what = ["test", "-p", "payout-engine", "--no-default-features", "--lib", "--quiet"];
    process::run(process::cargo().args(what).args(["--", "intake::", "report::"])).into()
}

fn statements(_options: &Options) -> Outcome {
    match queries::is_possible() {
        true => queries::check().into(),
        false => Outcome::Skipped(tools::POSTGRES.missing()),
    }
}

fn documentation_tests(_options: &Options) -> Outcome {
    process::run(process::cargo().args(["test", "--doc", "--quiet"]).args(TESTED_BY_RUST)).into()
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
        process::run(process::cargo().args(["build", "--bins", "--tests"]).args(TESTED_BY_RUST))?;
        let payout = format!("payout{}", std::env::consts::EXE_SUFFIX);
        process::run(
            process::at_root(python)
                .arg(root().join("spec/checks/attack_sandbox.py"))
                .arg(target_folder().join("debug").join(payout)),
        )
    })
}

/// Starts `payout serve`, and uses its page as a person does.
fn operators_page(_options: &Options) -> Outcome {
    match tools::PAGE.iter().find_map(|tool| tool.find().err()) {
        Some(missing) => Outcome::Skipped(missing),
        None => page::page().into(),
    }
}

/// Builds a wheel, and lets Python use it.
fn python_package(_options: &Options) -> Outcome {
    if PYTHON.is_present() { python::binding().into() } else { Outcome::Skipped(PYTHON.missing()) }
}

/// Compiles the Kotlin package, and lets its tests use it.
fn kotlin_package(_options: &Options) -> Outcome {
    match tools::KOTLIN.iter().find_map(|tool| tool.find().err()) {
        Some(missing) => Outcome::Skipped(missing),
        None => kotlin::package().into(),
    }
}

/// Compiles the Swift package, and lets its tests use it.
fn swift_package(_options: &Options) -> Outcome {
    match crate::swift::missing() {
        Some(missing) => Outcome::Skipped(missing),
        None => swift::package().into(),
    }
}

fn with_python(check: impl FnOnce(PathBuf) -> Result<(), String>) -> Outcome {
    if PYTHON.is_present() {
        CHECKS.interpreter().and_then(check).into()
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
