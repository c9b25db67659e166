//! `payout worker`: takes part in every batch of the store, with any number of others, until it is
//! told to end.

use std::sync::Arc;

use super::pay::engine;
use crate::command::args::{Global, ProgressStyle};
use crate::command::exit::Exit;
use crate::command::failure::Failure;
use crate::command::interrupt;
use crate::command::output::{note, tell_of};
use crate::command::place::Place;
use crate::command::progress::observer;
use crate::config::Config;
use crate::{GatewayIdentity, KessGateway, Worker, WorkerNews, host_name};

pub(crate) async fn execute(global: &Global, config: &Config) -> Result<Exit, Failure> {
    let place = Place::of(config, false)?;
    let client = config.client()?;
    let cancel = interrupt::watch()?;
    let engine = engine(&place, config, "worker").await?;
    let identity = GatewayIdentity::from(&client);
    note(global, &format!("worker on {}, for {identity}, looks for batches", host_name()));
    let quiet = global.quiet;
    let tell = move |news: WorkerNews| {
        if !quiet || news.is_bad() {
            tell_of(news.batch(), news.is_bad(), &news.to_string());
        }
    };
    // Bars of several batches would be drawn over each other.
    let lines = match global.progress {
        ProgressStyle::Auto | ProgressStyle::Bar => ProgressStyle::Lines,
        chosen => chosen,
    };
    let global_of_runs = Global { progress: lines, ..global.clone() };
    Worker::new(engine, Arc::new(KessGateway::new(client)), tell)
        .watched_by(move |batch| observer(&global_of_runs, &batch.name))
        .work(&cancel)
        .await;
    note(global, "worker ended; what it left is for others, or for its next start");
    Ok(Exit::Done)
}
