//! A typed client for the KESS PAY payment gateway.
//!
//! Every operation of the gateway's documentation is a method of [`Client`], named as there.
//! What is required is an argument, what is optional is a `set_*`, and `send` does the rest: it
//! takes a token (one for all calls, renewed ahead of its end), signs, sends, repeats where that is
//! harmless, and reads the reply.
//!
//! ```no_run
//! use kess_gateway::objects::Customer;
//! use kess_gateway::{BaseUrl, Client, Credentials, Money, Outcome, PublicKey};
//!
//! # async fn pay() -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::builder()
//!     .base_url(BaseUrl::sandbox())
//!     .credentials(Credentials::new("client id", "client secret", "user", "password"))
//!     .api_secret("api secret key")
//!     .seller_code("CU12-34567890")
//!     .public_key(PublicKey::from_pem(&std::fs::read_to_string("merchant.pem")?)?)
//!     .build()?;
//!
//! let account = client.verify_bank_account("000123456", "ABAAKHPP").send().await?;
//! println!("in {}", account.currency);
//!
//! let customer = Customer::new("012345678", "dara@example.com", "Sok", "Dara");
//! let paid = client
//!     .withdraw_by_bank_number(
//!         "PAY-2022-07-0001",
//!         Money::usd("10.50")?,
//!         "ABAAKHPP",
//!         "000123456",
//!         client.seal(&customer)?,
//!     )
//!     .set_body("Salary of July")
//!     .send()
//!     .await;
//! match paid {
//!     Ok(order) => println!("{}: only SUCCESS is paid", order.status),
//!     Err(error) => match error.outcome() {
//!         Outcome::NotSent => println!("nothing left, try again: {error}"),
//!         Outcome::Answered => println!("certainly not paid: {error}"),
//!         Outcome::Unknown => println!("query PAY-2022-07-0001 before anything else: {error}"),
//!     },
//! }
//! # Ok(())
//! # }
//! ```
//!
//! What must not go wrong is in the types:
//!
//! - amounts are exact and never rounded ([`Amount`], [`Money`]);
//! - an error says whether the gateway may have acted ([`Error::outcome`]), and a call that moves
//!   money is never repeated unless it certainly was not sent ([`RetryPolicy`]);
//! - secrets and personal data have no text form ([`Sensitive`]);
//! - enumerations keep values that this version does not know, and the bytes of every reply can be
//!   had ([`Reply::body`], [`Error::body`]).
//!
//! An app on somebody's phone must hold no secret of the merchant: its server signs for it
//! ([`delegate`]).
//!
//! Besides: notices ([`webhook`]), redirects ([`UnverifiedRedirect`]), links
//! ([`BaseUrl::payment_link`]), QR texts ([`khqr`]), lists in pieces ([`Call::by_item`]).
//! [`transport`] is the door to the network; a client belongs to the `tokio` runtime in which it
//! made its first call.
//!
//! # What generated code calls
//!
//! The runtime names nothing generated; `src/generated` holds data and calls these:
//!
//! - **Requests** implement [`Operation`]: `META`, `type Reply`, and `encode`, which calls, in byte
//!   order of the names, [`Encoder::field`] for scalars, [`Encoder::unsigned`] for lists, maps and
//!   objects, and [`Encoder::seller_code`], [`Encoder::service`], [`Encoder::sign_type`] in their
//!   places. Each field has a `static` [`FieldSpec`], built by its `const` chain.
//!   `out.field(&SPEC, &self.x)` takes `String`, `Amount`, `Currency`, `i64`, `u32`, `bool`,
//!   `Date`, `Timestamp`, open enumerations, `Sealed<T>`, and `Sensitive` and `Option` of these.
//! - **Objects in requests** implement [`WireObject`] (`NAME`, and `encode` through the same
//!   [`Encoder`], in the order of the documentation; there the order is free); those that are
//!   sealed implement the marker [`Sealable`] too.
//!   `out.unsigned(&SPEC, &value)` takes objects, `Vec`, `BTreeMap<String, _>`, `RawJson`, and
//!   `Option` of these.
//! - **Objects in replies** derive `Serialize` and `Deserialize` and implement [`ReplyObject`]
//!   (`NAME`). *Every* field has `#[serde(deserialize_with = "crate::decode::field")]`, with
//!   `default` besides on `Option`, `Vec` and `BTreeMap`.
//!   No `#[serde(flatten)]`: amounts are read from their digits.
//!
//!   | YAML type | Rust type | in a reply, if optional |
//!   |---|---|---|
//!   | `text`, `digits`, `url` | `String` | `Option<String>` |
//!   | `integer` | `i64` | `Option<i64>` |
//!   | `flag` | `bool` | `Option<bool>` |
//!   | `money`, `decimal` | [`Amount`] | `Option<Amount>` |
//!   | `datetime` | [`Timestamp`] | `Option<Timestamp>` |
//!   | `date` | [`Date`] | `Option<Date>` |
//!   | `enum:currency` | [`Currency`] | `Option<Currency>` |
//!   | `enum:NAME` | the open enumeration | `Option<..>` |
//!   | `object:NAME` | the object | `Option<..>` |
//!   | `variable:NAME` | [`Variable`]`<..>` | `Option<Variable<..>>` |
//!   | `list:TYPE` | `Vec<..>` | `Vec<..>` |
//!   | `map:TYPE` | `BTreeMap<String, ..>` | the same |
//!   | `any` | [`RawJson`] | `Option<RawJson>` |
//!   | `sealed:NAME` | [`Sealed`]`<..>` (requests only) | |
//!   | `sensitive: true` | [`Sensitive`]`<..>` around the type, inside `Option` | |
//!
//! - **Reply shapes**: `object` is the object, `list` is `Vec<..>`; `page` is [`Page`]`<..>` and
//!   the request implements [`Paged`]; `range` is the object and the request implements [`Ranged`].
//! - **Open enumerations** write `as_str`, and `From<&str>` that trims and ends in
//!   `Unknown(Box<str>)`, derive `Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash`, and call
//!   `crate::open_enum::open_enum!(Name);` for the rest.
//! - **Methods**: `impl Client { pub fn withdraw(&self, ..) -> Call<'_, WithdrawRequest> {
//!   Call::new(self, WithdrawRequest::new(..)) } }`, and setters on the call:
//!   `impl Call<'_, WithdrawRequest> { pub fn set_body(self, v: ..) -> Self {
//!   self.map(|request| request.set_body(v)) } }`.

