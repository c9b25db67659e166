//! What is refused before a service is asked: bearer, signature, fields, sealed blocks.

use std::io::Write as _;
use std::process::{Command, Stdio};

use kess_sandbox::{OpenPolicy, Sandbox};
use serde_json::{Value, json};

use crate::raw::{Raw, customer, seal};

fn field_named(reply: &crate::raw::Reply, field: &str) -> bool {
    reply.refusal() == (400, "VALIDATION_ERROR") && reply.json["errors"][field].is_array()
}

#[tokio::test]
async fn each_broken_request_names_the_field() {
    let sandbox = Sandbox::start().unwrap();
    let raw = Raw::login(&sandbox).await;
    let token = raw.bank_token("000123456").await;
    let pem = &sandbox.credentials().public_key_pem;
    let mut nameless = customer();
    nameless["first_name"] = Value::Null;
    let cases: [(&str, Value, &str); 10] = [
        ("out_trade_no", Value::Null, "out_trade_no"),
        ("out_trade_no", json!("WD_1"), "out_trade_no"),
        ("out_trade_no", json!("W".repeat(33)), "out_trade_no"),
        ("total_amount", json!("ten"), "total_amount"),
        ("total_amount", json!(0), "total_amount"),
        ("total_amount", json!("10.505"), "total_amount"),
        ("seller_code", json!("CU0000-1"), "seller_code"),
        ("sign_type", json!("md5"), "sign_type"),
        ("customer", json!("00ff"), "customer"),
        ("customer", json!(seal(pem, &nameless)), "customer.first_name"),
    ];
    for (field, value, named) in cases {
        let mut fields = raw.withdrawal(&token, "WD-1");
        let body = if field == "sign_type" {
            let mut body = raw.signed("withdraw", fields);
            body[field] = value.clone();
            body
        } else {
            fields[field] = value.clone();
            raw.signed("withdraw", fields)
        };
        let reply = raw.post("/api/mch/v2/gateway", &body).await.unwrap();
        assert!(field_named(&reply, named), "{field}={value}: {}", reply.text);
    }
    assert!(sandbox.ledger().rows.is_empty());
}

#[tokio::test]
async fn what_is_no_request_at_all_is_a_400_and_never_a_500() {
    let sandbox = Sandbox::start().unwrap();
    let raw = Raw::login(&sandbox).await;
    for body in ["", "null", "[]", "{", "\u{0}", "{\"service\":1}", "{\"service\":{\"a\":[]}}"] {
        let path = "/api/mch/v2/gateway";
        let reply = raw.post_text(path, "application/json", body.to_owned()).await.unwrap();
        assert_eq!(reply.refusal().0, 400, "{body:?}");
    }
    let unknown = raw.call("nosuchservice", json!({})).await;
    assert!(field_named(&unknown, "service"));
}

#[tokio::test]
async fn odd_amounts_are_refused_and_never_upset_the_books() {
    let sandbox = Sandbox::start().unwrap();
    let raw = Raw::login(&sandbox).await;
    let token = raw.bank_token("000123456").await;
    for amount in [
        "1e28",
        "79228162514264337593543950335",
        "1e400",
        "1e-30",
        "-1",
        "-0",
        "1e99999999999",
        "0.001",
        "99999999999999999999999999999999999999",
    ] {
        for amount in [amount.to_owned(), format!("\"{amount}\"")] {
            let mut fields = raw.withdrawal(&token, "WD-1");
            fields["total_amount"] = "@".into();
            let body = raw.signed("withdraw", fields).to_string().replace("\"@\"", &amount);
            let sign = kess_sandbox::sign_body(&body, &raw.secret).unwrap();
            let mut parts = body.split("\"sign\":\"");
            let (before, after) = (parts.next().unwrap(), parts.next().unwrap());
            let body = format!("{before}\"sign\":\"{sign}\"{}", &after[65..]);
            let path = "/api/mch/v2/gateway";
            let reply = raw.post_text(path, "application/json", body).await.unwrap();
            assert!(field_named(&reply, "total_amount"), "{amount}: {}", reply.text);
        }
    }
    assert!(sandbox.ledger().rows.is_empty());
}

