//! What Prometheus reads at `/metrics`: how batches stand, how calls end, how long things take.
//!
//! Batches are read from the store when somebody asks, so they are true whoever runs them; the rest
//! counts what this process did. No label is personal, and the name of a batch is one only as long
//! as the batch is unfinished: finished ones would be without number.

mod standing;
mod text;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header, request::Parts};
use jiff::Timestamp;

use super::{Denied, Site, notices::Answered};
use crate::event::{EngineEvent, Measured, Observer};
use standing::Standing;
use text::{Histogram, Text, seconds};

/// The version of the text format.
const FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Numbers of this process.
pub(super) struct Metrics {
    started: Timestamp,
    calls: Mutex<BTreeMap<(&'static str, &'static str), Histogram>>,
    in_flight: AtomicI64,
    window: AtomicU64,
    circuit: AtomicBool,
    pauses: Mutex<(u64, Duration)>,
    commits: Mutex<(u64, Histogram)>,
    notices: Mutex<BTreeMap<&'static str, u64>>,
    standing: Standing,
}

impl Metrics {
    pub(super) fn new() -> Self {
        Self {
            started: Timestamp::now(),
            calls: Mutex::default(),
            in_flight: AtomicI64::default(),
            window: AtomicU64::default(),
            circuit: AtomicBool::default(),
            pauses: Mutex::default(),
            commits: Mutex::default(),
            notices: Mutex::default(),
            standing: Standing::default(),
        }
    }

    pub(super) fn call_began(&self) {
        self.in_flight.fetch_add(1, Relaxed);
    }

    pub(super) fn call_ended(&self, service: &'static str, result: &'static str, took: Duration) {
        self.in_flight.fetch_sub(1, Relaxed);
        lock(&self.calls).entry((service, result)).or_default().observe(took);
    }

    pub(super) fn notice(&self, answered: Answered) {
        *lock(&self.notices).entry(answered.as_str()).or_default() += 1;
    }

    fn write(&self, text: &mut Text) {
        let name = "payout_gateway_call_duration_seconds";
        text.metric(name, "histogram", "Calls to the gateway by service and how they ended.");
        for ((service, result), calls) in lock(&self.calls).iter() {
            text.histogram(name, &[("service", service), ("result", result)], calls);
        }
        let flying = self.in_flight.load(Relaxed);
        text.single("payout_gateway_calls_in_flight", "gauge", "Calls under way.", flying);
        let (window, help) = (self.window.load(Relaxed), "Calls that may be under way at once.");
        text.single("payout_gateway_window", "gauge", help, window);
        let (circuit, help) = (u8::from(self.circuit.load(Relaxed)), "1 while calls keep failing.");
        text.single("payout_gateway_circuit_open", "gauge", help, circuit);
        let (count, paused) = *lock(&self.pauses);
        let help = "Pauses in which nobody called the gateway.";
        text.single("payout_gateway_pauses_total", "counter", help, count);
        let (name, help) = ("payout_gateway_pause_seconds_total", "Length of those pauses.");
        text.single(name, "counter", help, seconds(paused));
        let (transitions, commits) = lock(&self.commits).clone();
        let help = "Changes of rows that were made durable.";
        text.single("payout_store_transitions_total", "counter", help, transitions);
        let name = "payout_store_commit_duration_seconds";
        text.metric(name, "histogram", "Commits of such changes, many at once.");
        text.histogram(name, &[], &commits);
        let name = "payout_notices_total";
        text.metric(name, "counter", "Notices at /notify by what became of them.");
        let notices = lock(&self.notices);
        for answered in Answered::ALL {
            let count = notices.get(answered.as_str()).copied().unwrap_or(0);
            text.sample(name, &[("result", answered.as_str())], count);
        }
        let version = [("version", env!("CARGO_PKG_VERSION"))];
        text.metric("payout_build_info", "gauge", "The version that runs.");
        text.sample("payout_build_info", &version, 1);
        let (name, help) = ("process_start_time_seconds", "When the process started.");
        text.single(name, "gauge", help, self.started.as_second());
    }
}

impl Observer for Metrics {
    fn event(&self, event: &EngineEvent) {
        match event {
            EngineEvent::Started { .. } => self.circuit.store(false, Relaxed),
            EngineEvent::Concurrency { calls, .. } => self.window.store(*calls as u64, Relaxed),
            EngineEvent::Paused { pause, .. } => {
                let mut pauses = lock(&self.pauses);
                *pauses = (pauses.0 + 1, pauses.1.saturating_add(*pause));
            }
            _ => {}
        }
    }

    fn measured(&self, measured: &Measured) {
        match measured {
            Measured::Commit { transitions, took } => {
                let mut commits = lock(&self.commits);
                commits.0 += *transitions as u64;
                commits.1.observe(*took);
            }
            Measured::Circuit { is_open } => self.circuit.store(*is_open, Relaxed),
        }
    }
}

fn lock<T>(numbers: &Mutex<T>) -> MutexGuard<'_, T> {
    numbers.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The page, for whoever is known, or for everybody on this machine where that was asked for.
pub(super) async fn page(State(site): State<Arc<Site>>, parts: Parts) -> Response {
    if !site.settings.metrics_open && site.person(&parts.headers).is_none() {
        return Denied::unknown(&parts).into_response();
    }
    let mut text = Text::default();
    if let Err(error) = site.metrics.standing.write(&mut text, &*site.store).await {
        tracing::error!("the metrics are incomplete: {}", error.in_full());
        return (StatusCode::SERVICE_UNAVAILABLE, "the store cannot be read\n").into_response();
    }
    site.metrics.write(&mut text);
    let help = "People who are signed in.";
    text.single("payout_sessions", "gauge", help, site.sessions.count());
    ([(header::CONTENT_TYPE, FORMAT)], text.finish()).into_response()
}
