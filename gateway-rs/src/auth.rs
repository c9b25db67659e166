//! The access token: fetched once, shared by all calls, renewed before it runs out.
//!
//! - *Single flight.* The refresh token is used up by one refresh, so there is at most one token
//!   request at any time. All who need its answer wait for the same one, and share its failure too:
//!   a thousand waiting calls do not try a wrong password a thousand times.
//! - *Ahead of expiry.* In the last part of a token's life one caller renews it while the others
//!   go on with the old one. If that fails, the old one is still good and the renewal is tried
//!   again later.
//! - *Refresh, then password.* A refresh token is tried once; if it is refused, the password grant
//!   follows at once ([`grant`]).
//! - *Or from elsewhere.* A client without credentials has a token provider, to which all of this
//!   applies but the refresh token. It is told when the gateway refused its token.
//!
//! Time is `tokio`'s monotonic clock, so tests can pause and advance it. A token that the gateway
//! dropped earlier is noticed by its 401.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use http::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use tokio::task::AbortHandle;
use tokio::time::Instant;

use crate::delegate::{self, AccessToken, TokenProvider};
use crate::error::{Error, ErrorKind, Outcome};
use crate::retry::{self, Failure, RetryPolicy};

mod grant;

pub use grant::Credentials;
pub(crate) use grant::GrantRequests;
use grant::{TOKEN, unreadable};

/// What the documentation says a token lives, where the reply does not.
const DEFAULT_LIFETIME: Duration = Duration::from_secs(1800);
/// A token that says it lives longer is renewed all the same.
const LONGEST_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);
/// A refresh token outlives its access token by this.
const REFRESH_GRACE: Duration = Duration::from_secs(15 * 60);
/// Renewal begins this long before the end, or a fifth of the lifetime if that is shorter.
const RENEWAL_MARGIN: Duration = Duration::from_secs(60);

/// What stands before a token in its header.
const BEARER: &str = "Bearer ";

/// A token in use. The generation tells callers apart who met a 401 with an older one.
pub(crate) struct Token {
    pub(crate) authorization: HeaderValue,
    generation: u64,
    renew_from: Instant,
    expires_at: Instant,
}

impl Token {
    /// The token as another client takes it.
    pub(crate) fn handed_out(&self) -> AccessToken {
        let value = String::from_utf8_lossy(self.authorization.as_bytes());
        let value = value.strip_prefix(BEARER).unwrap_or_default();
        let left = self.expires_at.saturating_duration_since(Instant::now());
        AccessToken::new(value, Some(left))
    }
}

/// Where tokens come from.
pub(crate) enum Source {
    /// From the gateway, for the merchant's credentials.
    Gateway(Box<GrantRequests>),
    /// From whoever holds them.
    Elsewhere(Arc<dyn TokenProvider>),
}

/// A token that was just given out.
struct Granted {
    access_token: SecretString,
    refresh_token: Option<SecretString>,
    lifetime: Option<Duration>,
    /// The lifetime counts from then at the earliest.
    asked_at: Instant,
}

type Renewal = Shared<BoxFuture<'static, Result<Arc<Token>, Error>>>;

#[derive(Default)]
struct State {
    token: Option<Arc<Token>>,
    refresh: Option<(SecretString, Instant)>,
    renewal: Option<(AbortHandle, Renewal)>,
    /// The token that the gateway refused, until there is another one.
    refused: Option<HeaderValue>,
    generation: u64,
}

/// The one holder of the token. Cheap to clone; the clones share the token.
#[derive(Clone)]
pub(crate) struct Auth {
    inner: Arc<Inner>,
    retry: RetryPolicy,
}

struct Inner {
    source: Source,
    timeout: Duration,
    state: Mutex<State>,
}

