//! `payout reconcile`: asks the gateway about every row, and lists what the ledgers disagree on.
//!
//! It moves nothing and writes nothing, on either side.

use kess_gateway::Client;
use serde_json::{Value, json};

use crate::command::args::{BatchArgs, Global};
use crate::command::exit::Exit;
use crate::command::failure::Failure;
use crate::command::interrupt;
use crate::command::output::{note, print, quoted, table};
use crate::command::place::Place;
use crate::command::rehearsal::Rehearsal;
use crate::config::Config;
use crate::desk::named_or_newest;
use crate::report::{count, plain};
use crate::{BatchState, Difference, KessGateway, Reconciliation, Seen, reconcile};

pub(crate) async fn execute(
    args: &BatchArgs,
    global: &Global,
    config: &Config,
) -> Result<Exit, Failure> {
    let place = Place::of(config, args.sandbox)?;
    let store = place.open_with_batches().await?;
    let batch = named_or_newest(&*store, args.batch.as_deref()).await?;
    if batch.state == BatchState::Running {
        note(global, "the batch is running, or was cut off: some differences may be of the moment");
    }
    let rehearsal = match args.sandbox {
        true => Some(Rehearsal::start(place.sandbox_state())?),
        false => None,
    };
    let client: Client = match &rehearsal {
        Some(rehearsal) => rehearsal.client.clone(),
        None => config.client()?,
    };
    let cancel = interrupt::watch()?;
    let gateway = KessGateway::new(client);
    let compared = reconcile(&*store, &batch, &gateway, &config.policy(), &cancel).await?;
    let text = match global.json {
        true => document(&batch.name, &compared),
        false => text(&batch.name, &compared, &place.flags),
    };
    print(&text)?;
    Ok(if compared.stopped.is_some() {
        Exit::Stopped
    } else if cancel.is_cancelled() {
        Exit::Interrupted
    } else if compared.differences.is_empty() {
        Exit::Done
    } else {
        Exit::SomeUnpaid
    })
}

fn document(batch: &str, compared: &Reconciliation) -> String {
    let differences: Vec<_> = compared.differences.iter().map(difference_json).collect();
    let stopped = compared
        .stopped
        .as_ref()
        .map(|stopped| json!({ "code": stopped.cause.as_str(), "message": stopped.message }));
    json!({
        "batch": batch,
        "rows": compared.rows,
        "asked": compared.asked,
        "listed": compared.listed,
        "differences": differences,
        "stopped": stopped,
    })
    .to_string()
}

fn difference_json(difference: &Difference) -> Value {
    let seen = difference.seen.as_ref();
    json!({
        "kind": difference.kind.as_str(),
        "row": difference.row,
        "reference": difference.reference,
        "out_trade_no": difference.out_trade_no,
        "status": difference.outcome.map(|outcome| outcome.as_str()),
        "amount": difference.money.as_ref().map(|it| plain(it.amount(), it.currency())),
        "currency": difference.money.as_ref().map(|it| it.currency().as_str()),
        "gateway_status": seen.map(|seen| seen.status.trim()),
        "gateway_amount": seen.map(|seen| plain(seen.amount, &seen.currency)),
        "gateway_currency": seen.map(|seen| seen.currency.as_str()),
        "message": difference.message,
    })
}

fn text(batch: &str, compared: &Reconciliation, flags: &str) -> String {
    let rows = count(compared.rows, "row");
    let asked = format!(
        "batch {batch}: {rows}, {} asked about, {} in the gateway's list",
        count(compared.asked, "order"),
        compared.listed
    );
    if let Some(stopped) = &compared.stopped {
        return format!("{asked}\n\nstopped: {}; the comparison is not complete", stopped.message);
    }
    if compared.differences.is_empty() {
        return format!("{asked}\n\nThe ledgers agree.");
    }
    let mut lines = vec![["row", "reference", "order", "difference"].map(str::to_owned).to_vec()];
    for difference in &compared.differences {
        lines.push(vec![
            difference.row.map_or_else(String::new, |row| row.to_string()),
            difference.reference.clone().unwrap_or_default(),
            difference.out_trade_no.clone().unwrap_or_default(),
            format!("{}{}", difference.message, shown(difference.seen.as_ref())),
        ]);
    }
    let differences = count(compared.differences.len() as u64, "difference");
    format!(
        "{asked}\n\n{}\n\n{differences}. Nothing was changed. Rows that are still open: payout \
         resume {}{flags}. For all others, ask the gateway's support with the order number.",
        table(&lines, &[0]),
        quoted(batch)
    )
}

fn shown(seen: Option<&Seen>) -> String {
    let Some(seen) = seen else { return String::new() };
    format!(" ({}, {} {})", seen.status.trim(), plain(seen.amount, &seen.currency), seen.currency)
}
