//! The KESS PAY gateway behind the engine's port: calls of [`kess_gateway::Client`], answers read.
//!
//! What an answer means for money is decided by the core; what is decided here is only which of the
//! port's words it is. Where the client is not certain, the word is [`CallError::Unknown`].
//!
//! The client's own retries are off: the engine has its own, slower patience, and every call has to
//! pass the engine's gate, so that rate and pauses hold for repetitions, too.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use futures_util::{
    StreamExt,
    future::{BoxFuture, FutureExt},
    stream::BoxStream,
};
use jiff::civil::Date;
use kess_gateway::{Client, Error, ErrorKind, Outcome, RetryPolicy, Sealed, Timestamp, objects};

use super::{
    BankToken, CallError, Gateway, Holder, OrderView, SealedPayee, Sealing, Wallet, Withdrawal,
};
use crate::{
    batch::GatewayIdentity,
    order_no::OrderNo,
    payout::{Payee, Reason, StopCause},
};

mod absence;
mod wording;

use absence::Witness;
use wording::{Asked, in_words};

/// When every call for this long is refused with 401 although its token was renewed, it is the
/// credentials and not the moment.
const DENIED_FOR: Duration = Duration::from_secs(15);

/// The most that a page of orders may hold.
const ORDERS_A_PAGE: i64 = 1_000;

/// The gateway, through a client that holds the credentials.
pub struct KessGateway {
    client: Client,
    /// Since when no call was accepted, if the last one was denied.
    denied_since: Mutex<Option<Instant>>,
}

impl KessGateway {
    /// The gateway that the client talks to. Of the client's own retries nothing is left.
    pub fn new(client: Client) -> Self {
        Self { client: client.with_retry(RetryPolicy::never()), denied_since: Mutex::default() }
    }

    /// What was sealed ahead of need, or else is now.
    fn customer(
        &self,
        payee: &Payee,
        sealed: Option<&SealedPayee>,
    ) -> Result<Sealed<objects::Customer>, CallError> {
        let failed = |error: &Error| self.failed(Asked::Account, error);
        match sealed {
            Some(SealedPayee(sealed)) => sealed.as_ref().cloned().map_err(failed),
            None => self.client.seal(&customer(payee)).map_err(|error| failed(&error)),
        }
    }

    /// Takes an answer over: the gateway accepts our credentials.
    fn accepted<T>(&self, value: T) -> T {
        *self.denied_since() = None;
        value
    }

    fn denied_since(&self) -> MutexGuard<'_, Option<Instant>> {
        // A single assignment cannot leave it half written.
        self.denied_since.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failed(&self, asked: Asked, error: &Error) -> CallError {
        let code = error.code().map_or_else(|| code_of(error), str::to_owned);
        let reason = Reason::new(code, in_words(asked, error));
        let retry_after = error.retry_after();
        match (error.kind(), error.outcome()) {
            (ErrorKind::Authentication, _) => self.denied(error, reason),
            (ErrorKind::Forbidden, _) => CallError::Stop { cause: StopCause::Forbidden, reason },
            (ErrorKind::Config, _) => CallError::Stop { cause: StopCause::Credentials, reason },
            // A signer that keeps a row's request back says so of this row. One that keeps a
            // question back leaves every row without an answer.
            (ErrorKind::NotSigned, _) => match asked {
                Asked::Account | Asked::Withdrawal => CallError::Refused(reason),
                Asked::Order | Asked::Wallets => {
                    CallError::Stop { cause: StopCause::Forbidden, reason }
                }
            },
            // What was to sign answers something else: it would do so for every row.
            (ErrorKind::Signature, Outcome::NotSent) => {
                CallError::Stop { cause: StopCause::Credentials, reason }
            }
            // The client refused to send it, so the gateway has nothing to say about it.
            (ErrorKind::InvalidRequest, _) => CallError::Refused(reason),
            (_, Outcome::NotSent) => CallError::NotSent(reason),
            (ErrorKind::Refused, Outcome::Answered) => CallError::Refused(reason),
            (ErrorKind::NotFound, _) => CallError::NotFound(reason),
            (ErrorKind::Duplicate, _) => CallError::Duplicate(reason),
            (ErrorKind::RateLimited, _) => CallError::RateLimited { reason, retry_after },
            (ErrorKind::Unavailable, _) if matches!(error.status(), Some(503 | 504)) => {
                CallError::Overloaded { reason, retry_after }
            }
            (
                ErrorKind::Connect
                | ErrorKind::Timeout
                | ErrorKind::Transport
                | ErrorKind::Unavailable,
                _,
            ) => CallError::Unknown { reason, answered: false, retry_after },
            // HTML, cut off, a failure that nobody documented: answered, and nothing is certain.
            _ => CallError::Unknown { reason, answered: true, retry_after },
        }
    }

