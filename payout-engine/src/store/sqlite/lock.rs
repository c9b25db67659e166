//! One runner at a time: an operating-system lock on a file beside the database.
//!
//! The kernel releases it when the process ends, however it ends, so there is no stale lock to
//! clear after `kill -9`. The file's text only tells people who holds it; the lock itself is what
//! counts.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{self, Read, Seek, Write},
    path::{Path, PathBuf},
};

use crate::error::Error;

pub(super) fn lock(database: &Path, runner: &str) -> Result<File, Error> {
    let path = &lock_file(database);
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).map_err(|error| Error::open(path, error))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(Error::locked(holder_in(&mut file)));
        }
        Err(TryLockError::Error(error)) => {
            return Err(Error::store(format!("lock {}", path.display()), error));
        }
    }
    let told = file
        .set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| file.write_all(runner.as_bytes()));
    told.map_err(|error| Error::store(format!("write {}", path.display()), error))?;
    Ok(file)
}

/// Who holds the lock just now. A runner that starts in this very instant can be refused for it.
pub(super) fn holder(database: &Path) -> Result<Option<String>, Error> {
    let path = &lock_file(database);
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::open(path, error)),
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(None),
        Err(TryLockError::WouldBlock) => Ok(Some(holder_in(&mut file))),
        Err(TryLockError::Error(error)) => {
            Err(Error::store(format!("look at {}", path.display()), error))
        }
    }
}

fn lock_file(database: &Path) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push(".lock");
    PathBuf::from(path)
}

fn holder_in(file: &mut File) -> String {
    let mut holder = String::new();
    // The holder may be writing its name just now; without it the message still says enough.
    let read = file.read_to_string(&mut holder);
    let known = read.is_ok() && !holder.trim().is_empty();
    if known { holder.trim().to_owned() } else { "another process".to_owned() }
}
