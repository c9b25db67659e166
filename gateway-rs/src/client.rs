//! [`Client`]: what holds configuration, token and connections, and carries calls.
//!
//! One exchange is: take a token, send, read the envelope, check the signature, and decide by
//! [`crate::retry`] whether to send again. After a 401 the token is renewed and the call is sent
//! once more, because a request without a good token is not carried out. Except where that is not
//! certain: a call that changes something is not sent twice after a 401 that is not the gateway's
//! own, and a call that moves money without an order number is never sent twice.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderValue, header};
use tracing::Instrument;

use crate::auth::{Auth, Token};
use crate::call::{Call, CallOptions};
use crate::decode;
use crate::encode::{Encoded, Encoder, Signer};
use crate::envelope;
use crate::error::{Error, ErrorKind, Outcome};
use crate::operation::{Effect, Idempotency, Operation, OperationMeta};
use crate::reply::{RawReply, Reply};
use crate::reply_signature::{Habit, ReplySignaturePolicy, SignatureVerdict};
use crate::request_id;
use crate::retry::{self, Failure, RetryPolicy};
use crate::seal::{PublicKey, Sealable, Sealed};
use crate::sign::SignType;
use crate::transport::{
    HttpRequest, HttpResponse, Sent, Transport, TransportError, TransportErrorKind,
};

mod builder;
mod signing;

pub use builder::{BaseUrl, ClientBuilder};
use signing::Signing;

/// A client of the gateway. Cheap to clone; all clones share token and connections.
///
/// ```no_run
/// # async fn f() -> Result<(), kess_gateway::Error> {
/// use kess_gateway::{BaseUrl, Client, Credentials};
///
/// let client = Client::builder()
///     .base_url(BaseUrl::sandbox())
///     .credentials(Credentials::new("id", "secret", "user", "password"))
///     .api_secret("key")
///     .seller_code("CU12-34567890")
///     .build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Client(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    base_url: BaseUrl,
    gateway_url: url::Url,
    transport: Arc<dyn Transport>,
    auth: Auth,
    signing: Signing,
    sign_type: SignType,
    seller_code: Option<String>,
    public_key: Option<PublicKey>,
    timeout: Duration,
    retry: RetryPolicy,
    reply_signature: ReplySignaturePolicy,
    reply_habit: Habit,
}

impl Client {
    /// Begins the configuration of a client.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    /// Makes a call of a request, for those who build requests apart from clients.
    pub fn call<R: Operation>(&self, request: R) -> Call<'_, R> {
        Call::new(self, request)
    }

    /// The same client with another patience, for callers who repeat calls themselves. Token and
    /// connections stay shared.
    #[must_use]
    pub fn with_retry(self, retry: RetryPolicy) -> Client {
        let auth = self.0.auth.with_retry(retry);
        Client(Arc::new(Inner { auth, retry, ..Arc::unwrap_or_clone(self.0) }))
    }

    /// What one sealed block holds, in bytes; `None` without a public key.
    #[must_use]
    pub fn sealed_capacity(&self) -> Option<usize> {
        self.0.public_key.as_ref().map(PublicKey::capacity)
    }

    /// Encrypts `customer` or `card` with the merchant's public key.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] where the client has no public key; else as [`PublicKey::seal`].
    pub fn seal<T: Sealable>(&self, object: &T) -> Result<Sealed<T>, Error> {
        match &self.0.public_key {
            Some(key) => key.seal(object),
            None => Err(Error::new(
                ErrorKind::Config,
                "this client has no public key to seal with; set public_key",
            )),
        }
    }

    /// Where the gateway is.
    #[must_use]
    pub fn base_url(&self) -> &BaseUrl {
        &self.0.base_url
    }

    /// The seller code that calls carry unless they are given another.
    #[must_use]
    pub fn seller_code(&self) -> Option<&str> {
        self.0.seller_code.as_deref()
    }

    /// Fetches a token if there is none: a check of the credentials that does nothing else.
    ///
    /// # Errors
    /// [`ErrorKind::Authentication`] where the credentials are wrong, or what kept the client from
    /// asking.
    pub async fn authenticate(&self) -> Result<(), Error> {
        self.0.auth.token().await.map(|_| ())
    }

    pub(crate) fn encode<R: Operation>(
        &self,
        fields: impl FnOnce(&mut Encoder<'_>),
    ) -> Result<Encoded, Error> {
        let signer = Signer {
            key: self.0.signing.key(),
            sign_type: self.0.sign_type,
            seller_code: self.0.seller_code.as_deref(),
        };
        let mut encoder = Encoder::new(&R::META, &signer);
        fields(&mut encoder);
        encoder.finish()
    }

    pub(crate) fn exchange(
        &self,
        meta: &'static OperationMeta,
        encoded: Encoded,
        options: CallOptions,
    ) -> BoxFuture<'_, Result<RawReply, Error>> {
        let span = tracing::debug_span!("call", operation = meta.name);
        self.0.exchange(meta, encoded, options).instrument(span).boxed()
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("base_url", &self.0.base_url)
            .field("sign_type", &self.0.sign_type)
            .finish_non_exhaustive()
    }
}

