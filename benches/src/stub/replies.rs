//! What the stub says: replies that were made beforehand, but for the order number and the amount.
//!
//! They are signed as the reading of the envelope has it, which is the last that clients try:
//! whoever checks signatures pays the full price for it.

use hmac::{Hmac, Mac};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use sha2::Sha256;

use crate::{API_SECRET, REPLY};

/// The documentation's samples of the replies to the other calls.
const VERIFIED: &str =
    include_str!("../../../spec/examples/verify_bank_account.documented.reply.json");
const TOKENIZED: &str =
    include_str!("../../../spec/examples/tokenize_bank_account.documented.reply.json");
const ORDER: &str = include_str!("../../../spec/examples/query_order.documented.reply.json");
const MERCHANT: &str = include_str!("../../../spec/examples/merchant_info.documented.reply.json");

/// Where a reply repeats what it was asked about.
const ORDER_NO: &str = "@order_no";
const AMOUNT: &str = "\"@amount\"";

/// What the stub looks at in a request.
#[derive(Deserialize)]
pub(super) struct Asked<'a> {
    pub(super) service: &'a str,
    #[serde(default)]
    out_trade_no: &'a str,
    #[serde(borrow)]
    total_amount: Option<&'a RawValue>,
}

impl Asked<'_> {
    /// Whether it is one of the calls that are made for a row, and not about the wallet.
    pub(super) fn concerns_a_payout(&self) -> bool {
        self.service != "webpay.acquire.merchantinfo"
    }
}

/// The replies, made once.
pub(super) struct Replies {
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
    pub(super) fn new() -> Result<Self, serde_json::Error> {
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

    /// Writes the answer to a request for a token behind `out`.
    pub(super) fn token(&self, out: &mut Vec<u8>) {
        write(out, "200 OK", &[&self.token]);
    }

    /// Writes the answer to a call behind `out`.
    pub(super) fn answer(&self, asked: &Asked<'_>, out: &mut Vec<u8>) {
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

/// Writes the answer to what makes no sense.
pub(super) fn senseless(out: &mut Vec<u8>) {
    write(out, "400 Bad Request", &[r#"{"success":false}"#]);
}

/// Writes the answer of a gateway that has too much to do, and says for how many seconds.
pub(super) fn too_much(seconds: u64, out: &mut Vec<u8>) {
    let status = format!("429 Too Many Requests\r\nRetry-After: {seconds}");
    write(out, &status, &[r#"{"success":false,"code":"TOO_MANY_REQUESTS"}"#]);
}

/// Writes JSON that is not the gateway's.
pub(super) fn plain(json: &Value, out: &mut Vec<u8>) {
    write(out, "200 OK", &[&json.to_string()]);
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
