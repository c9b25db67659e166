//! The process is killed, interrupted, terminated: nobody is paid twice, nobody is forgotten.
//!
//! No test sleeps: the ledger of the gateway says when to strike.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::Child;
use std::time::{Duration, Instant};

use kess_sandbox::{Fault, FaultPlan, FaultRule, Sandbox};
use serde_json::Value;

use crate::command::{Desk, counts, rows, signal};

const ROWS: u32 = 120;

/// A gateway that takes its time, so that there is something to interrupt, and loses some calls.
pub(crate) fn slow_sandbox() -> Sandbox {
    let rule = |fault: Fault| FaultRule::new(fault).service("withdraw");
    let faults = FaultPlan::new()
        .rule(rule(Fault::CutAfterBooking).per_mille(60))
        .rule(rule(Fault::CutBeforeBooking).per_mille(60))
        .rule(rule(Fault::HalfReply).per_mille(30))
        .rule(rule(Fault::Slow(Duration::from_millis(10))));
    Sandbox::builder().seed(11).faults(faults).start().unwrap()
}

/// Waits until the gateway has booked `count` withdrawals; false if the process ended before.
pub(crate) fn booked(sandbox: &Sandbox, count: usize, child: &mut Child) -> bool {
    while sandbox.ledger().rows.len() < count {
        if child.try_wait().unwrap().is_some() {
            return false;
        }
        std::thread::yield_now();
    }
    true
}

/// Every row of the report against the gateway's own books.
pub(crate) fn compare(sandbox: &Sandbox, report: &[Value]) {
    let ledger = sandbox.ledger();
    let mut by_number = BTreeMap::new();
    for row in report {
        assert_eq!(row["status"], "paid", "{row}");
        let number = row["out_trade_no"].as_str().unwrap();
        assert!(by_number.insert(number.to_owned(), row).is_none(), "{number} stands twice");
    }
    assert_eq!(ledger.rows.len(), report.len(), "an order for each row, and no other");
    for booking in &ledger.rows {
        let row = by_number[&booking.out_trade_no];
        assert_eq!(booking.times_booked, 1, "{booking:?}");
        assert_eq!(row["amount"].as_str().unwrap(), format!("{:.2}", booking.moved));
    }
}

#[test]
fn killed_again_and_again_it_pays_everybody_once() {
    let sandbox = slow_sandbox();
    let desk = Desk::at(&sandbox);
    desk.write_rows("june.csv", &rows(ROWS));
    let run = ["run", "june.csv", "--yes", "--batch", "june", "--concurrency", "8"];
    let mut child = desk.spawn(&run);
    let mut kills = 0;
    for target in (5..ROWS as usize).step_by(10) {
        if !booked(&sandbox, target, &mut child) {
            break;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        kills += 1;
        child = desk.spawn(&["resume", "june"]);
    }
    child.wait().unwrap();
    assert!(kills >= 10, "only {kills} kills");
    let document = desk.payout(&["resume", "june", "--json"]).expect(0).json();
    assert_eq!(counts(&document), [("paid".to_owned(), u64::from(ROWS))]);
    compare(&sandbox, &desk.report(&["june"]));
}

#[test]
fn interrupted_once_it_drains_and_says_how_to_go_on() {
    for name in ["INT", "TERM"] {
        let sandbox = slow_sandbox();
        let desk = Desk::at(&sandbox);
        desk.write_rows("june.csv", &rows(ROWS));
        let run =
            ["run", "june.csv", "--yes", "--batch", "june", "--concurrency", "4", "--rate", "100"];
        let mut child = desk.spawn(&run);
        assert!(booked(&sandbox, 5, &mut child), "it ended too early");
        signal(&child, name);
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(130), "{name}");
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains("payout resume june"), "{text}");
        desk.payout(&["resume"]).expect(0);
        compare(&sandbox, &desk.report(&["june"]));
    }
}

