//! Whatever is sent, there is an answer: no panic, and no 5xx.

use std::collections::BTreeMap;

use kess_sandbox::Sandbox;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use serde_json::{Map, Value, json};

use crate::raw::{Raw, seal};

/// Values at the edges of what the checks and the sums can take.
fn edge(random: &mut StdRng) -> Value {
    let edges = [
        "0",
        "-1",
        "1",
        "0.001",
        "1e15",
        "1e-15",
        "1e300",
        "-1e300",
        "1e400",
        "999999999999999",
        "1000000000000000",
        "79228162514264337593543950335",
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775808",
        "true",
        "false",
        "null",
        "[]",
        "{}",
        "[[]]",
        r#"{"a":{"b":[1,"x"]}}"#,
        r#""""#,
        r#"" ""#,
        r#""0""#,
        r#""\u0000""#,
        r#""<script>alert(1)</script>""#,
        r#""\"'&<>""#,
        r#""\ud83d\ude00""#,
        r#""សុខ""#,
        r#""USD""#,
        r#""KHR""#,
        r#""2022-01-15""#,
        r#""9999-12-31""#,
        r#""-9999-01-01""#,
        r#""2022-07-18 10:44:53""#,
        r#""http://127.0.0.1:1/x""#,
        r#""http://[::1""#,
        r#""1e30""#,
        r#""9223372036854775807""#,
        r#""9999999999999""#,
        r#""abc-123""#,
        r#""00020101021229""#,
        r#""6304""#,
        r#""ABAAKHPP""#,
    ];
    serde_json::from_str(edges.choose(random).unwrap()).unwrap_or(json!("1e400"))
}

/// What replies held, by its name: a later call may refer to it.
type Known = BTreeMap<String, Vec<Value>>;

fn remember(reply: &Value, known: &mut Known) {
    match reply {
        Value::Array(list) => list.iter().for_each(|value| remember(value, known)),
        Value::Object(object) => {
            for (name, value) in object {
                let seen = known.entry(name.to_lowercase().replace('_', "")).or_default();
                if seen.len() < 20 && (value.is_string() || value.is_number()) {
                    seen.push(value.clone());
                }
                remember(value, known);
            }
        }
        _ => {}
    }
}

/// A value that passes the checks of the field, mostly.
fn plausible(name: &str, known: &Known, random: &mut StdRng) -> Value {
    let same_name = match name {
        "bank_account_token" | "pre_order_token" => "token",
        "qrcode" => "qrstring",
        "subscription_code" => "code",
        "credit_user_id" => "userid",
        name => name,
    };
    let seen = known.get(&same_name.to_lowercase().replace('_', ""));
    let fresh = format!("H-{}", random.gen_range(0..200));
    match name {
        "out_trade_no" | "client_ref_num" | "merchant_reference" => fresh.into(),
        "currency" => (*["USD", "KHR"].choose(random).unwrap()).into(),
        "interval" => "daily".into(),
        _ if name.starts_with("is_") || name.starts_with("only_") => 1.into(),
        _ if ["amount", "limit", "max_trans", "refund"].iter().any(|it| name.contains(it)) => {
            random.gen_range(1..5).into()
        }
        _ if name.contains("date") => "2022-07-18".into(),
        _ if name.contains("url") => "http://127.0.0.1:1/x".into(),
        _ if name.contains("email") => format!("{fresh}@b.kh").into(),
        "page" | "per_page" | "from" | "to" => random.gen_range(1..5).into(),
        "expires_in" | "valid_for" => random.gen_range(12..20).into(),
        "setting" | "meta" => json!({}),
        _ => match seen.and_then(|seen| seen.choose(random)) {
            Some(value) => value.clone(),
            None => random.gen_range(1..1_000_000).to_string().into(),
        },
    }
}

#[tokio::test]
async fn any_request_has_an_answer() {
    let decades = std::time::Duration::from_secs(1_000_000_000);
    let sandbox = Sandbox::builder().token_lifetime(decades).start().unwrap();
    let raw = Raw::login(&sandbox).await;
    let services = raw.get("/sandbox/services").await.json;
    let services = services.as_array().unwrap();
    let card = json!({"number": "4111111111111111", "securityCode": "100",
        "expiry": {"month": "05", "year": "39"}});
    let card = seal(&sandbox.credentials().public_key_pem, &card);
    let mut known = Known::new();
    remember(
        &json!({"card": card, "customer": raw.customer, "bic": "ABAAKHPP",
            "bank_account_number": "000123456"}),
        &mut known,
    );
    let seed: u64 = rand::random();
    let mut random = StdRng::seed_from_u64(seed);
    for round in 0..1_500 {
        let service = services.choose(&mut random).unwrap();
        let mut fields = Map::new();
        for field in service["fields"].as_array().unwrap() {
            let name = field["name"].as_str().unwrap();
            if field["required"] != true && random.gen_bool(0.5) {
                continue;
            }
            let wild = random.gen_bool(0.08);
            let value = if wild { edge(&mut random) } else { plausible(name, &known, &mut random) };
            fields.insert(name.to_owned(), value);
        }
        let name = service["service"].as_str().unwrap().trim_start_matches("webpay.acquire.");
        let body = raw.signed(name, fields.into());
        let reply = raw.post("/api/mch/v2/gateway", &body).await;
        let reply =
            reply.unwrap_or_else(|error| panic!("seed {seed} round {round}: {error} {body}"));
        assert!(reply.status < 500, "seed {seed} round {round}: {} {body}", reply.text);
        assert!(!reply.json.is_null(), "seed {seed} round {round}: {}", reply.text);
        remember(&reply.json["data"], &mut known);
        if round % 50 == 0 {
            raw.post("/sandbox/clock", &json!({"seconds": 7})).await.unwrap();
        }
    }
}
