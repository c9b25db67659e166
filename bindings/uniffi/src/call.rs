//! Sending a call for the other languages: with a time limit, and in a way that they can give up.
//!
//! A coroutine of Kotlin that is cancelled drops the future, and the call with it. A task of Swift
//! cannot reach it; it is given a [`Cancellation`].

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt};
use kess_gateway::{Call, Client, Error, Operation, OperationMeta, Paged, Ranged};
use payout_engine::Cancel;
use tokio::sync::Mutex;

use crate::convert::Foreign;
use crate::failure::CallError;
use crate::gateway::GatewayCore;
use crate::runtime;

/// Gives calls up, from any thread. Used by the packages themselves.
#[derive(Debug, Default, uniffi::Object)]
pub struct Cancellation(Cancel);

#[uniffi::export]
impl Cancellation {
    /// Nothing is given up yet.
    #[uniffi::constructor]
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Gives up whatever was started with it.
    pub fn cancel(&self) {
        self.0.cancel();
    }
}

impl Cancellation {
    /// Ends when it is given up.
    pub(crate) async fn cancelled(&self) {
        self.0.cancelled().await;
    }
}

/// What can be said about one call, apart from its request.
#[derive(Clone, Debug, Default, uniffi::Record)]
pub struct CallOptions {
    /// The time for each attempt, instead of the client's.
    #[uniffi(default = None)]
    pub timeout: Option<Duration>,
    /// How to give the call up.
    #[uniffi(default = None)]
    pub cancellation: Option<Arc<Cancellation>>,
}

impl CallOptions {
    fn call<R: Operation>(&self, client: &Client, request: R) -> Prepared<R> {
        Prepared { client: client.clone(), request, timeout: self.timeout }
    }

    /// Does the work, unless it is given up.
    async fn unless_cancelled<T>(
        self,
        meta: &'static OperationMeta,
        work: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> Result<T, CallError>
    where
        T: Send + 'static,
    {
        let work = async move { work.await.map_err(|error| CallError::of(&error, meta)) };
        runtime::run(async move {
            let Some(cancellation) = self.cancellation else { return work.await };
            tokio::select! {
                biased;
                () = cancellation.cancelled() => Err(CallError::cancelled(meta)),
                done = work => done,
            }
        })
        .await
    }
}

/// A call with a client of its own.
struct Prepared<R> {
    client: Client,
    request: R,
    timeout: Option<Duration>,
}

impl<R: Operation + Clone> Prepared<R> {
    fn call(&self) -> Call<'_, R> {
        let call = self.client.call(self.request.clone());
        match self.timeout {
            Some(timeout) => call.with_timeout(timeout),
            None => call,
        }
    }
}

impl GatewayCore {
    /// Sends a request and converts what is answered.
    pub(crate) async fn send<R>(
        &self,
        request: R,
        options: CallOptions,
    ) -> Result<<R::Reply as Foreign>::Foreign, CallError>
    where
        R: Operation + Clone + 'static,
        R::Reply: Foreign + Send + 'static,
    {
        let prepared = options.call(self.client(), request);
        let work = async move { prepared.call().send().await.map(kess_gateway::Reply::into_inner) };
        options.unless_cancelled(&R::META, work).await.map(Foreign::into_foreign)
    }
}

/// The rows of a list, one exchange after the other.
type RowStream<T> = BoxStream<'static, Result<Vec<T>, Error>>;

/// A list that comes in pieces, from the piece that the request asks for.
pub(crate) struct Pieces<T> {
    meta: &'static OperationMeta,
    stream: Arc<Mutex<RowStream<T>>>,
}

impl<T: Foreign + Send + 'static> Pieces<T> {
    /// The list behind pages.
    pub(crate) fn by_page<R: Paged<Item = T>>(
        client: &Client,
        request: R,
        options: &CallOptions,
    ) -> Pieces<T> {
        let pages = options.call(client, request).call().by_page();
        Pieces::new::<R>(pages.map_ok(|page| page.into_inner().items).boxed())
    }

    /// The list behind ranges.
    pub(crate) fn by_range<R: Ranged<Item = T>>(
        client: &Client,
        request: R,
        options: &CallOptions,
    ) -> Pieces<T> {
        let ranges = options.call(client, request).call().by_range();
        Pieces::new::<R>(ranges.map_ok(|range| R::into_rows(range.into_inner())).boxed())
    }

    fn new<R: Operation>(stream: RowStream<T>) -> Pieces<T> {
        Pieces { meta: &R::META, stream: Arc::new(Mutex::new(stream)) }
    }

    /// The rows of the next piece; `None` behind the last.
    pub(crate) async fn next(
        &self,
        options: CallOptions,
    ) -> Result<Option<Vec<T::Foreign>>, CallError> {
        let stream = Arc::clone(&self.stream);
        let work = async move { stream.lock().await.try_next().await };
        options.unless_cancelled(self.meta, work).await.map(Foreign::into_foreign)
    }
}

/// An object of the interface that goes through a list, piece by piece.
macro_rules! pages {
    ($(#[$about:meta])* $name:ident of $item:ident) => {
        $(#[$about])*
        #[derive(uniffi::Object)]
        pub struct $name($crate::call::Pieces<kess_gateway::objects::$item>);

        #[uniffi::export]
        impl $name {
            /// The rows of the next piece; nothing behind the last.
            pub async fn next(
                &self,
                options: $crate::call::CallOptions,
            ) -> Result<
                Option<Vec<$crate::generated::records::$item>>,
                $crate::failure::CallError,
            > {
                self.0.next(options).await
            }
        }
    };
}
pub(crate) use pages;
