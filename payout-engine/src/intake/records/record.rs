//! One record: its fields, as bytes or as the cells of a sheet, and where it stands.

use super::Encoding;

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

/// One record: its fields, unquoted, and where it began.
#[derive(Debug, Default)]
pub(in crate::intake) struct Record {
    pub(super) bytes: Vec<u8>,
    pub(super) ends: Vec<usize>,
    /// Physical line on which the record begins; the first line of the file is 1.
    pub(in crate::intake) line: u64,
    /// Offset of its first byte in the file.
    pub(super) offset: u64,
    pub(super) encoding: Encoding,
    /// Whether a line end follows; only the last record of a file may lack it.
    pub(in crate::intake) terminated: bool,
    /// The fields that are no text, in order; only sheets have such.
    cells: Vec<(usize, Cell)>,
    /// The first field in quotes that spans lines and holds as many delimiters as a row.
    pub(in crate::intake) swallowing: Option<usize>,
}

impl Record {
    /// Number of fields; at least one.
    pub(in crate::intake) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The bytes of field `index`, or nothing for a column that the record does not reach.
    pub(in crate::intake) fn field(&self, index: usize) -> &[u8] {
        let Some(&end) = self.ends.get(index) else { return b"" };
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        &self.bytes[start..end]
    }

    /// All fields in order.
    pub(in crate::intake) fn fields(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).map(|index| self.field(index))
    }

    /// Whether no field holds anything but blanks.
    pub(in crate::intake) fn is_blank(&self) -> bool {
        self.fields().all(is_blank)
    }

    /// Where the record stands, for findings about its bytes.
    pub(in crate::intake) fn origin(&self) -> Origin {
        Origin { offset: self.offset, encoding: self.encoding }
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
        self.cells.clear();
        self.terminated = false;
        self.swallowing = None;
    }

    /// Begins a row of a sheet, which is whole and has no bytes in the file to point at.
    pub(in crate::intake) fn begin_row(&mut self, line: u64) {
        self.clear();
        self.line = line;
        self.terminated = true;
    }

    /// Appends a cell of a sheet.
    pub(in crate::intake) fn push_cell(&mut self, text: &str, cell: Cell) {
        if cell != Cell::Text {
            self.cells.push((self.len(), cell));
        }
        self.bytes.extend_from_slice(text.as_bytes());
        self.end_field();
    }

    /// What the spreadsheet holds in field `index`; a file without cells holds text everywhere.
    pub(in crate::intake) fn cell(&self, index: usize) -> Cell {
        let found = self.cells.binary_search_by_key(&index, |&(at, _)| at);
        found.map_or(Cell::Text, |at| self.cells[at].1)
    }

    pub(super) fn end_field(&mut self) {
        self.ends.push(self.bytes.len());
    }
}

/// Whether `field` holds nothing but blanks.
pub(in crate::intake) fn is_blank(field: &[u8]) -> bool {
    std::str::from_utf8(field).is_ok_and(|text| text.trim().is_empty())
}

/// Where the bytes of a record come from.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::intake) struct Origin {
    /// Offset of the record's first byte in the file.
    pub(in crate::intake) offset: u64,
    /// How the file writes its characters.
    pub(in crate::intake) encoding: Encoding,
}
