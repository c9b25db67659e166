//! Goes through a batch file once: what kind of file it is, its heading, then row after row.
//!
//! Everything that concerns the shape of the file is found here; what stands in a row is read by
//! [`super::row`].

use std::io;

use super::Findings;
use super::duplicates::Place;
use super::fields;
use super::finding::{Code, Finding};
use super::heading::{self, Column, Heading};
use super::opening::{HEADINGS_AT_LEAST, read_heading};
use super::records::{Break, BreakKind, Next, Record, is_blank};
use super::source::{Input, Source};
use crate::payout::Reason;

/// How many broken quotes are reported before reading on would be guessing.
const MOST_BREAKS: usize = 20;

/// A row, or the end of the file.
pub(super) enum Found {
    /// The record at hand has the shape of a row.
    Row(Place),
    /// The record at hand is a row that cannot be read; the problem was reported.
    Unreadable(Place, Reason),
    /// There is nothing more.
    End,
}

/// A file that is being read, below its heading.
pub(super) struct Scan {
    source: Source,
    heading: Heading,
    heading_line: u64,
    record: Record,
    row: u64,
    blank: Blank,
    breaks: usize,
}

/// Blank rows passed over.
#[derive(Default)]
struct Blank {
    count: u64,
    first_line: u64,
}

impl Scan {
    /// Reads down to the heading. `None`: the file is refused, and why was reported.
    pub(super) fn open(input: Input, findings: &mut Findings) -> io::Result<Option<Self>> {
        let Some(mut source) = Source::open(input, findings)? else { return Ok(None) };
        let mut record = Record::default();
        let Some(heading) = read_heading(&mut source, &mut record, findings)? else {
            return Ok(None);
        };
        let heading_line = record.line;
        source.expect_columns(heading.len());
        let (row, breaks) = (0, 0);
        let blank = Blank::default();
        Ok(Some(Self { source, heading, heading_line, record, row, blank, breaks }))
    }

    pub(super) fn heading(&self) -> &Heading {
        &self.heading
    }

    /// The record that [`Self::next`] found.
    pub(super) fn record(&self) -> &Record {
        &self.record
    }

    /// Number of rows so far.
    pub(super) fn rows(&self) -> u64 {
        self.row
    }

    /// Goes to the next row that is not blank.
    pub(super) fn next(&mut self, findings: &mut Findings) -> io::Result<Found> {
        loop {
            match self.source.next(&mut self.record)? {
                Next::End => {
                    self.end(findings);
                    return Ok(Found::End);
                }
                Next::Broken(at) => {
                    findings.problems.push(self.broken(at));
                    self.breaks += 1;
                    if self.breaks == MOST_BREAKS {
                        let message = format!("{MOST_BREAKS} quotes are broken; reading stopped");
                        let hint = "repair the quotes, or export the file again";
                        let code = Code::TooManyBrokenQuotes;
                        findings.problems.push(Finding::file(at.line, code, message, hint));
                        return Ok(Found::End);
                    }
                }
                Next::Record if self.record.is_blank() => {
                    if self.blank.count == 0 {
                        self.blank.first_line = self.record.line;
                    }
                    self.blank.count += 1;
                }
                Next::Record => {
                    self.row += 1;
                    findings.warnings.extend(self.open_end());
                    let place = Place { row: self.row, line: self.record.line };
                    let Some(finding) = self.shape(place) else { return Ok(Found::Row(place)) };
                    let reason = Reason::new(finding.code.as_str(), finding.message.clone());
                    findings.problems.push(finding);
                    return Ok(Found::Unreadable(place, reason));
                }
            }
        }
    }

    /// The hash of the whole file, in hex.
    pub(super) fn into_sha256(self) -> io::Result<String> {
        self.source.into_sha256()
    }

    fn end(&self, findings: &mut Findings) {
        if self.blank.count > 0 {
            let rows = if self.blank.count == 1 { "row was" } else { "rows were" };
            let message = format!("{} blank {rows} passed over", self.blank.count);
            let hint = "nothing to do, unless rows are missing";
            let line = self.blank.first_line;
            findings.warnings.push(Finding::file(line, Code::BlankRows, message, hint));
        }
        if self.row == 0 && self.breaks == 0 {
            let message = "there is a heading and no row below it".to_owned();
            let hint = "add a row for each payout";
            let line = self.heading_line;
            findings.problems.push(Finding::file(line, Code::NoRows, message, hint));
        }
    }

