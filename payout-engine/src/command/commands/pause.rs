//! `payout pause`: nothing of a batch is sent until `resume`; calls under way finish.
//!
//! No lease is needed, so it works while another process, on this machine or another one, runs the
//! batch: that ends within about a second.

use super::decide::decider;
use super::pay::engine;
use crate::command::args::{Global, PauseArgs};
use crate::command::exit::Exit;
use crate::command::failure::Failure;
use crate::command::output::{print, quoted};
use crate::command::place::Place;
use crate::config::Config;
use crate::report::summary_json;

pub(crate) async fn execute(
    args: &PauseArgs,
    global: &Global,
    config: &Config,
) -> Result<Exit, Failure> {
    let place = Place::of(config, args.sandbox)?;
    let store = place.open_with_batches().await?;
    let batch = store.batch(args.batch.as_deref()).await?;
    let engine = engine(&place, config, "pause").await?;
    let request = engine.pause(&batch, &decider()).await?;
    let name = quoted(&batch.name);
    if global.json {
        print(&summary_json(&store.summary(batch.id).await?))?;
    } else {
        print(&format!(
            "batch {} is {request}\ngo on: payout resume {name}{}",
            batch.name, place.flags
        ))?;
    }
    Ok(Exit::Done)
}
