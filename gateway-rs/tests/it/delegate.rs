//! Signing and tokens elsewhere: what is asked for and when, and what a failure means.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all};
use kess_gateway::{
    AccessToken, BaseUrl, Client, ClientBuilder, Credentials, DelegateError, Error, ErrorKind,
    Outcome, ReplySignaturePolicy, RequestSigner, RetryPolicy, SignType, TokenProvider,
    UnsignedRequest,
};

use crate::probe::{Read, Transfer, Withdraw};
use crate::scripted::{API_SECRET, Play, Scripted, Seen, success};

const THING: &str = r#"{"id":"1"}"#;
/// As long as one, and none.
const NO_SIGNATURE: &str = "zz45a1f1e1a0e1f1a0e1f1a0e1f1a0e1f1a0e1f1a0e1f1a0e1f1a0e1f1a0e1f1";

type Signed = Result<String, DelegateError>;
type Given = Result<AccessToken, DelegateError>;

/// A signer that answers from a function, and counts.
struct Signer<F> {
    answer: F,
    asked: Arc<AtomicU64>,
}

impl<F: Fn(&UnsignedRequest) -> Signed + Send + Sync + 'static> RequestSigner for Signer<F> {
    fn sign<'a>(&'a self, request: &'a UnsignedRequest) -> BoxFuture<'a, Signed> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let answer = (self.answer)(request);
        async move { answer }.boxed()
    }
}

/// A provider that answers from a function of how often it was asked and of `refused`, slowly.
struct Tokens<F> {
    answer: F,
    asked: Arc<Mutex<Vec<bool>>>,
}

impl<F: Fn(usize, bool) -> Given + Send + Sync + 'static> TokenProvider for Tokens<F> {
    fn token(&self, refused: bool) -> BoxFuture<'_, Given> {
        let nth = {
            let mut asked = self.asked.lock().unwrap();
            asked.push(refused);
            asked.len() - 1
        };
        let answer = (self.answer)(nth, refused);
        async move {
            tokio::time::sleep(Duration::from_millis(50)).await;
            answer
        }
        .boxed()
    }
}

struct Silent;

impl RequestSigner for Silent {
    fn sign<'a>(&'a self, _: &'a UnsignedRequest) -> BoxFuture<'a, Signed> {
        std::future::pending().boxed()
    }
}

impl TokenProvider for Silent {
    fn token(&self, _: bool) -> BoxFuture<'_, Given> {
        std::future::pending().boxed()
    }
}

/// The server: the client that has the secret.
pub(crate) fn server(sign_type: SignType) -> Client {
    let gateway = Scripted::calls(|_| success(THING));
    gateway.builder().sign_type(sign_type).build().unwrap()
}

fn signs(request: &UnsignedRequest) -> Signed {
    server(request.sign_type())
        .sign(request)
        .map_err(|error| DelegateError::refused(error.message()))
}

fn app(gateway: &Arc<Scripted>) -> ClientBuilder {
    Client::builder()
        .base_url(BaseUrl::sandbox())
        .seller_code("SELLER")
        .transport(Arc::clone(gateway) as _)
}

/// An app whose signer answers so, and the number of times it was asked.
fn app_with_signer(
    gateway: &Arc<Scripted>,
    answer: impl Fn(&UnsignedRequest) -> Signed + Send + Sync + 'static,
) -> (ClientBuilder, Arc<AtomicU64>) {
    let asked = Arc::default();
    let signer = Signer { answer, asked: Arc::clone(&asked) };
    let credentials = Credentials::new("id", "secret", "user", "password");
    (app(gateway).credentials(credentials).request_signer(signer), asked)
}

/// An app whose provider answers so, and what it was asked.
fn app_with_tokens(
    gateway: &Arc<Scripted>,
    answer: impl Fn(usize, bool) -> Given + Send + Sync + 'static,
) -> (ClientBuilder, Arc<Mutex<Vec<bool>>>) {
    let asked = Arc::default();
    let tokens = Tokens { answer, asked: Arc::clone(&asked) };
    (app(gateway).api_secret(API_SECRET).token_provider(tokens), asked)
}

fn token(name: &str) -> Given {
    Ok(AccessToken::new(name, Some(Duration::from_secs(1_800))))
}

