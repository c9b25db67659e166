//! A bare gateway in a process of its own: as little work as HTTP allows, and no waiting.
//!
//! It keeps connections, reads a request's length, service, order number and amount, and writes a
//! reply that was made beforehand. Nothing is checked: neither token nor signature, and it keeps no
//! books. One thread serves all connections, so that the other processor is left to what is
//! measured; it can do several times what any client here asks of it.
//!
//! Replies are signed as the reading of the envelope has it, which is the last that clients try:
//! whoever checks signatures pays the full price for it.

use std::io;

use hmac::{Hmac, Mac};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::{API_SECRET, REPLY};

/// The documentation's samples of the replies to the other calls.
const VERIFIED: &str =
    include_str!("../../spec/examples/verify_bank_account.documented.reply.json");
const TOKENIZED: &str =
    include_str!("../../spec/examples/tokenize_bank_account.documented.reply.json");
const ORDER: &str = include_str!("../../spec/examples/query_order.documented.reply.json");
const MERCHANT: &str = include_str!("../../spec/examples/merchant_info.documented.reply.json");

/// Where a reply repeats what it was asked about.
const ORDER_NO: &str = "@order_no";
const AMOUNT: &str = "\"@amount\"";

/// What the stub looks at in a request.
#[derive(Deserialize)]
struct Asked<'a> {
    service: &'a str,
    #[serde(default)]
    out_trade_no: &'a str,
    #[serde(borrow)]
    total_amount: Option<&'a RawValue>,
}

/// The replies, made once.
struct Replies {
    token: String,
    verified: String,
    tokenized: String,
    merchant: String,
    /// What stands around order number and amount.
    withdrawn: [String; 3],
    /// What stands around the order number.
    order: [String; 2],
}

impl Replies {
    fn new() -> Result<Self, serde_json::Error> {
        let holder = json!({"owner_name": "SOK DARA", "currency": "USD"});
        let funds = json!({"currency": "USD", "balance": 999_999_999});
        let paid = json!({
            "out_trade_no": ORDER_NO, "currency": "USD", "status": "SUCCESS",
            "paid_at": "2022-07-26T05:59:04.000000Z", "is_required_otp": false,
            "verify_otp_url": null,
        });
        let mut withdrawn = paid.clone();
        withdrawn["total_amount"] = "@amount".into();
        let withdrawn = reply(REPLY, withdrawn)?;
        let order = reply(ORDER, json!({"out_trade_no": ORDER_NO, "status": "SUCCESS"}))?;
        let token = json!({
            "token_type": "Bearer", "expires_in": "86400", "access_token": "a",
            "refresh_token": "r",
        });
        let (before, rest) = withdrawn.split_once(ORDER_NO).unwrap_or_default();
        let (between, after) = rest.split_once(AMOUNT).unwrap_or_default();
        let (head, tail) = order.split_once(ORDER_NO).unwrap_or_default();
        Ok(Self {
            token: token.to_string(),
            verified: reply(VERIFIED, holder)?,
            tokenized: reply(TOKENIZED, json!({"currency": "USD"}))?,
            merchant: reply(MERCHANT, json!({"wallet": null, "multi_wallets": [funds]}))?,
            withdrawn: [before, between, after].map(str::to_owned),
            order: [head, tail].map(str::to_owned),
        })
    }

