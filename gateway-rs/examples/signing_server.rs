//! The server of an app that holds no secret of the merchant: it signs what the app's user may do,
//! and hands out access tokens. `kess_gateway::delegate` says why.
//!
//! | the app asks | and gets |
//! |---|---|
//! | `POST /sign`, with the body that is to be signed | 200 and the signature, as text |
//! | `GET /token`, or `GET /token?refused=true` | 200 and `{"access_token":"...","expires_in":1740}` |
//! | without a session, a body that is no request, against a rule | 401, 400, 403 and the reason |
//! | while the gateway does not answer | 503 |
//!
//! Configured as the `payout` command is (`KESS_BASE_URL`, `KESS_CLIENT_ID`, `KESS_CLIENT_SECRET`,
//! `KESS_USERNAME`, `KESS_PASSWORD`, `KESS_API_SECRET_KEY`, `KESS_SELLER_CODE`, `KESS_SIGN_TYPE`),
//! and by `SIGNING_SESSIONS` (`user=session user=session`; `dara=session-of-dara`),
//! `SIGNING_LIMIT` (how many USD each user may pay out in all; 1000) and `SIGNING_PORT` (any).
//!
//! It is an example: a real one has TLS in front, sessions that end, and accounts in a database.

use std::collections::BTreeMap;
use std::error::Error as StdError;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::routing::{get, post};
use kess_gateway::{Amount, BaseUrl, Client, Credentials, ErrorKind, UnsignedRequest};

/// What this app does. Everything else at the gateway is not for it, whoever asks.
const READS: [&str; 3] = [
    "webpay.acquire.verifybankaccount",
    "webpay.acquire.tokenizebankaccount",
    "webpay.acquire.merchantinfo",
];
const ABOUT_OWN_ORDERS: [&str; 2] = ["webpay.acquire.queryOrder", "webpay.acquire.closeorder"];
const PAYS_OUT: [&str; 2] = ["webpay.acquire.withdraw", "webpay.acquire.withdrawByBankNumber"];

/// An answer: a status and a text.
type Answer = (StatusCode, String);

/// What the server knows. The secrets are in the client, and stay there.
pub(crate) struct Desk {
    client: Client,
    /// Who is signed in, by session. Yours come from your own login.
    sessions: BTreeMap<String, String>,
    limit: Amount,
    /// What was signed, by order number. The gateway carries an order number out once, so a payment
    /// that is signed again is still one payment. Yours is a table with the number as its key.
    signed: Mutex<BTreeMap<String, Payment>>,
}

#[derive(Clone, PartialEq)]
struct Payment {
    user: String,
    amount: Amount,
}

impl Desk {
    /// Reads the configuration through `value`, which knows variables by name.
    pub(crate) fn new(value: impl Fn(&str) -> Option<String>) -> Result<Desk, Box<dyn StdError>> {
        let need = |name: &str| value(name).ok_or_else(|| format!("{name} is not set"));
        let client = Client::builder()
            .base_url(need("KESS_BASE_URL")?.parse::<BaseUrl>()?)
            .credentials(Credentials::new(
                need("KESS_CLIENT_ID")?,
                need("KESS_CLIENT_SECRET")?,
                need("KESS_USERNAME")?,
                need("KESS_PASSWORD")?,
            ))
            .api_secret(need("KESS_API_SECRET_KEY")?)
            .seller_code(need("KESS_SELLER_CODE")?)
            .sign_type(value("KESS_SIGN_TYPE").map_or(Ok(Default::default()), |it| it.parse())?)
            .build()?;
        let sessions = value("SIGNING_SESSIONS").unwrap_or("dara=session-of-dara".to_owned());
        let pairs = sessions.split_whitespace().filter_map(|pair| pair.split_once('='));
        let sessions = pairs.map(|(user, session)| (session.to_owned(), user.to_owned()));
        Ok(Desk {
            client,
            sessions: sessions.collect(),
            limit: value("SIGNING_LIMIT").unwrap_or("1000".to_owned()).parse()?,
            signed: Mutex::default(),
        })
    }

    fn user(&self, headers: &HeaderMap) -> Result<&str, Answer> {
        let header = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let session = header.and_then(|value| value.strip_prefix("Bearer "));
        let user = session.and_then(|session| self.sessions.get(session));
        user.map(String::as_str).ok_or((StatusCode::UNAUTHORIZED, "sign in first".to_owned()))
    }

