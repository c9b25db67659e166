//! Payments by customers: from the link to the money, and back again.

use std::time::Duration;

use kess_sandbox::{Sandbox, SandboxClock};
use serde_json::{Value, json};

use crate::raw::{Raw, seal};

const FORM: &str = "application/x-www-form-urlencoded";

fn order(out_trade_no: &str) -> Value {
    json!({"out_trade_no": out_trade_no, "body": "iPhone", "total_amount": 10, "currency": "USD"})
}

fn dollars(sandbox: &Sandbox) -> String {
    sandbox.ledger().balances["USD"].normalize().to_string()
}

fn still() -> Sandbox {
    let clock = SandboxClock::Virtual { start: 1_736_735_541 };
    Sandbox::builder().clock(clock).wallet("USD", "100".parse().unwrap()).start().unwrap()
}

/// The path of a page of the sandbox.
fn path(sandbox: &Sandbox, url: &Value) -> String {
    url.as_str().unwrap().strip_prefix(sandbox.base_url()).unwrap().to_owned()
}

#[tokio::test]
async fn a_customer_pays_by_the_link() {
    let sandbox = still();
    let raw = Raw::login(&sandbox).await;
    let mut fields = order("TR-1");
    fields["redirect_url"] = "https://sample.com/thanks?a=1".into();
    let made = raw.call("createOrder", fields.clone()).await;
    assert_eq!(made.data()["status"], "WAITING");
    assert_eq!(made.data()["total_amount"], 10);
    assert_eq!(raw.call("createorder", fields).await.refusal(), (409, "DUPLICATED"));
    let page = path(&sandbox, &made.data()["payment_link"]);
    assert!(raw.get(&page).await.text.contains("iPhone"));
    assert_eq!(raw.query("TR-1").await.data()["status"], "WAITING", "looking is not paying");
    let paid = raw.post_text(&page, FORM, "outcome=pay".to_owned()).await.unwrap();
    assert_eq!(paid.status, 303);
    assert_eq!(raw.query("TR-1").await.data()["status"], "SUCCESS");
    assert_eq!(dollars(&sandbox), "110");
    raw.post_text(&page, FORM, "outcome=pay".to_owned()).await.unwrap();
    assert_eq!(dollars(&sandbox), "110", "an order is paid once");
}

#[tokio::test]
async fn what_nobody_pays_closes_and_what_is_declined_costs_nothing() {
    let sandbox = still();
    let raw = Raw::login(&sandbox).await;
    let mut short = order("TR-1");
    short["expires_in"] = 60.into();
    raw.call("createOrder", short).await.data();
    sandbox.advance(Duration::from_secs(60));
    assert_eq!(raw.query("TR-1").await.data()["status"], "CLOSED");
    let made = raw.call("createOrder", order("TR-2")).await;
    let page = path(&sandbox, &made.data()["payment_link"]);
    raw.post_text(&page, FORM, "outcome=decline".to_owned()).await.unwrap();
    assert_eq!(raw.query("TR-2").await.data()["status"], "CLOSED");
    assert_eq!(dollars(&sandbox), "100");
}

#[tokio::test]
async fn native_pay_answers_a_code_a_link_or_a_deeplink() {
    let sandbox = still();
    let raw = Raw::login(&sandbox).await;
    for (number, service_code, only_deeplink, there) in [
        ("TR-1", "KESSKH", 0, "qrcode"),
        ("TR-2", "KESSKH", 1, "deeplink"),
        ("TR-3", "GOOGLEPAY", 0, "qrcode_link"),
    ] {
        let mut fields = order(number);
        fields["service_code"] = service_code.into();
        fields["only_deeplink"] = only_deeplink.into();
        let reply = raw.call("nativePay", fields).await;
        for name in ["qrcode", "deeplink", "qrcode_link"] {
            assert_eq!(reply.data()[name].is_string(), name == there, "{number} {name}");
        }
        assert_eq!(reply.data()["expires_in"], 1800);
        assert_eq!(reply.data()["order_info"]["status"], "WAITING");
    }
}

#[tokio::test]
async fn quick_pay_goes_by_the_code_on_the_customers_screen() {
    let sandbox = still();
    let raw = Raw::login(&sandbox).await;
    for (number, auth_code, status) in [("TR-1", "12345", "SUCCESS"), ("TR-2", "12300", "WAITING")]
    {
        let mut fields = order(number);
        fields["service_code"] = "WECHAT".into();
        fields["auth_code"] = auth_code.into();
        assert_eq!(raw.call("quickpay", fields).await.data()["status"], status);
    }
    assert_eq!(dollars(&sandbox), "110");
}

#[tokio::test]
async fn a_card_is_confirmed_on_its_page_or_declined_by_its_code() {
    let sandbox = still();
    let raw = Raw::login(&sandbox).await;
    for (number, code, status) in [("TR-1", "123", "WAITING"), ("TR-2", "222", "CLOSED")] {
        let card = json!({"number": "5105105105105100", "securityCode": code,
            "expiry": {"month": "12", "year": "35"}});
        let mut fields = order(number);
        fields["card"] = seal(&sandbox.credentials().public_key_pem, &card).into();
        let reply = raw.call("directPay", fields).await;
        assert_eq!(reply.data()["order_info"]["status"], status);
        assert_eq!(reply.data()["required_3ds"], status == "WAITING");
        assert_eq!(reply.data()["html_confirm_payment"].is_string(), status == "WAITING");
        assert!(!reply.text.contains("5105105105105100"), "a card is never echoed");
    }
}

