//! `payout cancel`: nothing more is sent, whoever runs the batch; report and ledger agree.

use std::process::Child;
use std::time::Duration;

use kess_sandbox::{Fault, FaultPlan, FaultRule, Sandbox};
use serde_json::{Value, json};

use crate::command::{Desk, confirm_otp, counts, row, rows};

const ROWS: u32 = 150;
const RUN: [&str; 8] =
    ["run", "june.csv", "--yes", "--batch", "june", "--concurrency", "4", "--rate"];
const CANCEL: [&str; 5] = ["cancel", "june", "--yes", "--reason", "the wrong month"];

/// Takes its time over withdrawals, and cuts `cut` per mille of them on both sides of the booking.
fn slow_sandbox(cut: u32) -> Sandbox {
    let rule = |fault: Fault| FaultRule::new(fault).service("withdraw");
    let faults = FaultPlan::new()
        .rule(rule(Fault::CutAfterBooking).per_mille(cut))
        .rule(rule(Fault::CutBeforeBooking).per_mille(cut))
        .rule(rule(Fault::Slow(Duration::from_millis(10))));
    Sandbox::builder().seed(11).faults(faults).start().unwrap()
}

/// Starts a run and leaves it once the gateway has booked `orders`.
fn running(desk: &Desk, sandbox: &Sandbox, orders: usize) -> Child {
    desk.write_rows("june.csv", &rows(ROWS));
    let mut child = desk.spawn(&[&RUN[..], &["100"]].concat());
    while sandbox.ledger().rows.len() < orders {
        assert!(child.try_wait().unwrap().is_none(), "it ended too early");
        std::thread::yield_now();
    }
    child
}

/// Every row ended as paid or cancelled, and the gateway's books say the same. The rows paid.
fn compare(sandbox: &Sandbox, report: &[Value]) -> u64 {
    let ledger = sandbox.ledger();
    let mut paid = 0;
    for row in report {
        let number = row["out_trade_no"].as_str();
        let status = number.and_then(|no| ledger.row(no)).map(|booked| booked.status.trim());
        match row["status"].as_str().unwrap() {
            "paid" => {
                assert_eq!(status, Some("SUCCESS"), "{row}");
                paid += 1;
            }
            "cancelled" => assert!(matches!(status, None | Some("CLOSED")), "{status:?}: {row}"),
            other => panic!("{other}: {row}"),
        }
    }
    let booked = ledger.rows.iter().filter(|order| order.status.trim() == "SUCCESS").count();
    assert_eq!(booked as u64, paid, "paid at the gateway and not in the report");
    paid
}

#[test]
fn a_running_batch_is_cancelled_from_a_second_process() {
    let sandbox = slow_sandbox(0);
    let desk = Desk::at(&sandbox);
    let child = running(&desk, &sandbox, 10);
    let text = desk.payout(&["list"]).expect(0).stdout;
    assert!(text.contains("running: payout run, process "), "{text}");
    let document = desk.payout(&[&CANCEL[..], &["--json"]].concat()).expect(4).json();
    let first = child.wait_with_output().unwrap();
    assert_eq!(first.status.code(), Some(5), "it ends, and leaves the closing to `cancel`");
    let told = String::from_utf8(first.stdout).unwrap();
    assert!(told.contains("the wrong month") && told.contains("not sent yet"), "{told}");

    let report = desk.report(&["june"]);
    let paid = compare(&sandbox, &report);
    let cancelled = u64::from(ROWS) - paid;
    assert!(cancelled > 0, "it was cancelled too late");
    let expected = [("cancelled".to_owned(), cancelled), ("paid".to_owned(), paid)];
    assert_eq!(counts(&document), expected);
    assert_eq!(document["stopped"], json!(null));
    let never = report.iter().find(|row| row["status"] == "cancelled").unwrap();
    assert_eq!(never["error"]["code"], "cancelled");
    let text = desk.payout(&["status", "june"]).expect(0).stdout;
    assert!(text.contains("state: cancelled") && !text.contains("payout retry"), "{text}");
}

