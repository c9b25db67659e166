//! Access tokens: Passport's refusals, lifetimes, refresh tokens that are good once.

use std::time::Duration;

use kess_sandbox::{Sandbox, SandboxClock};
use serde_json::{Value, json};

use crate::raw::{Raw, password_grant};

fn still() -> Sandbox {
    let clock = SandboxClock::Virtual { start: 1_736_735_541 };
    Sandbox::builder().clock(clock).token_lifetime(Duration::from_secs(60)).start().unwrap()
}

fn refresh_grant(sandbox: &Sandbox, refresh_token: &Value) -> Value {
    let mut grant = password_grant(sandbox);
    grant["grant_type"] = "refresh_token".into();
    grant["refresh_token"] = refresh_token.clone();
    grant
}

#[tokio::test]
async fn wrong_grants_are_refused_in_passports_words() {
    let sandbox = Sandbox::start().unwrap();
    let raw = Raw::login(&sandbox).await;
    for (field, value, status, error) in [
        ("password", "wrong", 400, "invalid_grant"),
        ("username", "wrong", 400, "invalid_grant"),
        ("client_secret", "wrong", 401, "invalid_client"),
        ("client_id", "wrong", 401, "invalid_client"),
        ("grant_type", "implicit", 400, "unsupported_grant_type"),
    ] {
        let mut grant = password_grant(&sandbox);
        grant[field] = value.into();
        let reply = raw.post("/oauth/token", &grant).await.unwrap();
        assert_eq!(reply.status, status, "{field}");
        assert_eq!(reply.json["error"], error, "{field}");
    }
}

#[tokio::test]
async fn an_access_token_ends_and_a_refresh_token_works_once() {
    let sandbox = still();
    let mut raw = Raw::login(&sandbox).await;
    let first = raw.post("/oauth/token", &password_grant(&sandbox)).await.unwrap().json;
    assert_eq!(first["expires_in"], "60");
    assert_eq!(first["token_type"], "Bearer");
    first["access_token"].as_str().unwrap().clone_into(&mut raw.bearer);
    assert_eq!(raw.query("WD-1").await.status, 404);
    sandbox.advance(Duration::from_secs(60));
    assert_eq!(raw.query("WD-1").await.refusal(), (401, "UNAUTHENTICATED"));

    let refresh = refresh_grant(&sandbox, &first["refresh_token"]);
    let second = raw.post("/oauth/token", &refresh).await.unwrap();
    assert_eq!(second.status, 200, "{}", second.text);
    let again = raw.post("/oauth/token", &refresh).await.unwrap();
    assert_eq!((again.status, &again.json["error"]), (401, &json!("invalid_request")));
    second.json["access_token"].as_str().unwrap().clone_into(&mut raw.bearer);
    assert_eq!(raw.query("WD-1").await.status, 404);
}

#[tokio::test]
async fn refreshing_revokes_the_old_access_token_at_once() {
    let sandbox = still();
    let mut raw = Raw::login(&sandbox).await;
    let first = raw.post("/oauth/token", &password_grant(&sandbox)).await.unwrap().json;
    first["access_token"].as_str().unwrap().clone_into(&mut raw.bearer);
    let refresh = refresh_grant(&sandbox, &first["refresh_token"]);
    assert_eq!(raw.post("/oauth/token", &refresh).await.unwrap().status, 200);
    assert_eq!(raw.query("WD-1").await.status, 401);
}

#[tokio::test]
async fn a_refresh_token_outlives_its_access_token_by_fifteen_minutes() {
    for (seconds, status) in [(60 + 899, 200), (60 + 900, 401)] {
        let sandbox = still();
        let raw = Raw::login(&sandbox).await;
        let first = raw.post("/oauth/token", &password_grant(&sandbox)).await.unwrap().json;
        sandbox.advance(Duration::from_secs(seconds));
        let refresh = refresh_grant(&sandbox, &first["refresh_token"]);
        assert_eq!(raw.post("/oauth/token", &refresh).await.unwrap().status, status, "{seconds}");
    }
}

#[tokio::test]
async fn a_form_is_as_good_as_json() {
    let sandbox = Sandbox::start().unwrap();
    let raw = Raw::login(&sandbox).await;
    let known = sandbox.credentials();
    let form = format!(
        "grant_type=password&client_id={}&client_secret={}&username={}&password={}",
        known.client_id,
        known.client_secret,
        known.username.replace('@', "%40"),
        known.password
    );
    let kind = "application/x-www-form-urlencoded";
    assert_eq!(raw.post_text("/oauth/token", kind, form).await.unwrap().status, 200);
}
