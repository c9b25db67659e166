//! `payout move`: carries batches from one store to another.
//!
//! Whatever cuts it off, the same command again finishes it; so a signal just ends it.

use serde_json::json;

use super::confirm::{Question, ask};
use crate::command::args::{Global, MoveArgs};
use crate::command::exit::Exit;
use crate::command::failure::Failure;
use crate::command::output::{note, print, quoted};
use crate::config::Config;
use crate::host::runner_name;
use crate::report::grouped;
use crate::{Batch, BatchState, Carried, Depot, StoreUrl, carry};

pub(crate) async fn execute(
    args: &MoveArgs,
    global: &Global,
    config: &Config,
) -> Result<Exit, Failure> {
    let from = args.from.clone().unwrap_or_else(|| config.store_url());
    let (from, to) = depots(&from, &args.to).await?;
    let batches = match &args.batch {
        Some(name) => vec![from.store().batch(Some(name)).await?],
        None => movable(&from, &to).await?,
    };
    if !args.yes {
        ask(&Question {
            about: format!(
                "{} from {}\nto {}; nothing of them is paid from where they were any more",
                names(&batches),
                from.place(),
                to.place()
            ),
            question: "Move?",
            nothing: "nothing was moved",
            yes: "add --yes to move without being asked",
        })?;
    }
    let mut moved = Vec::new();
    for batch in &batches {
        moved.push(carry(batch, &from, &to, &runner_name("payout move"), false).await?);
        note(global, &format!("batch {}: arrived", batch.name));
    }
    let text = if global.json {
        document(&from, &to, &moved)
    } else {
        // As it was typed, but for what is secret in it.
        let there = args.to.parse::<StoreUrl>()?.to_string();
        let go_on = moved.iter().filter(|it| it.batch.state != BatchState::Finished);
        let go_on = go_on.map(|it| {
            format!("\ngo on: payout resume {} --store {}", quoted(&it.batch.name), quoted(&there))
        });
        let now = if moved.len() == 1 { "is" } else { "are" };
        format!("{} {now} in {}{}", names(&batches), to.place(), go_on.collect::<String>())
    };
    print(&text)?;
    Ok(Exit::Done)
}

/// Opens both ends; the one that batches come from has to be there.
pub(super) async fn depots(from: &str, to: &str) -> Result<(Depot, Depot), Failure> {
    let from: StoreUrl = from.parse()?;
    if from.open_existing().await?.is_none() {
        return Err(Failure::usage("there is no store to move batches from")
            .with_hint("`--from` names it; without it, the store of all commands is meant"));
    }
    let to: StoreUrl = to.parse()?;
    Ok((Depot::open(&from).await?, Depot::open(&to).await?))
}

/// Every batch that is here, and those that are on their way; the oldest first.
async fn movable(from: &Depot, to: &Depot) -> Result<Vec<Batch>, Failure> {
    let mut batches = from.store().batches().await?;
    batches.retain(|batch| match &batch.moved {
        Some(departure) => departure.to == to.place(),
        None => batch.state != BatchState::Loading,
    });
    batches.reverse();
    Ok(batches)
}

pub(super) fn names(batches: &[Batch]) -> String {
    match batches {
        [batch] => format!("batch {}", batch.name),
        batches => format!("{} batches", grouped(&batches.len().to_string())),
    }
}

pub(super) fn document(from: &Depot, to: &Depot, moved: &[Carried]) -> String {
    let batches: Vec<_> = moved
        .iter()
        .map(|Carried { batch, head, was_there }| {
            json!({
                "batch": batch.name,
                "state": batch.state.as_str(),
                "rows": batch.rows,
                "head": head.to_string(),
                "was_there": was_there,
            })
        })
        .collect();
    json!({ "from": from.place(), "to": to.place(), "batches": batches }).to_string()
}
