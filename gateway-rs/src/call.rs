//! One call: a request, its options, and the ways to send it.

use std::time::Duration;

use crate::client::Client;
use crate::encode::Encoder;
use crate::error::Error;
use crate::operation::Operation;
use crate::reply::{RawReply, Reply};

/// What can be set for one call, apart from its fields.
#[derive(Clone, Debug, Default)]
pub(crate) struct CallOptions {
    pub(crate) timeout: Option<Duration>,
}

/// A call that has not been sent. Fields are set with `set_*`, options with `with_*`.
#[derive(Clone, Debug)]
#[must_use = "a call does nothing until it is sent"]
pub struct Call<'c, R> {
    client: &'c Client,
    request: R,
    options: CallOptions,
}

impl<'c, R: Operation> Call<'c, R> {
    pub(crate) fn new(client: &'c Client, request: R) -> Call<'c, R> {
        Call { client, request, options: CallOptions::default() }
    }

    /// The time for each attempt, instead of the client's.
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.options.timeout = Some(timeout);
        self
    }

    /// The request with its fields.
    pub fn request(&self) -> &R {
        &self.request
    }

    /// Changes the request; what the generated `set_*` of a call are made of.
    pub fn map(self, change: impl FnOnce(R) -> R) -> Self {
        Call { request: change(self.request), ..self }
    }

    /// The body that would be sent, for logs of your own and for tests: signature included, unless
    /// a request signer signs for this client. It may hold sensitive values.
    ///
    /// # Errors
    /// [`crate::ErrorKind::InvalidRequest`] with everything that is wrong with the request.
    pub fn body(&self) -> Result<bytes::Bytes, Error> {
        self.client.encode::<R>(|out| self.request.encode(out)).map(|encoded| encoded.body)
    }

    /// Sends the call and reads its reply.
    ///
    /// Dropping the future before it ends (a `select!`, a cancelled task) cuts the connection: for
    /// a call that moves money the outcome is then [`crate::Outcome::Unknown`], and only a query
    /// can tell what became of it.
    ///
    /// # Errors
    /// Every [`crate::ErrorKind`]; see [`Error::outcome`] for whether the gateway may have acted.
    pub async fn send(self) -> Result<Reply<R::Reply>, Error> {
        let raw = self.send_raw().await?;
        crate::client::read_reply::<R>(raw)
    }

    /// Sends the call and leaves `data` unread.
    ///
    /// # Errors
    /// As [`Call::send`], but for replies of an unknown shape.
    pub async fn send_raw(self) -> Result<RawReply, Error> {
        let encoded = {
            let request = &self.request;
            self.client.encode::<R>(|out: &mut Encoder<'_>| request.encode(out))?
        };
        // Boxed, so that the future of a call is a few words and not the whole HTTP machinery.
        self.client.exchange(&R::META, encoded, self.options).await
    }

    pub(crate) fn into_parts(self) -> (&'c Client, R, CallOptions) {
        (self.client, self.request, self.options)
    }

    pub(crate) fn from_parts(client: &'c Client, request: R, options: CallOptions) -> Call<'c, R> {
        Call { client, request, options }
    }
}
