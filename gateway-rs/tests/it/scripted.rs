//! A gateway without a socket: a transport that answers from a function, and counts.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::HeaderMap;
use kess_gateway::transport::{
    HttpRequest, HttpResponse, Sent, Transport, TransportError, TransportErrorKind,
};
use kess_gateway::{BaseUrl, Client, ClientBuilder, Credentials};

pub(crate) const API_SECRET: &str = "abc123";

/// What the scripted gateway does with one request.
pub(crate) enum Play {
    /// Answers.
    Answer(u16, String),
    /// Answers with a header.
    AnswerWith(u16, &'static str, String, String),
    /// Fails.
    Fail(Sent, TransportErrorKind),
}

type Script = dyn Fn(&Seen) -> Play + Send + Sync;

/// A request as the gateway sees it.
pub(crate) struct Seen {
    /// Counts requests to the same path, from 0.
    pub(crate) nth: u64,
    pub(crate) path: String,
    pub(crate) authorization: Option<String>,
    pub(crate) body: String,
}

impl Seen {
    pub(crate) fn is_token(&self) -> bool {
        self.path == "/oauth/token"
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// The transport. Every exchange takes `delay` of (paused) time.
pub(crate) struct Scripted {
    script: Box<Script>,
    delay: Duration,
    tokens: AtomicU64,
    calls: AtomicU64,
    bodies: Mutex<Vec<String>>,
}

impl Scripted {
    pub(crate) fn new(script: impl Fn(&Seen) -> Play + Send + Sync + 'static) -> Arc<Scripted> {
        Self::slow(Duration::ZERO, script)
    }

    pub(crate) fn slow(
        delay: Duration,
        script: impl Fn(&Seen) -> Play + Send + Sync + 'static,
    ) -> Arc<Scripted> {
        Arc::new(Scripted {
            script: Box::new(script),
            delay,
            tokens: AtomicU64::new(0),
            calls: AtomicU64::new(0),
            bodies: Mutex::default(),
        })
    }

    /// Answers every token request with `token-<n>`, and calls as `script` says.
    pub(crate) fn calls(script: impl Fn(&Seen) -> Play + Send + Sync + 'static) -> Arc<Scripted> {
        Self::new(move |seen| if seen.is_token() { grant(seen.nth, 1800) } else { script(seen) })
    }

    pub(crate) fn token_requests(&self) -> u64 {
        self.tokens.load(Ordering::SeqCst)
    }

    pub(crate) fn call_requests(&self) -> u64 {
        self.calls.load(Ordering::SeqCst)
    }

    /// The bodies of all requests, in their order.
    pub(crate) fn bodies(&self) -> Vec<String> {
        self.bodies.lock().unwrap().clone()
    }

    pub(crate) fn client(self: &Arc<Self>) -> Client {
        self.builder().build().unwrap()
    }

    pub(crate) fn builder(self: &Arc<Self>) -> ClientBuilder {
        Client::builder()
            .base_url(BaseUrl::sandbox())
            .credentials(Credentials::new("id", "secret", "user", "password"))
            .api_secret(API_SECRET)
            .seller_code("SELLER")
            .transport(Arc::clone(self) as Arc<dyn Transport>)
    }
}

/// A token reply, `expires_in` as a text.
pub(crate) fn grant(nth: u64, expires_in: u64) -> Play {
    Play::Answer(
        200,
        format!(
            r#"{{"token_type":"Bearer","expires_in":"{expires_in}","access_token":"token-{nth}","refresh_token":"refresh-{nth}"}}"#
        ),
    )
}

/// A successful reply.
pub(crate) fn success(data: &str) -> Play {
    Play::Answer(200, format!(r#"{{"success":true,"data":{data}}}"#))
}

impl Transport for Scripted {
    fn send(&self, request: HttpRequest) -> BoxFuture<'_, Result<HttpResponse, TransportError>> {
        let counter = if request.url.path() == "/oauth/token" { &self.tokens } else { &self.calls };
        let seen = Seen {
            nth: counter.fetch_add(1, Ordering::SeqCst),
            path: request.url.path().to_owned(),
            authorization: request
                .headers
                .get("authorization")
                .map(|value| value.to_str().unwrap().to_owned()),
            body: String::from_utf8(request.body.to_vec()).unwrap(),
        };
        self.bodies.lock().unwrap().push(seen.body.clone());
        let play = (self.script)(&seen);
        async move {
            if !self.delay.is_zero() {
                tokio::time::sleep(self.delay).await;
            }
            let mut headers = HeaderMap::new();
            match play {
                Play::Answer(status, body) => {
                    Ok(HttpResponse { status, headers, body: Bytes::from(body) })
                }
                Play::AnswerWith(status, name, value, body) => {
                    headers.insert(name, value.parse().unwrap());
                    Ok(HttpResponse { status, headers, body: Bytes::from(body) })
                }
                Play::Fail(sent, kind) => Err(TransportError { sent, kind, source: None }),
            }
        }
        .boxed()
    }
}
