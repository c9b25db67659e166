//! Where the rows of a batch come from: a file, or the bytes of one.

use std::path::Path;
use std::sync::Arc;

use crate::{
    error::Error,
    intake::{self, Checked},
};

/// Where the rows of a batch come from.
#[derive(Clone)]
pub enum Rows {
    /// A file on the disk, read when it is needed.
    File(Arc<Path>),
    /// What a file would hold. A front end makes it of whatever its users have, a frame for
    /// example.
    Bytes {
        /// What people call it.
        name: String,
        /// A batch file, as it would be on the disk.
        bytes: Arc<[u8]>,
    },
}

impl Rows {
    /// Reads the source and tells what is wrong with it, on a thread of its own. `capacity` is what
    /// one sealed block holds, in bytes.
    ///
    /// # Errors
    /// Those of [`intake::check`].
    pub async fn check(&self, capacity: usize) -> Result<Checked, Error> {
        let rows = self.clone();
        let checked = tokio::task::spawn_blocking(move || rows.check_here(capacity));
        // It ends early only with the process.
        checked.await.unwrap_or_else(|error| Err(Error::config(error.to_string())))
    }

    /// As [`Rows::check`], on this thread.
    ///
    /// # Errors
    /// Those of [`intake::check`].
    pub fn check_here(&self, capacity: usize) -> Result<Checked, Error> {
        match self {
            Self::File(path) => intake::check(path, capacity),
            Self::Bytes { bytes, .. } => intake::check_bytes(Arc::clone(bytes), capacity),
        }
    }

    /// What people call it: a file by its name, without its folder.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::File(path) => path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            Self::Bytes { name, .. } => name.clone(),
        }
    }
}

impl std::fmt::Debug for Rows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Never the bytes: people and accounts stand in them.
        f.debug_tuple("Rows").field(&self.name()).finish()
    }
}
