//! Whole records of a text, split into fields one after the other.

use std::ops::Range;

use memchr::memchr3;

use super::splitter::{Split, Splitter, line_end_length};
use super::{Encoding, Marks, Record};

/// A block of whole records, and the record of it that is at hand.
pub(in crate::intake) struct Block {
    bytes: Vec<u8>,
    /// What was not split yet.
    range: Range<usize>,
    /// Line ends so far.
    lines: u64,
    /// Offset in the file of what was not split yet.
    offset: u64,
    delimiter: u8,
    /// Number of delimiters that make lines inside quotes look like rows; none before the heading.
    row_delimiters: usize,
    marks: Marks,
}

impl Block {
    pub(super) fn new(
        bytes: Vec<u8>,
        range: Range<usize>,
        offset: u64,
        delimiter: u8,
        encoding: Encoding,
    ) -> Self {
        let marks = Marks::of(encoding);
        Self { bytes, range, lines: 0, offset, delimiter, row_delimiters: usize::MAX, marks }
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
        self.bytes
    }

    /// The record that is at hand.
    pub(in crate::intake) fn record(&self) -> Record<'_> {
        self.marks.record(&self.bytes)
    }

    /// Goes to the next record; `false` where there is none.
    pub(in crate::intake) fn advance(&mut self) -> bool {
        let rest = &self.bytes[self.range.clone()];
        if rest.is_empty() {
            return false;
        }
        self.marks.line = self.lines;
        self.marks.offset = self.offset;
        // A line without a quote is a record, and its delimiters end its fields.
        let (length, lines) = match memchr3(b'\n', b'\r', b'"', rest) {
            Some(at) if rest[at] == b'"' => {
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
            end => {
                let line = end.unwrap_or(rest.len());
                self.marks.mark(self.range.start, &rest[..line], self.delimiter);
                self.marks.terminated = end.is_some();
                (line + end.map_or(0, |at| line_end_length(&rest[at..])), u64::from(end.is_some()))
            }
        };
        self.offset += self.marks.encoding.bytes_in_file(&rest[..length]);
        self.range.start += length;
        self.lines += lines;
        true
    }
}