    /// 401 from the token endpoint concerns everybody. 401 from a service, with a token that was
    /// renewed just before, happens for a moment; only if it stays is it the credentials.
    fn denied(&self, error: &Error, reason: Reason) -> CallError {
        let since = *self.denied_since().get_or_insert_with(Instant::now);
        if error.outcome() == Outcome::NotSent || since.elapsed() >= DENIED_FOR {
            return CallError::Stop { cause: StopCause::Credentials, reason };
        }
        CallError::Unknown { reason, answered: false, retry_after: None }
    }

    /// The gateway has no code of its own for an empty wallet. Where its text speaks of funds, the
    /// wallet tells whether the refusal concerns every row or only this one.
    async fn refused(&self, withdrawal: &Withdrawal<'_>, reason: Reason) -> CallError {
        let text = format!("{} {}", reason.code, reason.message).to_lowercase();
        if !["insufficient", "balance", "funds"].iter().any(|word| text.contains(word)) {
            return CallError::Refused(reason);
        }
        let currency = withdrawal.money.currency();
        let enough = self.wallets().await.is_ok_and(|wallets| {
            wallets
                .iter()
                .any(|it| it.currency == *currency && it.balance >= withdrawal.money.amount())
        });
        if enough {
            return CallError::Refused(reason);
        }
        CallError::Stop { cause: StopCause::Funds, reason }
    }

    /// What it means that a query shows no order. "Not found" lets an order be sent again, so it
    /// has to come from the gateway.
    async fn not_shown(&self, error: &Error) -> CallError {
        let message = in_words(Asked::Order, error);
        match absence::told_by(error) {
            Some(Witness::Gateway) => CallError::NotFound(Reason::new("NOT_FOUND", message)),
            Some(Witness::Anybody) if self.client.merchant_info().send().await.is_ok() => {
                CallError::NotFound(Reason::new("NOT_FOUND", message))
            }
            Some(Witness::Anybody) => CallError::Unknown {
                reason: Reason::new("not_from_the_gateway", message),
                answered: true,
                retry_after: error.retry_after(),
            },
            None => self.failed(Asked::Order, error),
        }
    }

    async fn send(&self, withdrawal: &Withdrawal<'_>) -> Result<OrderView, CallError> {
        let reply = match withdrawal.token {
            Some(token) => self.send_by_token(withdrawal, token).await?,
            None => self.send_by_number(withdrawal).await?,
        };
        match reply {
            Ok(order) => Ok(self.accepted(withdrawal_view(order))),
            // An answer without the order is no refusal: only a 404 with its code is.
            Err(error)
                if error.kind() == ErrorKind::NotFound && error.outcome() == Outcome::Answered =>
            {
                let message = in_words(Asked::Withdrawal, &error);
                Err(CallError::Refused(Reason::new("NOT_FOUND", message)))
            }
            Err(error) => match self.failed(Asked::Withdrawal, &error) {
                CallError::Refused(reason) if error.outcome() == Outcome::Answered => {
                    Err(self.refused(withdrawal, reason).await)
                }
                // The next call that is no withdrawal meets the same cause, and stops the batch.
                CallError::Stop { reason, .. } if error.outcome() == Outcome::NotSent => {
                    Err(CallError::NotSent(reason))
                }
                // A proxy's page says "denied" as well, and says nothing about the money.
                CallError::Stop { reason, .. } if error.outcome() == Outcome::Unknown => {
                    Err(CallError::Unknown { reason, answered: true, retry_after: None })
                }
                other => Err(other),
            },
        }
    }

