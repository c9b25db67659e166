//! The rows that are safe to send again, as a batch file that `payout run` takes.
//!
//! What came from the merchant's file goes back unchanged: an apostrophe before a text that looks
//! like a formula would change whom the file pays, and the text is not new to who wrote it. Only
//! what others wrote, the gateway's messages, is made harmless for spreadsheets.
//!
//! Invariant: no row whose money moved or may have moved, here or by another batch. The caller
//! leaves out what other batches say; this module what the row itself says.

use std::borrow::Cow;
use std::io::{self, Write};

use super::ReportRow;
use super::sheet::{COLUMNS, harmless, original, write};
use crate::store::PayoutRecord;

/// What the file says about the earlier try. Of a file that was made from such a file only the last
/// try is kept.
const EARLIER: [&str; 4] =
    ["earlier_batch", "earlier_status", "earlier_error_code", "earlier_error_message"];

/// Writes the file to `W`. Begin with [`Retriable::begin`], give every row to [`Retriable::row`],
/// and close with [`Retriable::end`].
pub struct Retriable<W: Write> {
    writer: csv::Writer<W>,
    batch: String,
    extra: Vec<String>,
}

impl<W: Write> Retriable<W> {
    /// Writes the heading. `extra` are the headings of the columns that the engine does not know.
    ///
    /// # Errors
    /// Where `out` cannot be written to; so for the other methods.
    pub fn begin(mut out: W, batch: &str, extra: &[String]) -> io::Result<Self> {
        out.write_all("\u{feff}".as_bytes())?;
        let mut writer = csv::Writer::from_writer(out);
        let is_kept = |name: &&String| !EARLIER.contains(&name.as_str());
        let extra: Vec<_> = extra.iter().filter(is_kept).cloned().collect();
        let unknown = extra.iter().map(String::as_str);
        let headings = COLUMNS.into_iter().chain(unknown).chain(EARLIER);
        write(&mut writer, headings.map(Cow::Borrowed))?;
        Ok(Self { writer, batch: batch.to_owned(), extra })
    }

    /// Writes the row if it certainly moved no money; says whether it did.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn row(&mut self, record: PayoutRecord) -> io::Result<bool> {
        if !record.payout.is_retriable() || record.payee.is_none() {
            return Ok(false);
        }
        let row = ReportRow::from(record);
        let mut fields = vec![Cow::Borrowed(row.reference.as_str())];
        fields.extend(original(&row));
        for name in &self.extra {
            let value = row.extra.iter().find(|(heading, _)| heading == name);
            fields.push(Cow::Borrowed(value.map_or("", |(_, value)| value)));
        }
        let error = row.error.as_ref();
        fields.push(harmless(&self.batch));
        fields.push(Cow::Borrowed(row.outcome.as_str()));
        fields.push(error.map_or(Cow::Borrowed(""), |error| harmless(&error.code)));
        fields.push(error.map_or(Cow::Borrowed(""), |error| harmless(&error.message)));
        write(&mut self.writer, fields)?;
        Ok(true)
    }

    /// Flushes.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn end(mut self) -> io::Result<()> {
        self.writer.flush()
    }
}
