//! Health for whoever keeps the server running: `/healthz`, the process answers; `/readyz`, it can
//! do its work.
//!
//! The store is looked at every two seconds, by reading it and by a write that finds nothing to
//! write, so that a probe costs nothing and a store that hangs is noticed, too. That its schema is
//! current was made sure of when it was opened.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::StatusCode;
use jiff::Timestamp;
use serde_json::json;
use tokio::time::{Instant, timeout};

use super::Site;
use crate::{
    error::{Error, ErrorKind},
    order_no::OrderNo,
    store::Store,
};

/// How often the store is looked at.
const BETWEEN: Duration = Duration::from_secs(2);

/// How long a look may take.
const LONGEST: Duration = Duration::from_secs(5);

/// A look that is older proves nothing.
const TOO_OLD: Duration = Duration::from_secs(10);

/// An order that is in no store.
const NO_ORDER: &str = "000000000000-1-1";

/// When the store last was as it should be, and what is wrong with it since.
pub(super) struct Health {
    /// The store's file, where it has one: a file that was removed still answers.
    file: Option<PathBuf>,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    well_at: Option<Instant>,
    problem: Option<&'static str>,
    is_ending: bool,
}

impl Health {
    pub(super) fn new(file: Option<PathBuf>) -> Self {
        Self { file, seen: Mutex::default() }
    }

    /// Looks at the store, for ever.
    pub(super) async fn watch(&self, store: &dyn Store) {
        loop {
            let looked = timeout(LONGEST, self.look(store)).await;
            self.note(looked.unwrap_or(Some("the store does not answer")));
            tokio::time::sleep(BETWEEN).await;
        }
    }

    fn note(&self, problem: Option<&'static str>) {
        let mut seen = self.seen();
        seen.problem = problem;
        if problem.is_none() {
            seen.well_at = Some(Instant::now());
        }
    }

    /// From now on the server ends: others should be asked.
    pub(super) fn ends(&self) {
        self.seen().is_ending = true;
    }

    async fn look(&self, store: &dyn Store) -> Option<&'static str> {
        if self.file.as_ref().is_some_and(|file| !file.exists()) {
            return Some("the store's file is gone");
        }
        let readable = |error: &Error| error.kind() == ErrorKind::NoSuchBatch;
        if store.newest().await.is_err_and(|error| !readable(&error)) {
            return Some("the store cannot be read");
        }
        let probe = match NO_ORDER.parse::<OrderNo>() {
            Ok(order_no) => store.nudge(&order_no, Timestamp::now()).await.err(),
            Err(error) => Some(error),
        };
        probe.map(|_| "the store cannot be written")
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What keeps the server from its work.
    fn problem(&self) -> Option<&'static str> {
        let seen = self.seen();
        let is_fresh = seen.well_at.is_some_and(|at| at.elapsed() < TOO_OLD);
        match seen.problem {
            _ if seen.is_ending => Some("the server is about to end"),
            Some(problem) => Some(problem),
            None if !is_fresh => Some("the store was not looked at lately"),
            None => None,
        }
    }
}

pub(super) fn routes() -> Router<Arc<Site>> {
    Router::new().route("/healthz", get(alive)).route("/readyz", get(ready))
}

async fn alive() -> Response {
    Json(json!({ "status": "ok" })).into_response()
}

async fn ready(State(site): State<Arc<Site>>) -> Response {
    match site.health.problem() {
        None => Json(json!({ "status": "ok" })).into_response(),
        Some(problem) => {
            let told = json!({ "status": "unavailable", "problem": problem });
            (StatusCode::SERVICE_UNAVAILABLE, Json(told)).into_response()
        }
    }
}
