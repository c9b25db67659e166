//! From the first record of a file down to its heading.
//!
//! The heading is the first line. Lines above it are not skipped: what stands there may be a row
//! whose columns nobody knows.

use std::io;

use super::Findings;
use super::finding::{Code, Finding};
use super::heading::{self, Heading};
use super::records::{Next, Record};
use super::source::Source;

/// How many records are searched for a heading before the file is said to have none.
pub(super) const HEADING_WITHIN: usize = 20;

/// How many headings of required columns make a line a heading.
pub(super) const HEADINGS_AT_LEAST: usize = 4;

/// Reads the first record that is not blank, and wants it to be a heading.
pub(super) fn read_heading(
    source: &mut Source,
    record: &mut Record,
    findings: &mut Findings,
) -> io::Result<Option<Heading>> {
    let mut first_line = None;
    let mut first_refusal = Vec::new();
    for _ in 0..HEADING_WITHIN {
        match source.next(record)? {
            Next::End => break,
            Next::Broken(at) => {
                first_line.get_or_insert(at.line);
                continue;
            }
            Next::Record if record.is_blank() => continue,
            Next::Record => {}
        }
        let headings = heading::required_headings(record.fields());
        let is_heading = headings >= HEADINGS_AT_LEAST;
        match first_line {
            None if is_heading => {
                let understood = understand(record);
                return Ok(understood.map_err(|problems| findings.problems.extend(problems)).ok());
            }
            // Too few to be sure; but if nothing better comes, this is what was meant.
            None if headings > 0 => first_refusal = understand(record).err().unwrap_or_default(),
            Some(line) if is_heading => {
                findings.problems.push(lines_above(line, record.line));
                return Ok(None);
            }
            _ => {}
        }
        first_line.get_or_insert(record.line);
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
fn understand(record: &Record) -> Result<Heading, Vec<Finding>> {
    let names: Result<Vec<_>, _> = record.fields().map(std::str::from_utf8).collect();
    let Ok(names) = names else {
        let offset = record.origin().offset;
        let message = format!("the heading, at byte {offset} of the file, is not UTF-8");
        let hint = "save the file as \"CSV UTF-8\"";
        return Err(vec![Finding::file(record.line, Code::NotUtf8, message, hint)]);
    };
    let (heading, twice) = Heading::read(names.into_iter().map(str::to_owned).collect());
    let problems = heading.findings(&twice, record.line);
    if problems.is_empty() { Ok(heading) } else { Err(problems) }
}
