//! The token: fetched once, renewed ahead, refreshed once, shared by all. Time is paused.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::join_all;
use kess_gateway::transport::{Sent, TransportErrorKind};
use kess_gateway::{Client, ErrorKind, Outcome, RetryPolicy};

use crate::probe::{Read, Transfer, Withdraw};
use crate::scripted::{Play, Scripted, Seen, grant, success};

const THING: &str = r#"{"id":"1"}"#;

fn wrong_password() -> Play {
    Play::Answer(
        400,
        r#"{"error":"invalid_grant","error_description":"The user credentials were incorrect."}"#
            .to_owned(),
    )
}

/// Answers a call only if it carries this token.
fn only(seen: &Seen, token: &str) -> Play {
    if seen.authorization.as_deref() == Some(&format!("Bearer {token}")) {
        success(THING)
    } else {
        Play::Answer(401, r#"{"message":"Unauthenticated."}"#.to_owned())
    }
}

async fn call_at_once(client: &Client, callers: usize) -> Vec<Option<ErrorKind>> {
    let calls = (0..callers)
        .map(|_| async { client.call(Read).send().await.err().map(|error| error.kind()) });
    join_all(calls).await
}

#[tokio::test(start_paused = true)]
async fn a_thousand_callers_make_one_token_request() {
    let gateway = Scripted::slow(Duration::from_millis(50), |seen| {
        if seen.is_token() { grant(seen.nth, 1800) } else { only(seen, "token-0") }
    });
    let client = gateway.client();
    assert_eq!(call_at_once(&client, 1_000).await, vec![None; 1_000]);
    assert_eq!((gateway.token_requests(), gateway.call_requests()), (1, 1_000));
}

#[tokio::test(start_paused = true)]
async fn a_thousand_callers_try_a_wrong_password_once() {
    let gateway = Scripted::slow(Duration::from_millis(50), |_| wrong_password());
    let client = gateway.client();
    let errors = call_at_once(&client, 1_000).await;
    assert_eq!(errors, vec![Some(ErrorKind::Authentication); 1_000]);
    assert_eq!((gateway.token_requests(), gateway.call_requests()), (1, 0));

    let error = client.call(Withdraw).send().await.unwrap_err();
    assert_eq!((error.outcome(), error.code()), (Outcome::NotSent, Some("invalid_grant")));
    assert_eq!(error.status(), Some(400));
    assert!(!error.is_retryable());
}

#[tokio::test(start_paused = true)]
async fn a_token_that_dies_in_flight_is_renewed_once_and_each_call_sent_once_more() {
    // The first token is dropped by the gateway while a thousand calls are under way with it.
    let gateway = Scripted::slow(Duration::from_millis(20), |seen| {
        if seen.is_token() { grant(seen.nth, 1800) } else { only(seen, "token-1") }
    });
    let client = gateway.client();
    assert_eq!(call_at_once(&client, 1_000).await, vec![None; 1_000]);
    assert_eq!((gateway.token_requests(), gateway.call_requests()), (2, 2_000));
}

#[tokio::test(start_paused = true)]
async fn a_second_401_ends_the_call() {
    let gateway = Scripted::calls(|seen| only(seen, "none of them"));
    let error = gateway.client().call(Withdraw).send().await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Authentication, Outcome::Answered));
    assert_eq!((gateway.token_requests(), gateway.call_requests()), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn money_without_an_order_number_is_not_sent_again_after_401() {
    let gateway = Scripted::calls(|seen| only(seen, "token-1"));
    let error = gateway.client().call(Transfer).send().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Authentication);
    assert_eq!(gateway.call_requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_401_that_may_not_be_the_gateways_own_is_no_reason_to_send_again() {
    // A page of a proxy, no body, a code that says otherwise, a success: the call may have gone
    // through.
    for body in ["<html>", "", r#"{"code":"SYSTEM_ERROR"}"#, r#"{"success":true,"data":{}}"#] {
        let refusing = || Scripted::calls(move |_| Play::Answer(401, body.to_owned()));
        let gateway = refusing();
        let error = gateway.client().call(Withdraw).send().await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (ErrorKind::Authentication, Outcome::Unknown));
        assert_eq!(gateway.call_requests(), 1, "{body}");
        // To read twice is harmless.
        let gateway = refusing();
        gateway.client().call(Read).send().await.unwrap_err();
        assert_eq!(gateway.call_requests(), 2, "{body}");
    }
}

#[test]
fn a_runtime_that_ended_during_the_token_request_does_not_stop_the_next_one() {
    let gateway = Scripted::slow(Duration::from_millis(50), |seen| grant(seen.nth, 1800));
    let client = gateway.client();
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime().block_on(async {
        let call = client.authenticate();
        tokio::time::timeout(Duration::from_millis(5), call).await.unwrap_err();
    });
    runtime().block_on(client.authenticate()).unwrap();
}

#[tokio::test(start_paused = true)]
async fn renewal_begins_before_the_end_with_the_refresh_token() {
    let gateway = Scripted::calls(|_| success(THING));
    let client = gateway.client();
    let seconds_and_requests = [(0, 1), (1_739, 1), (1, 2), (1_739, 2), (1, 3)];
    for (later, requests) in seconds_and_requests {
        tokio::time::advance(Duration::from_secs(later)).await;
        client.call(Read).send().await.unwrap();
        assert_eq!(gateway.token_requests(), requests, "{later} s later");
    }
    let grants: Vec<String> = gateway
        .bodies()
        .into_iter()
        .filter(|body| body.contains("grant_type"))
        .map(|body| {
            let form: serde_json::Value = serde_json::from_str(&body).unwrap();
            format!("{} {}", form["grant_type"], form["refresh_token"])
        })
        .collect();
    assert_eq!(
        grants,
        [r#""password" null"#, r#""refresh_token" "refresh-0""#, r#""refresh_token" "refresh-1""#]
    );
}

#[tokio::test(start_paused = true)]
async fn while_one_renews_ahead_the_others_use_the_old_token() {
    let seen_tokens = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&seen_tokens);
    let gateway = Scripted::slow(Duration::from_millis(20), move |request| {
        if request.is_token() {
            return grant(request.nth, 1800);
        }
        seen.lock().unwrap().push(request.authorization.clone().unwrap());
        success(THING)
    });
    let client = gateway.client();
    client.call(Read).send().await.unwrap();
    tokio::time::advance(Duration::from_secs(1_750)).await;
    assert_eq!(call_at_once(&client, 100).await, vec![None; 100]);
    assert_eq!(gateway.token_requests(), 2);
    let with_old = |tokens: &[String]| tokens.iter().filter(|it| *it == "Bearer token-0").count();
    assert_eq!(with_old(&seen_tokens.lock().unwrap()), 100, "the first call, and 99 of 100");
}

#[tokio::test(start_paused = true)]
async fn a_failed_renewal_ahead_leaves_the_old_token_in_use() {
    let gateway = Scripted::new(|seen| match (seen.is_token(), seen.nth) {
        (true, 0) => grant(0, 1800),
        (true, _) => Play::Answer(500, "{}".to_owned()),
        (false, _) => only(seen, "token-0"),
    });
    let client = gateway.builder().retry(RetryPolicy::never()).build().unwrap();
    client.call(Read).send().await.unwrap();
    tokio::time::advance(Duration::from_secs(1_740)).await;
    assert_eq!(call_at_once(&client, 10).await, vec![None; 10]);
    assert_eq!(gateway.token_requests(), 3, "the refresh token, the password, and no more");
    // Tried again in the middle of what is left.
    tokio::time::advance(Duration::from_secs(31)).await;
    client.call(Read).send().await.unwrap();
    assert_eq!(gateway.token_requests(), 4, "the refresh token was used up");
    // At the very end there is no old token to fall back on.
    tokio::time::advance(Duration::from_secs(30)).await;
    let error = client.call(Withdraw).send().await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Unavailable, Outcome::NotSent));
}

