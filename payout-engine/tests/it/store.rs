//! The contract that every store keeps, run against each of them.
//!
//! The checks know only the trait. A store is handed in by its maker, which can open the same data
//! again, as another process would.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, Weak},
    time::Duration,
};

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use kess_gateway::{Amount, Currency, Money};
use payout_engine::{
    Batch, BatchCode, BatchOptions, BatchState, Decision, ErrorKind, Lease, NewBatch, OrderNo,
    Outcome, Reason, Ruling, SqliteStore, StateChange, StopCause, Stopped, Store, Transition,
    machine::{Order, Payout, State},
};
use rand::{SeedableRng, rngs::StdRng};

use crate::{
    engine::{payout, payroll},
    memory::MemoryStore,
    model::identity,
    postgres::Database,
    shelf::Shelf,
};

mod asks;
mod elsewhere;
mod purged;

use asks::{
    a_nudge_makes_an_open_order_due_and_nothing_else, a_pause_stands_until_it_is_lifted,
    an_offer_writes_what_is_as_it_was_read, news_come_of_what_others_do,
    rows_are_found_by_outcome_and_by_the_time_they_changed,
};

use elsewhere::{
    conflicts_and_money_under_way_are_seen_from_other_batches, rows_paid_elsewhere_are_held,
    what_people_decided_is_kept_and_counts_for_its_cause_alone,
};
use purged::a_purged_batch_keeps_its_books_and_forgets_its_people;

/// Opens the store that lives in a folder; `alias` opens the same data past the lock, which a
/// runner on another machine could.
type Maker = fn(&Path, bool) -> BoxFuture<'_, Arc<dyn Store>>;

fn sqlite(dir: &Path, alias: bool) -> BoxFuture<'_, Arc<dyn Store>> {
    Box::pin(async move {
        let path = dir.join("payout.db");
        let path = if alias {
            let link = dir.join("alias.db");
            std::os::unix::fs::symlink(&path, &link).unwrap();
            link
        } else {
            path
        };
        Arc::new(SqliteStore::open(path).await.unwrap()) as Arc<dyn Store>
    })
}

/// The store of the simulation. A process that opens a folder finds what another one left there.
fn memory(dir: &Path, alias: bool) -> BoxFuture<'_, Arc<dyn Store>> {
    static FOLDERS: Mutex<BTreeMap<PathBuf, MemoryStore>> = Mutex::new(BTreeMap::new());
    let store = FOLDERS.lock().unwrap().entry(dir.to_owned()).or_default().clone();
    let store = if alias { store.past_the_lock() } else { store };
    Box::pin(async move { Arc::new(store) as Arc<dyn Store> })
}

/// The store whose pages somebody else keeps. Only one can be open on them, so that is shared, and
/// nobody can get past its lock.
fn kept(dir: &Path, alias: bool) -> BoxFuture<'_, Arc<dyn Store>> {
    type Kept = (Arc<Shelf>, Weak<SqliteStore>);
    static FOLDERS: Mutex<BTreeMap<PathBuf, Kept>> = Mutex::new(BTreeMap::new());
    assert!(!alias, "there is no other way to the pages");
    Box::pin(async move {
        let new = || (Arc::new(Shelf::in_folder(dir.to_owned())), Weak::new());
        let (shelf, open) =
            FOLDERS.lock().unwrap().entry(dir.to_owned()).or_insert_with(new).clone();
        let store = match open.upgrade() {
            Some(store) => store,
            None => Arc::new(SqliteStore::kept_by(shelf.clone()).await.unwrap()),
        };
        let open = (shelf, Arc::downgrade(&store));
        FOLDERS.lock().unwrap().insert(dir.to_owned(), open);
        store as Arc<dyn Store>
    })
}

/// A database for every folder; an alias is another machine.
fn postgres(dir: &Path, alias: bool) -> BoxFuture<'_, Arc<dyn Store>> {
    static FOLDERS: Mutex<BTreeMap<PathBuf, Database>> = Mutex::new(BTreeMap::new());
    let database = || crate::postgres::database().unwrap();
    let database = FOLDERS.lock().unwrap().entry(dir.to_owned()).or_insert_with(database).clone();
    let host = if alias { "there" } else { "here" };
    Box::pin(async move { Arc::new(database.store(host, dir).await) as Arc<dyn Store> })
}