impl Inner {
    /// Sends until there is a reply, or no reason to send again.
    async fn exchange(
        &self,
        meta: &'static OperationMeta,
        encoded: Encoded,
        options: CallOptions,
    ) -> Result<RawReply, Error> {
        let timeout = options.timeout.unwrap_or(self.timeout);
        let encoded = self.signed(meta, encoded, timeout).await?;
        let mut token = self.auth.token().await.map_err(|error| error.of(meta))?;
        let mut renewed = false;
        let mut attempt = 1;
        loop {
            let error = match self.attempt(meta, &encoded, &token, timeout).await {
                Ok(reply) => return Ok(reply),
                Err(error) => error,
            };
            tracing::debug!(attempt, %error, "an attempt failed");
            if error.kind() == ErrorKind::Authentication && !renewed && may_renew(meta, &error) {
                renewed = true;
                token = self.auth.token_after(&token).await.map_err(|error| error.of(meta))?;
                continue;
            }
            let failure = Failure::from(&error);
            let (effect, idempotency) = (meta.effect, meta.idempotency);
            let random = rand::random();
            match retry::pause(&self.retry, effect, idempotency, &failure, attempt, random) {
                Some(pause) => tokio::time::sleep(pause).await,
                None => {
                    let repeatable = retry::may_repeat(effect, idempotency, &failure);
                    return Err(error.with_retryable(repeatable));
                }
            }
            attempt += 1;
            // The pause may have outlived the token.
            token = self.auth.token().await.map_err(|error| error.of(meta))?;
        }
    }

    async fn attempt(
        &self,
        meta: &OperationMeta,
        encoded: &Encoded,
        token: &Token,
        timeout: Duration,
    ) -> Result<RawReply, Error> {
        let mut headers = HeaderMap::with_capacity(3);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        // Without it the gateway's framework answers errors in HTML.
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(header::AUTHORIZATION, token.authorization.clone());
        let request = HttpRequest {
            url: self.gateway_url.clone(),
            headers,
            body: encoded.body.clone(),
            timeout,
        };
        let response = self.transport.send(request).await;
        let response = response.map_err(|error| transport_error(meta, error))?;
        self.read(meta, &response)
    }

    /// From a whole answer to a reply.
    fn read(&self, meta: &OperationMeta, response: &HttpResponse) -> Result<RawReply, Error> {
        let envelope = envelope::read(meta, response)?;
        let data = envelope.data.map(|data| {
            // `data` borrows from the body, so its place is a difference of addresses.
            let start = data.get().as_ptr().addr() - response.body.as_ptr().addr();
            start..start + data.get().len()
        });
        let mut reply = RawReply {
            status: response.status,
            body: response.body.clone(),
            data,
            signature: SignatureVerdict::Unchecked,
            request_id: request_id::of(&response.headers),
        };
        if self.reply_signature != ReplySignaturePolicy::Off
            && let Some(key) = self.signing.key()
        {
            reply.signature = self.reply_habit.check(
                key,
                (&response.body, envelope.data()),
                envelope.sign().as_deref(),
                envelope.sign_type().as_deref(),
                self.sign_type,
            );
        }
        let matched = matches!(reply.signature, SignatureVerdict::Matched(_));
        if self.reply_signature == ReplySignaturePolicy::Enforce && !matched {
            return Err(Error::new(
                ErrorKind::Signature,
                "the reply is not signed as any of the known readings has it",
            )
            .of(meta)
            .with_status(response.status)
            .with_body(response.body.clone())
            .with_request_id(reply.request_id)
            .with_outcome(unread(meta)));
        }
        Ok(reply)
    }
}

/// Whether a 401 may be answered by sending the call again with a new token.
fn may_renew(meta: &OperationMeta, error: &Error) -> bool {
    let refused = error.outcome() == Outcome::Answered;
    match (meta.effect, meta.idempotency) {
        (Effect::Read, _) => true,
        (Effect::Write, _) | (Effect::Money, Idempotency::OutTradeNo) => refused,
        (Effect::Money, Idempotency::None) => false,
    }
}

/// The outcome of a call whose answer was a success that cannot be relied on.
fn unread(meta: &OperationMeta) -> Outcome {
    match meta.effect {
        Effect::Read => Outcome::Answered,
        Effect::Write | Effect::Money => Outcome::Unknown,
    }
}

/// Reads `data` as the operation's reply.
pub(crate) fn read_reply<R: Operation>(raw: RawReply) -> Result<Reply<R::Reply>, Error> {
    let error = match decode::read_json::<R::Reply>(raw.data()) {
        Ok(Some(value)) => return Ok(Reply::new(value, raw)),
        Ok(None) if R::META.effect == Effect::Read => {
            Error::new(ErrorKind::NotFound, "the reply holds no record")
                .with_outcome(Outcome::Answered)
        }
        Ok(None) => Error::new(ErrorKind::Decode, "the reply says success and holds no record")
            .with_outcome(unread(&R::META)),
        Err(_) => Error::new(ErrorKind::Decode, decode::explain::<R::Reply>(raw.data()))
            .with_outcome(unread(&R::META)),
    };
    Err(error
        .of(&R::META)
        .with_status(raw.status())
        .with_body(raw.body().clone())
        .with_request_id(raw.request_id))
}

/// The error that a failed exchange is.
pub(crate) fn transport_error(meta: &OperationMeta, error: TransportError) -> Error {
    let kind = match error.kind {
        TransportErrorKind::Connect => ErrorKind::Connect,
        TransportErrorKind::Timeout => ErrorKind::Timeout,
        TransportErrorKind::TooLarge => ErrorKind::Decode,
        TransportErrorKind::Closed | TransportErrorKind::Other => ErrorKind::Transport,
    };
    let outcome = match error.sent {
        Sent::No => Outcome::NotSent,
        Sent::Maybe => Outcome::Unknown,
    };
    Error::new(kind, error.to_string()).of(meta).with_outcome(outcome).with_source(error)
}
