//! One record: its fields, as bytes or as the cells of a sheet, and where it stands.
//!
//! A record is looked at where it lies. Only what a quote changed, and the cells of a sheet, are
//! written out; the marks that tell the fields apart are used again for the record that follows.

use std::ops::Range;
use std::str::Utf8Error;

use super::ends::{Ends, Span, is_plain};
use super::{Encoding, splitter::Sink};

/// What a cell of a spreadsheet holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::intake) enum Cell {
    Text,
    Number,
    Date,
    Boolean,
    Error,
    /// Whatever its value is, it was computed.
    Formula,
}

/// Stands between two fields that were written out.
const BETWEEN: u8 = b',';

/// Where a record lies and where its fields end.
#[derive(Debug, Default)]
pub(in crate::intake) struct Marks {
    /// Where the record lies in its block, without its line end; not used if it was written out.
    range: Range<usize>,
    /// Whether the fields were written out.
    is_written: bool,
    /// The fields, where they are not in the block as they are.
    written: Vec<u8>,
    /// Where each field lies.
    spans: Vec<Span>,
    /// Lines above the one on which the record begins, in what it was read of.
    pub(super) line: u64,
    /// Offset of its first byte in the file.
    pub(super) offset: u64,
    pub(super) encoding: Encoding,
    /// Whether a line end follows; only the last record of a file may lack it.
    pub(super) terminated: bool,
    /// The fields that are no text, in order; only sheets have such.
    cells: Vec<(usize, Cell)>,
    /// The first field in quotes that spans lines and holds as many delimiters as a row.
    swallowing: Option<usize>,
}

impl Marks {
    /// Those of records of a file in `encoding`.
    pub(super) fn of(encoding: Encoding) -> Self {
        Self { encoding, ..Self::default() }
    }

    /// Marks the record that begins at the front of `bytes` and at `start` of its block, up to its
    /// line end or, where it has one, up to a quote. Tells where it stopped.
    pub(super) fn mark(&mut self, start: usize, bytes: &[u8], ends: Ends) -> usize {
        self.spans.clear();
        self.cells.clear();
        self.swallowing = None;
        self.is_written = false;
        let length = ends.each(bytes, |span| self.spans.push(span));
        self.range = start..start + length;
        length
    }

    /// Begins a record whose fields are written out.
    pub(super) fn begin(&mut self) {
        self.spans.clear();
        self.cells.clear();
        self.written.clear();
        self.swallowing = None;
        self.is_written = true;
    }

    /// Begins a row of a sheet, which is whole and has no bytes in the file to point at.
    pub(in crate::intake) fn begin_row(&mut self, line: u64) {
        self.begin();
        self.line = line;
        self.terminated = true;
    }

    /// Appends a cell of a sheet.
    pub(in crate::intake) fn push_cell(&mut self, text: &str, cell: Cell) {
        let index = self.spans.len();
        self.text(text.as_bytes());
        self.end_field();
        if cell != Cell::Text {
            self.cells.push((index, cell));
            self.spans[index].is_plain = false;
        }
    }

    /// Number of fields so far.
    pub(in crate::intake) fn len(&self) -> usize {
        self.spans.len()
    }

    /// The record that was marked, which is in `block` unless it was written out. `text` is the
    /// block once more, if it is known to be a text.
    pub(in crate::intake) fn record<'a>(
        &'a self,
        block: &'a [u8],
        text: Option<&'a str>,
    ) -> Record<'a> {
        if self.is_written {
            let text = std::str::from_utf8(&self.written).ok();
            return Record { bytes: &self.written, text, marks: self };
        }
        let text = text.and_then(|text| text.get(self.range.clone()));
        Record { bytes: &block[self.range.clone()], text, marks: self }
    }
}

impl Sink for Marks {
    fn text(&mut self, text: &[u8]) {
        self.written.extend_from_slice(text);
    }

    fn end_field(&mut self) {
        let (begin, end) =
            (self.spans.last().map_or(0, |before| before.end + 1), self.written.len());
        self.spans.push(Span { begin, end, is_plain: is_plain(&self.written[begin..]) });
        self.written.push(BETWEEN);
    }

    fn fields(&self) -> usize {
        self.spans.len()
    }

    fn swallows(&mut self) {
        self.swallowing.get_or_insert(self.spans.len());
    }
}

/// One record: its fields, unquoted, and where it began.
#[derive(Debug, Clone, Copy)]
pub(in crate::intake) struct Record<'a> {
    bytes: &'a [u8],
    /// The same as text, where all of it is.
    text: Option<&'a str>,
    marks: &'a Marks,
}