mod amount;
mod auth;
mod call;
mod client;
pub mod decode;
pub mod delegate;
pub mod encode;
mod envelope;
mod error;
// Written by the generator, in its own layout.
#[rustfmt::skip]
mod generated;
pub mod khqr;
mod links;
mod open_enum;
mod operation;
mod page;
mod raw_json;
mod redirect;
mod reply;
mod reply_signature;
mod request_id;
mod retry;
mod seal;
mod sensitive;
mod sign;
mod timestamp;
pub mod transport;
pub mod webhook;

pub use amount::{Amount, Currency, Money};
pub use auth::Credentials;
pub use call::Call;
pub use client::{BaseUrl, Client, ClientBuilder};
pub use decode::ReplyObject;
pub use delegate::{AccessToken, DelegateError, RequestSigner, TokenProvider, UnsignedRequest};
pub use encode::{Encoder, WireObject};
pub use error::{Error, ErrorKind, Outcome};
pub use generated::{enums, errors, objects, operations};
pub use operation::{Charset, Effect, FieldSpec, Idempotency, Operation, OperationMeta};
pub use page::{Page, Paged, Ranged};
pub use raw_json::{RawJson, Variable};
pub use redirect::{PayResponse, UnverifiedRedirect};
pub use reply::{RawReply, Reply};
pub use reply_signature::{ReplySignaturePolicy, SignatureReading, SignatureVerdict};
pub use retry::RetryPolicy;
pub use seal::{PublicKey, Sealable, Sealed};
pub use sensitive::{Sensitive, expose_sensitive, mask_account};
pub use sign::SignType;
pub use timestamp::{Date, Timestamp};
