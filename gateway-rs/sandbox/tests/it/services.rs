//! Every service of the specification is answered, with state behind the answer.

use kess_sandbox::{Sandbox, SandboxBuilder};
use serde_json::{Value, json};

use crate::raw::{Raw, Reply, seal};

fn small() -> SandboxBuilder {
    Sandbox::builder().wallet("USD", "100".parse().unwrap())
}

async fn dollars(raw: &Raw) -> String {
    raw.call("merchantinfo", json!({})).await.data()["wallet"]["balance"].to_string()
}

/// A request of the service's required fields, with values of their kind.
fn plausible(raw: &Raw, service: &Value, card: &str) -> Value {
    let mut fields = serde_json::Map::new();
    for field in service["fields"].as_array().unwrap() {
        if field["required"] != true {
            continue;
        }
        let name = field["name"].as_str().unwrap();
        let known = field["known_values"][0].as_str();
        let value = match name {
            "customer" => json!(raw.customer),
            "card" => json!(card),
            "currency" => json!("USD"),
            "start_date" | "end_date" => json!("2025-01-15"),
            "valid_for" => json!(13),
            "from" => json!(0),
            "notify_url" => json!("https://sample.com/notifyme"),
            "phone_number" | "bank_account_number" | "auth_code" => json!("012345678"),
            _ if name.contains("amount") || name.contains("limit") => json!(5),
            "page" | "per_page" | "max_trans" | "to" => json!(1),
            _ => json!(known.unwrap_or("X-1")),
        };
        fields.insert(name.to_owned(), value);
    }
    if service["name"] == "user_profile" || service["name"] == "query_refund" {
        fields.insert("user_id".to_owned(), json!("X-1"));
        fields.insert("transaction_id".to_owned(), json!("X-1"));
    }
    Value::Object(fields)
}

#[tokio::test]
async fn every_service_of_the_specification_is_known_and_answers() {
    let sandbox = Sandbox::start().unwrap();
    let raw = Raw::login(&sandbox).await;
    let card = json!({"number": "5105105105105100", "securityCode": "123",
        "expiry": {"month": "12", "year": "35"}});
    let card = seal(&sandbox.credentials().public_key_pem, &card);
    let services = raw.get("/sandbox/services").await.json;
    let services = services.as_array().unwrap();
    let documented = services.iter().filter(|service| service["documented"] == true).count();
    assert_eq!((documented, services.len()), (33, 39));
    for service in services {
        let wire = service["service"].as_str().unwrap();
        let short = wire.strip_prefix("webpay.acquire.").unwrap();
        let reply = raw.call(short, plausible(&raw, service, &card)).await;
        let code = reply.json["code"].as_str();
        // X-1 names nothing that could be found, is no QR code, and is an order that nobody paid.
        let unfit = ["decodeKhqr", "payKhqr", "v2Refund"].contains(&short);
        let fine = match code {
            None => reply.status == 200,
            Some("VALIDATION_ERROR") => unfit,
            Some(code) => ["NOT_FOUND", "DUPLICATED"].contains(&code),
        };
        assert!(fine, "{wire}: {}", reply.text);
        assert_ne!(code, Some("FEATURE_UNDER_MAINTENANCE"), "{wire} is not taught yet");
    }
}

#[tokio::test]
async fn a_service_without_its_required_fields_names_them() {
    let sandbox = Sandbox::start().unwrap();
    let raw = Raw::login(&sandbox).await;
    for service in raw.get("/sandbox/services").await.json.as_array().unwrap() {
        let short = service["service"].as_str().unwrap().strip_prefix("webpay.acquire.").unwrap();
        let required: Vec<&str> = service["fields"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|field| field["required"] == true)
            .map(|field| field["name"].as_str().unwrap())
            .collect();
        let reply = raw.call(short, json!({})).await;
        for name in required {
            assert!(reply.json["errors"][name].is_array(), "{short}.{name}: {}", reply.text);
        }
    }
}

