//! [`GatewayCore`]: the client, under the class `Gateway` of each language.
//!
//! Its operations are emitted (`generated/operations.rs`); here stands what is the same for all of
//! them, and what is no operation.

use std::sync::Arc;

use kess_gateway::{Client, Sealable, Sealed, objects};

use crate::convert::{Foreign, Native, Sensitive};
use crate::delegate::AccessToken;
use crate::failure::CallError;
use crate::generated::records;
use crate::runtime;
use crate::settings::Settings;

/// A connection to the gateway. Users have the class `Gateway`, which is made of it.
#[derive(uniffi::Object)]
pub struct GatewayCore {
    client: Client,
}

impl GatewayCore {
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Seals a customer or a card.
    pub(crate) fn seal<T>(
        &self,
        record: T,
        field: &'static str,
    ) -> Result<Sealed<T::Native>, CallError>
    where
        T: Native,
        T::Native: Sealable,
    {
        Ok(self.client.seal(&record.into_native(field)?)?)
    }
}

#[uniffi::export]
impl GatewayCore {
    /// Prepares a client. Nothing is sent yet.
    #[uniffi::constructor]
    pub fn new(settings: Settings) -> Result<Arc<Self>, CallError> {
        Ok(Arc::new(Self { client: settings.client()? }))
    }

    /// Fetches a token if there is none: a check of the credentials that does nothing else.
    pub async fn authenticate(&self) -> Result<(), CallError> {
        let client = self.client.clone();
        runtime::run(async move { client.authenticate().await }).await.map_err(CallError::from)
    }

    /// Where the gateway is.
    pub fn base_url(&self) -> String {
        self.client.base_url().as_str().to_owned()
    }

    /// The page on which an order is paid.
    pub fn payment_link(&self, order_token: Sensitive) -> String {
        self.client.base_url().payment_link(order_token.expose())
    }

    /// The page that charges a saved card.
    pub fn card_token_link(&self, order_token: Sensitive, card_token: Sensitive) -> Sensitive {
        self.client.base_url().card_token_link(order_token.expose(), card_token.expose())
    }

    /// Signs a request for an app that holds no secret, with this client's own: the server's half
    /// of `RequestSigner`. Look at who asks and for what before you call it; the body is checked
    /// for being one request that can be read in one way only.
    pub fn sign(&self, body: Sensitive) -> Result<String, CallError> {
        let request = kess_gateway::UnsignedRequest::from_json(body.expose().as_bytes())?;
        Ok(self.client.sign(&request)?)
    }

    /// A token for an app that holds no secret: the server's half of `TokenProvider`.
    pub async fn access_token(&self) -> Result<AccessToken, CallError> {
        let client = self.client.clone();
        let token = runtime::run(async move { client.access_token().await }).await?;
        let (value, lifetime) = (token.expose().to_owned().into(), token.lifetime());
        Ok(AccessToken { value, lifetime })
    }

    /// Checks the signature of a notice that the gateway posted, and reads it. What it says is
    /// confirmed by a query before anybody relies on it.
    pub fn verify_notice(&self, body: Vec<u8>) -> Result<records::WebhookNotice, CallError> {
        let notice = self.client.webhook_verifier()?.verify(&body)?;
        Ok(notice.read::<objects::WebhookNotice>()?.into_foreign())
    }
}