    /// Writes the whole answer to a request behind `out`.
    fn answer(&self, path: &[u8], body: &[u8], out: &mut Vec<u8>) {
        if path == b"/oauth/token" {
            return write(out, "200 OK", &[&self.token]);
        }
        let Ok(asked) = serde_json::from_slice::<Asked<'_>>(body) else {
            return write(out, "400 Bad Request", &[r#"{"success":false}"#]);
        };
        match asked.service {
            "webpay.acquire.verifybankaccount" => write(out, "200 OK", &[&self.verified]),
            "webpay.acquire.tokenizebankaccount" => write(out, "200 OK", &[&self.tokenized]),
            "webpay.acquire.withdraw" => {
                let amount = asked.total_amount.map_or("0", RawValue::get).trim_matches('"');
                let [before, between, after] = &self.withdrawn;
                // Withdrawals come back negative.
                let minus = "-";
                write(out, "200 OK", &[before, asked.out_trade_no, between, minus, amount, after]);
            }
            "webpay.acquire.queryOrder" => {
                let [before, after] = &self.order;
                write(out, "200 OK", &[before, asked.out_trade_no, after]);
            }
            "webpay.acquire.merchantinfo" => write(out, "200 OK", &[&self.merchant]),
            _ => write(out, "404 Not Found", &[r#"{"success":false,"code":"NOT_FOUND"}"#]),
        }
    }
}

/// A sample with some members of its `data` replaced, signed.
fn reply(sample: &str, data: Value) -> Result<String, serde_json::Error> {
    let mut reply: Value = serde_json::from_str(sample)?;
    if let Value::Object(members) = data {
        for (name, value) in members {
            reply["data"][name] = value;
        }
    }
    reply["sign_type"] = "HMAC-SHA256".into();
    reply["sign"] = envelope_signature().into();
    Ok(reply.to_string())
}

fn envelope_signature() -> String {
    let mut hmac = Hmac::<Sha256>::new_from_slice(API_SECRET.as_bytes())
        .expect("HMAC takes keys of any length");
    hmac.update(b"sign_type=HMAC-SHA256&success=1&key=");
    hmac.update(API_SECRET.as_bytes());
    hex::encode(hmac.finalize().into_bytes())
}

fn write(out: &mut Vec<u8>, status: &str, body: &[&str]) {
    let length: usize = body.iter().map(|part| part.len()).sum();
    out.extend_from_slice(b"HTTP/1.1 ");
    out.extend_from_slice(status.as_bytes());
    out.extend_from_slice(b"\r\nContent-Type: application/json\r\nContent-Length: ");
    out.extend_from_slice(length.to_string().as_bytes());
    out.extend_from_slice(b"\r\n\r\n");
    body.iter().for_each(|part| out.extend_from_slice(part.as_bytes()));
}

/// A request that is there as a whole.
struct Whole<'a> {
    path: &'a [u8],
    body: &'a [u8],
    /// Its length with everything.
    length: usize,
}

/// The first request in `bytes`, once all of it is there.
fn first_request(bytes: &[u8]) -> Option<Whole<'_>> {
    let head = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    let mut lines = bytes[..head].split(|&byte| byte == b'\n');
    let path = lines.next()?.split(|&byte| byte == b' ').nth(1)?;
    let length = lines.find_map(|line| {
        let (name, value) = line.split_at_checked("content-length:".len())?;
        let value = std::str::from_utf8(value).ok()?.trim();
        name.eq_ignore_ascii_case(b"content-length:").then(|| value.parse::<usize>().ok())?
    });
    let (start, end) = (head + 4, head + 4 + length.unwrap_or(0));
    Some(Whole { path, body: bytes.get(start..end)?, length: end })
}

/// Serves until it is dropped.
///
/// # Errors
/// Where no connection can be taken any more.
pub async fn serve(listener: TcpListener) -> io::Result<()> {
    // For the life of the process: there is one stub in it.
    let replies: &'static Replies = Box::leak(Box::new(Replies::new()?));
    loop {
        let (connection, _) = listener.accept().await?;
        connection.set_nodelay(true)?;
        tokio::spawn(async move {
            // A client that goes away is no error.
            let _ = serve_one(connection, replies).await;
        });
    }
}

async fn serve_one(mut connection: TcpStream, replies: &Replies) -> io::Result<()> {
    let (mut bytes, mut out) = (Vec::with_capacity(8_192), Vec::with_capacity(8_192));
    while connection.read_buf(&mut bytes).await? > 0 {
        let mut done = 0;
        while let Some(request) = first_request(&bytes[done..]) {
            replies.answer(request.path, request.body, &mut out);
            done += request.length;
        }
        bytes.drain(..done);
        connection.write_all(&out).await?;
        out.clear();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_answered_once_it_is_whole() {
        let body =
            r#"{"service":"webpay.acquire.withdraw","out_trade_no":"A-1","total_amount":10}"#;
        let request = format!("POST /x HTTP/1.1\r\ncontent-LENGTH: {}\r\n\r\n{body}", body.len());
        assert!(first_request(&request.as_bytes()[..request.len() - 1]).is_none());
        let two = request.repeat(2);
        let whole = first_request(two.as_bytes()).expect("it is all there");
        assert_eq!((whole.path, whole.length), (b"/x".as_slice(), request.len()));

        let mut out = Vec::new();
        Replies::new().expect("the samples are JSON").answer(whole.path, whole.body, &mut out);
        let text = String::from_utf8(out).expect("a text");
        let (head, reply) = text.split_once("\r\n\r\n").expect("a head and a body");
        assert!(head.ends_with(&format!("Content-Length: {}", reply.len())), "{head}");
        let reply: Value = serde_json::from_str(reply).expect("JSON");
        assert_eq!(reply["data"]["out_trade_no"], "A-1");
        assert_eq!(reply["data"]["total_amount"], -10);
    }
}
