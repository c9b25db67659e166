//! A database that is put back from an older copy is noticed, and asked about before it is trusted:
//! nobody is paid twice, at a gateway that books a number twice if it is sent twice.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use payout_engine::{
    Batch, BatchOptions, BatchSummary, Cancel, Engine, EngineEvent, ErrorKind, Outcome, Store,
};

use super::{
    at, loaded,
    server::{Database, Server, database},
};
use crate::{
    engine::{assert_books_agree, load, payroll, policy, rows},
    model::Model,
    restored::FAULTS,
};

const ROWS: u64 = 24;
const TABLES: [&str; 6] = ["batches", "runners", "payouts", "payees", "requested", "sums"];

/// How the copy comes back.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Restored {
    /// As `pg_dump` wrote it, in a new database of the same name.
    Dump,
    /// Into the same tables, so that the database is the same by all its numbers. A disk that is
    /// put back from a snapshot looks like that.
    Snapshot,
}

fn copy(database: &Database) {
    let tables = TABLES.iter().chain(&["events"]);
    let copies = tables.map(|table| format!("CREATE TABLE old.{table} AS TABLE public.{table};"));
    let statements = copies.collect::<String>();
    database.sql(&format!("DROP SCHEMA IF EXISTS old CASCADE; CREATE SCHEMA old; {statements}"));
}

/// No trigger is asked, as by a disk.
fn put_back(database: &Database) {
    let mut statements = "SET session_replication_role = replica; BEGIN;".to_owned();
    for table in TABLES.iter().chain(&["events"]) {
        statements.push_str(&format!(
            "DELETE FROM public.{table}; INSERT INTO public.{table} SELECT * FROM old.{table};"
        ));
    }
    database.sql(&format!("{statements} COMMIT;"));
}

/// Runs on a machine until `paid` rows more are paid; `None` runs to the end.
async fn run(
    database: &Database,
    (host, state): (&str, &Path),
    model: &Arc<Model>,
    paid: Option<u64>,
) -> (Engine, BatchSummary, u64) {
    let cancel = Cancel::new();
    let (seen, told) = (AtomicU64::new(0), Arc::new(AtomicU64::new(0)));
    let (flag, counter) = (cancel.clone(), Arc::clone(&told));
    let engine =
        engine(database, host, state).await.with_observer(Arc::new(move |event: &EngineEvent| {
            match event {
                EngineEvent::Restored { .. } => {
                    counter.fetch_add(1, Ordering::SeqCst);
                }
                EngineEvent::Row { to: Outcome::Paid, .. }
                    if Some(seen.fetch_add(1, Ordering::SeqCst) + 1) == paid =>
                {
                    flag.cancel();
                }
                _ => {}
            }
        }));
    let batch = engine.store().batch(Some("june")).await.unwrap();
    let summary = engine.run(&batch, model.clone(), &cancel).await.unwrap();
    (engine, summary, told.load(Ordering::SeqCst))
}

async fn engine(database: &Database, host: &str, state: &Path) -> Engine {
    Engine::new(Arc::new(database.store(host, state).await)).with_policy(policy())
}

async fn taken_in(database: &Database, state: &Path) -> Batch {
    let options = BatchOptions { concurrency: 4, ..BatchOptions::default() };
    load(&engine(database, "here", state).await, "june", options, payroll(ROWS)).await
}

