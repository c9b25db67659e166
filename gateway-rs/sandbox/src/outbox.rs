//! Notices to `notify_url`: form-encoded, signed, and pushed again until they are answered 2xx.
//!
//! Only addresses of this machine are called. Sample data names real hosts, and a rehearsal must
//! not reach them; such a notice is recorded as [`NoticeState::NotSent`].

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use axum::body::Body;
use http::{Request, Uri};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::Notify;

use crate::clock::{Clock, Millis, rfc3339};
use crate::core::lock;
use crate::php::Params;
use crate::settings::{Credentials, DISPLAY_NAME};
use crate::signature::{self, SignType};
use crate::world::{Order, Refund, SavedCard};

/// The pauses before each further push, in milliseconds; after the last one a notice is given up.
const PAUSES: [Millis; 5] = [15_000, 60_000, 300_000, 900_000, 3_600_000];
/// How long the gateway waits for an answer.
const PATIENCE: Duration = Duration::from_secs(25);
/// As many notices are remembered; the oldest finished ones go first.
const REMEMBERED: usize = 10_000;

/// What became of a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoticeState {
    /// Waits for its first or next push.
    Waiting,
    /// Answered with a 2xx.
    Delivered,
    /// Pushed as often as the gateway does, never answered with a 2xx.
    GivenUp,
    /// Not pushed, because its address is not one of this machine.
    NotSent,
}

/// A notice that the sandbox sent or wants to send.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Notice {
    /// Where it goes.
    pub url: String,
    /// The form-encoded body, the same in every push.
    pub body: String,
    /// How often it was pushed.
    pub pushes: u32,
    /// What became of it.
    pub state: NoticeState,
    pub(crate) due: Millis,
}

/// Every notice, and the bell for the task that pushes them.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    notices: Mutex<BTreeMap<u64, Notice>>,
    pub(crate) bell: Notify,
    pub(crate) idle: Notify,
}

impl Outbox {
    /// Puts a notice in; nothing where the order has no address for it.
    pub(crate) fn post(&self, notice: Option<Notice>) {
        let Some(notice) = notice else {
            return;
        };
        let mut notices = lock(&self.notices);
        if notices.len() >= REMEMBERED {
            let finished = notices.iter().find(|(_, n)| n.state != NoticeState::Waiting);
            if let Some(number) = finished.map(|(number, _)| *number) {
                notices.remove(&number);
            }
        }
        let number = notices.last_key_value().map_or(0, |(last, _)| last + 1);
        notices.insert(number, notice);
        drop(notices);
        self.bell.notify_one();
    }

    pub(crate) fn notices(&self) -> Vec<Notice> {
        lock(&self.notices).values().cloned().collect()
    }

    /// Whether a notice is due and not yet answered.
    pub(crate) fn has_due(&self, now: Millis) -> bool {
        self.next_due().is_some_and(|(due, _, _)| due <= now)
    }

    fn next_due(&self) -> Option<(Millis, u64, Notice)> {
        let notices = lock(&self.notices);
        let waiting = notices.iter().filter(|(_, n)| n.state == NoticeState::Waiting);
        let next = waiting.min_by_key(|(number, notice)| (notice.due, **number))?;
        Some((next.1.due, *next.0, next.1.clone()))
    }

    fn record(&self, number: u64, delivered: bool, now: Millis) {
        let mut notices = lock(&self.notices);
        let Some(notice) = notices.get_mut(&number) else {
            return;
        };
        notice.pushes += 1;
        let pause = PAUSES.get(notice.pushes as usize - 1);
        match pause {
            _ if delivered => notice.state = NoticeState::Delivered,
            Some(pause) => notice.due = now.saturating_add(*pause),
            None => notice.state = NoticeState::GivenUp,
        }
    }

    /// Pushes notices as they come due, for ever.
    pub(crate) async fn run(&self, clock: &Clock) {
        loop {
            let Some((due, number, notice)) = self.next_due() else {
                self.idle.notify_waiters();
                self.bell.notified().await;
                continue;
            };
            if due > clock.now() {
                self.idle.notify_waiters();
                match clock.until(due) {
                    Some(pause) => tokio::select! {
                        () = tokio::time::sleep(pause) => {}
                        () = self.bell.notified() => {}
                    },
                    None => self.bell.notified().await,
                }
                continue;
            }
            let answer = tokio::time::timeout(PATIENCE, push(&notice.url, notice.body)).await;
            let delivered = matches!(answer, Ok(Some(200..=299)));
            self.record(number, delivered, clock.now());
        }
    }
}

