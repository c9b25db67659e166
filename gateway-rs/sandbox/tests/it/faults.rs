//! Every fault over real sockets: what the client sees, and what was booked all the same.

use std::time::Duration;

use kess_sandbox::{ErrorCode, Fault, FaultPlan, FaultRule, Sandbox, SandboxClock};
use serde_json::json;

use crate::raw::Raw;

/// What a client sees of a withdrawal under `fault`, and whether it was booked.
async fn under(fault: Fault) -> (String, bool) {
    let name = fault.name();
    let plan = FaultPlan::new().rule(FaultRule::new(fault).service("withdraw").times(1));
    let sandbox = Sandbox::builder().faults(plan).start().unwrap();
    let raw = Raw::login(&sandbox).await;
    let token = raw.bank_token("000123456").await;
    let seen = match raw.try_call("withdraw", raw.withdrawal(&token, "WD-1")).await {
        Err(_) => "cut".to_owned(),
        Ok(reply) if reply.json["success"] == true => {
            format!("success {}", reply.json["data"]["status"].as_str().unwrap())
        }
        Ok(reply) => {
            let code = reply.json["code"].as_str().or(reply.json["error_code"].as_str());
            let kind = if reply.text.starts_with("<html>") { "html" } else { "json" };
            format!("{} {} {kind}", reply.status, code.unwrap_or("-"))
        }
    };
    assert_eq!(sandbox.fault_hits().get(&name), Some(&1), "{name}");
    (seen, sandbox.ledger().row("WD-1").is_some_and(|row| row.times_booked == 1))
}

fn status(status: u16, booked: bool) -> Fault {
    Fault::Status { status, booked, retry_after: None }
}

#[tokio::test]
async fn each_fault_shows_as_it_says_and_books_as_it_says() {
    let cases = [
        (Fault::Refuse(ErrorCode::Forbidden), "403 FORBIDDEN json", false),
        (Fault::Refuse(ErrorCode::SystemError), "500 SYSTEM_ERROR json", false),
        (Fault::SuccessFalse(ErrorCode::ProcessFailed), "200 PROCESS_FAILED json", false),
        (Fault::CutBeforeBooking, "cut", false),
        (Fault::CutAfterBooking, "cut", true),
        (Fault::HalfReply, "cut", true),
        (Fault::Slow(Duration::from_millis(1)), "success SUCCESS", true),
        (status(503, false), "503 - json", false),
        (status(500, true), "500 - json", true),
        (status(422, true), "422 - json", true),
        (Fault::Html { status: 502, booked: true }, "502 - html", true),
        (Fault::Html { status: 200, booked: false }, "200 - html", false),
        (Fault::TokenRevoked, "401 UNAUTHENTICATED json", false),
        (Fault::OtpNeverConfirmed, "success WAITING", true),
        (Fault::UnknownAccount, "404 NOT_FOUND json", false),
        (Fault::LowBalance, "400 VALIDATION_ERROR json", false),
        (Fault::Duplicate, "409 DUPLICATED json", false),
    ];
    for (fault, seen, booked) in cases {
        let name = fault.name();
        assert_eq!(under(fault).await, (seen.to_owned(), booked), "{name}");
    }
}

#[tokio::test]
async fn every_code_of_the_table_can_be_asked_for() {
    for code in ErrorCode::ALL {
        let expected = format!("{} {} json", code.status(), code.as_str());
        assert_eq!(under(Fault::Refuse(code)).await, (expected, false));
    }
}

#[tokio::test]
async fn a_429_says_when_to_come_back() {
    let fault = Fault::Status { status: 429, booked: false, retry_after: Some(7) };
    let sandbox = Sandbox::start().unwrap();
    sandbox.add_fault(FaultRule::new(fault).times(1));
    let raw = Raw::login(&sandbox).await;
    let reply = raw.query("WD-1").await;
    assert_eq!((reply.status, reply.retry_after.as_deref()), (429, Some("7")));
    assert_eq!(raw.query("WD-1").await.status, 404, "the fault strikes once");
}

