//! `payout archive`: carries finished batches to an archive, and forgets their people here.
//!
//! What stays is what `payout purge` leaves: references, so that nobody is paid twice, and the
//! books.

use jiff::{Timestamp, ToSpan};

use super::carry::{depots, document, names};
use super::confirm::{Question, ask};
use crate::command::args::{ArchiveArgs, Global};
use crate::command::exit::Exit;
use crate::command::failure::Failure;
use crate::command::output::{note, print};
use crate::config::Config;
use crate::host::runner_name;
use crate::{Batch, BatchState, Depot, Outcome, Store, carry};

pub(crate) async fn execute(
    args: &ArchiveArgs,
    global: &Global,
    config: &Config,
) -> Result<Exit, Failure> {
    let (from, to) = depots(&config.store_url(), &args.to).await?;
    let batches = match (&args.batch, args.older_than) {
        (Some(name), _) => vec![from.store().batch(Some(name)).await?],
        (None, days) => {
            let mut batches = unfinished(&from, &to).await?;
            batches.extend(older_than(&*from.store(), days.unwrap_or_default()).await?);
            batches
        }
    };
    if !args.yes && !batches.is_empty() {
        ask(&Question {
            about: format!(
                "{} to {}\nnames, accounts, contacts and texts of them go here for good; \
                 references, amounts and outcomes stay",
                names(&batches),
                to.place()
            ),
            question: "Archive?",
            nothing: "nothing was archived",
            yes: "add --yes to archive without being asked",
        })?;
    }
    let mut archived = Vec::new();
    for batch in &batches {
        archived.push(carry(batch, &from, &to, &runner_name("payout archive"), true).await?);
        note(global, &format!("batch {}: archived", batch.name));
    }
    if global.json {
        print(&document(&from, &to, &archived))?;
    } else {
        print(&format!("{} archived in {}", names(&batches), to.place()))?;
    }
    Ok(Exit::Done)
}

/// Batches of which archiving was begun and cut off.
async fn unfinished(from: &Depot, to: &Depot) -> Result<Vec<Batch>, Failure> {
    let mut batches = from.store().batches().await?;
    batches.retain(|batch| {
        let departure = batch.moved.as_ref();
        let finished = |it: &&crate::Departure| it.was == BatchState::Finished;
        departure.filter(finished).is_some_and(|it| it.to == to.place())
            && batch.purged_at.is_none()
    });
    Ok(batches)
}

/// Finished batches that were begun at least so many days ago and whose people are known still, but
/// for those with rows that wait for a decision; the oldest first.
pub(super) async fn older_than(store: &dyn Store, days: u32) -> Result<Vec<Batch>, Failure> {
    let hours = i64::from(days).saturating_mul(24);
    let oldest = Timestamp::now().checked_sub(hours.hours());
    let oldest =
        oldest.map_err(|error| Failure::usage(format!("that is too long ago: {error}")))?;
    let mut old = Vec::new();
    for batch in store.batches().await?.into_iter().rev() {
        let is_old = batch.state == BatchState::Finished && batch.created_at <= oldest;
        if is_old
            && batch.purged_at.is_none()
            && store.summary(batch.id).await?.count(Outcome::Held) == 0
        {
            old.push(batch);
        }
    }
    Ok(old)
}
