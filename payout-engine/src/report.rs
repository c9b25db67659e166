//! Reports: every row of a batch with its outcome, as CSV, JSON or one HTML page.
//!
//! A report is written row by row, so its memory does not follow the batch. It decides nothing: it
//! prints what the store holds. The CSV carries the merchant's own columns unmasked, because it
//! goes back to where they came from; JSON and HTML mask account numbers.
//!
//! Invariant: every row of the batch is in the report, whatever became of it.

mod file;
#[cfg_attr(not(feature = "html"), path = "report/html_absent.rs")]
mod html;
mod json;
mod numbers;
mod retriable;
mod sheet;

use std::io::{self, Write};
use std::path::Path;

use jiff::Timestamp;
use kess_gateway::{Money, Sensitive, mask_account};

use crate::error::Error;
use crate::payout::{BatchSummary, Outcome, Payee, Reason};
use crate::store::PayoutRecord;

pub use file::{PrivateFile, WriteError, save, write};
pub use json::{amounts_json, summary_json};
pub use numbers::{count, grouped, plain};
pub use retriable::Retriable;

/// What is said where the feature `html` is off and such a report is asked for.
const NO_HTML: &str = "this build writes no HTML reports: end the file's name in .csv or .json";

/// What a report looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// The file's columns, and those of the outcome.
    Csv,
    /// The document that the contract describes.
    Json,
    /// One page that needs nothing but itself. Without the feature `html` nothing is written.
    Html,
}

impl Format {
    /// What the ending of a file's name asks for: `.csv`, `.json` or `.html`, the last with the
    /// feature `html`.
    ///
    /// # Errors
    /// Another ending, or none.
    pub fn of_file(path: &Path) -> Result<Self, Error> {
        let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase());
        match ending.as_deref() {
            Some("csv") => Ok(Self::Csv),
            Some("json") => Ok(Self::Json),
            Some("html") if cfg!(feature = "html") => Ok(Self::Html),
            Some("html") => Err(Error::config(NO_HTML)),
            _ => Err(Error::config("the name of a report ends in .csv, .json or .html")),
        }
    }
}

/// One row of a report.
#[derive(Debug, Clone)]
pub struct ReportRow {
    /// Number of the row in the file, from 1.
    pub row: u64,
    /// Physical line in the file.
    pub line: u64,
    /// The merchant's id.
    pub reference: String,
    /// How the row stands.
    pub outcome: Outcome,
    /// The present order number, if one was minted.
    pub out_trade_no: Option<String>,
    /// How much.
    pub money: Money,
    /// Who is paid; absent once personal data was removed.
    pub payee: Option<Payee>,
    /// What the payee reads.
    pub body: Option<String>,
    /// Columns that the engine does not know, in the file's order.
    pub extra: Vec<(String, String)>,
    /// The holder's name as the bank gave it.
    pub holder_name: Option<String>,
    /// The gateway's number of the transaction.
    pub transaction_id: Option<String>,
    /// The page on which the one-time password is entered.
    pub otp_url: Option<String>,
    /// When the order that waits for it closes.
    pub otp_expires_at: Option<Timestamp>,
    /// Attempts begun.
    pub attempts: u32,
    /// Why the row stands as it does.
    pub error: Option<Reason>,
    /// What a person may want to know although the row went on.
    pub warning: Option<Reason>,
    /// When the row last changed.
    pub updated_at: Timestamp,
}

impl ReportRow {
    /// The account number as it may be shown; empty once personal data was removed.
    #[must_use]
    pub fn masked_account(&self) -> String {
        self.payee
            .as_ref()
            .map_or_else(String::new, |payee| mask_account(payee.bank_account_number.expose()))
    }

    fn bic(&self) -> &str {
        self.payee.as_ref().map_or("", |payee| &payee.bic)
    }
}

/// The headings of the columns that the engine does not know, of a batch that begins with these
/// rows.
#[must_use]
pub fn unknown_columns(first: &[PayoutRecord]) -> Vec<String> {
    // A row that could not be read has no columns; every other one has them all.
    let extra = first.iter().map(|row| &row.extra).find(|extra| !extra.is_empty());
    extra.into_iter().flatten().map(|(name, _)| name.clone()).collect()
}

/// Writes a report to `W`. Begin with [`Report::begin`], give every row to [`Report::row`], and
/// close with [`Report::end`].
pub struct Report<W: Write>(Kind<W>);

#[cfg_attr(
    not(feature = "html"),
    expect(clippy::large_enum_variant, reason = "where no HTML is written, a page is nothing")
)]
enum Kind<W: Write> {
    Csv(sheet::Sheet<W>),
    Json(json::Document<W>),
    Html(html::Page<W>),
}

impl<W: Write> Report<W> {
    /// Writes what stands above the rows. `extra` are the headings of the columns that the engine
    /// does not know, in the file's order.
    ///
    /// # Errors
    /// Where `out` cannot be written to; so for the other methods.
    pub fn begin(
        format: Format,
        out: W,
        summary: &BatchSummary,
        extra: &[String],
        now: Timestamp,
    ) -> io::Result<Self> {
        Ok(Self(match format {
            Format::Csv => Kind::Csv(sheet::Sheet::begin(out, extra)?),
            Format::Json => Kind::Json(json::Document::begin(out, &summary.batch)?),
            Format::Html => Kind::Html(html::Page::begin(out, summary, now)?),
        }))
    }

    /// Writes one row.
    ///
    /// # Errors
    /// Where the report cannot be written.
    pub fn row(&mut self, row: &ReportRow) -> io::Result<()> {
        match &mut self.0 {
            Kind::Csv(sheet) => sheet.row(row),
            Kind::Json(document) => document.row(row),
            Kind::Html(page) => page.row(row),
        }
    }

    /// Writes what stands below the rows, and flushes.
    ///
    /// # Errors
    /// Where the report cannot be written.
    pub fn end(self) -> io::Result<()> {
        match self.0 {
            Kind::Csv(sheet) => sheet.end(),
            Kind::Json(document) => document.end(),
            Kind::Html(page) => page.end(),
        }
    }
}

impl From<PayoutRecord> for ReportRow {
    fn from(record: PayoutRecord) -> Self {
        let payout = record.payout;
        let waits_for_otp = payout.outcome() == Outcome::AwaitingOtp;
        Self {
            row: payout.row,
            line: record.line,
            reference: record.reference,
            outcome: payout.outcome(),
            out_trade_no: payout.order.map(|order| order.no.to_string()),
            money: payout.money,
            payee: record.payee,
            body: record.body,
            extra: record.extra,
            holder_name: payout.holder_name.map(Sensitive::into_exposed),
            transaction_id: payout.transaction_id,
            otp_url: payout.otp_url.filter(|_| waits_for_otp),
            otp_expires_at: payout.expires_at.filter(|_| waits_for_otp),
            attempts: payout.attempt,
            error: payout.reason,
            warning: payout.warning,
            updated_at: record.updated_at,
        }
    }
}
