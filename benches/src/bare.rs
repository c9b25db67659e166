//! The ceiling: what reqwest does by itself, with nothing around it.
//!
//! Requests are those of a withdrawal, made once and sent as they are; replies are read whole, as
//! bytes, and not looked at. HTTP/1.1 with connections that are kept, as many as calls are in
//! flight, and the same headers and the same runtime as the client's.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use kess_gateway::Client;

use crate::watch::{Took, Watch};
use crate::withdrawal;

type Error = Box<dyn std::error::Error + Send + Sync>;

/// One request, to be sent over and over.
#[derive(Clone)]
struct Request {
    client: reqwest::Client,
    url: String,
    headers: HeaderMap,
    body: Bytes,
}

impl Request {
    fn new(client: &Client, at_once: usize) -> Result<Self, Error> {
        let sealed = client.seal(&crate::customer())?;
        let body = withdrawal(client, &sealed)?.body()?;
        let json = HeaderValue::from_static("application/json");
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, json.clone());
        headers.insert(ACCEPT, json);
        headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer a"));
        let base_url = client.base_url().to_string();
        let url = format!("{}/api/mch/v2/gateway", base_url.trim_end_matches('/'));
        let client = http(at_once)?;
        Ok(Self { client, url, headers, body })
    }

    async fn send(&self) -> Result<(), Error> {
        let request = self.client.post(&self.url).headers(self.headers.clone());
        let reply = request.body(self.body.clone()).send().await?.error_for_status()?;
        if reply.bytes().await?.is_empty() {
            return Err("the reply is empty".into());
        }
        Ok(())
    }
}

/// A client that keeps so many connections.
pub(crate) fn http(connections: usize) -> Result<reqwest::Client, Error> {
    // Needed for nothing here: the gateway is on this machine.
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    let client = reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .no_proxy()
        .http1_only()
        .pool_max_idle_per_host(connections)
        .pool_idle_timeout(Duration::from_secs(30))
        .tcp_nodelay(true)
        .user_agent(concat!("kesspay/", env!("CARGO_PKG_VERSION")))
        .build()?;
    Ok(client)
}

/// Makes `count` calls to the client's gateway, `at_once` of them in flight, and returns the time
/// that they took. Connections are there before the clock starts.
///
/// # Errors
/// The first call that fails.
pub async fn calls(client: &Client, count: u64, at_once: usize) -> Result<Took, Error> {
    let request = Request::new(client, at_once)?;
    make(&request, 2 * at_once as u64, at_once).await?;
    let started = Watch::start();
    make(&request, count, at_once).await?;
    Ok(started.read())
}

async fn make(request: &Request, count: u64, at_once: usize) -> Result<(), Error> {
    let begun = Arc::new(AtomicU64::new(0));
    let callers: Vec<_> = (0..at_once)
        .map(|_| {
            let (request, begun) = (request.clone(), Arc::clone(&begun));
            tokio::spawn(async move {
                while begun.fetch_add(1, Ordering::Relaxed) < count {
                    request.send().await?;
                }
                Ok::<(), Error>(())
            })
        })
        .collect();
    for caller in callers {
        caller.await??;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use kess_gateway::{Credentials, PublicKey};
    use tokio::net::TcpListener;

    use super::*;
    use crate::{API_SECRET, PUBLIC_KEY, stub};

    #[tokio::test]
    async fn it_makes_as_many_calls_as_it_says() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = format!("http://{}", listener.local_addr().expect("it is bound"));
        tokio::spawn(stub::serve(listener, stub::Settings::default()));
        let client = Client::builder()
            .base_url(address.parse().expect("a URL"))
            .credentials(Credentials::new("id", "secret", "user", "password"))
            .api_secret(API_SECRET)
            .seller_code("CU2501-101139033689723677")
            .public_key(PublicKey::from_pem(PUBLIC_KEY).expect("a key"))
            .build()
            .expect("it is configured");

        calls(&client, 50, 8).await.expect("the stub answers");
        let figures = http(1).expect("a client").post(format!("{address}{}", stub::FIGURES));
        let figures = figures.send().await.expect("it answers").bytes().await.expect("JSON");
        let figures: serde_json::Value = serde_json::from_slice(&figures).expect("JSON");
        // Sixteen made the connections.
        assert_eq!(figures["calls"], 50 + 16);
    }
}
