//! The access token: fetched once, shared by all calls, renewed before it runs out.
//!
//! - *Single flight.* The refresh token is used up by one refresh, so there is at most one token
//!   request at any time. All who need its answer wait for the same one, and share its failure too:
//!   a thousand waiting calls do not try a wrong password a thousand times.
//! - *Ahead of expiry.* In the last part of a token's life one caller renews it while the others
//!   go on with the old one. If that fails, the old one is still good and the renewal is tried
//!   again later.
//! - *Refresh, then password.* A refresh token is tried once; if it is refused, the password grant
//!   follows at once.
//!
//! Time is `tokio`'s monotonic clock, so tests can pause and advance it. A token that the gateway
//! dropped earlier is noticed by its 401.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use http::{HeaderMap, HeaderValue, header};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use tokio::task::AbortHandle;
use tokio::time::Instant;
use url::Url;

use crate::decode;
use crate::envelope::{self, Envelope};
use crate::error::{Error, ErrorKind, Outcome};
use crate::operation::{Effect, Idempotency, OperationMeta};
use crate::retry::{self, Failure, RetryPolicy};
use crate::transport::{HttpRequest, HttpResponse, Transport};

/// What the documentation says a token lives, where the reply does not.
const DEFAULT_LIFETIME: Duration = Duration::from_secs(1800);
/// A token that says it lives longer is renewed all the same.
const LONGEST_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);
/// A refresh token outlives its access token by this.
const REFRESH_GRACE: Duration = Duration::from_secs(15 * 60);
/// Renewal begins this long before the end, or a fifth of the lifetime if that is shorter.
const RENEWAL_MARGIN: Duration = Duration::from_secs(60);

/// The token request, as errors call it.
const TOKEN: OperationMeta = OperationMeta {
    service: "oauth/token",
    name: "token",
    effect: Effect::Read,
    idempotency: Idempotency::None,
    one_of: &[],
};

/// What the gateway gave the merchant: an OAuth client and a user.
#[derive(Clone)]
pub struct Credentials {
    /// The OAuth client's id.
    pub client_id: String,
    /// The OAuth client's secret.
    pub client_secret: SecretString,
    /// The user's name.
    pub username: String,
    /// The user's password.
    pub password: SecretString,
}

impl Credentials {
    /// Joins the four.
    pub fn new(
        client_id: impl Into<String>,
        client_secret: impl Into<String>,
        username: impl Into<String>,
        password: impl Into<String>,
    ) -> Credentials {
        Credentials {
            client_id: client_id.into(),
            client_secret: SecretString::from(client_secret.into()),
            username: username.into(),
            password: SecretString::from(password.into()),
        }
    }
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credentials([masked])")
    }
}

/// A token in use. The generation tells callers apart who met a 401 with an older one.
pub(crate) struct Token {
    pub(crate) authorization: HeaderValue,
    generation: u64,
    renew_from: Instant,
    expires_at: Instant,
}

type Renewal = Shared<BoxFuture<'static, Result<Arc<Token>, Error>>>;

#[derive(Default)]
struct State {
    token: Option<Arc<Token>>,
    refresh: Option<(SecretString, Instant)>,
    renewal: Option<(AbortHandle, Renewal)>,
    generation: u64,
}

/// The one holder of the token. Cheap to clone; the clones share the token.
#[derive(Clone)]
pub(crate) struct Auth {
    inner: Arc<Inner>,
    retry: RetryPolicy,
}

struct Inner {
    transport: Arc<dyn Transport>,
    url: Url,
    credentials: Credentials,
    timeout: Duration,
    state: Mutex<State>,
}

impl Auth {
    pub(crate) fn new(
        transport: Arc<dyn Transport>,
        url: Url,
        credentials: Credentials,
        timeout: Duration,
        retry: RetryPolicy,
    ) -> Auth {
        let state = Mutex::default();
        Auth { inner: Arc::new(Inner { transport, url, credentials, timeout, state }), retry }
    }

    /// The same token, asked for with another patience.
    pub(crate) fn with_retry(&self, retry: RetryPolicy) -> Auth {
        Auth { retry, ..self.clone() }
    }