    /// A last line that was cut inside a number is a shorter number, and nothing else shows it.
    fn open_end(&self) -> Option<Finding> {
        let column = self.heading.len().checked_sub(1).and_then(|at| self.heading.column(at))?;
        (!self.record.terminated && fields::is_numeric(column)).then(|| {
            let message = "the file ends without a line end, so its last value may be cut short";
            let hint = "compare the last row with the original, and end it with a line end";
            Finding {
                column: Some(column.name().to_owned()),
                ..Finding::file(self.record.line, Code::NoLineEnd, message.to_owned(), hint)
            }
        })
    }

    /// What is wrong with the record as a whole.
    fn shape(&self, place: Place) -> Option<Finding> {
        let record = &self.record;
        let (expected, found) = (self.heading.len(), record.len());
        let row_finding = |code, message: String, hint: &str| Finding {
            row: Some(place.row),
            ..Finding::file(place.line, code, message, hint)
        };
        if let Some(field) = record.swallowing {
            let column = self.heading.name(field);
            let message = format!("the text in quotes in `{column}` holds what looks like rows");
            let hint = "a quote is missing or too many in this line or above the next one";
            // Of the file, not of the row: rows that are swallowed must not be skipped unseen.
            return Some(Finding::file(place.line, Code::SwallowedRows, message, hint));
        }
        if self.heading.is_repeated_by(record.fields()) {
            let message = "the heading stands here a second time".to_owned();
            let hint = "remove this line; were two files joined here?";
            return Some(row_finding(Code::RepeatedHeading, message, hint));
        }
        if self.is_another_heading() {
            let message = "another heading stands here, so the rows below have other columns";
            let hint = "put what begins here into a file of its own";
            // Of the file: below it an account number may stand where an amount is expected.
            let finding = Finding::file(place.line, Code::OtherHeading, message.to_owned(), hint);
            return Some(finding);
        }
        if self.is_total() {
            let message = "this row is a total, not a payout".to_owned();
            return Some(row_finding(Code::TotalRow, message, "remove this row"));
        }
        if found < expected && !record.terminated {
            let message =
                format!("the file ends in the middle of this row: {found} of {expected} fields");
            let hint = "the file may have been cut short: export or copy it again";
            return Some(row_finding(Code::CutOff, message, hint));
        }
        let surplus_is_blank = (expected..found).all(|index| is_blank(record.field(index)));
        if found < expected || !surplus_is_blank {
            let message = format!("the row has {found} fields, the heading has {expected}");
            let hint = "put a value that holds the delimiter into quotes, and leave no field out";
            return Some(row_finding(Code::RaggedRow, message, hint));
        }
        None
    }

    /// Names of columns have no digits, so most rows are told apart without looking for names.
    fn is_another_heading(&self) -> bool {
        let amount = self.heading.place(Column::Amount).unwrap_or_default();
        let has_digits = self.record.field(amount).iter().any(u8::is_ascii_digit);
        !has_digits && heading::required_headings(self.record.fields()) >= HEADINGS_AT_LEAST
    }

    /// A row that begins with a word for a total and has neither a reference nor an account.
    fn is_total(&self) -> bool {
        let mut filled = self.record.fields().filter(|field| !is_blank(field));
        let first = filled.next().and_then(|field| std::str::from_utf8(field).ok());
        let word = first.unwrap_or_default().trim().to_lowercase();
        let words = ["total", "grand total", "sum", "subtotal", "សរុប"];
        words.iter().any(|known| word.trim_end_matches(':') == *known)
            && 2 * (1 + filled.count()) < self.heading.len()
    }

    fn broken(&self, at: Break) -> Finding {
        let column = self.heading.name(at.field);
        let (code, message, hint) = match at.kind {
            BreakKind::UnclosedQuote => (
                Code::UnclosedQuote,
                "a quote is opened here and never closed, so everything below would be one value",
                "remove the quote, or double it (\"\") where it belongs to the text",
            ),
            BreakKind::TextAfterQuote => (
                Code::TextAfterQuote,
                "text follows the quote that closes a value",
                "double a quote that belongs to the text (\"\"), or remove it",
            ),
            BreakKind::TooLong => (
                Code::RowTooLong,
                "this line is far longer than a row can be",
                "is this a batch file? Export it again as CSV",
            ),
        };
        Finding { column: Some(column), ..Finding::file(at.line, code, message.to_owned(), hint) }
    }
}

#[cfg(test)]
impl Scan {
    /// Where the records come from, for tests of what it holds.
    pub(super) fn source(&self) -> &Source {
        &self.source
    }
}