/// One test per line: a check, against every store that it is about.
macro_rules! contract {
    (every { $($check:ident,)+ } alone { $($alone:ident,)+ } shared { $($shared:ident,)+ }
     in_files { $($file:ident,)+ } told { $($told:ident,)+ }) => {
        mod on_sqlite {
            $(contract!(sqlite $check);)+
            $(contract!(sqlite $alone);)+
            $(contract!(sqlite $shared);)+
            $(contract!(sqlite $file);)+
            $(contract!(sqlite $told);)+
        }
        mod on_postgres {
            $(contract!(postgres $check);)+
            $(contract!(postgres $told);)+
        }
        mod kept_elsewhere {
            $(contract!(kept $check);)+
            $(contract!(kept $alone);)+
            $(contract!(kept $file);)+
            $(contract!(kept $told);)+
        }
        mod in_memory {
            $(contract!(memory $check);)+
            $(contract!(memory $alone);)+
            $(contract!(memory $shared);)+
        }
    };
    (postgres $check:ident) => {
        #[tokio::test]
        async fn $check() {
            if crate::postgres::is_installed() {
                contract!(run postgres $check);
            }
        }
    };
    (run $store:ident $check:ident) => {
        let dir = tempfile::tempdir().unwrap();
        super::$check(super::$store, dir.path()).await;
    };
    ($store:ident $check:ident) => {
        #[tokio::test]
        async fn $check() {
            contract!(run $store $check);
        }
    };
}

contract! {
    every {
    a_batch_comes_back_as_it_went_in,
    a_batch_that_was_never_complete_is_not_payable_and_goes,
    transitions_move_the_sums_and_survive,
    as_many_rows_as_come_are_written_at_once,
    a_write_on_top_of_something_unread_is_refused_whole,
    what_is_due_comes_in_order_and_nothing_else,
    waking_makes_the_unfinished_due,
    waking_forgets_what_was_tried_before,
    rows_paid_elsewhere_are_held,
    what_people_decided_is_kept_and_counts_for_its_cause_alone,
    conflicts_and_money_under_way_are_seen_from_other_batches,
    a_cause_to_stop_is_kept,
    names_are_taken_once,
    a_pause_stands_until_it_is_lifted,
    a_nudge_makes_an_open_order_due_and_nothing_else,
    rows_are_found_by_outcome_and_by_the_time_they_changed,
    an_offer_writes_what_is_as_it_was_read,
    } alone {
    one_runner_at_a_time_and_the_second_learns_who,
    } shared {
    a_runner_that_lost_its_batch_cannot_write,
    } in_files {
    a_purged_batch_keeps_its_books_and_forgets_its_people,
    } told {
    news_come_of_what_others_do,
    }
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(1_800_000_000_000 + millis).unwrap()
}

fn new_batch(name: &str) -> NewBatch {
    NewBatch {
        name: name.to_owned(),
        options: BatchOptions { rate: Some(7), ..BatchOptions::default() },
        source: "file.csv".to_owned(),
        paused_by: None,
    }
}

fn code(seed: u64) -> BatchCode {
    BatchCode::random(&mut StdRng::seed_from_u64(seed))
}

async fn loaded(store: &dyn Store, name: &str, seed: u64, rows: u64) -> (Batch, Lease) {
    let lease =
        store.create(&new_batch(name), &identity(), code(seed), "tester", at(0)).await.unwrap();
    store.append(&lease, &payroll(rows), at(0)).await.unwrap();
    let batch = store.complete(&lease, at(0)).await.unwrap();
    (batch, lease)
}

async fn row(store: &dyn Store, batch: &Batch, row: u64) -> Payout {
    store.rows(batch.id, row - 1, 1).await.unwrap().remove(0).payout
}

