//! Signing in and out.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;

use super::access::TOKEN_HOLDER;
use super::page::{self, SignInProblem};
use super::{Denied, Form, Person, Role, Site, form::FORM_BYTES, listener::Peer};

pub(super) fn routes() -> Router<Arc<Site>> {
    Router::new()
        .route("/login", get(show).post(sign_in))
        .route("/logout", post(sign_out))
        .layer(DefaultBodyLimit::max(FORM_BYTES))
}

#[derive(Deserialize)]
struct Shown {
    next: Option<String>,
    /// The secret of the link on the terminal.
    link: Option<String>,
}

/// What the form at `/login` sends.
#[derive(Deserialize)]
struct Given {
    /// Empty where a token is given as the password.
    #[serde(default)]
    name: String,
    password: String,
    #[serde(default)]
    next: String,
}

async fn show(
    State(site): State<Arc<Site>>,
    Query(shown): Query<Shown>,
    headers: HeaderMap,
) -> Response {
    let next = own_path(shown.next.as_deref().unwrap_or_default());
    let Some(link) = shown.link else { return page::sign_in(&headers, next, None) };
    if !site.access.takes_link(&link) {
        return refused(&headers, next, SignInProblem::Wrong);
    }
    site.announce_link();
    let who = "the terminal".to_owned();
    signed_in(&site, who, Role::Operator, &headers, next)
}

async fn sign_in(
    State(site): State<Arc<Site>>,
    Extension(Peer(address)): Extension<Peer>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let Ok(given) = serde_urlencoded::from_bytes::<Given>(&body) else {
        return Denied::Malformed.into_response();
    };
    let (name, next) = (given.name.trim(), own_path(&given.next));
    if name.is_empty() {
        return match site.access.role_of_token(&given.password) {
            Some(role) => signed_in(&site, TOKEN_HOLDER.to_owned(), role, &headers, next),
            None => refused(&headers, next, SignInProblem::Wrong),
        };
    }
    if !site.throttle.admits(address) {
        return refused(&headers, next, SignInProblem::TooMany);
    }
    match site.access.role_of_person(name, given.password).await {
        Some(role) => signed_in(&site, name.to_owned(), role, &headers, next),
        None => refused(&headers, next, SignInProblem::Wrong),
    }
}

fn signed_in(site: &Site, name: String, role: Role, headers: &HeaderMap, next: &str) -> Response {
    let cookie = site.sessions.begin(name, role, headers, &site.settings);
    ([(header::SET_COOKIE, cookie)], Redirect::to(next)).into_response()
}

fn refused(headers: &HeaderMap, next: &str, problem: SignInProblem) -> Response {
    let mut page = page::sign_in(headers, next, Some(problem));
    *page.status_mut() = match problem {
        SignInProblem::Wrong => StatusCode::UNAUTHORIZED,
        SignInProblem::TooMany => StatusCode::TOO_MANY_REQUESTS,
    };
    page
}

#[derive(Deserialize)]
struct Nothing {}

async fn sign_out(
    State(site): State<Arc<Site>>,
    _person: Person,
    headers: HeaderMap,
    Form(Nothing {}): Form<Nothing>,
) -> Response {
    let cookie = site.sessions.end(&headers, &site.settings);
    ([(header::SET_COOKIE, cookie)], Redirect::to("/login")).into_response()
}

/// Where to go on after signing in: a path of this server, or its front page. What a browser could
/// read as another server's address is none.
pub(super) fn own_path(next: &str) -> &str {
    let is_plain = next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let is_path = next.starts_with('/') && !next.starts_with("//");
    if is_plain && is_path { next } else { "/" }
}
