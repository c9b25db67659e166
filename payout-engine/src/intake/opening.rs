//! From the first record of a file down to its heading.
//!
//! The heading is the first line. Lines above it are not skipped: what stands there may be a row
//! whose columns nobody knows.

use std::io;

use super::Findings;
use super::finding::{Code, Finding};
use super::heading::{self, Heading};
use super::records::Record;
use super::source::{Piece, Records, Source};

/// How many records are searched for a heading before the file is said to have none.
pub(super) const HEADING_WITHIN: usize = 20;

/// How many headings of required columns make a line a heading.
pub(super) const HEADINGS_AT_LEAST: usize = 4;

/// A file whose heading is not read yet, record by record.
pub(super) struct Opening {
    pub(super) source: Source,
    /// Those that the record at hand is one of.
    pub(super) records: Option<Records>,
    /// Lines of the file above these.
    pub(super) lines: u64,
}

impl Opening {
    /// Goes to the next record. The line of it, or `Err` with that of a break; nothing at the end.
    fn advance(&mut self) -> io::Result<Option<Result<u64, u64>>> {
        loop {
            if let Some(records) = &mut self.records {
                if records.advance() {
                    return Ok(Some(Ok(self.lines + records.record().line() + 1)));
                }
                self.lines += records.lines();
            }
            match self.source.next(self.records.take())? {
                Some(Piece::Records(records)) => self.records = Some(records),
                Some(Piece::Broken(at)) => {
                    let line = self.lines + at.line + 1;
                    self.lines += at.lines;
                    return Ok(Some(Err(line)));
                }
                None => return Ok(None),
            }
        }
    }
}

/// Reads the first record that is not blank, and wants it to be a heading. With it comes its line.
pub(super) fn read_heading(
    file: &mut Opening,
    findings: &mut Findings,
) -> io::Result<Option<(Heading, u64)>> {
    let mut first_line = None;
    let mut first_refusal = Vec::new();
    for _ in 0..HEADING_WITHIN {
        let line = match file.advance()? {
            Some(Ok(line)) => line,
            Some(Err(line)) => {
                first_line.get_or_insert(line);
                continue;
            }
            None => break,
        };
        let Some(record) = file.records.as_ref().map(Records::record) else { break };
        if record.is_blank() {
            continue;
        }
        let headings = heading::required_headings(record.fields().map(|field| field.bytes));
        let is_heading = headings >= HEADINGS_AT_LEAST;
        match first_line {
            None if is_heading => {
                let understood = understand(record, line);
                let refused = |problems| findings.problems.extend(problems);
                return Ok(understood.map_err(refused).ok().map(|heading| (heading, line)));
            }
            // Too few to be sure; but if nothing better comes, this is what was meant.
            None if headings > 0 => {
                first_refusal = understand(record, line).err().unwrap_or_default();
            }
            Some(first) if is_heading => {
                findings.problems.push(lines_above(first, line));
                return Ok(None);
            }
            _ => {}
        }
        first_line.get_or_insert(line);
    }
    if first_refusal.is_empty() {
        first_refusal.push(no_heading(first_line));
    }
    findings.problems.append(&mut first_refusal);
    Ok(None)
}

fn lines_above(first: u64, heading: u64) -> Finding {
    let message = format!("lines stand above the heading, which is in line {heading}");
    Finding::file(first, Code::LinesAboveHeading, message, "remove every line above the heading")
}

/// `first_line`: the first line that is not blank.
fn no_heading(first_line: Option<u64>) -> Finding {
    let (code, message) = match first_line {
        None => (Code::EmptyFile, "the file is empty"),
        Some(_) => (Code::NoHeading, "no line names the columns"),
    };
    let hint = "the first line names the columns: reference,first_name,last_name,phone_number,\
                email,bank_account_number,bic,amount,currency";
    Finding::file(first_line.unwrap_or(1), code, message.to_owned(), hint)
}

/// The heading in `record`, or everything that is wrong with it.
fn understand(record: Record<'_>, line: u64) -> Result<Heading, Vec<Finding>> {
    let names: Result<Vec<_>, _> = record.fields().map(|field| field.text()).collect();
    let Ok(names) = names else {
        let offset = record.field(0).origin.offset;
        let message = format!("the heading, at byte {offset} of the file, is not UTF-8");
        let hint = "save the file as \"CSV UTF-8\"";
        return Err(vec![Finding::file(line, Code::NotUtf8, message, hint)]);
    };
    let (heading, twice) = Heading::read(names.into_iter().map(str::to_owned).collect());
    let problems = heading.findings(&twice, line);
    if problems.is_empty() { Ok(heading) } else { Err(problems) }
}
