//! `payout check`: exit codes, the document of the contract, and what people read.

use crate::command::{Desk, row, rows};

#[test]
fn a_good_file() {
    let desk = Desk::new();
    desk.write_rows("june.csv", &rows(3));
    let document = desk.payout(&["check", "june.csv", "--json"]).expect(0).json();
    assert_eq!(document["rows"], 3);
    assert_eq!(document["valid"], 3);
    assert_eq!(document["totals"], serde_json::json!({ "USD": "6.06" }));
    assert_eq!(document["problems"], serde_json::json!([]));
    let text = desk.payout(&["check", "june.csv"]).expect(0).stdout;
    assert!(text.contains("3 of 3 rows") && text.contains("payout run june.csv"), "{text}");
}

#[test]
fn every_problem_is_in_the_document_with_its_place() {
    let desk = Desk::new();
    let bad = "P-9,Dara,Sok,012345678,nobody,000 123 456,ABAAKHPP,\"1,000\",USD".to_owned();
    desk.write_rows("june.csv", &[row(1, "1234"), bad, "cut".to_owned()]);
    let document = desk.payout(&["check", "june.csv", "--json"]).expect(3).json();
    assert_eq!((&document["rows"], &document["valid"]), (&3.into(), &1.into()));
    let problems = document["problems"].as_array().unwrap();
    let codes: Vec<_> = problems.iter().map(|p| p["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["email_format", "account_digits", "amount_separator", "ragged_row"]);
    let account = &problems[1];
    let keys: Vec<_> = account.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["code", "column", "hint", "line", "message", "row", "value"]);
    assert_eq!((&account["line"], &account["row"]), (&3.into(), &2.into()));
    assert_eq!(account["column"], "bank_account_number");
    assert_eq!(account["value"], "00****456");
}

#[test]
fn what_people_read_has_place_and_hint_and_no_account() {
    let desk = Desk::new();
    desk.write_rows("june.csv", &[row(1, "1234").replace("000011234", "0000-11234")]);
    let text = desk.payout(&["check", "june.csv"]).expect(3).stdout;
    assert!(text.contains("line 2, bank_account_number"), "{text}");
    assert!(text.contains("-> write the digits without blanks"), "{text}");
    assert!(!text.contains("-112"), "{text}");
}

#[test]
fn a_file_that_is_not_there() {
    let desk = Desk::new();
    let ended = desk.payout(&["check", "nowhere.csv", "--json"]).expect(2);
    assert!(ended.stderr.contains("nowhere.csv cannot be read"), "{}", ended.stderr);
    assert_eq!(ended.json()["error"]["exit"], 2);
}

#[test]
fn the_example_is_in_order() {
    let desk = Desk::new();
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/payroll.csv");
    let document = desk.payout(&["check", example, "--json"]).expect(0).json();
    assert!(document["rows"].as_u64().unwrap() >= 1_000);
    assert_eq!(document["warnings"], serde_json::json!([]));
    let totals = document["totals"].as_object().unwrap();
    assert_eq!(totals.keys().collect::<Vec<_>>(), ["KHR", "USD"]);
}

#[test]
fn a_wrong_command_line() {
    let desk = Desk::new();
    desk.payout(&["check"]).expect(2);
    desk.payout(&["run", "x.csv", "--route", "pigeon"]).expect(2);
    desk.payout(&["--help"]).expect(0);
    let help = desk.payout(&["run", "--help"]).expect(0).stdout;
    assert!(!help.contains("secret") && !help.contains("password "), "{help}");
}