#[test]
fn interrupted_twice_it_leaves_at_once_and_resume_pays_the_rest() {
    // Once the calls are out, a reply takes longer than anybody waits for a test.
    let hour =
        FaultRule::new(Fault::Slow(Duration::from_secs(3_600))).service("withdraw").after(20);
    let sandbox = Sandbox::builder().faults(FaultPlan::new().rule(hour)).start().unwrap();
    let desk = Desk::at(&sandbox);
    desk.write_rows("june.csv", &rows(ROWS));
    let run = ["run", "june.csv", "--yes", "--batch", "june", "--concurrency", "4"];
    let mut child = desk.spawn(&run);
    assert!(booked(&sandbox, 24, &mut child), "it ended too early");
    signal(&child, "INT");
    let mut told = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(told.any(|line| line.unwrap().contains("Once more to leave at once")));
    signal(&child, "INT");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    sandbox.clear_faults();
    let document = desk.payout(&["resume", "--json"]).expect(0).json();
    assert_eq!(counts(&document), [("paid".to_owned(), u64::from(ROWS))]);
    compare(&sandbox, &desk.report(&["june"]));
}

#[test]
fn a_second_runner_is_told_who_has_the_batch_in_hand() {
    let sandbox = slow_sandbox();
    let desk = Desk::at(&sandbox);
    desk.write_rows("june.csv", &rows(ROWS));
    let run = ["run", "june.csv", "--yes", "--batch", "june", "--concurrency", "2", "--rate", "60"];
    let mut child = desk.spawn(&run);
    assert!(booked(&sandbox, 5, &mut child), "it ended too early");
    let holder = format!("payout run, process {}", child.id());
    let refused = desk.payout(&["resume", "june"]).expect(1);
    assert!(refused.stderr.contains(&holder), "{}", refused.stderr);
    signal(&child, "TERM");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    desk.payout(&["resume", "june"]).expect(0);
    compare(&sandbox, &desk.report(&["june"]));
}

#[test]
fn a_rehearsal_survives_its_process() {
    let desk = Desk::new();
    desk.write_rows("june.csv", &rows(ROWS));
    let run = ["run", "june.csv", "--sandbox", "--yes", "--batch", "june", "--rate", "200"];
    let mut child = desk.spawn(&run);
    let state = desk.path("payout-sandbox.state");
    let orders = || std::fs::read_to_string(&state).unwrap_or_default().matches("-1\"").count();
    while orders() < 20 {
        assert!(child.try_wait().unwrap().is_none(), "it ended too early");
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let document = desk.payout(&["resume", "--sandbox", "--json"]).expect(0).json();
    assert_eq!(counts(&document), [("paid".to_owned(), u64::from(ROWS))]);
}

#[test]
fn a_signal_is_answered_within_ten_seconds_though_the_gateway_is_not() {
    // Once the calls are out, a reply takes longer than a client waits for it.
    let hour =
        FaultRule::new(Fault::Slow(Duration::from_secs(3_600))).service("withdraw").after(20);
    let sandbox = Sandbox::builder().faults(FaultPlan::new().rule(hour)).start().unwrap();
    let desk = Desk::at(&sandbox);
    desk.write_rows("june.csv", &rows(ROWS));
    let run = ["run", "june.csv", "--yes", "--batch", "june", "--concurrency", "4"];
    let mut child = desk.spawn(&run);
    assert!(booked(&sandbox, 24, &mut child), "it ended too early");
    let asked = Instant::now();
    signal(&child, "TERM");
    let output = child.wait_with_output().unwrap();
    let took = asked.elapsed();
    assert_eq!(output.status.code(), Some(130), "it was interrupted");
    assert!(took < Duration::from_secs(10), "{took:?}");
    assert!(took > Duration::from_secs(7), "calls under way are waited for: {took:?}");
    // It said good-bye: what is in flight is told, and the store is free.
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("in doubt") && text.contains("payout resume june"), "{text}");
    let list = desk.payout(&["list", "--json"]).expect(0).json();
    assert_eq!(list["batches"][0]["state"], "stopped");
    sandbox.clear_faults();
    let document = desk.payout(&["resume", "--json"]).expect(0).json();
    assert_eq!(counts(&document), [("paid".to_owned(), u64::from(ROWS))]);
    compare(&sandbox, &desk.report(&["june"]));
}
