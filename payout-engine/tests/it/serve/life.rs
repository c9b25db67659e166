//! A server that is stopped, killed and started again: batches go on, and nobody is paid twice.

use kess_sandbox::Sandbox;

use super::process::{Served, until};
use crate::cli_kill::{booked, compare, slow_sandbox};
use crate::command::{Desk, rows};

const ROWS: u32 = 120;

/// A batch that a killed run left half-paid.
fn half_paid(sandbox: &Sandbox) -> Desk {
    let mut desk = Desk::at(sandbox);
    Served::with_tokens(&mut desk);
    desk.write_rows("june.csv", &rows(ROWS));
    let run = ["run", "june.csv", "--yes", "--batch", "june", "--concurrency", "4"];
    let mut child = desk.spawn(&run);
    assert!(booked(sandbox, 10, &mut child), "it ended too early");
    child.kill().unwrap();
    child.wait().unwrap();
    desk
}

#[test]
fn what_was_being_paid_is_gone_on_with_whenever_a_server_starts_and_paid_once() {
    let sandbox = slow_sandbox();
    let desk = half_paid(&sandbox);
    for (end, target) in [("TERM", 30), ("KILL", 50), ("TERM", 70)] {
        let mut served = Served::start(&desk, &[]);
        until("some more are paid", || sandbox.ledger().rows.len() >= target);
        served.signal(end);
        let code = served.ended();
        assert!(end == "KILL" || code == Some(0), "{end}: {code:?}");
    }
    let served = Served::start(&desk, &[]);
    until("the batch is finished", || served.metric("payout_batches{state=\"finished\"}") == 1);
    let calls = "payout_gateway_call_duration_seconds_count";
    let metric = format!("{calls}{{service=\"withdraw\",result=\"ok\"}}");
    assert!(served.metric(&metric) > 0);
    assert!(served.metric("payout_store_transitions_total") > 0);
    compare(&sandbox, &desk.report(&["june"]));
}

#[test]
fn a_batch_that_somebody_paused_stays_paused() {
    let sandbox = slow_sandbox();
    let desk = half_paid(&sandbox);
    desk.payout(&["pause", "june"]).expect(0);
    let before = sandbox.ledger().rows.len();
    let mut served = Served::start(&desk, &[]);
    until("it looked at the store", || served.http().get("/readyz").send().status == 200);
    served.signal("TERM");
    assert_eq!(served.ended(), Some(0));
    assert_eq!(sandbox.ledger().rows.len(), before);
}

#[test]
fn a_batch_that_somebody_else_has_in_hand_is_left_to_them() {
    let sandbox = slow_sandbox();
    let mut desk = Desk::at(&sandbox);
    Served::with_tokens(&mut desk);
    desk.write_rows("june.csv", &rows(ROWS));
    let run = ["run", "june.csv", "--yes", "--batch", "june", "--concurrency", "4", "--rate", "60"];
    let mut child = desk.spawn(&run);
    assert!(booked(&sandbox, 5, &mut child), "it ended too early");
    let served = Served::start(&desk, &[]);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(served.metric("payout_store_transitions_total"), 0);
    compare(&sandbox, &desk.report(&["june"]));
}

#[test]
fn without_a_gateway_batches_can_be_looked_at() {
    let desk = Desk::new();
    let served = Served::start(&desk, &[]);
    assert!(served.told[0].starts_with("nothing can be paid from here: "), "{:?}", served.told);
    served.http().get("/healthz").send().expect(200);
}
