//! `payout purge`: removes personal data from a finished batch, keeps amounts and outcomes.

use serde_json::json;

use super::confirm::{Question, ask};
use super::pay::engine;
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
    let batch = {
        // Closed again at once: whoever reads keeps old pages in the log.
        let store = place.open_with_batches().await?;
        named_or_newest(&*store, args.batch.as_deref()).await?
    };
    let rows = count(batch.rows, "row");
    if !args.yes {
        ask(&Question {
            about: format!(
                "names, accounts, contacts and texts of {rows} of batch {} go for good; \
                 references, amounts and outcomes stay",
                batch.name
            ),
            question: "Remove?",
            nothing: "nothing was removed",
            yes: "add --yes to remove them without being asked",
        })?;
    }
    let purged = engine(&place, config, global, "purge").await?.purge(&batch).await?;
    let text = if global.json {
        let at = purged.purged_at.map(|at| at.to_string());
        json!({ "batch": purged.name, "rows": purged.rows, "purged_at": at }).to_string()
    } else {
        format!("batch {}: personal data of {rows} are removed, the books are kept", batch.name)
    };
    print(&text)?;
    Ok(Exit::Done)
}
