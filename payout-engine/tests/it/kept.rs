//! A store whose pages an app keeps: crashes at every save, saves that are slow, storages that lie.
//! That it is a store like any other, the contract in `store.rs` says.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use futures_util::future::FutureExt;
use kess_gateway::Money;
use payout_engine::{
    Batch, BatchCode, BatchOptions, BatchSummary, Cancel, Engine, EngineEvent, Error, ErrorKind,
    Lease, NewBatch, Outcome, SqliteStore, Store,
};
use rand::{SeedableRng, rngs::StdRng};

use crate::{
    engine::{assert_books_agree, load, payout, payroll, policy, rows},
    model::{Faults, Model, identity},
    restored::FAULTS,
    shelf::Shelf,
};

const ROWS: u64 = 3;

async fn open(shelf: &Arc<Shelf>) -> Result<SqliteStore, Error> {
    SqliteStore::kept_by(shelf.clone()).await
}

/// An engine that counts how often it is told of a store of unknown age.
async fn engine(shelf: &Arc<Shelf>, told: &Arc<AtomicU64>) -> Result<Engine, Error> {
    let told = Arc::clone(told);
    let observer = move |event: &EngineEvent| {
        if matches!(event, EngineEvent::Restored { .. }) {
            told.fetch_add(1, Ordering::SeqCst);
        }
    };
    let engine = Engine::new(Arc::new(open(shelf).await?)).with_policy(policy());
    Ok(engine.with_observer(Arc::new(observer)))
}

async fn loaded(engine: &Engine) -> Batch {
    let options = BatchOptions { concurrency: 2, ..BatchOptions::default() };
    load(engine, "june", options, payroll(ROWS)).await
}

async fn run(engine: &Engine, model: &Arc<Model>) -> Result<BatchSummary, Error> {
    let batch = engine.store().batch(Some("june")).await?;
    engine.run(&batch, model.clone(), &Cancel::new()).await
}

/// Opens what is kept, runs it to its end, and compares with the ledger.
async fn finish(shelf: &Arc<Shelf>, model: &Arc<Model>, what: &str) {
    let told = Arc::default();
    let engine = engine(shelf, &told).await.unwrap();
    let summary = run(&engine, model).await.unwrap();
    assert_eq!(told.load(Ordering::SeqCst), 1, "{what}: nobody was told");
    let batch = engine.store().newest().await.unwrap();
    assert_books_agree(&rows(&engine, &batch).await, model);
    let twice = model.books().orders.keys().filter(|no| no.contains('#')).count();
    assert_eq!((twice, summary.count(Outcome::Paid)), (0, ROWS), "{what}: {:?}", summary.counts);
    let audit = engine.store().verify(batch.id, None).await.unwrap();
    assert_eq!(audit.broken, None, "{what}");
}

/// Runs a batch on a storage that fails at its `nth` save, and again on what that has then. `here`:
/// the run begins in the process that loaded the batch. False if it never came to that.
async fn dies_at(nth: u64, lands: bool, here: bool, seed: u64) -> bool {
    let what = format!("seed {seed}, save {nth}, landed: {lands}, loaded here: {here}");
    let (shelf, told) = (Arc::new(Shelf::new()), Arc::default());
    let model = Arc::new(Model::new(seed, FAULTS).that_books_twice());
    let mut first = engine(&shelf, &told).await.unwrap();
    loaded(&first).await;
    if !here {
        drop(first);
        first = engine(&shelf, &told).await.unwrap();
    }
    shelf.fail_at(nth, lands);
    let ended = run(&first, &model).await;
    if let Err(error) = &ended {
        assert_eq!(error.kind(), ErrorKind::Store, "{what}: {error}");
        assert!(error.in_full().contains("no room; nothing more is sent"), "{}", error.in_full());
    }
    assert!(!here || told.load(Ordering::SeqCst) == 0, "{what}: an ordinary run is suspected");
    drop(first);
    shelf.recover();
    finish(&shelf, &model, &what).await;
    ended.is_err()
}

