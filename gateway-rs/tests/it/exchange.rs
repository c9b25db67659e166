//! What the generated tests of the samples are made of: a client, a gateway that answers with a
//! sample, and the comparisons.
//!
//! A sample of a request is compared with what the client writes when it is given the sample's
//! values. A sample of a reply is read through the whole client, written again, and compared leaf
//! by leaf, so that no field of a sample is lost. `sign` is apart: the documentation prints
//! placeholders.

use std::collections::BTreeSet;

use kess_gateway::errors::DocumentedError;
use kess_gateway::{
    Amount, Client, Currency, Error, ErrorKind, Money, Outcome, PublicKey, RetryPolicy, SignType,
    expose_sensitive,
};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::scripted::{Play, Scripted};

/// Made for these tests; nobody has the private half.
pub(crate) const PUBLIC_KEY: &str = "\
-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEApk6g6hHNtTge80oCmTly
DIUkWs41n2DzHRElZc+SV7Z0WJlx5glo7qt8cdksdAdI1mDLbddwVe9mBtwOw1n1
7r0SH2XaPuyb715fQOo9USE2x8UKGF8Y5vVVXvxhAdjAiUBFld8FVP5DQC7r8jHw
eRTrriLMygF3FLLDlnlJFOoGRudI68ClM5Q9Q5flwQ3NKw47Bbb4FnoKoYJ1mN17
dd+Ar6iLXhZNGS5ovx/H3CoAzMgN8twmCrzAg30owUBt6szJovWPGLKJ8SxaMsYC
69Cjsizu7AW9v041JGF0fH3cA+igjRW1KtQofqQPL08DVIEzSNxyCRLake5iWbfJ
mwIDAQAB
-----END PUBLIC KEY-----";

/// A client that signs as the sample does, and answers nothing.
pub(crate) fn client(sign_type: SignType) -> Client {
    Scripted::new(|_| Play::Answer(500, String::new()))
        .builder()
        .sign_type(sign_type)
        .public_key(PublicKey::from_pem(PUBLIC_KEY).unwrap())
        .build()
        .unwrap()
}

/// A client whose gateway answers every call with the body of a file.
pub(crate) fn answering(status: u16, content_type: &str, body: &str) -> Client {
    let (content_type, body) = (content_type.to_owned(), body.to_owned());
    Scripted::calls(move |_| {
        Play::AnswerWith(status, "content-type", content_type.clone(), body.clone())
    })
    .builder()
    .public_key(PublicKey::from_pem(PUBLIC_KEY).unwrap())
    .retry(RetryPolicy::never())
    .build()
    .unwrap()
}

pub(crate) fn money(amount: &str, currency: &str) -> Money {
    Money::new(amount.parse().unwrap(), Currency::from(currency)).unwrap()
}

pub(crate) fn amount(text: &str) -> Amount {
    text.parse().unwrap()
}

/// How a request may differ from its sample.
#[derive(Default)]
pub(crate) struct Differences {
    /// Fields that the client sends and the sample lacks, against its own table.
    pub(crate) added: &'static [&'static str],
    /// Fields that hold a sealed block, which is another one each time.
    pub(crate) sealed: &'static [&'static str],
    /// Fields that the sample spells in another case.
    pub(crate) respelled: &'static [&'static str],
}

