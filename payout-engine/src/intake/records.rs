//! Splits the bytes of a batch file into records, strictly, and knows the physical line of each.
//!
//! A general CSV reader is lenient: a quote that is never closed swallows the rest of the file
//! without a word, and rows disappear inside a field. For a file that moves money this must be a
//! finding, so the splitting is done here: RFC 4180, any of the three line ends, bounded memory.
//!
//! It does not interpret: fields are bytes, and whether they are UTF-8 is the caller's question.
//!
//! It is done in two steps, so that the work can be shared out. Here the file is cut into blocks of
//! whole records, one after the other: a look for quotes and line ends, and the whole grammar only
//! where there is a quote. What cannot be split is taken out on the way. In `block` the records of
//! one block are split into fields, on whichever thread.
//!
//! Invariant: every byte of the file belongs to exactly one record or to one reported break.

mod block;
mod ends;
#[cfg(test)]
mod python_tests;
mod record;
mod splitter;

use std::io::{self, Read};

use memchr::{memchr, memchr2, memrchr2};

use super::encoding::Encoding;
pub(super) use block::Block;
pub(super) use record::{Cell, Field, Marks, Origin, Record};
use splitter::{Count, Sink, Split, Splitter, line_end_length};

/// The longest record that is read, in bytes. All limits of the gateway together stay below 10 KiB;
/// what is longer is an open quote, not a row.
pub(super) const LONGEST_RECORD: usize = 128 * 1024;

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
    /// Lines from the one on which the record begins down to the offending quote.
    pub(super) line: u64,
    /// Index of the field, from 0.
    pub(super) field: usize,
    /// Lines that are passed over for it.
    pub(super) lines: u64,
}

/// What [`BlockReader::next`] found.
pub(super) enum Piece {
    /// Whole records.
    Block(Block),
    /// A record that is beyond reading; what follows begins at the following line.
    Broken(Break),
}

/// Cuts what it reads from `R` into blocks of whole records, holding no more than the longest one.
pub(super) struct BlockReader<R> {
    input: R,
    encoding: Encoding,
    /// How long a block is at most, unless a single record is longer.
    size: usize,
    /// As long as the longest record, and never filled less: so a record is read, or not, for what
    /// it is, and not for how the reads fell.
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    at_end: bool,
    offset: u64,
    delimiter: u8,
}

impl<R: Read> BlockReader<R> {
    /// `encoding` is what the bytes of `input` stood in before they were decoded.
    pub(super) fn new(input: R, encoding: Encoding, size: usize) -> Self {
        Self {
            input,
            encoding,
            // A line of a block without quotes is then never longer than a record may be.
            size: size.min(LONGEST_RECORD),
            buffer: Vec::new(),
            start: 0,
            end: 0,
            at_end: false,
            offset: 0,
            delimiter: b',',
        }
    }

    pub(super) fn set_delimiter(&mut self, delimiter: u8) {
        self.delimiter = delimiter;
    }

    /// Up to `count` bytes ahead, without consuming them; fewer only at the end of the file, or
    /// where `count` is more than a record may have.
    pub(super) fn peek(&mut self, count: usize) -> io::Result<&[u8]> {
        self.fill()?;
        let ahead = self.ahead();
        Ok(&ahead[..count.min(ahead.len())])
    }

    /// Drops `count` bytes that were seen with [`Self::peek`].
    pub(super) fn skip(&mut self, count: usize) {
        let skipped = &self.buffer[self.start..self.start + count];
        self.offset += self.encoding.bytes_in_file(skipped);
        self.start += count;
    }

    /// The input, once everything was read.
    pub(super) fn into_input(self) -> R {
        self.input
    }

    /// Cuts off the next block; nothing at the end of the file. `spent` is one that is not needed
    /// any more, for its memory.
    pub(super) fn next(&mut self, spent: Option<Block>) -> io::Result<Option<Piece>> {
        self.fill()?;
        if self.ahead().is_empty() {
            return Ok(None);
        }
        Ok(Some(match self.whole() {
            Ok(whole) => Piece::Block(self.cut(whole, spent)),
            Err(broken) => Piece::Broken(self.skip_line(broken)),
        }))
    }

