//! The door to the network: [`Transport`], one method, behind which `reqwest` stands.
//!
//! The trait is ours, so that no type of the HTTP library is in the public API and tests can play
//! the gateway without a socket. What a transport must get right is *certainty*: after a failure it
//! says whether the request may have reached the other side ([`Sent`]). In doubt it says it may.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::HeaderMap;
use url::Url;

pub(crate) mod reqwest;

pub use self::reqwest::{HttpTransport, HttpTransportOptions};

/// Carries one `POST` and its answer. Must not retry, and must not follow redirects.
pub trait Transport: Send + Sync {
    /// Sends the request; ends within [`HttpRequest::timeout`].
    fn send(&self, request: HttpRequest) -> BoxFuture<'_, Result<HttpResponse, TransportError>>;
}

/// A `POST` request.
#[derive(Clone)]
pub struct HttpRequest {
    /// Where to.
    pub url: Url,
    /// The headers. `Authorization` is marked as sensitive.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// The time for the whole exchange.
    pub timeout: Duration,
}

impl fmt::Debug for HttpRequest {
    /// The body is personal data, and for the token request it is the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpRequest")
            .field("url", &self.url.as_str())
            .field("body_bytes", &self.body.len())
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// A whole answer.
#[derive(Clone)]
pub struct HttpResponse {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl fmt::Debug for HttpResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpResponse")
            .field("status", &self.status)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// Whether a request that failed may have reached the other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sent {
    /// It certainly did not.
    No,
    /// It may have.
    Maybe,
}

/// What kind of failure a transport met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TransportErrorKind {
    /// No connection: refused, no route, name not found, TLS not agreed.
    Connect,
    /// The time was over.
    Timeout,
    /// The connection was closed or broke before the answer was whole.
    Closed,
    /// The answer was larger than the limit.
    TooLarge,
    /// Anything else.
    Other,
}

/// A failure without a whole answer.
#[derive(Debug, thiserror::Error)]
#[error("{}", self.text())]
pub struct TransportError {
    /// Whether the request may have arrived.
    pub sent: Sent,
    /// What happened.
    pub kind: TransportErrorKind,
    /// The cause, in the words of the library below.
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl TransportError {
    fn text(&self) -> &'static str {
        match self.kind {
            TransportErrorKind::Connect => "no connection to the gateway could be made",
            TransportErrorKind::Timeout => "the gateway did not answer in time",
            TransportErrorKind::Closed => "the connection ended before the answer was whole",
            TransportErrorKind::TooLarge => "the answer is larger than this client accepts",
            TransportErrorKind::Other => "the exchange with the gateway failed",
        }
    }
}
