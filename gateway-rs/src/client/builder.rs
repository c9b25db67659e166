//! The configuration of a [`Client`], checked once in [`ClientBuilder::build`].

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use url::{Host, Url};

use super::signing::Signing;
use super::{Client, Inner};
use crate::auth::{Auth, Credentials, GrantRequests, Source};
use crate::delegate::{self, RequestSigner, TokenProvider};
use crate::error::{Error, ErrorKind};
use crate::reply_signature::{Habit, ReplySignaturePolicy};
use crate::retry::RetryPolicy;
use crate::seal::PublicKey;
use crate::sign::{SignType, SigningKey};
use crate::transport::{HttpTransport, HttpTransportOptions, Transport};

/// Where a gateway is. Merchants get their host with their credentials; two have names.
///
/// ```
/// use kess_gateway::BaseUrl;
/// assert_eq!("sandbox".parse::<BaseUrl>()?, BaseUrl::sandbox());
/// assert_eq!("https://pay.example.com/".parse::<BaseUrl>()?.as_str(), "https://pay.example.com");
/// assert!("http://127.0.0.1:8080".parse::<BaseUrl>().is_ok());
/// assert!("http://pay.example.com".parse::<BaseUrl>().is_err(), "not encrypted");
/// # Ok::<(), kess_gateway::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct BaseUrl(Url);

impl BaseUrl {
    /// The gateway's public test host.
    #[must_use]
    pub fn sandbox() -> BaseUrl {
        BaseUrl(Url::parse("https://devwebpayment.kesspay.io").expect("a constant URL"))
    }

    /// The production host.
    #[must_use]
    pub fn production() -> BaseUrl {
        BaseUrl(Url::parse("https://webpay.kesspay.io").expect("a constant URL"))
    }

    /// The URL, without a slash at its end.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str().trim_end_matches('/')
    }

    /// Whether connections are not encrypted, which only loopback addresses may be.
    fn is_plain(&self) -> bool {
        self.0.scheme() == "http"
    }

    /// The URL with segments after its path, each percent-encoded.
    pub(crate) fn with_segments(&self, segments: &[&str]) -> Url {
        let mut url = self.0.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }
}

impl FromStr for BaseUrl {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text.trim() {
            "sandbox" => return Ok(BaseUrl::sandbox()),
            "production" => return Ok(BaseUrl::production()),
            _ => {}
        }
        let wrong = |what: &str| Error::new(ErrorKind::Config, format!("the base URL {what}"));
        let url = Url::parse(text.trim()).map_err(|source| {
            wrong("is neither sandbox, nor production, nor a URL").with_source(source)
        })?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong("must not hold a user name or a password"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(wrong("must not hold a query or a fragment"));
        }
        match url.scheme() {
            "https" if url.has_host() => Ok(BaseUrl(url)),
            "http" if is_loopback(&url) => Ok(BaseUrl(url)),
            "http" => Err(wrong("is plain http, which is allowed for loopback addresses only")),
            _ => Err(wrong("does not begin with https://")),
        }
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BaseUrl({})", self.as_str())
    }
}

/// Builds a [`Client`].
#[derive(Clone)]
#[must_use = "a builder does nothing until `build`"]
pub struct ClientBuilder {
    base_url: Option<BaseUrl>,
    credentials: Option<Credentials>,
    api_secret: Option<SecretString>,
    signer: Option<Arc<dyn RequestSigner>>,
    tokens: Option<Arc<dyn TokenProvider>>,
    sign_type: SignType,
    seller_code: Option<String>,
    public_key: Option<PublicKey>,
    timeout: Duration,
    connections: HttpTransportOptions,
    retry: RetryPolicy,
    reply_signature: Option<ReplySignaturePolicy>,
    transport: Option<Arc<dyn Transport>>,
}

impl Default for ClientBuilder {
    fn default() -> Self {
        ClientBuilder {
            base_url: None,
            credentials: None,
            api_secret: None,
            signer: None,
            tokens: None,
            sign_type: SignType::default(),
            seller_code: None,
            public_key: None,
            // Longer than the half minute after which gateways in between give up, so that their
            // answer is heard rather than guessed.
            timeout: Duration::from_secs(60),
            connections: HttpTransportOptions::default(),
            retry: RetryPolicy::default(),
            reply_signature: None,
            transport: None,
        }
    }
}

impl ClientBuilder {
    /// Where the gateway is. Required.
    pub fn base_url(mut self, base_url: BaseUrl) -> Self {
        self.base_url = Some(base_url);
        self
    }

    /// The OAuth client and user. Required, unless there is a token provider.
    pub fn credentials(mut self, credentials: Credentials) -> Self {
        self.credentials = Some(credentials);
        self
    }

    /// The API secret key, with which requests are signed. Required, unless there is a request
    /// signer.
    pub fn api_secret(mut self, api_secret: impl Into<String>) -> Self {
        self.api_secret = Some(SecretString::from(api_secret.into()));
        self
    }

    /// Has requests signed elsewhere, instead of with an API secret key. See
    /// [`delegate`](crate::delegate).
    ///
    /// Replies and notices cannot be checked without the key either, so
    /// [`reply_signature`](Self::reply_signature) is off and [`Client::webhook_verifier`] an error.
    pub fn request_signer(mut self, signer: impl RequestSigner) -> Self {
        self.signer = Some(Arc::new(signer));
        self
    }