#[tokio::test]
async fn a_wrong_signature_and_a_wrong_bearer_are_told_apart() {
    let sandbox = Sandbox::start().unwrap();
    let mut raw = Raw::login(&sandbox).await;
    let mut body = raw.signed("queryOrder", json!({"out_trade_no": "WD-1"}));
    body["out_trade_no"] = "WD-2".into();
    let tampered = raw.post("/api/mch/v2/gateway", &body).await.unwrap();
    assert!(field_named(&tampered, "sign"), "{}", tampered.text);
    "nonsense".clone_into(&mut raw.bearer);
    assert_eq!(raw.query("WD-1").await.refusal(), (401, "UNAUTHENTICATED"));
}

#[tokio::test]
async fn both_sign_types_are_answered_in_kind() {
    let sandbox = Sandbox::start().unwrap();
    let raw = Raw::login(&sandbox).await;
    for (sign_type, length) in [("MD5", 32), ("HMAC-SHA256", 64)] {
        let fields = json!({
            "bank_account_number": "123456789", "bic": "ABAAKHPP", "sign_type": sign_type,
        });
        let reply = raw.call("verifybankaccount", fields).await;
        assert_eq!(reply.json["sign_type"], sign_type);
        // The scalars at the root of `data`, signed like a request; `sign_type` is not among them.
        let owner = reply.data()["owner_name"].as_str().unwrap();
        let plain =
            format!("account_number=123456789&currency=USD&owner_name={owner}&key={}", raw.secret);
        if sign_type == "MD5" {
            use md5::Digest as _;
            assert_eq!(reply.json["sign"], hex::encode(md5::Md5::digest(plain)));
        }
        assert_eq!(reply.json["sign"].as_str().unwrap().len(), length);
    }
}

/// Seals with the `openssl` command; `None` where there is none.
fn seal_with_openssl(public_pem: &str, plain: &str) -> Option<String> {
    let key = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(key.path(), public_pem).unwrap();
    let spawned = Command::new("openssl")
        .args(["pkeyutl", "-encrypt", "-pubin", "-pkeyopt", "rsa_padding_mode:pkcs1", "-inkey"])
        .arg(key.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut child) = spawned else {
        assert!(std::env::var_os("CI").is_none(), "CI has to have the openssl command");
        eprintln!("skipped: there is no openssl command");
        return None;
    };
    child.stdin.take().unwrap().write_all(plain.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    Some(hex::encode(output.stdout))
}

#[tokio::test]
async fn blocks_that_openssl_sealed_are_opened_and_looked_into() {
    for policy in [OpenPolicy::Always, OpenPolicy::Once] {
        let sandbox = Sandbox::builder().open_sealed(policy).start().unwrap();
        let raw = Raw::login(&sandbox).await;
        let pem = &sandbox.credentials().public_key_pem;
        let Some(block) = seal_with_openssl(pem, &customer().to_string()) else {
            return;
        };
        let Some(broken) = seal_with_openssl(pem, r#"{"email":"x"}"#) else {
            return;
        };
        for _ in 0..2 {
            let fields = |block: &str| {
                let mut fields = json!({"bank_account_number": "123456789", "bic": "WING"});
                fields["customer"] = block.into();
                fields
            };
            let reply = raw.call("tokenizebankaccount", fields(&block)).await;
            assert_eq!(reply.data()["account_number"], "12****789");
            let reply = raw.call("tokenizebankaccount", fields(&broken)).await;
            assert!(field_named(&reply, "customer.phone_number"), "{}", reply.text);
        }
    }
}

#[tokio::test]
async fn a_block_for_another_key_does_not_open() {
    let sandbox = Sandbox::start().unwrap();
    let raw = Raw::login(&sandbox).await;
    let strange = "5a".repeat(256);
    let fields = json!({"bank_account_number": "123456789", "bic": "WING", "customer": strange});
    let reply = raw.call("tokenizebankaccount", fields).await;
    assert!(field_named(&reply, "customer"), "{}", reply.text);
}
