//! `payout retry`: another attempt, under new order numbers, for rows that certainly moved no
//! money.

use super::confirm::confirm;
use super::decide::decider;
use super::pay::{conclude, engine, work};
use super::resume::connect;
use crate::command::args::{Global, RetryArgs};
use crate::command::exit::Exit;
use crate::command::failure::Failure;
use crate::command::output::{note, quoted};
use crate::command::place::Place;
use crate::config::Config;
use crate::desk::named_or_newest;
use crate::report::count;
use crate::{Tally, retriable};

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
    let retriable = retriable(&*store, &batch).await;
    let Tally { rows, totals } = retriable.map_err(|e| Failure::from(e).with_exit(Exit::Usage))?;
    if rows == 0 {
        note(global, &format!("no row of batch {} can be tried again", batch.name));
        return conclude(&store.summary(batch.id).await?, &batch, &place, global);
    }
    confirm(args.yes || batch.options.dry_run, rows, &totals, &batch.gateway)?;
    let (client, _rehearsal) = connect(&place, config, &*store, &batch).await?;
    let engine = engine(&place, config, "retry").await?;
    engine.unpause(&batch, &decider()).await?;
    note(global, &format!("trying {} of batch {} again", count(rows, "row"), batch.name));
    work(engine, &batch, client, &place, global, async |engine, gateway, cancel| {
        Ok(engine.retry(&batch, gateway, cancel).await?)
    })
    .await
}
