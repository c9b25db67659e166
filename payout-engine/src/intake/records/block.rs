//! Whole records of a text, split into fields one after the other.

use std::ops::Range;

use super::ends::Ends;
use super::splitter::{Split, Splitter, line_end_length};
use super::{Encoding, Marks, Record};

/// A block of whole records, and the record of it that is at hand.
pub(in crate::intake) struct Block {
    content: Content,
    /// What was not split yet.
    range: Range<usize>,
    /// Line ends so far.
    lines: u64,
    /// Offset in the file of what was not split yet.
    offset: u64,
    delimiter: u8,
    ends: Ends,
    /// Number of delimiters that make lines inside quotes look like rows; none before the heading.
    row_delimiters: usize,
    marks: Marks,
}

/// What a block holds.
enum Content {
    /// Whatever it is.
    Bytes(Vec<u8>),
    /// It is known to be a text, so no field has to be looked at for it.
    Text(String),
}

impl Content {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Text(text) => text.as_bytes(),
        }
    }
}

impl Block {
    /// The block of the bytes in `range`.
    pub(super) fn new(
        mut bytes: Vec<u8>,
        range: Range<usize>,
        offset: u64,
        delimiter: u8,
        encoding: Encoding,
    ) -> Self {
        bytes.truncate(range.end);
        Self {
            content: Content::Bytes(bytes),
            range,
            lines: 0,
            offset,
            delimiter,
            ends: Ends::of_delimiter(delimiter),
            row_delimiters: usize::MAX,
            marks: Marks::of(encoding),
        }
    }

    /// Finds out whether all of it is a text.
    pub(in crate::intake) fn decode(&mut self) {
        if let Content::Bytes(bytes) = &mut self.content {
            self.content = match String::from_utf8(std::mem::take(bytes)) {
                Ok(text) => Content::Text(text),
                Err(error) => Content::Bytes(error.into_bytes()),
            };
        }
    }

    /// From now on quoted lines with the delimiters of a whole row are taken for swallowed rows.
    pub(in crate::intake) fn expect_columns(&mut self, columns: usize) {
        self.row_delimiters = columns.saturating_sub(1).max(1);
    }

    /// Line ends down to here.
    pub(in crate::intake) fn lines(&self) -> u64 {
        self.lines
    }

    pub(super) fn into_buffer(self) -> Vec<u8> {
        match self.content {
            Content::Bytes(bytes) => bytes,
            Content::Text(text) => text.into_bytes(),
        }
    }

    /// The record that is at hand.
    pub(in crate::intake) fn record(&self) -> Record<'_> {
        match &self.content {
            Content::Bytes(bytes) => self.marks.record(bytes, None),
            Content::Text(text) => self.marks.record(text.as_bytes(), Some(text)),
        }
    }

    /// Goes to the next record; `false` where there is none.
    pub(in crate::intake) fn advance(&mut self) -> bool {
        let rest = &self.content.bytes()[self.range.clone()];
        if rest.is_empty() {
            return false;
        }
        self.marks.line = self.lines;
        self.marks.offset = self.offset;
        // A line without a quote is a record, and its delimiters end its fields.
        let end = self.marks.mark(self.range.start, rest, self.ends);
        let (length, lines) = match rest.get(end) {
            Some(b'"') => {
                let mut splitter = Splitter {
                    input: rest,
                    at: 0,
                    lines: 0,
                    delimiter: self.delimiter,
                    row_delimiters: self.row_delimiters,
                    at_end: true,
                };
                self.marks.begin();
                match splitter.split(&mut self.marks) {
                    Split::Complete { terminated } => self.marks.terminated = terminated,
                    _ => unreachable!("a block is cut behind a whole record"),
                }
                (splitter.at, splitter.lines)
            }
            line_end => {
                self.marks.terminated = line_end.is_some();
                let length = line_end.map_or(0, |_| line_end_length(&rest[end..]));
                (end + length, u64::from(line_end.is_some()))
            }
        };
        self.offset += self.marks.encoding.bytes_in_file(&rest[..length]);
        self.range.start += length;
        self.lines += lines;
        true
    }
}
