//! Connections that are lost, commits of which nobody hears, servers that go down in mid-batch:
//! nothing is lost, nothing is done twice, and no run ends for it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use payout_engine::{
    BatchOptions, BatchState, Cancel, Engine, EngineEvent, ErrorKind, Outcome, PauseRequest,
    PostgresStore, Store, Transition, machine::State,
};

use super::{
    at, loaded,
    proxy::{Cut, Proxy},
    server::{Database, Server, database},
};
use crate::{
    engine::{assert_books_agree, load, payroll, policy, rows},
    model::{Faults, Model},
};

const FAULTS: Faults = Faults {
    not_sent: 50,
    cut_before: 50,
    cut_after: 100,
    refuse: 0,
    hide: 100,
    unknown: 50,
    slow: 100,
    busy: 0,
};

/// Every write of a store in turn, its commit cut before or after it landed: it is there, once.
#[tokio::test]
async fn a_commit_that_nobody_heard_of_is_there_once() {
    let Some(database) = database() else { return };
    for cut in [Cut::Before, Cut::After] {
        let dir = tempfile::tempdir().unwrap();
        // Only the next commit is cut, not the one that tries again.
        let armed = Arc::new(AtomicBool::new(false));
        let arm = Arc::clone(&armed);
        let is_cut = move |_| armed.swap(false, Ordering::SeqCst).then_some(cut);
        let proxy = Proxy::open(database.socket(), is_cut).await;
        let store = PostgresStore::connect(&database.over(&proxy)).await.unwrap();
        let store = store.with_state_folder(dir.path().join("state"));
        let mut cuts = 0;
        let mut was_cut = |what: &str| {
            cuts += 1;
            assert_eq!(proxy.cuts(), cuts, "{cut:?}: {what} was not cut");
            arm.store(true, Ordering::SeqCst);
        };
        arm.store(true, Ordering::SeqCst);
        let name = format!("{cut:?}");
        let (batch, lease) = loaded(&store, &name, cut as u64, 3).await;
        was_cut("loading");
        let other = store.lease(&batch, "another", at(1)).await.unwrap();
        was_cut("joining");
        let payout = store.claim(&lease, at(1), 1, &[]).await.unwrap().remove(0).payout;
        let mut held = payout.clone();
        (held.state, held.next_at) = (State::Held, None);
        let transition = Transition { from: Outcome::Pending, payout: held };
        store.write(&lease, std::slice::from_ref(&transition), at(2)).await.unwrap();
        was_cut("writing");
        let found = store.rows(batch.id, 0, 1).await.unwrap().remove(0).payout;
        assert_eq!((found.version, found.state), (payout.version + 1, State::Held));
        let again = store.write(&lease, &[transition], at(2)).await.unwrap_err();
        assert_eq!(again.kind(), ErrorKind::Books, "{again}");
        let request = PauseRequest { at: at(3), by: "sophea".to_owned() };
        assert_eq!(store.request_pause(&batch, &request).await.unwrap(), request);
        was_cut("pausing");
        store.renew(&other, None, at(4)).await.unwrap();
        was_cut("leaving");
        assert_eq!(store.runners(batch.id).await.unwrap().len(), 1);
        store.audit(batch.id).await.unwrap();
        let audit = store.verify(batch.id, None).await.unwrap();
        assert_eq!(audit.broken, None);
        let told = format!(
            "SELECT count(*) FROM events WHERE batch_id = (SELECT id FROM batches \
             WHERE name = '{name}') AND entry LIKE '%\"moved\"%'"
        );
        assert_eq!(database.sql(&told), "1");
    }
}

async fn run(database: &Database, url: &str, proxy: Option<&Proxy>, server: Option<&Server>) {
    let dir = tempfile::tempdir().unwrap();
    let model = Arc::new(Model::new(5, FAULTS).that_books_twice());
    let store = PostgresStore::connect(url).await.unwrap().with_state_folder(dir.path());
    let store = Arc::new(store);
    let paid = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&paid);
    let engine = Engine::new(store).with_policy(policy()).with_observer(Arc::new(
        move |event: &EngineEvent| {
            if matches!(event, EngineEvent::Row { to: Outcome::Paid, .. }) {
                counted.fetch_add(1, Ordering::SeqCst);
            }
        },
    ));
    let options = BatchOptions { concurrency: 8, ..BatchOptions::default() };
    let batch = load(&engine, "june", options, payroll(90)).await;
    let is_over = AtomicBool::new(false);
    let trouble = async {
        for at in [20, 40, 60] {
            while paid.load(Ordering::SeqCst) < at && !is_over.load(Ordering::SeqCst) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            if let Some(proxy) = proxy {
                proxy.cut_all();
            }
            if let Some(server) = server {
                tokio::task::block_in_place(|| {
                    server.crash();
                    server.start_again();
                });
            }
        }
    };
    let running = async {
        let ended = engine.run(&batch, model.clone(), &Cancel::new()).await;
        is_over.store(true, Ordering::SeqCst);
        ended.unwrap()
    };
    let (summary, ()) = tokio::join!(running, trouble);
    assert_eq!(summary.count(Outcome::Paid), 90, "{:?}", summary.counts);
    assert_books_agree(&rows(&engine, &batch).await, &model);
    let twice = model.books().orders.keys().filter(|no| no.contains('#')).count();
    assert_eq!(twice, 0, "numbers were booked twice");
    let ended = engine.store().batch(Some("june")).await.unwrap();
    assert_eq!((ended.state, ended.lease), (BatchState::Finished, None));
    assert_eq!(engine.store().verify(batch.id, None).await.unwrap().broken, None);
    assert_eq!(database.sql("SELECT count(*) FROM payouts WHERE claimed_by IS NOT NULL"), "0");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_goes_on_over_cut_connections() {
    let Some(database) = database() else { return };
    let cut = |nth: u32| match nth % 7 {
        2 => Some(Cut::After),
        5 => Some(Cut::Before),
        _ => None,
    };
    let proxy = Proxy::open(database.socket(), cut).await;
    // Its tables are there before anything is cut.
    PostgresStore::connect(&database.url).await.unwrap();
    run(&database, &database.over(&proxy), Some(&proxy), None).await;
    assert!(proxy.cuts() > 10, "only {} cuts", proxy.cuts());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_goes_on_when_the_server_goes_down_and_comes_back() {
    let Some(server) = Server::private() else { return };
    let database = server.database();
    run(&database, &database.url, None, Some(&server)).await;
}

#[tokio::test]
async fn a_server_that_stays_away_ends_the_patience() {
    let Some(server) = Server::private() else { return };
    let dir = tempfile::tempdir().unwrap();
    let store = server.database().store("here", dir.path()).await;
    let store = store.with_patience(Duration::from_millis(50));
    let (batch, lease) = loaded(&store, "a", 1, 1).await;
    server.crash();
    let gone = store.wake(&lease, at(1)).await.unwrap_err();
    assert_eq!(gone.kind(), ErrorKind::Store, "{gone}");
    server.start_again();
    store.with_patience(Duration::from_secs(60)).summary(batch.id).await.unwrap();
}
