//! Where records come from: the bytes of a file, hashed as they are read, and what kind they are.
//!
//! A text is cut into blocks of records while it streams, a sheet of a workbook is one. Behind
//! [`Records`] nobody can tell them apart, but for the cells of a sheet that are no text: see
//! [`Record::cell`].

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::Findings;
use super::encoding::{Decoder, Encoding};
use super::finding::{Code, Finding};
use super::heading;
use super::records::{self, Block, BlockReader, Break, Record};
use super::workbook::{self, Sheet};
use crate::error::Error;

/// The bytes of a batch file.
pub(super) type Input = Box<dyn Read + Send>;

/// What is checked: a file, or what was one. It is opened anew for every reading.
#[derive(Clone)]
pub(super) enum Document {
    File(PathBuf),
    Memory(Arc<[u8]>),
}

impl Document {
    pub(super) fn open(&self) -> io::Result<Input> {
        match self {
            Self::Memory(bytes) => Ok(Box::new(io::Cursor::new(Arc::clone(bytes)))),
            Self::File(path) => {
                let file = File::open(path)?;
                if file.metadata()?.is_dir() {
                    return Err(io::Error::from(io::ErrorKind::IsADirectory));
                }
                Ok(Box::new(file))
            }
        }
    }

    /// The error for a document that cannot be read.
    pub(super) fn unreadable(&self, error: io::Error) -> Error {
        Error::file(self.path(), error)
    }

    /// The error for a document that is no longer the one that was checked.
    pub(super) fn changed(&self) -> Error {
        Error::file_changed(self.path())
    }

    fn path(&self) -> &Path {
        match self {
            Self::File(path) => path,
            Self::Memory(_) => Path::new("the file"),
        }
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Never the bytes: people and accounts stand in them.
        self.path().fmt(f)
    }
}

/// How much of a file is looked at to tell what it is.
const HEAD: usize = 512;

/// The character U+FEFF, decoded, at the beginning of a text.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The delimiters that are told apart by the heading, and that a `sep=` line may name.
const DELIMITERS: [u8; 4] = *b",;\t|";

/// Reads a file, hashes what it reads, and has its first bytes at hand.
pub(super) struct Hashing {
    input: Input,
    hash: Sha256,
    head: Vec<u8>,
    taken: usize,
}

impl Hashing {
    fn open(input: Input) -> io::Result<Self> {
        let mut opened = Self { input, hash: Sha256::new(), head: Vec::new(), taken: 0 };
        opened.input.by_ref().take(HEAD as u64).read_to_end(&mut opened.head)?;
        opened.hash.update(&opened.head);
        Ok(opened)
    }

    /// The hash of the file, in hex; it is read to its end for it.
    fn into_sha256(mut self) -> io::Result<String> {
        io::copy(&mut self, &mut io::sink())?;
        Ok(hex::encode(self.hash.finalize()))
    }
}

impl Read for Hashing {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let ahead = &self.head[self.taken..];
        if !ahead.is_empty() {
            let count = ahead.len().min(out.len());
            out[..count].copy_from_slice(&ahead[..count]);
            self.taken += count;
            return Ok(count);
        }
        let read = self.input.read(out)?;
        self.hash.update(&out[..read]);
        Ok(read)
    }
}

/// Records that are read one after the other, on whichever thread.
#[cfg_attr(
    not(feature = "workbook"),
    expect(clippy::large_enum_variant, reason = "where no workbook is read, a sheet is nothing")
)]
pub(super) enum Records {
    Text(Block),
    Sheet(Sheet),
}

impl Records {
    /// Goes to the next record; `false` where there is none.
    pub(super) fn advance(&mut self) -> bool {
        match self {
            Self::Text(block) => block.advance(),
            Self::Sheet(sheet) => sheet.advance(),
        }
    }

    /// Finds out whether all of it is a text, so that no field has to be looked at for it.
    pub(super) fn decode(&mut self) {
        if let Self::Text(block) = self {
            block.decode();
        }
    }

    /// The record that is at hand.
    pub(super) fn record(&self) -> Record<'_> {
        match self {
            Self::Text(block) => block.record(),
            Self::Sheet(sheet) => sheet.record(),
        }
    }

    /// Line ends of the file from where these records begin down to here.
    pub(super) fn lines(&self) -> u64 {
        match self {
            Self::Text(block) => block.lines(),
            // There is one sheet, so nobody asks where another one begins.
            Self::Sheet(_) => 0,
        }
    }

    /// Says how many columns the heading has.
    pub(super) fn expect_columns(&mut self, columns: usize) {
        match self {
            Self::Text(block) => block.expect_columns(columns),
            Self::Sheet(sheet) => sheet.expect_columns(columns),
        }
    }
}

/// A part of a file.
pub(super) enum Piece {
    /// Whole records.
    Records(Records),
    /// A record that is beyond reading.
    Broken(Break),
}