    async fn send_by_token(
        &self,
        withdrawal: &Withdrawal<'_>,
        token: &BankToken,
    ) -> Result<Result<objects::Withdrawal, Error>, CallError> {
        let customer = self.customer(withdrawal.payee, withdrawal.sealed)?;
        let no = withdrawal.order_no.as_str();
        let money = withdrawal.money.clone();
        let mut call =
            self.client.withdraw(no, money, token.0.clone(), customer).set_body(withdrawal.body);
        if let Some(seconds) = withdrawal.expires_in {
            call = call.set_expires_in(i64::from(seconds));
        }
        if let Some(url) = withdrawal.notify_url {
            call = call.set_notify_url(url);
        }
        Ok(call.send().await.map(|reply| reply.into_inner()))
    }

    async fn send_by_number(
        &self,
        withdrawal: &Withdrawal<'_>,
    ) -> Result<Result<objects::Withdrawal, Error>, CallError> {
        let payee = withdrawal.payee;
        let customer = self.customer(payee, withdrawal.sealed)?;
        let no = withdrawal.order_no.as_str();
        let money = withdrawal.money.clone();
        let account = payee.bank_account_number.clone();
        let mut call = self
            .client
            .withdraw_by_bank_number(no, money, payee.bic.as_str(), account, customer)
            .set_body(withdrawal.body);
        if let Some(seconds) = withdrawal.expires_in {
            call = call.set_expires_in(i64::from(seconds));
        }
        if let Some(url) = withdrawal.notify_url {
            call = call.set_notify_url(url);
        }
        Ok(call.send().await.map(|reply| reply.into_inner()))
    }
}

fn customer(payee: &Payee) -> objects::Customer {
    let mut customer = objects::Customer::new(
        payee.phone_number.clone(),
        payee.email.clone(),
        payee.first_name.clone(),
        payee.last_name.clone(),
    );
    if let Some(address) = &payee.address {
        customer = customer.set_address(address.clone());
    }
    if let Some(city) = &payee.city {
        customer = customer.set_city(city.clone());
    }
    if let Some(postcode) = &payee.postcode {
        customer = customer.set_postcode(postcode.clone());
    }
    customer
}

/// A code for scripts where the gateway gave none.
fn code_of(error: &Error) -> String {
    let word = match error.kind() {
        ErrorKind::Config => "configuration",
        ErrorKind::InvalidRequest => "invalid_request",
        ErrorKind::Connect => "no_connection",
        ErrorKind::Timeout => "timeout",
        ErrorKind::Transport => "connection_broke",
        ErrorKind::RateLimited => "rate_limited",
        ErrorKind::Decode => "unreadable_reply",
        ErrorKind::Signature if error.outcome() == Outcome::NotSent => "no_signature",
        ErrorKind::Signature => "reply_signature",
        ErrorKind::NotSigned => "not_signed",
        ErrorKind::Authentication if error.status().is_none() => "no_token",
        ErrorKind::Unavailable if error.status().is_none() => "not_available",
        _ => return error.status().map_or_else(|| "failed".to_owned(), |it| format!("http_{it}")),
    };
    word.to_owned()
}

fn instant(at: Option<Timestamp>) -> Option<jiff::Timestamp> {
    at.and_then(|at| at.instant())
}

fn withdrawal_view(order: objects::Withdrawal) -> OrderView {
    OrderView {
        order_no: order.out_trade_no,
        status: order.status.as_str().to_owned(),
        amount: order.total_amount,
        currency: order.currency,
        transaction_id: order.transaction_id,
        otp_required: order.is_required_otp,
        otp_url: order.verify_otp_url.map(|url| url.into_exposed()),
        expires_at: instant(order.expired_at),
    }
}

fn order_view(order: objects::OrderInfo) -> OrderView {
    OrderView {
        order_no: order.out_trade_no,
        status: order.status.as_str().to_owned(),
        amount: order.total_amount,
        currency: order.currency,
        transaction_id: order.transaction_id,
        otp_required: None,
        otp_url: None,
        expires_at: instant(order.expired_at),
    }
}

