//! A report of a whole batch, written to a file or anywhere else.
//!
//! Rows go from the store to the output page by page. A file is for its owner alone, because it
//! holds names and accounts, and has its own name only once it is whole: nobody takes half a report
//! for a report.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::{Format, Report, ReportRow, unknown_columns};
use crate::batch::Batch;
use crate::error::Error;
use crate::pages::pages;
use crate::store::Store;

/// Why a report was not written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The store could not be read, or the report is one that cannot be made.
    #[error(transparent)]
    Store(#[from] Error),
    /// The output did not take it.
    #[error("the report could not be written")]
    Output(#[from] io::Error),
}

/// Writes every row of a batch, and returns how many there are.
///
/// # Errors
/// The store cannot be read, or `out` cannot be written to.
pub async fn write(
    store: &dyn Store,
    batch: &Batch,
    format: Format,
    out: impl Write,
) -> Result<u64, WriteError> {
    let summary = store.summary(batch.id).await?;
    let first = pages(store, batch.id).next().await?.unwrap_or_default();
    let extra = unknown_columns(&first);
    let mut report = Report::begin(format, out, &summary, &extra, Timestamp::now())?;
    let mut pages = pages(store, batch.id);
    while let Some(page) = pages.next().await? {
        for record in page {
            report.row(&ReportRow::from(record))?;
        }
    }
    report.end()?;
    Ok(summary.rows)
}

/// Writes every row of a batch to a file, and returns how many there are. A file that is there is
/// replaced.
///
/// # Errors
/// As [`write()`].
pub async fn save(
    store: &dyn Store,
    batch: &Batch,
    format: Format,
    path: &Path,
) -> Result<u64, WriteError> {
    let file = PrivateFile::create(path)?;
    let rows = write(store, batch, format, file.writer()?).await?;
    file.finish()?;
    Ok(rows)
}

/// A file that is being written: for its owner alone, and under its own name only once it is whole.
#[derive(Debug)]
pub struct PrivateFile {
    target: PathBuf,
    part: PathBuf,
    file: File,
}

impl PrivateFile {
    /// Begins the file that is to be `target`.
    ///
    /// # Errors
    /// Where no file can be made beside it.
    pub fn create(target: &Path) -> io::Result<Self> {
        let mut part = target.as_os_str().to_owned();
        part.push(format!(".part-{}", std::process::id()));
        let part = PathBuf::from(part);
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part)?;
        Ok(Self { target: target.to_owned(), part, file })
    }

    /// Where its text goes.
    ///
    /// # Errors
    /// Where the system has no handle left.
    pub fn writer(&self) -> io::Result<BufWriter<File>> {
        Ok(BufWriter::new(self.file.try_clone()?))
    }

    /// Gives it its name, once it is on the disk.
    ///
    /// # Errors
    /// Where the disk or the folder does not take it; then there is no file.
    pub fn finish(self) -> io::Result<()> {
        self.file.sync_all()?;
        fs::rename(&self.part, &self.target)
    }
}

impl Drop for PrivateFile {
    fn drop(&mut self) {
        // Gone already where it was finished.
        let _ = fs::remove_file(&self.part);
    }
}
