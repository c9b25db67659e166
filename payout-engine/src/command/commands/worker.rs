//! `payout worker`: takes part in every batch of the store, with any number of others, until it is
//! told to end.

use std::sync::Arc;

use super::pay::engine;
use crate::command::args::Global;
use crate::command::exit::Exit;
use crate::command::failure::Failure;
use crate::command::interrupt;
use crate::command::output::{note, tell};
use crate::command::place::Place;
use crate::config::Config;
use crate::{GatewayIdentity, KessGateway, Worker, WorkerNews, host_name};

pub(crate) async fn execute(global: &Global, config: &Config) -> Result<Exit, Failure> {
    let place = Place::of(config, false)?;
    let client = config.client()?;
    let cancel = interrupt::watch()?;
    let engine = engine(&place, config, global, "worker").await?;
    let identity = GatewayIdentity::from(&client);
    note(global, &format!("worker on {}, for {identity}, looks for batches", host_name()));
    let quiet = global.quiet;
    let tell = move |news: WorkerNews| {
        if !quiet || matches!(news, WorkerNews::Failed(..) | WorkerNews::Away(_)) {
            tell(&news.to_string());
        }
    };
    Worker::new(engine, Arc::new(KessGateway::new(client)), tell).work(&cancel).await;
    note(global, "worker ended; what it left is for others, or for its next start");
    Ok(Exit::Done)
}
