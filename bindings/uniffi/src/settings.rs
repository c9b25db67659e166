//! What a client is made of: [`Settings`], and who signs for it, [`Access`].

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use kess_gateway::{BaseUrl, Client, Credentials, ErrorKind, PublicKey, RetryPolicy, SignType};

use crate::convert::Sensitive;
use crate::delegate::{RequestSigner, Signer, TokenProvider, Tokens};
use crate::failure::CallError;

/// How the gateway is reached.
#[derive(Clone, Debug, uniffi::Record)]
pub struct Settings {
    /// Where the gateway is: `sandbox`, `production`, or a URL of its own.
    pub base_url: String,
    /// Who signs, and where tokens come from.
    pub access: Access,
    /// The seller code that calls carry unless they are given another.
    #[uniffi(default = None)]
    pub seller_code: Option<String>,
    /// The merchant's public key in PEM, which seals customers and cards. It is no secret.
    #[uniffi(default = None)]
    pub public_key: Option<String>,
    /// `HMAC-SHA256`, which it is unless said otherwise, or `MD5`.
    #[uniffi(default = None)]
    pub sign_type: Option<String>,
    /// The time for each attempt of a call; 60 seconds unless said otherwise.
    #[uniffi(default = None)]
    pub timeout: Option<Duration>,
    /// The time to make a connection; 10 seconds unless said otherwise.
    #[uniffi(default = None)]
    pub connect_timeout: Option<Duration>,
    /// How often a call is sent at most, where sending it again is harmless; 3 unless said
    /// otherwise.
    #[uniffi(default = None)]
    pub max_attempts: Option<u32>,
}

/// Who signs requests, and where access tokens come from.
#[derive(Clone, uniffi::Enum)]
pub enum Access {
    /// The merchant's own secrets. **For servers only**: whoever has an app has what is in it.
    Merchant {
        /// The OAuth client's id.
        client_id: String,
        /// The OAuth client's secret.
        client_secret: Sensitive,
        /// The user's name.
        username: String,
        /// The user's password.
        password: Sensitive,
        /// The API secret key, with which requests are signed.
        api_secret: Sensitive,
    },
    /// The app's own server signs and hands out tokens; the app holds no secret.
    Delegated {
        /// Has requests signed.
        signer: Arc<dyn RequestSigner>,
        /// Has tokens handed out.
        tokens: Arc<dyn TokenProvider>,
    },
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Access::Merchant { .. } => "Merchant",
            Access::Delegated { .. } => "Delegated",
        })
    }
}

impl Settings {
    /// The client that they describe. Nothing is sent yet.
    pub(crate) fn client(self) -> Result<Client, CallError> {
        let mut builder = Client::builder().base_url(self.base_url.parse::<BaseUrl>()?);
        builder = match self.access {
            Access::Merchant { client_id, client_secret, username, password, api_secret } => {
                let (client_secret, password) =
                    (client_secret.into_exposed(), password.into_exposed());
                builder
                    .credentials(Credentials::new(client_id, client_secret, username, password))
                    .api_secret(api_secret.into_exposed())
            }
            Access::Delegated { signer, tokens } => {
                builder.request_signer(Signer(signer)).token_provider(Tokens(tokens))
            }
        };
        if let Some(seller_code) = self.seller_code {
            builder = builder.seller_code(seller_code);
        }
        if let Some(pem) = self.public_key {
            builder = builder.public_key(PublicKey::from_pem(&pem)?);
        }
        if let Some(name) = self.sign_type {
            builder = builder.sign_type(name.parse::<SignType>()?);
        }
        if let Some(timeout) = self.timeout {
            builder = builder.timeout(timeout);
        }
        if let Some(timeout) = self.connect_timeout {
            builder = builder.connect_timeout(timeout);
        }
        if let Some(attempts) = self.max_attempts {
            builder = builder.retry(retry(attempts)?);
        }
        Ok(builder.build()?)
    }
}

fn retry(attempts: u32) -> Result<RetryPolicy, CallError> {
    if attempts == 0 {
        let text = "max_attempts: a call is sent once at least".to_owned();
        return Err(CallError::setup(ErrorKind::Config, text));
    }
    Ok(RetryPolicy { max_attempts: attempts, ..RetryPolicy::default() })
}
