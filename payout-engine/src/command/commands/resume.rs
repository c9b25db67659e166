//! `payout resume`: goes on where a batch stopped, with what it was started with.

use kess_gateway::Client;

use super::decide::decider;
use super::pay::{engine, work};
use crate::command::args::{Global, ResumeArgs};
use crate::command::exit::Exit;
use crate::command::failure::Failure;
use crate::command::output::note;
use crate::command::place::Place;
use crate::command::rehearsal::Rehearsal;
use crate::config::Config;
use crate::{Batch, Store, pages};

pub(crate) async fn execute(
    args: &ResumeArgs,
    global: &Global,
    config: &Config,
) -> Result<Exit, Failure> {
    let place = Place::of(config, args.sandbox)?;
    let store = place.open_with_batches().await?;
    let batch = store.batch(args.batch.as_deref()).await?;
    let engine = engine(&place, config, "resume").await?;
    engine.unpause(&batch, &decider()).await?;
    match &batch.cancelled {
        None => note(global, &format!("going on with batch {}", batch.name)),
        Some(request) => {
            let only = "nothing more is sent, what is open is followed to its end";
            note(global, &format!("batch {} was {request}; {only}", batch.name));
        }
    }
    let (client, _rehearsal) = connect(&place, config, &*store, &batch).await?;
    work(engine, &batch, client, &place, global, async |engine, gateway, cancel| {
        Ok(engine.run(&batch, gateway, cancel).await?)
    })
    .await
}

/// A client for the other end of a batch in the store; a sandbox lives as long as what comes
/// with it.
pub(crate) async fn connect(
    place: &Place,
    config: &Config,
    store: &dyn Store,
    batch: &Batch,
) -> Result<(Client, Option<Rehearsal>), Failure> {
    if !place.is_sandbox {
        return Ok((config.client()?, None));
    }
    let rehearsal = Rehearsal::start(place.sandbox_state())?;
    open_accounts(&rehearsal, store, batch).await?;
    Ok((rehearsal.client.clone(), Some(rehearsal)))
}

/// The sandbox's bank keeps orders, not accounts: those come from the batch.
async fn open_accounts(
    rehearsal: &Rehearsal,
    store: &dyn Store,
    batch: &Batch,
) -> Result<(), Failure> {
    let mut pages = pages(store, batch.id);
    while let Some(rows) = pages.next().await? {
        for row in &rows {
            if let Some(payee) = &row.payee {
                rehearsal.add_account(payee, row.payout.money.currency().as_str());
            }
        }
    }
    Ok(())
}
