//! `payout report`: every row of a batch with its outcome, or those that are safe to send again.

use std::collections::HashSet;
use std::io::{self, BufWriter, Write};

use crate::command::args::{Global, ReportArgs, ReportFormat};
use crate::command::exit::Exit;
use crate::command::failure::Failure;
use crate::command::output::note;
use crate::command::place::Place;
use crate::config::Config;
use crate::desk::named_or_newest;
use crate::report::{self, Format, PrivateFile, Retriable, count, unknown_columns};
use crate::{Batch, Error, Store, pages};

pub(crate) async fn execute(
    args: &ReportArgs,
    global: &Global,
    config: &Config,
) -> Result<Exit, Failure> {
    let place = Place::of(config, args.sandbox)?;
    let store = place.open_with_batches().await?;
    let batch = named_or_newest(&*store, args.batch.as_deref()).await?;
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
    let source = Source { store: &*store, batch: &batch };
    match &args.output {
        Some(path) => {
            let file = PrivateFile::create(path).map_err(|error| {
                Failure::usage(format!("{} cannot be written: {error}", path.display()))
            })?;
            let written = source.write(kind, global, file.writer()?).await?;
            file.finish()?;
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
}

impl Source<'_> {
    /// Writes the rows and says how many they were.
    async fn write(&self, kind: Kind, global: &Global, out: impl Write) -> Result<u64, Failure> {
        match kind {
            Kind::Whole(format) => Ok(report::write(self.store, self.batch, format, out).await?),
            Kind::Retriable => self.write_retriable(global, out).await,
        }
    }

    /// Leaves out rows that another batch paid, may have paid or is about to pay: `run` would
    /// refuse them.
    async fn write_retriable(&self, global: &Global, out: impl Write) -> Result<u64, Failure> {
        if self.batch.purged_at.is_some() {
            return Err(Failure::from(Error::purged(&self.batch.name)).with_exit(Exit::Usage));
        }
        let first = pages(self.store, self.batch.id).next().await?.unwrap_or_default();
        let mut file = Retriable::begin(out, &self.batch.name, &unknown_columns(&first))?;
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
