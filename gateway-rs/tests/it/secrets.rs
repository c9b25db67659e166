//! Secrets and personal data have no text form: everything that holds one is formatted, every log
//! line is caught, and the planted values are looked for.

use std::io;
use std::sync::{Arc, Mutex};

use kess_gateway::objects::{Card, CardExpiry, Customer, VerifiedAccount};
use kess_gateway::transport::{HttpRequest, HttpResponse, Sent, TransportErrorKind};
use kess_gateway::webhook::{self, Verifier};
use kess_gateway::{
    AccessToken, BaseUrl, Client, Credentials, DelegateError, Error, Money, PublicKey, RawJson,
    RetryPolicy, SignType, UnsignedRequest, UnverifiedRedirect,
};
use kess_sandbox::Sandbox;
use tracing_subscriber::fmt::MakeWriter;

use crate::against_sandbox;
use crate::exchange::PUBLIC_KEY;
use crate::scripted::{Play, Scripted, grant, success};

/// Every planted value holds this, so one search finds them all.
const PLANTED: &str = "planted";

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Log;

    fn make_writer(&'a self) -> Log {
        self.clone()
    }
}

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

fn builder(gateway: &Arc<Scripted>) -> kess_gateway::ClientBuilder {
    gateway
        .builder()
        .credentials(Credentials::new(
            "planted-id",
            "planted-secret",
            "planted-user",
            "planted-password",
        ))
        .api_secret("planted-key")
        .public_key(PublicKey::from_pem(PUBLIC_KEY).unwrap())
        .retry(RetryPolicy { max_attempts: 2, ..RetryPolicy::default() })
}

fn assert_hidden(what: &str, text: &str) {
    assert!(!text.contains(PLANTED), "{what} shows a secret: {text}");
}

fn assert_error_hidden(error: &Error) {
    let mut text = format!("{error}\n{error:?}\n{error:#?}\n{}", error.message());
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text.push_str(&format!("\n{cause}\n{cause:?}"));
        source = cause.source();
    }
    assert_hidden("an error", &text);
}

const HOLDER: &str = r#"{"bank_account_number":"planted-number","account_name":"Planted planted",
    "bank_account_name":"planted","account_number":"planted-7","currency":"USD","bic":"ABAAKHPP",
    "owner_name":"planted"}"#;

#[test]
fn requests_and_what_they_are_made_of_hide_what_is_sensitive() {
    let gateway = Scripted::calls(|_| success("{}"));
    let configured = builder(&gateway);
    assert_hidden("a builder", &format!("{configured:?} {configured:#?}"));
    let client = configured.build().unwrap();
    assert_hidden("a client", &format!("{client:?}"));
    assert_hidden(
        "credentials",
        &format!("{:?}", Credentials::new(PLANTED, PLANTED, PLANTED, PLANTED)),
    );

    let customer = Customer::new("012345678", "planted@x.kh", PLANTED, PLANTED)
        .set_address(PLANTED)
        .set_city(PLANTED)
        .set_postcode(PLANTED);
    let shown = format!("{customer:?} {customer:#?}");
    assert_hidden("a customer", &shown.replace("012345678", PLANTED));
    let card = Card::new("planted-4111", "planted-1", CardExpiry::new("planted", "planted"));
    assert_hidden("a card", &format!("{card:?}"));

    let sealed = client.seal(&customer).unwrap();
    let call = client.withdraw("TR-1", Money::usd("1").unwrap(), "planted-token", sealed);
    assert_hidden("a call", &format!("{call:?} {:?}", call.request()));
    let call = client.verify_bank_account("planted-0001", "ABAAKHPP");
    assert_hidden("a call", &format!("{call:?}"));
    let token = AccessToken::new(PLANTED, None);
    assert_hidden("a token", &format!("{token:?} {token:#?}"));
    let body = br#"{"service":"s","sign_type":"MD5","body":"planted","customer":"planted"}"#;
    let request = UnsignedRequest::from_json(body).unwrap();
    assert_hidden("a request to sign", &format!("{request:?} {request:#?}"));
    let error = DelegateError::refused("no: Bearer planted, or planted@x.kh");
    assert_hidden("a delegate's error", &format!("{error} {error:?} {}", error.message()));
    // Limits are checked, and the error names the field, not its value.
    assert_error_hidden(&call.body().unwrap_err());

    let long = Customer::new("1", "a@b.kh", "planted".repeat(40), "x");
    assert_error_hidden(&client.seal(&long).unwrap_err());
}

#[test]
fn what_passes_the_transport_is_not_shown() {
    let body = bytes::Bytes::from_static(b"planted");
    let mut headers = http::HeaderMap::new();
    headers.insert("authorization", "Bearer planted".parse().unwrap());
    let request = HttpRequest {
        url: "https://x.example/api".parse().unwrap(),
        headers: headers.clone(),
        body: body.clone(),
        timeout: std::time::Duration::from_secs(1),
    };
    assert_hidden("a request", &format!("{request:?}"));
    assert_hidden("a response", &format!("{:?}", HttpResponse { status: 200, headers, body }));
}

