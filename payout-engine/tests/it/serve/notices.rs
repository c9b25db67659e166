//! The gateway's notices: the sandbox sends and signs them itself, with code that the client does
//! not share.

use std::thread;

use kess_sandbox::{NoticeState, OtpPolicy, Sandbox};

use super::http::{Answer, Http};
use super::process::{Served, until};
use crate::command::{Desk, confirm_otp, rows};

const ROWS: u32 = 3;

/// As many as somebody sends who wants to do harm.
const FLOOD: usize = 10_000;

/// A server with a batch all of whose rows wait for their password, and are not asked about again
/// for an hour: what moves a row before is a notice.
struct Waiting {
    sandbox: Sandbox,
    desk: Desk,
    served: Served,
}

impl Waiting {
    fn new() -> Self {
        let sandbox = Sandbox::builder().otp(OtpPolicy::Always).start().unwrap();
        let mut desk = Desk::at(&sandbox);
        Served::with_tokens(&mut desk);
        desk.write("payout.toml", "[policy]\notp = { first = '1h', longest = '1h' }\n");
        desk.write_rows("june.csv", &rows(ROWS));
        let first = Served::start(&desk, &[]);
        let (listen, path) = (first.address.to_string(), first.notify_path());
        first.kill();
        let notify_url = format!("http://{listen}{path}");
        let run = ["run", "june.csv", "--yes", "--batch", "june", "--otp", "wait"];
        let mut run = desk.spawn(&[&run[..], &["--notify-url", &notify_url]].concat());
        until("all wait for their password", || {
            let status = desk.payout(&["status", "june", "--json"]);
            status.code == Some(0) && status.json()["counts"]["awaiting_otp"] == ROWS
        });
        run.kill().unwrap();
        run.wait().unwrap();
        // The run was killed, so the server goes on with it.
        let served = Served::start(&desk, &["--listen", &listen]);
        assert_eq!(served.notify_path(), path, "the address outlives the server");
        until("the server asked about each", || served.queries() >= u64::from(ROWS));
        Self { sandbox, desk, served }
    }

    /// The head of the batch's event log, which every change of a row moves on.
    fn head(&self) -> String {
        self.desk.payout(&["audit", "june", "--json"]).expect(0).stdout
    }

    fn notices(&self, result: &str) -> u64 {
        self.served.metric(&format!("payout_notices_total{{result=\"{result}\"}}"))
    }

    fn rows(&self, outcome: &str) -> u64 {
        self.served.metric(&format!("payout_batch_rows{{batch=\"june\",outcome=\"{outcome}\"}}"))
    }

    /// The link where a row's password is entered.
    fn confirm(&self, row: usize) {
        let report = self.desk.report(&["june"]);
        confirm_otp(report[row]["otp_url"].as_str().unwrap());
    }
}

impl Served {
    fn queries(&self) -> u64 {
        let calls = "payout_gateway_call_duration_seconds_count";
        self.metric(&format!("{calls}{{service=\"queryOrder\",result=\"ok\"}}"))
    }
}

fn notify(http: &mut Http, path: &str, body: &str) -> Answer {
    let ask = http.post(path, body).with("origin", "").with("host", "whatever.example");
    ask.send()
}

#[test]
fn a_notice_has_its_row_asked_about_at_once_and_again_it_changes_nothing() {
    let waiting = Waiting::new();
    waiting.confirm(0);
    until("the row is paid", || waiting.rows("paid") == 1);
    assert_eq!(waiting.rows("awaiting_otp"), u64::from(ROWS) - 1);
    until("it was answered", || {
        waiting.sandbox.notices().iter().all(|it| it.state == NoticeState::Delivered)
    });
    let notice = waiting.sandbox.notices().remove(0);
    assert_eq!(notice.pushes, 1, "the first answer was a good one");
    let (head, queries) = (waiting.head(), waiting.served.queries());
    let path = waiting.served.notify_path();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut http = waiting.served.http();
                for _ in 0..FLOOD / 4 {
                    notify(&mut http, &path, &notice.body).expect(200);
                }
            });
        }
    });
    let all = waiting.notices("accepted") + waiting.notices("repeated");
    assert_eq!(all, FLOOD as u64 + 1);
    assert_eq!(waiting.notices("full"), 0);
    assert_eq!(waiting.served.queries(), queries, "a row that ended is not asked about");
    assert_eq!(waiting.head(), head);
    // A flood about one order keeps no other waiting.
    waiting.confirm(1);
    until("the next row is paid", || waiting.rows("paid") == 2);
}

