//! `payout status`: how a batch stands, from the store alone.

use jiff::Timestamp;

use crate::command::args::{BatchArgs, Global};
use crate::command::exit::Exit;
use crate::command::failure::Failure;
use crate::command::output::{next_steps, print, state_text, summary_text};
use crate::command::place::Place;
use crate::config::Config;
use crate::desk::named_or_newest;
use crate::report::summary_json;

pub(crate) async fn execute(
    args: &BatchArgs,
    global: &Global,
    config: &Config,
) -> Result<Exit, Failure> {
    let place = Place::of(config, args.sandbox)?;
    let store = place.open_with_batches().await?;
    let batch = named_or_newest(&*store, args.batch.as_deref()).await?;
    let summary = store.summary(batch.id).await?;
    if global.json {
        print(&summary_json(&summary))?;
        return Ok(Exit::Done);
    }
    let state = state_text(&batch, Timestamp::now());
    let mut text = format!("{}\n\nstate: {state}", summary_text(&summary));
    let next = next_steps(&summary, &place.flags);
    // Nobody of a purged batch can be paid, whatever its rows are.
    if !next.is_empty() && batch.purged_at.is_none() {
        text.push('\n');
        text.push_str(&next);
    }
    print(&text)?;
    Ok(Exit::Done)
}
