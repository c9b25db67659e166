//! [`Gateway`]: the client, as `kesspay.Client` and `kesspay.AsyncClient` hold it.
//!
//! It carries calls and knows no operation by name: the generated table does.

use std::sync::{Mutex, PoisonError};

use futures_util::TryFutureExt;
use kess_gateway::{
    BaseUrl, Client, ClientBuilder, Credentials, Effect, OperationMeta, PublicKey,
    ReplySignaturePolicy, RetryPolicy, SignType, objects,
};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::call::AnyCall;
use crate::error::{self, Failed};
use crate::fields::Fields;
use crate::generated::operations::OPERATIONS;
use crate::pages::Pages;
use crate::pending::Pending;
use crate::runtime::{self, Guarded};
use crate::sealed::{self, PySealed};
use crate::seconds::seconds_if;
use crate::value::{Context, ToPython};

/// A connection to the gateway: configuration, token and HTTP connections.
#[pyclass(module = "kesspay._native", frozen)]
pub(crate) struct Gateway {
    /// Empty after `close`.
    client: Mutex<Guarded<Client>>,
    description: String,
}

impl Gateway {
    pub(crate) fn of(client: Client) -> Gateway {
        let description = format!("{:?}", client.base_url());
        Gateway { client: Mutex::new(Guarded::new(client)), description }
    }

    /// The client, for whatever is built on it.
    pub(crate) fn client(&self, py: Python<'_>) -> PyResult<Client> {
        runtime::ready(py)?;
        let client = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        client.get().cloned().ok_or_else(|| {
            let text = "this client is closed; make another one";
            error::raise(py, "ConfigurationError", text, |_| Ok(()))
        })
    }

    fn prepare(
        &self,
        client: &Client,
        operation: &str,
        fields: &Bound<'_, PyDict>,
    ) -> PyResult<Box<dyn AnyCall>> {
        let context = Context::with(client);
        let fields = Fields::of_keywords(operation, fields, &context);
        let at = OPERATIONS.binary_search_by(|(name, _)| (*name).cmp(operation));
        let (_, prepare) = at
            .ok()
            .and_then(|at| OPERATIONS.get(at))
            .ok_or_else(|| PyValueError::new_err(format!("there is no operation {operation}")))?;
        let call = prepare(&fields)?;
        fields.finish()?;
        Ok(call)
    }
}

/// What whoever gives a call up has to know, if anything.
fn doubt(meta: &OperationMeta) -> Option<String> {
    let doubtful = meta.effect != Effect::Read;
    doubtful.then(|| format!("{} was interrupted: {}", meta.name, error::QUERY_FIRST))
}

/// How patient a client is.
struct Patience<'a, 'py> {
    timeout: Option<&'a Bound<'py, PyAny>>,
    connect_timeout: Option<&'a Bound<'py, PyAny>>,
    max_attempts: Option<u32>,
    base_pause: Option<&'a Bound<'py, PyAny>>,
    max_pause: Option<&'a Bound<'py, PyAny>>,
}

impl Patience<'_, '_> {
    fn apply(&self, mut builder: ClientBuilder) -> PyResult<ClientBuilder> {
        if let Some(timeout) = seconds_if("timeout", self.timeout)? {
            builder = builder.timeout(timeout);
        }
        if let Some(timeout) = seconds_if("connect_timeout", self.connect_timeout)? {
            builder = builder.connect_timeout(timeout);
        }
        let mut retry = RetryPolicy::default();
        if let Some(attempts) = self.max_attempts {
            if attempts == 0 {
                return Err(PyValueError::new_err("`max_attempts`: a call is sent once at least"));
            }
            retry.max_attempts = attempts;
        }
        if let Some(pause) = seconds_if("base_pause", self.base_pause)? {
            retry.base_pause = pause;
        }
        if let Some(pause) = seconds_if("max_pause", self.max_pause)? {
            retry.max_pause = pause;
        }
        Ok(builder.retry(retry))
    }
}

fn reply_signature_policy(text: &str) -> PyResult<ReplySignaturePolicy> {
    Ok(match text {
        "off" => ReplySignaturePolicy::Off,
        "report" => ReplySignaturePolicy::Report,
        "enforce" => ReplySignaturePolicy::Enforce,
        _ => {
            let text = "`reply_signature`: one of \"off\", \"report\" and \"enforce\"";
            return Err(PyValueError::new_err(text));
        }
    })
}