/// Answers a call only if it carries this token.
fn only(seen: &Seen, token: &str) -> Play {
    if seen.authorization.as_deref() == Some(&format!("Bearer {token}")) {
        success(THING)
    } else {
        Play::Answer(401, r#"{"message":"Unauthenticated."}"#.to_owned())
    }
}

#[tokio::test]
async fn a_request_signed_elsewhere_is_the_one_signed_here() {
    for sign_type in [SignType::Md5, SignType::HmacSha256] {
        let gateway = Scripted::calls(|_| success("[]"));
        let (delegated, asked) = app_with_signer(&gateway, |request| {
            assert_eq!(request.service(), "webpay.acquire.queryOrder");
            assert_eq!(request.out_trade_no(), Some("TR-1"));
            assert!(!request.body().windows(6).any(|it| it == b"\"sign\""));
            // As a server may answer it.
            signs(request).map(|signature| format!(" {}\n", signature.to_uppercase()))
        });
        let delegated = delegated.sign_type(sign_type).build().unwrap();
        let _ = delegated.query_order("TR-1").send().await;
        let own = gateway.builder().sign_type(sign_type).build().unwrap();
        let body = own.query_order("TR-1").body().unwrap();
        assert_eq!(gateway.bodies().last().unwrap().as_bytes(), &body[..]);
        assert_eq!(asked.load(Ordering::SeqCst), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn the_signer_is_asked_once_for_all_attempts() {
    let gateway = Scripted::calls(|seen| match seen.nth {
        0 => Play::Answer(503, String::new()),
        1 => Play::Answer(401, r#"{"message":"Unauthenticated."}"#.to_owned()),
        _ => success(THING),
    });
    let (client, asked) = app_with_signer(&gateway, signs);
    client.build().unwrap().call(Read).send().await.unwrap();
    assert_eq!((gateway.call_requests(), asked.load(Ordering::SeqCst)), (3, 1));
}

async fn refused_signing(
    answer: impl Fn(&UnsignedRequest) -> Signed + Send + Sync + 'static,
) -> Error {
    let gateway = Scripted::calls(|_| success(THING));
    let (client, asked) = app_with_signer(&gateway, answer);
    let error = client.build().unwrap().call(Withdraw).send().await.unwrap_err();
    assert_eq!((gateway.token_requests(), gateway.call_requests()), (0, 0), "nothing leaves");
    assert_eq!((error.outcome(), error.operation()), (Outcome::NotSent, Some("probe")));
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    error
}

#[tokio::test(start_paused = true)]
async fn a_signer_that_does_not_sign_keeps_the_call_from_leaving() {
    let error = refused_signing(|_| Err(DelegateError::refused("over the limit"))).await;
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::NotSigned, false));
    assert_eq!(error.message(), "over the limit");
    let error = refused_signing(|_| Err(DelegateError::refused(""))).await;
    assert_eq!(error.message(), "the request signer gives no reason");

    let error = refused_signing(|_| Err(DelegateError::unavailable("HTTP 502"))).await;
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Unavailable, true));
    assert_eq!(error.message(), "the request signer could not be asked (HTTP 502)");

    for none in ["", "0", NO_SIGNATURE, "\",\"a\":\"1", &"a".repeat(32), "<html>planted</html>"] {
        let none = none.to_owned();
        let error = refused_signing(move |_| Ok(none.clone())).await;
        assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Signature, false));
        assert!(!format!("{error} {error:?}").contains("planted"));
    }
}

#[tokio::test(start_paused = true)]
async fn money_without_an_order_number_is_not_called_repeatable() {
    let gateway = Scripted::calls(|_| success(THING));
    let (client, _) = app_with_signer(&gateway, |_| Err(DelegateError::unavailable("")));
    let error = client.build().unwrap().call(Transfer).send().await.unwrap_err();
    assert_eq!((error.outcome(), error.is_retryable()), (Outcome::NotSent, false));
}

