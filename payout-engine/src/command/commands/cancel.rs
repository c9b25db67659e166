//! `payout cancel`: nothing more of a batch is sent; orders that wait for an OTP are closed.
//!
//! The request is durable before anything else is tried. It holds although another `payout` runs
//! the batch, the gateway is away, or this process is killed: whoever takes the batch up next only
//! closes what is open.

use std::collections::BTreeMap;
use std::time::Duration;

use super::confirm::{Question, ask};
use super::decide::decider;
use super::pay::{conclude, engine, work};
use super::resume::connect;
use crate::command::args::{CancelArgs, Global};
use crate::command::exit::Exit;
use crate::command::failure::Failure;
use crate::command::output::{amount_lines, note, quoted, table};
use crate::command::place::Place;
use crate::config::Config;
use crate::report::grouped;
use crate::{Batch, BatchSummary, ErrorKind, Outcome};

/// How long somebody else may keep the store, after the request was made.
const WAIT: Duration = Duration::from_secs(30);

/// Rows that a cancelled batch has nothing more to do with.
const GIVEN_UP: [Outcome; 3] = [Outcome::Pending, Outcome::Held, Outcome::AwaitingOtp];

pub(crate) async fn execute(
    args: &CancelArgs,
    global: &Global,
    config: &Config,
) -> Result<Exit, Failure> {
    let place = Place::of(config, args.sandbox)?;
    let store = place.open_with_batches().await?;
    let batch = store.batch(args.batch.as_deref()).await?;
    let summary = store.summary(batch.id).await?;
    if Outcome::ALL.iter().all(|&o| o.is_final() || summary.count(o) == 0) {
        note(global, &format!("every row of batch {} has ended; nothing is left", batch.name));
        return conclude(&summary, &batch, &place, global);
    }
    if batch.cancelled.is_none() && !args.yes {
        ask(&Question {
            about: about(&summary, &batch),
            question: "Cancel these for good?",
            nothing: "nothing was cancelled",
            yes: "add --yes to cancel without being asked",
        })?;
    }
    let engine = engine(&place, config, "cancel").await?;
    let request = engine.request_cancel(&batch, &decider(), args.reason.as_deref()).await?;
    note(global, &format!("batch {} is {request}; nothing more of it is sent", batch.name));
    let stands = |failure: Failure| {
        failure.with_hint(format!(
            "nothing more of the batch is sent, whoever runs it; `payout resume {}{}` closes what \
             is still open",
            quoted(&batch.name),
            place.flags
        ))
    };
    let (client, _rehearsal) =
        connect(&place, config, &*store, &batch).await.map_err(|failure| match failure.hint() {
            Some(_) => failure,
            None => stands(failure),
        })?;
    work(engine, &batch, client, &place, global, async |engine, gateway, cancel| {
        engine.run_once_free(&batch, gateway, cancel, WAIT).await.map_err(|error| {
            let is_held = error.kind() == ErrorKind::Locked;
            let failure = Failure::from(error);
            if is_held { stands(failure) } else { failure }
        })
    })
    .await
}

/// How many rows are given up, and how much they come to.
fn about(summary: &BatchSummary, batch: &Batch) -> String {
    let rows: u64 = GIVEN_UP.iter().map(|&outcome| summary.count(outcome)).sum();
    let mut totals = BTreeMap::new();
    for (currency, total) in &summary.totals {
        let parts = GIVEN_UP.iter().map(|&outcome| total.of(outcome));
        // Parts of a sum that the store could add up.
        let sum = parts.reduce(|sum, part| sum.checked_add(part).unwrap_or(sum));
        totals.extend(sum.filter(|sum| !sum.is_zero()).map(|sum| (currency.clone(), sum)));
    }
    let mut lines = vec![vec!["rows".to_owned(), grouped(&rows.to_string())]];
    lines.extend(amount_lines(&totals));
    format!("batch {}\n\n{}", batch.name, table(&lines, &[1]))
}
