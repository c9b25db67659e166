//! `payout list`: the batches in the store, newest first.

use jiff::Timestamp;
use serde_json::value::RawValue;

use crate::command::args::{Global, ListArgs};
use crate::command::exit::Exit;
use crate::command::failure::Failure;
use crate::command::output::{print, state_text, table};
use crate::command::place::Place;
use crate::config::Config;
use crate::report::{grouped, plain, summary_json};
use crate::{Batch, BatchSummary, Outcome};

pub(crate) async fn execute(
    args: &ListArgs,
    global: &Global,
    config: &Config,
) -> Result<Exit, Failure> {
    let place = Place::of(config, args.sandbox)?;
    let mut batches = Vec::new();
    if let Some(store) = place.open_existing().await? {
        for batch in store.batches().await? {
            let summary = store.summary(batch.id).await?;
            batches.push((batch, summary));
        }
    }
    let text = if global.json { document(&batches)? } else { text(&batches, &place) };
    print(&text)?;
    Ok(Exit::Done)
}

fn document(batches: &[(Batch, BatchSummary)]) -> Result<String, Failure> {
    let mut entries = Vec::new();
    for (batch, summary) in batches {
        let summary = RawValue::from_string(summary_json(summary))
            .map_err(|error| Failure::new(Exit::Other, error.to_string()))?;
        entries.push(ListEntry {
            state: batch.state.as_str(),
            source: &batch.source,
            created_at: batch.created_at.to_string(),
            purged_at: batch.purged_at.map(|at| at.to_string()),
            moved_to: batch.moved.as_ref().map(|departure| departure.to.as_str()),
            summary,
        });
    }
    let document = serde_json::to_string(&List { batches: entries });
    document.map_err(|error| Failure::new(Exit::Other, error.to_string()))
}

#[derive(serde::Serialize)]
struct List<'a> {
    batches: Vec<ListEntry<'a>>,
}

#[derive(serde::Serialize)]
struct ListEntry<'a> {
    state: &'static str,
    source: &'a str,
    created_at: String,
    purged_at: Option<String>,
    moved_to: Option<&'a str>,
    summary: Box<RawValue>,
}

fn text(batches: &[(Batch, BatchSummary)], place: &Place) -> String {
    if batches.is_empty() {
        return format!("There is no batch yet. Begin with: payout run FILE{}", place.flags);
    }
    let now = Timestamp::now();
    let heading = ["batch", "state", "created", "rows", "paid", "sum paid"];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    for (batch, summary) in batches {
        let paid: Vec<_> = summary
            .totals
            .iter()
            .map(|(currency, total)| {
                format!("{} {currency}", grouped(&plain(total.of(Outcome::Paid), currency)))
            })
            .collect();
        rows.push(vec![
            batch.name.clone(),
            state_text(batch, now),
            batch.created_at.strftime("%Y-%m-%d %H:%M UTC").to_string(),
            summary.rows.to_string(),
            summary.count(Outcome::Paid).to_string(),
            paid.join(", "),
        ]);
    }
    table(&rows, &[3, 4])
}
