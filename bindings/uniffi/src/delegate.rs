//! Signing and tokens elsewhere: the traits that an app implements, so that it holds no secret.
//!
//! What is in an app, everybody has who has the app. So the API secret, the client secret and the
//! password stay on the merchant's own server; the app asks it to sign a request and to hand out a
//! token, and the server looks at who asks and for what before it does. The merchant's public key
//! is no secret: sealing stays on the phone, and the server never sees a card.
//!
//! Invariant: an app that is refused, or cannot reach its server, has sent nothing.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::convert::Sensitive;

/// A request that is not signed yet. Send it to the app's own server, which signs it if it may be
/// made.
#[derive(Clone, uniffi::Record)]
pub struct UnsignedRequest {
    /// The service that is asked for, such as `webpay.acquire.withdraw`.
    pub service: String,
    /// The merchant's order number, if the request has one.
    pub out_trade_no: Option<String>,
    /// How it has to be signed: `HMAC-SHA256` or `MD5`.
    pub sign_type: String,
    /// The request as JSON, which the server reads, judges and signs. It may hold personal data.
    pub body: Sensitive,
}

/// What opens the gateway for a while.
#[derive(Clone, Debug, uniffi::Record)]
pub struct AccessToken {
    /// The token.
    pub value: Sensitive,
    /// How long it is good from now on; 30 minutes unless said otherwise.
    #[uniffi(default = None)]
    pub lifetime: Option<Duration>,
}

/// Why the app's own server did not do what it was asked.
#[derive(Clone, Debug, thiserror::Error, uniffi::Error)]
pub enum DelegateError {
    /// It does not want to: asking again is of no use.
    #[error("{reason}")]
    Refused {
        /// One line, without personal data.
        reason: String,
    },
    /// It cannot be reached, or does not work: asking again may help.
    #[error("{reason}")]
    Unavailable {
        /// One line, without personal data.
        reason: String,
    },
}

impl From<uniffi::UnexpectedUniFFICallbackError> for DelegateError {
    /// What the app threw was none of the two. Its text may hold anything, so it is left out.
    fn from(_: uniffi::UnexpectedUniFFICallbackError) -> Self {
        let reason = "the app's own code failed while it was asked".to_owned();
        DelegateError::Unavailable { reason }
    }
}

/// Has requests signed by the app's own server.
#[uniffi::export(with_foreign)]
#[async_trait]
pub trait RequestSigner: Send + Sync + 'static {
    /// The signature of a request, in hexadecimal digits.
    async fn sign(&self, request: UnsignedRequest) -> Result<String, DelegateError>;
}

/// Has access tokens handed out by the app's own server.
#[uniffi::export(with_foreign)]
#[async_trait]
pub trait TokenProvider: Send + Sync + 'static {
    /// A token that is good now. `refused` says that the gateway did not accept the last one, so
    /// that another one is needed.
    async fn token(&self, refused: bool) -> Result<AccessToken, DelegateError>;
}

/// The app's signer, as the client asks it.
pub(crate) struct Signer(pub(crate) Arc<dyn RequestSigner>);

impl kess_gateway::RequestSigner for Signer {
    fn sign<'a>(
        &'a self,
        request: &'a kess_gateway::UnsignedRequest,
    ) -> BoxFuture<'a, Result<String, kess_gateway::DelegateError>> {
        let body = String::from_utf8_lossy(request.body()).into_owned();
        let request = UnsignedRequest {
            service: request.service().to_owned(),
            out_trade_no: request.out_trade_no().map(str::to_owned),
            sign_type: request.sign_type().to_string(),
            body: body.into(),
        };
        async move { self.0.sign(request).await.map_err(told) }.boxed()
    }
}

/// The app's tokens, as the client asks for them.
pub(crate) struct Tokens(pub(crate) Arc<dyn TokenProvider>);

impl kess_gateway::TokenProvider for Tokens {
    fn token(
        &self,
        refused: bool,
    ) -> BoxFuture<'_, Result<kess_gateway::AccessToken, kess_gateway::DelegateError>> {
        async move {
            let token = self.0.token(refused).await.map_err(told)?;
            Ok(kess_gateway::AccessToken::new(token.value.into_exposed(), token.lifetime))
        }
        .boxed()
    }
}

fn told(error: DelegateError) -> kess_gateway::DelegateError {
    match error {
        DelegateError::Refused { reason } => kess_gateway::DelegateError::refused(reason),
        DelegateError::Unavailable { reason } => kess_gateway::DelegateError::unavailable(reason),
    }
}
