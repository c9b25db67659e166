//! The example of a signing server, on a real socket, between an app without secrets and the
//! sandbox.

use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use kess_gateway::enums::OrderStatus;
use kess_gateway::objects::Customer;
use kess_gateway::{
    AccessToken, BaseUrl, Client, Date, DelegateError, ErrorKind, Money, Outcome, PublicKey,
    RequestSigner, TokenProvider, UnsignedRequest,
};
use kess_sandbox::{Fault, FaultRule, Sandbox};

#[expect(dead_code, reason = "its `main` is for whoever runs it")]
#[path = "../../examples/signing_server.rs"]
mod example;

/// The app's half: a client of the server, with the session of a user.
#[derive(Clone)]
struct Server {
    url: String,
    session: &'static str,
    http: reqwest::Client,
}

impl Server {
    /// Starts a server for this sandbox.
    async fn start(sandbox: &Sandbox) -> Server {
        let known = sandbox.credentials().clone();
        let base_url = sandbox.base_url().to_owned();
        let desk = example::Desk::new(move |name| {
            Some(match name {
                "KESS_BASE_URL" => base_url.clone(),
                "KESS_CLIENT_ID" => known.client_id.clone(),
                "KESS_CLIENT_SECRET" => known.client_secret.clone(),
                "KESS_USERNAME" => known.username.clone(),
                "KESS_PASSWORD" => known.password.clone(),
                "KESS_API_SECRET_KEY" => known.api_secret.clone(),
                "KESS_SELLER_CODE" => known.seller_code.clone(),
                "SIGNING_SESSIONS" => "dara=one sokha=two".to_owned(),
                "SIGNING_LIMIT" => "100".to_owned(),
                _ => return None,
            })
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = example::router(desk.unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let tls = rustls::ClientConfig::builder_with_provider(
            rustls::crypto::ring::default_provider().into(),
        )
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
        let http = reqwest::Client::builder().tls_backend_preconfigured(tls).no_proxy();
        Server { url, session: "one", http: http.build().unwrap() }
    }

    fn app(&self, sandbox: &Sandbox) -> Client {
        let known = sandbox.credentials();
        Client::builder()
            .base_url(sandbox.base_url().parse::<BaseUrl>().unwrap())
            .request_signer(self.clone())
            .token_provider(self.clone())
            .seller_code(&known.seller_code)
            .public_key(PublicKey::from_pem(&known.public_key_pem).unwrap())
            .timeout(Duration::from_secs(10))
            .build()
            .unwrap()
    }

    async fn ask(&self, request: reqwest::RequestBuilder) -> Result<String, DelegateError> {
        let away = |error: reqwest::Error| DelegateError::unavailable(error.to_string());
        let response = request.bearer_auth(self.session).send().await.map_err(away)?;
        let status = response.status();
        let text = response.text().await.map_err(away)?;
        match status.as_u16() {
            200 => Ok(text),
            400..500 => Err(DelegateError::refused(text)),
            _ => Err(DelegateError::unavailable(text)),
        }
    }
}

impl RequestSigner for Server {
    fn sign<'a>(
        &'a self,
        request: &'a UnsignedRequest,
    ) -> BoxFuture<'a, Result<String, DelegateError>> {
        let url = format!("{}/sign", self.url);
        self.ask(self.http.post(url).body(request.body().to_vec())).boxed()
    }
}

impl TokenProvider for Server {
    fn token(&self, refused: bool) -> BoxFuture<'_, Result<AccessToken, DelegateError>> {
        let url = format!("{}/token{}", self.url, if refused { "?refused=true" } else { "" });
        async move {
            let json = self.ask(self.http.get(url)).await?;
            let json: serde_json::Value = serde_json::from_str(&json).unwrap();
            let lifetime = Duration::from_secs(json["expires_in"].as_u64().unwrap());
            Ok(AccessToken::new(json["access_token"].as_str().unwrap(), Some(lifetime)))
        }
        .boxed()
    }
}

/// What became of a payment.
type Paid = Result<OrderStatus, (ErrorKind, Outcome, String)>;