/// Writes a row in another state, as the core would have it.
async fn put(store: &dyn Store, lease: &Lease, mut payout: Payout, state: State) -> Payout {
    let from = payout.outcome();
    payout.state = state;
    store.write(lease, &[Transition { from, payout: payout.clone() }], at(1)).await.unwrap();
    payout.version += 1;
    payout
}

async fn a_batch_comes_back_as_it_went_in(make: Maker, dir: &Path) {
    let store = make(dir, false).await;
    let mut rows = payroll(450);
    rows[1].payee.postcode = Some("01234".into());
    rows[1].body = Some("ប្រាក់ខែ".to_owned());
    rows[2].invalid = Some(Reason::new("amount", "no amount"));
    let lease = store.create(&new_batch("a"), &identity(), code(1), "me", at(0)).await.unwrap();
    store.append(&lease, &rows[..300], at(0)).await.unwrap();
    store.append(&lease, &rows[300..], at(0)).await.unwrap();
    let batch = store.complete(&lease, at(5)).await.unwrap();
    drop((lease, store));

    let store = make(dir, false).await;
    let found = store.batch(None).await.unwrap();
    assert_eq!((found.id, found.name.as_str(), found.rows), (batch.id, "a", 450));
    assert_eq!((found.state, found.code), (BatchState::Ready, code(1)));
    assert_eq!((found.options, found.gateway), (new_batch("a").options, identity()));
    assert_eq!(found.source, "file.csv");
    let mut records = store.rows(batch.id, 0, 200).await.unwrap();
    records.extend(store.rows(batch.id, 200, 1_000).await.unwrap());
    assert_eq!(records.len(), rows.len());
    for (record, new) in records.iter().zip(&rows) {
        assert_eq!(record.payee.as_ref(), Some(&new.payee));
        assert_eq!((record.line, &record.reference), (new.line, &new.reference));
        assert_eq!((&record.body, &record.extra), (&new.body, &new.extra));
        let mut expected = Payout::new(new.row, new.money.clone(), at(0));
        if let Some(reason) = &new.invalid {
            expected.state = State::Invalid;
            expected.next_at = None;
            expected.reason = Some(reason.clone());
        }
        assert_eq!(record.payout, expected);
    }
    let summary = store.summary(batch.id).await.unwrap();
    assert_eq!(summary.rows, 450);
    assert_eq!((summary.count(Outcome::Pending), summary.count(Outcome::Invalid)), (449, 1));
    let requested = |currency: &Currency| {
        rows.iter()
            .filter(|row| row.money.currency() == currency)
            .fold(Amount::default(), |sum, row| sum.checked_add(row.money.amount()).unwrap())
    };
    for currency in [Currency::Usd, Currency::Khr] {
        assert_eq!(summary.totals[&currency].requested, requested(&currency));
    }
    store.audit(batch.id).await.unwrap();
}

async fn a_batch_that_was_never_complete_is_not_payable_and_goes(make: Maker, dir: &Path) {
    let store = make(dir, false).await;
    let lease = store.create(&new_batch("a"), &identity(), code(1), "me", at(0)).await.unwrap();
    store.append(&lease, &payroll(10), at(0)).await.unwrap();
    let batch = store.batch(Some("a")).await.unwrap();
    assert_eq!(batch.state, BatchState::Loading);
    store.renew(&lease, None, at(1)).await.unwrap();
    drop(lease);
    assert_eq!(store.batch(None).await.unwrap_err().kind(), ErrorKind::NoSuchBatch);
    let refused = store.lease(&batch, "me", at(1)).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::BatchState, "{refused}");
    // The same name is free again, because nothing of it was ever payable.
    let (again, lease) = loaded(&*store, "a", 2, 5).await;
    assert_eq!(again.rows, 5);
    let refused = store.complete(&lease, at(1)).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Store, "complete twice: {refused}");
    assert_eq!(store.batches().await.unwrap().len(), 1);
}

