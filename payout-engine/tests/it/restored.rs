//! An old copy of the store is put back, at a gateway that books a number twice if it is sent
//! twice: nobody is paid twice, nobody is forgotten, and the report is the ledger.

use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use payout_engine::{
    Batch, BatchOptions, BatchSummary, Cancel, Engine, EngineEvent, Outcome, StopCause,
};

use crate::{
    audit::sql,
    engine::{assert_books_agree, engine, load, payroll, rows},
    model::{Faults, Model},
};

/// What goes wrong while the age of a store is in doubt.
pub(crate) const FAULTS: Faults = Faults {
    not_sent: 100,
    cut_before: 100,
    cut_after: 200,
    refuse: 0,
    hide: 200,
    unknown: 50,
    slow: 200,
    busy: 0,
};

const ROWS: u64 = 24;

/// What comes back of the folder.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Restored {
    /// The database; what was seen of it since is still beside it.
    Database,
    /// The database, and nothing is beside it: another folder, another machine.
    Alone,
    /// The database and what had been seen of it then: a folder from a backup.
    Folder,
}

/// Copies the store as a backup does, while nobody is at it.
async fn back_up(dir: &Path) {
    let copy = dir.join("old.db");
    let _ = fs::remove_file(&copy);
    sql(&dir.join("payout.db"), &format!("VACUUM INTO '{}'", copy.display())).await;
    fs::copy(dir.join("payout.db.witness"), dir.join("old.witness")).unwrap();
}

/// Puts the copy back through SQLite, which is what a restoring tool does to a file that somebody
/// may still have open.
async fn put_back(dir: &Path, what: Restored) {
    let mut statements = format!("ATTACH '{}' AS old; BEGIN; ", dir.join("old.db").display());
    for trigger in ["events_never_change", "events_never_go", "batches_never_go"] {
        statements.push_str(&format!("DROP TRIGGER IF EXISTS {trigger}; "));
    }
    for table in ["events", "payees", "payouts", "requested", "sums", "batches"] {
        statements.push_str(&format!(
            "DELETE FROM main.{table}; INSERT INTO main.{table} SELECT * FROM old.{table}; "
        ));
    }
    sql(&dir.join("payout.db"), &format!("{statements} COMMIT;")).await;
    if what != Restored::Database {
        fs::remove_file(dir.join("payout.db.witness")).unwrap();
    }
    if what == Restored::Folder {
        fs::copy(dir.join("old.witness"), dir.join("payout.db.witness")).unwrap();
    }
}

/// Runs until `paid` rows more are paid; `None` runs to the end.
async fn run(dir: &Path, model: &Arc<Model>, paid: Option<u64>) -> (Engine, BatchSummary, u64) {
    let cancel = Cancel::new();
    let (seen, told) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let (flag, counter) = (cancel.clone(), Arc::clone(&told));
    let engine =
        engine(dir).await.with_observer(Arc::new(move |event: &EngineEvent| match event {
            EngineEvent::Restored { .. } => {
                counter.fetch_add(1, Ordering::SeqCst);
            }
            EngineEvent::Row { to: Outcome::Paid, .. }
                if Some(seen.fetch_add(1, Ordering::SeqCst) + 1) == paid =>
            {
                flag.cancel();
            }
            _ => {}
        }));
    let batch = engine.store().batch(Some("june")).await.unwrap();
    let summary = engine.run(&batch, model.clone(), &cancel).await.unwrap();
    (engine, summary, told.load(Ordering::SeqCst))
}

async fn loaded(dir: &Path) -> Batch {
    let engine = engine(dir).await;
    let options = BatchOptions { concurrency: 4, ..BatchOptions::default() };
    load(&engine, "june", options, payroll(ROWS)).await
}

async fn check(engine: &Engine, summary: &BatchSummary, model: &Model, what: &str) {
    assert_eq!(summary.count(Outcome::Paid), ROWS, "{what}: {summary:?}");
    let batch = engine.store().batch(Some("june")).await.unwrap();
    assert_books_agree(&rows(engine, &batch).await, model);
    let twice = model.books().orders.keys().filter(|no| no.contains('#')).count();
    assert_eq!(twice, 0, "{what}: numbers were booked twice");
    assert_eq!(engine.store().verify(batch.id, None).await.unwrap().broken, None, "{what}");
}

