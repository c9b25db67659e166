//! From an answer on the wire to the core's step: the real client, the real port, the real core.

use std::sync::{
    Arc, LazyLock,
    atomic::{AtomicU32, Ordering},
};

use futures_util::future::{BoxFuture, FutureExt};
use jiff::Timestamp;
use kess_gateway::{
    BaseUrl, Client, Credentials, Currency, Money, PublicKey,
    transport::{HttpRequest, HttpResponse, Transport, TransportError},
};
use payout_engine::{
    BatchCode, BatchOptions, CallError, Gateway, KessGateway, NameMatch, OrderView, Outcome, Payee,
    Policy, Reason, Route, Withdrawal,
    machine::{Call, Event, Payout, Rules, Step, Verified},
};
use rand::{SeedableRng, rngs::StdRng};
use serde_json::{Value, json};

use super::answers::Play;
use crate::engine::payout;

/// Made for these tests; nobody has the private half.
const PUBLIC_KEY: &str = "\
-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEApk6g6hHNtTge80oCmTly
DIUkWs41n2DzHRElZc+SV7Z0WJlx5glo7qt8cdksdAdI1mDLbddwVe9mBtwOw1n1
7r0SH2XaPuyb715fQOo9USE2x8UKGF8Y5vVVXvxhAdjAiUBFld8FVP5DQC7r8jHw
eRTrriLMygF3FLLDlnlJFOoGRudI68ClM5Q9Q5flwQ3NKw47Bbb4FnoKoYJ1mN17
dd+Ar6iLXhZNGS5ovx/H3CoAzMgN8twmCrzAg30owUBt6szJovWPGLKJ8SxaMsYC
69Cjsizu7AW9v041JGF0fH3cA+igjRW1KtQofqQPL08DVIEzSNxyCRLake5iWbfJ
mwIDAQAB
-----END PUBLIC KEY-----";

static CODE: LazyLock<BatchCode> =
    LazyLock::new(|| BatchCode::random(&mut StdRng::seed_from_u64(1)));
static POLICY: LazyLock<Policy> = LazyLock::new(Policy::default);
static OPTIONS: LazyLock<BatchOptions> =
    LazyLock::new(|| BatchOptions { route: Route::Direct, ..BatchOptions::default() });

fn rules() -> Rules<'static> {
    Rules { code: &CODE, options: &OPTIONS, policy: &POLICY, cancelling: false, restored_at: None }
}

pub(super) fn now() -> Timestamp {
    Timestamp::from_second(1_000_000_000).unwrap()
}

/// What `merchantinfo` says, where the port looks there before it decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wallet {
    Full,
    Empty,
    Untold,
}

/// The other end: plays one answer to the service in question.
pub(super) struct Stub {
    service: &'static str,
    play: Play,
    wallet: Wallet,
    pub(super) calls: AtomicU32,
    pub(super) wallet_calls: AtomicU32,
}

impl Stub {
    fn reply(&self, request: &HttpRequest) -> (u16, Option<&'static str>, String) {
        if request.url.path() == "/oauth/token" {
            return match &self.play {
                Play::NoToken(status, body) => (*status, None, body.clone()),
                _ => (200, None, json!({"access_token": "t", "expires_in": 1800}).to_string()),
            };
        }
        let asked: Value = serde_json::from_slice(&request.body).unwrap();
        if asked["service"] != format!("webpay.acquire.{}", self.service) {
            self.wallet_calls.fetch_add(1, Ordering::SeqCst);
            return match self.wallet {
                Wallet::Full => (200, None, wallet(1_000)),
                Wallet::Empty => (200, None, wallet(0)),
                Wallet::Untold => (502, None, String::new()),
            };
        }
        self.calls.fetch_add(1, Ordering::SeqCst);
        match &self.play {
            Play::Http(status, retry_after, body) => (*status, *retry_after, body.clone()),
            Play::Sample(change) => (200, None, sample(self.service, &asked, change)),
            Play::Fail(..) | Play::NoToken(..) => unreachable!("no answer is played"),
        }
    }
}

