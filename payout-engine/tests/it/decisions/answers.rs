//! Everything that a gateway, or whatever stands in front of it, is known or expected to answer.

use kess_gateway::{
    errors::DOCUMENTED,
    transport::{Sent, TransportErrorKind},
};
use serde_json::{Value, json};

/// What the other end does with one call.
#[derive(Clone)]
pub(super) enum Play {
    /// Answers with a status, `Retry-After` and a body.
    Http(u16, Option<&'static str>, String),
    /// Answers with the documentation's sample, changed like this.
    Sample(Value),
    /// Fails below HTTP.
    Fail(Sent, TransportErrorKind),
    /// Refuses the token request with a status and a body.
    NoToken(u16, String),
}

/// An answer, named by what it is and how its body looks. Alike bodies of several statuses are told
/// in one line.
#[derive(Clone)]
pub(super) struct Answer {
    pub(super) what: String,
    pub(super) shape: String,
    pub(super) play: Play,
}

fn answer(what: impl Into<String>, shape: impl Into<String>, play: Play) -> Answer {
    Answer { what: what.into(), shape: shape.into(), play }
}

/// Statuses that are documented, were seen, or happen on the way. 418, 451, 501 and 520 stand for
/// all others.
const STATUSES: [u16; 22] = [
    301, 302, 304, 400, 401, 403, 404, 405, 408, 409, 413, 418, 419, 422, 429, 451, 500, 501, 502,
    503, 504, 520,
];

/// What both a withdrawal and a query may say about an order.
const ORDER_STATUSES: [&str; 13] = [
    "SUCCESS",
    "WAITING",
    "CLOSED",
    "EXPIRED",
    "FAILED",
    "VOID",
    "REFUNDED",
    "REVERSAL",
    "PARTIAL_REFUNDED",
    "PENDING_REFUNDED",
    "PENDING_PARTIAL_REFUND",
    "SUCCESS ",
    "NEVER_SEEN",
];

/// Answers that are an order.
pub(super) fn orders() -> Vec<Answer> {
    let shows = |what: &str, change: Value| answer("the order", what, Play::Sample(change));
    let mut all: Vec<Answer> = ORDER_STATUSES
        .iter()
        .map(|status| shows(&format!("`{status}`"), json!({ "status": status })))
        .collect();
    let otp =
        json!({"status": "WAITING", "is_required_otp": true, "verify_otp_url": "https://x/1"});
    all.push(shows("`WAITING` with OTP", otp));
    all.push(shows(
        "`SUCCESS` of another amount",
        json!({"status": "SUCCESS", "total_amount": 11}),
    ));
    all.push(shows(
        "`SUCCESS` in another currency",
        json!({"status": "SUCCESS", "currency": "KHR"}),
    ));
    let other = json!({"status": "SUCCESS", "out_trade_no": "SOMEBODY-ELSE"});
    all.push(shows("`SUCCESS` of another order number", other));
    all
}

/// The documentation's sample as it is.
pub(super) fn sample() -> Vec<Answer> {
    vec![answer("what was asked for", "", Play::Sample(json!({})))]
}

/// Answers that are no success, whatever was asked for.
pub(super) fn failures() -> Vec<Answer> {
    let mut all = Vec::new();
    let http = |status, body: String| Play::Http(status, None, body);
    for error in DOCUMENTED.iter().filter(|error| error.endpoint.is_none()) {
        let Some(code) = error.code else { continue };
        let body = json!({"success": false, "code": code, "message": "No."}).to_string();
        let status = error.status;
        all.push(answer(format!("{status}"), format!("`{code}`"), http(status, body.clone())));
        all.push(answer("200 `success:false`", format!("`{code}`"), http(200, body)));
    }
    for status in STATUSES {
        for (shape, body) in bodies() {
            all.push(answer(format!("{status}"), shape, http(status, body.to_owned())));
        }
    }
    for status in [429, 503] {
        let (body, later) = (r#"{"message":"Later."}"#.to_owned(), "with `Retry-After: 7`");
        all.push(answer(format!("{status}"), later, Play::Http(status, Some("7"), body)));
    }
    all.extend(successes());
    all.extend(contradictions());
    all.extend(broken());
    all
}

/// Bodies that do not come from the gateway, or not whole.
fn bodies() -> [(&'static str, &'static str); 4] {
    [
        ("JSON without code", r#"{"message":"Not Found"}"#),
        ("HTML", "<html><body>Not Found</body></html>"),
        ("empty", ""),
        ("cut off", r#"{"success":false,"code":"VALIDATION_ERR"#),
    ]
}

fn successes() -> Vec<Answer> {
    let http = |body: &str| Play::Http(200, None, body.to_owned());
    let mut all = Vec::new();
    for (shape, body) in bodies() {
        all.push(answer("200", shape, http(body)));
    }
    for (shape, body) in [
        ("`data` null", r#"{"success":true,"data":null}"#),
        ("`data` `[]`", r#"{"success":true,"data":[]}"#),
        ("no `data`", r#"{"success":true}"#),
        ("`data` of another kind", r#"{"success":true,"data":{"unexpected":1}}"#),
    ] {
        all.push(answer("200 `success:true`", shape, http(body)));
    }
    for (shape, body) in [
        ("neither code nor text", r#"{"success":false}"#),
        ("\"Order not found\" without code", r#"{"success":false,"message":"Order not found"}"#),
        (
            "\"Something went wrong\" without code",
            r#"{"success":false,"message":"Something went wrong"}"#,
        ),
        ("`ORDER_NOT_FOUND`", r#"{"success":false,"code":"ORDER_NOT_FOUND","message":"No."}"#),
        ("an unknown code", r#"{"success":false,"code":"E1","message":"No."}"#),
        (
            "`INSUFFICIENT_FUNDS`",
            r#"{"success":false,"code":"INSUFFICIENT_FUNDS","message":"Insufficient balance."}"#,
        ),
    ] {
        all.push(answer("200 `success:false`", shape, http(body)));
    }
    all
}

/// Answers of which one part says something else than another, and those about money.
fn contradictions() -> Vec<Answer> {
    [
        (400, "`DUPLICATED`", r#"{"success":false,"code":"DUPLICATED","message":"No."}"#),
        (400, "an unknown code", r#"{"success":false,"code":"E1","message":"No."}"#),
        (400, "`success:true`", r#"{"success":true,"data":{}}"#),
        (404, "\"The route could not be found\"", r#"{"message":"The route could not be found."}"#),
        (
            400,
            "`VALIDATION_ERROR` \"Insufficient balance\"",
            r#"{"success":false,"code":"VALIDATION_ERROR","message":"Insufficient balance."}"#,
        ),
        (
            400,
            "\"Insufficient funds\" without code",
            r#"{"success":false,"message":"Insufficient funds"}"#,
        ),
        (
            422,
            "`PROCESS_FAILED` \"Insufficient balance\"",
            r#"{"success":false,"code":"PROCESS_FAILED","message":"Insufficient balance."}"#,
        ),
    ]
    .map(|(status, shape, body)| {
        answer(format!("{status}"), shape, Play::Http(status, None, body.to_owned()))
    })
    .into()
}

/// What happens below and before the call.
fn broken() -> Vec<Answer> {
    use TransportErrorKind::{Closed, Connect, Other, Timeout, TooLarge};
    let fail = |what: &str, sent, kind| answer("no answer", what, Play::Fail(sent, kind));
    let token = |what: &str, status, body: &str| {
        answer("no token", what, Play::NoToken(status, body.to_owned()))
    };
    vec![
        fail("connection refused, name not found or TLS not agreed", Sent::No, Connect),
        fail("time over before the request left", Sent::No, Timeout),
        fail("connection closed before the request left", Sent::No, Closed),
        fail("time over after the request left", Sent::Maybe, Timeout),
        fail("connection closed after the request left, or in the middle", Sent::Maybe, Closed),
        fail("an answer larger than 32 MiB", Sent::Maybe, TooLarge),
        fail("anything else below HTTP", Sent::Maybe, Other),
        token("wrong user or password (400 `invalid_grant`)", 400, r#"{"error":"invalid_grant"}"#),
        token("wrong client (401 `invalid_client`)", 401, r#"{"error":"invalid_client"}"#),
        token("500", 500, r#"{"message":"No."}"#),
        token("429", 429, r#"{"message":"Later."}"#),
    ]
}