#[tokio::test]
async fn a_call_that_was_cut_may_still_be_booked_later() {
    let clock = SandboxClock::Virtual { start: 1_736_735_541 };
    let sandbox = Sandbox::builder().clock(clock).start().unwrap();
    let fault = Fault::CutThenBook(Duration::from_secs(5));
    sandbox.add_fault(FaultRule::new(fault).service("withdraw").times(1));
    let raw = Raw::login(&sandbox).await;
    let token = raw.bank_token("000123456").await;
    assert!(raw.try_call("withdraw", raw.withdrawal(&token, "WD-1")).await.is_err());
    assert_eq!(raw.query("WD-1").await.status, 404);
    sandbox.advance(Duration::from_secs(5));
    assert_eq!(raw.query("WD-1").await.data()["status"], "SUCCESS");
    assert_eq!(sandbox.ledger().row("WD-1").unwrap().times_booked, 1);
}

#[tokio::test]
async fn a_booked_order_may_be_hidden_for_a_while() {
    let clock = SandboxClock::Virtual { start: 1_736_735_541 };
    let sandbox = Sandbox::builder().clock(clock).start().unwrap();
    sandbox.add_fault(FaultRule::new(Fault::HiddenAfterBooking(Duration::from_secs(60))));
    let raw = Raw::login(&sandbox).await;
    assert_eq!(raw.withdraw("000123456", "WD-1").await.data()["status"], "SUCCESS");
    assert_eq!(raw.query("WD-1").await.status, 404);
    sandbox.advance(Duration::from_secs(60));
    assert_eq!(raw.query("WD-1").await.data()["status"], "SUCCESS");
}

#[tokio::test]
async fn accounts_can_turn_out_to_be_other_than_they_seemed() {
    let sandbox =
        Sandbox::builder().account("000123456", "ABAAKHPP", "SOK DARA", "USD").start().unwrap();
    let raw = Raw::login(&sandbox).await;
    let fields = json!({"bank_account_number": "000123456", "bic": "ABAAKHPP"});
    for (fault, holder, currency) in
        [(Fault::OtherHolder, "SOMEBODY ELSE", "USD"), (Fault::OtherCurrency, "SOK DARA", "KHR")]
    {
        sandbox.add_fault(FaultRule::new(fault).service("verify_bank_account").times(1));
        let reply = raw.call("verifybankaccount", fields.clone()).await;
        assert_eq!(reply.data()["owner_name"], holder);
        assert_eq!(reply.data()["currency"], currency);
    }
}

#[tokio::test]
async fn other_processes_set_faults_and_read_hits_over_http() {
    let sandbox = Sandbox::start().unwrap();
    let raw = Raw::login(&sandbox).await;
    let rules = json!({"rules": [
        {"fault": "status", "status": 504, "booked": true, "service": "withdraw", "times": 1},
        {"fault": "refuse", "code": "DUPLICATED", "out_trade_no": "WD-2"},
    ]});
    assert_eq!(raw.post("/sandbox/faults", &rules).await.unwrap().status, 200);
    assert_eq!(raw.withdraw("000123456", "WD-1").await.status, 504);
    assert_eq!(raw.withdraw("000123456", "WD-2").await.refusal(), (409, "DUPLICATED"));
    let hits = raw.get("/sandbox/faults").await.json;
    assert_eq!(hits["hits"]["status_504_after_booking"], 1);
    assert_eq!(hits["rules"][1]["hits"], 1);
    let cleared = raw.post("/sandbox/faults", &json!({"clear": true})).await.unwrap();
    assert_eq!(cleared.json["rules"], json!([]));
    let ledger = raw.get("/sandbox/ledger").await.json;
    assert_eq!(ledger["rows"][0]["out_trade_no"], "WD-1");
    assert_eq!(ledger["rows"][0]["account"], "00****456");
    assert_eq!(ledger["rows"][0]["amount"], "10.5");
}

#[tokio::test]
async fn a_fault_that_makes_no_sense_is_refused_with_the_reason() {
    let sandbox = Sandbox::start().unwrap();
    let raw = Raw::login(&sandbox).await;
    for (rule, reason) in [
        (json!({"fault": "fire"}), "there is no fault named \"fire\""),
        (json!({"fault": "refuse", "code": "X"}), "needs a code out of VALIDATION_ERROR"),
        (json!({"fault": "slow", "speed": 1}), "unknown field `speed`"),
        (json!({"fault": "slow", "per_mille": 1001}), "it ends at 1000"),
    ] {
        let reply = raw.post("/sandbox/faults", &rule).await.unwrap();
        assert_eq!(reply.status, 400);
        assert!(reply.json["message"].as_str().unwrap().contains(reason), "{}", reply.text);
    }
}
