//! `payout audit`: is what the store says of a batch what its event log tells?
//!
//! It reads, writes nothing, and calls nobody.

use serde_json::{Value, json};

use crate::command::args::{AuditArgs, Global};
use crate::command::exit::Exit;
use crate::command::failure::Failure;
use crate::command::output::print;
use crate::command::place::Place;
use crate::config::Config;
use crate::desk::named_or_newest;
use crate::report::count;
use crate::{Batch, LogAudit};

pub(crate) async fn execute(
    args: &AuditArgs,
    global: &Global,
    config: &Config,
) -> Result<Exit, Failure> {
    let place = Place::of(config, args.sandbox)?;
    let store = place.open_with_batches().await?;
    let batches = if args.all {
        store.batches().await?
    } else {
        vec![named_or_newest(&*store, args.batch.as_deref()).await?]
    };
    let mut audits = Vec::with_capacity(batches.len());
    for batch in batches {
        let audit = store.verify(batch.id, args.head).await?;
        audits.push((batch, audit));
    }
    let is_intact = audits.iter().all(|(_, audit)| audit.broken.is_none());
    let text = if global.json {
        document(&audits, args.all).to_string()
    } else {
        audits.iter().map(|(batch, audit)| text(batch, audit)).collect::<Vec<_>>().join("\n\n")
    };
    print(&text)?;
    Ok(if is_intact { Exit::Done } else { Exit::Other })
}

fn document(audits: &[(Batch, LogAudit)], all: bool) -> Value {
    let mut documents = audits.iter().map(|(batch, audit)| {
        json!({
            "batch": batch.name,
            "intact": audit.broken.is_none(),
            "events": audit.events,
            "head": audit.head.to_string(),
            "noted_at": audit.noted,
            "problem": audit.broken.as_ref().map(|broken| json!({
                "event": broken.event,
                "row": broken.row,
                "message": broken.problem,
            })),
        })
    });
    match all {
        true => json!({ "batches": documents.collect::<Vec<_>>() }),
        false => documents.next().unwrap_or_default(),
    }
}

fn text(batch: &Batch, audit: &LogAudit) -> String {
    let name = &batch.name;
    let events = count(audit.events, "event");
    if let Some(broken) = &audit.broken {
        return format!(
            "batch {name}: BROKEN after {events}\n  {broken}\n  Trust neither its report nor \
             `resume` before you know why. Compare with `payout reconcile` and a backup."
        );
    }
    let mut text = format!(
        "batch {name}: intact\n  {events}; every row and every sum is as the log tells\n  head {}",
        audit.head
    );
    if let Some(noted) = audit.noted {
        let since = audit.events - noted;
        text.push_str(&format!("\n  the noted head is event {noted}; {since} came after it"));
    }
    text
}
