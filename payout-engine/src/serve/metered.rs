//! A gateway that is measured: every call by service, by how it ended and by how long it took, and
//! a span for each where traces are on.
//!
//! Invariant: it passes on what it is asked and what is answered, and keeps nothing of either but
//! the kind of the answer.

use std::sync::Arc;
use std::time::Instant;

use futures_util::future::BoxFuture;
use futures_util::stream::{BoxStream, StreamExt, unfold};
use jiff::civil::Date;
use tracing::{Instrument, Span, field::Empty};

use super::{TARGET, metrics::Metrics};
use crate::{
    batch::GatewayIdentity,
    gateway::{
        BankToken, CallError, Gateway, Holder, OrderView, SealedPayee, Sealing, Wallet, Withdrawal,
    },
    order_no::OrderNo,
    payout::Payee,
};

/// The gateway, with somebody who counts.
pub(super) struct Metered {
    inner: Arc<dyn Gateway>,
    metrics: Arc<Metrics>,
}

/// One call. Dropped before its end, it was given up.
struct Call<'a> {
    metrics: &'a Metrics,
    service: &'static str,
    began: Instant,
    ended: Option<&'static str>,
}

impl Metered {
    pub(super) fn new(inner: Arc<dyn Gateway>, metrics: Arc<Metrics>) -> Self {
        Self { inner, metrics }
    }

    fn call<'a, T: Send + 'a>(
        &'a self,
        service: &'static str,
        call: BoxFuture<'a, Result<T, CallError>>,
    ) -> BoxFuture<'a, Result<T, CallError>> {
        let span = tracing::info_span!(
            target: TARGET,
            "gateway call",
            otel.kind = "client",
            service,
            result = Empty,
        );
        let within = span.clone();
        Box::pin(
            async move {
                let mut counted = Call::begin(&self.metrics, service);
                let answer = call.await;
                counted.end(&answer, &within);
                answer
            }
            .instrument(span),
        )
    }
}

impl<'a> Call<'a> {
    fn begin(metrics: &'a Metrics, service: &'static str) -> Self {
        metrics.call_began();
        Self { metrics, service, began: Instant::now(), ended: None }
    }

    fn end<T>(&mut self, answer: &Result<T, CallError>, span: &Span) {
        let result = result(answer.as_ref().err());
        span.record("result", result);
        self.ended = Some(result);
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        let result = self.ended.unwrap_or("given_up");
        self.metrics.call_ended(self.service, result, self.began.elapsed());
    }
}

fn result(error: Option<&CallError>) -> &'static str {
    match error {
        None => "ok",
        Some(CallError::NotSent(_)) => "not_sent",
        Some(CallError::Refused(_)) => "refused",
        Some(CallError::Duplicate(_)) => "duplicate",
        Some(CallError::NotFound(_)) => "not_found",
        Some(CallError::RateLimited { .. }) => "rate_limited",
        Some(CallError::Overloaded { .. }) => "overloaded",
        Some(CallError::Unknown { .. }) => "unknown",
        Some(CallError::Stop { .. }) => "stop",
    }
}

impl Gateway for Metered {
    fn identity(&self) -> GatewayIdentity {
        self.inner.identity()
    }

    fn verify<'a>(&'a self, payee: &'a Payee) -> BoxFuture<'a, Result<Holder, CallError>> {
        self.call("verifybankaccount", self.inner.verify(payee))
    }

    fn seal(&self, payee: &Payee) -> Option<Sealing> {
        self.inner.seal(payee)
    }

    fn tokenize<'a>(
        &'a self,
        payee: &'a Payee,
        sealed: Option<&'a SealedPayee>,
    ) -> BoxFuture<'a, Result<BankToken, CallError>> {
        self.call("tokenizebankaccount", self.inner.tokenize(payee, sealed))
    }

    fn withdraw<'a>(
        &'a self,
        withdrawal: Withdrawal<'a>,
    ) -> BoxFuture<'a, Result<OrderView, CallError>> {
        self.call("withdraw", self.inner.withdraw(withdrawal))
    }

    fn query<'a>(&'a self, order_no: &'a OrderNo) -> BoxFuture<'a, Result<OrderView, CallError>> {
        self.call("queryOrder", self.inner.query(order_no))
    }

    fn close<'a>(&'a self, order_no: &'a OrderNo) -> BoxFuture<'a, Result<OrderView, CallError>> {
        self.call("closeorder", self.inner.close(order_no))
    }

    fn orders(&self, first: Date, last: Date) -> BoxStream<'_, Result<Vec<OrderView>, CallError>> {
        let pages = self.inner.orders(first, last);
        unfold(pages, |mut pages| async {
            let mut counted = Call::begin(&self.metrics, "queryorderbydaterange");
            let page = pages.next().await?;
            counted.end(&page, &Span::none());
            Some((page, pages))
        })
        .boxed()
    }

    fn wallets(&self) -> BoxFuture<'_, Result<Vec<Wallet>, CallError>> {
        self.call("merchantinfo", self.inner.wallets())
    }
}
