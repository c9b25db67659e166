//! Traces: a span for each request, each call to the gateway and each run, sent to a collector as
//! OTLP over HTTP, where one is configured.
//!
//! Invariant: a span names kinds of things, never a person, a row, a path with a name in it, or a
//! secret. Only spans with the target [`TARGET`] are sent, so nothing that a library says is.

use std::time::Duration;

use async_trait::async_trait;
use kess_gateway::transport::{HttpRequest, HttpTransport, HttpTransportOptions, Transport};
use opentelemetry::{KeyValue, trace::TracerProvider as _};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{Resource, trace::SdkTracerProvider};
use tokio::runtime::Handle;
use tracing::{Subscriber, level_filters::LevelFilter};
use tracing_subscriber::{Layer, filter::Targets, registry::LookupSpan};
use url::Url;

use crate::error::Error;

/// The target of all spans that are sent.
pub(super) const TARGET: &str = "trace";

/// How long the collector may take for one lot of spans.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long the last lot may take, when the process is about to end.
const LAST: Duration = Duration::from_secs(2);

/// Sends spans to a collector, until it is ended.
#[derive(Clone)]
pub(crate) struct Traces(SdkTracerProvider);

impl Traces {
    /// Traces to the collector at `endpoint`, a URL to which `/v1/traces` is added. Nothing is sent
    /// yet. Has to be called inside a runtime.
    ///
    /// # Errors
    /// An endpoint that is no URL.
    pub(crate) fn to(endpoint: &str) -> Result<Self, Error> {
        let url = format!("{}/v1/traces", endpoint.trim_end_matches('/'));
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Client::new(&url)?)
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(&url)
            .with_timeout(PATIENCE)
            .build()
            .map_err(|error| Error::config(format!("traces cannot be sent: {error}")))?;
        let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
        let resource =
            Resource::builder().with_service_name("payout").with_attribute(version).build();
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_resource(resource)
            .build();
        Ok(Self(provider))
    }

    /// What hands spans over, for the process's subscriber.
    pub(crate) fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let only_ours = Targets::new().with_target(TARGET, LevelFilter::INFO);
        let tracer = self.0.tracer("payout");
        tracing_opentelemetry::layer()
            .with_tracer(tracer)
            .with_location(false)
            .with_threads(false)
            .with_filter(only_ours)
    }

    /// Sends what is left.
    pub(crate) async fn end(self) {
        let end = tokio::task::spawn_blocking(move || self.0.shutdown_with_timeout(LAST));
        // A collector that is away is no reason to stay.
        let _ = end.await;
    }
}

/// The gateway client's own transport, for a thread that knows no runtime.
#[derive(Debug)]
struct Client {
    transport: HttpTransport,
    runtime: Handle,
}

impl Client {
    fn new(url: &str) -> Result<Self, Error> {
        let wrong = |error: &dyn std::fmt::Display| {
            Error::config(format!("the endpoint for traces cannot be used: {error}"))
                .with_hint("write it as http://HOST:4318")
        };
        let url: Url = url.parse().map_err(|error| wrong(&error))?;
        let options = HttpTransportOptions::default();
        // What goes nowhere else needs no certificates, and a machine may have none.
        let transport = match url.scheme() {
            "http" => HttpTransport::plain(&options),
            _ => HttpTransport::new(&options),
        };
        let transport = transport.map_err(|error| wrong(&error))?;
        Ok(Self { transport, runtime: Handle::current() })
    }
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (parts, body) = request.into_parts();
        let request = HttpRequest {
            url: parts.uri.to_string().parse()?,
            headers: parts.headers,
            body,
            timeout: PATIENCE,
        };
        let transport = self.transport.clone();
        let sent = self.runtime.spawn(async move { transport.send(request).await });
        let answer = sent.await??;
        let mut response = Response::new(answer.body);
        *response.status_mut() = answer.status.try_into()?;
        Ok(response)
    }
}