async fn transitions_move_the_sums_and_survive(make: Maker, dir: &Path) {
    let store = make(dir, false).await;
    let (batch, lease) = loaded(&*store, "a", 1, 100).await;
    let mut transitions = Vec::new();
    let mut expected = Vec::new();
    for record in store.rows(batch.id, 0, 100).await.unwrap() {
        let mut payout = record.payout;
        payout.state = State::Sending;
        payout.attempt = 1;
        payout.order = Some(Order {
            no: OrderNo::mint(&batch.code, payout.row, 1),
            sends: 1,
            sent_at: Some(at(7)),
            seen: false,
            not_found: 0,
            not_found_at: None,
        });
        payout.holder_name = Some("SOK DARA".into());
        payout.warning = Some(Reason::new("holder_name", "differs"));
        transitions.push(Transition { from: Outcome::Pending, payout: payout.clone() });
        // The next transition of the same row may be in the same commit.
        payout.version += 1;
        payout.state = State::Paid;
        payout.next_at = None;
        payout.transaction_id = Some("T".to_owned());
        payout.order.as_mut().unwrap().seen = true;
        transitions.push(Transition { from: Outcome::InDoubt, payout: payout.clone() });
        payout.version += 1;
        expected.push(payout);
    }
    store.write(&lease, &transitions, at(9)).await.unwrap();
    drop((lease, store));

    let store = make(dir, false).await;
    let found: Vec<_> =
        store.rows(batch.id, 0, 100).await.unwrap().into_iter().map(|it| it.payout).collect();
    assert_eq!(found, expected);
    let summary = store.summary(batch.id).await.unwrap();
    assert_eq!(summary.count(Outcome::Paid), 100);
    for total in summary.totals.values() {
        assert_eq!(total.of(Outcome::Paid), total.requested);
    }
    store.audit(batch.id).await.unwrap();
}

async fn as_many_rows_as_come_are_written_at_once(make: Maker, dir: &Path) {
    let store = make(dir, false).await;
    let (batch, lease) = loaded(&*store, "a", 1, 190).await;
    let rows = store.rows(batch.id, 0, 190).await.unwrap();
    let paid = rows.into_iter().map(|record| Transition {
        from: Outcome::Pending,
        payout: Payout { state: State::Paid, next_at: None, ..record.payout },
    });
    let mut rest: Vec<_> = paid.collect();
    for count in 1..20 {
        let rows: Vec<_> = rest.drain(..count).collect();
        store.write(&lease, &rows, at(1)).await.unwrap();
        store.write(&lease, &rows, at(1)).await.unwrap_err();
    }
    assert!(rest.is_empty());
    assert_eq!(store.summary(batch.id).await.unwrap().count(Outcome::Paid), 190);
    let rows = store.rows(batch.id, 0, 190).await.unwrap();
    assert!(rows.iter().all(|record| record.payout.version == 1));
    store.audit(batch.id).await.unwrap();
}

async fn a_write_on_top_of_something_unread_is_refused_whole(make: Maker, dir: &Path) {
    let store = make(dir, false).await;
    let (batch, lease) = loaded(&*store, "a", 1, 3).await;
    let (first, second) = (row(&*store, &batch, 1).await, row(&*store, &batch, 2).await);
    put(&*store, &lease, second.clone(), State::Held).await;
    let stale = |mut payout: Payout| {
        payout.state = State::Failed;
        Transition { from: Outcome::Pending, payout }
    };
    let refused = store.write(&lease, &[stale(first), stale(second)], at(2)).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Books, "{refused}");
    assert_eq!(row(&*store, &batch, 1).await.state, State::Pending, "half of it was written");
    // The version alone tells, where the outcome is still the one that was read.
    let third = row(&*store, &batch, 3).await;
    put(&*store, &lease, third.clone(), State::Pending).await;
    let refused = store.write(&lease, &[stale(third)], at(2)).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Books, "{refused}");
    // The outcome that the money leaves is checked as well as the version.
    let mut lying = stale(row(&*store, &batch, 1).await);
    lying.from = Outcome::Held;
    let refused = store.write(&lease, &[lying], at(2)).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Books, "{refused}");
    store.audit(batch.id).await.unwrap();
}

