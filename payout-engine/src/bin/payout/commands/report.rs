//! `payout report`: every row of a batch with its outcome.

use std::fs::{self, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use payout_engine::report::{Format, Report, ReportRow};
use payout_engine::{Batch, BatchSummary, Store};

use super::status::named_or_newest;
use crate::args::{Global, ReportArgs, ReportFormat};
use crate::config::Config;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{count, note};
use crate::place::Place;

/// Rows read from the store at once.
const PAGE: usize = 1_000;

pub(crate) async fn execute(
    args: &ReportArgs,
    global: &Global,
    config: &Config,
) -> Result<Exit, Failure> {
    let place = Place::of(config, args.sandbox)?;
    let store = place.open_with_batches().await?;
    let batch = named_or_newest(&*store, args.batch.as_deref()).await?;
    let summary = store.summary(batch.id).await?;
    let format = match args.format {
        _ if global.json => Format::Json,
        ReportFormat::Csv => Format::Csv,
        ReportFormat::Json => Format::Json,
        ReportFormat::Html => Format::Html,
    };
    match &args.output {
        Some(path) => {
            let part = Part::create(path)?;
            let out = BufWriter::new(part.file.try_clone()?);
            write(&*store, &batch, &summary, format, out).await?;
            part.finish(path)?;
            let rows = count(summary.rows, "row");
            note(global, &format!("{rows} written to {}", path.display()));
        }
        None => {
            match write(&*store, &batch, &summary, format, BufWriter::new(io::stdout())).await {
                Err(failure) if failure.is_broken_pipe() => {}
                other => other?,
            }
        }
    }
    Ok(Exit::Done)
}

async fn write(
    store: &dyn Store,
    batch: &Batch,
    summary: &BatchSummary,
    format: Format,
    out: impl Write,
) -> Result<(), Failure> {
    let mut page = store.rows(batch.id, 0, PAGE).await?;
    // A row that could not be read has no columns; every other one has them all.
    let extra = page.iter().map(|row| &row.extra).find(|extra| !extra.is_empty());
    let extra: Vec<_> = extra.into_iter().flatten().map(|(name, _)| name.clone()).collect();
    let mut report = Report::begin(format, out, summary, &extra, Timestamp::now())?;
    while let Some(last) = page.last() {
        let after = last.payout.row;
        for record in page {
            report.row(&ReportRow::from(record))?;
        }
        page = store.rows(batch.id, after, PAGE).await?;
    }
    report.end()?;
    Ok(())
}

/// A file that is being written: for its owner alone, and under its own name only once it is whole.
struct Part {
    path: PathBuf,
    file: fs::File,
}

impl Part {
    fn create(target: &Path) -> Result<Self, Failure> {
        let mut path = target.as_os_str().to_owned();
        path.push(format!(".part-{}", std::process::id()));
        let path = PathBuf::from(path);
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        let file = file.map_err(|error| {
            Failure::usage(format!("{} cannot be written: {error}", target.display()))
        })?;
        Ok(Self { path, file })
    }

    fn finish(self, target: &Path) -> io::Result<()> {
        self.file.sync_all()?;
        fs::rename(&self.path, target)
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // Gone already where it was finished.
        let _ = fs::remove_file(&self.path);
    }
}
