//! The sockets: routes, and connections that are cut because a fault says so.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{get, post};
use http::{HeaderMap, HeaderValue, Uri, header};
use hyper::body::{Body as HttpBody, Frame, Incoming};
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::core::Core;
use crate::wire::{Arrival, Wire};
use crate::{control, oauth, pages};

/// Marks a response that must not be sent.
#[derive(Debug, Clone, Copy)]
struct CutOff;

/// The error that makes the connection go away without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the sandbox cut this connection, as it was asked to")]
struct Cut;

/// Every route of the sandbox.
pub(crate) fn router(core: Arc<Core>) -> Router {
    Router::new()
        .route("/oauth/token", post(oauth_token))
        .route("/api/mch/v2/gateway", post(gateway))
        .route("/otp/{token}", get(otp_page).post(otp_confirm))
        .route("/pay/{token}", get(pay_page).post(pay_confirm))
        .route("/ccpay/{token}", get(pay_page).post(card_pay))
        .route("/spa/inti-card", get(card_page).post(card_save))
        .route("/sandbox/services", get(services))
        .route("/sandbox/faults", get(faults).post(add_faults))
        .route("/sandbox/ledger", get(ledger))
        .route("/sandbox/clock", get(clock).post(advance))
        .route("/sandbox/accounts", post(add_accounts))
        .with_state(core)
}

/// Serves until the task is dropped, and every connection with it.
pub(crate) async fn serve(listener: TcpListener, router: Router) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((stream, _)) = accepted {
                    // A reply must not wait for a packet to fill up; without this it is only
                    // slower.
                    let _ = stream.set_nodelay(true);
                    connections.spawn(converse(stream, router.clone()));
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn converse(stream: tokio::net::TcpStream, router: Router) {
    let inner = TowerToHyperService::new(router);
    let service = service_fn(move |request: http::Request<Incoming>| {
        let answer = inner.call(request);
        async move {
            let Ok(response) = answer.await;
            match response.extensions().get::<CutOff>() {
                Some(CutOff) => Err(Cut),
                None => Ok(response),
            }
        }
    });
    let server = auto::Builder::new(TokioExecutor::new());
    // A connection that ends early is the client's affair, or a fault's doing.
    let _ = server.serve_connection(TokioIo::new(stream), service).await;
}

async fn gateway(State(core): State<Arc<Core>>, headers: HeaderMap, body: Bytes) -> Response {
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let bearer = bearer.and_then(|value| value.strip_prefix("Bearer "));
    let request_id = HeaderValue::try_from(core.request_id());
    let mut response = respond(core.gateway(bearer, &body)).await;
    if let Ok(request_id) = request_id {
        response.headers_mut().insert("x-request-id", request_id);
    }
    response
}

async fn oauth_token(State(core): State<Arc<Core>>, headers: HeaderMap, body: Bytes) -> Response {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let is_form = kind.is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
    respond(oauth::token(&core, is_form, &body)).await
}

async fn otp_page(State(core): State<Arc<Core>>, Path(token): Path<String>) -> Response {
    respond(pages::otp(&core, &token)).await
}

async fn otp_confirm(
    State(core): State<Arc<Core>>,
    Path(token): Path<String>,
    body: Bytes,
) -> Response {
    respond(pages::confirm_otp(&core, &token, &body)).await
}

async fn pay_page(State(core): State<Arc<Core>>, Path(token): Path<String>) -> Response {
    respond(pages::pay(&core, &token)).await
}

async fn pay_confirm(
    State(core): State<Arc<Core>>,
    Path(token): Path<String>,
    body: Bytes,
) -> Response {
    respond(pages::confirm_payment(&core, &token, &body)).await
}

async fn card_pay(State(core): State<Arc<Core>>, Path(token): Path<String>, uri: Uri) -> Response {
    respond(pages::pay_with_saved_card(&core, &token, uri.query().unwrap_or_default())).await
}

async fn card_page(State(core): State<Arc<Core>>, uri: Uri) -> Response {
    respond(pages::card(&core, uri.query().unwrap_or_default())).await
}

async fn card_save(State(core): State<Arc<Core>>, uri: Uri) -> Response {
    respond(pages::save_card(&core, uri.query().unwrap_or_default())).await
}

async fn services() -> Response {
    respond(control::services()).await
}

async fn faults(State(core): State<Arc<Core>>) -> Response {
    respond(control::faults(&core)).await
}

async fn add_faults(State(core): State<Arc<Core>>, body: Bytes) -> Response {
    respond(control::add_faults(&core, &body)).await
}

async fn ledger(State(core): State<Arc<Core>>) -> Response {
    respond(control::ledger(&core)).await
}

async fn clock(State(core): State<Arc<Core>>) -> Response {
    respond(control::clock(&core)).await
}

async fn advance(State(core): State<Arc<Core>>, body: Bytes) -> Response {
    respond(control::advance(&core, &body)).await
}

async fn add_accounts(State(core): State<Arc<Core>>, body: Bytes) -> Response {
    respond(control::add_accounts(&core, &body)).await
}

async fn respond(wire: Wire) -> Response {
    if let Some(delay) = wire.delay {
        tokio::time::sleep(delay).await;
    }
    let length = wire.body.len();
    let body = Bytes::from(wire.body);
    let body = match wire.arrival {
        Arrival::Half => Body::new(HalfBody { half: Some(body.slice(..length / 2)), sent: false }),
        Arrival::Whole | Arrival::Cut => Body::from(body),
    };
    let mut response = Response::new(body);
    *response.status_mut() =
        http::StatusCode::from_u16(wire.status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(wire.content_type));
    if wire.arrival == Arrival::Half {
        headers.insert(header::CONTENT_LENGTH, length.into());
    }
    if let Some(seconds) = wire.retry_after {
        headers.insert(header::RETRY_AFTER, seconds.into());
    }
    if let Some(Ok(location)) = wire.location.map(HeaderValue::try_from) {
        headers.insert(header::LOCATION, location);
    }
    if wire.arrival == Arrival::Cut {
        response.extensions_mut().insert(CutOff);
    }
    response
}

/// Half of a body, then an error that cuts the connection.
#[derive(Debug)]
struct HalfBody {
    half: Option<Bytes>,
    sent: bool,
}

impl HttpBody for HalfBody {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        if let Some(half) = self.half.take() {
            return Poll::Ready(Some(Ok(Frame::data(half))));
        }
        if !self.sent {
            // Pausing once makes the server flush the half before the connection goes.
            self.sent = true;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Some(Err(Cut)))
    }
}
