//! The `payout` command against a gateway that was written from the documentation alone.
//!
//! `tests/foreign/gateway.py` shares no line with the client or the sandbox. It checks every
//! signature, opens every sealed block, keeps its own ledger, and notes a withdrawal that is sent
//! again without a query in between. `tests/foreign/drive.py` kills the command on the way and
//! compares report and ledger row for row. Python's standard library and `openssl` are all it
//! needs.

use std::{env, process::Command};

/// Runs the driver. Without Python or openssl it says so, and fails in CI.
#[track_caller]
#[expect(clippy::print_stdout, reason = "a test that is skipped says so")]
fn drive(arguments: &[&str]) {
    for tool in ["python3", "openssl"] {
        if let Err(error) = Command::new(tool).arg("version").output() {
            assert!(env::var_os("CI").is_none(), "{tool} is required in CI: {error}");
            println!("skipped: {tool} is not here ({error})");
            return;
        }
    }
    let output = Command::new("python3")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/foreign/drive.py"))
        .args(["--payout", env!("CARGO_BIN_EXE_payout")])
        .args(arguments)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "drive.py {}\n{}{}",
        arguments.join(" "),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn a_stranger_understands_every_call() {
    drive(&["--rows", "100", "--otp-every", "5", "--seed", "1"]);
}

#[test]
fn a_stranger_understands_withdrawals_by_account_number() {
    drive(&["--rows", "60", "--route", "direct", "--faults", "0.1", "--kills", "3", "--seed", "5"]);
}

#[test]
fn report_and_ledger_agree_with_faults_and_ten_kills() {
    let arguments = "--rows 80 --faults 0.15 --kills 10 --otp-every 3 --token-life 3 --seed 4";
    drive(&arguments.split(' ').collect::<Vec<_>>());
}