#[tokio::test(start_paused = true)]
async fn a_signer_or_provider_that_is_silent_is_given_up_in_time() {
    let gateway = Scripted::calls(|_| success(THING));
    let client = app(&gateway).request_signer(Silent).token_provider(Silent).build().unwrap();
    let call = client.call(Withdraw).with_timeout(Duration::from_secs(7));
    let began = tokio::time::Instant::now();
    let error = call.send().await.unwrap_err();
    assert_eq!(began.elapsed().as_secs(), 7);
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Timeout, Outcome::NotSent));
    assert!(error.is_retryable());

    let client = app(&gateway).api_secret(API_SECRET).token_provider(Silent);
    let client = client.retry(RetryPolicy::never()).build().unwrap();
    let error = client.call(Withdraw).send().await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Timeout, Outcome::NotSent));
    assert_eq!(gateway.call_requests(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_provider_is_asked_once_for_all_and_again_ahead_of_the_end() {
    let gateway = Scripted::new(|_| success(THING));
    let (client, asked) = app_with_tokens(&gateway, |nth, _| token(&format!("token-{nth}")));
    let client = client.build().unwrap();
    for (later, times) in [(0, 1), (1_739, 1), (1, 2), (1_739, 2), (1, 3)] {
        tokio::time::advance(Duration::from_secs(later)).await;
        let results = join_all((0..100).map(|_| client.call(Read).send())).await;
        assert!(results.iter().all(Result::is_ok));
        // One renews, and the others go on with the old token.
        assert_eq!(*asked.lock().unwrap(), vec![false; times], "{later} s later");
    }
    assert_eq!(gateway.token_requests(), 0, "the gateway's own grants are not for this client");
}

#[tokio::test(start_paused = true)]
async fn a_provider_is_told_that_its_token_was_refused() {
    let gateway = Scripted::new(|seen| only(seen, "other"));
    let give = |_, refused| token(if refused { "other" } else { "dead" });
    let (client, asked) = app_with_tokens(&gateway, give);
    let client = client.build().unwrap();
    let results = join_all((0..100).map(|_| client.call(Withdraw).send())).await;
    assert!(results.iter().all(Result::is_ok));
    assert_eq!(*asked.lock().unwrap(), [false, true]);
    assert_eq!(gateway.call_requests(), 200);
}

#[tokio::test(start_paused = true)]
async fn a_token_refused_while_the_same_is_under_way_is_asked_for_again() {
    // Renewal ahead of the end and a 401 come together: the provider, who does not know of the 401,
    // hands the dead token out once more.
    let gateway = Scripted::slow(Duration::from_millis(20), |seen| match seen.nth {
        0 => success(THING),
        _ => only(seen, "other"),
    });
    let give = |_, refused| token(if refused { "other" } else { "dead" });
    let (client, asked) = app_with_tokens(&gateway, give);
    let client = client.build().unwrap();
    client.call(Read).send().await.unwrap();
    tokio::time::advance(Duration::from_secs(1_750)).await;
    let results = join_all((0..10).map(|_| client.call(Withdraw).send())).await;
    assert!(results.iter().all(Result::is_ok));
    assert_eq!(*asked.lock().unwrap(), [false, false, true]);
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_gives_nothing_keeps_the_call_from_leaving() {
    let gateway = Scripted::new(|_| success(THING));
    let (client, asked) =
        app_with_tokens(&gateway, |_, _| Err(DelegateError::refused("signed out")));
    let error = client.build().unwrap().call(Withdraw).send().await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Authentication, Outcome::NotSent));
    assert!(!error.is_retryable());
    assert_eq!((error.message(), error.status()), ("signed out", None));
    assert_eq!(asked.lock().unwrap().len(), 1);

    // What may pass is tried again as often as the policy says.
    let (client, asked) = app_with_tokens(&gateway, |_, _| Err(DelegateError::unavailable("")));
    let error = client.build().unwrap().call(Withdraw).send().await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Unavailable, Outcome::NotSent));
    assert!(error.is_retryable());
    assert_eq!(asked.lock().unwrap().len(), 3);

    let (client, _) = app_with_tokens(&gateway, |_, _| token("planted\n"));
    let error = client.build().unwrap().call(Withdraw).send().await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Decode, Outcome::NotSent));
    assert!(!format!("{error} {error:?}").contains("planted"));
    assert_eq!(gateway.call_requests(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_token_is_handed_out_with_what_is_left_of_its_life() {
    let gateway = Scripted::calls(|_| success(THING));
    let server = gateway.client();
    let token = server.access_token().await.unwrap();
    assert_eq!((token.expose(), token.lifetime()), ("token-0", Some(Duration::from_secs(1_800))));
    tokio::time::advance(Duration::from_secs(1_000)).await;
    let token = server.access_token().await.unwrap();
    assert_eq!((token.expose(), token.lifetime()), ("token-0", Some(Duration::from_secs(800))));
    tokio::time::advance(Duration::from_secs(750)).await;
    assert_eq!(server.access_token().await.unwrap().expose(), "token-1");
    assert_eq!(format!("{token:?}"), "AccessToken { lifetime: Some(800s), .. }");
}

#[test]
fn a_client_has_one_of_each_and_nothing_that_needs_the_secret() {
    let gateway = Scripted::calls(|_| success(THING));
    let (client, _) = app_with_signer(&gateway, signs);
    let config = |builder: ClientBuilder| {
        let error = builder.build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        error.message().to_owned()
    };
    let both = "an API secret key and a request signer are both set; a client has one";
    assert_eq!(config(client.clone().api_secret("x")), both);
    let both = "credentials and a token provider are both set; a client has one";
    assert_eq!(config(client.clone().token_provider(Silent)), both);
    for policy in [ReplySignaturePolicy::Report, ReplySignaturePolicy::Enforce] {
        assert!(config(client.clone().reply_signature(policy)).contains("the API secret key"));
    }
    let client = client.reply_signature(ReplySignaturePolicy::Off).build().unwrap();
    assert_eq!(client.webhook_verifier().unwrap_err().kind(), ErrorKind::Config);
    let request = UnsignedRequest::from_json(br#"{"service":"s","sign_type":"HMAC-SHA256"}"#);
    assert_eq!(client.sign(&request.unwrap()).unwrap_err().kind(), ErrorKind::Config);
    let body = client.query_order("TR-1").body().unwrap();
    assert!(UnsignedRequest::from_json(&body).is_ok(), "the body is there, unsigned");
    // One in an `Arc` is one, too.
    let shared: Arc<dyn RequestSigner> = Arc::new(Silent);
    let tokens: Arc<dyn TokenProvider> = Arc::new(Silent);
    assert!(app(&gateway).request_signer(shared).token_provider(tokens).build().is_ok());
}
