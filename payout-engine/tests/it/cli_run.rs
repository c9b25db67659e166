//! `payout run` and what follows it, against the sandbox: outcomes, exit codes, refusals.

use std::io::{BufRead, BufReader};

use kess_sandbox::Sandbox;
use serde_json::json;

use crate::command::{Desk, confirm_otp, counts, mode, row, rows};

fn outcome(name: &str, count: u64) -> (String, u64) {
    (name.to_owned(), count)
}

#[test]
fn a_rehearsal_pays_every_row_and_can_be_repeated() {
    let desk = Desk::new();
    desk.write_rows("june.csv", &rows(20));
    for _ in 0..2 {
        let run = ["run", "june.csv", "--sandbox", "--yes", "--json"];
        let document = desk.payout(&run).expect(0).json();
        assert_eq!(document["rows"], 20);
        assert_eq!(counts(&document), [outcome("paid", 20)]);
        assert_eq!(document["totals"]["USD"], json!({ "requested": "212.10", "paid": "212.10" }));
        assert_eq!(document["stopped"], json!(null));
        assert!(document["elapsed_s"].is_f64());
    }
    let batches = desk.payout(&["list", "--sandbox", "--json"]).expect(0).json();
    assert_eq!(batches["batches"].as_array().unwrap().len(), 2);
    for file in ["payout-sandbox.db", "payout-sandbox.state"] {
        assert_eq!(mode(&desk.path(file)), 0o600, "{file}");
    }
    assert!(!desk.path("payout.db").exists(), "real batches are elsewhere");
}

#[test]
fn the_report_is_the_document_of_the_contract() {
    let desk = Desk::new();
    desk.write_rows("june.csv", &[row(1, "1234"), row(2, "0404")]);
    desk.payout(&["run", "june.csv", "--sandbox", "--yes", "--batch", "june"]).expect(4);
    let report = desk.report(&["june", "--sandbox"]);
    let keys: Vec<_> = report[0].as_object().unwrap().keys().map(String::as_str).collect();
    let expected = [
        "account",
        "amount",
        "attempts",
        "bic",
        "currency",
        "error",
        "holder_name",
        "otp_expires_at",
        "otp_url",
        "out_trade_no",
        "reference",
        "row",
        "status",
        "transaction_id",
        "updated_at",
    ];
    assert_eq!(keys, expected);
    assert_eq!((&report[0]["row"], &report[0]["status"]), (&json!(1), &json!("paid")));
    assert_eq!(report[0]["account"], "00****234");
    assert_eq!(report[0]["amount"], "1.01");
    assert_eq!(report[1]["status"], "failed");
    assert!(report[1]["error"]["message"].is_string());
    let number = report[0]["out_trade_no"].as_str().unwrap();
    assert!(number.len() <= 32 && number.ends_with("-1-1"), "{number}");
}

#[test]
fn reports_for_people_are_private_files() {
    let desk = Desk::new();
    desk.write_rows("june.csv", &rows(3));
    desk.payout(&["run", "june.csv", "--sandbox", "--yes"]).expect(0);
    for (format, file) in [("csv", "out.csv"), ("html", "out.html"), ("json", "out.json")] {
        desk.payout(&["report", "--sandbox", "--format", format, "-o", file]).expect(0);
        assert_eq!(mode(&desk.path(file)), 0o600);
    }
    let csv = std::fs::read_to_string(desk.path("out.csv")).unwrap();
    assert_eq!(csv.lines().count(), 4);
    assert!(csv.contains("0010011234") || csv.contains("001001234") || csv.contains("000011234"));
}

#[test]
fn rows_that_fail_are_told_and_the_others_are_paid() {
    let desk = Desk::new();
    desk.write_rows("june.csv", &[row(1, "1234"), row(2, "0404"), row(3, "0400"), row(4, "1234")]);
    let ended = desk.payout(&["run", "june.csv", "--sandbox", "--yes"]).expect(4);
    let why = "row 2, P-0002: failed: the bank knows no such account (NOT_FOUND: ";
    assert!(ended.stderr.contains(why), "{}", ended.stderr);
    assert!(ended.stdout.contains("see why: payout report"), "{}", ended.stdout);
    let document = desk.payout(&["status", "--sandbox", "--json"]).expect(0).json();
    assert_eq!(counts(&document), [outcome("failed", 2), outcome("paid", 2)]);
}

