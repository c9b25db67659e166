//! A file paid by the Rust engine, from the file to the last row in the store: what a binding and
//! its peers are compared with.
//!
//! It takes the steps that the `payout` command and the bindings take: check, admit, write the
//! batch, pay, read how it stands.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use kess_gateway::Client;
use payout_engine::admission::Conditions;
use payout_engine::intake::{self, SEALED_BYTES};
use payout_engine::{
    BatchOptions, Cancel, Engine, Error, GatewayIdentity, KessGateway, Outcome, open_store,
};

use crate::watch::{Took, Watch};

/// Pays every row of the file, 64 calls in flight, and returns how many were paid and how long all
/// of it took.
///
/// # Errors
/// A file that may not be paid, a store that cannot be written.
pub async fn batch(client: Client, file: &Path, store: &str) -> Result<(u64, Took), Error> {
    let started = Watch::start();
    let capacity = client.sealed_capacity().unwrap_or(SEALED_BYTES);
    let path: PathBuf = file.to_owned();
    let checked = tokio::task::spawn_blocking(move || intake::check(&path, capacity));
    let checked = checked.await.expect("checking does not panic")?;

    let conditions = Conditions::default();
    conditions.check_file(&checked)?;
    let store = open_store(store).await?;
    conditions.check_elsewhere(&*store, &checked).await?;
    let engine = Engine::new(Arc::clone(&store));
    let identity = GatewayIdentity::from(&client);
    let options = BatchOptions::default();
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let batch = conditions.take_in(&engine, &checked, &name, None, options, &identity).await?;

    let gateway = Arc::new(KessGateway::new(client));
    let id = batch.id;
    // On the runtime's own threads, like a run of the bindings: this thread would be one more.
    let paying = async move { engine.run(&batch, gateway, &Cancel::new()).await };
    tokio::spawn(paying).await.expect("a run does not panic")?;
    let summary = store.summary(id).await?;
    Ok((summary.count(Outcome::Paid), started.read()))
}
