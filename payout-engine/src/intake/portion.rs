//! The rows of some records, by the shape of each; what stands in a row is read by [`super::row`].
//!
//! It does not know what stands above these records, so rows and lines are counted from their
//! beginning, on whichever thread.

use super::Findings;
use super::duplicates::Place;
use super::fields;
use super::finding::{Code, Finding};
use super::heading::{self, Column};
use super::opening::HEADINGS_AT_LEAST;
use super::records::Record;
use super::row::{Row, RowReader, Rules};
use super::source::Records;
use crate::payout::Reason;

/// A row.
pub(super) enum Found<'a> {
    /// It has the shape of one.
    Row(Row<'a>),
    /// It cannot be read; the problem was reported.
    Unreadable(Place, Reason),
}

/// Blank rows passed over.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Blank {
    pub(super) count: u64,
    pub(super) first_line: u64,
}

/// Some records and what was found in them so far.
pub(super) struct Portion {
    pub(super) records: Records,
    /// Number of rows.
    pub(super) rows: u64,
    pub(super) blank: Blank,
    pub(super) findings: Findings,
}

impl Portion {
    pub(super) fn new(mut records: Records) -> Self {
        records.decode();
        let (blank, findings) = (Blank::default(), Findings::default());
        Self { records, rows: 0, blank, findings }
    }

    /// Goes to the next row that is not blank.
    pub(super) fn next<'a>(&'a mut self, rules: &'a Rules) -> Option<Found<'a>> {
        let Self { records, rows, blank, findings } = self;
        loop {
            if !records.advance() {
                return None;
            }
            let record = records.record();
            if !record.is_blank() {
                break;
            }
            if blank.count == 0 {
                blank.first_line = record.line() + 1;
            }
            blank.count += 1;
        }
        *rows += 1;
        let record = records.record();
        let place = Place { row: *rows, line: record.line() + 1 };
        let shape = Shape { record, rules, place };
        findings.warnings.extend(shape.open_end());
        let Some(finding) = shape.flaw() else {
            return Some(Found::Row(RowReader::new(record, rules, place, findings).read()));
        };
        let reason = Reason::new(finding.code.as_str(), finding.message.clone());
        findings.problems.push(finding);
        Some(Found::Unreadable(place, reason))
    }
}

/// What a record looks like as a whole.
struct Shape<'a> {
    record: Record<'a>,
    rules: &'a Rules,
    place: Place,
}

impl Shape<'_> {
    /// A last line that was cut inside a number is a shorter number, and nothing else shows it.
    fn open_end(&self) -> Option<Finding> {
        if self.record.is_terminated() {
            return None;
        }
        let heading = &self.rules.heading;
        let column = heading.len().checked_sub(1).and_then(|at| heading.column(at))?;
        fields::is_numeric(column).then(|| {
            let message = "the file ends without a line end, so its last value may be cut short";
            let hint = "compare the last row with the original, and end it with a line end";
            Finding {
                column: Some(column.name().to_owned()),
                ..Finding::file(self.place.line, Code::NoLineEnd, message.to_owned(), hint)
            }
        })
    }

    /// What is wrong with the record as a whole.
    fn flaw(&self) -> Option<Finding> {
        let Self { record, rules: Rules { heading, .. }, place } = self;
        let (expected, found) = (heading.len(), record.len());
        let row_finding = |code, message: String, hint: &str| Finding {
            row: Some(place.row),
            ..Finding::file(place.line, code, message, hint)
        };
        if let Some(field) = record.swallowing() {
            let column = heading.name(field);
            let message = format!("the text in quotes in `{column}` holds what looks like rows");
            let hint = "a quote is missing or too many in this line or above the next one";
            // Of the file, not of the row: rows that are swallowed must not be skipped unseen.
            return Some(Finding::file(place.line, Code::SwallowedRows, message, hint));
        }
        // No name of a column has digits, so most rows are told apart without looking for names.
        let amount = heading.place(Column::Amount).unwrap_or_default();
        let has_names = !record.field(amount).has_digit();
        if has_names && heading.is_repeated_by(record.fields().map(|field| field.bytes)) {
            let message = "the heading stands here a second time".to_owned();
            let hint = "remove this line; were two files joined here?";
            return Some(row_finding(Code::RepeatedHeading, message, hint));
        }
        if has_names && self.is_another_heading() {
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
        if found < expected && !record.is_terminated() {
            let message =
                format!("the file ends in the middle of this row: {found} of {expected} fields");
            let hint = "the file may have been cut short: export or copy it again";
            return Some(row_finding(Code::CutOff, message, hint));
        }
        let surplus_is_blank = (expected..found).all(|index| record.field(index).is_blank());
        if found < expected || !surplus_is_blank {
            let message = format!("the row has {found} fields, the heading has {expected}");
            let hint = "put a value that holds the delimiter into quotes, and leave no field out";
            return Some(row_finding(Code::RaggedRow, message, hint));
        }
        None
    }

    fn is_another_heading(&self) -> bool {
        let fields = self.record.fields().map(|field| field.bytes);
        heading::required_headings(fields) >= HEADINGS_AT_LEAST
    }

    /// A row that begins with a word for a total and has neither a reference nor an account.
    fn is_total(&self) -> bool {
        let mut filled = self.record.fields().filter(|field| !field.is_blank());
        // None of the words has a digit, and most references have one.
        let Some(first) = filled.next().filter(|field| !field.has_digit()) else { return false };
        let word = first.text().unwrap_or_default().trim().trim_end_matches(':');
        let words = ["total", "grand total", "sum", "subtotal", "សរុប"];
        let is_one = |known: &&str| {
            word.eq_ignore_ascii_case(known) || !word.is_ascii() && word.to_lowercase() == **known
        };
        words.iter().any(is_one) && 2 * (1 + filled.count()) < self.rules.heading.len()
    }
}
