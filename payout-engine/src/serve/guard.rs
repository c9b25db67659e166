//! What holds for every request and every answer, whatever its handler forgets.
//!
//! - A request has to name this server: a page of somebody else whose name was pointed at us is
//!   turned away.
//! - A request that could change something has to come from a page of ours, or carry a bearer
//!   token; and from an operator, but for signing in and out.
//! - Every answer tells the browser to run nothing but our own script, to show us in nobody's
//!   frame, to send nothing to third parties and to keep nothing.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use tracing::{Instrument, Span, field::Empty};

use super::{Denied, Role, Settings, Site, TARGET, access::bearer};

/// How long an answer may take to begin. An upload is part of it.
const LONGEST: Duration = Duration::from_secs(120);

/// The policy of every page: nothing inline, nothing from anybody else.
const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' data:; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; \
    base-uri 'none'";

/// On every answer. Referrers stay on this server: `no-referrer` would take the origin from our own
/// forms, too, and by that we know them.
const HEADERS: [(HeaderName, &str); 8] = [
    (header::CONTENT_SECURITY_POLICY, CSP),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-embedder-policy"), "require-corp"),
    (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
];

/// Paths that programs ask for by whatever name they know us.
const FOR_ANY_NAME: [&str; 2] = ["/healthz", "/readyz"];

/// Stands before every handler.
pub(super) async fn guard(State(site): State<Arc<Site>>, request: Request, next: Next) -> Response {
    let span = span(&request);
    let mut response = match judge(&site, &request) {
        Ok(()) => answer(request, next).instrument(span.clone()).await,
        Err(denied) => denied.into_response(),
    };
    span.record("http.response.status_code", response.status().as_u16());
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // Files of ours say themselves how long they may be kept.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// The answer of the handler, if it comes in time.
async fn answer(request: Request, next: Next) -> Response {
    let answer = tokio::time::timeout(LONGEST, next.run(request)).await;
    answer.unwrap_or_else(|_| {
        (StatusCode::SERVICE_UNAVAILABLE, "this took too long\n").into_response()
    })
}

/// What is told about a request: which route, never the path, because that names batches.
fn span(request: &Request) -> Span {
    let route = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    tracing::info_span!(
        target: TARGET,
        "http request",
        otel.kind = "server",
        http.request.method = request.method().as_str(),
        http.route = route,
        http.response.status_code = Empty,
    )
}

fn judge(site: &Site, request: &Request) -> Result<(), Denied> {
    let (path, headers) = (request.uri().path(), request.headers());
    if path.starts_with("/notify/") {
        // The gateway signs what it sends, and that is all that counts.
        return Ok(());
    }
    // A wrong one proves nothing: any page can send that.
    let has_token = bearer(headers).is_some() && site.person(headers).is_some();
    if !has_token && !FOR_ANY_NAME.contains(&path) && !is_own_name(&site.settings, request) {
        return Err(Denied::Misnamed);
    }
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        return Ok(());
    }
    if !has_token && !is_from_here(headers) {
        return Err(Denied::Forged);
    }
    let is_about_oneself = ["/login", "/logout"].contains(&path);
    match site.person(headers) {
        _ if is_about_oneself => Ok(()),
        Some(person) if person.role == Role::Operator => Ok(()),
        Some(_) => Err(Denied::Forbidden),
        None => Err(Denied::Unknown),
    }
}

/// The name that a request has for this server.
fn named(request: &Request) -> Option<Uri> {
    let name = request.headers().get(header::HOST)?.to_str().ok()?;
    name.parse::<Uri>().ok().filter(|uri| uri.authority().is_some())
}

/// Whether it is one of ours. A name that somebody else can point at this machine is not; a number
/// cannot be pointed anywhere.
fn is_own_name(settings: &Settings, request: &Request) -> bool {
    let Some(uri) = named(request) else { return false };
    let host = uri.host().unwrap_or_default();
    let is_number = host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
    let public = settings.public_url.as_ref().and_then(|url| url.host_str());
    is_number
        || host.eq_ignore_ascii_case("localhost")
        || public.is_some_and(|name| name.eq_ignore_ascii_case(host))
}

/// Whether a browser says that a page of ours sent this. One that says nothing is none that we can
/// trust with a cookie.
fn is_from_here(headers: &HeaderMap) -> bool {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let site = text(HeaderName::from_static("sec-fetch-site"));
    if site.is_some_and(|site| site != "same-origin") {
        return false;
    }
    let (Some(origin), Some(host)) = (text(header::ORIGIN), text(header::HOST)) else {
        return false;
    };
    let origin = origin.parse::<Uri>().ok();
    // The scheme is the proxy's affair; the name and the port are the same on both sides of it.
    let authority = origin.as_ref().and_then(Uri::authority);
    authority.is_some_and(|it| it.as_str().eq_ignore_ascii_case(host))
}
