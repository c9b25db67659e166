//! Splits the bytes of a batch file into records, strictly, and knows the physical line of each.
//!
//! A general CSV reader is lenient: a quote that is never closed swallows the rest of the file
//! without a word, and rows disappear inside a field. For a file that moves money this must be a
//! finding, so the splitting is done here: RFC 4180, any of the three line ends, bounded memory.
//!
//! It does not interpret: fields are bytes, and whether they are UTF-8 is the caller's question.
//!
//! Invariant: every byte of the file belongs to exactly one record or to one reported break.

#[cfg(test)]
mod python_tests;
mod record;
mod splitter;

use std::io::{self, Read};

use super::encoding::Encoding;
pub(super) use record::{Cell, Origin, Record, is_blank};
use splitter::{Split, Splitter};

/// The longest record that is read, in bytes. All limits of the gateway together stay below 10 KiB;
/// what is longer is an open quote, not a row.
const LONGEST_RECORD: usize = 128 * 1024;

/// How much is asked of the file at a time.
const CHUNK: usize = 64 * 1024;

/// Why a record could not be split.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BreakKind {
    /// A quote was opened and not closed before the end of the file, or for far too long.
    UnclosedQuote,
    /// Something other than a delimiter follows a closing quote.
    TextAfterQuote,
    /// A record without quotes that is longer than any row can be.
    TooLong,
}

/// A place where the quoting or the length of a record is beyond reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Break {
    pub(super) kind: BreakKind,
    /// Physical line of the offending quote.
    pub(super) line: u64,
    /// Index of the field, from 0.
    pub(super) field: usize,
}

/// What [`RecordReader::next`] found.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// The record was filled.
    Record,
    /// The record is beyond reading; the reader goes on at the following line.
    Broken(Break),
    /// The file is at its end.
    End,
}

/// Reads records from `R`, holding no more than the longest record and one chunk.
pub(super) struct RecordReader<R> {
    input: R,
    encoding: Encoding,
    buffer: Vec<u8>,
    start: usize,
    at_end: bool,
    line: u64,
    offset: u64,
    delimiter: u8,
    /// Number of delimiters that make lines inside quotes look like rows; none before the heading.
    row_delimiters: usize,
}

impl<R: Read> RecordReader<R> {
    /// `encoding` is what the bytes of `input` stood in before they were decoded.
    pub(super) fn new(input: R, encoding: Encoding) -> Self {
        Self {
            input,
            encoding,
            buffer: Vec::new(),
            start: 0,
            at_end: false,
            line: 1,
            offset: 0,
            delimiter: b',',
            row_delimiters: usize::MAX,
        }
    }

    pub(super) fn set_delimiter(&mut self, delimiter: u8) {
        self.delimiter = delimiter;
    }

    /// From now on quoted lines with the delimiters of a whole row are taken for swallowed rows.
    pub(super) fn expect_columns(&mut self, columns: usize) {
        self.row_delimiters = columns.saturating_sub(1).max(1);
    }

    /// Up to `count` bytes ahead, without consuming them; fewer only at the end of the file.
    pub(super) fn peek(&mut self, count: usize) -> io::Result<&[u8]> {
        while self.buffer.len() - self.start < count && !self.at_end {
            self.fill()?;
        }
        let end = self.buffer.len().min(self.start + count);
        Ok(&self.buffer[self.start..end])
    }

    /// Drops `count` bytes that were seen with [`Self::peek`] and hold no line end.
    pub(super) fn skip(&mut self, count: usize) {
        self.consume(count, 0);
    }

    /// The input, once everything was read.
    pub(super) fn into_input(self) -> R {
        self.input
    }

    /// Reads the next record into `record`.
    pub(super) fn next(&mut self, record: &mut Record) -> io::Result<Next> {
        loop {
            record.clear();
            record.line = self.line;
            record.offset = self.offset;
            record.encoding = self.encoding;
            let ahead = &self.buffer[self.start..];
            if ahead.is_empty() && self.at_end {
                return Ok(Next::End);
            }
            let mut splitter = Splitter {
                input: ahead,
                at: 0,
                lines: 0,
                delimiter: self.delimiter,
                row_delimiters: self.row_delimiters,
                at_end: self.at_end,
            };
            match splitter.split(record) {
                Split::Complete => {
                    let (consumed, lines) = (splitter.at, splitter.lines);
                    self.consume(consumed, lines);
                    return Ok(Next::Record);
                }
                Split::NeedMore { .. } if !self.at_end && ahead.len() < LONGEST_RECORD => {
                    self.fill()?;
                }
                Split::NeedMore { quote } => return self.break_off(record, quote),
                Split::TextAfterQuote => {
                    let line = self.line + splitter.lines;
                    let field = record.len();
                    self.skip_line()?;
                    let kind = BreakKind::TextAfterQuote;
                    return Ok(Next::Broken(Break { kind, line, field }));
                }
            }
        }
    }

    fn break_off(&mut self, record: &Record, quote: Option<u64>) -> io::Result<Next> {
        let (kind, line) = match quote {
            Some(lines) => (BreakKind::UnclosedQuote, self.line + lines),
            None => (BreakKind::TooLong, self.line),
        };
        let field = record.len();
        self.skip_line()?;
        Ok(Next::Broken(Break { kind, line, field }))
    }