/// A file, piece by piece.
#[cfg_attr(
    not(feature = "workbook"),
    expect(clippy::large_enum_variant, reason = "where no workbook is read, a sheet is nothing")
)]
pub(super) enum Source {
    Text(BlockReader<Decoder<Hashing>>),
    Workbook { sheet: Option<Sheet>, sha256: String },
}

impl Source {
    /// Opens a file that is cut into blocks of `size` bytes. `None`: it is refused for what it is,
    /// and why was reported. With it comes the number of lines that were passed over.
    pub(super) fn open(
        input: Input,
        size: usize,
        findings: &mut Findings,
    ) -> io::Result<Option<(Self, u64)>> {
        let mut input = Hashing::open(input)?;
        if is_zip(&input.head) {
            let Some(sheet) = workbook::open(&mut input, findings)? else { return Ok(None) };
            let workbook = Self::Workbook { sheet: Some(sheet), sha256: input.into_sha256()? };
            return Ok(Some((workbook, 0)));
        }
        if let Some(refusal) = wrong_type(&input.head) {
            findings.problems.push(refusal);
            return Ok(None);
        }
        let encoding = Encoding::of(&input.head);
        let mut text = BlockReader::new(Decoder::new(input, encoding), encoding, size);
        if text.peek(BYTE_ORDER_MARK.len())? == BYTE_ORDER_MARK {
            text.skip(BYTE_ORDER_MARK.len());
        }
        let lines = choose_delimiter(&mut text)?;
        Ok(Some((Self::Text(text), lines)))
    }

    /// Reads the next piece; nothing at the end. `spent` are records that are not needed any more,
    /// for their memory.
    pub(super) fn next(&mut self, spent: Option<Records>) -> io::Result<Option<Piece>> {
        match self {
            Self::Text(text) => {
                let spent = spent.and_then(|records| match records {
                    Records::Text(block) => Some(block),
                    Records::Sheet(_) => None,
                });
                Ok(text.next(spent)?.map(|piece| match piece {
                    records::Piece::Block(block) => Piece::Records(Records::Text(block)),
                    records::Piece::Broken(broken) => Piece::Broken(broken),
                }))
            }
            Self::Workbook { sheet, .. } => {
                Ok(sheet.take().map(Records::Sheet).map(Piece::Records))
            }
        }
    }

    /// The hash of the whole file, in hex.
    pub(super) fn into_sha256(self) -> io::Result<String> {
        match self {
            Self::Text(text) => text.into_input().into_input().into_sha256(),
            Self::Workbook { sha256, .. } => Ok(sha256),
        }
    }
}

/// Whether a file begins as an archive does, which a workbook is.
fn is_zip(head: &[u8]) -> bool {
    head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06")
}

/// Recognises by its first bytes what is certainly neither CSV nor a workbook.
fn wrong_type(head: &[u8]) -> Option<Finding> {
    let text = String::from_utf8_lossy(head).trim_start_matches('\u{feff}').to_lowercase();
    let text = text.trim_start();
    let kind = if head.starts_with(b"\xd0\xcf\x11\xe0") {
        "an old Excel workbook (.xls), or one with a password"
    } else if head.starts_with(b"\xff\xfe\0\0") || head.starts_with(b"\0\0\xfe\xff") {
        "UTF-32"
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
    let message = format!("the file is {kind}, not CSV");
    Some(Finding::file(1, Code::WrongFileType, message, workbook::SAVE_IT))
}

/// Obeys a `sep=` line; otherwise takes the delimiter by which some line has most headings. Tells
/// how many lines it passed over.
fn choose_delimiter<R: Read>(reader: &mut BlockReader<R>) -> io::Result<u64> {
    const NAMED: usize = b"sep=;".len();
    if let [b's' | b'S', b'e' | b'E', b'p' | b'P', b'=', delimiter, end @ ..] =
        reader.peek(NAMED + 2)?
        && DELIMITERS.contains(delimiter)
        && matches!(end, [b'\r' | b'\n', ..])
    {
        let (delimiter, end) = (*delimiter, if end == b"\r\n" { 2 } else { 1 });
        reader.set_delimiter(delimiter);
        reader.skip(NAMED + end);
        return Ok(1);
    }
    let head = reader.peek(16 * 1024)?;
    let headings = |delimiter: u8| {
        let lines = head.split(|&byte| byte == b'\n' || byte == b'\r');
        let fields = |line: &[u8]| heading::required_headings(line.split(|&b| b == delimiter));
        lines.map(fields).max()
    };
    // Of equals the last one wins, so the comma is asked last.
    if let Some(best) = DELIMITERS.into_iter().rev().max_by_key(|&delimiter| headings(delimiter)) {
        reader.set_delimiter(best);
    }
    Ok(0)
}