#[test]
fn what_the_gateway_did_not_sign_changes_nothing_and_learns_nothing() {
    let waiting = Waiting::new();
    let path = waiting.served.notify_path();
    let head = waiting.head();
    let queries = waiting.served.queries();
    let number = waiting.desk.report(&["june"])[0]["out_trade_no"].as_str().unwrap().to_owned();
    let forged = format!("out_trade_no={number}&status=SUCCESS&sign_type=MD5&sign=");
    let mut http = waiting.served.http();
    for _ in 0..FLOOD {
        notify(&mut http, &path, &format!("{forged}{}", "0".repeat(32))).expect(400);
    }
    for body in ["", "{", "out_trade_no", "\u{1780}", &forged, "a[=1&a=2&sign=0"] {
        notify(&mut http, &path, body).expect(400);
    }
    let long = "a".repeat(300 * 1024);
    notify(&mut waiting.served.http(), &path, &long).expect(400);
    // Whether a path is nearly right nobody is told: it is as any other.
    let nowhere = http.get("/nowhere").send().expect(404);
    let mut nearly = path.clone();
    nearly.pop();
    for path in [nearly.as_str(), "/notify/0000"] {
        assert_eq!(notify(&mut http, path, &forged).expect(404).body, nowhere.body);
    }
    assert_eq!(http.get(&path).send().expect(404).body, nowhere.body);
    assert_eq!(waiting.notices("forged") + waiting.notices("unreadable"), FLOOD as u64 + 7);
    assert_eq!(waiting.notices("accepted") + waiting.notices("repeated"), 0);
    assert_eq!(waiting.served.queries(), queries);
    assert_eq!(waiting.head(), head);
    assert_eq!(waiting.rows("awaiting_otp"), u64::from(ROWS));
}

#[test]
fn a_notice_about_an_order_of_somebody_else_is_answered_and_left() {
    let sandbox = Sandbox::builder().start().unwrap();
    let mut desk = Desk::at(&sandbox);
    Served::with_tokens(&mut desk);
    let served = Served::start(&desk, &[]);
    let secret = sandbox.credentials().api_secret.clone();
    let signed = |fields: &[(&str, &str)]| {
        kess_gateway::webhook::sign_form_for_tests(&secret, kess_gateway::SignType::Md5, fields)
    };
    let mut http = served.http();
    let path = served.notify_path();
    for fields in [
        &[("out_trade_no", "SOMEBODY-ELSES"), ("status", "SUCCESS")][..],
        &[("out_trade_no", "has a blank"), ("status", "SUCCESS")],
        &[("card_token", "1"), ("status", "SUCCESS")],
    ] {
        notify(&mut http, &path, &signed(fields)).expect(200);
    }
    let count =
        |result: &str| served.metric(&format!("payout_notices_total{{result=\"{result}\"}}"));
    assert_eq!((count("foreign"), count("accepted")), (2, 1));
}

#[test]
fn the_address_for_notices_is_not_the_secret_and_stays_the_same() {
    let sandbox = Sandbox::builder().start().unwrap();
    let desk = Desk::at(&sandbox);
    let args = ["--public-url", "https://pay.example.com"];
    let first = Served::start(&desk, &args).told("notify_url: ");
    assert_eq!(Served::start(&desk, &args).told("notify_url: "), first);
    let (_, secret) = first.split_once("https://pay.example.com/notify/").unwrap();
    assert_eq!(secret.len(), 64);
    assert!(!first.contains(&sandbox.credentials().api_secret));
}