async fn pay(client: &Client, order_no: &str, amount: &str) -> Paid {
    let customer = Customer::new("012345678", "dara@example.com", "Sok", "Dara");
    let sealed = client.seal(&customer).unwrap();
    let money = Money::usd(amount).unwrap();
    client
        .withdraw_by_bank_number(order_no, money, "ABAAKHPP", "000123456", sealed)
        .set_body("ប្រាក់ខែ & more")
        .send()
        .await
        .map(|order| order.status.clone())
        .map_err(|error| (error.kind(), error.outcome(), error.message().to_owned()))
}

fn not_signed(why: &str) -> Paid {
    Err((ErrorKind::NotSigned, Outcome::NotSent, why.to_owned()))
}

#[tokio::test]
async fn an_app_without_secrets_pays_and_is_kept_to_its_limit() {
    let sandbox = Sandbox::start().unwrap();
    let server = Server::start(&sandbox).await;
    let app = server.app(&sandbox);
    let holder = app.verify_bank_account("000123456", "ABAAKHPP").send().await.unwrap();
    assert_eq!(holder.currency.as_str(), "USD");
    pay(&app, "WD-1", "60.50").await.unwrap();
    let order = app.query_order("WD-1").send().await.unwrap();
    assert_eq!(order.status, OrderStatus::Success);

    let limit = "more than this user may pay out";
    assert_eq!(pay(&app, "WD-2", "39.51").await, not_signed(limit));
    let another = "an order number that stands for another payment";
    assert_eq!(pay(&app, "WD-1", "60.51").await, not_signed(another));
    // The same again is the same payment: the gateway says so, not the signer.
    let again = pay(&app, "WD-1", "60.50").await.unwrap_err();
    assert_eq!((again.0, again.1), (ErrorKind::Duplicate, Outcome::Answered));
    pay(&app, "WD-3", "39.50").await.unwrap();

    let other = Server { session: "two", ..server.clone() }.app(&sandbox);
    let error = other.query_order("WD-1").send().await.unwrap_err();
    assert_eq!(
        (error.kind(), error.message()),
        (ErrorKind::NotSigned, "an order of somebody else")
    );
    let error = app.close_order("WD-9").send().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "signed, and the gateway knows no such order");
    let day: Date = "2026-01-01".parse().unwrap();
    let list = app.query_order_by_date_range(day.clone(), day, 10, 1);
    let error = list.send().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotSigned);

    let ledger = sandbox.ledger();
    let moved = |no: &str| ledger.row(no).map(|row| row.moved.to_string());
    assert_eq!(moved("WD-1").as_deref(), Some("60.5"));
    assert_eq!((moved("WD-2"), moved("WD-3").as_deref()), (None, Some("39.5")));
}

#[tokio::test]
async fn a_token_that_died_is_renewed_by_the_server_and_only_then() {
    let sandbox = Sandbox::start().unwrap();
    let server = Server::start(&sandbox).await;
    let app = server.app(&sandbox);
    app.authenticate().await.unwrap();
    let first = server.token(false).await.unwrap();
    // Whoever only says so gets the same.
    let claimed = server.token(true).await.unwrap();
    assert_eq!(claimed.expose(), first.expose());

    let revoked = FaultRule::new(Fault::TokenRevoked).times(1);
    sandbox.add_fault(revoked.service("webpay.acquire.verifybankaccount"));
    app.verify_bank_account("000123456", "ABAAKHPP").send().await.unwrap();
    let renewed = server.token(false).await.unwrap();
    assert_ne!(renewed.expose(), first.expose());
}

#[tokio::test]
async fn who_is_not_signed_in_gets_nothing() {
    let sandbox = Sandbox::start().unwrap();
    let server = Server { session: "none", ..Server::start(&sandbox).await };
    let app = server.app(&sandbox);
    let error = app.verify_bank_account("000123456", "ABAAKHPP").send().await.unwrap_err();
    assert_eq!((error.kind(), error.message()), (ErrorKind::NotSigned, "sign in first"));
    let error = app.authenticate().await.unwrap_err();
    assert_eq!((error.kind(), error.message()), (ErrorKind::Authentication, "sign in first"));
    let away = Server { url: "http://127.0.0.1:1".to_owned(), ..server };
    let error = away.app(&sandbox).merchant_info().send().await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Unavailable, Outcome::NotSent));
}
