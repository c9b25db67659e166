//! Live parts of a page, as server-sent events: each is sent when it looks different.
//!
//! An event is JSON: the ids of elements and what is in them now, made by the same templates as the
//! page itself. So a page without script shows the same, as it was when it was loaded.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::{Path, Query, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream::unfold;
use minijinja::{Value, context};
use serde::Deserialize;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use super::{
    Shared, batch,
    live::Seen,
    otp,
    view::{Failure, Visitor},
};
use crate::serve::Site;

/// A browser comes back after this time, and is asked again who it is.
const LONGEST: Duration = Duration::from_secs(300);

#[derive(Deserialize)]
pub(super) struct Wanted {
    /// The page that watches.
    #[serde(default)]
    tab: String,
}

/// Somebody who watches.
struct Watcher {
    visitor: Visitor,
    site: Arc<Site>,
    tab: String,
    receiver: watch::Receiver<Seen>,
    /// What the browser shows by now.
    shown: BTreeMap<&'static str, String>,
    until: Instant,
}

/// `GET /batches/{name}/events`
pub(super) async fn events(
    visitor: Visitor,
    State(site): State<Arc<Site>>,
    Extension(shared): Extension<Arc<Shared>>,
    Path(name): Path<String>,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Failure> {
    let mut receiver = shared.live.watch(&site.store, &name).await?;
    // What is known now is news for whoever just came.
    receiver.mark_changed();
    let until = Instant::now() + LONGEST;
    let shown = BTreeMap::new();
    let watcher = Watcher { visitor, site, tab: wanted.tab, receiver, shown, until };
    let events = unfold(watcher, |mut watcher| async move {
        let event = watcher.next().await?;
        Some((Ok::<_, Infallible>(event), watcher))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::default()).into_response())
}

impl Watcher {
    /// The next parts that look different; `None` at the end of the watch.
    async fn next(&mut self) -> Option<Event> {
        loop {
            timeout_at(self.until, self.receiver.changed()).await.ok()?.ok()?;
            let seen = self.receiver.borrow_and_update().clone();
            // A part that cannot be made now is made with the next look.
            let Ok(parts) = self.parts(&seen).await else { continue };
            let news: BTreeMap<_, _> =
                parts.into_iter().filter(|(id, html)| self.shown.get(id) != Some(html)).collect();
            if news.is_empty() {
                continue;
            }
            let text = serde_json::to_string(&news).ok()?;
            self.shown.extend(news);
            return Some(Event::default().data(text));
        }
    }

    async fn parts(&self, seen: &Seen) -> Result<BTreeMap<&'static str, String>, Failure> {
        let look = &seen.look;
        let head = batch::head(&self.site, look, &self.tab);
        let part = |name: &str, values: Value| {
            let values = context! { ..values, ..head.clone() };
            self.visitor.part(&self.site, name, values)
        };
        let mut parts = BTreeMap::new();
        parts.insert("tabs", part("tabs.html", context! {})?);
        match self.tab.as_str() {
            "overview" => {
                parts.insert("standing", part("standing.html", context! {})?);
                let numbers = batch::numbers(look, seen.pace, self.visitor.language);
                parts.insert("live", part("live.html", numbers)?);
            }
            "otp" => {
                let list = otp::values(&self.site, look).await?;
                parts.insert("otp-list", part("otp-list.html", list)?);
            }
            _ => {}
        }
        Ok(parts)
    }
}