impl Transport for Stub {
    fn send(&self, request: HttpRequest) -> BoxFuture<'_, Result<HttpResponse, TransportError>> {
        let fails = match self.play {
            Play::Fail(sent, kind) => Some((sent, kind)),
            _ => None,
        };
        if request.url.path() != "/oauth/token"
            && let Some((sent, kind)) = fails
        {
            return async move { Err(TransportError { sent, kind, source: None }) }.boxed();
        }
        let (status, retry_after, body) = self.reply(&request);
        let mut headers = request.headers;
        headers.clear();
        if let Some(seconds) = retry_after {
            headers.insert("retry-after", seconds.parse().unwrap());
        }
        async move { Ok(HttpResponse { status, headers, body: body.into() }) }.boxed()
    }
}

fn documented(name: &str) -> Value {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../spec/examples");
    let text = std::fs::read_to_string(format!("{folder}/{name}.documented.reply.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// The documentation's sample, about the order that was asked for.
fn sample(service: &str, asked: &Value, change: &Value) -> String {
    let mut reply = documented(match service {
        "verifybankaccount" => "verify_bank_account",
        "tokenizebankaccount" => "tokenize_bank_account",
        "withdrawByBankNumber" => "withdraw_by_bank_number",
        "queryOrder" => "query_order",
        _ => "close_order",
    });
    let data = reply["data"].as_object_mut().unwrap();
    if let Some(no) = asked.get("out_trade_no") {
        data.insert("out_trade_no".to_owned(), no.clone());
        data.insert("total_amount".to_owned(), json!(-10));
        data.insert("currency".to_owned(), json!("USD"));
    }
    data.extend(change.as_object().unwrap().clone());
    reply.to_string()
}

fn wallet(balance: u32) -> String {
    let mut reply = documented("merchant_info");
    reply["data"]["multi_wallets"][0]["balance"] = json!(balance);
    reply.to_string()
}

/// The call that is answered, and the state in which the row makes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asking {
    Verify,
    Tokenize,
    Withdraw,
    /// About an order that the gateway never showed.
    Query,
    /// About an order that it has shown.
    QueryShown,
    Close,
}

impl Asking {
    fn service(self) -> &'static str {
        match self {
            Self::Verify => "verifybankaccount",
            Self::Tokenize => "tokenizebankaccount",
            Self::Withdraw => "withdrawByBankNumber",
            Self::Query | Self::QueryShown => "queryOrder",
            Self::Close => "closeorder",
        }
    }

    /// The row as it is when the call is made, led there by the core itself.
    fn row(self) -> Payout {
        let new = Payout::new(1, Money::usd("10").unwrap(), now());
        if matches!(self, Self::Verify | Self::Tokenize) {
            return new;
        }
        let sending = new.step(&rules(), Event::Cleared, now()).payout;
        if self == Self::Withdraw {
            return sending;
        }
        let reason = Reason::new("cut", "cut");
        let cut = CallError::Unknown { reason, answered: false, retry_after: None };
        let sent = sending.step(&rules(), Event::Withdrawn(Err(cut)), now()).payout;
        if self == Self::Query {
            return sent;
        }
        let view = OrderView {
            order_no: sent.order.as_ref().unwrap().no.to_string(),
            status: "WAITING".to_owned(),
            amount: sent.money.amount(),
            currency: Currency::Usd,
            transaction_id: None,
            otp_required: Some(self == Self::Close),
            otp_url: None,
            expires_at: (self == Self::Close).then(now),
        };
        sent.step(&rules(), Event::Queried(Ok(view)), now()).payout
    }
}

/// What came of an answer.
pub(super) struct Decision {
    pub(super) error: Option<CallError>,
    pub(super) step: Step,
    pub(super) stub: Arc<Stub>,
}

/// Plays one answer to one call, and asks the core what follows.
pub(super) async fn decide(asking: Asking, play: &Play, wallet: Wallet) -> Decision {
    let stub = Arc::new(Stub {
        service: asking.service(),
        play: play.clone(),
        wallet,
        calls: AtomicU32::new(0),
        wallet_calls: AtomicU32::new(0),
    });
    let client = Client::builder()
        .base_url(BaseUrl::sandbox())
        .credentials(Credentials::new("id", "secret", "user", "password"))
        .api_secret("key")
        .seller_code("SELLER")
        .public_key(PublicKey::from_pem(PUBLIC_KEY).unwrap())
        .transport(Arc::clone(&stub) as Arc<dyn Transport>)
        .build()
        .unwrap();
    let gateway = KessGateway::new(client);
    let row = asking.row();
    let event = call(asking, &gateway, &row).await;
    let error = match &event {
        Event::Verified(answer) => answer.as_ref().err(),
        Event::Tokenized(answer) => answer.as_ref().err(),
        Event::Withdrawn(answer) | Event::Queried(answer) | Event::Closed(answer) => {
            answer.as_ref().err()
        }
        _ => None,
    };
    Decision { error: error.cloned(), step: row.step(&rules(), event, now()), stub }
}

async fn call(asking: Asking, gateway: &KessGateway, row: &Payout) -> Event {
    let payee: Payee = payout(1, "0001112", row.money.clone()).payee;
    let order = row.order.as_ref().map(|order| &order.no);
    match asking {
        Asking::Verify => {
            let answer = gateway.verify(&payee).await;
            Event::Verified(answer.map(|holder| Verified {
                holder: holder.name,
                currency: holder.currency,
                name: NameMatch::Match,
            }))
        }
        Asking::Tokenize => Event::Tokenized(gateway.tokenize(&payee, None).await.map(|_| ())),
        Asking::Withdraw => {
            let withdrawal = Withdrawal {
                order_no: order.unwrap(),
                money: &row.money,
                body: "Payout",
                payee: &payee,
                sealed: None,
                token: None,
                expires_in: None,
                notify_url: None,
            };
            Event::Withdrawn(gateway.withdraw(withdrawal).await)
        }
        Asking::Query | Asking::QueryShown => Event::Queried(gateway.query(order.unwrap()).await),
        Asking::Close => Event::Closed(gateway.close(order.unwrap()).await),
    }
}

/// What becomes of a row if from now on the gateway knows no such order.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is sent, under the number it had or a first one, after so many answers "not found".
    Sent { same: bool, absent: u32, seconds: i64, resumed: bool },
    /// It ends, and another attempt has another number.
    Retried { absent: u32 },
    /// It is never sent again.
    Never,
}

