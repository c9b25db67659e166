//! What each shape of answer means, for each effect: kind, outcome, code, words.

use kess_gateway::transport::{Sent, TransportErrorKind};
use kess_gateway::{Error, ErrorKind, Operation, Outcome, RetryPolicy};

use crate::probe::{Read, Thing, Transfer, Withdraw, Write};
use crate::scripted::{Play, Scripted, success};

async fn answer<R: Operation>(request: R, status: u16, body: &str) -> Result<R::Reply, Error> {
    let body = body.to_owned();
    let gateway = Scripted::calls(move |_| Play::Answer(status, body.clone()));
    let client = gateway.builder().retry(RetryPolicy::never()).build().unwrap();
    client.call(request).send().await.map(kess_gateway::Reply::into_inner)
}

#[tokio::test]
async fn success_is_true_in_three_spellings() {
    for success in ["true", "\"true\"", "1", "\"1\"", "\"TRUE\""] {
        let body = format!(r#" {{"data":{{"id":7}},"success":{success},"new":[]}} "#);
        assert_eq!(answer(Withdraw, 200, &body).await.unwrap(), Thing { id: "7".to_owned() });
    }
}

use ErrorKind::{
    Authentication, Decode, Duplicate, Expired, Failed, Forbidden, NotFound, RateLimited, Refused,
    Unavailable,
};
use Outcome::{Answered, Unknown};

/// Status, body, kind, outcome for a withdrawal, outcome for a read, code, part of the message.
type Row = (u16, &'static str, ErrorKind, Outcome, Outcome, Option<&'static str>, &'static str);

const ROWS: &[Row] = &[
    // The documentation's table: status and code agree.
    (
        400,
        r#"{"success":false,"code":"VALIDATION_ERROR","message":"Bad sign."}"#,
        Refused,
        Answered,
        Answered,
        Some("VALIDATION_ERROR"),
        "Bad sign.",
    ),
    (
        401,
        r#"{"message":"Unauthenticated."}"#,
        Authentication,
        Answered,
        Answered,
        None,
        "Unauthenticated.",
    ),
    (
        403,
        r#"{"success":false,"error_code":"FORBIDDEN","msg":"Access denied."}"#,
        Forbidden,
        Answered,
        Answered,
        Some("FORBIDDEN"),
        "Access denied.",
    ),
    (
        404,
        r#"{"success":false,"code":"NOT_FOUND"}"#,
        NotFound,
        Answered,
        Answered,
        Some("NOT_FOUND"),
        "",
    ),
    (
        409,
        r#"{"error":{"code":"DUPLICATED","message":"Existing record found."}}"#,
        Duplicate,
        Answered,
        Answered,
        Some("DUPLICATED"),
        "Existing record found.",
    ),
    (
        419,
        r#"{"code":"EXPIRED","detail":"Too late."}"#,
        Expired,
        Unknown,
        Answered,
        Some("EXPIRED"),
        "Too late.",
    ),
    (
        422,
        r#"{"code":"PROCESS_FAILED","error_des":"Bank said no."}"#,
        Failed,
        Unknown,
        Answered,
        Some("PROCESS_FAILED"),
        "Bank said no.",
    ),
    (429, r#"{"message":"Too Many Attempts."}"#, RateLimited, Unknown, Answered, None, "Too Many"),
    (500, r#"{"code":"SYSTEM_ERROR"}"#, Unavailable, Unknown, Answered, Some("SYSTEM_ERROR"), ""),
    (
        503,
        r#"{"code":"FEATURE_UNDER_MAINTENANCE"}"#,
        Unavailable,
        Unknown,
        Answered,
        Some("FEATURE_UNDER_MAINTENANCE"),
        "",
    ),
    (
        504,
        r#"{"code":"GATEWAY_TIMEOUT"}"#,
        Unavailable,
        Unknown,
        Answered,
        Some("GATEWAY_TIMEOUT"),
        "",
    ),
    // HTTP 200 and success:false, the code as a constant or a number.
    (
        200,
        r#"{"success":false,"code":"VALIDATION_ERROR","message":"x"}"#,
        Refused,
        Answered,
        Answered,
        Some("VALIDATION_ERROR"),
        "x",
    ),
    (
        200,
        r#"{"success":"false","status_code":409,"message":"x"}"#,
        Duplicate,
        Answered,
        Answered,
        Some("409"),
        "x",
    ),
    (200, r#"{"success":0,"error_code":"404"}"#, NotFound, Answered, Answered, Some("404"), ""),
    (
        200,
        r#"{"success":false,"code":"SYSTEM_ERROR"}"#,
        Unavailable,
        Unknown,
        Answered,
        Some("SYSTEM_ERROR"),
        "",
    ),
    (
        200,
        r#"{"success":false,"code":"SOMETHING_NEW","message":"x"}"#,
        Failed,
        Unknown,
        Answered,
        Some("SOMETHING_NEW"),
        "x",
    ),
    (
        200,
        r#"{"success":false,"code":17,"message":"x"}"#,
        Failed,
        Unknown,
        Answered,
        Some("17"),
        "x",
    ),
    // Two statements that contradict each other are no refusal.
    (
        500,
        r#"{"code":"VALIDATION_ERROR"}"#,
        Unavailable,
        Unknown,
        Answered,
        Some("VALIDATION_ERROR"),
        "",
    ),
    (400, r#"{"code":"SYSTEM_ERROR"}"#, Refused, Unknown, Answered, Some("SYSTEM_ERROR"), ""),
    (400, r#"{"code":"SOMETHING_NEW"}"#, Refused, Unknown, Answered, Some("SOMETHING_NEW"), ""),
    (400, r#"{"success":true,"data":{"id":1}}"#, Refused, Unknown, Answered, None, ""),
    (200, r#"{"code":"NOT_FOUND"}"#, NotFound, Unknown, Answered, Some("NOT_FOUND"), ""),
    // The first key that has a text or a code.
    (
        400,
        r#"{"message":"","msg":"second","detail":"last"}"#,
        Refused,
        Answered,
        Answered,
        None,
        "second",
    ),
    (
        400,
        r#"{"error":"plain","error_description":"described"}"#,
        Refused,
        Answered,
        Answered,
        None,
        "described",
    ),
    (
        400,
        r#"{"message":{"amount":["wrong"]},"error_des":"words"}"#,
        Refused,
        Answered,
        Answered,
        None,
        "words",
    ),
    // Not the gateway's envelope.
    (200, "", Decode, Unknown, Unknown, None, "an empty answer"),
    (200, "<html><body>Bad</body></html>", Decode, Unknown, Unknown, None, "an HTML page"),
    (200, r#"{"success":true,"data":{"id"#, Decode, Unknown, Unknown, None, "cut off"),
    (200, "[]", Decode, Unknown, Unknown, None, "not the gateway's envelope"),
    (200, "{}", Decode, Unknown, Unknown, None, "not the gateway's envelope"),
    (200, "\u{1}\u{2}", Decode, Unknown, Unknown, None, "not JSON"),
    (302, "", Decode, Unknown, Unknown, None, "a redirect"),
    (400, "<html>", Decode, Unknown, Unknown, None, "an HTML page"),
    (200, r#"{"message":"Host not found"}"#, Failed, Unknown, Answered, None, "Host"),
    (200, r#"{"success":"later"}"#, Failed, Unknown, Answered, None, ""),
    // Nobody serves this URL: no word about a record.
    (
        404,
        r#"{"message":"The route api/mch/v2/gateway could not be found."}"#,
        Decode,
        Unknown,
        Unknown,
        None,
        "not the gateway's envelope",
    ),
    (401, "<html>", Authentication, Unknown, Unknown, None, "an HTML page"),
    (403, "<html>", Forbidden, Unknown, Unknown, None, "an HTML page"),
    (404, "<html>", Decode, Unknown, Unknown, None, "an HTML page"),
    (405, r#"{"message":"Method not allowed."}"#, Failed, Unknown, Answered, None, "Method"),
    (413, "too large", Decode, Unknown, Unknown, None, "not JSON"),
    (429, "slow down", RateLimited, Unknown, Unknown, None, "not JSON"),
    (502, "<html>", Unavailable, Unknown, Unknown, None, "an HTML page"),
];

#[tokio::test]
async fn every_shape_of_failure_means_what_the_table_says() {
    for &(status, body, kind, for_money, for_read, code, message) in ROWS {
        let error = answer(Withdraw, status, body).await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (kind, for_money), "{status} {body}");
        assert_eq!((error.status(), error.code()), (Some(status), code), "{status} {body}");
        assert!(error.message().contains(message), "{status} {body}: {error}");
        assert_eq!(&error.body().unwrap()[..], body.as_bytes());
        assert!(!error.is_retryable(), "{status} {body}");

        let error = answer(Read, status, body).await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (kind, for_read), "{status} {body}");
    }
}

#[tokio::test]
async fn an_error_within_an_error_without_end_is_not_followed() {
    let depth = 50_000;
    let body = format!("{}{{}}{}", "{\"error\":".repeat(depth), "}".repeat(depth));
    let error = answer(Withdraw, 400, &body).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (Decode, Unknown));
}

#[tokio::test]
async fn money_without_an_order_number_is_read_in_the_same_way() {
    for &(status, body, kind, for_money, ..) in ROWS {
        let error = answer(Transfer, status, body).await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (kind, for_money), "{status} {body}");
    }
}

#[tokio::test]
async fn a_missing_record_is_not_found_in_every_form() {
    for body in [
        r#"{"success":true,"data":null}"#,
        r#"{"success":true,"data":[]}"#,
        r#"{"success":true,"data":""}"#,
        r#"{"success":true}"#,
        r#"{"success":false}"#,
        r#"{"success":false,"data":null,"message":""}"#,
        r#"{"success":false,"message":"Record not found."}"#,
        r#"{"success":false,"message":"Order does not exist"}"#,
    ] {
        let error = answer(Read, 200, body).await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (NotFound, Answered), "{body}");
        // The same for a payment says nothing about whether it was booked.
        let error = answer(Withdraw, 200, body).await.unwrap_err();
        assert_eq!(error.outcome(), Unknown, "{body}");
    }
    // Any other words may be any other failure: believed, they could pay an order twice.
    let body = r#"{"success":false,"message":"System busy"}"#;
    assert_eq!(answer(Read, 200, body).await.unwrap_err().kind(), Failed);
}

#[tokio::test]
async fn a_reply_of_another_shape_is_in_doubt_for_money_and_for_writes() {
    for data in ["{}", r#"{"id":{}}"#, "[1]", "7", "true", "\"text\""] {
        let body = format!(r#"{{"success":true,"data":{data}}}"#);
        for (error, outcome) in [
            (answer(Withdraw, 200, &body).await.unwrap_err(), Unknown),
            (answer(Write, 200, &body).await.unwrap_err(), Unknown),
            (answer(Read, 200, &body).await.unwrap_err(), Answered),
        ] {
            assert_eq!((error.kind(), error.outcome()), (Decode, outcome), "{data}");
            assert!(error.message().starts_with("data"), "{error}");
            assert!(error.body().is_some());
        }
    }
}

#[tokio::test]
async fn a_write_is_answered_where_the_gateway_speaks_for_itself() {
    for (status, body, outcome) in [
        (400, r#"{"message":"no"}"#, Answered),
        (429, r#"{"message":"slow"}"#, Answered),
        (422, r#"{"message":"no"}"#, Unknown),
        (500, r#"{"message":"no"}"#, Unknown),
        (200, "<html>", Unknown),
    ] {
        let error = answer(Write, status, body).await.unwrap_err();
        assert_eq!(error.outcome(), outcome, "{status} {body}");
    }
}

#[tokio::test]
async fn a_failed_exchange_keeps_the_certainty_of_the_transport() {
    for (sent, outcome) in [(Sent::No, Outcome::NotSent), (Sent::Maybe, Unknown)] {
        for (kind, expected) in [
            (TransportErrorKind::Connect, ErrorKind::Connect),
            (TransportErrorKind::Timeout, ErrorKind::Timeout),
            (TransportErrorKind::Closed, ErrorKind::Transport),
            (TransportErrorKind::TooLarge, Decode),
        ] {
            let gateway = Scripted::calls(move |_| Play::Fail(sent, kind));
            let client = gateway.builder().retry(RetryPolicy::never()).build().unwrap();
            let error = client.call(Withdraw).send().await.unwrap_err();
            assert_eq!((error.kind(), error.outcome()), (expected, outcome));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn retry_after_is_told_and_obeyed() {
    let slow = |value: &'static str| {
        Scripted::calls(move |seen| match seen.nth {
            0 => {
                Play::AnswerWith(429, "retry-after", value.to_owned(), "{\"message\":\"m\"}".into())
            }
            _ => success(r#"{"id":1}"#),
        })
    };
    let gateway = slow("7");
    let before = tokio::time::Instant::now();
    gateway.client().call(Read).send().await.unwrap();
    let waited = before.elapsed();
    assert!(waited.as_millis() >= 7_000 && waited.as_millis() <= 7_300, "{waited:?}");

    let error = slow("3600").client().call(Read).send().await.unwrap_err();
    assert_eq!(error.retry_after().unwrap().as_secs(), 3_600);
    assert!(error.is_retryable());

    // Nobody's clock overflows when this is added to it.
    for endless in ["18446744073709551615", "99999999999999999999", "Tue, 01 Jan 2999 00:00:00 GMT"]
    {
        let error = slow(endless).client().call(Read).send().await.unwrap_err();
        assert_eq!(error.retry_after().unwrap().as_secs(), 86_400, "{endless}");
    }
    // What cannot be read does not count.
    for nonsense in ["-5", "", "soon", "1.5"] {
        let gateway = slow(nonsense);
        gateway.client().call(Read).send().await.unwrap();
        assert_eq!(gateway.call_requests(), 2, "{nonsense}");
    }

    let gateway = slow("Wed, 21 Oct 2015 07:28:00 GMT");
    gateway.client().call(Read).send().await.unwrap();
    assert_eq!(gateway.call_requests(), 2, "a date that is over");

    let gateway = slow("1");
    gateway.client().call(Withdraw).send().await.unwrap_err();
    assert_eq!(gateway.call_requests(), 1, "money is not sent again after 429");
}

#[tokio::test]
async fn the_raw_reply_is_reachable() {
    let gateway = Scripted::calls(|_| success(r#"{ "id": 1, "new": 2.50 }"#));
    let client = gateway.client();
    let raw = client.call(Read).send_raw().await.unwrap();
    assert_eq!(raw.data(), r#"{ "id": 1, "new": 2.50 }"#);
    let reply = client.call(Read).send().await.unwrap();
    assert_eq!((reply.status(), &reply.body()[..17]), (200, &b"{\"success\":true,\""[..]));
}

#[tokio::test]
async fn the_id_of_a_request_is_told_where_it_is_fit_to_be_shown() {
    let told = async |status: u16, id: &str, body: &'static str| {
        let id = id.to_owned();
        let answer = move || Play::AnswerWith(status, "x-request-id", id.clone(), body.to_owned());
        let gateway = Scripted::calls(move |_| answer());
        let client = gateway.builder().retry(RetryPolicy::never()).build().unwrap();
        match client.call(Read).send().await {
            Ok(reply) => reply.request_id().map(str::to_owned),
            Err(error) => error.request_id().map(str::to_owned),
        }
    };
    let bodies = [
        (200, r#"{"success":true,"data":{"id":1}}"#),
        // Success with another shape, without a record, and with an error; a refusal; a page.
        (200, r#"{"success":true,"data":{"id":[]}}"#),
        (200, r#"{"success":true,"data":null}"#),
        (404, r#"{"success":false,"code":"NOT_FOUND"}"#),
        (502, "<html></html>"),
    ];
    for (status, body) in bodies {
        assert_eq!(told(status, " 7f3a-9 ", body).await.as_deref(), Some("7f3a-9"), "{body}");
    }
    for unfit in ["", "a b", "\u{e9}", &"x".repeat(129)] {
        assert_eq!(told(502, unfit, "").await, None, "{unfit:?}");
    }
}