#[test]
fn notices_links_and_json_hide_what_they_hold() {
    let verifier = Verifier::new("planted-key");
    assert_hidden("a verifier", &format!("{verifier:?}"));
    let form = webhook::sign_form_for_tests(
        "planted-key",
        SignType::Md5,
        &[("out_trade_no", "TR-1"), ("token", PLANTED), ("body", PLANTED)],
    );
    assert_hidden("a notice", &format!("{:?}", verifier.verify(form.as_bytes()).unwrap()));
    let changed = form.replace("TR-1", "planted");
    assert_error_hidden(&verifier.verify(changed.as_bytes()).unwrap_err());
    assert_error_hidden(&verifier.verify(b"{\"planted\":").unwrap_err());

    let link = BaseUrl::sandbox().card_token_link("t", PLANTED);
    assert_hidden("a link", &format!("{link} {link:?}"));
    let redirect = UnverifiedRedirect::parse("token=planted&success=1").unwrap();
    assert_hidden("a redirect", &format!("{redirect:?}"));

    let json = RawJson::parse(r#"{"pan":"planted"}"#).unwrap();
    assert_hidden("raw JSON", &format!("{json:?}"));
    assert_error_hidden(&json.read_as::<u8>().unwrap_err());
    assert_error_hidden(&RawJson::parse("planted").unwrap_err());

    let urls = ["http://planted:planted@x.kh", "https://planted@x.kh", "ftp://planted", "planted"];
    for url in urls {
        assert_error_hidden(&url.parse::<BaseUrl>().unwrap_err());
    }
    for pem in ["planted", "-----BEGIN PUBLIC KEY-----\nplanted\n-----END PUBLIC KEY-----"] {
        assert_error_hidden(&PublicKey::from_pem(pem).unwrap_err());
    }
    assert_error_hidden(&"planted".parse::<SignType>().unwrap_err());
    assert_error_hidden(&"planted".parse::<kess_gateway::Amount>().unwrap_err());
}

/// What the gateway does with the calls of one round.
fn rounds() -> Vec<Play> {
    let planted_everywhere = |shape: &str| shape.replace('@', "planted");
    vec![
        success(HOLDER),
        success(r#"{"account_number":{"planted":"planted"},"currency":"USD"}"#),
        success("\"planted\""),
        success("[7777777777]"),
        Play::Answer(200, "<html>planted</html>".to_owned()),
        Play::Answer(200, "{\"success\":true,\"data\":{\"planted\":\"planted".to_owned()),
        Play::Answer(400, planted_everywhere(r#"{"code":"VALIDATION_ERROR","data":"@"}"#)),
        Play::Answer(401, planted_everywhere(r#"{"message":"x","token":"@"}"#)),
        Play::Fail(Sent::Maybe, TransportErrorKind::Closed),
        Play::Fail(Sent::No, TransportErrorKind::Connect),
    ]
}

#[tokio::test(start_paused = true)]
async fn replies_errors_and_logs_hide_what_is_sensitive() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(log.clone())
        .with_max_level(tracing::Level::TRACE)
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);

    for round in 0..rounds().len() {
        let gateway = Scripted::new(move |seen| {
            if seen.is_token() {
                let Play::Answer(status, body) = grant(seen.nth, 3) else { unreachable!() };
                return Play::Answer(status, body.replace("token-", "planted-"));
            }
            rounds().swap_remove(round)
        });
        let client: Client = builder(&gateway).build().unwrap();
        for _ in 0..2 {
            match client.verify_bank_account("0001234567", "ABAAKHPP").send().await {
                Ok(reply) => {
                    let inner: &VerifiedAccount = &reply;
                    assert_hidden("a reply", &format!("{reply:?} {reply:#?} {inner:?}"));
                    assert_hidden("a reply in JSON", &serde_json::to_string(inner).unwrap());
                }
                Err(error) => {
                    assert_error_hidden(&error);
                    assert!(!format!("{error:?}").contains("7777777777"));
                }
            }
            tokio::time::advance(std::time::Duration::from_secs(3)).await;
        }
    }
    // And a gateway that refuses the credentials, repeating them.
    let gateway = Scripted::new(|seen| {
        Play::Answer(400, format!(r#"{{"error":"invalid_grant","echo":{}}}"#, seen.body))
    });
    assert_error_hidden(&builder(&gateway).build().unwrap().authenticate().await.unwrap_err());

    let text = log.text();
    assert!(text.contains("an attempt failed"), "the log was caught: {text}");
    assert_hidden("the log", &text);
}

#[tokio::test]
async fn the_libraries_below_log_nothing_of_what_is_sent() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(log.clone())
        .with_max_level(tracing::Level::TRACE)
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let sandbox = Sandbox::start().unwrap();
    let client = against_sandbox::builder(&sandbox).build().unwrap();
    client.verify_bank_account("000123456", "ABAAKHPP").send().await.unwrap();
    let text = log.text();
    assert!(text.contains("got an access token"), "the log was caught: {text}");
    let given = sandbox.credentials();
    let secrets = [&given.client_secret, &given.password, &given.api_secret, &given.username];
    for secret in secrets.into_iter().map(String::as_str).chain(["Bearer", "000123456"]) {
        assert!(!text.contains(secret), "the log shows {secret}: {text}");
    }
}