impl From<&Client> for GatewayIdentity {
    fn from(client: &Client) -> Self {
        Self {
            base_url: client.base_url().as_str().to_owned(),
            seller_code: client.seller_code().unwrap_or_default().to_owned(),
        }
    }
}

impl Gateway for KessGateway {
    fn identity(&self) -> GatewayIdentity {
        GatewayIdentity::from(&self.client)
    }

    fn verify<'a>(&'a self, payee: &'a Payee) -> BoxFuture<'a, Result<Holder, CallError>> {
        async move {
            let account = payee.bank_account_number.clone();
            let call = self.client.verify_bank_account(account, payee.bic.as_str());
            match call.send().await {
                Ok(reply) => {
                    let account = self.accepted(reply.into_inner());
                    Ok(Holder { name: account.owner_name, currency: account.currency })
                }
                Err(error) => Err(self.failed(Asked::Account, &error)),
            }
        }
        .boxed()
    }

    fn seal(&self, payee: &Payee) -> Option<Sealing> {
        let (client, customer) = (self.client.clone(), customer(payee));
        Some(Box::new(move || SealedPayee(client.seal(&customer))))
    }

    fn tokenize<'a>(
        &'a self,
        payee: &'a Payee,
        sealed: Option<&'a SealedPayee>,
    ) -> BoxFuture<'a, Result<BankToken, CallError>> {
        async move {
            let customer = self.customer(payee, sealed)?;
            let account = payee.bank_account_number.clone();
            let call = self.client.tokenize_bank_account(account, payee.bic.as_str(), customer);
            match call.send().await {
                Ok(reply) => Ok(BankToken(self.accepted(reply.into_inner()).token)),
                Err(error) => Err(self.failed(Asked::Account, &error)),
            }
        }
        .boxed()
    }

    fn withdraw<'a>(
        &'a self,
        withdrawal: Withdrawal<'a>,
    ) -> BoxFuture<'a, Result<OrderView, CallError>> {
        async move { self.send(&withdrawal).await }.boxed()
    }

    fn query<'a>(&'a self, order_no: &'a OrderNo) -> BoxFuture<'a, Result<OrderView, CallError>> {
        async move {
            match self.client.query_order(order_no.as_str()).send().await {
                Ok(reply) => Ok(self.accepted(order_view(reply.into_inner()))),
                Err(error) => Err(self.not_shown(&error).await),
            }
        }
        .boxed()
    }

    fn close<'a>(&'a self, order_no: &'a OrderNo) -> BoxFuture<'a, Result<OrderView, CallError>> {
        async move {
            match self.client.close_order(order_no.as_str()).send().await {
                Ok(reply) => Ok(self.accepted(order_view(reply.into_inner()))),
                Err(error) => Err(self.failed(Asked::Order, &error)),
            }
        }
        .boxed()
    }

    fn orders(&self, first: Date, last: Date) -> BoxStream<'_, Result<Vec<OrderView>, CallError>> {
        let days = (first.into(), last.into());
        let call = self.client.query_order_by_date_range(days.0, days.1, ORDERS_A_PAGE, 1);
        call.by_page()
            .map(|page| match page {
                Ok(page) => {
                    let orders = page.into_inner().items.into_iter().map(order_view);
                    Ok(self.accepted(orders.collect()))
                }
                Err(error) => Err(self.failed(Asked::Order, &error)),
            })
            .boxed()
    }

    fn wallets(&self) -> BoxFuture<'_, Result<Vec<Wallet>, CallError>> {
        async move {
            let info = match self.client.merchant_info().send().await {
                Ok(reply) => self.accepted(reply.into_inner()),
                Err(error) => return Err(self.failed(Asked::Wallets, &error)),
            };
            // `wallet` is one of `multi_wallets` where both are there.
            let wallets = match info.multi_wallets {
                all if all.is_empty() => info.wallet.into_iter().collect(),
                all => all,
            };
            Ok(wallets
                .into_iter()
                .map(|wallet| Wallet { currency: wallet.currency, balance: wallet.balance })
                .collect())
        }
        .boxed()
    }
}
