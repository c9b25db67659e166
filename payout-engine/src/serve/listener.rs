//! Connections: how many at once, how long each may take, and how they end.
//!
//! HTTP/1 without TLS, because a proxy in front speaks that. A client that is slow or silent is
//! left; one that comes when all places are taken waits in the operating system's queue.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::cancel::Cancel;

/// Connections at the same time.
const MOST: usize = 512;

/// How long a client may take to say what it wants, also after its last request.
const HEADERS: Duration = Duration::from_secs(15);

/// How long answers that are under way may take once the server is asked to end. A page that
/// listens for news never ends by itself.
const LAST_ANSWERS: Duration = Duration::from_secs(1);

/// Whose connection it is. Behind a proxy it is the proxy's.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer(pub(super) IpAddr);

/// Serves until `cancel` is raised.
pub(super) async fn serve(listener: TcpListener, router: Router, cancel: &Cancel) {
    let places = Arc::new(Semaphore::new(MOST));
    let mut connections = JoinSet::new();
    loop {
        let place = tokio::select! {
            place = Arc::clone(&places).acquire_owned() => place,
            () = cancel.cancelled() => break,
        };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = cancel.cancelled() => break,
        };
        while connections.try_join_next().is_some() {}
        match accepted {
            Ok((stream, from)) => {
                let conversation = converse(stream, from.ip(), router.clone(), cancel.clone());
                connections.spawn(async move {
                    conversation.await;
                    drop(place);
                });
            }
            // No more files may be open, for example: it passes.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
    drop(listener);
    let _ = tokio::time::timeout(LAST_ANSWERS, async {
        while connections.join_next().await.is_some() {}
    })
    .await;
}

async fn converse(stream: TcpStream, from: IpAddr, router: Router, cancel: Cancel) {
    // An answer must not wait for a packet to fill up; without this it is only slower.
    let _ = stream.set_nodelay(true);
    let inner = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(Peer(from));
        inner.call(request)
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS)
        .max_buf_size(32 * 1024)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        // One that ends early is the client's affair.
        _ = connection.as_mut() => {}
        () = cancel.cancelled() => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}
