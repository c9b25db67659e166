//! `payout release` and `payout reject`: a person decides about a held row.

use kess_sandbox::Sandbox;
use serde_json::json;

use crate::command::{Desk, counts, row};

const DECIDED: &str = "the bank confirmed it by telephone";

#[test]
fn a_released_row_is_paid_by_the_next_resume_and_a_rejected_one_never() {
    let sandbox = Sandbox::start().unwrap();
    sandbox.add_account("000011234", "ABAAKHPP", "Dara Sok", "USD");
    let mut desk = Desk::at(&sandbox);
    desk.set("USER", "sophea");
    let otherwise = "pays the wrong person";
    desk.write_rows("june.csv", &[row(1, "1234"), row(2, "0411"), row(3, "0411")]);
    let run = ["run", "june.csv", "--yes", "--batch", "june", "--name-match", "strict"];
    let ended = desk.payout(&run).expect(4);
    assert!(ended.stdout.contains("payout release june REFERENCE"), "{}", ended.stdout);
    assert_eq!(sandbox.ledger().rows.len(), 1);

    let release = ["release", "june", "P-0002", "--reason", DECIDED, "--json"];
    let released = desk.payout(&release).expect(0).json();
    assert_eq!((&released["row"], &released["status"]), (&json!(2), &json!("pending")));
    let decision = &released["decision"];
    assert_eq!((&decision["by"], &decision["reason"]), (&json!("sophea"), &json!(DECIDED)));
    desk.payout(&["reject", "june", "P-0003", "--reason", otherwise]).expect(0);
    assert_eq!(sandbox.ledger().rows.len(), 1, "deciding sends nothing");

    let document = desk.payout(&["resume", "--json"]).expect(4).json();
    assert_eq!(counts(&document), [("cancelled".to_owned(), 1), ("paid".to_owned(), 2)]);
    assert_eq!(sandbox.ledger().rows.len(), 2);
    let report = desk.report(&["june"]);
    assert_eq!(report[2]["error"]["code"], "rejected");
    let message = report[2]["error"]["message"].as_str().unwrap();
    assert!(message.ends_with("rejected by sophea: pays the wrong person"), "{message}");
}

#[test]
fn what_cannot_be_decided_is_refused_and_changes_nothing() {
    let sandbox = Sandbox::start().unwrap();
    let desk = Desk::at(&sandbox);
    desk.write_rows("june.csv", &[row(1, "1234"), row(2, "0412")]);
    desk.payout(&["run", "june.csv", "--yes", "--batch", "june"]).expect(4);
    for (batch, reference, told) in [
        ("june", "P-0001", "is paid; only a held row"),
        ("june", "P-9999", "has no row `P-9999`"),
        ("july", "P-0002", "no batch named `july`"),
    ] {
        let ended = desk.payout(&["release", batch, reference, "--reason", DECIDED]).expect(2);
        assert!(ended.stderr.contains(told), "{}", ended.stderr);
    }
    desk.payout(&["release", "june", "P-0002"]).expect(2);
    desk.payout(&["release", "june", "P-0002", "--reason", " "]).expect(2);
    let document = desk.payout(&["status", "june", "--json"]).expect(0).json();
    assert_eq!(counts(&document), [("held".to_owned(), 1), ("paid".to_owned(), 1)]);
    desk.payout(&["reject", "june", "P-0002", "--reason", DECIDED]).expect(0);
    desk.payout(&["resume", "june"]).expect(4);
    assert_eq!(sandbox.ledger().rows.len(), 1);
}
