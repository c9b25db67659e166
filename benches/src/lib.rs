//! What is measured, what it is measured against, and with what.
//!
//! `cargo xtask bench` runs [`compare`]: whole runs in processes of their own (`kess-bench`),
//! beside their ceilings ([`bare`], [`raw`], [`journal::plain`]) and their peers ([`naive`] and the
//! scripts in `peers/`), all of them at a bare gateway ([`stub`]). [`work`] has the pure parts:
//! criterion times them (`cargo xtask bench --pure`), and `kess-instructions` does them while their
//! instructions are counted (`cargo xtask instructions`). What the Python binding is compared with
//! is in [`calls`] and [`batch`], and who compares it in `python/`.

#[cfg(feature = "runs")]
pub mod bare;
#[cfg(feature = "runs")]
pub mod batch;
#[cfg(feature = "runs")]
pub mod calls;
#[cfg(feature = "runs")]
pub mod compare;
#[cfg(feature = "runs")]
pub mod journal;
#[cfg(feature = "runs")]
pub mod memory;
#[cfg(feature = "runs")]
pub mod naive;
pub mod people;
#[cfg(feature = "runs")]
pub mod pure;
#[cfg(feature = "runs")]
pub mod raw;
#[cfg(feature = "runs")]
pub mod steady;
pub mod steps;
#[cfg(feature = "runs")]
pub mod stub;
#[cfg(feature = "runs")]
pub mod watch;
pub mod work;

use std::sync::Arc;

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use http::HeaderMap;
use kess_gateway::objects::Customer;
use kess_gateway::operations::WithdrawRequest;
use kess_gateway::transport::{HttpRequest, HttpResponse, Transport, TransportError};
use kess_gateway::{BaseUrl, Call, Client, Credentials, Currency, Error, Money, PublicKey, Sealed};
use serde_json::{Value, json};

/// The documentation's sample of a withdrawal's reply.
pub const REPLY: &str = include_str!("../../spec/examples/withdraw.documented.reply.json");

/// The public half of a key of 2048 bits that was thrown away.
pub const PUBLIC_KEY: &str = "\
-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEArc1dk9lWT/7nJ55IB9ay
3Y+JAisP9O+qD6zD/1b0Hvh3yYyKW6JIauaasE97zA7jwgjSA/VcrDMj5uF6f2yN
z3cIByrQMWsb/y0lDOmQEsGffpYYJbwEiVT4aLI4vL6To+aAcaNZ56CdLb2suS3o
/wZ/3Eemva80xMc+lcJGq3SHg10A0XW9bbxNtPbHa2iJcRC+1/nOdrhCTwlDbJeF
DaePlY823+4DHOFebGXHGqLw38JzZzxJihoWDEWZXBYPxiowsZ+dnrCrm2PlyZPD
gJczHmEhVDjQLJ+jRPhb4QR5Tv2omwF1t5S+392OdmZIJ1xykYGfrhucV0hSa4El
SwIDAQAB
-----END PUBLIC KEY-----
";

/// A transport that has the answer before it is asked.
#[derive(Debug)]
struct Instant;

impl Transport for Instant {
    fn send(&self, request: HttpRequest) -> BoxFuture<'_, Result<HttpResponse, TransportError>> {
        let body = if request.url.path() == "/oauth/token" {
            r#"{"token_type":"Bearer","expires_in":"1800","access_token":"a","refresh_token":"r"}"#
        } else {
            REPLY
        };
        let body = Bytes::from_static(body.as_bytes());
        async { Ok(HttpResponse { status: 200, headers: HeaderMap::new(), body }) }.boxed()
    }
}

/// With what messages are signed here.
pub const API_SECRET: &str = "abc123";

/// The configuration that belongs to a gateway at `base_url`: the variables of the manual.
#[must_use]
pub fn configuration(base_url: &str) -> Value {
    json!({
        "KESS_BASE_URL": base_url,
        "KESS_CLIENT_ID": "id",
        "KESS_CLIENT_SECRET": "secret",
        "KESS_USERNAME": "user",
        "KESS_PASSWORD": "password",
        "KESS_API_SECRET_KEY": API_SECRET,
        "KESS_SELLER_CODE": "CU2501-101139033689723677",
        "KESS_PUBLIC_KEY": PUBLIC_KEY,
    })
}

/// A client for the gateway that the environment names, with so many connections at most that are
/// kept.
///
/// # Errors
/// What is missing or makes no sense.
pub fn configured_client(connections: usize) -> Result<Client, Error> {
    let value = |name: &str| std::env::var(name).unwrap_or_default();
    Client::builder()
        .base_url(value("KESS_BASE_URL").parse()?)
        .credentials(Credentials::new(
            value("KESS_CLIENT_ID"),
            value("KESS_CLIENT_SECRET"),
            value("KESS_USERNAME"),
            value("KESS_PASSWORD"),
        ))
        .api_secret(value("KESS_API_SECRET_KEY"))
        .seller_code(value("KESS_SELLER_CODE"))
        .public_key(PublicKey::from_pem(&value("KESS_PUBLIC_KEY"))?)
        .max_idle_connections(connections)
        .build()
}

/// A client whose every call is answered at once with [`REPLY`].
///
/// # Errors
/// Never: the configuration is complete.
pub fn client() -> Result<Client, Error> {
    Client::builder()
        .base_url(BaseUrl::sandbox())
        .credentials(Credentials::new("id", "secret", "user", "password"))
        .api_secret(API_SECRET)
        .seller_code("CU2501-101139033689723677")
        .public_key(PublicKey::from_pem(PUBLIC_KEY)?)
        .transport(Arc::new(Instant))
        .build()
}

/// Somebody to pay.
#[must_use]
pub fn customer() -> Customer {
    Customer::new(
        "012345678".to_owned(),
        "sok.dara@example.com".to_owned(),
        "Sok".to_owned(),
        "Dara".to_owned(),
    )
}

/// A withdrawal as the engine sends it.
///
/// # Errors
/// Never: the amount and its currency are good.
pub fn withdrawal<'c>(
    client: &'c Client,
    sealed: &Sealed<Customer>,
) -> Result<Call<'c, WithdrawRequest>, Error> {
    let money = Money::new("10.50".parse()?, Currency::Usd)?;
    let token = "02246c07832b03d22a81551c7e962129c5628301324a0c90a".to_owned();
    let call = client.withdraw("K7QX2M9PB4TZ-1000-1", money, token, sealed.clone());
    Ok(call.set_body("Salary of July"))
}
