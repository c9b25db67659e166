//! What was last seen of a store, kept in a file beside it (`payout.db.witness`).
//!
//! A store that was put back from a copy is whole in itself: nothing in it says that it is old. So
//! the length and the head of each batch's event log are also kept outside. A store that does not
//! hold the event that was seen last is an older one, or another one; so may be one that nobody
//! vouches for, or whose files are not those that were there (a restored folder).
//!
//! One line a batch, of fixed length, written in place after each commit. It is not forced to the
//! disk each time: a witness that lost its last words to a power cut is behind the store, which
//! proves nothing against it, and one that is garbled vouches for nothing.
//!
//! Of a store that somebody else keeps nothing is beside it: what was seen is known as long as the
//! store is open ([`Memory`]), and nobody vouches for one that is opened again.
//!
//! Invariant: the witness is never ahead of what was committed.

use std::{
    collections::HashMap,
    fs::{File, Metadata, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::UNIX_EPOCH,
};

use crate::{chain::LogHash, error::Error, order_no::BatchCode};

/// Characters of a line: code, number of events, head, the numbers of both files, blanks, line end.
const LINE: usize = 12 + 1 + 20 + 1 + 64 + 1 + 20 + 1 + 20 + 1;

/// What was seen of one batch, noted as long as its lease lasts.
pub(crate) struct Witness {
    code: BatchCode,
    /// By whoever has the store open.
    memory: Memory,
    /// In a file.
    line: Option<Line>,
}

/// What was seen of the batches of a store as long as it is open.
#[derive(Clone, Default)]
pub(crate) struct Memory(Arc<Mutex<HashMap<BatchCode, (i64, LogHash)>>>);

/// The line of one batch in the file, open for writing.
pub(crate) struct Line {
    path: PathBuf,
    code: BatchCode,
    at: u64,
    /// What tells the store and the witness from copies of them.
    files: [u64; 2],
    file: Mutex<File>,
}

impl Witness {
    /// Opens the witness beside a store, and tells which event of the batch it saw last: its place
    /// in the log and its hash. `None` where it cannot vouch for the batch.
    pub(crate) fn open(
        store: &Path,
        code: BatchCode,
    ) -> Result<(Self, Option<(i64, LogHash)>), Error> {
        let mut path = store.as_os_str().to_owned();
        path.push(".witness");
        let (line, seen) = Line::open(PathBuf::from(path), Some(store), code)?;
        Ok((Self { code, memory: Memory::default(), line: Some(line) }, seen))
    }

    /// Opens the witness of a store that is on no machine in particular: what this process saw, and
    /// what this machine saw, in a file of its own for each batch, if there is a folder for that.
    /// Several processes may write to it; one that is behind another proves nothing.
    #[cfg(feature = "postgres")]
    pub(crate) fn of_machine(
        folder: Option<&Path>,
        memory: &Memory,
        code: BatchCode,
    ) -> Result<(Self, Option<(i64, LogHash)>), Error> {
        let line =
            folder.map(|folder| Line::open(folder.join(format!("{code}.witness")), None, code));
        let (line, noted) = line.transpose()?.unzip();
        // The later one: another process of this machine may have seen more, or less.
        let seen = memory.last(&code).into_iter().chain(noted.flatten());
        let seen = seen.max_by_key(|(events, _)| *events);
        Ok((Self { code, memory: memory.clone(), line }, seen))
    }

    /// The last event that this process saw.
    #[cfg(feature = "postgres")]
    pub(crate) fn last(&self) -> Option<(i64, LogHash)> {
        self.memory.last(&self.code)
    }

    /// Notes what was committed.
    pub(crate) fn note(&self, events: i64, head: LogHash) -> Result<(), Error> {
        self.memory.seen().insert(self.code, (events, head));
        self.line.as_ref().map_or(Ok(()), |line| line.note(events, head))
    }

    /// Forces it to the disk: once a lease, so that the line is there after a power cut.
    pub(crate) fn sync(&self) -> Result<(), Error> {
        self.line.as_ref().map_or(Ok(()), Line::sync)
    }
}

impl Memory {
    /// The witness of a batch, and what it saw last.
    pub(crate) fn witness(&self, code: BatchCode) -> (Witness, Option<(i64, LogHash)>) {
        (Witness { code, memory: self.clone(), line: None }, self.last(&code))
    }

    fn last(&self, code: &BatchCode) -> Option<(i64, LogHash)> {
        self.seen().get(code).copied()
    }

    fn seen(&self) -> MutexGuard<'_, HashMap<BatchCode, (i64, LogHash)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Line {
    /// `beside` is the store, where that is a file: a witness beside a copy vouches for nothing.
    fn open(
        path: PathBuf,
        beside: Option<&Path>,
        code: BatchCode,
    ) -> Result<(Self, Option<(i64, LogHash)>), Error> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&path).map_err(|error| Error::open(&path, error))?;
        let mut text = Vec::new();
        let read = file.read_to_end(&mut text).and_then(|_| match beside {
            Some(store) => Ok([number(&std::fs::metadata(store)?), number(&file.metadata()?)]),
            None => Ok([0, 0]),
        });
        let files = read.map_err(|error| Error::open(&path, error))?;
        let lines = text.chunks_exact(LINE);
        let end = lines.len();
        let found = lines.enumerate().find(|(_, line)| line.starts_with(code.as_str().as_bytes()));
        let seen = found.and_then(|(_, line)| parse(line, files));
        let at = (found.map_or(end, |(index, _)| index) * LINE) as u64;
        Ok((Self { path, code, at, files, file: Mutex::new(file) }, seen))
    }

    fn note(&self, events: i64, head: LogHash) -> Result<(), Error> {
        let [store, own] = self.files;
        let line = format!("{} {events:020} {head} {store:020} {own:020}\n", self.code);
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let written =
            file.seek(SeekFrom::Start(self.at)).and_then(|_| file.write_all(line.as_bytes()));
        written.map_err(|error| self.failed(error))
    }

    fn sync(&self) -> Result<(), Error> {
        let file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.sync_data().map_err(|error| self.failed(error))
    }

    fn failed(&self, error: io::Error) -> Error {
        Error::store(format!("write {}", self.path.display()), error)
    }
}