async fn a_runner_that_lost_its_batch_cannot_write(make: Maker, dir: &Path) {
    let store = make(dir, false).await;
    let (batch, old) = loaded(&*store, "a", 1, 2).await;
    let elsewhere = make(dir, true).await;
    let new = elsewhere.lease(&batch, "elsewhere", at(1)).await.unwrap();
    assert!(new.fence > old.fence);
    let mut payout = row(&*store, &batch, 1).await;
    payout.state = State::Held;
    let transition = [Transition { from: Outcome::Pending, payout }];
    let change = StateChange {
        state: BatchState::Finished,
        stopped: None,
        interrupted: false,
        elapsed: Duration::ZERO,
    };
    for refused in [
        store.write(&old, &transition, at(2)).await,
        store.set_state(&old, change, at(2)).await,
        store.wake(&old, at(2)).await,
        store.hold_duplicates(&old, at(2)).await.map(drop),
        store.purge(&old, at(2)).await,
        store.append(&old, &payroll(1), at(2)).await,
    ] {
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::Fenced);
    }
    elsewhere.write(&new, &transition, at(2)).await.unwrap();
}

async fn one_runner_at_a_time_and_the_second_learns_who(make: Maker, dir: &Path) {
    let store = make(dir, false).await;
    let (batch, lease) = loaded(&*store, "a", 1, 2).await;
    drop(lease);
    let held = store.lease(&batch, "payout resume, process 4711", at(1)).await.unwrap();
    let other = make(dir, false).await;
    for refused in [
        other.lease(&batch, "second", at(2)).await.unwrap_err(),
        other.create(&new_batch("b"), &identity(), code(2), "second", at(2)).await.unwrap_err(),
    ] {
        assert_eq!(refused.kind(), ErrorKind::Locked);
        assert!(refused.to_string().contains("process 4711"), "{refused}");
    }
    // Reading goes on meanwhile.
    assert_eq!(other.summary(batch.id).await.unwrap().rows, 2);
    drop(held);
    other.lease(&batch, "second", at(3)).await.unwrap();
}

async fn what_is_due_comes_in_order_and_nothing_else(make: Maker, dir: &Path) {
    let store = make(dir, false).await;
    let (batch, lease) = loaded(&*store, "a", 1, 4).await;
    for (number, next_at) in [(1, Some(at(30))), (2, None), (3, Some(at(10))), (4, Some(at(90)))] {
        let mut payout = row(&*store, &batch, number).await;
        payout.next_at = next_at;
        put(&*store, &lease, payout, State::Pending).await;
    }
    let due = |now: i64, limit| {
        let (store, lease) = (&store, &lease);
        async move {
            let claims = store.claim(lease, at(now), limit, &[]).await.unwrap();
            claims.into_iter().map(|claim| claim.payout.row).collect::<Vec<_>>()
        }
    };
    assert_eq!(due(5, 9).await, [] as [u64; 0]);
    assert_eq!(due(30, 9).await, [3, 1]);
    assert_eq!(due(100, 2).await, [3, 1]);
    assert_eq!(due(100, 9).await, [3, 1, 4]);
    let others = store.claim(&lease, at(100), 2, &[3, 2]).await.unwrap();
    assert_eq!(others.iter().map(|claim| claim.payout.row).collect::<Vec<_>>(), [1, 4]);
    assert_eq!(store.next_due(&lease, at(30)).await.unwrap(), Some(at(90)));
    assert_eq!(store.next_due(&lease, at(90)).await.unwrap(), None);
}

