//! The server of `payout serve`: the operator's page, the gateway's notices, metrics and health.
//!
//! It decides nothing about money. A page reads the store, a button starts or ends a run of the
//! [`Engine`](crate::Engine), a notice says when to look; what is paid is decided where it always
//! is.
//!
//! Invariants:
//! - whoever is not known gets nothing but the page to sign in, health, and the answer to a notice
//!   that the gateway signed;
//! - a reader changes nothing: every request that could is refused before its handler is asked
//!   ([`guard`]);
//! - no answer depends on anything that only a proxy could vouch for.

mod access;
mod denied;
mod form;
mod guard;
mod health;
mod listener;
mod metered;
mod metrics;
mod notices;
mod page;
mod password;
mod runs;
mod server;
mod session;
mod sign_in;
mod throttle;
mod traces;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::routing::get;
use axum::{Router, middleware};
use kess_gateway::Client;
use url::Url;

pub(crate) use access::{Access, Operator, Person, Role};
pub(crate) use denied::Denied;
pub(crate) use form::{Form, UPLOAD_BYTES, Upload};
pub(crate) use runs::{Prepare, Runs};
pub(crate) use server::{Server, Setup, hash_password};
pub(crate) use traces::Traces;

use health::Health;
use metrics::Metrics;
use notices::Notices;
use session::Sessions;
use sign_in::own_path;
use throttle::Throttle;
use traces::TARGET;

use crate::{config::RunSettings, store::Store};

/// What every handler shares.
pub(crate) struct Site {
    /// Where batches are.
    pub(crate) store: Arc<dyn Store>,
    /// A client for the gateway; without one, batches can be looked at and not run.
    pub(crate) client: Option<Client>,
    /// Runs of batches in this process.
    pub(crate) runs: Runs,
    /// What the command line and the configuration say.
    pub(crate) settings: Settings,
    access: Access,
    sessions: Sessions,
    throttle: Throttle,
    metrics: Arc<Metrics>,
    health: Health,
    /// `None` where there is no gateway to get any from.
    notices: Option<Notices>,
    /// Tells whoever started the server something.
    tell: fn(&str),
}

/// What the command line and the configuration say.
pub(crate) struct Settings {
    /// How new batches are paid, as far as the file says so, and where the gateway sends notices.
    pub(crate) run: RunSettings,
    /// Where people and the gateway find this server, if not where it listens.
    pub(crate) public_url: Option<Url>,
    /// True where the other end and the money are made up.
    pub(crate) is_rehearsal: bool,
    /// True where the rows of another batch may be paid again: the rehearsals' own store.
    pub(crate) is_repeatable: bool,
    /// True where metrics are shown to everybody on this machine.
    metrics_open: bool,
    /// Where the server listens. The port keeps the cookies of two servers apart.
    address: SocketAddr,
}

impl Settings {
    /// Whether people come here by TLS.
    fn is_https(&self) -> bool {
        self.public_url.as_ref().is_some_and(|url| url.scheme() == "https")
    }

    /// The address of one of our paths, for people and for the gateway.
    fn url_of(&self, path: &str) -> String {
        match &self.public_url {
            Some(url) => format!("{}{path}", url.as_str().trim_end_matches('/')),
            None => format!("http://{}{path}", self.address),
        }
    }
}

impl Site {
    /// Makes a link that signs somebody in, once, and tells it whoever sees the terminal.
    fn announce_link(&self) {
        let path = format!("/login?link={}", self.access.new_link());
        let url = self.settings.url_of(&path);
        (self.tell)(&format!("sign in, once, at {url}"));
    }
}

/// Every route.
fn router(site: Arc<Site>) -> Router {
    Router::new()
        .merge(page::routes(&site))
        .merge(sign_in::routes())
        .merge(notices::routes())
        .merge(health::routes())
        .route("/metrics", get(metrics::page))
        .fallback(denied::not_found)
        .layer(DefaultBodyLimit::max(form::UPLOAD_BYTES))
        .layer(middleware::from_fn_with_state(Arc::clone(&site), guard::guard))
        .with_state(site)
}
