//! Reports: every row is in them, nothing personal is in those that people pass around, and neither
//! a spreadsheet nor a browser is made to do anything by what stands in a file.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use kess_gateway::{Currency, Money, Sensitive};
use payout_engine::report::{Format, Report, ReportRow, summary_json};
use payout_engine::{BatchSummary, Outcome, Payee, Reason, StopCause, Stopped, Total};
use serde_json::{Value, json};

fn row(number: u64, outcome: Outcome, reference: &str) -> ReportRow {
    let text = |text: &str| Sensitive::from(text.to_owned());
    ReportRow {
        row: number,
        line: number + 1,
        reference: reference.to_owned(),
        outcome,
        out_trade_no: Some(format!("K3T9WXQ2M4HB-{number}-1")),
        money: Money::new("10.5".parse().unwrap(), Currency::Usd).unwrap(),
        payee: Some(Payee {
            first_name: text("ដារ៉ា"),
            last_name: text("Sok"),
            holder_name: None,
            phone_number: text("012345678"),
            email: text("dara@example.com"),
            bank_account_number: text("000123456"),
            bic: "ABAAKHPP".to_owned(),
            address: Some(text("=cmd|' /C calc'!A0")),
            city: None,
            postcode: Some(text("012000")),
        }),
        body: None,
        extra: vec![("note".to_owned(), "<script>alert(1)</script>".to_owned())],
        holder_name: Some("SOK DARA".to_owned()),
        transaction_id: None,
        otp_url: Some("javascript:alert(1)".to_owned()),
        otp_expires_at: None,
        attempts: 1,
        error: Some(Reason::new("NOT_FOUND", "no <b>such</b> account")),
        warning: None,
        updated_at: Timestamp::UNIX_EPOCH,
    }
}

fn summary() -> BatchSummary {
    let total = Total {
        requested: "31.5".parse().unwrap(),
        by_outcome: BTreeMap::from([(Outcome::Paid, "10.5".parse().unwrap())]),
    };
    BatchSummary {
        batch: "june & \"july\"".to_owned(),
        rows: 3,
        counts: BTreeMap::from([(Outcome::Paid, 1), (Outcome::Failed, 2)]),
        totals: BTreeMap::from([(Currency::Usd, total)]),
        elapsed: Duration::from_millis(1_042),
        stopped: Some(Stopped { cause: StopCause::Funds, message: "too little".to_owned() }),
        interrupted: false,
        cancelled: None,
    }
}

fn write(format: Format) -> String {
    let mut out = Vec::new();
    let extra = ["note".to_owned()];
    let mut report =
        Report::begin(format, &mut out, &summary(), &extra, Timestamp::UNIX_EPOCH).unwrap();
    report.row(&row(1, Outcome::Paid, "A")).unwrap();
    report.row(&row(2, Outcome::Failed, "=1+1")).unwrap();
    report.row(&ReportRow { payee: None, ..row(3, Outcome::Failed, "<i>C</i>") }).unwrap();
    report.end().unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn json_is_the_document_of_the_contract() {
    let document: Value = serde_json::from_str(&write(Format::Json)).unwrap();
    assert_eq!(document["batch"], "june & \"july\"");
    let expected = json!({
        "row": 1, "reference": "A", "status": "paid", "out_trade_no": "K3T9WXQ2M4HB-1-1",
        "amount": "10.50", "currency": "USD", "bic": "ABAAKHPP", "account": "00****456",
        "holder_name": "SOK DARA", "transaction_id": null, "otp_url": "javascript:alert(1)",
        "otp_expires_at": null, "attempts": 1,
        "error": { "code": "NOT_FOUND", "message": "no <b>such</b> account" },
        "updated_at": "1970-01-01T00:00:00Z",
    });
    assert_eq!(document["rows"][0], expected);
    assert_eq!(document["rows"].as_array().unwrap().len(), 3);
}

#[test]
fn an_empty_report_is_json_too() {
    let mut out = Vec::new();
    let now = Timestamp::UNIX_EPOCH;
    Report::begin(Format::Json, &mut out, &summary(), &[], now).unwrap().end().unwrap();
    let document: Value = serde_json::from_slice(&out).unwrap();
    assert_eq!(document["rows"], json!([]));
}

#[test]
fn csv_brings_the_columns_back_with_formulas_made_harmless() {
    let text = write(Format::Csv);
    let text = text.strip_prefix('\u{feff}').unwrap();
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let headings = reader.headers().unwrap().clone();
    let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
    let value = |row: usize, heading: &str| {
        &rows[row][headings.iter().position(|name| name == heading).unwrap()]
    };
    assert_eq!(rows.len(), 3);
    assert_eq!(value(0, "bank_account_number"), "000123456");
    assert_eq!(value(0, "postcode"), "012000");
    assert_eq!(value(0, "first_name"), "ដារ៉ា");
    assert_eq!(value(0, "note"), "<script>alert(1)</script>");
    assert_eq!(value(0, "amount"), "10.50");
    assert_eq!(value(0, "status"), "paid");
    assert_eq!(value(0, "address"), "'=cmd|' /C calc'!A0");
    assert_eq!(value(1, "reference"), "'=1+1");
    assert_eq!(value(2, "bank_account_number"), "");
}

#[test]
fn html_is_escaped_masked_and_asks_nothing_of_the_network() {
    let page = write(Format::Html);
    assert!(page.contains("&lt;i&gt;C&lt;&#x2f;i&gt;"), "the reference is escaped");
    assert!(!page.contains("<script") && !page.contains("javascript:"));
    assert!(page.contains("00****456") && !page.contains("000123456"));
    assert!(!page.contains("dara@example.com") && !page.contains("012345678"));
    assert!(!page.contains("src=") && !page.contains("href=\"http") && !page.contains("url("));
    assert!(page.contains("<svg") && page.contains("prefers-color-scheme: dark"));
    assert_eq!(page.matches("<tr>").count(), 4);
    assert!(page.contains("Stopped: too little"));
    assert!(page.trim_end().ends_with("</html>"));
}

#[test]
fn the_summary_is_the_document_of_the_contract() {
    let text = summary_json(&summary());
    let document: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["rows"], 3);
    assert_eq!(document["counts"]["paid"], 1);
    assert_eq!(document["counts"]["in_doubt"], 0);
    assert_eq!(document["totals"], json!({ "USD": { "requested": "31.50", "paid": "10.50" } }));
    assert_eq!(document["stopped"], json!({ "code": "funds", "message": "too little" }));
    assert!(text.contains("\"elapsed_s\":1.042"), "{text}");
}