#[test]
fn a_one_time_password_is_waited_for_or_left_for_later() {
    let desk = Desk::new();
    desk.write_rows("june.csv", &[row(1, "1234"), row(2, "0777")]);
    let run = ["run", "june.csv", "--sandbox", "--yes", "--json"];
    let document = desk.payout(&run).expect(5).json();
    assert_eq!(counts(&document), [outcome("awaiting_otp", 1), outcome("paid", 1)]);
    let report = desk.report(&["--sandbox"]);
    assert!(report[1]["otp_url"].as_str().unwrap().starts_with("http://127.0.0.1:"));
    assert!(report[1]["otp_expires_at"].is_string());
    let otp = desk.payout(&["otp", "--sandbox", "--json"]).expect(0).json();
    assert_eq!(otp["waiting"].as_array().unwrap().len(), 1);
    assert_eq!(otp["waiting"][0]["otp_url"], report[1]["otp_url"]);
    assert!(otp["waiting"][0]["seconds_left"].as_i64().unwrap() > 0);

    let run = ["run", "june.csv", "--sandbox", "--yes", "--otp", "wait", "--progress", "lines"];
    let mut child = desk.spawn(&run);
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let link = lines.map(Result::unwrap).find_map(|line| {
        let at =
            line.find("http://127.0.0.1:").filter(|_| line.contains("P-0002: enter the OTP"))?;
        Some(line[at..].to_owned())
    });
    confirm_otp(link.unwrap().trim());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn without_a_terminal_it_wants_yes_and_sends_nothing() {
    let sandbox = Sandbox::start().unwrap();
    let desk = Desk::at(&sandbox);
    desk.write_rows("june.csv", &rows(2));
    let ended = desk.payout(&["run", "june.csv"]).expect(2);
    assert!(ended.stderr.contains("--yes"), "{}", ended.stderr);
    assert!(sandbox.ledger().rows.is_empty());
    assert!(!desk.path("payout.db").exists());
}

#[test]
fn a_bad_file_is_refused_whole_or_paid_without_its_bad_rows() {
    let desk = Desk::new();
    desk.write_rows("june.csv", &[row(1, "1234"), "P-2,x".to_owned(), row(3, "1234")]);
    let refused = desk.payout(&["run", "june.csv", "--sandbox", "--yes", "--json"]).expect(3);
    assert_eq!(refused.json()["problems"][0]["code"], "ragged_row");
    assert!(refused.stderr.contains("--skip-invalid"), "{}", refused.stderr);
    let skipping = ["run", "june.csv", "--sandbox", "--yes", "--json", "--skip-invalid"];
    let document = desk.payout(&skipping).expect(4).json();
    assert_eq!(counts(&document), [outcome("invalid", 1), outcome("paid", 2)]);
    let report = desk.report(&["--sandbox"]);
    assert_eq!(report[1]["status"], "invalid");
    assert_eq!(report[1]["error"]["code"], "ragged_row");
}

#[test]
fn copies_of_a_reference_are_left_out_and_reported() {
    let desk = Desk::new();
    desk.write_rows("june.csv", &[row(1, "1234"), row(2, "1234"), row(1, "1234"), "x".to_owned()]);
    let run = ["run", "june.csv", "--sandbox", "--yes", "--json", "--skip-invalid"];
    let document = desk.payout(&run).expect(4).json();
    assert_eq!(counts(&document), [outcome("invalid", 3), outcome("paid", 1)]);
    assert_eq!(document["totals"]["USD"]["paid"], "2.02");
    let report = desk.report(&["--sandbox"]);
    let codes: Vec<_> = report.iter().map(|row| row["error"]["code"].as_str()).collect();
    let copy = Some("duplicate_reference");
    assert_eq!(codes, [copy, None, copy, Some("ragged_row")]);
}

#[test]
fn expectations_that_the_file_does_not_meet() {
    let desk = Desk::new();
    desk.write_rows("june.csv", &rows(2));
    let run =
        |extra: &[&str]| desk.payout(&[&["run", "june.csv", "--sandbox", "--yes"], extra].concat());
    run(&["--expect-rows", "3"]).expect(3);
    run(&["--expect-total", "USD=3.00"]).expect(3);
    run(&["--expect-total", "KHR=1"]).expect(3);
    run(&["--expect-rows", "2", "--expect-total", "USD=3.03"]).expect(0);
}

#[test]
fn a_dry_run_verifies_and_moves_nothing() {
    let sandbox = Sandbox::start().unwrap();
    let desk = Desk::at(&sandbox);
    desk.write_rows("june.csv", &rows(3));
    let document = desk.payout(&["run", "june.csv", "--dry-run", "--json"]).expect(0).json();
    assert_eq!(counts(&document), [outcome("pending", 3)]);
    assert!(sandbox.ledger().rows.is_empty());
}

#[test]
fn rows_that_another_batch_paid_are_refused_unless_a_reason_is_given() {
    let sandbox = Sandbox::start().unwrap();
    let desk = Desk::at(&sandbox);
    desk.write_rows("june.csv", &rows(3));
    desk.write_rows("again.csv", &[row(3, "1234"), row(9, "1234")]);
    desk.payout(&["run", "june.csv", "--yes", "--batch", "june"]).expect(0);
    let refused = desk.payout(&["run", "again.csv", "--yes"]).expect(3);
    assert!(refused.stderr.contains("P-0003: paid as row 3 of batch june"), "{}", refused.stderr);
    assert_eq!(sandbox.ledger().rows.len(), 3);
    let run = ["run", "again.csv", "--yes", "--allow-duplicate", "agreed with the payee"];
    desk.payout(&run).expect(0);
    assert_eq!(sandbox.ledger().rows.len(), 5);
}

#[test]
fn a_rehearsal_in_a_store_that_was_named_pays_nobody_twice_either() {
    let desk = Desk::new();
    desk.write_rows("june.csv", &rows(2));
    let run = ["run", "june.csv", "--sandbox", "--store", "sqlite://books.db", "--yes"];
    desk.payout(&run).expect(0);
    let refused = desk.payout(&run).expect(3);
    assert!(refused.stderr.contains("P-0001: paid as row 1"), "{}", refused.stderr);
}

#[test]
fn what_cannot_be_skipped_is_named() {
    let desk = Desk::new();
    desk.write_rows("june.csv", &[row(1, "1234"), "P-2,\"x".to_owned(), row(3, "1234")]);
    let run = ["run", "june.csv", "--sandbox", "--yes", "--skip-invalid"];
    let refused = desk.payout(&run).expect(3);
    assert!(refused.stderr.contains("line 3 cannot be skipped: a quote is"), "{}", refused.stderr);
    desk.write_rows("june.csv", &["x".to_owned()]);
    let refused = desk.payout(&run).expect(3);
    assert!(refused.stderr.contains("no row of the file is valid"), "{}", refused.stderr);
}

#[test]
fn strict_names_hold_the_row() {
    let desk = Desk::new();
    desk.write_rows("june.csv", &[row(1, "1234"), row(2, "0411")]);
    let run = ["run", "june.csv", "--sandbox", "--yes", "--json", "--name-match", "strict"];
    let document = desk.payout(&run).expect(4).json();
    assert_eq!(counts(&document), [outcome("held", 1), outcome("paid", 1)]);
}

#[test]
fn the_direct_route_knows_no_token() {
    let desk = Desk::new();
    desk.write_rows("june.csv", &rows(3));
    desk.payout(&["run", "june.csv", "--sandbox", "--yes", "--route", "direct"]).expect(0);
}

#[test]
fn what_is_missing_or_wrong_in_the_configuration_is_named() {
    let sandbox = Sandbox::start().unwrap();
    let mut desk = Desk::at(&sandbox);
    desk.write_rows("june.csv", &rows(1));
    let secret = sandbox.credentials().api_secret.clone();
    desk.set("KESS_BASE_URL", "http://pay.example.com");
    let ended = desk.payout(&["run", "june.csv", "--yes"]).expect(2);
    assert!(ended.stderr.contains("KESS_BASE_URL") && ended.stderr.contains("plain http"));
    desk.set("KESS_BASE_URL", sandbox.base_url());
    desk.set("KESS_PASSWORD", "");
    let ended = desk.payout(&["run", "june.csv", "--yes"]).expect(2);
    assert!(ended.stderr.contains("KESS_PASSWORD"), "{}", ended.stderr);
    assert!(!ended.stderr.contains(&secret));
    desk.set("KESS_PASSWORD", "x");
    desk.set("KESS_SIGN_TYPE", "md5");
    let ended = desk.payout(&["run", "june.csv", "--yes"]).expect(2);
    assert!(ended.stderr.contains("KESS_SIGN_TYPE"), "{}", ended.stderr);
}

#[test]
fn wrong_credentials_stop_the_batch_and_right_ones_resume_it() {
    let sandbox = Sandbox::start().unwrap();
    let mut desk = Desk::at(&sandbox);
    desk.write_rows("june.csv", &rows(5));
    let password = sandbox.credentials().password.clone();
    desk.set("KESS_PASSWORD", "mistyped");
    let document = desk.payout(&["run", "june.csv", "--yes", "--json"]).expect(6).json();
    assert_eq!(document["stopped"]["code"], "credentials");
    assert!(sandbox.ledger().rows.is_empty());
    desk.set("KESS_PASSWORD", &password);
    let document = desk.payout(&["resume", "--json"]).expect(0).json();
    assert_eq!(counts(&document), [outcome("paid", 5)]);
}

#[test]
fn a_batch_is_not_resumed_against_another_gateway() {
    let first = Sandbox::start().unwrap();
    let mut desk = Desk::at(&first);
    desk.write_rows("june.csv", &[row(1, "0777")]);
    desk.payout(&["run", "june.csv", "--yes"]).expect(5);
    let other = Sandbox::start().unwrap();
    desk.set("KESS_BASE_URL", other.base_url());
    let ended = desk.payout(&["resume"]).expect(2);
    assert!(ended.stderr.contains("belongs to gateway"), "{}", ended.stderr);
    assert!(other.ledger().rows.is_empty());
}

#[test]
fn looking_at_a_store_that_is_not_there_makes_none() {
    let desk = Desk::new();
    let ended = desk.payout(&["list"]).expect(0);
    assert!(ended.stdout.contains("no batch yet"), "{}", ended.stdout);
    desk.payout(&["status"]).expect(2);
    desk.payout(&["report"]).expect(2);
    desk.payout(&["resume"]).expect(2);
    assert!(!desk.path("payout.db").exists());
}

#[test]
fn the_sandbox_command_prints_what_a_shell_can_source() {
    let desk = Desk::new();
    let mut child = desk.spawn(&["sandbox", "--json"]);
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let access: serde_json::Value = serde_json::from_str(&line).unwrap();
    let mut shop = Desk::new();
    for name in [
        "KESS_BASE_URL",
        "KESS_CLIENT_ID",
        "KESS_CLIENT_SECRET",
        "KESS_USERNAME",
        "KESS_PASSWORD",
        "KESS_API_SECRET_KEY",
        "KESS_SELLER_CODE",
        "KESS_PUBLIC_KEY",
    ] {
        shop.set(name, access[name].as_str().unwrap());
    }
    shop.write_rows("june.csv", &rows(3));
    shop.payout(&["run", "june.csv", "--yes"]).expect(0);
    crate::command::signal(&child, "INT");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn nothing_personal_and_no_secret_is_logged() {
    let sandbox = Sandbox::start().unwrap();
    let desk = Desk::at(&sandbox);
    desk.write_rows("june.csv", &[row(1, "1234"), row(2, "0404"), row(3, "0411"), row(4, "0400")]);
    let ended = desk.payout(&["run", "june.csv", "--yes", "-vvv"]).expect(4);
    let text = format!("{}{}", ended.stdout, ended.stderr);
    let access = sandbox.credentials();
    for secret in [&access.client_secret, &access.password, &access.api_secret] {
        assert!(!text.contains(secret.as_str()), "a secret is in the log");
    }
    for personal in ["dara.1@example.com", "012345678", "000011234", "001001234", "0040400"] {
        assert!(!text.contains(personal), "{personal} is in the log");
    }
}