    /// A token that is good now.
    pub(crate) async fn token(&self) -> Result<Arc<Token>, Error> {
        let now = Instant::now();
        let (usable, renewal) = {
            let mut state = self.lock();
            match &state.token {
                Some(token) if now < token.renew_from => return Ok(Arc::clone(token)),
                Some(token) if now < token.expires_at => {
                    let usable = Arc::clone(token);
                    if state.renewal.is_some() {
                        return Ok(usable);
                    }
                    (Some(usable), self.renewal(&mut state))
                }
                _ => (None, self.renewal(&mut state)),
            }
        };
        match (renewal.await, usable) {
            (Ok(token), _) => Ok(token),
            (Err(error), Some(usable)) if Instant::now() < usable.expires_at => {
                tracing::warn!(%error, "renewing the token ahead of its end failed; the old holds");
                Ok(usable)
            }
            (Err(error), _) => Err(error),
        }
    }

    /// A token other than `refused`, which met a 401.
    pub(crate) async fn token_after(&self, refused: &Token) -> Result<Arc<Token>, Error> {
        let renewal = {
            let mut state = self.lock();
            match &state.token {
                Some(token) if token.generation != refused.generation => {
                    return Ok(Arc::clone(token));
                }
                _ => {
                    state.token = None;
                    self.renewal(&mut state)
                }
            }
        };
        renewal.await
    }

    /// Joins the token request that is under way, or begins one.
    fn renewal(&self, state: &mut State) -> Renewal {
        // A task that ended without taking itself out died with its runtime.
        if let Some((task, renewal)) = &state.renewal
            && !task.is_finished()
        {
            return renewal.clone();
        }
        // A task of its own, so that it goes on when the caller who began it gives up: the refresh
        // token is used up by then.
        let auth = self.clone();
        let task = tokio::spawn(async move { auth.renew().await });
        let handle = task.abort_handle();
        let renewal = task.map(|ended| ended.unwrap_or_else(|_| Err(shut_down()))).boxed().shared();
        state.renewal = Some((handle, renewal.clone()));
        renewal
    }

    async fn renew(&self) -> Result<Arc<Token>, Error> {
        let granted = self.grant().await.and_then(|(grant, asked_at)| {
            bearer(&grant.access_token).map(|authorization| (grant, authorization, asked_at))
        });
        let mut state = self.lock();
        state.renewal = None;
        let (grant, authorization, asked_at) = match granted {
            Ok(granted) => granted,
            // Whatever became of the token request, the call that needs the token has not left.
            Err(error) => {
                // Do not ask again with every call while the old token is still good.
                if let Some(token) = state.token.take() {
                    let half = (token.expires_at.saturating_duration_since(Instant::now())) / 2;
                    state.token = Some(Arc::new(Token {
                        authorization: token.authorization.clone(),
                        generation: token.generation,
                        renew_from: Instant::now() + half,
                        expires_at: token.expires_at,
                    }));
                }
                return Err(error.with_outcome(Outcome::NotSent));
            }
        };
        let lifetime = match grant.expires_in {
            Some(seconds) if seconds > 0 => {
                Duration::from_secs(seconds.unsigned_abs()).min(LONGEST_LIFETIME)
            }
            _ => DEFAULT_LIFETIME,
        };
        state.generation += 1;
        let expires_at = asked_at + lifetime;
        let token = Arc::new(Token {
            authorization,
            generation: state.generation,
            renew_from: expires_at - RENEWAL_MARGIN.min(lifetime / 5),
            expires_at,
        });
        state.refresh = grant.refresh_token.map(|it| (it, expires_at + REFRESH_GRACE));
        state.token = Some(Arc::clone(&token));
        tracing::debug!(lifetime_s = lifetime.as_secs(), "got an access token");
        Ok(token)
    }

    /// Asks for a token: with the refresh token if there is one, else with the password. Also says
    /// when it was asked for, because the lifetime counts from then at the earliest.
    async fn grant(&self) -> Result<(Grant, Instant), Error> {
        // Taken, not copied: nobody uses it a second time, whatever becomes of this request.
        let refresh = self.lock().refresh.take();
        if let Some((refresh, _)) = refresh.filter(|(_, until)| Instant::now() < *until) {
            let asked_at = Instant::now();
            match self.request(&self.refresh_form(&refresh)).await {
                Ok(grant) => return Ok((grant, asked_at)),
                Err(error) => {
                    tracing::debug!(%error, "the refresh token was not accepted");
                }
            }
        }
        let mut attempt = 1;
        loop {
            let asked_at = Instant::now();
            let error = match self.request(&self.password_form()).await {
                Ok(grant) => return Ok((grant, asked_at)),
                Err(error) => error,
            };
            let failure = Failure {
                kind: error.kind(),
                outcome: error.outcome(),
                retry_after: error.retry_after(),
            };
            let random = rand::random();
            let (effect, idempotency) = (TOKEN.effect, TOKEN.idempotency);
            let pause = retry::pause(&self.retry, effect, idempotency, &failure, attempt, random);
            let Some(pause) = pause else {
                let repeatable = retry::may_repeat(effect, idempotency, &failure);
                return Err(error.with_retryable(repeatable));
            };
            tokio::time::sleep(pause).await;
            attempt += 1;
        }
    }