impl Auth {
    pub(crate) fn new(source: Source, timeout: Duration, retry: RetryPolicy) -> Auth {
        let state = Mutex::default();
        Auth { inner: Arc::new(Inner { source, timeout, state }), retry }
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
                    state.refused = Some(refused.authorization.clone());
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
        let granted = self.grant_anew().await;
        let mut state = self.lock();
        state.renewal = None;
        let (granted, authorization) = match granted {
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
        let lifetime = granted.lifetime.map_or(DEFAULT_LIFETIME, |it| it.min(LONGEST_LIFETIME));
        state.generation += 1;
        let expires_at = granted.asked_at + lifetime;
        let token = Arc::new(Token {
            authorization,
            generation: state.generation,
            renew_from: expires_at - RENEWAL_MARGIN.min(lifetime / 5),
            expires_at,
        });
        state.refresh = granted.refresh_token.map(|it| (it, expires_at + REFRESH_GRACE));
        state.refused = None;
        state.token = Some(Arc::clone(&token));
        tracing::debug!(lifetime_s = lifetime.as_secs(), "got an access token");
        Ok(token)
    }

    /// Asks for a token other than the one that was refused, if one was.
    async fn grant_anew(&self) -> Result<(Granted, HeaderValue), Error> {
        loop {
            let knew = self.lock().refused.is_some();
            let granted = self.grant(knew).await?;
            let authorization = bearer(&granted.access_token)?;
            // Refused while it was under way: who was asked did not know, and gave the same again.
            if knew || self.lock().refused.as_ref() != Some(&authorization) {
                return Ok((granted, authorization));
            }
        }
    }

    /// Asks for a token: with the refresh token if there is one, else with the password.
    async fn grant(&self, refused: bool) -> Result<Granted, Error> {
        // Taken, not copied: nobody uses it a second time, whatever becomes of this request.
        let refresh = self.lock().refresh.take().filter(|(_, until)| Instant::now() < *until);
        if let (Source::Gateway(gateway), Some((refresh, _))) = (&self.inner.source, refresh) {
            match self.of_gateway(gateway, Some(&refresh)).await {
                Ok(granted) => return Ok(granted),
                Err(error) => {
                    tracing::debug!(%error, "the refresh token was not accepted");
                }
            }
        }
        let mut attempt = 1;
        loop {
            let granted = match &self.inner.source {
                Source::Gateway(gateway) => self.of_gateway(gateway, None).await,
                Source::Elsewhere(provider) => self.of_provider(&**provider, refused).await,
            };
            let error = match granted {
                Ok(granted) => return Ok(granted),
                Err(error) => error,
            };
            let failure = Failure::from(&error);
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

    async fn of_gateway(
        &self,
        gateway: &GrantRequests,
        refresh: Option<&SecretString>,
    ) -> Result<Granted, Error> {
        let asked_at = Instant::now();
        let form = match refresh {
            Some(refresh) => gateway.refresh_form(refresh),
            None => gateway.password_form(),
        };
        let grant = gateway.request(&form, self.inner.timeout).await?;
        let seconds = grant.expires_in.filter(|seconds| *seconds > 0);
        Ok(Granted {
            access_token: grant.access_token,
            refresh_token: grant.refresh_token,
            lifetime: seconds.map(|seconds| Duration::from_secs(seconds.unsigned_abs())),
            asked_at,
        })
    }

    async fn of_provider(
        &self,
        provider: &dyn TokenProvider,
        refused: bool,
    ) -> Result<Granted, Error> {
        const PROVIDER: &str = "token provider";
        let asked_at = Instant::now();
        let token = match tokio::time::timeout(self.inner.timeout, provider.token(refused)).await {
            Ok(Ok(token)) => token,
            Ok(Err(error)) => {
                return Err(error.into_error(PROVIDER, ErrorKind::Authentication).of(&TOKEN));
            }
            Err(_) => return Err(delegate::too_slow(PROVIDER).of(&TOKEN)),
        };
        let (access_token, lifetime) = token.into_parts();
        Ok(Granted { access_token, refresh_token: None, lifetime, asked_at })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn bearer(access_token: &SecretString) -> Result<HeaderValue, Error> {
    let mut header = HeaderValue::try_from(format!("{BEARER}{}", access_token.expose_secret()))
        .map_err(|_| unreadable("the access token is not fit for a header"))?;
    header.set_sensitive(true);
    Ok(header)
}

fn shut_down() -> Error {
    Error::new(ErrorKind::Transport, "the runtime was shut down during the token request")
        .of(&TOKEN)
        .with_outcome(Outcome::NotSent)
}