pub(super) fn fate(step: &Step) -> Fate {
    let mut row = step.payout.clone();
    let no = row.order.as_ref().map(|order| order.no.clone());
    let (mut at, mut absent, mut resumed) = (now(), 0, step.stop.is_some());
    let mut call = step.call;
    for _ in 0..400 {
        let event = match call {
            Some(Call::Withdraw) => {
                let same = row.order.as_ref().map(|order| &order.no) == no.as_ref();
                return Fate::Sent { same, absent, seconds: (at - now()).get_seconds(), resumed };
            }
            Some(Call::Query) => {
                absent += 1;
                let reason = Reason::new("NOT_FOUND", "");
                Event::Queried(Err(CallError::NotFound(reason)))
            }
            Some(Call::Verify) => Event::Verified(Ok(Verified {
                holder: "A".into(),
                currency: Currency::Usd,
                name: NameMatch::Match,
            })),
            Some(Call::Tokenize) => Event::Tokenized(Ok(())),
            Some(Call::Clear) => Event::Cleared,
            Some(Call::Close) => return Fate::Never,
            None => {
                let ended = matches!(
                    row.outcome(),
                    Outcome::Failed | Outcome::Expired | Outcome::Cancelled
                );
                if ended {
                    return retried(row, absent);
                }
                let gives_up = row.next_at.is_none();
                if row.outcome().is_final() || (gives_up && resumed) {
                    return Fate::Never;
                }
                resumed |= gives_up;
                at = row.next_at.unwrap_or(at).max(at);
                Event::Due
            }
        };
        let next = row.step(&rules(), event, at);
        (row, call) = (next.payout, next.call);
    }
    Fate::Never
}

/// `payout retry` gives it another number, or the table would be a lie.
fn retried(row: Payout, absent: u32) -> Fate {
    let before = row.order.as_ref().map(|order| order.no.clone());
    let retried = row.step(&rules(), Event::Retry, now()).payout;
    let sent = retried.step(&rules(), Event::Cleared, now()).payout;
    assert_ne!(sent.order.map(|order| order.no), before);
    Fate::Retried { absent }
}

/// Plays the same answer again and again; returns after how many the row is given up, and how.
pub(super) fn exhausted(asking: Asking, error: &CallError) -> Option<(u32, Outcome)> {
    let mut row = asking.row();
    for tries in 1..100 {
        let answer = error.clone();
        let event = match asking {
            Asking::Verify => Event::Verified(Err(answer)),
            Asking::Tokenize => Event::Tokenized(Err(answer)),
            _ => return None,
        };
        let step = row.step(&rules(), event, now());
        if step.payout.next_at.is_none() {
            return Some((tries, step.payout.outcome()));
        }
        row = step.payout;
    }
    None
}
