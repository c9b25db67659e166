//! The operator's page: HTML made here, a style, and one small script.
//!
//! Everything works without the script but what is live. Pages read the store, and every button is
//! a form. [`words`] has all that is said, in English and in Khmer; [`view`] makes HTML of it; each
//! other module is one screen.
//!
//! Invariants:
//! - nothing is decided here: a button asks the engine, which refuses what does not hold any more;
//! - whatever comes from a file, a bank or the gateway is escaped, and is a link only if it leads
//!   to a web page;
//! - no page holds more rows than a person looks at, however large the batch is.

mod actions;
mod assets;
mod batch;
mod batches;
mod chart;
mod checked;
mod compare;
mod download;
mod events;
mod held;
mod language;
mod live;
mod otp;
mod pieces;
mod problems;
mod qr;
mod rows;
mod standing;
mod upload;
mod uploads;
mod view;
mod why;
mod words;

use std::sync::Arc;

use axum::response::Response;
use axum::routing::{get, post};
use axum::{Extension, Router, middleware};
use http::HeaderMap;

use super::Site;
use live::Live;
use uploads::Uploads;

/// What the screens share beside the site.
#[derive(Default)]
struct Shared {
    live: Live,
    uploads: Uploads,
}

/// Why signing in did not work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SignInProblem {
    /// Name and password, or the token, are not known.
    Wrong,
    /// Too many attempts: wait a little.
    TooMany,
}

/// Every screen.
pub(super) fn routes(site: &Arc<Site>) -> Router<Arc<Site>> {
    let explained = middleware::from_fn_with_state(Arc::clone(site), view::explain);
    let of = |path: &str| format!("/batches/{{name}}{path}");
    Router::new()
        .route("/", get(batches::list))
        .route(&of(""), get(batch::overview))
        .route(&of("/events"), get(events::events))
        .route(&of("/chart"), get(batch::chart))
        .route(&of("/rows"), get(rows::list))
        .route(&of("/otp"), get(otp::list))
        .route(&of("/otp/{row}/qr.svg"), get(otp::code))
        .route(&of("/held"), get(held::list).post(held::decide))
        .route(&of("/problems"), get(problems::list))
        .route(&of("/report/{format}"), get(download::report))
        .route(&of("/start"), get(actions::ask_start).post(actions::start))
        .route(&of("/pause"), post(actions::pause))
        .route(&of("/resume"), post(actions::resume))
        .route(&of("/cancel"), get(actions::ask_cancel).post(actions::cancel))
        .route(&of("/retry"), get(actions::ask_retry).post(actions::retry))
        .route("/upload", get(upload::choose).post(upload::receive))
        .route("/upload/{id}", get(upload::show).post(upload::make))
        .route("/upload/{id}/discard", post(upload::discard))
        .layer(Extension(Arc::<Shared>::default()))
        .layer(explained)
        .route("/language/{code}", get(language::choose))
        .route("/assets/{version}/{name}", get(assets::asset))
}

/// The page at `/login`: a form that posts `name`, `password` (or a token, without a name) and
/// `next` to `/login`. It has no `csrf`: nobody has a session yet. `next` is a path of this server.
pub(super) fn sign_in(headers: &HeaderMap, next: &str, problem: Option<SignInProblem>) -> Response {
    let problem = problem.map(|problem| match problem {
        SignInProblem::Wrong => "sign_in.wrong",
        SignInProblem::TooMany => "sign_in.too_many",
    });
    view::sign_in(headers, next, problem)
}
