//! Signatures and tokens from elsewhere: a client that holds no secret of the merchant.
//!
//! Whoever holds the API secret can sign any payment, and whoever has an app in hand can read all
//! that the app holds: it can be unpacked, and its memory read. So a phone must hold neither that
//! secret nor client secret and password. The app's own server keeps them; it knows its users,
//! looks at each request, and signs what this user may do. The app brings two things instead of
//! secrets:
//!
//! - a [`RequestSigner`], which sends the body of a request to that server and gets its signature;
//! - a [`TokenProvider`], which gets an access token there. The token alone moves nothing: every
//!   service of the gateway asks for a signature, too.
//!
//! Sealing customers and cards needs the public key only and stays on the device, so the server
//! never sees a card.
//!
//! ```no_run
//! use futures_util::future::{BoxFuture, FutureExt};
//! use kess_gateway::{
//!     AccessToken, BaseUrl, Client, DelegateError, RequestSigner, TokenProvider, UnsignedRequest,
//! };
//! # struct MyServer;
//! # impl MyServer {
//! #     async fn post(&self, _: &str, _: &[u8]) -> Result<String, DelegateError> {
//! #         Ok(String::new())
//! #     }
//! # }
//!
//! impl RequestSigner for MyServer {
//!     fn sign<'a>(
//!         &'a self,
//!         request: &'a UnsignedRequest,
//!     ) -> BoxFuture<'a, Result<String, DelegateError>> {
//!         self.post("/sign", request.body()).boxed()
//!     }
//! }
//!
//! impl TokenProvider for MyServer {
//!     fn token(&self, refused: bool) -> BoxFuture<'_, Result<AccessToken, DelegateError>> {
//!         let path = if refused { "/token?refused=true" } else { "/token" };
//!         async move { Ok(AccessToken::new(self.post(path, b"").await?, None)) }.boxed()
//!     }
//! }
//!
//! # fn f() -> Result<(), kess_gateway::Error> {
//! let client = Client::builder()
//!     .base_url(BaseUrl::sandbox())
//!     .request_signer(MyServer)
//!     .token_provider(MyServer)
//!     .seller_code("CU12-34567890")
//!     .build()?;
//! # Ok(())
//! # }
//! ```
//!
//! # The server's half
//! It has a client of its own, with the secrets: [`UnsignedRequest::from_json`] reads what the app
//! sent, [`Client::sign`](crate::Client::sign) signs it, and
//! [`Client::access_token`](crate::Client::access_token) has the token. In between the server
//! decides. `examples/signing_server.rs` is such a server.
//!
//! # What is certain
//! A signer is asked once for each call, before its first attempt. Where it or the provider fails,
//! the call has not left: [`Outcome::NotSent`].
//!
//! | what fails | [`ErrorKind`] | may be sent again |
//! |---|---|---|
//! | the signer refuses | `NotSigned` | no |
//! | the provider refuses | `Authentication` | no |
//! | one of them is not available | `Unavailable` | yes |
//! | one of them takes longer than the call's time-out | `Timeout` | yes |
//! | what the signer answers is no signature | `Signature` | no |

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use secrecy::{ExposeSecret, SecretString};

use crate::error::{Error, ErrorKind, Outcome};
use crate::sensitive::presentable;
use crate::sign::SignType;

mod strict;
mod unsigned;

pub use unsigned::UnsignedRequest;

/// Signs requests: what a client has instead of the API secret. See [`delegate`](crate::delegate).
pub trait RequestSigner: Send + Sync + 'static {
    /// The signature of the request, in hex, made as [`UnsignedRequest::sign_type`] says.
    ///
    /// Pass [`UnsignedRequest::body`] on as it is. Whoever signs has to see what is signed, and the
    /// string under the signature can be read in more than one way.
    ///
    /// # Errors
    /// [`DelegateError::refused`] where it must not be signed; [`DelegateError::unavailable`] where
    /// that could not be found out, so that the same call may be tried again.
    fn sign<'a>(
        &'a self,
        request: &'a UnsignedRequest,
    ) -> BoxFuture<'a, Result<String, DelegateError>>;
}

/// Hands out access tokens: what a client has instead of credentials. See
/// [`delegate`](crate::delegate).
///
/// It is asked once for all calls that wait, again ahead of the token's end, and after the gateway
/// has refused the token.
pub trait TokenProvider: Send + Sync + 'static {
    /// A token that is good now. `refused` is true where the gateway did not accept the one before:
    /// the same one again would not help.
    ///
    /// # Errors
    /// [`DelegateError::refused`] where this user gets none, [`DelegateError::unavailable`] where
    /// asking again may help.
    fn token(&self, refused: bool) -> BoxFuture<'_, Result<AccessToken, DelegateError>>;
}

