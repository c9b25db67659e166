//! Lists that come in pieces: pages, ranges, and the streams over them.
//!
//! Some lists are asked for by page number (`current_page`, `last_page`) and come as a [`Page`],
//! others by a range of rows (`from`, `to`, `hasMore`) and come as objects of their own. Generated
//! requests say which field pages and where the rows are, through [`Paged`] and [`Ranged`]; going
//! on from piece to piece is the same for all and is done here. A stream asks for the next piece
//! only when it is polled for it. It holds a clone of its client, so it can be kept anywhere.
//!
//! Invariant: no stream is endless, and none gives rows twice without a word. A piece that is the
//! one before it again ends the stream with an error.

use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use serde::{Deserialize, Serialize};

use crate::call::Call;
use crate::decode::{FromReply, ReplyObject};
use crate::error::{Error, ErrorKind, Outcome};
use crate::operation::Operation;
use crate::reply::{RawReply, Reply};

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound(deserialize = "T: FromReply"))]
#[non_exhaustive]
pub struct Page<T> {
    /// The rows of this page.
    #[serde(default, alias = "data", deserialize_with = "crate::decode::field")]
    pub items: Vec<T>,
    /// The number of this page, from 1.
    #[serde(default, deserialize_with = "crate::decode::field")]
    pub current_page: Option<i64>,
    /// The number of the last page.
    #[serde(default, deserialize_with = "crate::decode::field")]
    pub last_page: Option<i64>,
    /// How many rows there are on all pages.
    #[serde(default, deserialize_with = "crate::decode::field")]
    pub total: Option<i64>,
    /// How many rows a page has.
    #[serde(default, deserialize_with = "crate::decode::field")]
    pub per_page: Option<i64>,
}

impl<T: FromReply> ReplyObject for Page<T> {
    const NAME: &'static str = "page";
}

/// A request that is answered by page.
pub trait Paged: Operation<Reply = Page<Self::Item>> + Clone {
    /// A row.
    type Item: FromReply + Send + 'static;

    /// The number of the page that is asked for.
    fn page(&self) -> i64;

    /// Asks for another page.
    fn set_page(&mut self, page: i64);
}

/// A request that is answered by range.
pub trait Ranged: Operation + Clone {
    /// A row.
    type Item: FromReply + Send + 'static;

    /// The range that is asked for.
    fn range(&self) -> (i64, i64);

    /// Asks for another range.
    fn set_range(&mut self, from: i64, to: i64);

    /// The rows that came.
    fn rows(reply: &Self::Reply) -> &[Self::Item];

    /// The rows that came, without what stands beside them.
    fn into_rows(reply: Self::Reply) -> Vec<Self::Item>;

    /// Whether there are rows after those that came. Silence means that there are none.
    fn has_more(reply: &Self::Reply) -> bool;
}

impl<R: Paged> Call<'_, R> {
    /// The pages, from the one that the request asks for to the last.
    pub fn by_page(self) -> impl Stream<Item = Result<Reply<R::Reply>, Error>> + Send + use<R> {
        let (client, request, options) = self.into_parts();
        let client = client.clone();
        stream::try_unfold(Some((request, None)), move |state| {
            let (client, options) = (client.clone(), options.clone());
            async move {
                let Some((mut request, before)) = state else { return Ok(None) };
                let call = Call::from_parts(&client, request.clone(), options);
                let reply = unlike::<R>(call.send().await?, before.as_ref())?;
                // What was asked for counts, not what the reply says of itself: a gateway that
                // always says "page 1" must not be asked for ever.
                let page = request.page();
                let more = !reply.items.is_empty() && reply.last_page.is_some_and(|it| page < it);
                request.set_page(page.saturating_add(1));
                let before = Some(reply.raw.clone());
                Ok(Some((reply, more.then_some((request, before)))))
            }
        })
    }

    /// The rows of all pages, from the one that the request asks for.
    pub fn by_item(self) -> impl Stream<Item = Result<R::Item, Error>> + Send + use<R> {
        self.by_page().map_ok(|page| rows(page.into_inner().items)).try_flatten().boxed()
    }
}

impl<R: Ranged> Call<'_, R> {
    /// The ranges, from the one that the request asks for to the last.
    pub fn by_range(self) -> impl Stream<Item = Result<Reply<R::Reply>, Error>> + Send + use<R> {
        let (client, request, options) = self.into_parts();
        let client = client.clone();
        stream::try_unfold(Some((request, None)), move |state| {
            let (client, options) = (client.clone(), options.clone());
            async move {
                let Some((mut request, before)) = state else { return Ok(None) };
                let call = Call::from_parts(&client, request.clone(), options);
                let reply = unlike::<R>(call.send().await?, before.as_ref())?;
                // Nobody has written down whether `to` is the last row or the one after it. The
                // rows that came are counted instead, so none is left out and none comes twice.
                let count = i64::try_from(R::rows(&reply).len()).unwrap_or(i64::MAX);
                let more = count > 0 && R::has_more(&reply);
                let (from, to) = request.range();
                let next = from.saturating_add(count);
                request.set_range(next, next.saturating_add(to.saturating_sub(from)));
                let before = Some(reply.raw.clone());
                Ok(Some((reply, more.then_some((request, before)))))
            }
        })
    }

    /// The rows of all ranges, from the one that the request asks for.
    pub fn by_row(self) -> impl Stream<Item = Result<R::Item, Error>> + Send + use<R> {
        self.by_range().map_ok(|range| rows(R::into_rows(range.into_inner()))).try_flatten().boxed()
    }
}

/// Refuses a piece that is, byte for byte, the one before it: the gateway takes no notice of what
/// it is asked for, and would go on doing so.
fn unlike<R: Operation>(
    reply: Reply<R::Reply>,
    before: Option<&RawReply>,
) -> Result<Reply<R::Reply>, Error> {
    if before.is_none_or(|before| before.data() != reply.raw.data()) {
        return Ok(reply);
    }
    let text = "the gateway answers with the same piece of the list again and again";
    Err(Error::new(ErrorKind::Decode, text)
        .of(&R::META)
        .with_outcome(Outcome::Answered)
        .with_status(reply.status())
        .with_body(reply.body().clone())
        .with_request_id(reply.raw.request_id.clone()))
}

fn rows<T>(items: Vec<T>) -> impl Stream<Item = Result<T, Error>> {
    stream::iter(items).map(Ok)
}
