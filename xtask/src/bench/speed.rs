//! Builds what is measured, optimised, and lets `kess-bench compare` measure it.

use std::ffi::OsString;

use super::document;
use crate::tools::PYTHON;
use crate::{console, process, python, root, target_folder};

/// The rows of the table that need Python are left out, with the reason, where it is not there.
pub(super) fn run(quick: bool, is_documented: bool, arguments: &[String]) -> Result<(), String> {
    console::step("building kess-bench and payout, optimised");
    // One after the other: together, the engine under the first would be built with all features.
    for (package, program) in [("kess-benches", "kess-bench"), ("payout-engine", "payout")] {
        let build = ["build", "--release", "--package", package, "--bin", program];
        process::run(process::cargo().args(build))?;
    }
    let interpreter = PYTHON.find().and_then(|_| python::PEERS.interpreter());

    let (release, folder) = (target_folder().join("release"), target_folder().join("bench"));
    let mut command = process::at_root(release.join("kess-bench"));
    command.arg("compare").arg(&folder).arg("--payout").arg(release.join("payout"));
    command.arg("--peers").arg(root().join("benches/peers")).args(["--commit", &commit()]);
    let (flag, value) = match interpreter {
        Ok(python) => ("--python", python.into_os_string()),
        Err(why) => ("--no-python", OsString::from(why)),
    };
    command.arg(flag).arg(value);
    if quick {
        command.arg("--quick");
    }
    console::step("measuring");
    process::run(command.args(arguments))?;
    console::warn(&format!("every round is in {}", folder.join("speed.json").display()));
    if is_documented { document::speed(&folder) } else { Ok(()) }
}

/// The commit that is measured, and whether there is more than that.
fn commit() -> String {
    let git = |arguments: &[&str]| process::output(process::at_root("git").args(arguments));
    let Ok(head) = git(&["rev-parse", "--short=12", "HEAD"]) else { return "unknown".to_owned() };
    let clean =
        git(&["status", "--porcelain", "--untracked-files=no"]).is_ok_and(|it| it.is_empty());
    format!("{}{}", head.trim(), if clean { "" } else { " and changes" })
}