#[pymethods]
impl Gateway {
    #[new]
    #[pyo3(signature = (*, base_url, client_id, client_secret, username, password, api_secret,
        seller_code=None, public_key=None, sign_type=None, timeout=None, connect_timeout=None,
        max_attempts=None, base_pause=None, max_pause=None, reply_signature=None))]
    #[expect(clippy::too_many_arguments, reason = "keyword arguments of Python")]
    fn new(
        py: Python<'_>,
        base_url: &str,
        client_id: String,
        client_secret: String,
        username: String,
        password: String,
        api_secret: String,
        seller_code: Option<String>,
        public_key: Option<&str>,
        sign_type: Option<&str>,
        timeout: Option<&Bound<'_, PyAny>>,
        connect_timeout: Option<&Bound<'_, PyAny>>,
        max_attempts: Option<u32>,
        base_pause: Option<&Bound<'_, PyAny>>,
        max_pause: Option<&Bound<'_, PyAny>>,
        reply_signature: Option<&str>,
    ) -> PyResult<Gateway> {
        let setup = |error: kess_gateway::Error| error::of_setup(py, &error);
        let mut builder = Client::builder()
            .base_url(base_url.parse::<BaseUrl>().map_err(setup)?)
            .credentials(Credentials::new(client_id, client_secret, username, password))
            .api_secret(api_secret);
        if let Some(seller_code) = seller_code {
            builder = builder.seller_code(seller_code);
        }
        if let Some(pem) = public_key {
            builder = builder.public_key(PublicKey::from_pem(pem).map_err(setup)?);
        }
        if let Some(name) = sign_type {
            builder = builder.sign_type(name.parse::<SignType>().map_err(setup)?);
        }
        if let Some(policy) = reply_signature {
            builder = builder.reply_signature(reply_signature_policy(policy)?);
        }
        let patience = Patience { timeout, connect_timeout, max_attempts, base_pause, max_pause };
        Ok(Gateway::of(patience.apply(builder)?.build().map_err(setup)?))
    }

    /// A call, not sent yet.
    #[pyo3(signature = (operation, fields, timeout=None))]
    fn call(
        &self,
        py: Python<'_>,
        operation: &str,
        fields: &Bound<'_, PyDict>,
        timeout: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Pending> {
        let client = self.client(py)?;
        let timeout = seconds_if("timeout", timeout)?;
        let call = self.prepare(&client, operation, fields)?;
        let meta = call.meta();
        let effect = meta.effect;
        let sent = call.send(client, timeout).map_err(move |error| Failed { error, effect });
        let pending = Pending::new(sent, |py, reply| Ok(reply.to_python(py)?.unbind()));
        Ok(pending.with_doubt(doubt(meta)))
    }

    /// Goes through a list that comes in pieces. Nothing is sent yet.
    #[pyo3(signature = (operation, fields, timeout=None))]
    fn pages(
        &self,
        py: Python<'_>,
        operation: &str,
        fields: &Bound<'_, PyDict>,
        timeout: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Pages> {
        let client = self.client(py)?;
        let timeout = seconds_if("timeout", timeout)?;
        let call = self.prepare(&client, operation, fields)?;
        let effect = call.meta().effect;
        let pieces = call.pieces(client, timeout).ok_or_else(|| {
            PyValueError::new_err(format!("{operation} does not answer with a list in pieces"))
        })?;
        Ok(Pages::new(pieces, effect))
    }

    /// The body that would be sent, signature included.
    fn body<'py>(
        &self,
        py: Python<'py>,
        operation: &str,
        fields: &Bound<'py, PyDict>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let client = self.client(py)?;
        let body = self.prepare(&client, operation, fields)?.body(&client);
        let body = body.map_err(|error| error::of_setup(py, &error))?;
        Ok(PyBytes::new(py, &body))
    }

    /// Fetches a token if there is none.
    fn authenticate(&self, py: Python<'_>) -> PyResult<Pending> {
        let client = self.client(py)?;
        let effect = Effect::Read;
        let work =
            async move { client.authenticate().await.map_err(|error| Failed { error, effect }) };
        Ok(Pending::new(work, |py, ()| Ok(py.None())))
    }

    /// Encrypts a customer or a card.
    fn seal(&self, py: Python<'_>, record: &Bound<'_, PyAny>) -> PyResult<PySealed> {
        sealed::seal(&self.client(py)?, record)
    }

    /// Checks a notice's signature and reads it.
    fn verify_notice<'py>(&self, py: Python<'py>, body: &[u8]) -> PyResult<Bound<'py, PyAny>> {
        let setup = |error: kess_gateway::Error| error::of_setup(py, &error);
        let verifier = self.client(py)?.webhook_verifier().map_err(setup)?;
        let notice = verifier.verify(body).map_err(setup)?;
        notice.read::<objects::WebhookNotice>().map_err(setup)?.to_python(py)
    }

    /// Checks a notice's signature and gives the fields that it covers.
    fn notice_fields<'py>(&self, py: Python<'py>, body: &[u8]) -> PyResult<Bound<'py, PyDict>> {
        let setup = |error: kess_gateway::Error| error::of_setup(py, &error);
        let verifier = self.client(py)?.webhook_verifier().map_err(setup)?;
        let notice = verifier.verify(body).map_err(setup)?;
        let fields = PyDict::new(py);
        for (name, value) in notice.fields() {
            fields.set_item(name, value)?;
        }
        Ok(fields)
    }

    /// The page on which an order is paid.
    fn payment_link(&self, py: Python<'_>, order_token: &str) -> PyResult<String> {
        Ok(self.client(py)?.base_url().payment_link(order_token))
    }

    /// The page that charges a saved card.
    fn card_token_link(
        &self,
        py: Python<'_>,
        order_token: &str,
        card_token: &str,
    ) -> PyResult<String> {
        let client = self.client(py)?;
        Ok(client.base_url().card_token_link(order_token, card_token).into_exposed())
    }

    /// Where the gateway is.
    #[getter]
    fn base_url(&self, py: Python<'_>) -> PyResult<String> {
        Ok(self.client(py)?.base_url().as_str().to_owned())
    }

    /// The seller code that calls carry unless they are given another.
    #[getter]
    fn seller_code(&self, py: Python<'_>) -> PyResult<Option<String>> {
        Ok(self.client(py)?.seller_code().map(str::to_owned))
    }

    /// Another handle to the same token and connections, with an end of its own.
    fn share(&self, py: Python<'_>) -> PyResult<Gateway> {
        Ok(Gateway::of(self.client(py)?))
    }

    /// Lets go of token and connections. Calls under way go on.
    fn close(&self) {
        let client = self.client.lock().unwrap_or_else(PoisonError::into_inner).take();
        // A forked child forgets it.
        drop(client.map(Guarded::new));
    }

    /// Whether `close` was called.
    #[getter]
    fn closed(&self) -> bool {
        self.client.lock().unwrap_or_else(PoisonError::into_inner).get().is_none()
    }

    fn __repr__(&self) -> String {
        format!("<Gateway {}>", self.description)
    }
}