#[tokio::test]
async fn users_have_wallets_that_money_can_be_moved_to() {
    let sandbox = small().start().unwrap();
    let raw = Raw::login(&sandbox).await;
    let fields = json!({"first_name": "Chan", "last_name": "Bopha", "phone_number": "010333444",
        "email": "chan@sample.com", "muser_identity": "N1"});
    let added = raw.call("adduserundermerchant", fields.clone()).await;
    assert_eq!(added.data()["full_name"], "Chan Bopha");
    assert_eq!(raw.call("adduserundermerchant", fields).await.refusal(), (409, "DUPLICATED"));
    let by_identity = raw.call("userprofile", json!({"muser_identity": "N1"})).await;
    assert_eq!(by_identity.data(), added.data());
    let neither = raw.call("userprofile", json!({})).await;
    assert!(neither.json["errors"]["user_id"].is_array(), "{}", neither.text);

    let merchant = raw.call("merchantinfo", json!({})).await;
    let transfer = json!({"amount": 25, "currency": "USD", "comment": "Bonus",
        "from_wallet_id": merchant.data()["wallet"]["id"],
        "to_wallet_id": added.data()["wallet"]["id"]});
    let moved = raw.call("moneytransfer", transfer.clone()).await;
    assert_eq!(moved.data()["comment"], "Bonus");
    // There is no order number: the same call is a second transfer.
    raw.call("moneytransfer", transfer).await.data();
    assert_eq!(dollars(&raw).await, "50");
    let user = raw.call("userprofile", json!({"muser_identity": "N1"})).await;
    assert_eq!(user.data()["wallet"]["balance"], 50);

    let reference = moved.data()["transaction_ref"].clone();
    let detail = raw.call("getTxnDetail", json!({"transaction_ref": reference})).await;
    assert_eq!(detail.data()["debited_amount"], 25);
    assert_eq!(detail.data()["transaction_type"], "out");
    let list = raw.call("getTxnLists", json!({"page": 1})).await;
    assert_eq!(list.data()["data"].as_array().unwrap().len(), 2);
    assert_eq!(list.data()["last_page"], 1);
    let users = raw.call("getUserUnderMerchant", json!({"page": 1})).await;
    assert_eq!(users.data()["data"][0]["user_id"], user.data()["user_id"]);
}

