//! A file paid by the Rust engine: what a binding and its peers are compared with.
//!
//! It takes the steps that the `payout` command and the bindings take: check, admit, write the
//! batch, pay, read how it stands. [`batch`] takes them all; [`load`] and [`run`] are its halves,
//! for processes of their own.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use kess_gateway::Client;
use payout_engine::admission::Conditions;
use payout_engine::intake::{self, SEALED_BYTES};
use payout_engine::{
    Batch, BatchOptions, Cancel, Engine, Error, GatewayIdentity, KessGateway, Outcome, Store,
    open_store,
};

use crate::steady::{Middle, Steady};
use crate::watch::{Took, Watch};

/// Pays every row of the file, 64 calls in flight, and returns how many were paid and how long all
/// of it took.
///
/// # Errors
/// A file that may not be paid, a store that cannot be written.
pub async fn batch(client: Client, file: &Path, store: &str) -> Result<(u64, Took), Error> {
    let started = Watch::start();
    let (store, batch) = take_in(&client, file, store).await?;
    let paid = pay(Engine::new(Arc::clone(&store)), &*store, batch, client).await?;
    Ok((paid, started.read()))
}

/// Checks the file and writes it to the store, and returns how many rows it has and how long that
/// took.
///
/// # Errors
/// A file that may not be paid, a store that cannot be written.
pub async fn load(client: &Client, file: &Path, store: &str) -> Result<(u64, Took), Error> {
    let started = Watch::start();
    let (store, batch) = take_in(client, file, store).await?;
    let took = started.read();
    Ok((store.summary(batch.id).await?.rows, took))
}

/// Pays what is left to pay of the newest batch of the store with so many calls in flight. Returns
/// how many rows were paid, how long that took, and the middle of it.
///
/// # Errors
/// A store that has no batch, or cannot be written.
pub async fn run(
    client: Client,
    store: &str,
    concurrency: usize,
) -> Result<(u64, Took, Option<Middle>), Error> {
    let store = open_store(store).await?;
    let mut batch = store.batch(None).await?;
    batch.options.concurrency = concurrency;
    let before = store.summary(batch.id).await?;
    let steady = Arc::new(Steady::of(before.count(Outcome::Pending)));
    let engine = Engine::new(Arc::clone(&store)).with_observer(Arc::clone(&steady) as _);
    let started = Watch::start();
    let paid = pay(engine, &*store, batch, client).await?;
    Ok((paid - before.count(Outcome::Paid), started.read(), steady.middle()))
}

/// Checks the file and writes it to the store.
pub(crate) async fn take_in(
    client: &Client,
    file: &Path,
    store: &str,
) -> Result<(Arc<dyn Store>, Batch), Error> {
    let capacity = client.sealed_capacity().unwrap_or(SEALED_BYTES);
    let path: PathBuf = file.to_owned();
    let checked = tokio::task::spawn_blocking(move || intake::check(&path, capacity));
    let checked = checked.await.expect("checking does not panic")?;

    let conditions = Conditions::default();
    conditions.check_file(&checked)?;
    let store = open_store(store).await?;
    conditions.check_elsewhere(&*store, &checked).await?;
    let engine = Engine::new(Arc::clone(&store));
    let identity = GatewayIdentity::from(client);
    let options = BatchOptions::default();
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let batch = conditions.take_in(&engine, &checked, &name, None, options, &identity).await?;
    Ok((store, batch))
}

async fn pay(
    engine: Engine,
    store: &dyn Store,
    batch: Batch,
    client: Client,
) -> Result<u64, Error> {
    let gateway = Arc::new(KessGateway::new(client));
    let id = batch.id;
    // On the runtime's own threads, like a run of the bindings: this thread would be one more.
    let paying = async move { engine.run(&batch, gateway, &Cancel::new()).await };
    tokio::spawn(paying).await.expect("a run does not panic")?;
    Ok(store.summary(id).await?.count(Outcome::Paid))
}
