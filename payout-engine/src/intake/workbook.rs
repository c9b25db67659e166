//! An Excel workbook (`.xlsx`) as a source of records: the rows of the one sheet that is the batch.
//!
//! A workbook cannot be streamed, so its size is bounded, packed and unpacked, before anything is
//! made of it; larger files are exported as CSV. Each cell becomes the text that it holds, and what
//! is no text is marked with its [`Cell`] kind, for the rules in [`super::fields`] to judge.
//!
//! A number in a workbook *is* a binary float. Its shortest decimal text is what a person typed, as
//! long as that had 15 digits or fewer, and what arithmetic left behind (`0.30000000000000004`)
//! shows as digits too many. So no amount is ever rounded: the text is judged like any other.
//!
//! Invariant: no cell of the sheet that is read is left out, and two sheets that could be the batch
//! are a finding, not a choice.

mod package;

use std::fmt::Write as _;
use std::io::{self, Cursor, Read};

use calamine::{DataRef, Reader, Sheet as SheetName, SheetType, SheetVisible, Xlsx, XlsxError};

use super::Findings;
use super::finding::{Code, Finding};
use super::heading;
use super::opening::{HEADING_WITHIN, HEADINGS_AT_LEAST};
use super::records::{Cell, Marks, Record};
use package::{MOST_PACKED, Refusal};

/// What to do with a file that is not one of those that are read.
pub(super) const SAVE_IT: &str = "open it in a spreadsheet and save it as .xlsx or \"CSV UTF-8\"";

/// The most text of one sheet, in bytes: a text that many cells share is packed once.
const MOST_TEXT: usize = 64 << 20;

/// One cell that is not empty.
#[derive(Clone, Copy)]
struct Entry {
    row: u32,
    column: u32,
    start: u32,
    end: u32,
    kind: Cell,
}

/// The rows of one sheet.
#[derive(Default)]
pub(super) struct Sheet {
    entries: Vec<Entry>,
    text: String,
    /// The entry that comes next.
    at: usize,
    /// The row, from 1, that was handed out last.
    line: u64,
    /// Number of columns that every row is filled up to.
    columns: usize,
    /// The row that is at hand.
    marks: Marks,
}

/// Opens a workbook; `None`, with a problem, where it is none or not one batch.
pub(super) fn open(input: &mut impl Read, findings: &mut Findings) -> io::Result<Option<Sheet>> {
    let mut bytes = Vec::new();
    // One byte more than is allowed, so that the workbook is known to be too large.
    input.take(MOST_PACKED as u64 + 1).read_to_end(&mut bytes)?;
    Ok(match package::check(&bytes).and_then(|()| choose(&bytes, findings)) {
        Ok(sheet) => Some(sheet),
        Err(refusal) => {
            findings.problems.push(refusal.into_finding());
            None
        }
    })
}

/// The only sheet with a heading; without one, the only sheet that is not empty.
fn choose(bytes: &[u8], findings: &mut Findings) -> Result<Sheet, Refusal> {
    let mut workbook = Xlsx::new(Cursor::new(bytes)).map_err(unreadable)?;
    let names = workbook.sheets_metadata().to_vec();
    let mut with_heading = Vec::new();
    let mut others = Vec::new();
    for name in names.iter().filter(|name| name.typ == SheetType::WorkSheet) {
        let sheet = Sheet::read(&mut workbook, &name.name)?;
        if sheet.entries.is_empty() {
            continue;
        }
        if name.visible == SheetVisible::Visible && sheet.has_heading() {
            with_heading.push((name, sheet));
        } else {
            others.push((name, sheet));
        }
        if with_heading.len() > 1 {
            return Err(Refusal::of(
                Code::SeveralSheets,
                format!("several sheets are batches: {}", list(with_heading.iter().map(first))),
                "keep the one that is to be paid, or save each as a file of its own",
            ));
        }
    }
    match (with_heading.pop(), others.len()) {
        (Some((_, sheet)), 0) => Ok(sheet),
        (Some((name, sheet)), _) => {
            let message = format!(
                "the sheet {} is read; not read: {}",
                list([name].into_iter()),
                list(others.iter().map(first))
            );
            let hint = "nothing to do, unless payouts stand there";
            findings.warnings.push(Finding::file(1, Code::OtherSheets, message, hint));
            Ok(sheet)
        }
        (None, 2..) => Err(Refusal::of(
            Code::NoHeading,
            format!("no sheet names the columns; there are {}", list(others.iter().map(first))),
            "the first row names the columns, as in the template that `payout init` writes",
        )),
        (None, _) => Ok(others.pop().map(|(_, sheet)| sheet).unwrap_or_default()),
    }
}

fn first<'a>((name, _): &(&'a SheetName, Sheet)) -> &'a SheetName {
    name
}

fn list<'a>(names: impl Iterator<Item = &'a SheetName>) -> String {
    let hidden = |name: &SheetName| {
        if name.visible == SheetVisible::Visible { "" } else { " (hidden)" }
    };
    let shown: Vec<_> =
        names.map(|name| format!("`{}`{}", name.name.escape_debug(), hidden(name))).collect();
    shown.join(", ")
}

