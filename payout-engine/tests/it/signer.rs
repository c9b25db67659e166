//! A batch on a machine that holds no secret: what a signer that is away, and one that refuses,
//! does to its rows.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::future::{BoxFuture, FutureExt};
use kess_gateway::{
    AccessToken, Client, DelegateError, Money, PublicKey, RequestSigner, RetryPolicy,
    TokenProvider, UnsignedRequest,
};
use kess_sandbox::Sandbox;
use payout_engine::{
    BatchOptions, CallError, Gateway, KessGateway, OrderNo, Outcome, Reason, StopCause,
};

use crate::{
    engine::{payout, policy},
    sandbox::{assert_ledger_agrees, client_of, pay_through, payroll},
};

/// The server: it has the secrets, and a rule.
struct Server<F> {
    client: Client,
    /// What it says to a request, and to how many it has said something before; for a token,
    /// without a request.
    rule: F,
    asked: AtomicU64,
}

type Rule = fn(u64, Option<&UnsignedRequest>) -> Result<(), DelegateError>;

impl Server<Rule> {
    fn ask(&self, request: Option<&UnsignedRequest>) -> Result<(), DelegateError> {
        (self.rule)(self.asked.fetch_add(1, Ordering::SeqCst), request)
    }
}

impl RequestSigner for Server<Rule> {
    fn sign<'a>(
        &'a self,
        request: &'a UnsignedRequest,
    ) -> BoxFuture<'a, Result<String, DelegateError>> {
        let signed = self.ask(Some(request)).map(|()| self.client.sign(request).unwrap());
        async move { signed }.boxed()
    }
}

impl TokenProvider for Server<Rule> {
    fn token(&self, _: bool) -> BoxFuture<'_, Result<AccessToken, DelegateError>> {
        async move {
            self.ask(None)?;
            Ok(self.client.access_token().await.unwrap())
        }
        .boxed()
    }
}

fn gateway(sandbox: &Sandbox, rule: Rule) -> KessGateway {
    let server = Server { client: client_of(sandbox), rule, asked: AtomicU64::new(0) };
    let server = Arc::new(server);
    let known = sandbox.credentials();
    let client = Client::builder()
        .base_url(sandbox.base_url().parse().unwrap())
        .request_signer(Arc::clone(&server))
        .token_provider(server)
        .seller_code(&known.seller_code)
        .public_key(PublicKey::from_pem(&known.public_key_pem).unwrap())
        .timeout(Duration::from_secs(2))
        .retry(RetryPolicy::never())
        .build()
        .unwrap();
    KessGateway::new(client)
}

#[tokio::test]
async fn a_signer_that_is_away_for_a_while_fails_no_row() {
    let sandbox = Sandbox::start().unwrap();
    let payouts = payroll(&sandbox, 12);
    let gateway = gateway(&sandbox, |nth, _| match nth {
        0..8 => Err(DelegateError::unavailable("no network")),
        nth if nth % 7 == 0 => Err(DelegateError::unavailable("no network")),
        _ => Ok(()),
    });
    let (summary, records) = pay_through(gateway, policy(), BatchOptions::default(), payouts).await;
    assert_eq!(summary.counts.get(&Outcome::Paid), Some(&12), "{:?}", summary.counts);
    assert_ledger_agrees(&sandbox, &records);
}

#[tokio::test]
async fn a_signer_that_stays_away_stops_the_batch_and_fails_no_row() {
    let sandbox = Sandbox::start().unwrap();
    let payouts = payroll(&sandbox, 5);
    let gateway = gateway(&sandbox, |nth, _| match nth {
        0..6 => Ok(()),
        _ => Err(DelegateError::unavailable("no network")),
    });
    let policy = payout_engine::Policy {
        circuit_failures: 5,
        outage_after: Duration::from_millis(200),
        ..policy()
    };
    let (summary, records) = pay_through(gateway, policy, BatchOptions::default(), payouts).await;
    assert_eq!(summary.stopped.map(|stopped| stopped.cause), Some(StopCause::Outage));
    for record in &records {
        let payout = &record.payout;
        let open = matches!(payout.outcome(), Outcome::Pending | Outcome::InDoubt);
        assert!(open || payout.outcome() == Outcome::Paid, "{:?}", payout.reason);
    }
    assert_ledger_agrees(&sandbox, &records);
}

