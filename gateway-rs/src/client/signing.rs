//! What a client does with the API secret, or has done by whoever holds it.

use std::sync::Arc;
use std::time::Duration;

use super::{Client, Inner};
use crate::delegate::{self, AccessToken, RequestSigner, UnsignedRequest};
use crate::encode::Encoded;
use crate::error::{Error, ErrorKind};
use crate::operation::OperationMeta;
use crate::retry::{self, Failure};
use crate::sign::SigningKey;
use crate::webhook::Verifier;

/// Who signs requests.
#[derive(Clone)]
pub(super) enum Signing {
    Here(SigningKey),
    Elsewhere(Arc<dyn RequestSigner>),
}

impl Signing {
    pub(super) fn key(&self) -> Option<&SigningKey> {
        match self {
            Signing::Here(key) => Some(key),
            Signing::Elsewhere(_) => None,
        }
    }

    /// The key, for what cannot be done without it.
    fn key_for(&self, what: &str) -> Result<&SigningKey, Error> {
        self.key().ok_or_else(|| delegate::no_secret(what))
    }
}

impl Client {
    /// A verifier for the notices that this merchant's gateway pushes.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] where a request signer signs for this client: notices are checked with
    /// the API secret, by the server that has it.
    pub fn webhook_verifier(&self) -> Result<Verifier, Error> {
        self.0.signing.key_for("checking notices").cloned().map(Verifier::with_key)
    }

    /// A secret that follows from the API secret and a `label`, and tells nothing of it: 64 digits
    /// of hexadecimal. The same for all who hold the API secret, so nothing has to be kept; for a
    /// path that only the gateway is told, for example.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] where a request signer signs for this client.
    pub fn derived_secret(&self, label: &str) -> Result<String, Error> {
        Ok(self.0.signing.key_for("deriving a secret")?.derive(label))
    }

    /// Signs a request for an app that holds no secret; the server's half of a [`RequestSigner`].
    /// Nothing is checked here but the sign type: first decide whether the app's user may do this.
    /// See [`UnsignedRequest`] for what a signature covers.
    ///
    /// ```
    /// use kess_gateway::{BaseUrl, Client, Credentials, UnsignedRequest};
    ///
    /// let client = Client::builder()
    ///     .base_url(BaseUrl::sandbox())
    ///     .credentials(Credentials::new("id", "secret", "user", "password"))
    ///     .api_secret("abc123")
    ///     .build()?;
    /// let body = br#"{"service":"webpay.acquire.queryOrder","sign_type":"HMAC-SHA256",
    ///     "seller_code":"SELLER","out_trade_no":"ORDER-1"}"#;
    /// let request = UnsignedRequest::from_json(body)?;
    /// assert_eq!(request.service(), "webpay.acquire.queryOrder");
    /// assert!(client.sign(&request)?.starts_with("3577bc4b"));
    /// # Ok::<(), kess_gateway::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`] where the request asks for another sign type than this
    /// client's: an app must not choose a weaker one. [`ErrorKind::Config`] where this client has
    /// no API secret.
    pub fn sign(&self, request: &UnsignedRequest) -> Result<String, Error> {
        let key = self.0.signing.key_for("signing")?;
        if request.sign_type() != self.0.sign_type {
            return Err(Error::new(
                ErrorKind::InvalidRequest,
                format!("the request to sign asks for another sign_type than {}", self.0.sign_type),
            ));
        }
        Ok(key.sign(&request.canonical(), request.sign_type()))
    }

    /// The token that this client uses, for an app that holds no credentials; the server's half of
    /// a [`TokenProvider`](crate::TokenProvider). It is fetched if there is none, and all apps
    /// share it with this client.
    ///
    /// Where an app says that its token was refused, make a call that reads first, such as
    /// `merchant_info`: this client then finds out itself whether the gateway still takes the
    /// token, and gets another one if not. Nobody can make it renew a good one.
    ///
    /// # Errors
    /// As [`Client::authenticate`].
    pub async fn access_token(&self) -> Result<AccessToken, Error> {
        self.0.auth.token().await.map(|token| token.handed_out())
    }
}

impl Inner {
    /// The request with its signature, where that is not there yet.
    pub(super) async fn signed(
        &self,
        meta: &'static OperationMeta,
        encoded: Encoded,
        timeout: Duration,
    ) -> Result<Encoded, Error> {
        let Signing::Elsewhere(signer) = &self.signing else { return Ok(encoded) };
        match delegate::signed(&**signer, encoded.body, timeout).await {
            Ok(body) => Ok(Encoded { body }),
            Err(error) => {
                let failure = Failure::from(&error);
                let repeatable = retry::may_repeat(meta.effect, meta.idempotency, &failure);
                Err(error.of(meta).with_retryable(repeatable))
            }
        }
    }
}