    /// Whether this user may do this. Decided by what the signature covers, and by nothing else.
    fn allow(&self, user: &str, request: &UnsignedRequest) -> Result<(), &'static str> {
        // Not every service takes one.
        let seller = request.get("seller_code");
        if seller.is_some() && seller != self.client.seller_code() {
            return Err("another seller");
        }
        let service = request.service();
        if READS.contains(&service) {
            return Ok(());
        }
        let order_no = request.out_trade_no().ok_or("no order number")?;
        let mut signed = self.signed.lock().unwrap_or_else(PoisonError::into_inner);
        if ABOUT_OWN_ORDERS.contains(&service) {
            let owner = signed.get(order_no).map(|payment| payment.user.as_str());
            // Nobody's order can be asked about: the payout engine makes sure that a payment that
            // was not signed is not there. Give apps order numbers of their own, such as a prefix.
            let others = owner.is_some_and(|owner| owner != user);
            return if others { Err("an order of somebody else") } else { Ok(()) };
        }
        if !PAYS_OUT.contains(&service) {
            return Err("a service that is not for this app");
        }
        let amount: Option<Amount> = request.get("total_amount").and_then(|it| it.parse().ok());
        let amount = amount.filter(|it| !it.is_zero() && !it.is_negative()).ok_or("no amount")?;
        if request.get("currency") != Some("USD") {
            return Err("another currency than USD");
        }
        let payment = Payment { user: user.to_owned(), amount };
        match signed.get(order_no) {
            Some(before) if *before == payment => return Ok(()),
            Some(_) => return Err("an order number that stands for another payment"),
            None => {}
        }
        let own = signed.values().filter(|payment| payment.user == user);
        let sum = own.map(|payment| payment.amount).try_fold(amount, Amount::checked_add);
        if sum.is_none_or(|sum| sum > self.limit) {
            return Err("more than this user may pay out");
        }
        signed.insert(order_no.to_owned(), payment);
        Ok(())
    }
}

async fn sign(State(desk): State<Arc<Desk>>, headers: HeaderMap, body: Bytes) -> Answer {
    let user = match desk.user(&headers) {
        Ok(user) => user,
        Err(answer) => return answer,
    };
    // What these errors say is fit for the app: no value is in it.
    let request = match UnsignedRequest::from_json(&body) {
        Ok(request) => request,
        Err(error) => return (StatusCode::BAD_REQUEST, error.message().to_owned()),
    };
    if let Err(rule) = desk.allow(user, &request) {
        return (StatusCode::FORBIDDEN, rule.to_owned());
    }
    match desk.client.sign(&request) {
        Ok(signature) => (StatusCode::OK, signature),
        Err(error) => (StatusCode::BAD_REQUEST, error.message().to_owned()),
    }
}

async fn token(State(desk): State<Arc<Desk>>, headers: HeaderMap, uri: Uri) -> Answer {
    if let Err(answer) = desk.user(&headers) {
        return answer;
    }
    // The app says that its token is dead. The client finds out itself, and renews it if so.
    if uri.query() == Some("refused=true")
        && let Err(error) = desk.client.merchant_info().send().await
        && error.kind() == ErrorKind::Authentication
    {
        return (StatusCode::SERVICE_UNAVAILABLE, "the gateway accepts no token".to_owned());
    }
    match desk.client.access_token().await {
        Ok(token) => {
            let seconds = token.lifetime().unwrap_or_default().as_secs();
            let json = serde_json::json!({"access_token": token.expose(), "expires_in": seconds});
            (StatusCode::OK, json.to_string())
        }
        // The error is for the operator. An app has no use for it.
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "the gateway gives no token".to_owned()),
    }
}

/// The two routes.
pub(crate) fn router(desk: Desk) -> axum::Router {
    axum::Router::new()
        .route("/sign", post(sign))
        .route("/token", get(token))
        .with_state(Arc::new(desk))
}

#[tokio::main]
#[expect(clippy::print_stdout, reason = "whoever starts it wants to know where it listens")]
async fn main() -> Result<(), Box<dyn StdError>> {
    let value = |name: &str| std::env::var(name).ok().filter(|text| !text.trim().is_empty());
    let desk = Desk::new(value)?;
    let port = value("SIGNING_PORT").map_or(Ok(0), |port| port.parse())?;
    // Behind whatever terminates TLS: sessions and tokens must not cross a network in the open.
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, router(desk)).await?;
    Ok(())
}