#[tokio::test]
async fn a_row_that_is_not_signed_fails_alone_and_nothing_of_it_was_sent() {
    let sandbox = Sandbox::start().unwrap();
    let payouts = payroll(&sandbox, 4);
    let gateway = gateway(&sandbox, |_, request| {
        let third = request.is_some_and(|it| it.get("total_amount") == Some("3.1"));
        // Words that would mean an empty wallet, if the gateway said them.
        if third { Err(DelegateError::refused("insufficient funds of this user")) } else { Ok(()) }
    });
    let (summary, records) = pay_through(gateway, policy(), BatchOptions::default(), payouts).await;
    assert_eq!(summary.counts.get(&Outcome::Paid), Some(&3));
    let failed = &records[2].payout;
    assert_eq!(failed.outcome(), Outcome::Failed);
    let reason = failed.reason.clone().unwrap();
    assert_eq!(reason.code, "not_signed");
    assert!(reason.message.contains("does not sign it (insufficient funds"), "{reason:?}");
    assert_eq!(sandbox.ledger().rows.len(), 3);
    assert_ledger_agrees(&sandbox, &records);
}

/// Signs nothing: somebody else's page answers in the server's place.
struct Portal;

impl RequestSigner for Portal {
    fn sign<'a>(&'a self, _: &'a UnsignedRequest) -> BoxFuture<'a, Result<String, DelegateError>> {
        async { Ok("<html>Welcome to this hotel</html>".to_owned()) }.boxed()
    }
}

/// The cause for which a call stops a batch.
fn stop<T>(answer: Result<T, CallError>) -> Option<(StopCause, Reason)> {
    match answer {
        Err(CallError::Stop { cause, reason }) => Some((cause, reason)),
        _ => None,
    }
}

#[tokio::test]
async fn questions_that_are_not_signed_and_tokens_that_are_not_given_stop_the_batch() {
    let sandbox = Sandbox::start().unwrap();
    let no = "PAYKTEST-1-1".parse::<OrderNo>().unwrap();
    let row = payout(1, "000123456", Money::usd("1").unwrap());
    let silent = gateway(&sandbox, |_, request| match request {
        Some(_) => Err(DelegateError::refused("not for this app")),
        None => Ok(()),
    });
    let (cause, reason) = stop(silent.query(&no).await).unwrap();
    assert_eq!((cause, reason.code.as_str()), (StopCause::Forbidden, "not_signed"));
    assert_eq!(stop(silent.wallets().await).unwrap().0, StopCause::Forbidden);
    let refused = silent.verify(&row.payee).await.err();
    assert!(matches!(refused, Some(CallError::Refused(_))), "{refused:?}");

    let no_token = gateway(&sandbox, |_, request| match request {
        Some(_) => Ok(()),
        None => Err(DelegateError::refused("signed out")),
    });
    let (cause, reason) = stop(no_token.query(&no).await).unwrap();
    assert_eq!((cause, reason.code.as_str()), (StopCause::Credentials, "no_token"));
    assert_eq!(reason.message, "whoever hands out the tokens gives none (signed out)");
    let portal = Client::builder()
        .base_url(sandbox.base_url().parse().unwrap())
        .seller_code("SELLER")
        .request_signer(Portal)
        .token_provider(Arc::new(Server {
            client: client_of(&sandbox),
            rule: (|_, _| Ok(())) as Rule,
            asked: AtomicU64::new(0),
        }))
        .build();
    let (cause, reason) = stop(KessGateway::new(portal.unwrap()).query(&no).await).unwrap();
    assert_eq!((cause, reason.code.as_str()), (StopCause::Credentials, "no_signature"));
    let away = gateway(&sandbox, |_, _| Err(DelegateError::unavailable("")));
    let error = away.query(&no).await.unwrap_err();
    assert!(matches!(error, CallError::NotSent(_)), "{error:?}");
    assert_eq!(error.reason().code, "not_available");
}