fn unreadable(error: XlsxError) -> Refusal {
    match error {
        XlsxError::Password => Refusal::of(
            Code::WrongFileType,
            "the workbook has a password".to_owned(),
            "save it without one, or as \"CSV UTF-8\"",
        ),
        error => Refusal::of(
            Code::DamagedWorkbook,
            format!("the file is no Excel workbook (.xlsx), or a damaged one ({error})"),
            SAVE_IT,
        ),
    }
}

impl Sheet {
    fn read(workbook: &mut Xlsx<Cursor<&[u8]>>, name: &str) -> Result<Self, Refusal> {
        let mut sheet = Self::default();
        let mut cells = workbook.worksheet_cells_reader(name).map_err(unreadable)?;
        while let Some(cell) = cells.next_cell_with_formula_metadata().map_err(unreadable)? {
            let start = sheet.text.len();
            let mut kind = sheet.push(&cell.value);
            if cell.formula.is_some() && kind != Cell::Error {
                kind = Cell::Formula;
            }
            if sheet.text.len() == start && kind == Cell::Text {
                continue;
            }
            if sheet.text.len() > MOST_TEXT {
                return Err(package::too_large());
            }
            let (row, column) = cell.pos;
            let [start, end] = [start, sheet.text.len()].map(|at| u32::try_from(at).unwrap_or(0));
            sheet.entries.push(Entry { row, column, start, end, kind });
        }
        sheet.entries.sort_by_key(|entry| (entry.row, entry.column));
        let place = |entry: &Entry| (entry.row, entry.column);
        if let Some(twice) = sheet.entries.windows(2).find(|two| place(&two[0]) == place(&two[1])) {
            let message = format!("a cell of row {} is there twice", twice[0].row + 1);
            let hint = "open the workbook in a spreadsheet and save it again";
            return Err(Refusal::of(Code::DamagedWorkbook, message, hint));
        }
        Ok(sheet)
    }

    /// Appends the text of a cell.
    fn push(&mut self, value: &DataRef<'_>) -> Cell {
        let text = &mut self.text;
        // Writing to a string does not fail.
        let (written, kind) = match value {
            DataRef::Empty => (Ok(()), Cell::Text),
            DataRef::String(value) => (text.write_str(value), Cell::Text),
            DataRef::SharedString(value) => (text.write_str(value), Cell::Text),
            DataRef::Int(number) => (write!(text, "{number}"), Cell::Number),
            DataRef::Float(number) => (write!(text, "{number}"), Cell::Number),
            DataRef::Bool(value) => {
                (text.write_str(if *value { "TRUE" } else { "FALSE" }), Cell::Boolean)
            }
            DataRef::DateTime(moment) => {
                let (year, month, day, hour, minute, second, _) = moment.to_ymd_hms_milli();
                let date = write!(text, "{year:04}-{month:02}-{day:02}");
                let is_date = (hour, minute, second) == (0, 0, 0);
                let time = if is_date {
                    Ok(())
                } else {
                    write!(text, " {hour:02}:{minute:02}:{second:02}")
                };
                (date.and(time), Cell::Date)
            }
            DataRef::DateTimeIso(value) | DataRef::DurationIso(value) => {
                (text.write_str(value), Cell::Date)
            }
            DataRef::Error(error) => (write!(text, "{error}"), Cell::Error),
        };
        debug_assert!(written.is_ok());
        kind
    }

    fn has_heading(&self) -> bool {
        let mut marks = Marks::default();
        let mut at = 0;
        for _ in 0..HEADING_WITHIN {
            if at == self.entries.len() {
                break;
            }
            at = self.fill(at, &mut marks);
            let fields = marks.record(&[], None).fields().map(|field| field.bytes);
            if heading::required_headings(fields) >= HEADINGS_AT_LEAST {
                return true;
            }
        }
        false
    }

    /// The row that is at hand.
    pub(super) fn record(&self) -> Record<'_> {
        self.marks.record(&[], None)
    }

    /// Goes to the next row; rows without cells come too, as blank ones. `false` where there is
    /// none.
    pub(super) fn advance(&mut self) -> bool {
        let Some(entry) = self.entries.get(self.at) else { return false };
        let mut marks = std::mem::take(&mut self.marks);
        self.line += 1;
        if self.line <= u64::from(entry.row) {
            marks.begin_row(self.line - 1);
            marks.push_cell("", Cell::Text);
        } else {
            self.at = self.fill(self.at, &mut marks);
        }
        while marks.len() < self.columns {
            marks.push_cell("", Cell::Text);
        }
        self.marks = marks;
        true
    }

    /// Marks the row that begins at entry `at`; returns where the next one begins.
    fn fill(&self, at: usize, marks: &mut Marks) -> usize {
        let row = self.entries[at].row;
        marks.begin_row(u64::from(row));
        let mut next = at;
        while let Some(entry) = self.entries.get(next).filter(|entry| entry.row == row) {
            while marks.len() < entry.column as usize {
                marks.push_cell("", Cell::Text);
            }
            marks.push_cell(&self.text[entry.start as usize..entry.end as usize], entry.kind);
            next += 1;
        }
        next
    }

    /// From now on rows are filled up to this many columns.
    pub(super) fn expect_columns(&mut self, columns: usize) {
        self.columns = columns;
    }
}