#[tokio::test]
async fn nobody_is_paid_twice_whatever_is_put_back() {
    let cases = [(Restored::Dump, "here"), (Restored::Dump, "there"), (Restored::Snapshot, "here")];
    for (seed, (what, host)) in (1..).zip(cases) {
        for (before, since) in [(0, None), (8, Some(8))] {
            let Some(database) = database() else { return };
            let case = format!("{what:?}, {before} paid, then {since:?}, seen from {host}");
            let dir = tempfile::tempdir().unwrap();
            let model = Arc::new(Model::new(seed, FAULTS).that_books_twice());
            taken_in(&database, dir.path()).await;
            if before > 0 {
                run(&database, ("here", dir.path()), &model, Some(before)).await;
            }
            copy(&database);
            let dump = database.dump();
            let (_, _, told) = run(&database, ("here", dir.path()), &model, since).await;
            assert_eq!(told, 0, "{case}: an ordinary run is suspected");
            match what {
                Restored::Dump => database.restore(&dump),
                Restored::Snapshot => put_back(&database),
            }
            let (engine, summary, told) = run(&database, (host, dir.path()), &model, None).await;
            assert_eq!(told, 1, "{case}: nobody was told");
            assert_eq!(summary.count(Outcome::Paid), ROWS, "{case}: {summary:?}");
            let batch = engine.store().batch(Some("june")).await.unwrap();
            assert_books_agree(&rows(&engine, &batch).await, &model);
            let twice = model.books().orders.keys().filter(|no| no.contains('#')).count();
            assert_eq!(twice, 0, "{case}: numbers were booked twice");
            assert_eq!(engine.store().verify(batch.id, None).await.unwrap().broken, None, "{case}");
        }
    }
}

/// A runner is on when the copy is put back. The copy knows the runner, and lets it go on.
#[tokio::test]
async fn who_is_at_it_when_a_copy_is_put_back_stops_writing() {
    let Some(database) = database() else { return };
    let dir = tempfile::tempdir().unwrap();
    let store = database.store("here", dir.path()).await;
    let (batch, lease) = loaded(&store, "a", 1, 3).await;
    copy(&database);
    store.wake(&lease, at(1)).await.unwrap();
    put_back(&database);
    let refused = store.wake(&lease, at(2)).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Fenced);
    assert!(refused.to_string().contains("older copy"), "{refused}");
    let again = store.lease(&batch, "again", at(3)).await.unwrap();
    assert_eq!(again.restored_at, Some(at(3)), "this process saw more");
    let runners = store.runners(batch.id).await.unwrap();
    assert_eq!(runners.len(), 1, "nobody who was there is trusted: {runners:?}");
    let later = store.lease(&batch, "later", at(4)).await.unwrap();
    assert_eq!(later.restored_at, Some(at(3)), "it was noticed once");
    assert_eq!(store.verify(batch.id, None).await.unwrap().broken, None);
}

#[tokio::test]
async fn a_server_that_was_started_again_is_the_same() {
    let Some(server) = Server::private() else { return };
    let dir = tempfile::tempdir().unwrap();
    let database = server.database();
    let store = database.store("here", dir.path()).await;
    let (batch, _) = loaded(&store, "a", 1, 3).await;
    server.crash();
    server.start_again();
    assert_eq!(store.lease(&batch, "again", at(1)).await.unwrap().restored_at, None);
    let elsewhere = database.store("there", dir.path()).await;
    assert_eq!(elsewhere.lease(&batch, "third", at(2)).await.unwrap().restored_at, None);
}

/// Nothing is noted where no folder can be made, and nothing is refused for it.
#[tokio::test]
async fn where_no_folder_can_be_written_the_database_alone_vouches() {
    let Some(database) = database() else { return };
    let dir = tempfile::tempdir().unwrap();
    let no_folder = dir.path().join("file");
    std::fs::write(&no_folder, "").unwrap();
    let store = database.store("here", &no_folder).await;
    let (batch, _) = loaded(&store, "a", 1, 3).await;
    let dump = database.dump();
    drop(store);
    let store = database.store("here", &no_folder).await;
    assert_eq!(store.lease(&batch, "me", at(1)).await.unwrap().restored_at, None);
    drop(store);
    database.restore(&dump);
    let store = database.store("here", &no_folder).await;
    assert_eq!(store.lease(&batch, "me", at(2)).await.unwrap().restored_at, Some(at(2)));
}
