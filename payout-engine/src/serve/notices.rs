//! The gateway's notices (`notify_url`): a hint that an order may have ended, and nothing more.
//!
//! A notice makes the row of its order due now; whoever runs the batch queries, and the answer to
//! that decides. So a notice that is repeated, late or a lie changes nothing but when somebody
//! looks.
//!
//! The path has a secret in it that follows from the API secret, and the body has to be signed with
//! that. Nothing else of a request is looked at before. The answer waits for no store and no
//! gateway: what a notice is about goes into a queue, once, and a task works that off.

mod queue;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use http::{Method, StatusCode};
use jiff::Timestamp;
use kess_gateway::{Client, webhook::Verifier};
use subtle::ConstantTimeEq;

use super::{Site, denied::not_found};
use crate::{error::Error, order_no::OrderNo, store::Store};
use queue::{Entered, Queue};

/// What the path's secret is derived by. Another text would mean another address.
const LABEL: &str = "payout serve: path of notify_url, 1";

/// No notice is longer; the verifier reads no more either.
const NOTICE_BYTES: usize = 256 * 1024;

/// How long after the store failed it is tried again.
const STORE_AWAY: Duration = Duration::from_secs(1);

/// What became of a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answered {
    /// Somebody looks at its order now.
    Accepted,
    /// Somebody is about to look at its order anyway.
    Repeated,
    /// It is about no order of ours.
    Foreign,
    /// Its signature does not hold, or it has none.
    Forged,
    /// It is no notice at all.
    Unreadable,
    /// The path is not ours.
    WrongPath,
    /// Too many are waiting: the gateway will send it again.
    Full,
}

impl Answered {
    pub(super) const ALL: [Self; 7] = [
        Self::Accepted,
        Self::Repeated,
        Self::Foreign,
        Self::Forged,
        Self::Unreadable,
        Self::WrongPath,
        Self::Full,
    ];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Repeated => "repeated",
            Self::Foreign => "foreign",
            Self::Forged => "forged",
            Self::Unreadable => "unreadable",
            Self::WrongPath => "wrong_path",
            Self::Full => "full",
        }
    }
}

/// Where notices are received.
pub(super) struct Notices {
    secret: String,
    verifier: Verifier,
    queue: Arc<Queue>,
}

impl Notices {
    /// A place for the notices of this client's merchant.
    ///
    /// # Errors
    /// A client without the API secret: notices are checked with it.
    pub(super) fn of(client: &Client) -> Result<Self, Error> {
        let unusable = |error: kess_gateway::Error| Error::config(error.to_string());
        let secret = client.derived_secret(LABEL).map_err(unusable)?;
        let verifier = client.webhook_verifier().map_err(unusable)?;
        Ok(Self { secret, verifier, queue: Arc::default() })
    }

    /// The path of the `notify_url`.
    pub(super) fn path(&self) -> String {
        format!("/notify/{}", self.secret)
    }

    /// Works off what notices are about, for ever.
    pub(super) async fn work(&self, store: &dyn Store) {
        loop {
            let order_no = self.queue.next().await;
            while let Err(error) = store.nudge(&order_no, Timestamp::now()).await {
                tracing::error!("a notice waits for the store: {}", error.in_full());
                tokio::time::sleep(STORE_AWAY).await;
            }
        }
    }

    fn is_path(&self, secret: &str) -> bool {
        self.secret.as_bytes().ct_eq(secret.as_bytes()).into()
    }

    /// Takes a notice, without waiting for anything.
    fn take(&self, body: &[u8]) -> Answered {
        let notice = match self.verifier.verify(body) {
            Ok(notice) => notice,
            Err(error) if error.kind() == kess_gateway::ErrorKind::Signature => {
                return Answered::Forged;
            }
            Err(_) => return Answered::Unreadable,
        };
        let order_no = notice.get("out_trade_no").and_then(|text| text.parse::<OrderNo>().ok());
        match order_no.map(|order_no| self.queue.enter(order_no)) {
            None => Answered::Foreign,
            Some(Entered::Now) => Answered::Accepted,
            Some(Entered::Again) => Answered::Repeated,
            Some(Entered::Full) => Answered::Full,
        }
    }
}

pub(super) fn routes() -> Router<Arc<Site>> {
    Router::new().route("/notify/{secret}", any(receive))
}

async fn receive(
    State(site): State<Arc<Site>>,
    Path(secret): Path<String>,
    request: Request,
) -> Response {
    let answered = judge(&site, &secret, request).await;
    site.metrics.notice(answered);
    match answered {
        Answered::Accepted | Answered::Repeated | Answered::Foreign => {
            (StatusCode::OK, "ok\n").into_response()
        }
        Answered::Full => (StatusCode::SERVICE_UNAVAILABLE, "later\n").into_response(),
        Answered::Forged | Answered::Unreadable => {
            (StatusCode::BAD_REQUEST, "no\n").into_response()
        }
        Answered::WrongPath => not_found().await.into_response(),
    }
}

async fn judge(site: &Site, secret: &str, request: Request) -> Answered {
    let Some(notices) = site.notices.as_ref().filter(|notices| notices.is_path(secret)) else {
        return Answered::WrongPath;
    };
    if *request.method() != Method::POST {
        return Answered::WrongPath;
    }
    match to_bytes(request.into_body(), NOTICE_BYTES).await {
        Ok(body) => notices.take(&body),
        Err(_) => Answered::Unreadable,
    }
}
