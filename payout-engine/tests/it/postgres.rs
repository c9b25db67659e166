//! The store on PostgreSQL, on servers that the tests start themselves.

use jiff::Timestamp;
use payout_engine::{Batch, BatchCode, BatchOptions, Lease, NewBatch, Store};
use rand::{SeedableRng, rngs::StdRng};

use crate::{engine::payroll, model::identity};

mod aged;
mod cli;
mod cluster;
mod forgotten;
mod lost;
mod pace;
mod proxy;
mod server;
mod together;

pub(crate) use server::{Database, database, is_installed};

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(1_800_000_000_000 + millis).unwrap()
}

async fn loaded(store: &dyn Store, name: &str, seed: u64, rows: u64) -> (Batch, Lease) {
    let new = NewBatch {
        name: name.to_owned(),
        options: BatchOptions::default(),
        source: "file.csv".to_owned(),
        paused_by: None,
    };
    let code = BatchCode::random(&mut StdRng::seed_from_u64(seed));
    let lease = store.create(&new, &identity(), code, "tester", at(0)).await.unwrap();
    store.append(&lease, &payroll(rows), at(0)).await.unwrap();
    (store.complete(&lease, at(0)).await.unwrap(), lease)
}
