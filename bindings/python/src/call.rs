//! Calls whose type is forgotten, so that one way from Python serves every operation.
//!
//! Generated code makes a request out of [`Fields`] and hands it to [`prepared`]; from then on it
//! is an [`AnyCall`], which can be looked at, sent, or gone through piece by piece. No other part
//! of the crate knows the type of a request.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use futures_util::{FutureExt, StreamExt};
use kess_gateway::{Client, Error, Operation, OperationMeta, Paged, Ranged, Reply};
use pyo3::prelude::*;
use pyo3::types::PyList;

use crate::fields::Fields;
use crate::record;
use crate::value::{ToPython, list};

/// Makes a call out of the arguments of an operation; what the generated table holds.
pub(crate) type Prepare = fn(&Fields<'_, '_>) -> PyResult<Box<dyn AnyCall>>;

/// The pieces of a list, one exchange each.
pub(crate) type Pieces = BoxStream<'static, Result<Box<dyn AnyPiece>, Error>>;

/// A call with all its fields, that has not been sent.
pub(crate) trait AnyCall: Send {
    /// The constant facts about its operation.
    fn meta(&self) -> &'static OperationMeta;

    /// The body that would be sent, signature included.
    fn body(&self, client: &Client) -> Result<Bytes, Error>;

    /// Sends it.
    fn send(
        self: Box<Self>,
        client: Client,
        timeout: Option<Duration>,
    ) -> BoxFuture<'static, Result<Box<dyn AnyReply>, Error>>;

    /// Goes through the list that it asks for; `None` where it does not ask for one in pieces.
    fn pieces(self: Box<Self>, client: Client, timeout: Option<Duration>) -> Option<Pieces>;
}

/// A successful answer.
pub(crate) trait AnyReply: Send {
    /// The record, rows, page or whatever was answered, with its reply.
    fn to_python<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>>;
}

/// Some rows of a list.
pub(crate) trait AnyPiece: Send {
    /// The rows.
    fn to_python<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>>;
}

/// A call of a request.
pub(crate) fn prepared<R>(request: R) -> Box<dyn AnyCall>
where
    R: Operation + Clone,
    R::Reply: ToPython,
{
    Box::new(Prepared { request, through: |_, _, _| None })
}

/// A call of a request that is answered by page.
pub(crate) fn prepared_paged<R>(request: R) -> Box<dyn AnyCall>
where
    R: Paged,
    R::Reply: ToPython,
    R::Item: ToPython,
{
    let through = |request: R, client: &Client, timeout| {
        let pages = with_timeout(client.call(request), timeout).by_page();
        let piece = |page: Reply<R::Reply>| boxed_piece(page.into_inner().items);
        Some(pages.map(move |page| page.map(piece)).boxed())
    };
    Box::new(Prepared { request, through })
}

/// A call of a request that is answered by range.
pub(crate) fn prepared_ranged<R>(request: R) -> Box<dyn AnyCall>
where
    R: Ranged,
    R::Reply: ToPython,
    R::Item: ToPython,
{
    let through = |request: R, client: &Client, timeout| {
        let ranges = with_timeout(client.call(request), timeout).by_range();
        let piece = |range: Reply<R::Reply>| boxed_piece(R::into_rows(range.into_inner()));
        Some(ranges.map(move |range| range.map(piece)).boxed())
    };
    Box::new(Prepared { request, through })
}

struct Prepared<R> {
    request: R,
    through: fn(R, &Client, Option<Duration>) -> Option<Pieces>,
}

impl<R> AnyCall for Prepared<R>
where
    R: Operation + Clone,
    R::Reply: ToPython,
{
    fn meta(&self) -> &'static OperationMeta {
        &R::META
    }

    fn body(&self, client: &Client) -> Result<Bytes, Error> {
        client.call(self.request.clone()).body()
    }

    fn send(
        self: Box<Self>,
        client: Client,
        timeout: Option<Duration>,
    ) -> BoxFuture<'static, Result<Box<dyn AnyReply>, Error>> {
        async move {
            let reply = with_timeout(client.call(self.request), timeout).send().await?;
            Ok(Box::new(reply) as Box<dyn AnyReply>)
        }
        .boxed()
    }

    fn pieces(self: Box<Self>, client: Client, timeout: Option<Duration>) -> Option<Pieces> {
        (self.through)(self.request, &client, timeout)
    }
}

fn with_timeout<R: Operation>(
    call: kess_gateway::Call<'_, R>,
    timeout: Option<Duration>,
) -> kess_gateway::Call<'_, R> {
    match timeout {
        Some(timeout) => call.with_timeout(timeout),
        None => call,
    }
}

impl<T: ToPython + Send> AnyReply for Reply<T> {
    fn to_python<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let answer = (**self).to_answer(py)?;
        let (status, signature) = (self.status(), self.signature());
        record::attach_reply(&answer, status, self.body(), signature, self.request_id())?;
        Ok(answer)
    }
}

struct Rows<T>(Vec<T>);

fn boxed_piece<T: ToPython + Send + 'static>(rows: Vec<T>) -> Box<dyn AnyPiece> {
    Box::new(Rows(rows))
}

impl<T: ToPython + Send> AnyPiece for Rows<T> {
    fn to_python<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        list(py, &self.0)
    }
}