#[tokio::test]
async fn tap_to_phone_is_paid_when_it_is_confirmed() {
    let sandbox = still();
    let raw = Raw::login(&sandbox).await;
    let made = raw.call("kioskCreateOrder", order("TR-1")).await;
    assert_eq!(made.data()["order_info"]["version"], "4");
    let id = made.data()["pre_order_id"].clone();
    for _ in 0..2 {
        let paid = raw.call("confirmKioskOrder", json!({"pre_order_id": id})).await;
        assert_eq!(paid.data()["status"], "SUCCESS");
    }
    assert_eq!(dollars(&sandbox), "110");
}

#[tokio::test]
async fn a_paid_order_is_refunded_in_parts_and_never_beyond() {
    let sandbox = still();
    let raw = Raw::login(&sandbox).await;
    let made = raw.call("createOrder", order("TR-1")).await;
    let page = path(&sandbox, &made.data()["payment_link"]);
    raw.post_text(&page, FORM, String::new()).await.unwrap();
    let part = |amount: &str| {
        json!({"out_trade_no": "TR-1", "reason": "test", "partial_refund_amount": amount,
            "partial_refund_amount_ccy": "USD", "merchant_reference": format!("RF-{amount}")})
    };
    let refunded = raw.call("v2Refund", part("4")).await;
    assert_eq!(refunded.data()["status"], "PARTIAL_REFUNDED");
    assert_eq!(raw.call("v2Refund", part("4")).await.refusal(), (409, "DUPLICATED"));
    assert_eq!(raw.call("v2Refund", part("6.01")).await.refusal(), (400, "VALIDATION_ERROR"));
    assert_eq!(dollars(&sandbox), "106");
    let rest = raw.call("v2Refund", json!({"out_trade_no": "TR-1", "reason": "test"})).await;
    assert_eq!(rest.data()["status"], "REFUNDED");
    assert_eq!(rest.data()["amount"], 6);
    assert_eq!(dollars(&sandbox), "100");
    let order = raw.query("TR-1").await;
    assert_eq!(order.data()["status"], "REFUNDED");
    assert_eq!(order.data()["refund_histories"].as_array().unwrap().len(), 2);
    let found = raw.call("queryRefund", json!({"merchant_reference": "RF-4"})).await;
    assert_eq!(found.data(), refunded.data());
}

#[tokio::test]
async fn a_bank_without_real_time_refunds_leaves_one_pending() {
    let sandbox = still();
    let raw = Raw::login(&sandbox).await;
    let mut fields = order("TR-1");
    fields["service_code"] = "ALIPAY".into();
    fields["auth_code"] = "12345".into();
    raw.call("quickpay", fields).await.data();
    let refund = raw.call("v2Refund", json!({"out_trade_no": "TR-1", "reason": "test"})).await;
    assert_eq!(refund.data()["status"], "PENDING_REFUNDED");
    sandbox.advance(Duration::from_secs(86_400));
    assert_eq!(raw.query("TR-1").await.status, 401, "the access token is long over");
    let raw = Raw::login(&sandbox).await;
    assert_eq!(raw.query("TR-1").await.data()["status"], "REFUNDED");
}

#[tokio::test]
async fn a_withdrawal_cannot_be_refunded() {
    let sandbox = still();
    let raw = Raw::login(&sandbox).await;
    raw.withdraw("000123456", "WD-1").await.data();
    let refused = raw.call("v2Refund", json!({"out_trade_no": "WD-1", "reason": "test"})).await;
    assert_eq!(refused.refusal(), (400, "VALIDATION_ERROR"));
}

#[tokio::test]
async fn orders_of_some_days_come_in_pages() {
    let sandbox = still();
    let raw = Raw::login(&sandbox).await;
    for number in 0..5 {
        raw.call("createOrder", order(&format!("TR-{number}"))).await.data();
    }
    let range = |start: &str, end: &str, page: i64| {
        let mut fields = json!({"per_page": 2, "page": page});
        fields["start_date"] = start.into();
        fields["end_date"] = end.into();
        fields
    };
    let day = "2025-01-13";
    for (page, numbers) in [(1, vec!["TR-0", "TR-1"]), (3, vec!["TR-4"]), (4, vec![])] {
        let reply = raw.call("queryorderbydaterange", range(day, day, page)).await;
        let items = reply.data()["items"].as_array().unwrap();
        let got: Vec<&str> = items.iter().map(|o| o["out_trade_no"].as_str().unwrap()).collect();
        assert_eq!(got, numbers, "page {page}");
        assert_eq!(reply.data()["last_page"], 3);
        assert_eq!(reply.data()["total"], 5);
    }
    let reply = raw.call("queryorderbydaterange", range("2025-01-14", "2025-01-15", 1)).await;
    assert_eq!(reply.data()["total"], 0);
    let reply = raw.call("queryorderbydaterange", range("2025-01-15", "2025-01-14", 1)).await;
    assert_eq!(reply.refusal(), (400, "VALIDATION_ERROR"));
}

#[tokio::test]
async fn a_card_that_was_saved_pays_an_order() {
    let sandbox = still();
    let raw = Raw::login(&sandbox).await;
    let fields = json!({"notify_url": "https://sample.com/notifyme"});
    let link = raw.call("saveCard", fields).await.data()["link"].clone();
    let saved = raw.post_text(&path(&sandbox, &link), FORM, String::new()).await.unwrap();
    assert_eq!(saved.status, 200);
    let notice = sandbox.notices().pop().unwrap();
    let (_, rest) = notice.body.split_once("card_token=").unwrap();
    let card_token = &rest[..32];
    let made = raw.call("createOrder", order("TR-1")).await;
    let token = made.data()["token"].as_str().unwrap();
    let pay = format!("/ccpay/{token}?card_token={card_token}");
    raw.post_text(&pay, FORM, String::new()).await.unwrap();
    assert_eq!(raw.query("TR-1").await.data()["status"], "SUCCESS");
}