#[tokio::test]
async fn nobody_is_paid_twice_whatever_is_put_back_and_however_much_is_listed() {
    for (seed, what) in (1..).zip([Restored::Database, Restored::Alone, Restored::Folder]) {
        for (before, since) in [(0, Some(9)), (0, None), (8, Some(8)), (8, None)] {
            for listed in [true, false] {
                let case = format!("{what:?}, {before} paid, then {since:?}, listed: {listed}");
                let dir = tempfile::tempdir().unwrap();
                let model = Arc::new(Model::new(seed, FAULTS).that_books_twice());
                loaded(dir.path()).await;
                if before > 0 {
                    run(dir.path(), &model, Some(before)).await;
                }
                back_up(dir.path()).await;
                let (_, _, told) = run(dir.path(), &model, since).await;
                assert_eq!(told, 0, "{case}: an ordinary run is suspected");
                put_back(dir.path(), what).await;
                if !listed {
                    let mut books = model.books();
                    books.unlisted = books.orders.keys().cloned().collect();
                }
                let (engine, summary, told) = run(dir.path(), &model, None).await;
                assert_eq!(told, 1, "{case}: nobody was told");
                check(&engine, &summary, &model, &case).await;
            }
        }
    }
}

/// A crash on the way does not make the rest of the rows trusted.
#[tokio::test]
async fn what_is_doubted_stays_doubted_over_an_interruption_and_a_second_old_copy() {
    let dir = tempfile::tempdir().unwrap();
    let model = Arc::new(Model::new(7, FAULTS).that_books_twice());
    loaded(dir.path()).await;
    run(dir.path(), &model, Some(4)).await;
    back_up(dir.path()).await;
    run(dir.path(), &model, Some(10)).await;
    put_back(dir.path(), Restored::Database).await;
    let all: Vec<_> = model.books().orders.keys().cloned().collect();
    model.books().unlisted = all;
    run(dir.path(), &model, Some(3)).await;
    back_up(dir.path()).await;
    run(dir.path(), &model, Some(3)).await;
    put_back(dir.path(), Restored::Folder).await;
    let (engine, summary, told) = run(dir.path(), &model, None).await;
    assert_eq!(told, 1);
    check(&engine, &summary, &model, "twice").await;
}

/// A row had ended unpaid in the copy and was tried again, and paid, since.
#[tokio::test]
async fn an_attempt_that_the_copy_does_not_know_is_taken_over_from_the_list() {
    let dir = tempfile::tempdir().unwrap();
    let refusing = Arc::new(Model::new(1, Faults { refuse: 1_000, ..Faults::default() }));
    loaded(dir.path()).await;
    let (_, summary, _) = run(dir.path(), &refusing, None).await;
    assert_eq!(summary.count(Outcome::Failed), ROWS);
    back_up(dir.path()).await;
    let model = Arc::new(Model::new(1, Faults::default()).that_books_twice());
    let retrying = engine(dir.path()).await;
    let batch = retrying.store().batch(Some("june")).await.unwrap();
    retrying.retry(&batch, model.clone(), &Cancel::new()).await.unwrap();
    drop(retrying);
    for listed in [true, false] {
        put_back(dir.path(), Restored::Database).await;
        if !listed {
            let all = model.books().orders.keys().cloned().collect();
            model.books().unlisted = all;
        }
        let (engine, summary, _) = run(dir.path(), &model, None).await;
        let paid = if listed { ROWS } else { 0 };
        assert_eq!(summary.count(Outcome::Paid), paid, "listed: {listed}");
        // Whoever wants another attempt finds the one that was made.
        let batch = engine.store().batch(Some("june")).await.unwrap();
        let summary = engine.retry(&batch, model.clone(), &Cancel::new()).await.unwrap();
        check(&engine, &summary, &model, "tried again").await;
    }
}

#[tokio::test]
async fn without_the_list_nothing_is_sent_and_resume_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let model = Arc::new(Model::new(1, Faults::default()).that_books_twice());
    loaded(dir.path()).await;
    back_up(dir.path()).await;
    run(dir.path(), &model, Some(5)).await;
    put_back(dir.path(), Restored::Database).await;
    let silent = Arc::new(Model::new(1, Faults { unknown: 1_000, ..Faults::default() }));
    let (engine, summary, _) = run(dir.path(), &silent, None).await;
    let stopped = summary.stopped.unwrap();
    assert_eq!(stopped.cause, StopCause::Outage);
    assert!(stopped.message.contains("older copy"), "{}", stopped.message);
    assert_eq!(silent.books().calls.keys().copied().collect::<Vec<_>>(), ["orders"]);
    drop(engine);
    let (engine, summary, _) = run(dir.path(), &model, None).await;
    check(&engine, &summary, &model, "resumed").await;
}
