//! `payout reconcile` as a process: exit codes, the document, and hands off both ledgers.

use kess_sandbox::Sandbox;
use serde_json::json;

use crate::command::{Desk, confirm_otp, row};

#[test]
fn it_agrees_differs_and_agrees_again() {
    let sandbox = Sandbox::start().unwrap();
    let desk = Desk::at(&sandbox);
    let rows = [row(1, "1234"), row(2, "0404"), row(3, "0400"), row(4, "0777"), row(5, "1234")];
    desk.write_rows("june.csv", &rows);
    desk.payout(&["run", "june.csv", "--yes", "--batch", "june"]).expect(5);
    let document = desk.payout(&["reconcile", "june", "--json"]).expect(0).json();
    assert_eq!((&document["batch"], &document["rows"]), (&json!("june"), &json!(5)));
    assert_eq!((&document["listed"], &document["differences"]), (&json!(3), &json!([])));
    assert_eq!(document["stopped"], json!(null));

    confirm_otp(desk.report(&["june"])[3]["otp_url"].as_str().unwrap());
    let moved = sandbox.ledger();
    let document = desk.payout(&["reconcile", "--json"]).expect(4).json();
    let difference = &document["differences"][0];
    assert_eq!(document["differences"].as_array().unwrap().len(), 1);
    assert_eq!((&difference["kind"], &difference["row"]), (&json!("outcome"), &json!(4)));
    assert_eq!(difference["status"], "awaiting_otp");
    assert_eq!(difference["gateway_status"], "SUCCESS");
    assert_eq!(
        (&difference["amount"], &difference["gateway_amount"]),
        (&json!("4.04"), &json!("4.04"))
    );
    let text = desk.payout(&["reconcile"]).expect(4).stdout;
    assert!(text.contains("payout resume june") && text.contains("P-0004"), "{text}");
    assert_eq!(sandbox.ledger(), moved);
    assert_eq!(desk.report(&["june"])[3]["status"], "awaiting_otp", "nothing is written");

    desk.payout(&["resume"]).expect(4);
    let text = desk.payout(&["reconcile"]).expect(0).stdout;
    assert!(text.contains("The ledgers agree"), "{text}");
}

#[test]
fn a_rehearsal_is_compared_with_its_own_gateway() {
    let desk = Desk::new();
    desk.write_rows("june.csv", &[row(1, "1234"), row(2, "0777")]);
    desk.payout(&["run", "june.csv", "--sandbox", "--yes"]).expect(5);
    let document = desk.payout(&["reconcile", "--sandbox", "--json"]).expect(0).json();
    assert_eq!((&document["asked"], &document["listed"]), (&json!(2), &json!(2)));
}

#[test]
fn refused_credentials_and_another_gateway_end_it() {
    let sandbox = Sandbox::start().unwrap();
    let mut desk = Desk::at(&sandbox);
    desk.write_rows("june.csv", &[row(1, "1234")]);
    desk.payout(&["run", "june.csv", "--yes"]).expect(0);
    desk.set("KESS_PASSWORD", "mistyped");
    let document = desk.payout(&["reconcile", "--json"]).expect(6).json();
    assert_eq!(document["stopped"]["code"], "credentials");
    let other = Sandbox::start().unwrap();
    desk.set("KESS_BASE_URL", other.base_url());
    let ended = desk.payout(&["reconcile"]).expect(2);
    assert!(ended.stderr.contains("belongs to gateway"), "{}", ended.stderr);
}