#[tokio::test]
async fn transactions_come_in_pages_newest_first() {
    let sandbox = Sandbox::start().unwrap();
    let raw = Raw::login(&sandbox).await;
    for number in 0..20 {
        raw.withdraw("000123456", &format!("WD-{number:02}")).await.data();
    }
    let first = raw.call("getTxnLists", json!({"page": 1})).await;
    let second = raw.call("getTxnLists", json!({"page": 2})).await;
    let beyond = raw.call("getTxnLists", json!({"page": 3})).await;
    let rows = |reply: &Reply| reply.data()["data"].as_array().unwrap().clone();
    assert_eq!((rows(&first).len(), rows(&second).len(), rows(&beyond).len()), (15, 5, 0));
    assert_eq!(first.data()["last_page"], 2);
    let references: std::collections::BTreeSet<String> = rows(&first)
        .iter()
        .chain(&rows(&second))
        .map(|row| row["transaction_ref"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(references.len(), 20);
}

#[tokio::test]
async fn a_khqr_that_was_made_can_be_read_and_paid() {
    let sandbox = small().start().unwrap();
    let raw = Raw::login(&sandbox).await;
    let merchant = raw.call("merchantinfo", json!({})).await;
    let wallet = &merchant.data()["wallet"];
    let fields = json!({"wallet_ref": wallet["id"], "user_id": merchant.data()["user_id"],
        "amount": 2.5});
    let made = raw.call("generateKhqr", fields).await;
    let qr = made.data()["qr_string"].as_str().unwrap().to_owned();
    let read = raw.call("decodeKhqr", json!({"qrcode": qr})).await;
    assert_eq!(read.data()["accountInformation"], wallet["account_number"]);
    assert_eq!(read.data()["transactionAmount"], "2.5");
    assert_eq!(read.data()["transactionCurrency"], "usd");
    let wrong = json!({"qrcode": qr, "currency": "USD", "amount": "3"});
    assert_eq!(raw.call("payKhqr", wrong).await.refusal(), (400, "VALIDATION_ERROR"));
    let paid = raw.call("payKhqr", json!({"qrcode": qr, "currency": "USD", "amount": "2.5"})).await;
    assert_eq!(paid.data()["amount"], "2.5");
    assert_eq!(dollars(&raw).await, "100", "the merchant paid itself");
    let broken = raw.call("decodeKhqr", json!({"qrcode": qr.replace("5999", "5998")})).await;
    assert_eq!(broken.refusal(), (400, "VALIDATION_ERROR"));
}

#[tokio::test]
async fn the_documented_khqr_reads_as_the_documentation_has_it() {
    let sandbox = Sandbox::start().unwrap();
    let raw = Raw::login(&sandbox).await;
    let qr = "00020101021129490009khqr@kess01090000249240219Kess Innovation Plc520459995303840\
        5802KH5910Bunna Roth6010Phnom Penh62130209015703635991700131738910956926630400AA";
    let read = raw.call("decodeKhqr", json!({"qrcode": qr})).await;
    for (name, value) in [
        ("merchantType", json!("29")),
        ("bakongAccountID", json!("khqr@kess")),
        ("accountInformation", json!("000024924")),
        ("mobileNumber", json!("015703635")),
        ("transactionAmount", json!(null)),
        ("merchantCategoryCode", json!("5999")),
        ("timestamp", json!("00131738910956926")),
        ("crc", json!("00AA")),
    ] {
        assert_eq!(read.data()[name], value, "{name}");
    }
}

#[tokio::test]
async fn a_virtual_card_costs_its_limit_and_reports_in_ranges() {
    let sandbox = small().start().unwrap();
    let raw = Raw::login(&sandbox).await;
    let mut fields = json!({"trans_limit_amount": 10, "purchase_type": "Test",
        "cumulative_limit": 30, "valid_for": 13, "max_trans": 5, "currency": "USD",
        "description": "Gift"});
    let made = raw.call("createVirtualCard", fields.clone()).await;
    let id = made.data()["purchaseRequestId"].clone();
    assert_eq!(dollars(&raw).await, "70");
    let by_id = json!({"purchase_req_id": id});
    let balance = raw.call("getVirtualCardBalance", by_id.clone()).await;
    assert_eq!(balance.data()["availableBalance"], 30);
    assert_eq!(raw.call("getVirtualCardDetail", by_id).await.data(), made.data());
    let list = raw.call("getVirtualCards", json!({})).await;
    assert_eq!(list.data()[0]["pan"], made.data()["vcnInformation"]["pan"]);
    for (from, to, rows, more) in [(0, 2, 2, true), (2, 5, 3, false), (5, 9, 0, false)] {
        let fields = json!({"purchase_req_id": id, "from": from, "to": to});
        let report = raw.call("getVirtualCardReport", fields).await;
        assert_eq!(report.data()["tranInfos"].as_array().unwrap().len(), rows, "{from}..{to}");
        assert_eq!(report.data()["hasMore"], more, "{from}..{to}");
    }
    fields["valid_for"] = json!(25);
    let refused = raw.call("createVirtualCard", fields).await;
    assert!(refused.json["errors"]["valid_for"].is_array(), "{}", refused.text);
}

#[tokio::test]
async fn a_subscription_is_paid_cancelled_and_taken_up_again() {
    let sandbox = small().start().unwrap();
    let raw = Raw::login(&sandbox).await;
    let link = json!({"out_trade_no": "SUB-1", "total_amount": 5, "currency": "USD",
        "interval": "monthly"});
    let order = raw.call("generateSubscriptionLink", link).await;
    let card = json!({"number": "5105105105105100", "securityCode": "123",
        "expiry": {"month": "12", "year": "35"}});
    let card = seal(&sandbox.credentials().public_key_pem, &card);
    let fields = json!({"pre_order_token": order.data()["pre_order_token"], "card": card,
        "holder_name": "Sok Dara", "interval": "monthly"});
    let made = raw.call("subscription", fields.clone()).await;
    assert_eq!(made.data()["status"], "ACTIVE");
    assert_eq!(dollars(&raw).await, "105");
    assert_eq!(raw.call("subscription", fields).await.refusal(), (409, "DUPLICATED"));
    let code = made.data()["code"].clone();
    let cancelled = raw.call("cancelSubscription", json!({"code": code})).await;
    assert_eq!(cancelled.data()["status"], "CANCELLED");
    let again = raw.call("reActiveSubscription", json!({"subscription_code": code})).await;
    assert_eq!(again.data()["status"], "ACTIVE");
    let payments = raw.call("getSubscriptionTrxs", json!({"subscription_code": code})).await;
    assert_eq!(payments.data()[0]["out_trade_no"], "SUB-1");
    let none = raw.call("getSubscriptions", json!({"end_date": "2000-01-01"})).await;
    assert_eq!(*none.data(), json!([]));
}
