//! The tests of the operator's page: a person's whole payroll, in a real Chromium.
//!
//! Chromium is the one of this machine; what drives it comes from npm under `target/`, pinned with
//! its hashes in the tests' folder. Pictures of every page lie in `target/page-screenshots`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::TESTED_BY_RUST;
use crate::tools;
use crate::{console, process, root, target_folder, uniffi};

/// The tests, and the versions of what they are run with.
const TESTS: &str = "payout-engine/tests/page";

/// Everything about the page, with the command as the other tests have built it.
pub(super) fn page() -> Result<(), String> {
    let packages = packages()?;
    process::run(process::cargo().args(["build", "--bins", "--tests"]).args(TESTED_BY_RUST))?;
    let payout = format!("payout{}", std::env::consts::EXE_SUFFIX);
    process::run(
        process::at_root(tools::NODE.find()?)
            // One file after the other: each starts servers and a browser.
            .args(["--test", "--test-concurrency=1"])
            .args(files()?)
            .env("PAYOUT", target_folder().join("debug").join(payout))
            .env("CHROMIUM", tools::CHROMIUM.find()?)
            .env("PAGE_TOOLS", packages)
            .env("PAGE_SCREENSHOTS", target_folder().join("page-screenshots")),
    )
}

/// The files of tests, in the order of their names.
fn files() -> Result<Vec<PathBuf>, String> {
    let folder = root().join(TESTS);
    let entries = fs::read_dir(&folder)
        .map_err(|error| format!("cannot list {}: {error}", folder.display()))?;
    let is_test = |path: &PathBuf| path.to_string_lossy().ends_with(".test.mjs");
    let mut files: Vec<_> = entries.flatten().map(|it| it.path()).filter(is_test).collect();
    files.sort();
    Ok(files)
}

/// The folder with what is pinned, installed.
fn packages() -> Result<PathBuf, String> {
    let folder = target_folder().join("page-tests");
    let installed = folder.join("installed.json");
    let pinned = root().join(TESTS).join("package-lock.json");
    let wanted = fs::read_to_string(&pinned)
        .map_err(|error| format!("cannot read {}: {error}", pinned.display()))?;
    if fs::read_to_string(&installed).is_ok_and(|text| text == wanted) {
        return Ok(folder);
    }
    console::warn("installing what drives the browser in target/page-tests");
    uniffi::empty(&folder)?;
    install(&folder)?;
    fs::write(&installed, wanted)
        .map_err(|error| format!("cannot write {}: {error}", installed.display()))?;
    Ok(folder)
}

fn install(folder: &Path) -> Result<(), String> {
    for file in ["package.json", "package-lock.json"] {
        fs::copy(root().join(TESTS).join(file), folder.join(file))
            .map_err(|error| format!("cannot write into {}: {error}", folder.display()))?;
    }
    let quietly = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
    process::run(Command::new("npm").arg("ci").args(quietly).current_dir(folder))
}
