//! `payout report`: every row of a batch with its outcome, or those that are safe to send again.

use std::collections::HashSet;
use std::fs::{self, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::status::named_or_newest;
use crate::command::args::{Global, ReportArgs, ReportFormat};
use crate::command::exit::Exit;
use crate::command::failure::Failure;
use crate::command::output::note;
use crate::command::place::Place;
use crate::config::Config;
use crate::report::{Format, Report, ReportRow, Retriable, count, unknown_columns};
use crate::{Batch, BatchSummary, Error, Store, pages};

pub(crate) async fn execute(
    args: &ReportArgs,
    global: &Global,
    config: &Config,
) -> Result<Exit, Failure> {
    let place = Place::of(config, args.sandbox)?;
    let store = place.open_with_batches().await?;
    let batch = named_or_newest(&*store, args.batch.as_deref()).await?;
    let summary = store.summary(batch.id).await?;
    let kind = match args.format {
        _ if args.retriable && global.json => {
            return Err(Failure::usage("rows to send again are a CSV file, not JSON")
                .with_hint("leave --json out; without --retriable the report has every row"));
        }
        _ if args.retriable => Kind::Retriable,
        _ if global.json => Kind::Whole(Format::Json),
        ReportFormat::Csv => Kind::Whole(Format::Csv),
        ReportFormat::Json => Kind::Whole(Format::Json),
        ReportFormat::Html => Kind::Whole(Format::Html),
    };
    let source = Source { store: &*store, batch: &batch, summary: &summary };
    match &args.output {
        Some(path) => {
            let part = Part::create(path)?;
            let out = BufWriter::new(part.file.try_clone()?);
            let written = source.write(kind, global, out).await?;
            part.finish(path)?;
            note(global, &format!("{} written to {}", count(written, "row"), path.display()));
        }
        None => match source.write(kind, global, BufWriter::new(io::stdout())).await {
            Err(failure) if failure.is_broken_pipe() => {}
            other => drop(other?),
        },
    }
    Ok(Exit::Done)
}

/// What is written.
#[derive(Clone, Copy)]
enum Kind {
    /// Every row.
    Whole(Format),
    /// The rows that are safe to send again.
    Retriable,
}

/// What it is written of.
struct Source<'a> {
    store: &'a dyn Store,
    batch: &'a Batch,
    summary: &'a BatchSummary,
}

impl Source<'_> {
    /// Writes the rows and says how many they were.
    async fn write(&self, kind: Kind, global: &Global, out: impl Write) -> Result<u64, Failure> {
        let first = pages(self.store, self.batch.id).next().await?.unwrap_or_default();
        let extra = unknown_columns(&first);
        match kind {
            Kind::Whole(format) => self.write_all(format, out, &extra).await,
            Kind::Retriable => self.write_retriable(global, out, &extra).await,
        }
    }

    async fn write_all(
        &self,
        format: Format,
        out: impl Write,
        extra: &[String],
    ) -> Result<u64, Failure> {
        let mut report = Report::begin(format, out, self.summary, extra, Timestamp::now())?;
        let mut pages = pages(self.store, self.batch.id);
        while let Some(page) = pages.next().await? {
            for record in page {
                report.row(&ReportRow::from(record))?;
            }
        }
        report.end()?;
        Ok(self.summary.rows)
    }

    /// Leaves out rows that another batch paid, may have paid or is about to pay: `run` would
    /// refuse them.
    async fn write_retriable(
        &self,
        global: &Global,
        out: impl Write,
        extra: &[String],
    ) -> Result<u64, Failure> {
        if self.batch.purged_at.is_some() {
            return Err(Failure::from(Error::purged(&self.batch.name)).with_exit(Exit::Usage));
        }
        let mut file = Retriable::begin(out, &self.batch.name, extra)?;
        let (mut written, mut elsewhere) = (0, 0);
        let mut pages = pages(self.store, self.batch.id);
        while let Some(mut page) = pages.next().await? {
            page.retain(|row| row.payout.is_retriable());
            let references: Vec<_> = page.iter().map(|row| row.reference.as_str()).collect();
            let conflicts = self.store.conflicts(&references, Some(self.batch.id)).await?;
            let taken: HashSet<_> = conflicts.into_iter().map(|found| found.reference).collect();
            for record in page {
                if taken.contains(&record.reference) {
                    elsewhere += 1;
                } else {
                    written += u64::from(file.row(record)?);
                }
            }
        }
        file.end()?;
        if elsewhere > 0 {
            let rows = count(elsewhere, "row");
            note(global, &format!("{rows} left out: another batch pays, paid or may have paid"));
        }
        if written == 0 {
            note(global, &format!("no row of batch {} is safe to send again", self.batch.name));
        }
        Ok(written)
    }
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
