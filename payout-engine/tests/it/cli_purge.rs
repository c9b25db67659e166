//! `payout purge`: removes who was paid, keeps what was paid.

use std::fs;

use kess_sandbox::Sandbox;
use serde_json::json;

use crate::command::{Desk, row, rows};

/// Every byte of the files that belong to the store: the database and whatever stands beside it.
fn bytes_of_the_store(desk: &Desk) -> String {
    let folder = desk.path("payout.db");
    let mut bytes = Vec::new();
    for file in fs::read_dir(folder.parent().unwrap()).unwrap() {
        let file = file.unwrap();
        if file.file_name().to_string_lossy().starts_with("payout.db") {
            bytes.extend(fs::read(file.path()).unwrap());
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[test]
fn a_purged_batch_forgets_its_people_and_everything_else_goes_on() {
    let sandbox = Sandbox::start().unwrap();
    sandbox.add_account("000031234", "ABAAKHPP", "Planted Holder", "USD");
    let desk = Desk::at(&sandbox);
    let mut file = rows(5);
    file.push(row(6, "0400"));
    desk.write_rows("june.csv", &file);
    desk.payout(&["run", "june.csv", "--yes", "--batch", "june"]).expect(4);
    let personal = ["dara.3@example.com", "000031234", "012345678", "Dara", "Planted Holder"];
    let before = bytes_of_the_store(&desk);
    for text in personal {
        assert!(before.contains(text), "{text} was never there");
    }
    let paid = desk.report(&["june"]);

    let ended = desk.payout(&["purge", "june"]).expect(2);
    assert!(ended.stderr.contains("--yes"), "{}", ended.stderr);
    assert_eq!(desk.report(&["june"]), paid, "asked and not answered");
    let document = desk.payout(&["purge", "june", "--yes", "--json"]).expect(0).json();
    assert_eq!((&document["batch"], &document["rows"]), (&json!("june"), &json!(6)));
    assert!(document["purged_at"].is_string(), "{document}");

    let after = bytes_of_the_store(&desk);
    for text in personal {
        assert!(!after.contains(text), "{text} is still there");
    }
    let purged = desk.report(&["june"]);
    for (paid, purged) in paid.iter().zip(&purged) {
        for kept in ["row", "reference", "status", "out_trade_no", "amount", "transaction_id"] {
            assert_eq!(paid[kept], purged[kept], "{kept}");
        }
        assert_eq!((&purged["account"], &purged["holder_name"]), (&json!(""), &json!(null)));
    }
    assert_eq!(purged[5]["error"]["code"], paid[5]["error"]["code"]);
    for format in ["csv", "html"] {
        desk.payout(&["report", "june", "--format", format]).expect(0);
    }
    assert!(desk.payout(&["list"]).expect(0).stdout.contains("finished, purged"));
    let status = desk.payout(&["status", "june"]).expect(0).stdout;
    assert!(status.contains("finished, purged") && !status.contains("payout retry"), "{status}");
    desk.payout(&["reconcile", "june"]).expect(0);
    desk.payout(&["audit", "june"]).expect(0);
    let ended = desk.payout(&["retry", "june", "--yes"]).expect(2);
    assert!(ended.stderr.contains("was removed"), "{}", ended.stderr);
    // Still known: the same references are not paid again.
    desk.payout(&["run", "june.csv", "--yes"]).expect(3);
    desk.payout(&["purge", "june", "--yes"]).expect(0);
}

#[test]
fn a_batch_that_is_not_finished_is_not_purged() {
    let sandbox = Sandbox::start().unwrap();
    let desk = Desk::at(&sandbox);
    desk.write_rows("june.csv", &[row(1, "1234"), row(2, "0777")]);
    desk.payout(&["run", "june.csv", "--yes", "--batch", "june"]).expect(5);
    desk.write_rows("july.csv", &[row(3, "0412")]);
    desk.payout(&["run", "july.csv", "--yes", "--batch", "july"]).expect(4);
    for (batch, told) in [("june", "payout resume"), ("july", "payout reject")] {
        let ended = desk.payout(&["purge", batch, "--yes"]).expect(1);
        assert!(ended.stderr.contains("1 of its rows") && ended.stderr.contains(told));
    }
    assert_eq!(desk.report(&["july"])[0]["account"], "00****412");
    desk.payout(&["reject", "july", "P-0003", "--reason", "Dara is gone"]).expect(0);
    desk.payout(&["purge", "july", "--yes"]).expect(0);
    assert!(!bytes_of_the_store(&desk).contains("Dara is gone"));
    assert_eq!(desk.report(&["july"])[0]["error"]["code"], "rejected");
}

#[test]
fn the_rows_of_a_dry_run_are_forgotten_too_and_nothing_is_verified_again() {
    let sandbox = Sandbox::start().unwrap();
    let desk = Desk::at(&sandbox);
    desk.write_rows("june.csv", &rows(2));
    desk.payout(&["run", "june.csv", "--dry-run", "--batch", "june", "--yes"]).expect(0);
    desk.payout(&["purge", "--yes"]).expect(0);
    assert!(!bytes_of_the_store(&desk).contains("dara.1@example.com"));
    let ended = desk.payout(&["resume", "june"]).expect(1);
    assert!(ended.stderr.contains("holds no personal data any more"), "{}", ended.stderr);
}