fn parse(line: &[u8], files: [u64; 2]) -> Option<(i64, LogHash)> {
    let mut words = std::str::from_utf8(line).ok()?.split_ascii_whitespace().skip(1);
    let seen = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    let same = files.iter().all(|file| words.next().is_some_and(|it| it.parse() == Ok(*file)));
    same.then_some(seen)
}

/// What tells a file from a copy of it: when it was made, and its number in the file system.
fn number(file: &Metadata) -> u64 {
    let made = file.created().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    // Nanoseconds since 1970 fill 61 bits; the lower half is what differs.
    made.map_or(0, |made| made.as_nanos() as u64) ^ inode(file).rotate_left(32)
}

#[cfg(unix)]
fn inode(file: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(file)
}

#[cfg(not(unix))]
fn inode(_: &Metadata) -> u64 {
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_witness_vouches_for_what_it_saw_beside_the_same_files() {
        let dir = tempfile::tempdir().unwrap();
        let store = dir.path().join("payout.db");
        std::fs::write(&store, "").unwrap();
        let codes: [BatchCode; 2] = ["0123456789AB", "0123456789AC"].map(|it| it.parse().unwrap());
        let head = LogHash::genesis(&codes[0]);
        for code in codes {
            let (witness, seen) = Witness::open(&store, code).unwrap();
            assert_eq!(seen, None);
            witness.note(7, head).unwrap();
            witness.note(i64::MAX, head).unwrap();
            witness.sync().unwrap();
        }
        for code in codes {
            assert_eq!(Witness::open(&store, code).unwrap().1, Some((i64::MAX, head)));
        }
        let file = dir.path().join("payout.db.witness");
        let text = std::fs::read(&file).unwrap();
        assert_eq!(text.len(), 2 * LINE);
        // Garbled, cut, beside another file of the same name: it vouches for nothing.
        std::fs::write(&file, text.iter().map(|b| b ^ 1).collect::<Vec<_>>()).unwrap();
        assert_eq!(Witness::open(&store, codes[0]).unwrap().1, None);
        std::fs::write(&file, &text[..LINE + 9]).unwrap();
        assert!(Witness::open(&store, codes[0]).unwrap().1.is_some());
        assert_eq!(Witness::open(&store, codes[1]).unwrap().1, None);
        let copy = dir.path().join("copy");
        std::fs::copy(&store, &copy).unwrap();
        std::fs::rename(&copy, &store).unwrap();
        assert_eq!(Witness::open(&store, codes[0]).unwrap().1, None);
    }
}
