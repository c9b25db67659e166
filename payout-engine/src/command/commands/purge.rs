//! `payout purge`: removes personal data from finished batches, keeps amounts and outcomes.

use serde_json::json;

use super::archive::older_than;
use super::carry::names;
use super::confirm::{Question, ask};
use super::pay::engine;
use crate::Batch;
use crate::command::args::{Global, PurgeArgs};
use crate::command::exit::Exit;
use crate::command::failure::Failure;
use crate::command::output::print;
use crate::command::place::Place;
use crate::config::Config;
use crate::desk::named_or_newest;
use crate::report::count;

pub(crate) async fn execute(
    args: &PurgeArgs,
    global: &Global,
    config: &Config,
) -> Result<Exit, Failure> {
    let place = Place::of(config, args.sandbox)?;
    let batches = {
        // Closed again at once: whoever reads keeps old pages in the log.
        let store = place.open_with_batches().await?;
        match args.older_than {
            None => vec![named_or_newest(&*store, args.batch.as_deref()).await?],
            Some(days) => older_than(&*store, days).await?,
        }
    };
    let rows = count(batches.iter().map(|batch| batch.rows).sum(), "row");
    if !args.yes && !batches.is_empty() {
        ask(&Question {
            about: format!(
                "names, accounts, contacts and texts of {rows} of {} go for good; \
                 references, amounts and outcomes stay",
                names(&batches)
            ),
            question: "Remove?",
            nothing: "nothing was removed",
            yes: "add --yes to remove them without being asked",
        })?;
    }
    let engine = engine(&place, config, "purge").await?;
    let mut purged = Vec::new();
    for batch in &batches {
        purged.push(engine.purge(batch).await?);
    }
    let text = if global.json {
        let document = |batch: &Batch| {
            let at = batch.purged_at.map(|at| at.to_string());
            json!({ "batch": batch.name, "rows": batch.rows, "purged_at": at })
        };
        match (args.older_than, purged.as_slice()) {
            (None, [batch]) => document(batch).to_string(),
            _ => json!({ "batches": purged.iter().map(document).collect::<Vec<_>>() }).to_string(),
        }
    } else {
        let names = names(&purged);
        format!("{names}: personal data of {rows} are removed, the books are kept")
    };
    print(&text)?;
    Ok(Exit::Done)
}
