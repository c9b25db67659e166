//! `payout release` and `payout reject`: a person decides about a row that is held.

use std::env;

use serde_json::json;

use super::pay::engine;
use crate::command::args::{DecideArgs, Global};
use crate::command::exit::Exit;
use crate::command::failure::Failure;
use crate::command::output::{print, quoted};
use crate::command::place::Place;
use crate::config::Config;
use crate::{Batch, PayoutRecord, Ruling};

pub(crate) async fn execute(
    args: &DecideArgs,
    ruling: Ruling,
    global: &Global,
    config: &Config,
) -> Result<Exit, Failure> {
    let place = Place::of(config, args.sandbox)?;
    let batch = place.open_with_batches().await?.batch(Some(&args.batch)).await?;
    let command = match ruling {
        Ruling::Released => "release",
        Ruling::Rejected => "reject",
    };
    let engine = engine(&place, config, command).await?;
    let by = decider();
    let decided = engine.decide(&batch, &args.reference, ruling, &by, &args.reason).await?;
    if global.json {
        print(&decided_json(&decided, &batch))?;
    } else {
        print(&decided_text(&decided, ruling, &batch, &place))?;
    }
    Ok(Exit::Done)
}

/// Who is at the keyboard, as the system calls them.
pub(crate) fn decider() -> String {
    let known = ["USER", "LOGNAME", "USERNAME"].into_iter().find_map(|name| env::var(name).ok());
    known.filter(|name| !name.trim().is_empty()).unwrap_or_else(|| "an unknown user".to_owned())
}

fn decided_json(record: &PayoutRecord, batch: &Batch) -> String {
    let payout = &record.payout;
    json!({
        "batch": batch.name,
        "row": payout.row,
        "reference": record.reference,
        "status": payout.outcome().as_str(),
        "decision": payout.decisions.last(),
    })
    .to_string()
}

fn decided_text(record: &PayoutRecord, ruling: Ruling, batch: &Batch, place: &Place) -> String {
    let row = format!("row {}, {} ({})", record.payout.row, record.reference, record.payout.money);
    match ruling {
        Ruling::Released => format!(
            "{row} is released; nothing was sent yet\npay it: payout resume {}{}",
            quoted(&batch.name),
            place.flags
        ),
        Ruling::Rejected => format!("{row} is rejected and will not be paid"),
    }
}
