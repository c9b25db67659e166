//! What `run`, `resume`, `retry` and `cancel` have in common: work on a batch that is in the store.

use std::sync::Arc;

use kess_gateway::Client;

use crate::command::args::Global;
use crate::command::exit::Exit;
use crate::command::failure::Failure;
use crate::command::interrupt;
use crate::command::output::{next_steps, print, quoted, summary_text};
use crate::command::place::Place;
use crate::command::progress;
use crate::config::Config;
use crate::host::runner_name;
use crate::report::summary_json;
use crate::{Batch, BatchSummary, Cancel, Engine, Gateway, KessGateway, Outcome};

/// An engine on the store of `place`, with the configured patience.
pub(crate) async fn engine(
    place: &Place,
    config: &Config,
    command: &str,
) -> Result<Engine, Failure> {
    let runner = runner_name(&format!("payout {command}"));
    let engine = Engine::new(place.open().await?);
    Ok(engine.with_policy(config.policy()).with_runner(runner))
}

/// Does what a command does with `batch`, lets the user watch, drains it at a signal, and tells how
/// the batch stands then.
pub(crate) async fn work<F>(
    engine: Engine,
    batch: &Batch,
    client: Client,
    place: &Place,
    global: &Global,
    work: F,
) -> Result<Exit, Failure>
where
    F: AsyncFnOnce(Engine, Arc<dyn Gateway>, &Cancel) -> Result<BatchSummary, Failure>,
{
    let cancel = interrupt::watch()?;
    let engine = engine.with_observer(progress::observer(global, &batch.name));
    let summary = work(engine, Arc::new(KessGateway::new(client)), &cancel).await?;
    conclude(&summary, batch, place, global)
}

/// Tells how a run left the batch.
pub(crate) fn conclude(
    summary: &BatchSummary,
    batch: &Batch,
    place: &Place,
    global: &Global,
) -> Result<Exit, Failure> {
    let exit = Exit::of(summary, batch.options.dry_run);
    if global.json {
        print(&summary_json(summary))?;
    } else {
        print(&ending(summary, batch, place))?;
    }
    Ok(exit)
}

fn ending(summary: &BatchSummary, batch: &Batch, place: &Place) -> String {
    let text = summary_text(summary);
    if batch.options.dry_run {
        return format!("{text}\n\nDry run: accounts were verified, nothing was sent.");
    }
    let mut text = format!("{text}\n\n{}", next_steps(summary, &place.flags));
    if place.is_sandbox && summary.count(Outcome::AwaitingOtp) > 0 {
        // The pages of a rehearsal went with its process.
        let state = quoted(&place.sandbox_state().display().to_string());
        text.push_str(&format!("\nopen the links while this runs: payout sandbox --state {state}"));
    }
    text.trim_end().to_owned()
}
