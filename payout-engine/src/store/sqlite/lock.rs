//! One runner at a time: an operating-system lock on a file beside the database.
//!
//! The kernel releases it when the process ends, however it ends, so there is no stale lock to
//! clear after `kill -9`. The file's text only tells people who holds it; the lock itself is what
//! counts.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{Read, Seek, Write},
    path::Path,
};

use crate::error::Error;

pub(super) fn lock(database: &Path, runner: &str) -> Result<File, Error> {
    let mut path = database.as_os_str().to_owned();
    path.push(".lock");
    let path = Path::new(&path);
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).map_err(|error| Error::open(path, error))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            // The holder may be writing its name just now; without it the message still says
            // enough.
            let read = file.read_to_string(&mut holder);
            let known = read.is_ok() && !holder.trim().is_empty();
            return Err(Error::locked(if known { holder.trim() } else { "another process" }));
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
