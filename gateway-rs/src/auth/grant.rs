//! The gateway's own grants: the token request with password or refresh token, and its answer.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::decode;
use crate::envelope::{self, Envelope};
use crate::error::{Error, ErrorKind};
use crate::operation::{Effect, Idempotency, OperationMeta};
use crate::transport::{HttpRequest, HttpResponse, Transport};

/// The token request, as errors call it.
pub(super) const TOKEN: OperationMeta = OperationMeta {
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

/// Where the merchant's credentials become tokens.
pub(crate) struct GrantRequests {
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) url: Url,
    pub(crate) credentials: Credentials,
}

impl GrantRequests {
    pub(super) async fn request(&self, form: &Form<'_>, timeout: Duration) -> Result<Grant, Error> {
        let body = serde_json::to_vec(form).map_err(|_| unreadable("the credentials"))?;
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        let request =
            HttpRequest { url: self.url.clone(), headers, body: Bytes::from(body), timeout };
        let response = self.transport.send(request).await;
        let response = response.map_err(|error| crate::client::transport_error(&TOKEN, error))?;
        read_grant(&response)
    }

    pub(super) fn password_form(&self) -> Form<'_> {
        Form {
            grant_type: "password",
            username: Some(&self.credentials.username),
            password: Some(self.credentials.password.expose_secret()),
            ..self.form()
        }
    }

    pub(super) fn refresh_form<'a>(&'a self, refresh_token: &'a SecretString) -> Form<'a> {
        let refresh_token = Some(refresh_token.expose_secret());
        Form { grant_type: "refresh_token", refresh_token, ..self.form() }
    }

    fn form(&self) -> Form<'_> {
        Form {
            grant_type: "",
            client_id: &self.credentials.client_id,
            client_secret: self.credentials.client_secret.expose_secret(),
            username: None,
            password: None,
            refresh_token: None,
        }
    }
}

/// The body of a token request.
#[derive(Serialize)]
pub(super) struct Form<'a> {
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
pub(super) struct Grant {
    #[serde(deserialize_with = "secret")]
    pub(super) access_token: SecretString,
    #[serde(default, deserialize_with = "optional_secret")]
    pub(super) refresh_token: Option<SecretString>,
    #[serde(default, deserialize_with = "decode::field")]
    pub(super) expires_in: Option<i64>,
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

pub(super) fn unreadable(text: &str) -> Error {
    Error::new(ErrorKind::Decode, text).of(&TOKEN)
}
