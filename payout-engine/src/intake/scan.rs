//! A batch file below its heading: piece after piece, and what their findings are in the file.
//!
//! A piece knows nothing of those above it. [`Tally`] counts what came before, in the file's order,
//! and moves the findings of each piece to the rows and lines where they stand.

use std::io;

use super::Findings;
use super::duplicates::Place;
use super::finding::{Code, Finding};
use super::opening::{Opening, read_heading};
use super::portion::{Blank, Portion};
use super::records::{Break, BreakKind};
use super::row::Rules;
use super::source::{Input, Piece, Records, Source};

/// How many broken quotes are reported before reading on would be guessing.
const MOST_BREAKS: usize = 20;

/// A file that is open, below its heading.
pub(super) struct Scan {
    pub(super) pieces: Pieces,
    pub(super) rules: Rules,
    pub(super) tally: Tally,
}

impl Scan {
    /// Reads down to the heading. `None`: the file is refused, and why was reported.
    ///
    /// `size` is that of a piece in bytes, and `capacity` what the sealed block can hold.
    pub(super) fn open(
        input: Input,
        size: usize,
        capacity: usize,
        findings: &mut Findings,
    ) -> io::Result<Option<Self>> {
        let Some((source, lines)) = Source::open(input, size, findings)? else { return Ok(None) };
        let mut opening = Opening { source, records: None, lines };
        let Some((heading, heading_line)) = read_heading(&mut opening, findings)? else {
            return Ok(None);
        };
        let Opening { source, records, lines } = opening;
        let columns = heading.len();
        Ok(Some(Self {
            pieces: Pieces { source, first: records, columns, breaks: 0 },
            rules: Rules { heading, capacity },
            tally: Tally { lines, rows: 0, blank: Blank::default(), breaks: 0, heading_line },
        }))
    }
}

/// The pieces of a file, one after the other.
pub(super) struct Pieces {
    source: Source,
    /// What is left of the piece that the heading stands in.
    first: Option<Records>,
    columns: usize,
    breaks: usize,
}

impl Pieces {
    /// Reads the next piece; nothing at the end. `spent` are records that are not needed any more,
    /// for their memory.
    pub(super) fn next(&mut self, spent: Option<Records>) -> io::Result<Option<Piece>> {
        if self.breaks == MOST_BREAKS {
            return Ok(None);
        }
        let mut piece = match self.first.take() {
            Some(first) => Some(Piece::Records(first)),
            None => self.source.next(spent)?,
        };
        match &mut piece {
            Some(Piece::Records(records)) => records.expect_columns(self.columns),
            Some(Piece::Broken(_)) => self.breaks += 1,
            None => {}
        }
        Ok(piece)
    }

    /// The hash of the whole file, in hex.
    pub(super) fn into_sha256(self) -> io::Result<String> {
        self.source.into_sha256()
    }
}

/// What was counted so far.
pub(super) struct Tally {
    /// Lines above the next piece.
    lines: u64,
    /// Rows above the next piece.
    pub(super) rows: u64,
    blank: Blank,
    breaks: usize,
    heading_line: u64,
}

impl Tally {
    /// Where a row of the piece at hand stands in the file.
    pub(super) fn place(&self, place: Place) -> Place {
        Place { row: self.rows + place.row, line: self.lines + place.line }
    }

    /// Goes on behind `portion`, and moves its findings to where they stand in the file.
    pub(super) fn pass(&mut self, portion: &mut Portion, findings: &mut Findings) {
        let place = |mut finding: Finding| {
            finding.line += self.lines;
            finding.row = finding.row.map(|row| row + self.rows);
            finding
        };
        let found = std::mem::take(&mut portion.findings);
        findings.problems.extend(found.problems.into_iter().map(place));
        findings.warnings.extend(found.warnings.into_iter().map(place));
        if self.blank.count == 0 {
            self.blank.first_line = self.lines + portion.blank.first_line;
        }
        self.blank.count += portion.blank.count;
        self.rows += portion.rows;
        self.lines += portion.records.lines();
    }

    /// Goes on behind a record that is beyond reading.
    pub(super) fn pass_broken(&mut self, at: Break, rules: &Rules, findings: &mut Findings) {
        let line = self.lines + at.line + 1;
        findings.problems.push(broken(at, line, rules));
        self.lines += at.lines;
        self.breaks += 1;
        if self.breaks == MOST_BREAKS {
            let message = format!("{MOST_BREAKS} quotes are broken; reading stopped");
            let hint = "repair the quotes, or export the file again";
            let code = Code::TooManyBrokenQuotes;
            findings.problems.push(Finding::file(line, code, message, hint));
        }
    }

    /// What there is to say at the end of the file.
    pub(super) fn end(&self, findings: &mut Findings) {
        if self.breaks == MOST_BREAKS {
            return;
        }
        if self.blank.count > 0 {
            let rows = if self.blank.count == 1 { "row was" } else { "rows were" };
            let message = format!("{} blank {rows} passed over", self.blank.count);
            let hint = "nothing to do, unless rows are missing";
            let line = self.blank.first_line;
            findings.warnings.push(Finding::file(line, Code::BlankRows, message, hint));
        }
        if self.rows == 0 && self.breaks == 0 {
            let message = "there is a heading and no row below it".to_owned();
            let hint = "add a row for each payout";
            let line = self.heading_line;
            findings.problems.push(Finding::file(line, Code::NoRows, message, hint));
        }
    }
}

fn broken(at: Break, line: u64, rules: &Rules) -> Finding {
    let column = rules.heading.name(at.field);
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
    Finding { column: Some(column), ..Finding::file(line, code, message.to_owned(), hint) }
}