impl<'a> Record<'a> {
    /// Lines above the one on which the record begins, in what it was read of.
    pub(in crate::intake) fn line(&self) -> u64 {
        self.marks.line
    }

    /// Whether a line end follows; only the last record of a file may lack it.
    pub(in crate::intake) fn is_terminated(&self) -> bool {
        self.marks.terminated
    }

    /// The first field in quotes that spans lines and holds as many delimiters as a row.
    pub(in crate::intake) fn swallowing(&self) -> Option<usize> {
        self.marks.swallowing
    }

    /// Number of fields; at least one.
    pub(in crate::intake) fn len(&self) -> usize {
        self.marks.spans.len()
    }

    /// Field `index`, which is empty for a column that the record does not reach.
    #[inline]
    pub(in crate::intake) fn field(&self, index: usize) -> Field<'a> {
        let Marks { offset, encoding, .. } = self.marks;
        let range = self.range(index);
        Field {
            text: self.text.and_then(|text| text.get(range.clone())),
            bytes: &self.bytes[range],
            cell: self.cell(index),
            origin: Origin { offset: *offset, encoding: *encoding },
        }
    }

    /// Field `index`, if it is a plain text without blanks around it, as most are: then there is
    /// nothing else to ask about it.
    #[inline]
    pub(in crate::intake) fn plain(&self, index: usize) -> Option<&'a str> {
        if !self.is_plain(index) {
            return None;
        }
        let text = self.text?.get(self.range(index))?;
        let ends = [text.as_bytes().first(), text.as_bytes().last()];
        (!ends.contains(&Some(&b' '))).then_some(text)
    }

    /// Whether it is known of field `index` that it is a text, and that there is nothing in it but
    /// what every keyboard types and everybody sees.
    #[inline]
    pub(in crate::intake) fn is_plain(&self, index: usize) -> bool {
        self.marks.spans.get(index).is_none_or(|span| span.is_plain)
    }

    /// Where field `index` lies in the record.
    #[inline]
    fn range(&self, index: usize) -> Range<usize> {
        self.marks.spans.get(index).map_or(0..0, |span| span.begin..span.end)
    }

    /// All fields in order.
    pub(in crate::intake) fn fields(self) -> impl Iterator<Item = Field<'a>> {
        (0..self.len()).map(move |index| self.field(index))
    }

    /// Whether no field holds anything but blanks.
    pub(in crate::intake) fn is_blank(&self) -> bool {
        self.fields().all(|field| field.is_blank())
    }

    fn cell(&self, index: usize) -> Cell {
        let cells = &self.marks.cells;
        if cells.is_empty() {
            return Cell::Text;
        }
        let found = cells.binary_search_by_key(&index, |&(at, _)| at);
        found.map_or(Cell::Text, |at| cells[at].1)
    }
}

/// One field of a record.
#[derive(Debug, Clone, Copy)]
pub(in crate::intake) struct Field<'a> {
    pub(in crate::intake) bytes: &'a [u8],
    text: Option<&'a str>,
    /// What the spreadsheet holds in it; a file without cells holds text everywhere.
    pub(in crate::intake) cell: Cell,
    /// Where the record stands, for findings about its bytes.
    pub(in crate::intake) origin: Origin,
}

impl<'a> Field<'a> {
    /// The field as text, or where it is none.
    #[inline]
    pub(in crate::intake) fn text(&self) -> Result<&'a str, Utf8Error> {
        self.text.map_or_else(|| std::str::from_utf8(self.bytes), Ok)
    }

    /// Whether the field holds nothing but blanks.
    pub(in crate::intake) fn is_blank(&self) -> bool {
        let begins = self.bytes.first();
        !begins.is_some_and(u8::is_ascii_graphic)
            && self.text().is_ok_and(|text| text.trim().is_empty())
    }

    /// Whether there is a digit in the field.
    pub(in crate::intake) fn has_digit(&self) -> bool {
        self.bytes.iter().any(u8::is_ascii_digit)
    }
}

/// Where the bytes of a record come from.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::intake) struct Origin {
    /// Offset of the record's first byte in the file.
    pub(in crate::intake) offset: u64,
    /// How the file writes its characters.
    pub(in crate::intake) encoding: Encoding,
}

#[cfg(test)]
impl<'a> Field<'a> {
    /// A field that was not looked at yet.
    pub(in crate::intake) fn of(text: &'a str) -> Self {
        let origin = Origin::default();
        Self { bytes: text.as_bytes(), text: None, cell: Cell::Text, origin }
    }
}