impl<T: RequestSigner + ?Sized> RequestSigner for Arc<T> {
    fn sign<'a>(
        &'a self,
        request: &'a UnsignedRequest,
    ) -> BoxFuture<'a, Result<String, DelegateError>> {
        (**self).sign(request)
    }
}

impl<T: TokenProvider + ?Sized> TokenProvider for Arc<T> {
    fn token(&self, refused: bool) -> BoxFuture<'_, Result<AccessToken, DelegateError>> {
        (**self).token(refused)
    }
}

/// An access token of the gateway. It has no text form.
#[derive(Clone)]
pub struct AccessToken {
    value: SecretString,
    lifetime: Option<Duration>,
}

impl AccessToken {
    /// A token, and how much longer it lives. Where that is not known, the documented half hour is
    /// taken; a token that ends sooner is noticed by the gateway's 401.
    pub fn new(value: impl Into<String>, lifetime: Option<Duration>) -> AccessToken {
        AccessToken { value: SecretString::from(value.into()), lifetime }
    }

    /// The token itself. The name is long on purpose: it can be searched for.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.value.expose_secret()
    }

    /// How much longer it lives, from when it was asked for.
    #[must_use]
    pub fn lifetime(&self) -> Option<Duration> {
        self.lifetime
    }

    pub(crate) fn into_parts(self) -> (SecretString, Option<Duration>) {
        (self.value, self.lifetime)
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessToken").field("lifetime", &self.lifetime).finish_non_exhaustive()
    }
}

/// Why a [`RequestSigner`] or a [`TokenProvider`] does not give what was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct DelegateError {
    refused: bool,
    message: String,
}

impl DelegateError {
    /// It will not: a rule forbids it, or nobody is signed in. Asking again is of no use.
    ///
    /// The message is for people. Account numbers, mail addresses and tokens in it are masked.
    #[must_use]
    pub fn refused(message: impl AsRef<str>) -> DelegateError {
        DelegateError { refused: true, message: presentable(message.as_ref()) }
    }

    /// It could not be asked, or cannot tell now: no network, a server that is down. The message is
    /// treated as in [`DelegateError::refused`].
    #[must_use]
    pub fn unavailable(message: impl AsRef<str>) -> DelegateError {
        DelegateError { refused: false, message: presentable(message.as_ref()) }
    }

    /// Whether asking again is of no use.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        self.refused
    }

    /// What happened, in one line.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The error of a call that needed the signature or the token: it has not left.
    pub(crate) fn into_error(self, who: &str, refused_as: ErrorKind) -> Error {
        let kind = if self.refused { refused_as } else { ErrorKind::Unavailable };
        let message = match (self.refused, self.message.as_str()) {
            (true, "") => format!("the {who} gives no reason"),
            (false, "") => format!("the {who} could not be asked"),
            (true, said) => said.to_owned(),
            (false, said) => format!("the {who} could not be asked ({said})"),
        };
        Error::new(kind, message).with_outcome(Outcome::NotSent)
    }
}

/// What a client is asked for that has none of the two.
pub(crate) fn no_secret(what: &str) -> Error {
    let text = format!("{what} needs the API secret key, and this client has a request signer");
    Error::new(ErrorKind::Config, text)
}

/// The error of a call whose signer or provider took too long.
pub(crate) fn too_slow(who: &str) -> Error {
    let text = format!("the {who} did not answer in time");
    Error::new(ErrorKind::Timeout, text).with_outcome(Outcome::NotSent)
}

/// The body with the signature that `signer` gives.
pub(crate) async fn signed(
    signer: &dyn RequestSigner,
    body: Bytes,
    timeout: Duration,
) -> Result<Bytes, Error> {
    const SIGNER: &str = "request signer";
    let request = UnsignedRequest::from_body(body)?;
    let signature = match tokio::time::timeout(timeout, signer.sign(&request)).await {
        Ok(Ok(signature)) => signature,
        Ok(Err(error)) => return Err(error.into_error(SIGNER, ErrorKind::NotSigned)),
        Err(_) => return Err(too_slow(SIGNER)),
    };
    let signature = signature.trim();
    if !is_signature(signature, request.sign_type()) {
        // Not repeated: it may be a page with who knows what in it.
        let text = format!("what the {SIGNER} answered is no {} signature", request.sign_type());
        return Err(Error::new(ErrorKind::Signature, text).with_outcome(Outcome::NotSent));
    }
    Ok(request.with_signature(&signature.to_ascii_lowercase()))
}

fn is_signature(text: &str, sign_type: SignType) -> bool {
    let digits = match sign_type {
        SignType::Md5 => 32,
        SignType::HmacSha256 => 64,
    };
    text.len() == digits && text.bytes().all(|b| b.is_ascii_hexdigit())
}