#[tokio::test]
async fn a_crash_at_any_save_pays_nobody_twice() {
    for (seed, (lands, here)) in
        (1..).zip([(false, true), (true, true), (false, false), (true, false)])
    {
        let mut nth = 0;
        while dies_at(nth, lands, here, seed).await {
            nth += 1;
        }
        assert!(nth > 8, "seed {seed}: only {nth} saves");
    }
}

/// Being told of the crash is no way to survive it: the intent has to be kept before the call.
#[tokio::test]
async fn no_withdrawal_leaves_before_its_order_is_kept() {
    let shelf = Arc::new(Shelf::new());
    let (kept, seen) = (Arc::clone(&shelf), Arc::new(Mutex::new(BTreeSet::new())));
    let sent = Arc::clone(&seen);
    let model = Model::new(1, FAULTS).that_looks(move |order_no| {
        assert!(kept.holds(order_no), "{order_no} is sent and not kept");
        sent.lock().unwrap().insert(order_no.to_owned());
    });
    let model = Arc::new(model);
    let engine = engine(&shelf, &Arc::default()).await.unwrap();
    loaded(&engine).await;
    run(&engine, &model).await.unwrap();
    assert_eq!(seen.lock().unwrap().len() as u64, ROWS);
}

#[tokio::test]
async fn a_store_is_of_unknown_age_whenever_it_is_opened_and_only_then() {
    let (shelf, told) = (Arc::new(Shelf::new()), Arc::default());
    let model = Arc::new(Model::new(1, Faults::default()));
    let first = engine(&shelf, &told).await.unwrap();
    loaded(&first).await;
    run(&first, &model).await.unwrap();
    run(&first, &model).await.unwrap();
    assert_eq!(told.load(Ordering::SeqCst), 0);
    drop(first);
    for opened in 1..=2 {
        let again = engine(&shelf, &told).await.unwrap();
        let before = told.load(Ordering::SeqCst);
        run(&again, &model).await.unwrap();
        assert_eq!(told.load(Ordering::SeqCst), before + 1, "opened {opened} times again");
    }
}

/// An app that restores a backup: rows that were paid since are found paid, and not paid again.
#[tokio::test]
async fn old_pages_pay_nobody_twice() {
    let (shelf, told) = (Arc::new(Shelf::new()), Arc::default());
    let model = Arc::new(Model::new(3, FAULTS).that_books_twice());
    let first = engine(&shelf, &told).await.unwrap();
    loaded(&first).await;
    let mut old = BTreeMap::new();
    shelf.tamper(|pages| old = pages.clone());
    run(&first, &model).await.unwrap();
    drop(first);
    shelf.tamper(|pages| *pages = old);
    finish(&shelf, &model, "an old copy").await;
}

#[tokio::test]
async fn after_a_failure_nothing_is_read_or_written_until_it_is_opened_again() {
    let shelf = Arc::new(Shelf::new());
    let store = open(&shelf).await.unwrap();
    let (batch, lease) = batch(&store, "june").await;
    shelf.fail_at(0, false);
    let failed = store
        .renew(&lease, Some(std::time::Duration::from_secs(1)), jiff::Timestamp::now())
        .await
        .unwrap_err();
    shelf.recover();
    let saves = shelf.saves();
    for error in [
        failed,
        store.renew(&lease, None, jiff::Timestamp::now()).await.unwrap_err(),
        store.wake(&lease, jiff::Timestamp::now()).await.unwrap_err(),
        store.batch(None).await.unwrap_err(),
        store.summary(batch.id).await.unwrap_err(),
        store.rows(batch.id, 0, 9).await.unwrap_err(),
        store.verify(batch.id, None).await.unwrap_err(),
        store.claim(&lease, jiff::Timestamp::now(), 9, &[]).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Store);
        assert!(error.hint().is_some_and(|hint| hint.contains("open the store again")), "{error}");
    }
    assert_eq!(shelf.saves(), saves, "it was written to");
    drop((lease, store));
    assert_eq!(open(&shelf).await.unwrap().summary(batch.id).await.unwrap().rows, 1);
}

