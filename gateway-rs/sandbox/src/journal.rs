//! The state file: one JSON line for each change, appended before the change is answered.
//!
//! A line holds every row that one call touched, so a line that was cut off by a crash takes the
//! whole call with it, and that call was never answered. The file is private (0600), because it
//! holds the key pair and account numbers, and locked, because two sandboxes would fork its story.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use crate::error::Problem;
use crate::world::{Change, World};

#[derive(Debug)]
pub(crate) struct Journal {
    file: File,
    path: PathBuf,
}

impl Journal {
    /// Opens the file, creating it where it is missing, and lets `world` take what it holds.
    pub(crate) fn open(path: &Path, world: &mut World) -> Result<Self, Problem> {
        let failed = |source| Problem::StateFile { path: path.to_owned(), source };
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Problem::StateFileInUse { path: path.to_owned() });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(failed)?;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        let foreign = |line, source| Problem::StateFileLine { path: path.to_owned(), line, source };
        let mut lines = 0;
        for line in bytes[..whole].split_inclusive(|byte| *byte == b'\n') {
            lines += 1;
            let change = serde_json::from_slice(line).map_err(|source| foreign(lines, source))?;
            world.restore(change);
        }
        world.reindex();
        let rest = bytes.get(whole..).unwrap_or_default();
        if let Err(source) = serde_json::from_slice::<Change>(rest)
            && !(rest.is_empty() || rest.starts_with(b"{") && source.is_eof())
        {
            return Err(foreign(lines + 1, source));
        }
        // What follows the last line feed was being written when the process died.
        file.set_len(whole as u64).map_err(failed)?;
        file.seek(SeekFrom::End(0)).map_err(failed)?;
        // Somebody else may have made the file, for everybody to read.
        #[cfg(unix)]
        file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))
            .map_err(failed)?;
        Ok(Self { file, path: path.to_owned() })
    }

    /// Appends a change. The operating system has it when this returns, so the death of the
    /// process loses nothing; a power cut may, which a rehearsal can live with.
    pub(crate) fn append(&mut self, change: &Change) -> Result<(), Problem> {
        let mut line = serde_json::to_vec(change).map_err(|source| Problem::StateFileLine {
            path: self.path.clone(),
            line: 0,
            source,
        })?;
        line.push(b'\n');
        let failed = |source| Problem::StateFile { path: self.path.clone(), source };
        self.file.write_all(&line).map_err(failed)
    }
}
