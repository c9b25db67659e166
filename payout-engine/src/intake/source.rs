//! Where records come from: the bytes of a file, hashed as they are read, and what kind they are.
//!
//! A text is split into records while it streams, a sheet of a workbook hands out its rows. Behind
//! [`Source`] nobody can tell them apart, but for the cells of a sheet that are no text: see
//! [`super::records::Record::cell`].

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
use super::records::{Next, Record, RecordReader};
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

/// Records, one after the other.
#[cfg_attr(
    not(feature = "workbook"),
    expect(clippy::large_enum_variant, reason = "where no workbook is read, a sheet is nothing")
)]
pub(super) enum Source {
    Text(RecordReader<Decoder<Hashing>>),
    Workbook { sheet: Sheet, sha256: String },
}

impl Source {
    /// Opens a file. `None`: it is refused for what it is, and why was reported.
    pub(super) fn open(input: Input, findings: &mut Findings) -> io::Result<Option<Self>> {
        let mut input = Hashing::open(input)?;
        if is_zip(&input.head) {
            let Some(sheet) = workbook::open(&mut input, findings)? else { return Ok(None) };
            return Ok(Some(Self::Workbook { sheet, sha256: input.into_sha256()? }));
        }
        if let Some(refusal) = wrong_type(&input.head) {
            findings.problems.push(refusal);
            return Ok(None);
        }
        let encoding = Encoding::of(&input.head);
        let mut text = RecordReader::new(Decoder::new(input, encoding), encoding);
        if text.peek(BYTE_ORDER_MARK.len())? == BYTE_ORDER_MARK {
            text.skip(BYTE_ORDER_MARK.len());
        }
        choose_delimiter(&mut text)?;
        Ok(Some(Self::Text(text)))
    }

    /// Reads the next record into `record`.
    pub(super) fn next(&mut self, record: &mut Record) -> io::Result<Next> {
        match self {
            Self::Text(text) => text.next(record),
            Self::Workbook { sheet, .. } => Ok(sheet.next(record)),
        }
    }

    /// Says how many columns the heading has.
    pub(super) fn expect_columns(&mut self, columns: usize) {
        match self {
            Self::Text(text) => text.expect_columns(columns),
            Self::Workbook { sheet, .. } => sheet.expect_columns(columns),
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

/// Obeys a `sep=` line; otherwise takes the delimiter by which some line has most headings.
fn choose_delimiter<R: Read>(reader: &mut RecordReader<R>) -> io::Result<()> {
    if let [b's' | b'S', b'e' | b'E', b'p' | b'P', b'=', delimiter, b'\r' | b'\n'] =
        *reader.peek(6)?
        && DELIMITERS.contains(&delimiter)
    {
        reader.set_delimiter(delimiter);
        // The line itself is read as a record, so that the lines below keep their numbers.
        reader.next(&mut Record::default())?;
        return Ok(());
    }
    let head = reader.peek(16 * 1024)?.to_vec();
    let headings = |delimiter: u8| {
        let lines = head.split(|&byte| byte == b'\n' || byte == b'\r');
        let fields = |line: &[u8]| heading::required_headings(line.split(|&b| b == delimiter));
        lines.map(fields).max()
    };
    // Of equals the last one wins, so the comma is asked last.
    if let Some(best) = DELIMITERS.into_iter().rev().max_by_key(|&delimiter| headings(delimiter)) {
        reader.set_delimiter(best);
    }
    Ok(())
}