#[test]
fn a_batch_that_was_killed_is_cancelled_at_once() {
    let sandbox = slow_sandbox(150);
    let desk = Desk::at(&sandbox);
    let mut child = running(&desk, &sandbox, 20);
    child.kill().unwrap();
    child.wait().unwrap();
    // What the process sent last may still arrive; nothing that it had not sent yet may.
    let ordered = || {
        let report = desk.report(&["june"]);
        report.iter().filter(|row| row["out_trade_no"] != json!(null)).count()
    };
    let before = ordered();
    desk.payout(&CANCEL).expect(4);
    assert!(compare(&sandbox, &desk.report(&["june"])) > 0);
    assert_eq!(ordered(), before, "something was sent");
    desk.payout(&["resume", "june"]).expect(4);
    assert_eq!(ordered(), before, "something was sent by `resume`");
    assert!(sandbox.ledger().rows.len() <= before);
}

#[test]
fn orders_that_wait_for_a_password_are_closed_and_the_rows_can_be_paid_anew() {
    let sandbox = Sandbox::start().unwrap();
    let desk = Desk::at(&sandbox);
    for account in ["000011234", "000020777", "000030777"] {
        sandbox.add_account(account, "ABAAKHPP", "Dara Sok", "USD");
    }
    let file = [row(1, "1234"), row(2, "0777"), row(3, "0777"), row(4, "0411")];
    desk.write_rows("june.csv", &file);
    let run = ["run", "june.csv", "--yes", "--batch", "june", "--name-match", "strict"];
    desk.payout(&run).expect(5);
    let waiting = desk.report(&["june"]);
    let ended = desk.payout(&["cancel", "june"]).expect(2);
    assert!(ended.stderr.contains("nothing was cancelled"), "{}", ended.stderr);
    assert_eq!(desk.report(&["june"]), waiting, "asked and not answered");

    // One password was entered before anybody looked: that payment stands.
    confirm_otp(waiting[2]["otp_url"].as_str().unwrap());
    desk.payout(&CANCEL).expect(4);
    let report = desk.report(&["june"]);
    assert_eq!(compare(&sandbox, &report), 2);
    let status: Vec<_> = report.iter().map(|row| row["status"].as_str().unwrap()).collect();
    assert_eq!(status[1..], ["cancelled", "paid", "cancelled"]);

    for (command, told) in [
        (&["retry", "june", "--yes"][..], "cancelled by"),
        (&["release", "june", "P-0004", "--reason", "known to us"], "was cancelled"),
    ] {
        let ended = desk.payout(command).expect(2);
        assert!(ended.stderr.contains(told), "{}", ended.stderr);
        assert!(ended.stderr.contains("new file"), "{}", ended.stderr);
    }
    let ended = desk.payout(&["cancel", "june", "--yes"]).expect(4);
    assert!(ended.stderr.contains("nothing is left"), "{}", ended.stderr);
    assert_eq!(desk.report(&["june"]), report);

    let anew = "payout report june --retriable -o again.csv";
    assert!(ended.stdout.contains(anew), "{}", ended.stdout);
    desk.payout(&anew.split(' ').skip(1).collect::<Vec<_>>()).expect(0);
    let document = desk.payout(&["run", "again.csv", "--yes", "--json"]).expect(5).json();
    assert_eq!(counts(&document), [("awaiting_otp".to_owned(), 1), ("paid".to_owned(), 1)]);
    desk.write_rows("paid.csv", &[row(3, "0777")]);
    desk.payout(&["run", "paid.csv", "--yes"]).expect(3);
}

#[test]
fn a_rehearsal_can_be_cancelled() {
    let desk = Desk::new();
    desk.write_rows("june.csv", &[row(1, "0777")]);
    desk.payout(&["run", "june.csv", "--sandbox", "--yes"]).expect(5);
    let document = desk.payout(&["cancel", "--sandbox", "--yes", "--json"]).expect(4).json();
    assert_eq!(counts(&document), [("cancelled".to_owned(), 1)]);
}
