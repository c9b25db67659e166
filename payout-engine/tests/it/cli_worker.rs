//! `payout worker` on a store that one machine has to itself, and `payout pause`.

use std::io::Read;

use kess_sandbox::Sandbox;

use crate::cli_kill::{booked, compare, slow_sandbox};
use crate::command::{Desk, counts, rows, signal};

/// Enough that a run takes longer than the second within which it notices a pause.
const ROWS: u32 = 400;

fn begin(sandbox: &Sandbox) -> Desk {
    let desk = Desk::at(sandbox);
    desk.write_rows("june.csv", &rows(ROWS));
    desk
}

const RUN: [&str; 7] = ["run", "june.csv", "--yes", "--batch", "june", "--concurrency", "2"];

#[test]
fn a_paused_batch_ends_its_run_and_is_run_by_nobody_until_it_is_resumed() {
    let sandbox = slow_sandbox();
    let desk = begin(&sandbox);
    let mut child = desk.spawn(&RUN);
    assert!(booked(&sandbox, 5, &mut child));
    let paused = desk.payout(&["pause", "june"]).expect(0);
    assert!(paused.stdout.contains("payout resume june"), "{}", paused.stdout);
    assert_eq!(child.wait().unwrap().code(), Some(130), "the run ends as if interrupted");
    let sent = sandbox.ledger().rows.len();
    assert!(sent < ROWS as usize, "too late to tell");
    assert!(desk.payout(&["list"]).expect(0).stdout.contains("paused"));

    // A worker leaves it alone, too, and looks whether there is anything else.
    let mut worker = desk.spawn(&["worker"]);
    wait_for(&mut worker, "looks for batches");
    signal(&worker, "TERM");
    assert_eq!(worker.wait().unwrap().code(), Some(0));
    assert_eq!(sandbox.ledger().rows.len(), sent);

    let document = desk.payout(&["resume", "june", "--json"]).expect(0).json();
    assert_eq!(counts(&document), [("paid".to_owned(), u64::from(ROWS))]);
    compare(&sandbox, &desk.report(&["june"]));
    let audit = desk.payout(&["audit", "june"]).expect(0);
    assert!(!audit.stdout.is_empty());
}

#[test]
fn a_worker_goes_on_with_what_a_killed_run_left() {
    let sandbox = slow_sandbox();
    let desk = begin(&sandbox);
    let mut child = desk.spawn(&RUN);
    assert!(booked(&sandbox, 5, &mut child));
    child.kill().unwrap();
    child.wait().unwrap();
    let mut worker = desk.spawn(&["worker"]);
    wait_for(&mut worker, "june: nothing left to do here");
    signal(&worker, "TERM");
    assert_eq!(worker.wait().unwrap().code(), Some(0));
    let document = desk.payout(&["status", "june", "--json"]).expect(0).json();
    assert_eq!(counts(&document), [("paid".to_owned(), u64::from(ROWS))]);
    compare(&sandbox, &desk.report(&["june"]));
}

#[test]
fn a_batch_that_is_handed_over_is_paid_by_a_worker() {
    let sandbox = Sandbox::start().unwrap();
    let desk = begin(&sandbox);
    let handed = desk.payout(&[&RUN[..], &["--hand-over"]].concat()).expect(5);
    assert!(handed.stderr.contains("left to the workers"), "{}", handed.stderr);
    assert!(sandbox.ledger().rows.is_empty(), "it was paid before it was handed over");
    let mut worker = desk.spawn(&["worker"]);
    wait_for(&mut worker, "june: nothing left to do here");
    signal(&worker, "TERM");
    assert_eq!(worker.wait().unwrap().code(), Some(0));
    compare(&sandbox, &desk.report(&["june"]));
}

/// Reads what the process says until it says this.
fn wait_for(child: &mut std::process::Child, words: &str) {
    let stderr = child.stderr.as_mut().unwrap();
    let (mut said, mut byte) = (Vec::new(), [0]);
    while !String::from_utf8_lossy(&said).contains(words) {
        let read = stderr.read(&mut byte).unwrap();
        assert_eq!(read, 1, "it ended: {}", String::from_utf8_lossy(&said));
        said.push(byte[0]);
    }
}
