//! What the stub answers, and what it has seen.

use serde_json::Value;

use super::*;

fn gateway(limit: Option<Limit>) -> Gateway {
    let bucket = limit.map(|limit| Bucket::full(limit, Instant::now()));
    let seen = Mutex::new(Seen { figures: Figures::default(), bucket });
    let replies = Replies::new().expect("the samples are JSON");
    Gateway { replies, late: None, delay: Duration::ZERO, seen }
}

/// The head and the body of an answer.
fn ask(gateway: &Gateway, path: &str, body: &str) -> (String, Value) {
    let mut out = Vec::new();
    gateway.answer(path.as_bytes(), body.as_bytes(), Instant::now(), &mut out);
    let text = String::from_utf8(out).expect("a text");
    let (head, reply) = text.split_once("\r\n\r\n").expect("a head and a body");
    let length = format!("Content-Length: {}", reply.len());
    assert!(head.contains(&length), "{head}");
    (head.to_owned(), serde_json::from_str(reply).expect("JSON"))
}

const WITHDRAWAL: &str =
    r#"{"service":"webpay.acquire.withdraw","out_trade_no":"A-1","total_amount":10}"#;

#[test]
fn a_request_is_answered_once_it_is_whole() {
    let length = WITHDRAWAL.len();
    let request = format!("POST /x HTTP/1.1\r\ncontent-LENGTH: {length}\r\n\r\n{WITHDRAWAL}");
    assert!(first_request(&request.as_bytes()[..request.len() - 1]).is_none());
    let two = request.repeat(2);
    let whole = first_request(two.as_bytes()).expect("it is all there");
    assert_eq!((whole.path, whole.length), (b"/x".as_slice(), request.len()));
    assert_eq!(whole.body, WITHDRAWAL.as_bytes());

    let (_, reply) = ask(&gateway(None), "/x", WITHDRAWAL);
    assert_eq!(reply["data"]["out_trade_no"], "A-1");
    assert_eq!(reply["data"]["total_amount"], -10);
}

#[test]
fn what_it_has_seen_it_tells_until_it_is_told_to_forget() {
    let gateway = gateway(Some(Limit { rate: 1, burst: 2, retry_after: 7 }));
    ask(&gateway, "/oauth/token", "{}");
    ask(&gateway, "/x", r#"{"service":"webpay.acquire.merchantinfo"}"#);
    let (_, figures) = ask(&gateway, FIGURES, "");
    assert_eq!((&figures["calls"], &figures["first_payout_call_ago"]), (&1.into(), &Value::Null));

    ask(&gateway, "/x", WITHDRAWAL);
    let (head, _) = ask(&gateway, "/x", WITHDRAWAL);
    assert!(head.starts_with("HTTP/1.1 429 ") && head.contains("\r\nRetry-After: 7\r\n"), "{head}");
    let (_, figures) = ask(&gateway, FIGURES, "");
    assert_eq!((&figures["calls"], &figures["refused"]), (&3.into(), &1.into()));
    assert!(figures["first_payout_call_ago"].is_u64(), "{figures}");

    ask(&gateway, FORGET, "");
    assert_eq!(ask(&gateway, FIGURES, "").1["calls"], 0);
}
