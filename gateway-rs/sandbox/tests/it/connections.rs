//! Connections: half a reply, HTTP/2, and what must never be seen in a text form.

use kess_sandbox::{Fault, FaultRule, Sandbox};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::raw::Raw;

#[tokio::test]
async fn half_a_reply_really_is_half_of_it() {
    let sandbox = Sandbox::start().unwrap();
    let raw = Raw::login(&sandbox).await;
    sandbox.add_fault(FaultRule::new(Fault::HalfReply));
    let body = raw.signed("merchantinfo", json!({})).to_string();
    let address = sandbox.base_url().strip_prefix("http://").unwrap();
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = format!(
        "POST /api/mch/v2/gateway HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        raw.bearer,
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut reply = Vec::new();
    // Whether the end is a reset or a plain end is the operating system's affair.
    let _ = stream.read_to_end(&mut reply).await;
    let reply = String::from_utf8(reply).unwrap();
    let (head, body) = reply.split_once("\r\n\r\n").unwrap();
    let promised = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    assert_eq!(body.len(), promised.parse::<usize>().unwrap() / 2);
    assert!(body.starts_with("{\"success\":true"), "{body}");
}

#[tokio::test]
async fn http2_is_spoken_and_can_be_cut_as_well() {
    let sandbox = Sandbox::start().unwrap();
    let mut raw = Raw::login(&sandbox).await;
    let builder = reqwest::Client::builder().http2_prior_knowledge().no_proxy();
    raw.http = builder.retry(reqwest::retry::never()).build().unwrap();
    assert_eq!(raw.query("WD-1").await.status, 404);
    sandbox.add_fault(FaultRule::new(Fault::CutAfterBooking).service("withdraw").times(1));
    let token = raw.bank_token("000123456").await;
    assert!(raw.try_call("withdraw", raw.withdrawal(&token, "WD-1")).await.is_err());
    assert_eq!(raw.query("WD-1").await.data()["status"], "SUCCESS");
}

#[test]
fn no_text_form_shows_a_secret_or_a_person() {
    let builder = Sandbox::builder().account("000123456", "ABAAKHPP", "SOK DARA", "USD");
    let built = format!("{builder:?}");
    let sandbox = builder.start().unwrap();
    let known = sandbox.credentials();
    let shown = format!("{built} {sandbox:?} {known:?} {:?}", sandbox.ledger());
    let hidden = [
        &known.api_secret,
        &known.password,
        &known.client_secret,
        "SOK DARA",
        "000123456",
        "BEGIN",
    ];
    for secret in hidden {
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[tokio::test]
async fn every_call_has_an_id_that_follows_from_the_seed() {
    let ids = async |seed: u64| {
        let sandbox = Sandbox::builder().seed(seed).start().unwrap();
        let raw = Raw::login(&sandbox).await;
        let mut ids = Vec::new();
        for _ in 0..2 {
            let url = format!("{}/api/mch/v2/gateway", sandbox.base_url());
            let response = raw.http.post(url).body("{}").send().await.unwrap();
            ids.push(response.headers()["x-request-id"].to_str().unwrap().to_owned());
        }
        ids
    };
    let of_seed_1 = ids(1).await;
    assert_ne!(of_seed_1[0], of_seed_1[1]);
    assert_eq!(of_seed_1, ids(1).await);
    assert_ne!(of_seed_1, ids(2).await);
}
