//! `payout retry`: another attempt, under new order numbers, for rows that certainly moved no
//! money.

use std::collections::BTreeMap;

use kess_gateway::{Amount, Currency};

use super::confirm::confirm;
use super::pay::{conclude, engine, work};
use super::resume::connect;
use super::status::named_or_newest;
use crate::command::args::{Global, RetryArgs};
use crate::command::config::Config;
use crate::command::exit::Exit;
use crate::command::failure::Failure;
use crate::command::output::{count, note, quoted};
use crate::command::place::Place;
use crate::{Batch, Store};

/// Rows read from the store at once.
const PAGE: usize = 1_000;

pub(crate) async fn execute(
    args: &RetryArgs,
    global: &Global,
    config: &Config,
) -> Result<Exit, Failure> {
    let place = Place::of(config, args.sandbox)?;
    let store = place.open_with_batches().await?;
    let batch = named_or_newest(&*store, args.batch.as_deref()).await?;
    if let Some(request) = &batch.cancelled {
        return Err(Failure::usage(format!("batch {} was {request}", batch.name)).with_hint(
            format!(
                "`payout report {}{} --retriable -o again.csv` writes its rows to a new file",
                quoted(&batch.name),
                place.flags
            ),
        ));
    }
    let (rows, totals) = retriable(&*store, &batch).await?;
    if rows == 0 {
        note(global, &format!("no row of batch {} can be tried again", batch.name));
        return conclude(&store.summary(batch.id).await?, &batch, &place, global);
    }
    confirm(args.yes || batch.options.dry_run, rows, &totals, &batch.gateway)?;
    let (client, _rehearsal) = connect(&place, config, &*store, &batch).await?;
    let engine = engine(&place, config, global, "retry").await?;
    note(global, &format!("trying {} of batch {} again", count(rows, "row"), batch.name));
    work(&batch, client, &place, global, async |gateway, cancel| {
        Ok(engine.retry(&batch, gateway, cancel).await?)
    })
    .await
}

/// How many rows get another attempt, and their sums.
async fn retriable(
    store: &dyn Store,
    batch: &Batch,
) -> Result<(u64, BTreeMap<Currency, Amount>), Failure> {
    let (mut count, mut totals) = (0, BTreeMap::<Currency, Amount>::new());
    let mut after = 0;
    loop {
        let rows = store.rows(batch.id, after, PAGE).await?;
        let Some(last) = rows.last() else { return Ok((count, totals)) };
        after = last.payout.row;
        for row in rows.iter().filter(|row| row.payout.is_retriable()) {
            if row.payee.is_none() {
                let message = format!("personal data of batch {} was removed", batch.name);
                return Err(Failure::usage(message).with_hint("pay its rows from a new file"));
            }
            count += 1;
            let money = &row.payout.money;
            let sum = totals.entry(money.currency().clone()).or_default();
            // The batch's whole sum fits the store, so no part of it is too large.
            *sum = sum.checked_add(money.amount()).unwrap_or(*sum);
        }
    }
}