/// A batch of one row that is ready.
async fn batch(store: &SqliteStore, name: &str) -> (Batch, Lease) {
    let now = jiff::Timestamp::now();
    let options = BatchOptions::default();
    let new =
        NewBatch { name: name.to_owned(), options, source: "f.csv".to_owned(), paused_by: None };
    let code = BatchCode::random(&mut StdRng::from_entropy());
    let lease = store.create(&new, &identity(), code, "a test", now).await.unwrap();
    let row = payout(1, "000000011", Money::usd("1").unwrap());
    store.append(&lease, &[row], now).await.unwrap();
    (store.complete(&lease, now).await.unwrap(), lease)
}

/// Whoever waits for a write may go away. What was written is kept before anything else is seen,
/// and no save overtakes another one.
#[tokio::test]
async fn a_write_that_nobody_waits_for_is_kept_before_anybody_reads() {
    let shelf = Arc::new(Shelf::new());
    let store = Arc::new(open(&shelf).await.unwrap());
    drop(batch(&store, "may").await);
    let before = shelf.saves();
    shelf.hold(true);
    let writing = Arc::clone(&store);
    let create = tokio::spawn(async move { drop(batch(&writing, "june").await) });
    shelf.begun(before + 1).await;
    create.abort();
    assert!(create.await.unwrap_err().is_cancelled());
    let mut read = store.batches();
    for _ in 0..20 {
        assert!((&mut read).now_or_never().is_none(), "it is seen before it is kept");
        tokio::task::yield_now().await;
    }
    assert!(!shelf.holds("june"));
    shelf.hold(false);
    let names = |batches: Vec<Batch>| batches.into_iter().map(|it| it.name).collect::<Vec<_>>();
    assert_eq!(names(read.await.unwrap()), ["june", "may"]);
    assert!(shelf.holds("june"));
    drop(store);
    let again = open(&shelf).await.unwrap();
    assert_eq!(names(again.batches().await.unwrap()), ["june", "may"]);
}

/// Saves are as large as what changed, and none come where nothing did.
#[tokio::test]
async fn what_did_not_change_is_not_saved_again() {
    let shelf = Arc::new(Shelf::new());
    let engine = engine(&shelf, &Arc::default()).await.unwrap();
    assert_eq!(shelf.saves(), 1, "the tables");
    load(&engine, "june", BatchOptions::default(), payroll(2_000)).await;
    let (saves, bytes) = (shelf.saves(), shelf.bytes());
    assert!(bytes > 1_000_000, "{bytes} bytes for 2,000 rows");
    let batch = engine.store().newest().await.unwrap();
    engine.store().audit(batch.id).await.unwrap();
    assert_eq!(shelf.saves(), saves, "reading is not saved");
    let lease = engine.store().lease(&batch, "a test", jiff::Timestamp::now()).await.unwrap();
    assert_eq!(shelf.saves(), saves + 1);
    assert!(shelf.bytes() - bytes < 40_000, "{} bytes for a lease", shelf.bytes() - bytes);
    drop((lease, engine));
    open(&shelf).await.unwrap();
    assert_eq!(shelf.saves(), saves + 1, "opening changes nothing");
}

#[tokio::test]
async fn pages_that_do_not_belong_together_are_refused() {
    type Pages = BTreeMap<u32, Vec<u8>>;
    let damages: [fn(&mut Pages); 5] = [
        |pages| drop(pages.pop_last()),
        |pages| drop(pages.remove(&2)),
        |pages| pages.values_mut().skip(1).for_each(|page| page.fill(0)),
        |pages| pages.values_mut().for_each(|page| page.truncate(1_000)),
        |pages| drop(pages.insert(1, vec![b'x'; 4_096])),
    ];
    for (number, damage) in damages.into_iter().enumerate() {
        let shelf = Arc::new(Shelf::new());
        drop(batch(&open(&shelf).await.unwrap(), "june").await);
        shelf.tamper(damage);
        let saves = shelf.saves();
        let Err(error) = open(&shelf).await else { panic!("damage {number} is not seen") };
        assert_eq!(error.kind(), ErrorKind::Store, "damage {number}: {error}");
        assert_eq!(shelf.saves(), saves, "damage {number} was written over");
    }
}
