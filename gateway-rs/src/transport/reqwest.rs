//! [`HttpTransport`]: the transport over `reqwest`, hyper and rustls.
//!
//! Redirects and the library's own retries are off: a payment must not be sent twice behind our
//! back, nor to another host. HTTP/2 is used where the server offers it (ALPN), connections are
//! kept and reused, and certificates are checked against the operating system's roots; on Android
//! against Mozilla's, because the system's verifier is Java and nobody hands us its machine. A
//! silent HTTP/2 connection is asked whether it lives: all calls go through one, and without
//! asking, a dead one would make each of them an unknown outcome until the operating system gives
//! it up.
//!
//! Certainty: the request's body tells when the first of its bytes is taken for writing. A request
//! whose body was never taken did not reach anybody, whatever failed.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http_body::{Body, Frame, SizeHint};
use rustls::WantsVerifier;

use super::{HttpRequest, HttpResponse, Sent, Transport, TransportError, TransportErrorKind};
use crate::error::{Error, ErrorKind};

/// The largest answer that is read. A page of a thousand orders is below 4 MiB.
const MAX_BODY: usize = 32 * 1024 * 1024;

/// What can be set about connections.
#[derive(Clone, Debug)]
pub struct HttpTransportOptions {
    /// The time to make a connection, TLS included.
    pub connect_timeout: Duration,
    /// How many idle connections are kept. More than are ever in use, so that none is closed only
    /// to be made anew for the next call.
    pub max_idle: usize,
    /// How long an idle connection is kept. Shorter than what load balancers usually allow, so
    /// that they do not close it just as a payment is written to it.
    pub idle_timeout: Duration,
    /// How often an HTTP/2 connection that says nothing is asked whether it lives. It is given up
    /// where it does not answer within the same time.
    pub keep_alive: Duration,
}

impl Default for HttpTransportOptions {
    fn default() -> Self {
        HttpTransportOptions {
            connect_timeout: Duration::from_secs(10),
            max_idle: 4_096,
            idle_timeout: Duration::from_secs(30),
            keep_alive: Duration::from_secs(10),
        }
    }
}

/// The transport that clients use unless they are given another one.
#[derive(Clone, Debug)]
pub struct HttpTransport {
    client: reqwest::Client,
}

impl HttpTransport {
    /// Prepares connections; makes none yet.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] where the operating system's certificates cannot be used.
    pub fn new(options: &HttpTransportOptions) -> Result<HttpTransport, Error> {
        HttpTransport::of(connections(options, tls()?))
    }

    /// Prepares connections to loopback addresses, for which no certificates are needed: the
    /// sandbox must run on a machine that has none. An `https` URL fails with it. No proxy is
    /// used, whatever the environment says: what is not encrypted must not leave the machine.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] where the HTTP client cannot be set up.
    pub fn plain(options: &HttpTransportOptions) -> Result<HttpTransport, Error> {
        let nobody = rustls::RootCertStore::empty();
        let config = tls_versions()?.with_root_certificates(nobody).with_no_client_auth();
        HttpTransport::of(connections(options, config).no_proxy())
    }

    fn of(builder: reqwest::ClientBuilder) -> Result<HttpTransport, Error> {
        let client = builder.build().map_err(|source| {
            Error::new(ErrorKind::Config, "the HTTP client cannot be set up").with_source(source)
        })?;
        Ok(HttpTransport { client })
    }
}

fn connections(
    options: &HttpTransportOptions,
    tls: rustls::ClientConfig,
) -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .connect_timeout(options.connect_timeout)
        .pool_max_idle_per_host(options.max_idle)
        .pool_idle_timeout(options.idle_timeout)
        .http2_keep_alive_interval(options.keep_alive)
        .http2_keep_alive_timeout(options.keep_alive)
        .tcp_nodelay(true)
        .user_agent(concat!("kesspay/", env!("CARGO_PKG_VERSION")))
}

/// TLS with the ring provider, passed by hand: a process-wide default may be another one.
fn tls_versions() -> Result<TlsBuilder, Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(no_tls)
}