/// Pushes once; the status of the answer, if there was one.
async fn push(url: &str, body: String) -> Option<u16> {
    let uri: Uri = url.parse().ok()?;
    let authority = uri.authority()?.clone();
    let address = (authority.host().trim_matches(['[', ']']), authority.port_u16().unwrap_or(80));
    let stream = TcpStream::connect(address).await.ok()?;
    let io = TokioIo::new(stream);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.ok()?;
    let request = Request::post(uri.path_and_query().map_or("/", |path| path.as_str()))
        .header("host", authority.as_str())
        .header("content-type", "application/x-www-form-urlencoded")
        .header("user-agent", "kess-sandbox")
        .body(Body::from(body))
        .ok()?;
    let driver = tokio::spawn(connection);
    let response = sender.send_request(request).await;
    driver.abort();
    Some(response.ok()?.status().as_u16())
}

/// The notice of an order's status; `None` where it has no `notify_url`.
pub(crate) fn order_notice(
    order: &Order,
    credentials: &Credentials,
    now: Millis,
) -> Option<Notice> {
    let url = order.notify_url.as_deref()?;
    let time = |at: Option<Millis>| at.map(rfc3339).unwrap_or_default();
    let fields = [
        ("token", order.token.clone()),
        ("out_trade_no", order.out_trade_no.clone()),
        ("transaction_id", order.transaction_id.clone().unwrap_or_default()),
        ("body", order.body.clone()),
        ("total_amount", order.signed_amount().normalize().to_string()),
        ("currency", order.currency.clone()),
        ("status", order.status.as_str().to_owned()),
        ("paid_at", time(order.paid_at)),
        ("expired_at", rfc3339(order.expires_at)),
        ("created_at", rfc3339(order.created_at)),
        ("seller[code]", credentials.seller_code.clone()),
        ("seller[display_name]", DISPLAY_NAME.to_owned()),
    ];
    Some(notice(url, &fields, credentials, now))
}

/// The notice of a refund; `None` where it has no `callback_url`.
pub(crate) fn refund_notice(
    refund: &Refund,
    credentials: &Credentials,
    now: Millis,
) -> Option<Notice> {
    let url = refund.callback_url.as_deref()?;
    let fields = [
        ("amount", refund.amount.normalize().to_string()),
        ("currency", refund.currency.clone()),
        ("status", refund.status.as_str().to_owned()),
        ("reason", refund.reason.clone()),
        ("transaction_id", refund.transaction_id.clone()),
        ("out_trade_no", refund.out_trade_no.clone()),
        ("merchant_reference", refund.merchant_reference.clone().unwrap_or_default()),
    ];
    Some(notice(url, &fields, credentials, now))
}

/// The notice of a card that was saved.
pub(crate) fn card_notice(card: &SavedCard, credentials: &Credentials, now: Millis) -> Notice {
    let fields = [
        ("token", card.token.clone()),
        ("card_token", card.card_token.clone()),
        ("scheme", "MASTERCARD".to_owned()),
        ("account_number", "555555xxxxxx4444".to_owned()),
        ("status", "SUCCESS".to_owned()),
    ];
    notice(&card.notify_url, &fields, credentials, now)
}

/// A notice with `fields`, of which those without brackets are signed.
fn notice(url: &str, fields: &[(&str, String)], credentials: &Credentials, now: Millis) -> Notice {
    let sign_type = SignType::Md5;
    let mut signed = Params::default();
    signed.put_text("sign_type", sign_type.as_str());
    let mut form = form_urlencoded::Serializer::new(String::new());
    for (name, value) in fields.iter().filter(|(_, value)| !value.is_empty()) {
        form.append_pair(name, value);
        if !name.contains('[') {
            signed.put_text(name, value);
        }
    }
    form.append_pair("sign_type", sign_type.as_str());
    form.append_pair("sign", &signature::sign(&signed, sign_type, &credentials.api_secret));
    let state = if is_local(url) { NoticeState::Waiting } else { NoticeState::NotSent };
    Notice { url: url.to_owned(), body: form.finish(), pushes: 0, state, due: now }
}

/// Whether `url` is plain HTTP to this machine.
fn is_local(url: &str) -> bool {
    let Ok(uri) = url.parse::<Uri>() else {
        return false;
    };
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    let loopback = host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    uri.scheme_str() == Some("http") && (loopback || host == "localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_called() {
        for (url, local) in [
            ("http://127.0.0.1:9/hook", true),
            ("http://localhost/hook", true),
            ("http://[::1]:8080/hook", true),
            ("https://127.0.0.1/hook", false),
            ("https://sample.com/notifyme", false),
            ("http://127.0.0.1.sample.com/", false),
            ("nonsense", false),
        ] {
            assert_eq!(is_local(url), local, "{url}");
        }
    }
}
