//! The gateway: is it there, does it take our credentials and signature, do the clocks agree, and
//! what is in the wallets? One token and one signed call that reads tell all of it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt};
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use kess_gateway::Amount;
use kess_gateway::transport::{
    HttpRequest, HttpResponse, HttpTransport, HttpTransportOptions, Transport, TransportError,
};

use super::{Check, Verdict};
use crate::command::exit::Exit;
use crate::config::Config;

use crate::report::{grouped, plain};
use crate::{CallError, Gateway, KessGateway, StopCause, Wallet};

/// A doctor does not wait as long as a payment does.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Clocks that differ by more make times in reports hard to compare.
const SKEW_TOLD: i64 = 30;

/// Clocks that differ by more are wrong.
const SKEW_WRONG: i64 = 300;

const DOWN: Verdict = Verdict::Fail(Exit::Stopped);

/// Nothing where the configuration is not complete: that was said already.
pub(super) async fn checks(config: &Config) -> Vec<Check> {
    let Ok(builder) = config.client_builder() else { return Vec::new() };
    let unusable = |error| vec![Check::bad("gateway", DOWN, format!("{error}"), "see the message")];
    let watch = match HttpTransport::new(&HttpTransportOptions::default()) {
        Ok(inner) => Arc::new(Watch { inner, last: Mutex::default() }),
        Err(error) => return unusable(error),
    };
    let builder = builder.transport(Arc::clone(&watch) as Arc<dyn Transport>);
    let client = match builder.timeout(TIMEOUT).build() {
        Ok(client) => client,
        Err(error) => return unusable(error),
    };
    let base_url = client.base_url().as_str().to_owned();
    let wallets = KessGateway::new(client).wallets().await;
    let mut checks = Vec::new();
    let Some(answer) = watch.last() else {
        let reason = wallets.err().map_or_else(String::new, |it| it.reason().message.clone());
        let advice = "check KESS_BASE_URL, the network, and whether a proxy is in between";
        return vec![Check::bad("gateway", DOWN, format!("{base_url}: {reason}"), advice)];
    };
    checks.push(Check::ok("gateway", format!("{base_url} answers")));
    checks.push(clock(&answer));
    match wallets {
        Ok(wallets) => {
            checks.push(Check::ok("credentials", "a token was given, a signed call was taken"));
            checks.push(balances(&wallets));
        }
        Err(error) => checks.push(refusal(&error)),
    }
    checks
}

/// What the gateway's clock showed, and when.
#[derive(Clone, Copy)]
struct Answer {
    date: Option<Timestamp>,
    at: Timestamp,
}

/// A transport that remembers when, and with which date, the gateway answered last.
struct Watch {
    inner: HttpTransport,
    last: Mutex<Option<Answer>>,
}

impl Watch {
    fn last(&self) -> Option<Answer> {
        // A single assignment cannot leave it half written.
        *self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Transport for Watch {
    fn send(&self, request: HttpRequest) -> BoxFuture<'_, Result<HttpResponse, TransportError>> {
        async move {
            let response = self.inner.send(request).await?;
            let date = response.headers.get("date").and_then(|date| date.to_str().ok());
            let date = date.and_then(|date| rfc2822::parse(date).ok()).map(|it| it.timestamp());
            let answer = Answer { date, at: Timestamp::now() };
            *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(answer);
            Ok(response)
        }
        .boxed()
    }
}

fn clock(answer: &Answer) -> Check {
    let name = "clock";
    let Some(date) = answer.date else {
        let found = "the gateway tells no time (no Date header)";
        return Check::bad(name, Verdict::Warn, found, "see that this machine's clock is set");
    };
    let skew = answer.at.as_second() - date.as_second();
    let side = if skew < 0 { "behind" } else { "ahead of" };
    let found = format!("{} s {side} the gateway's", skew.abs());
    let verdict = match skew.abs() {
        0..=SKEW_TOLD => return Check::ok(name, found),
        ..=SKEW_WRONG => Verdict::Warn,
        _ => Verdict::Fail(Exit::Usage),
    };
    Check::bad(name, verdict, found, "set this machine's clock (NTP)")
}

fn balances(wallets: &[Wallet]) -> Check {
    let name = "wallets";
    let text = |wallet: &Wallet| {
        format!("{} {}", grouped(&plain(wallet.balance, &wallet.currency)), wallet.currency)
    };
    let found = wallets.iter().map(text).collect::<Vec<_>>().join(", ");
    if wallets.is_empty() {
        let advice = "ask the gateway's support whether the merchant has a wallet";
        return Check::bad(name, Verdict::Warn, "the gateway names none", advice);
    }
    if wallets.iter().any(|wallet| wallet.balance > Amount::default()) {
        return Check::ok(name, found);
    }
    Check::bad(name, Verdict::Warn, found, "top it up: a run stops where the wallet has too little")
}

/// The gateway answered, and not with what was asked for.
fn refusal(error: &CallError) -> Check {
    let reason = error.reason();
    let advice = match error {
        CallError::Stop { cause: StopCause::Forbidden, .. } => {
            "ask the gateway's support to allow this address and this merchant"
        }
        CallError::NotSent(_)
        | CallError::Unknown { .. }
        | CallError::Overloaded { .. }
        | CallError::RateLimited { .. } => {
            "the gateway has trouble of its own, or does not take the token; look again later"
        }
        _ => {
            "check KESS_CLIENT_ID, KESS_CLIENT_SECRET, KESS_USERNAME, KESS_PASSWORD; then \
             KESS_API_SECRET_KEY, KESS_SIGN_TYPE, KESS_SELLER_CODE"
        }
    };
    Check::bad("credentials", DOWN, &reason.message, advice)
}