/// TLS that offers HTTP/2.
fn tls() -> Result<rustls::ClientConfig, Error> {
    let mut config = trusting(tls_versions()?)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

type TlsBuilder = rustls::ConfigBuilder<rustls::ClientConfig, WantsVerifier>;

/// Trusts whom the operating system trusts.
#[cfg(not(target_os = "android"))]
fn trusting(builder: TlsBuilder) -> Result<rustls::ClientConfig, Error> {
    use rustls_platform_verifier::BuilderVerifierExt;
    Ok(builder.with_platform_verifier().map_err(no_tls)?.with_no_client_auth())
}

/// Trusts whom Mozilla trusts. What a user or an employer added to the phone is not trusted, as is
/// Android's own default for apps.
#[cfg(target_os = "android")]
fn trusting(builder: TlsBuilder) -> Result<rustls::ClientConfig, Error> {
    let roots = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect::<rustls::RootCertStore>();
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

fn no_tls(source: rustls::Error) -> Error {
    let text = "TLS cannot be set up; does this machine have CA certificates?";
    Error::new(ErrorKind::Config, text).with_source(source)
}

impl Transport for HttpTransport {
    fn send(&self, request: HttpRequest) -> BoxFuture<'_, Result<HttpResponse, TransportError>> {
        let taken = Arc::new(AtomicBool::new(false));
        let timeout = request.timeout;
        let exchange = exchange(&self.client, request, Arc::clone(&taken));
        async move {
            let sent = |taken: &AtomicBool| match taken.load(Ordering::Acquire) {
                true => Sent::Maybe,
                false => Sent::No,
            };
            match tokio::time::timeout(timeout, exchange).await {
                Ok(Ok(response)) => Ok(response),
                Ok(Err((kind, source))) => Err(TransportError { sent: sent(&taken), kind, source }),
                Err(elapsed) => Err(TransportError {
                    sent: sent(&taken),
                    kind: TransportErrorKind::Timeout,
                    source: Some(Box::new(elapsed)),
                }),
            }
        }
        .boxed()
    }
}

type Failure = (TransportErrorKind, Option<Box<dyn std::error::Error + Send + Sync>>);

async fn exchange(
    client: &reqwest::Client,
    request: HttpRequest,
    taken: Arc<AtomicBool>,
) -> Result<HttpResponse, Failure> {
    let body = WatchedBody { bytes: Some(request.body), taken };
    let mut outgoing = reqwest::Request::new(reqwest::Method::POST, request.url);
    *outgoing.headers_mut() = request.headers;
    *outgoing.body_mut() = Some(reqwest::Body::wrap(body));
    let mut response = client.execute(outgoing).await.map_err(failure)?;
    let status = response.status().as_u16();
    let headers = std::mem::take(response.headers_mut());
    let body = read_body(response).await?;
    Ok(HttpResponse { status, headers, body })
}

async fn read_body(mut response: reqwest::Response) -> Result<Bytes, Failure> {
    let Some(first) = response.chunk().await.map_err(failure)? else { return Ok(Bytes::new()) };
    let Some(second) = response.chunk().await.map_err(failure)? else { return Ok(first) };
    let mut body = BytesMut::from(first);
    body.extend_from_slice(&second);
    while let Some(chunk) = response.chunk().await.map_err(failure)? {
        if body.len() + chunk.len() > MAX_BODY {
            return Err((TransportErrorKind::TooLarge, None));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// Sorts the library's errors. The URL is taken out: the base URL may be a customer's own.
fn failure(error: reqwest::Error) -> Failure {
    let kind = if error.is_timeout() && !error.is_connect() {
        TransportErrorKind::Timeout
    } else if error.is_connect() {
        TransportErrorKind::Connect
    } else if error.is_request() || error.is_body() || error.is_decode() {
        TransportErrorKind::Closed
    } else {
        TransportErrorKind::Other
    };
    (kind, Some(Box::new(error.without_url())))
}

/// A body of one piece that notes when it is taken.
struct WatchedBody {
    bytes: Option<Bytes>,
    taken: Arc<AtomicBool>,
}

impl Body for WatchedBody {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.taken.store(true, Ordering::Release);
        Poll::Ready(self.bytes.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn a_dead_http2_connection_is_noticed_before_the_call_times_out() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
        // Agrees to HTTP/2 (its settings, and that it has ours), and says nothing ever after.
        let server = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.write_all(b"\0\0\0\x04\0\0\0\0\0\0\0\0\x04\x01\0\0\0\0").await.unwrap();
            let mut ignored = [0; 4096];
            while stream.read(&mut ignored).await.is_ok_and(|read| read > 0) {}
            std::future::pending::<()>().await;
        };
        let keep_alive = Duration::from_millis(500);
        let options = HttpTransportOptions { keep_alive, ..HttpTransportOptions::default() };
        let builder = connections(&options, tls().unwrap()).no_proxy().http2_prior_knowledge();
        let transport = HttpTransport::of(builder).unwrap();
        let body = Bytes::from_static(b"{}");
        let timeout = Duration::from_secs(30);
        let request = HttpRequest { url, headers: HeaderMap::new(), body, timeout };
        let began = std::time::Instant::now();
        tokio::select! {
            result = transport.send(request) => {
                let error = result.unwrap_err();
                assert_eq!((error.sent, error.kind), (Sent::Maybe, TransportErrorKind::Timeout));
                assert!(began.elapsed() < timeout, "{:?}", began.elapsed());
            }
            () = server => unreachable!("the server is silent for ever"),
        }
    }
}