    fn ahead(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// How many bytes ahead are whole records: as many as a block may have, and one record at
    /// least. An error where the first record is none.
    fn whole(&self) -> Result<usize, Break> {
        let ahead = self.ahead();
        let limit = self.size.min(ahead.len());
        let mut at = 0;
        loop {
            let rest = &ahead[at..limit.max(at)];
            let quote = memchr(b'"', rest);
            // Without a quote every line is a record.
            at += self.lines(&ahead[at..], quote.unwrap_or(rest.len()));
            if quote.is_none() && at > 0 {
                return Ok(at);
            }
            match self.measure(&ahead[at..]) {
                Ok(length) if at == 0 || at + length <= limit => at += length,
                Err(broken) if at == 0 => return Err(broken),
                // The next block begins with it.
                _ => return Ok(at),
            }
        }
    }

    /// How many of the first `count` bytes of `ahead`, which hold no quote, are whole lines.
    fn lines(&self, ahead: &[u8], mut count: usize) -> usize {
        while let Some(at) = memrchr2(b'\n', b'\r', &ahead[..count]) {
            // A carriage return may be the first half of a line end.
            if ahead[at] == b'\n' || at + 1 < ahead.len() || self.at_end {
                return at + line_end_length(&ahead[at..]);
            }
            count = at;
        }
        0
    }

    /// The length of the first record of `ahead`.
    fn measure(&self, ahead: &[u8]) -> Result<usize, Break> {
        let (delimiter, at_end) = (self.delimiter, self.at_end);
        let row_delimiters = usize::MAX;
        let mut splitter =
            Splitter { input: ahead, at: 0, lines: 0, delimiter, row_delimiters, at_end };
        let mut fields = Count::default();
        let (kind, line) = match splitter.split(&mut fields) {
            Split::Complete { .. } => return Ok(splitter.at),
            Split::NeedMore { quote: Some(lines) } => (BreakKind::UnclosedQuote, lines),
            Split::NeedMore { quote: None } => (BreakKind::TooLong, 0),
            Split::TextAfterQuote => (BreakKind::TextAfterQuote, splitter.lines),
        };
        Err(Break { kind, line, field: fields.fields(), lines: 0 })
    }

    /// Goes on at the line below the one where the record began, so that the rows that a stray
    /// quote would have swallowed are checked as well. A line longer than the buffer loses only
    /// what was read of it: its tail is reported as a row of its own.
    fn skip_line(&mut self, broken: Break) -> Break {
        let ahead = self.ahead();
        let (count, lines) = match memchr2(b'\n', b'\r', ahead) {
            Some(at) => (at + line_end_length(&ahead[at..]), 1),
            None => (ahead.len(), 0),
        };
        self.skip(count);
        Break { lines, ..broken }
    }

    /// Makes a block of the first `count` bytes; what follows them moves into another buffer.
    fn cut(&mut self, count: usize, spent: Option<Block>) -> Block {
        let mut buffer = spent.map(Block::into_buffer).unwrap_or_default();
        buffer.resize(LONGEST_RECORD, 0);
        let range = self.start..self.start + count;
        let rest = &self.buffer[range.end..self.end];
        buffer[..rest.len()].copy_from_slice(rest);
        let kept = rest.len();
        let offset = self.offset;
        self.skip(count);
        let bytes = std::mem::replace(&mut self.buffer, buffer);
        (self.start, self.end) = (0, kept);
        Block::new(bytes, range, offset, self.delimiter, self.encoding)
    }

    /// Reads until the buffer is full, or the file at its end.
    fn fill(&mut self) -> io::Result<()> {
        if self.at_end || self.end - self.start == LONGEST_RECORD {
            return Ok(());
        }
        self.buffer.resize(LONGEST_RECORD, 0);
        self.buffer.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, self.end - self.start);
        while self.end < LONGEST_RECORD && !self.at_end {
            match self.input.read(&mut self.buffer[self.end..]) {
                Ok(read) => {
                    self.end += read;
                    self.at_end = read == 0;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intake::tests::Dribble;

    /// Every record and break, with its line.
    fn read_all(input: impl Read, size: usize, columns: Option<usize>) -> Vec<String> {
        let mut reader = BlockReader::new(input, Encoding::Utf8, size);
        let mut seen = Vec::new();
        let (mut lines, mut spent) = (1, None);
        while let Some(piece) = reader.next(spent.take()).unwrap() {
            match piece {
                Piece::Broken(at) => {
                    seen.push(format!("{:?}@{}", at.kind, lines + at.line));
                    lines += at.lines;
                }
                Piece::Block(mut block) => {
                    columns.inspect(|columns| block.expect_columns(*columns));
                    block.decode();
                    while block.advance() {
                        let record = block.record();
                        let fields: Vec<_> =
                            record.fields().map(|f| String::from_utf8_lossy(f.bytes)).collect();
                        let mark = record.swallowing().map_or("", |_| "!");
                        seen.push(format!("{}:{}{mark}", lines + record.line(), fields.join("|")));
                    }
                    lines += block.lines();
                    spent = Some(block);
                }
            }
        }
        seen
    }

    fn check(input: &str, expected: &[&str]) {
        for size in [1, 2, 3, 5, 8, LONGEST_RECORD] {
            let bytes = input.as_bytes();
            assert_eq!(read_all(bytes, size, None), expected, "{input:?} in blocks of {size}");
            assert_eq!(read_all(Dribble(bytes), size, None), expected, "{input:?} byte by byte");
        }
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
        check("a\r\n\r\nb\n\rc\r\r\n", &["1:a", "2:", "3:b", "4:", "5:c", "6:"]);
    }

    #[test]
    fn broken_quotes_do_not_hide_the_rows_below() {
        check("a,\"b\nc,d\ne,f\n", &["UnclosedQuote@1", "2:c|d", "3:e|f"]);
        check("a,\"b\"x,c\nd,e\n", &["TextAfterQuote@1", "2:d|e"]);
        check("\"a\nb\"c\nd\n", &["TextAfterQuote@2", "2:b\"c", "3:d"]);
        check("a\nb,\"\r\nc", &["1:a", "UnclosedQuote@2", "3:c"]);
    }

    #[test]
    fn an_open_quote_is_given_up_long_before_it_fills_the_memory() {
        let input = format!("a,\"b\n{}", "c,d\n".repeat(1_000_000));
        let mut reader = BlockReader::new(input.as_bytes(), Encoding::Utf8, LONGEST_RECORD);
        let broken = Break { kind: BreakKind::UnclosedQuote, line: 0, field: 1, lines: 1 };
        let Some(Piece::Broken(at)) = reader.next(None).unwrap() else { panic!("it is read") };
        assert_eq!(at, broken);
        assert!(reader.buffer.capacity() < 2 * LONGEST_RECORD);
        let Some(Piece::Block(mut block)) = reader.next(None).unwrap() else { panic!("it ends") };
        assert!(block.advance());
        let record = block.record();
        assert_eq!((record.line(), record.field(1).bytes), (0, &b"d"[..]));
    }

    #[test]
    fn a_record_is_as_long_as_it_may_be_wherever_it_begins() {
        let longest = "x".repeat(LONGEST_RECORD - 1);
        for before in ["", "a\n", "a,\"b\"\n"] {
            let count = usize::from(!before.is_empty());
            let fits = format!("{before}{longest}\nb\n");
            assert_eq!(read_all(fits.as_bytes(), LONGEST_RECORD, None).len(), count + 2);
            let too_long = format!("{before}{longest}xx\nb\n");
            let seen = read_all(too_long.as_bytes(), LONGEST_RECORD, None);
            assert_eq!(seen[count], format!("TooLong@{}", count + 1));
            // The tail of it, which is shown as a row, and the row below.
            assert_eq!(seen[count + 1..].len(), 2, "{:?}", &seen[count + 1..]);
        }
    }

    #[test]
    fn a_quoted_field_that_holds_a_row_is_marked() {
        let input = &b"1,\"x,y\n2,z\",w\n1,\"p,\nq\",w\n"[..];
        assert_eq!(read_all(input, 1, Some(3)), ["1:1|x,y\n2,z|w!", "3:1|p,\nq|w"]);
        assert_eq!(read_all(input, 1, None), ["1:1|x,y\n2,z|w", "3:1|p,\nq|w"]);
    }
}