    async fn request(&self, form: &Form<'_>) -> Result<Grant, Error> {
        let body = serde_json::to_vec(form).map_err(|_| unreadable("the credentials"))?;
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        let request = HttpRequest {
            url: self.inner.url.clone(),
            headers,
            body: Bytes::from(body),
            timeout: self.inner.timeout,
        };
        let response = self.inner.transport.send(request).await;
        let response = response.map_err(|error| crate::client::transport_error(&TOKEN, error))?;
        read_grant(&response)
    }

    fn password_form(&self) -> Form<'_> {
        Form {
            grant_type: "password",
            username: Some(&self.inner.credentials.username),
            password: Some(self.inner.credentials.password.expose_secret()),
            ..self.form()
        }
    }

    fn refresh_form<'a>(&'a self, refresh_token: &'a SecretString) -> Form<'a> {
        let refresh_token = Some(refresh_token.expose_secret());
        Form { grant_type: "refresh_token", refresh_token, ..self.form() }
    }

    fn form(&self) -> Form<'_> {
        Form {
            grant_type: "",
            client_id: &self.inner.credentials.client_id,
            client_secret: self.inner.credentials.client_secret.expose_secret(),
            username: None,
            password: None,
            refresh_token: None,
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The body of a token request.
#[derive(Serialize)]
struct Form<'a> {
    grant_type: &'a str,
    client_id: &'a str,
    client_secret: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<&'a str>,
}

/// The answer to a token request; not in an envelope.
#[derive(Deserialize)]
struct Grant {
    #[serde(deserialize_with = "secret")]
    access_token: SecretString,
    #[serde(default, deserialize_with = "optional_secret")]
    refresh_token: Option<SecretString>,
    #[serde(default, deserialize_with = "decode::field")]
    expires_in: Option<i64>,
}

fn bearer(access_token: &SecretString) -> Result<HeaderValue, Error> {
    let mut header = HeaderValue::try_from(format!("Bearer {}", access_token.expose_secret()))
        .map_err(|_| unreadable("the access token is not fit for a header"))?;
    header.set_sensitive(true);
    Ok(header)
}

fn secret<'de, D: serde::Deserializer<'de>>(from: D) -> Result<SecretString, D::Error> {
    String::deserialize(from).map(SecretString::from)
}

fn optional_secret<'de, D>(from: D) -> Result<Option<SecretString>, D::Error>
where
    D: serde::Deserializer<'de>,
{
    Ok(Option::<String>::deserialize(from)?.filter(|it| !it.is_empty()).map(SecretString::from))
}

fn read_grant(response: &HttpResponse) -> Result<Grant, Error> {
    if (200..300).contains(&response.status) {
        // The bytes are not kept: they hold the token.
        return serde_json::from_slice(&response.body)
            .map_err(|_| unreadable("the answer to the token request has no access_token"));
    }
    let error = match envelope::read(&TOKEN, response) {
        Ok(_) => unreadable("the answer to the token request"),
        Err(error) => error,
    };
    // OAuth's own codes stand under `error`; Passport answers a wrong password with 400.
    let code = Envelope::parse(&response.body).and_then(|envelope| envelope.oauth_code());
    match code.as_deref() {
        Some("invalid_grant" | "invalid_client" | "unauthorized_client" | "invalid_request") => {
            Err(error.with_code(code).with_kind(ErrorKind::Authentication))
        }
        _ => Err(error),
    }
}

fn shut_down() -> Error {
    Error::new(ErrorKind::Transport, "the runtime was shut down during the token request")
        .of(&TOKEN)
        .with_outcome(Outcome::NotSent)
}

fn unreadable(text: &str) -> Error {
    Error::new(ErrorKind::Decode, text).of(&TOKEN)
}
