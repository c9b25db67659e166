//! `payout resume`: goes on where a batch stopped, with what it was started with.

use kess_gateway::Client;
use payout_engine::{Batch, Store};

use super::pay::{engine, pay};
use crate::args::{Global, ResumeArgs};
use crate::config::Config;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::note;
use crate::place::Place;
use crate::rehearsal::Rehearsal;

/// Rows read from the store at once.
const PAGE: usize = 1_000;

pub(crate) async fn execute(
    args: &ResumeArgs,
    global: &Global,
    config: &Config,
) -> Result<Exit, Failure> {
    let place = Place::of(config, args.sandbox)?;
    let store = place.open_with_batches().await?;
    let batch = store.batch(args.batch.as_deref()).await?;
    let engine = engine(&place, config, global, "resume").await?;
    note(global, &format!("going on with batch {}", batch.name));
    if !args.sandbox {
        return pay(&engine, &batch, config.client()?, &place, global).await;
    }
    let rehearsal = Rehearsal::start(place.sandbox_state())?;
    open_accounts(&rehearsal, &*store, &batch).await?;
    let client: Client = rehearsal.client.clone();
    pay(&engine, &batch, client, &place, global).await
}

/// The sandbox's bank keeps orders, not accounts: those come from the batch.
async fn open_accounts(
    rehearsal: &Rehearsal,
    store: &dyn Store,
    batch: &Batch,
) -> Result<(), Failure> {
    let mut after = 0;
    loop {
        let rows = store.rows(batch.id, after, PAGE).await?;
        let Some(last) = rows.last() else { return Ok(()) };
        after = last.payout.row;
        for row in &rows {
            if let Some(payee) = &row.payee {
                rehearsal.add_account(payee, row.payout.money.currency().as_str());
            }
        }
    }
}
