//! Withdrawals: what leaves the wallet, what comes back, and what the ledger says of it.

use std::time::Duration;

use kess_sandbox::{
    Duplicates, Fault, FaultPlan, FaultRule, MissingOrder, OtpPolicy, Sandbox, SandboxClock,
};
use serde_json::json;

use crate::raw::Raw;

fn dollars(sandbox: &Sandbox) -> String {
    sandbox.ledger().balances["USD"].normalize().to_string()
}

fn small() -> kess_sandbox::SandboxBuilder {
    Sandbox::builder().wallet("USD", "100".parse().unwrap())
}

#[tokio::test]
async fn an_ordinary_account_is_paid_at_once_and_once() {
    let sandbox = small().account("000123456", "ABAAKHPP", "SOK DARA", "USD").start().unwrap();
    let raw = Raw::login(&sandbox).await;
    let verified = raw
        .call("verifybankaccount", json!({"bank_account_number": "000123456", "bic": "ABAAKHPP"}));
    let verified = verified.await;
    let expected =
        json!({"owner_name": "SOK DARA", "currency": "USD", "account_number": "000123456"});
    assert_eq!(*verified.data(), expected);

    let paid = raw.withdraw("000123456", "WD-1").await;
    assert_eq!(paid.data()["status"], "SUCCESS");
    assert!(paid.text.contains(r#""total_amount":-10.5,"#), "{}", paid.text);
    assert_eq!(paid.data()["receiver_name"], "SOK DARA");
    assert_eq!(paid.data()["is_required_otp"], false);
    assert!(paid.data()["verify_otp_url"].is_null());
    assert_eq!(dollars(&sandbox), "89.5");

    let again = raw.withdraw("000123456", "WD-1").await;
    assert_eq!(again.refusal(), (409, "DUPLICATED"));
    assert_eq!(dollars(&sandbox), "89.5");
    let ledger = sandbox.ledger();
    let row = ledger.row("WD-1").unwrap();
    assert_eq!((row.account.as_str(), row.times_booked), ("00****456", 1));
    assert_eq!(row.moved, ledger.moved("USD"));
}

#[tokio::test]
async fn endings_script_what_becomes_of_a_withdrawal() {
    // The ending, the answer to `withdraw`, what the first and the second query say, what is gone.
    let cases = [
        ("0404", "404 NOT_FOUND", "NOT_FOUND", "NOT_FOUND", "0"),
        ("0400", "400 VALIDATION_ERROR", "NOT_FOUND", "NOT_FOUND", "0"),
        ("0402", "400 VALIDATION_ERROR", "NOT_FOUND", "NOT_FOUND", "0"),
        ("0422", "422 PROCESS_FAILED", "NOT_FOUND", "NOT_FOUND", "0"),
        ("0504", "504 GATEWAY_TIMEOUT", "SUCCESS", "SUCCESS", "10.5"),
        ("0600", "cut", "NOT_FOUND", "NOT_FOUND", "0"),
        ("0601", "cut", "SUCCESS", "SUCCESS", "10.5"),
        ("0202", "WAITING", "WAITING", "SUCCESS", "10.5"),
        ("0203", "WAITING", "WAITING", "WAITING", "10.5"),
        ("0410", "WAITING", "CLOSED", "CLOSED", "0"),
        ("0777", "SUCCESS", "SUCCESS", "SUCCESS", "10.5"),
        ("9999", "SUCCESS", "SUCCESS", "SUCCESS", "10.5"),
    ];
    let sandbox = Sandbox::start().unwrap();
    let raw = Raw::login(&sandbox).await;
    for (ending, answer, first, second, gone) in cases {
        let out_trade_no = format!("WD-{ending}");
        let fields = json!({
            "bank_account": format!("00012{ending}"), "bic": "ACLBKHPPXXX", "currency": "USD",
            "out_trade_no": out_trade_no, "total_amount": 10.5, "customer": raw.customer,
        });
        let got = match raw.try_call("withdrawByBankNumber", fields).await {
            Err(_) => "cut".to_owned(),
            Ok(reply) if reply.status == 200 => {
                assert_eq!(reply.data().get("verify_otp_url"), None);
                reply.data()["status"].as_str().unwrap().to_owned()
            }
            Ok(reply) => format!("{} {}", reply.refusal().0, reply.refusal().1),
        };
        assert_eq!(got, answer, "withdraw {ending}");
        for expected in [first, second] {
            let reply = raw.query(&out_trade_no).await;
            let got = reply.json["data"]["status"].as_str().or(reply.json["code"].as_str());
            assert_eq!(got, Some(expected), "query {ending}");
        }
        let ledger = sandbox.ledger();
        let moved = ledger.row(&out_trade_no).map(|row| row.moved).unwrap_or_default();
        assert_eq!(moved.normalize().to_string(), gone, "ledger {ending}");
    }
}

#[tokio::test]
async fn an_order_that_was_cut_off_before_booking_is_paid_when_it_is_sent_again() {
    let sandbox = Sandbox::start().unwrap();
    let raw = Raw::login(&sandbox).await;
    let token = raw.bank_token("000120600").await;
    let fields = raw.withdrawal(&token, "WD-1");
    assert!(raw.try_call("withdraw", fields.clone()).await.is_err());
    assert_eq!(raw.query("WD-1").await.refusal(), (404, "NOT_FOUND"));
    assert_eq!(raw.call("withdraw", fields).await.data()["status"], "SUCCESS");
    assert_eq!(sandbox.ledger().row("WD-1").unwrap().times_booked, 1);
}

#[tokio::test]
async fn a_one_time_password_confirms_on_the_page_and_nowhere_else() {
    let sandbox = small().start().unwrap();
    let raw = Raw::login(&sandbox).await;
    let booked = raw.withdraw("000120777", "WD-1").await;
    assert_eq!(booked.data()["status"], "WAITING");
    assert_eq!(booked.data()["is_required_otp"], true);
    assert_eq!(dollars(&sandbox), "89.5", "the money is set aside at booking");
    let url = booked.data()["verify_otp_url"].as_str().unwrap();
    let path = url.strip_prefix(sandbox.base_url()).unwrap();

    let page = raw.get(path).await;
    assert!(page.text.contains("<label for=\"code\">"), "{}", page.text);
    let (_, rest) = page.text.split_once("id=\"sandbox-code\">").unwrap();
    let code = &rest[..6];
    let wrong = if code == "000000" { "000001" } else { "000000" };
    let form = "application/x-www-form-urlencoded";
    let refused = raw.post_text(path, form, format!("code={wrong}")).await.unwrap();
    assert_eq!(refused.status, 422);
    assert_eq!(raw.query("WD-1").await.data()["status"], "WAITING");

    let confirmed = raw.post_text(path, form, format!("code={code}")).await.unwrap();
    assert_eq!(confirmed.status, 200);
    let paid = raw.query("WD-1").await;
    assert_eq!(paid.data()["status"], "SUCCESS");
    assert!(paid.data()["transaction_id"].is_string());
    assert_eq!(dollars(&sandbox), "89.5");
}

#[tokio::test]
async fn what_nobody_confirms_expires_and_the_money_comes_back() {
    let clock = SandboxClock::Virtual { start: 1_736_735_541 };
    let sandbox = small().clock(clock).otp(OtpPolicy::Always).start().unwrap();
    let raw = Raw::login(&sandbox).await;
    let token = raw.bank_token("000123456").await;
    let mut fields = raw.withdrawal(&token, "WD-1");
    fields["expires_in"] = 300.into();
    let booked = raw.call("withdraw", fields).await;
    assert_eq!(booked.data()["created_at"], "2025-01-13T02:32:21.000000Z");
    assert_eq!(booked.data()["expired_at"], "2025-01-13T02:37:21.000000Z");
    sandbox.advance(Duration::from_secs(299));
    assert_eq!(raw.query("WD-1").await.data()["status"], "WAITING");
    sandbox.advance(Duration::from_secs(1));
    assert_eq!(raw.query("WD-1").await.data()["status"], "CLOSED");
    assert_eq!(dollars(&sandbox), "100");
    let row = sandbox.ledger().row("WD-1").cloned().unwrap();
    assert_eq!((row.times_booked, row.times_returned), (1, 1));
}

#[tokio::test]
async fn closing_gives_the_money_back_unless_it_is_paid() {
    let sandbox = small().start().unwrap();
    let raw = Raw::login(&sandbox).await;
    raw.withdraw("000120777", "WD-1").await;
    raw.withdraw("000123456", "WD-2").await;
    for (out_trade_no, status) in [("WD-1", "CLOSED"), ("WD-2", "SUCCESS")] {
        let closed = raw.call("closeorder", json!({"out_trade_no": out_trade_no})).await;
        assert_eq!(closed.data()["status"], status);
    }
    assert_eq!(dollars(&sandbox), "89.5");
    let missing = raw.call("closeorder", json!({"out_trade_no": "WD-3"})).await;
    assert_eq!(missing.refusal(), (404, "NOT_FOUND"));
}

#[tokio::test]
async fn a_wallet_pays_no_more_than_it_holds() {
    let sandbox = Sandbox::builder().wallet("USD", "20".parse().unwrap()).start().unwrap();
    let raw = Raw::login(&sandbox).await;
    assert_eq!(raw.withdraw("000123456", "WD-1").await.data()["status"], "SUCCESS");
    let refused = raw.withdraw("000123456", "WD-2").await;
    assert_eq!(refused.refusal(), (400, "VALIDATION_ERROR"));
    assert_eq!(refused.json["message"], "Insufficient balance.");
    assert_eq!(dollars(&sandbox), "9.5");
}

#[tokio::test]
async fn a_gateway_that_books_twice_shows_it_in_the_ledger() {
    let sandbox = small().duplicates(Duplicates::BookAgain).start().unwrap();
    let raw = Raw::login(&sandbox).await;
    raw.withdraw("000123456", "WD-1").await;
    raw.withdraw("000123456", "WD-1").await;
    assert_eq!(sandbox.ledger().row("WD-1").unwrap().times_booked, 2);
    assert_eq!(dollars(&sandbox), "79");
}

#[tokio::test]
async fn a_missing_order_is_missing_in_each_way_a_gateway_may_say_it() {
    let cases = [
        (MissingOrder::NotFound, 404, json!(false), json!(null)),
        (MissingOrder::SuccessFalse, 200, json!(false), json!(null)),
        (MissingOrder::DataNull, 200, json!(true), json!(null)),
        (MissingOrder::DataEmptyList, 200, json!(true), json!([])),
    ];
    for (missing, status, success, data) in cases {
        let sandbox = Sandbox::builder().missing_order(missing).start().unwrap();
        let reply = Raw::login(&sandbox).await.query("WD-1").await;
        assert_eq!(reply.status, status, "{missing:?}");
        assert_eq!(reply.json["success"], success, "{missing:?}");
        assert_eq!(reply.json["data"], data, "{missing:?}");
    }
}

#[tokio::test]
async fn whatever_goes_wrong_the_books_balance() {
    let plan = [
        Fault::CutBeforeBooking,
        Fault::CutAfterBooking,
        Fault::CutThenBook(Duration::from_secs(5)),
        Fault::HalfReply,
        Fault::Status { status: 503, booked: true, retry_after: None },
    ];
    let plan = plan.into_iter().fold(FaultPlan::new(), |plan, fault| {
        plan.rule(FaultRule::new(fault).service("withdraw").per_mille(150))
    });
    let clock = SandboxClock::Virtual { start: 1_736_735_541 };
    let sandbox = Sandbox::builder()
        .clock(clock)
        .faults(plan)
        .wallet("USD", "1000".parse().unwrap())
        .start()
        .unwrap();
    let raw = Raw::login(&sandbox).await;
    let endings = ["1111", "0777", "0202", "0410", "0504", "0422"];
    for number in 0..60 {
        let token = raw.bank_token(&format!("00012{}", endings[number % 6])).await;
        // What becomes of each is the faults' affair; here only the sum counts.
        let _ = raw.try_call("withdraw", raw.withdrawal(&token, &format!("WD-{number}"))).await;
        let _ = raw.query(&format!("WD-{number}")).await;
    }
    sandbox.advance(Duration::from_secs(5));
    let hits = sandbox.fault_hits();
    assert_eq!(hits.len(), 5, "every fault struck: {hits:?}");
    let ledger = sandbox.ledger();
    assert!(ledger.rows.iter().all(|row| row.times_booked == 1));
    let opening: rust_decimal::Decimal = "1000".parse().unwrap();
    assert_eq!(ledger.balances["USD"], opening - ledger.moved("USD"));
}

#[tokio::test]
async fn the_same_seed_gives_the_same_answers_in_any_order() {
    let start = || {
        let plan = FaultPlan::new()
            .rule(FaultRule::new(Fault::CutAfterBooking).service("withdraw").per_mille(300));
        let clock = SandboxClock::Virtual { start: 1_736_735_541 };
        Sandbox::builder().seed(42).clock(clock).faults(plan).start().unwrap()
    };
    let (one, two) = (start(), start());
    let (raw_one, raw_two) = (Raw::login(&one).await, Raw::login(&two).await);
    let numbers: Vec<String> = (0..30).map(|number| format!("WD-{number}")).collect();
    for (raw, numbers) in
        [(&raw_one, numbers.clone()), (&raw_two, numbers.iter().rev().cloned().collect())]
    {
        let token = raw.bank_token("000123456").await;
        for number in numbers {
            let _ = raw.try_call("withdraw", raw.withdrawal(&token, &number)).await;
        }
    }
    assert_eq!(one.ledger(), two.ledger());
    assert_eq!(one.fault_hits(), two.fault_hits());
    for number in &numbers {
        let (mut a, mut b) = (raw_one.query(number).await.json, raw_two.query(number).await.json);
        for reply in [&mut a, &mut b] {
            // The number in the day's queue is the one thing that follows the order of arrival.
            reply["data"]["queue_number"] = json!(null);
        }
        assert_eq!(a["data"], b["data"]);
    }
}