/// Compares a body with the sample that it was built from.
pub(crate) fn assert_request(body: &[u8], sample: &str, differences: &Differences) {
    let (body, sample) = (object(body), object(sample.as_bytes()));
    let written: BTreeSet<&str> = body.keys().map(String::as_str).collect();
    let mut expected: BTreeSet<&str> = sample.keys().map(String::as_str).collect();
    expected.extend(differences.added);
    assert_eq!(written, expected, "the fields of the request");
    for (name, value) in &sample {
        let ours = &body[name];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        match name.as_str() {
            "sign" => {}
            name if differences.sealed.contains(&name) => {
                let hex = text(ours);
                assert_eq!(hex.len(), 512, "`{name}` is a block of a 2048-bit key");
                assert!(hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')), "{name}");
            }
            name if differences.respelled.contains(&name) => {
                assert!(text(ours).eq_ignore_ascii_case(&text(value)), "{name}: {ours}");
            }
            name => assert_contains(value, ours, name),
        }
    }
}

/// Compares a reply that was read and written again with the `data` of its sample. `items` is the
/// key under which a page holds its rows.
pub(crate) fn assert_reply<T: Serialize>(reply: &T, sample: &str, items: Option<&str>) {
    let mut ours = expose_sensitive(|| serde_json::to_value(reply)).unwrap();
    if let (Some(key), Some(page)) = (items, ours.as_object_mut())
        && let Some(rows) = page.remove("items")
    {
        page.insert(key.to_owned(), rows);
    }
    let sample = object(sample.as_bytes());
    assert_contains(&sample["data"], &ours, "data");
}

/// What a sample of an error should be read as.
pub(crate) struct Expected {
    pub(crate) kind: ErrorKind,
    pub(crate) code: Option<&'static str>,
    pub(crate) message: Option<&'static str>,
    pub(crate) outcome: Outcome,
    pub(crate) status: u16,
}

pub(crate) fn assert_error(error: &Error, expected: &Expected, body: &str) {
    assert_eq!(error.kind(), expected.kind, "{error}");
    assert_eq!(error.code(), expected.code, "{error}");
    assert_eq!(error.outcome(), expected.outcome, "{error}");
    assert_eq!(error.status(), Some(expected.status), "{error}");
    if let Some(message) = expected.message {
        assert_eq!(error.message(), message);
    }
    let kept = error.body().map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    assert_eq!(kept.as_deref(), Some(body), "the bytes are kept");
}

/// Answers with a row of the table of errors, where it belongs, and compares what is read.
pub(crate) async fn assert_documented(row: &DocumentedError) {
    let (status, code) = (row.status, row.code.unwrap_or_default());
    if row.endpoint.is_some() {
        let body = format!(r#"{{"error":"{code}","error_description":"m"}}"#);
        let gateway = Scripted::new(move |_| Play::Answer(status, body.clone()));
        let error = gateway.client().authenticate().await.unwrap_err();
        assert_eq!(error.kind(), row.kind, "{status} {code}");
        return;
    }
    let body = format!(r#"{{"success":false,"message":"m","code":"{code}"}}"#);
    let client = answering(status, "application/json", &body);
    let error = client.pay_khqr(money("2", "USD"), "KHQR").send().await.unwrap_err();
    assert_eq!(error.kind(), row.kind, "{status} {code}");
    // The second use of an order number moved nothing; the first may have.
    let refused = !row.may_have_moved_money || row.kind == ErrorKind::Duplicate;
    assert_eq!(error.outcome() == Outcome::Answered, refused, "{status} {code}");
}

fn object(json: &[u8]) -> Map<String, Value> {
    serde_json::from_slice(json).unwrap()
}

/// Every leaf of the sample stands in `ours`, at the same place.
fn assert_contains(sample: &Value, ours: &Value, path: &str) {
    match (sample, ours) {
        _ if is_nothing(sample) => {
            assert!(is_nothing(ours), "{path}: nothing in the sample, but {ours}");
        }
        (Value::Object(sample), Value::Object(ours)) => {
            for (key, value) in sample {
                let ours = ours.get(key).unwrap_or(&Value::Null);
                assert_contains(value, ours, &format!("{path}.{key}"));
            }
        }
        (Value::Array(sample), Value::Array(ours)) => {
            assert_eq!(sample.len(), ours.len(), "{path}");
            for (index, (sample, ours)) in sample.iter().zip(ours).enumerate() {
                assert_contains(sample, ours, &format!("{path}[{index}]"));
            }
        }
        _ => assert!(same_value(sample, ours), "{path}: {sample} in the sample, {ours} in ours"),
    }
}

/// PHP writes an absent object as any of these.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(object) => object.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Numbers by their value, also as text; flags as the gateway writes them; a currency in any case.
fn same_value(sample: &Value, ours: &Value) -> bool {
    match (sample, ours) {
        (Value::Bool(flag), _) => same_flag(*flag, ours),
        (_, Value::Bool(flag)) => same_flag(*flag, sample),
        (Value::String(sample), Value::String(ours)) => {
            sample.trim() == ours.trim()
                || Currency::from(sample.as_str()) == Currency::from(ours.as_str())
                || same_number(sample, ours)
        }
        (Value::Number(_), Value::Number(_) | Value::String(_))
        | (Value::String(_), Value::Number(_)) => same_number(&plain(sample), &plain(ours)),
        _ => false,
    }
}

/// The leading zeros of an account number count; those of `0.00` do not.
fn same_number(a: &str, b: &str) -> bool {
    let number = |text: &str| {
        let digits = text.trim_start_matches('-').as_bytes();
        let zeros = digits.len() > 1 && digits[0] == b'0' && digits[1] != b'.';
        text.parse::<Amount>().ok().filter(|_| !zeros)
    };
    number(a).is_some_and(|a| Some(a) == number(b))
}

fn same_flag(flag: bool, other: &Value) -> bool {
    let other = plain(other);
    if flag {
        matches!(other.as_str(), "true" | "1")
    } else {
        matches!(other.as_str(), "false" | "0")
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