async fn waking_makes_the_unfinished_due(make: Maker, dir: &Path) {
    let store = make(dir, false).await;
    let (batch, lease) = loaded(&*store, "a", 1, 6).await;
    let waiting = [State::Pending, State::Unanswered, State::AwaitingOtp, State::Processing];
    let states = waiting.into_iter().chain([State::Paid, State::Held]);
    for (number, state) in (1..).zip(states) {
        let mut payout = row(&*store, &batch, number).await;
        (payout.next_at, payout.tries, payout.watched_since) = (None, 9, Some(at(0)));
        put(&*store, &lease, payout, state).await;
    }
    store.wake(&lease, at(50)).await.unwrap();
    let due = store.claim(&lease, at(50), 9, &[]).await.unwrap();
    assert_eq!(due.iter().map(|claim| claim.payout.row).collect::<Vec<_>>(), [2, 3, 4, 1]);
    let few = store.claim(&lease, at(50), 2, &[]).await.unwrap();
    let few: Vec<u64> = few.iter().map(|claim| claim.payout.row).collect();
    assert_eq!(few, [2, 1], "neither what is under way nor what is pending has to wait for all");
    for claim in &due {
        assert_eq!((claim.payout.tries, claim.payout.watched_since), (0, None));
    }
    // What was read counts: a write on top of a woken row goes through.
    put(&*store, &lease, due[2].payout.clone(), State::Failed).await;
    store.audit(batch.id).await.unwrap();
}

async fn waking_forgets_what_was_tried_before(make: Maker, dir: &Path) {
    let store = make(dir, false).await;
    let (batch, lease) = loaded(&*store, "a", 1, 12).await;
    let states = [State::Pending, State::Unanswered, State::AwaitingOtp, State::Processing];
    // Due later, due and tried, due and watched: of each state.
    let waits = [(at(90), 0, None), (at(10), 9, None), (at(20), 0, Some(at(5)))];
    let all = states.iter().flat_map(|state| waits.map(|wait| (*state, wait)));
    for (number, (state, (next_at, tries, watched_since))) in (1..).zip(all) {
        let mut payout = row(&*store, &batch, number).await;
        payout.next_at = Some(next_at);
        (payout.tries, payout.watched_since) = (tries, watched_since);
        put(&*store, &lease, payout, state).await;
    }
    store.wake(&lease, at(50)).await.unwrap();
    let due = store.claim(&lease, at(50), 99, &[]).await.unwrap();
    assert_eq!(due.len(), 12);
    for claim in due {
        let payout = claim.payout;
        let anew = (payout.next_at, payout.tries, payout.watched_since);
        assert_eq!(anew, (Some(at(50)), 0, None), "row {}", payout.row);
    }
    store.audit(batch.id).await.unwrap();
}

async fn a_cause_to_stop_is_kept(make: Maker, dir: &Path) {
    let store = make(dir, false).await;
    let (batch, lease) = loaded(&*store, "a", 1, 1).await;
    let stopped = Stopped { cause: StopCause::Funds, message: "too little".to_owned() };
    let change = |state, stopped| StateChange {
        state,
        stopped,
        interrupted: true,
        elapsed: Duration::from_millis(1_500),
    };
    let stop = change(BatchState::Stopped, Some(stopped.clone()));
    store.set_state(&lease, stop, at(1)).await.unwrap();
    store
        .set_state(&lease, change(BatchState::Stopped, Some(stopped.clone())), at(2))
        .await
        .unwrap();
    let summary = store.summary(batch.id).await.unwrap();
    assert_eq!(summary.stopped.as_ref(), Some(&stopped));
    assert_eq!((summary.interrupted, summary.elapsed), (true, Duration::from_secs(3)));
    store.set_state(&lease, change(BatchState::Finished, None), at(3)).await.unwrap();
    assert_eq!(store.batch(Some("a")).await.unwrap().stopped, None);
}

async fn names_are_taken_once(make: Maker, dir: &Path) {
    let store = make(dir, false).await;
    let (_, lease) = loaded(&*store, "a", 1, 1).await;
    drop(lease);
    let again = store.create(&new_batch("a"), &identity(), code(2), "me", at(0)).await.unwrap_err();
    assert_eq!(again.kind(), ErrorKind::BatchState, "{again}");
    let lease = store.create(&new_batch("b"), &identity(), code(3), "me", at(0)).await.unwrap();
    let twice = [
        payout(1, "0000000001", Money::usd("1").unwrap()),
        payout(1, "0000000002", Money::usd("1").unwrap()),
    ];
    let refused = store.append(&lease, &twice, at(0)).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Intake, "{refused}");
}
