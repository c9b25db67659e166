//! The JSON documents of the contract: the report, and the summary of a batch.
//!
//! Amounts are texts with all decimals of their currency. Nothing here passes through a float.

use std::collections::BTreeMap;
use std::io::{self, Write};

use kess_gateway::{Amount, Currency};
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::{ReportRow, plain};
use crate::payout::{BatchSummary, Outcome, Reason};

pub(super) struct Document<W: Write> {
    out: W,
    is_first: bool,
}

impl<W: Write> Document<W> {
    pub(super) fn begin(mut out: W, batch: &str) -> io::Result<Self> {
        write!(out, "{{\"batch\":{},\"rows\":[", Value::from(batch))?;
        Ok(Self { out, is_first: true })
    }

    pub(super) fn row(&mut self, row: &ReportRow) -> io::Result<()> {
        self.out.write_all(if self.is_first { b"\n" } else { b",\n" })?;
        self.is_first = false;
        serde_json::to_writer(&mut self.out, &Row::from(row)).map_err(io::Error::from)
    }

    pub(super) fn end(mut self) -> io::Result<()> {
        self.out.write_all(b"\n]}\n")?;
        self.out.flush()
    }
}

/// A row as the contract words it.
#[derive(Serialize)]
struct Row<'a> {
    row: u64,
    reference: &'a str,
    status: &'static str,
    out_trade_no: Option<&'a str>,
    amount: String,
    currency: &'a str,
    bic: &'a str,
    account: String,
    holder_name: Option<&'a str>,
    transaction_id: Option<&'a str>,
    otp_url: Option<&'a str>,
    otp_expires_at: Option<String>,
    attempts: u32,
    error: Option<Value>,
    updated_at: String,
}

impl<'a> From<&'a ReportRow> for Row<'a> {
    fn from(row: &'a ReportRow) -> Self {
        Self {
            row: row.row,
            reference: &row.reference,
            status: row.outcome.as_str(),
            out_trade_no: row.out_trade_no.as_deref(),
            amount: plain(row.money.amount(), row.money.currency()),
            currency: row.money.currency().as_str(),
            bic: row.bic(),
            account: row.masked_account(),
            holder_name: row.holder_name.as_deref(),
            transaction_id: row.transaction_id.as_deref(),
            otp_url: row.otp_url.as_deref(),
            otp_expires_at: row.otp_expires_at.map(|at| at.to_string()),
            attempts: row.attempts,
            error: row.error.as_ref().map(reason),
            updated_at: row.updated_at.to_string(),
        }
    }
}

fn reason(reason: &Reason) -> Value {
    json!({ "code": reason.code, "message": reason.message })
}

/// What `run`, `resume` and `status` print with `--json`. Every outcome has its count, zero or not.
#[must_use]
pub fn summary_json(summary: &BatchSummary) -> String {
    #[derive(Serialize)]
    struct Document<'a> {
        batch: &'a str,
        rows: u64,
        counts: BTreeMap<&'static str, u64>,
        totals: Map<String, Value>,
        elapsed_s: Box<RawValue>,
        stopped: Option<Value>,
    }
    let totals = summary.totals.iter().map(|(currency, total)| {
        let requested = plain(total.requested, currency);
        let paid = plain(total.of(Outcome::Paid), currency);
        (currency.to_string(), json!({ "requested": requested, "paid": paid }))
    });
    let stopped = summary.stopped.as_ref();
    let document = Document {
        batch: &summary.batch,
        rows: summary.rows,
        counts: Outcome::ALL.iter().map(|&o| (o.as_str(), summary.count(o))).collect(),
        totals: totals.collect(),
        elapsed_s: seconds(summary.elapsed),
        stopped: stopped.map(|s| json!({ "code": s.cause.as_str(), "message": s.message })),
    };
    #[expect(clippy::expect_used, reason = "the document holds nothing that JSON cannot say")]
    serde_json::to_string(&document).expect("a summary is JSON")
}

/// Sums by currency, as texts.
#[must_use]
pub fn amounts_json(amounts: &BTreeMap<Currency, Amount>) -> Value {
    let sums = amounts
        .iter()
        .map(|(currency, &amount)| (currency.to_string(), Value::from(plain(amount, currency))));
    Value::Object(sums.collect())
}

/// Seconds with three decimals, written from whole numbers.
fn seconds(elapsed: std::time::Duration) -> Box<RawValue> {
    let text = format!("{}.{:03}", elapsed.as_secs(), elapsed.subsec_millis());
    #[expect(clippy::expect_used, reason = "digits, a point and three digits are a JSON number")]
    RawValue::from_string(text).expect("a number")
}
