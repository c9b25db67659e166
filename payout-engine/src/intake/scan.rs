//! Goes through a batch file once: what kind of file it is, its heading, then row after row.
//!
//! Everything that concerns the shape of the file is found here; what stands in a row is read by
//! [`super::row`].

use std::io::{self, Read};

use sha2::{Digest, Sha256};

use super::Findings;
use super::duplicates::Place;
use super::finding::{Code, Finding};
use super::heading::{self, Heading};
use super::records::{Break, BreakKind, Next, Record, RecordReader};
use crate::payout::Reason;

/// How many broken quotes are reported before reading on would be guessing.
const MOST_BREAKS: usize = 20;

/// How many records are searched for a heading before the file is said to have none.
const HEADING_WITHIN: usize = 20;

/// How many headings of required columns make a line a heading.
const HEADINGS_AT_LEAST: usize = 4;

/// Reads a file and hashes what it reads.
pub(super) struct Hashing<R> {
    input: R,
    hash: Sha256,
}

impl<R: Read> Hashing<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input, hash: Sha256::new() }
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(buffer)?;
        self.hash.update(&buffer[..read]);
        Ok(read)
    }
}

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
pub(super) struct Scan<R> {
    reader: RecordReader<Hashing<R>>,
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

impl<R: Read> Scan<R> {
    /// Reads down to the heading. `None`: the file is refused, and why was reported.
    pub(super) fn open(input: R, findings: &mut Findings) -> io::Result<Option<Self>> {
        let mut reader = RecordReader::new(Hashing::new(input));
        if let Some(refusal) = wrong_type(reader.peek(512)?) {
            findings.problems.push(refusal);
            return Ok(None);
        }
        if reader.peek(3)? == b"\xef\xbb\xbf" {
            reader.skip(3);
        }
        choose_delimiter(&mut reader)?;
        let mut record = Record::default();
        let Some(heading) = read_heading(&mut reader, &mut record, findings)? else {
            return Ok(None);
        };
        let heading_line = record.line;
        reader.expect_columns(heading.len());
        let (row, breaks) = (0, 0);
        let blank = Blank::default();
        Ok(Some(Self { reader, heading, heading_line, record, row, blank, breaks }))
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
            match self.reader.next(&mut self.record)? {
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
                Next::Record if self.is_blank() => {
                    if self.blank.count == 0 {
                        self.blank.first_line = self.record.line;
                    }
                    self.blank.count += 1;
                }
                Next::Record => {
                    self.row += 1;
                    let place = Place { row: self.row, line: self.record.line };
                    let Some(finding) = self.shape(place) else { return Ok(Found::Row(place)) };
                    let reason = Reason::new(finding.code.as_str(), finding.message.clone());
                    findings.problems.push(finding);
                    return Ok(Found::Unreadable(place, reason));
                }
            }
        }
    }

    /// The hash of everything read, in hex; the file is read to its end for it.
    pub(super) fn into_sha256(self) -> io::Result<String> {
        let mut input = self.reader.into_input();
        io::copy(&mut input, &mut io::sink())?;
        Ok(hex::encode(input.hash.finalize()))
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

    fn is_blank(&self) -> bool {
        self.record.fields().all(is_blank)
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

fn is_blank(field: &[u8]) -> bool {
    std::str::from_utf8(field).is_ok_and(|text| text.trim().is_empty())
}

/// Recognises by its first bytes what is certainly no CSV.
fn wrong_type(head: &[u8]) -> Option<Finding> {
    let utf16 = head.starts_with(b"\xff\xfe")
        || head.starts_with(b"\xfe\xff")
        || (head.len() > 3 && (head[1] == 0 && head[3] == 0 || head[0] == 0 && head[2] == 0));
    if utf16 {
        let message = "the file is UTF-16 (\"Unicode text\"), not UTF-8".to_owned();
        let hint = "save it as \"CSV UTF-8\"";
        return Some(Finding::file(1, Code::Utf16, message, hint));
    }
    let text = String::from_utf8_lossy(head).trim_start_matches('\u{feff}').to_lowercase();
    let text = text.trim_start();
    let kind = if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
        "an Excel workbook or another archive"
    } else if head.starts_with(b"\xd0\xcf\x11\xe0") {
        "an old Excel workbook"
    } else if head.starts_with(b"%PDF") {
        "a PDF"
    } else if head.starts_with(b"\x1f\x8b") {
        "compressed (gzip)"
    } else if text.starts_with("<!doctype") || text.starts_with("<html") {
        "a web page"
    } else if text.starts_with("<?xml") {
        "XML"
    } else if text.starts_with('{') || text.starts_with("[{") {
        "JSON"
    } else {
        return None;
    };
    let hint = "open it in a spreadsheet and save it as \"CSV UTF-8\"";
    Some(Finding::file(1, Code::WrongFileType, format!("the file is {kind}, not CSV"), hint))
}

/// Obeys a `sep=` line; otherwise takes the delimiter by which the first line has most headings.
fn choose_delimiter<R: Read>(reader: &mut RecordReader<Hashing<R>>) -> io::Result<()> {
    let head = reader.peek(6)?;
    if let [b's' | b'S', b'e' | b'E', b'p' | b'P', b'=', delimiter, b'\r' | b'\n'] = *head {
        reader.set_delimiter(delimiter);
        // The line itself is read as a record, so that the lines below keep their numbers.
        reader.next(&mut Record::default())?;
        return Ok(());
    }
    let head = reader.peek(16 * 1024)?.to_vec();
    let first = head.split(|&byte| byte == b'\n' || byte == b'\r').find(|line| !is_blank(line));
    let headings = |delimiter: u8| {
        let fields = first.unwrap_or_default().split(|&byte| byte == delimiter);
        heading::required_headings(fields.map(|field| field.trim_ascii()))
    };
    let best = *b";\t|".iter().max_by_key(|&&delimiter| headings(delimiter)).unwrap_or(&b',');
    if headings(best) > headings(b',') {
        reader.set_delimiter(best);
    }
    Ok(())
}

/// Reads the first record that is not blank, and wants it to be a heading.
fn read_heading<R: Read>(
    reader: &mut RecordReader<Hashing<R>>,
    record: &mut Record,
    findings: &mut Findings,
) -> io::Result<Option<Heading>> {
    let mut first_line = None;
    let mut first_refusal = Vec::new();
    for _ in 0..HEADING_WITHIN {
        match reader.next(record)? {
            Next::End => break,
            Next::Broken(at) => {
                first_line.get_or_insert(at.line);
                continue;
            }
            Next::Record if record.fields().all(is_blank) => continue,
            Next::Record => {}
        }
        let headings = heading::required_headings(record.fields());
        match first_line {
            None if headings >= HEADINGS_AT_LEAST => {
                let understood = understand(record);
                return Ok(understood.map_err(|problems| findings.problems.extend(problems)).ok());
            }
            // Too few to be sure; but if nothing better comes, this is what was meant.
            None if headings > 0 => first_refusal = understand(record).err().unwrap_or_default(),
            Some(line) if headings >= HEADINGS_AT_LEAST => {
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
        let message = format!("the heading, at byte {} of the file, is not UTF-8", record.offset);
        let hint = "save the file as \"CSV UTF-8\"";
        return Err(vec![Finding::file(record.line, Code::NotUtf8, message, hint)]);
    };
    let (heading, twice) = Heading::read(names.into_iter().map(str::to_owned).collect());
    let problems = heading.findings(&twice, record.line);
    if problems.is_empty() { Ok(heading) } else { Err(problems) }
}