    /// Goes on at the line below the one where the record began, so that the rows that a stray
    /// quote would have swallowed are checked as well. A line longer than the buffer loses only
    /// what was read of it: its tail is reported as a row of its own.
    fn skip_line(&mut self) -> io::Result<()> {
        let ends = |byte: &u8| matches!(byte, b'\n' | b'\r');
        loop {
            let ahead = &self.buffer[self.start..];
            let end = ahead.iter().position(ends);
            // A carriage return may be the first half of a line end.
            let is_whole = end.is_some_and(|at| ahead[at] == b'\n' || at + 1 < ahead.len());
            if !is_whole && !self.at_end && ahead.len() < LONGEST_RECORD {
                self.fill()?;
                continue;
            }
            let (consumed, lines) = match end {
                Some(at) if ahead[at..].starts_with(b"\r\n") => (at + 2, 1),
                Some(at) => (at + 1, 1),
                None => (ahead.len(), 0),
            };
            self.consume(consumed, lines);
            return Ok(());
        }
    }

    fn consume(&mut self, bytes: usize, lines: u64) {
        let consumed = &self.buffer[self.start..self.start + bytes];
        self.offset += self.encoding.bytes_in_file(consumed);
        self.start += bytes;
        self.line += lines;
    }

    fn fill(&mut self) -> io::Result<()> {
        self.buffer.drain(..self.start);
        self.start = 0;
        let held = self.buffer.len();
        self.buffer.resize(held + CHUNK, 0);
        let read = loop {
            match self.input.read(&mut self.buffer[held..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        self.buffer.truncate(held + read.as_ref().map_or(0, |&read| read));
        self.at_end = read? == 0;
        Ok(())
    }
}

#[cfg(test)]
impl<R> RecordReader<R> {
    /// What the reader holds on to, in bytes.
    pub(super) fn capacity(&self) -> usize {
        self.buffer.capacity()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intake::tests::Dribble;

    fn read_all(input: impl Read) -> Vec<String> {
        let mut reader = RecordReader::new(input, Encoding::Utf8);
        let mut record = Record::default();
        let mut seen = Vec::new();
        loop {
            match reader.next(&mut record).unwrap() {
                Next::End => return seen,
                Next::Broken(at) => seen.push(format!("{:?}@{}", at.kind, at.line)),
                Next::Record => {
                    let fields: Vec<_> = record.fields().map(String::from_utf8_lossy).collect();
                    seen.push(format!("{}:{}", record.line, fields.join("|")));
                }
            }
        }
    }

    fn check(input: &str, expected: &[&str]) {
        assert_eq!(read_all(input.as_bytes()), expected, "{input:?}");
        assert_eq!(read_all(Dribble(input.as_bytes())), expected, "{input:?} byte by byte");
    }

    #[test]
    fn records_and_their_lines() {
        check("", &[]);
        check("a", &["1:a"]);
        check("a,b\nc,d\n", &["1:a|b", "2:c|d"]);
        check("a,b\r\nc,d\r\n", &["1:a|b", "2:c|d"]);
        check("a,b\rc,d", &["1:a|b", "2:c|d"]);
        check("a,\n,b", &["1:a|", "2:|b"]);
        check("a\n\n\nb", &["1:a", "2:", "3:", "4:b"]);
        check("\"a,\"\"x\"\"\",b\n", &["1:a,\"x\"|b"]);
        check("\"a\nb\",c\nd,e\n", &["1:a\nb|c", "3:d|e"]);
        check("\"a\r\nb\",c\r\nd,e", &["1:a\r\nb|c", "3:d|e"]);
        check("=\"007\",a \"b\" c\n", &["1:=\"007\"|a \"b\" c"]);
        check("\"\",\"\"", &["1:|"]);
    }

    #[test]
    fn broken_quotes_do_not_hide_the_rows_below() {
        check("a,\"b\nc,d\ne,f\n", &["UnclosedQuote@1", "2:c|d", "3:e|f"]);
        check("a,\"b\"x,c\nd,e\n", &["TextAfterQuote@1", "2:d|e"]);
        check("\"a\nb\"c\nd\n", &["TextAfterQuote@2", "2:b\"c", "3:d"]);
    }

    #[test]
    fn an_open_quote_is_given_up_long_before_it_fills_the_memory() {
        let input = format!("a,\"b\n{}", "c,d\n".repeat(1_000_000));
        let mut reader = RecordReader::new(input.as_bytes(), Encoding::Utf8);
        let mut record = Record::default();
        let broken = Break { kind: BreakKind::UnclosedQuote, line: 1, field: 1 };
        assert_eq!(reader.next(&mut record).unwrap(), Next::Broken(broken));
        assert!(reader.buffer.capacity() < 4 * LONGEST_RECORD);
        assert_eq!(reader.next(&mut record).unwrap(), Next::Record);
        assert_eq!((record.line, record.field(1)), (2, &b"d"[..]));
    }

    #[test]
    fn a_quoted_field_that_holds_a_row_is_marked() {
        let mut reader =
            RecordReader::new(&b"a,b,c\n1,\"x,y\n2,z\",w\n1,\"p,\nq\",w\n"[..], Encoding::Utf8);
        let mut record = Record::default();
        reader.next(&mut record).unwrap();
        reader.expect_columns(record.len());
        reader.next(&mut record).unwrap();
        assert_eq!(record.swallowing, Some(1));
        reader.next(&mut record).unwrap();
        assert_eq!(record.swallowing, None);
    }
}