#[tokio::test(start_paused = true)]
async fn a_refused_refresh_token_falls_back_to_the_password() {
    let gateway = Scripted::new(|seen| match seen.is_token() {
        true if seen.json()["grant_type"] == "refresh_token" => wrong_password(),
        true => grant(seen.nth, 1800),
        false => success(THING),
    });
    let client = gateway.client();
    client.call(Read).send().await.unwrap();
    tokio::time::advance(Duration::from_secs(1_800)).await;
    client.call(Read).send().await.unwrap();
    assert_eq!(gateway.token_requests(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_refresh_token_past_its_end_is_not_tried() {
    let gateway = Scripted::calls(|_| success(THING));
    let client = gateway.client();
    client.call(Read).send().await.unwrap();
    tokio::time::advance(Duration::from_secs(2_700)).await;
    client.call(Read).send().await.unwrap();
    assert_eq!(gateway.token_requests(), 2);
    assert!(gateway.bodies()[2].contains(r#""grant_type":"password""#));
}

#[tokio::test(start_paused = true)]
async fn a_caller_who_gives_up_does_not_stop_the_others() {
    let gateway = Scripted::slow(Duration::from_millis(50), |seen| {
        if seen.is_token() { grant(seen.nth, 1800) } else { success(THING) }
    });
    let client = gateway.client();
    let impatient = || tokio::time::timeout(Duration::from_millis(10), client.call(Read).send());
    let (gave_up, patient) = tokio::join!(impatient(), client.call(Read).send());
    assert!(gave_up.is_err());
    patient.unwrap();
    assert_eq!((gateway.token_requests(), gateway.call_requests()), (1, 1));

    // The renewal goes on when the only caller gives up, so its refresh token is not lost.
    tokio::time::advance(Duration::from_secs(1_801)).await;
    assert!(impatient().await.is_err());
    tokio::time::sleep(Duration::from_millis(100)).await;
    client.call(Read).send().await.unwrap();
    assert_eq!((gateway.token_requests(), gateway.call_requests()), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn a_token_request_is_tried_again_and_the_call_counts_as_not_sent() {
    let down = Arc::new(AtomicBool::new(true));
    let is_down = Arc::clone(&down);
    let gateway = Scripted::new(move |seen| {
        if !seen.is_token() {
            return success(THING);
        }
        if is_down.load(Ordering::SeqCst) {
            return Play::Fail(Sent::Maybe, TransportErrorKind::Timeout);
        }
        grant(seen.nth, 1800)
    });
    let client = gateway.client();
    let error = client.call(Withdraw).send().await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Timeout, Outcome::NotSent));
    assert!(error.is_retryable());
    assert_eq!((gateway.token_requests(), gateway.call_requests()), (3, 0));
    down.store(false, Ordering::SeqCst);
    client.call(Withdraw).send().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_lifetime_is_a_number_a_text_or_the_documented_one() {
    for (expires_in, seconds) in
        [("1800", 1_740), (r#""1800""#, 1_740), ("null", 1_740), ("10", 8), (r#""10""#, 8)]
    {
        let reply = format!(r#"{{"access_token":"t","expires_in":{expires_in}}}"#);
        let gateway = Scripted::new(move |seen| match seen.is_token() {
            true => Play::Answer(200, reply.clone()),
            false => success(THING),
        });
        let client = gateway.client();
        client.authenticate().await.unwrap();
        tokio::time::advance(Duration::from_secs(seconds - 1)).await;
        client.authenticate().await.unwrap();
        assert_eq!(gateway.token_requests(), 1, "{expires_in}");
        tokio::time::advance(Duration::from_secs(1)).await;
        client.authenticate().await.unwrap();
        assert_eq!(gateway.token_requests(), 2, "{expires_in}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_reply_that_is_none_keeps_no_bytes() {
    for body in ["", "<html>", "[]", r#"{"access_token":7}"#, "{\"access_token\":\"a\\nb\"}"] {
        let gateway = Scripted::new(move |_| Play::Answer(200, body.to_owned()));
        let error = gateway.client().authenticate().await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (ErrorKind::Decode, Outcome::NotSent));
        assert!(error.body().is_none());
    }
}
