//! What comes from the gateway: replies, notices, and the signatures of both.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::HeaderMap;
use kess_gateway::transport::{HttpRequest, HttpResponse, Transport, TransportError};
use kess_gateway::webhook::{Verifier, sign_form_for_tests, sign_json_for_tests};
use kess_gateway::{
    BaseUrl, Client, Credentials, Error, ErrorKind, Money, Outcome, RetryPolicy, SignType,
};

const SECRET: &str = "abc123";

/// Statuses that the first byte of an input chooses from.
const STATUSES: [u16; 16] =
    [200, 201, 204, 301, 304, 400, 401, 403, 404, 409, 419, 422, 429, 500, 503, 504];

/// A gateway that gives one answer to everything but the request for a token.
struct Mouth(Mutex<(u16, Bytes)>);

impl Transport for Mouth {
    fn send(&self, request: HttpRequest) -> BoxFuture<'_, Result<HttpResponse, TransportError>> {
        const GRANT: &[u8] = br#"{"token_type":"Bearer","expires_in":1800,"access_token":"t"}"#;
        let (status, body) = match request.url.path() {
            "/oauth/token" => (200, Bytes::from_static(GRANT)),
            _ => self.0.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        };
        async move { Ok(HttpResponse { status, headers: HeaderMap::new(), body }) }.boxed()
    }
}

struct Stage {
    mouth: Arc<Mouth>,
    client: Client,
    runtime: tokio::runtime::Runtime,
}

/// Made once: what is fuzzed are answers, not the making of clients.
#[expect(clippy::expect_used, reason = "the stage is the same for every input")]
fn stage() -> &'static Stage {
    static STAGE: OnceLock<Stage> = OnceLock::new();
    STAGE.get_or_init(|| {
        let mouth = Arc::new(Mouth(Mutex::default()));
        let client = Client::builder()
            .base_url(BaseUrl::sandbox())
            .credentials(Credentials::new("id", "secret", "user", "password"))
            .api_secret(SECRET)
            .seller_code("SELLER")
            .retry(RetryPolicy::never())
            .transport(Arc::clone(&mouth) as Arc<dyn Transport>)
            .build()
            .expect("a client");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        Stage { mouth, client, runtime: runtime.expect("a runtime") }
    })
}

/// An answer: the first byte chooses its status, the rest is its body. Whatever it is, a call that
/// moves money is refused or done only by the gateway's own envelope.
#[expect(clippy::expect_used, reason = "a target panics where something does not hold")]
pub fn reply(bytes: &[u8]) {
    let Some((&first, body)) = bytes.split_first() else { return };
    let status = STATUSES[usize::from(first) % STATUSES.len()];
    let Stage { mouth, client, runtime } = stage();
    let body = Bytes::copy_from_slice(body);
    *mouth.0.lock().unwrap_or_else(PoisonError::into_inner) = (status, body.clone());
    let (query, account, money) = runtime.block_on(async {
        let query = client.query_order("ORDER-1").send().await.map(drop);
        let account = client.verify_bank_account("000123456", "ABAAKHPP").send().await.map(drop);
        let one = Money::usd("1").expect("a dollar");
        let money = client.money_transfer(one, "1", "2").send().await.map(drop);
        (query, account, money)
    });
    let is_object = body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
    for answer in [query, account] {
        speaks(&answer, status, is_object);
    }
    speaks(&money, status, is_object);
    if let Err(error) = money
        && error.outcome() == Outcome::Answered
    {
        assert!(is_object, "only the gateway's own envelope refuses: {error}");
        assert!(status < 429, "HTTP {status} refuses nothing: {error}");
    }
}

/// Success comes in an object and with a good status, and an error is one line.
fn speaks(answer: &Result<(), Error>, status: u16, is_object: bool) {
    match answer {
        Ok(()) => assert!(is_object && (200..300).contains(&status)),
        Err(error) => {
            let text = error.to_string();
            assert!(!text.is_empty() && !text.contains('\n'), "{text:?}");
        }
    }
}

/// A notice of any bytes is refused; one that is signed by us is taken, with the same fields.
pub fn notice(bytes: &[u8]) {
    let verifier = Verifier::new(SECRET);
    if let Ok(notice) = verifier.verify(bytes) {
        assert!(notice.get("sign").is_some(), "nothing unsigned is believed");
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let fields: Vec<_> = text.lines().filter_map(|line| line.split_once('=')).collect();
    for sign_type in [SignType::Md5, SignType::HmacSha256] {
        let form = sign_form_for_tests(SECRET, sign_type, &fields);
        match verifier.verify(form.as_bytes()) {
            Ok(_) => {}
            // A field twice, brackets without end: no notice of the gateway has those.
            Err(error) => assert_eq!(error.kind(), ErrorKind::Decode, "{form}"),
        }
        assert!(Verifier::new("another").verify(form.as_bytes()).is_err(), "{form}");
    }
}

/// Any JSON object that can be signed is found to be signed, and not by anybody else.
#[expect(clippy::expect_used, reason = "a target panics where something does not hold")]
pub fn signing(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    for sign_type in [SignType::Md5, SignType::HmacSha256] {
        let Ok(signed) = sign_json_for_tests(SECRET, sign_type, text) else { continue };
        assert_eq!(sign_json_for_tests(SECRET, sign_type, text).expect("again"), signed);
        match Verifier::new(SECRET).verify(signed.as_bytes()) {
            Ok(_) => {}
            Err(error) => assert_eq!(error.kind(), ErrorKind::Decode, "{signed}"),
        }
        assert!(Verifier::new("another").verify(signed.as_bytes()).is_err(), "{signed}");
    }
}