    /// Gets access tokens from elsewhere, instead of with credentials. See
    /// [`delegate`](crate::delegate).
    pub fn token_provider(mut self, tokens: impl TokenProvider) -> Self {
        self.tokens = Some(Arc::new(tokens));
        self
    }

    /// How requests are signed; `HMAC-SHA256` unless said otherwise.
    pub fn sign_type(mut self, sign_type: SignType) -> Self {
        self.sign_type = sign_type;
        self
    }

    /// The seller code that calls carry unless they are given another.
    pub fn seller_code(mut self, seller_code: impl Into<String>) -> Self {
        self.seller_code = Some(seller_code.into());
        self
    }

    /// The merchant's public key, for [`Client::seal`].
    pub fn public_key(mut self, public_key: PublicKey) -> Self {
        self.public_key = Some(public_key);
        self
    }

    /// The time for each attempt of a call; 60 seconds unless said otherwise.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The time to make a connection; 10 seconds unless said otherwise.
    pub fn connect_timeout(mut self, connect_timeout: Duration) -> Self {
        self.connections.connect_timeout = connect_timeout;
        self
    }

    /// How many idle connections are kept; 4,096 unless said otherwise.
    pub fn max_idle_connections(mut self, max_idle: usize) -> Self {
        self.connections.max_idle = max_idle;
        self
    }

    /// How often calls are sent again, where that is harmless.
    pub fn retry(mut self, retry: RetryPolicy) -> Self {
        self.retry = retry;
        self
    }

    /// What is done about the signature of replies; reported unless said otherwise, and off where a
    /// request signer signs, because checking needs the API secret key.
    pub fn reply_signature(mut self, policy: ReplySignaturePolicy) -> Self {
        self.reply_signature = Some(policy);
        self
    }

    /// Another transport than HTTP, for tests.
    pub fn transport(mut self, transport: Arc<dyn Transport>) -> Self {
        self.transport = Some(transport);
        self
    }

    /// Checks the configuration. Nothing is sent yet.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] where something is missing, empty, or does not go with another choice.
    pub fn build(self) -> Result<Client, Error> {
        let base_url = self.base_url.ok_or_else(|| missing("the base URL"))?;
        let signing = signing(self.api_secret, self.signer)?;
        let reply_signature = reply_signature(self.reply_signature, &signing)?;
        let seller_code = self.seller_code.map(|code| code.trim().to_owned());
        let transport = match self.transport {
            Some(transport) => transport,
            None if base_url.is_plain() => Arc::new(HttpTransport::plain(&self.connections)?),
            None => Arc::new(HttpTransport::new(&self.connections)?),
        };
        let source = match (self.credentials, self.tokens) {
            (Some(_), Some(_)) => return Err(both("credentials", "a token provider")),
            (None, Some(tokens)) => Source::Elsewhere(tokens),
            (Some(credentials), None) => Source::Gateway(Box::new(GrantRequests {
                transport: Arc::clone(&transport),
                url: base_url.with_segments(&["oauth", "token"]),
                credentials,
            })),
            (None, None) => return Err(missing("the OAuth client and user")),
        };
        let auth = Auth::new(source, self.timeout, self.retry);
        Ok(Client(Arc::new(Inner {
            gateway_url: base_url.with_segments(&["api", "mch", "v2", "gateway"]),
            base_url,
            transport,
            auth,
            signing,
            sign_type: self.sign_type,
            seller_code: seller_code.filter(|code| !code.is_empty()),
            public_key: self.public_key,
            timeout: self.timeout,
            retry: self.retry,
            reply_signature,
            reply_habit: Habit::default(),
        })))
    }
}

fn signing(
    api_secret: Option<SecretString>,
    signer: Option<Arc<dyn RequestSigner>>,
) -> Result<Signing, Error> {
    let api_secret = api_secret.filter(|secret| !secret.expose_secret().trim().is_empty());
    match (api_secret, signer) {
        (Some(_), Some(_)) => Err(both("an API secret key", "a request signer")),
        (Some(secret), None) => Ok(Signing::Here(SigningKey::new(secret))),
        (None, Some(signer)) => Ok(Signing::Elsewhere(signer)),
        (None, None) => Err(missing("the API secret key")),
    }
}

fn reply_signature(
    asked: Option<ReplySignaturePolicy>,
    signing: &Signing,
) -> Result<ReplySignaturePolicy, Error> {
    match (asked, signing) {
        (None, Signing::Here(_)) => Ok(ReplySignaturePolicy::default()),
        (None | Some(ReplySignaturePolicy::Off), Signing::Elsewhere(_)) => {
            Ok(ReplySignaturePolicy::Off)
        }
        (Some(policy), Signing::Here(_)) => Ok(policy),
        (Some(_), Signing::Elsewhere(_)) => {
            Err(delegate::no_secret("checking the signature of replies"))
        }
    }
}

fn missing(what: &str) -> Error {
    Error::new(ErrorKind::Config, format!("{what} is not set"))
}

fn both(one: &str, other: &str) -> Error {
    Error::new(ErrorKind::Config, format!("{one} and {other} are both set; a client has one"))
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder").field("base_url", &self.base_url).finish_non_exhaustive()
    }
}
