//! `payout retry`: another attempt for rows that certainly moved no money.

use kess_sandbox::Sandbox;
use serde_json::{Value, json};

use crate::command::{Desk, counts, row};

fn ends_with(row: &Value, number: &str) -> bool {
    row["out_trade_no"].as_str().unwrap().ends_with(number)
}

#[test]
fn what_ended_unpaid_is_tried_again_under_a_new_number_and_nothing_else_is() {
    let sandbox = Sandbox::start().unwrap();
    let desk = Desk::at(&sandbox);
    desk.write_rows("june.csv", &[row(1, "1234"), row(2, "0777"), row(3, "0400"), row(4, "0410")]);
    desk.payout(&["run", "june.csv", "--yes", "--batch", "june"]).expect(5);
    let before = desk.report(&["june"]);
    assert_eq!((&before[2]["status"], &before[3]["status"]), (&json!("failed"), &json!("expired")));
    assert!(ends_with(&before[2], "-3-1") && ends_with(&before[3], "-4-1"));

    let ended = desk.payout(&["retry", "june"]).expect(2);
    assert!(ended.stderr.contains("--yes"), "{}", ended.stderr);
    assert_eq!(desk.report(&["june"]), before, "asked and not answered");

    let document = desk.payout(&["retry", "june", "--yes", "--json"]).expect(5).json();
    let expected = ["awaiting_otp", "expired", "failed", "paid"].map(|name| (name.to_owned(), 1));
    assert_eq!(counts(&document), expected);
    let after = desk.report(&["june"]);
    assert_eq!(after[0], before[0], "a paid row is left alone");
    assert_eq!(after[1]["out_trade_no"], before[1]["out_trade_no"]);
    assert!(ends_with(&after[2], "-3-2") && ends_with(&after[3], "-4-2"));
    assert_eq!((&after[2]["attempts"], &after[1]["attempts"]), (&json!(2), &json!(1)));
}

#[test]
fn nothing_to_try_again_is_told() {
    let sandbox = Sandbox::start().unwrap();
    let desk = Desk::at(&sandbox);
    desk.write_rows("june.csv", &[row(1, "1234")]);
    desk.payout(&["run", "june.csv", "--yes"]).expect(0);
    let ended = desk.payout(&["retry"]).expect(0);
    assert!(ended.stderr.contains("can be tried again"), "{}", ended.stderr);
    assert_eq!(sandbox.ledger().rows.len(), 1);
}
