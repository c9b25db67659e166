//! The desk, as a front end uses it: orders from a file's bytes to a report against the sandbox,
//! and runs that are watched, stopped, given up and forgotten, against the model gateway.

use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};

use kess_gateway::Money;
use kess_sandbox::Sandbox;
use payout_engine::{
    Batch, BatchOptions, BatchState, BatchSummary, EngineEvent, ErrorKind, Outcome, Ruling,
    SqliteStore, Store,
    admission::Refusal,
    desk::{Desk, Order, Refused, Rows, Run, Watch},
    report::{Format, WriteError},
};

use crate::{
    engine::{assert_books_agree, engine, load, payout, payroll, policy, rows},
    model::{Faults, Model},
    sandbox::client_of,
};

/// A desk in a folder, which is opened and closed for each piece of work.
fn desk(dir: &Path) -> Desk {
    let url = format!("sqlite://{}", dir.join("payout.db").display());
    Desk::new(&url, "a test").unwrap().with_policy(policy())
}

/// A desk with a batch of that many rows.
async fn loaded(dir: &Path, rows: u64) -> Desk {
    let options = BatchOptions { concurrency: 4, ..BatchOptions::default() };
    load(&engine(dir).await, "june", options, payroll(rows)).await;
    desk(dir)
}

fn model() -> Arc<Model> {
    Arc::new(Model::new(1, Faults::default()).with_delay(Duration::from_millis(1)))
}

/// What a run came to.
async fn end(run: &Run) -> BatchSummary {
    run.ended().await;
    assert!(run.is_over());
    let (batch, summary) = run.result().unwrap().unwrap();
    assert_eq!(batch.name, run.name());
    summary
}

/// Goes on with the batch to its end, once the run before has let go of the store.
async fn finish(desk: &Desk, model: &Arc<Model>) -> BatchSummary {
    loop {
        let run = desk.resume(None, model.clone(), Watch::Numbers).await.unwrap().claim();
        run.ended().await;
        match run.result() {
            Ok(end) => return end.unwrap().1,
            Err(error) => assert_eq!(error.kind(), ErrorKind::Locked, "{error}"),
        }
    }
}

async fn assert_paid_once(dir: &Path, model: &Model) {
    let engine = engine(dir).await;
    let batch = engine.store().newest().await.unwrap();
    assert_books_agree(&rows(&engine, &batch).await, model);
}

/// A batch file with a row for each account.
fn file(name: &str, accounts: &[&str]) -> Rows {
    let mut text = "reference,first_name,last_name,phone_number,email,bank_account_number,bic,\
                    amount,currency\n"
        .to_owned();
    for (row, account) in accounts.iter().enumerate() {
        text.push_str(&format!(
            "P-{row},Dara,Sok,012345678,d@example.com,{account},ABAAKHPP,2.50,USD\n"
        ));
    }
    Rows::Bytes { name: name.to_owned(), bytes: text.into_bytes().into() }
}

#[tokio::test]
async fn an_order_becomes_a_batch_that_is_paid_and_reported() {
    let (dir, sandbox) = (tempfile::tempdir().unwrap(), Sandbox::start().unwrap());
    let (desk, client) = (desk(dir.path()), client_of(&sandbox));
    let order = Order::new(file("june.csv", &["0010111", "0020111", "0030111"]));
    let started = desk.begin(order.clone(), &client, Watch::Events).await.unwrap();
    let run = started.claim();
    assert!(run.name().starts_with("june-"), "{}", run.name());
    assert_eq!(run.warnings(), [] as [&str; 0]);
    let summary = end(&run).await;
    assert_eq!(summary.counts, BTreeMap::from([(Outcome::Paid, 3)]));

    let (batch, status) = desk.status(None).await.unwrap();
    assert_eq!((batch.state, status.counts), (BatchState::Finished, summary.counts));
    let page = desk.rows(Some(run.name()), 1, 2).await.unwrap();
    assert_eq!(page.iter().map(|row| row.row).collect::<Vec<_>>(), [2, 3]);
    let report = dir.path().join("report.csv");
    assert_eq!(desk.save_report(None, &report).await.unwrap(), 3);
    assert_eq!(std::fs::read_to_string(&report).unwrap().lines().count(), 4);
    let refused = desk.save_report(None, &dir.path().join("report.pdf")).await.unwrap_err();
    assert!(matches!(&refused, WriteError::Store(error) if error.kind() == ErrorKind::Config));
    assert_eq!(Format::of_file("A.HTML".as_ref()).unwrap(), Format::Html);

    // The same file again: refused for its references, and under others with a word of warning.
    let Err(Refused::File(error, checked)) = desk.begin(order, &client, Watch::Numbers).await
    else {
        panic!("it would be paid twice");
    };
    assert!(matches!(error.refusal(), Some(Refusal::PaidElsewhere { .. })), "{error}");
    assert_eq!(checked.valid, 3);
    assert_eq!(desk.batches().await.unwrap().len(), 1);
    let Rows::Bytes { bytes, .. } = file("", &["0010111", "0020111", "0030111"]) else {
        unreachable!("made above");
    };
    let text = String::from_utf8(bytes.to_vec()).unwrap().replace("P-", "Q-");
    let path = dir.path().join("again.csv");
    std::fs::write(&path, text).unwrap();
    let name = Some(" again ".to_owned());
    let order = Order { name, ..Order::new(Rows::File(path.into())) };
    let run = desk.begin(order, &client, Watch::Numbers).await.unwrap().claim();
    assert!(run.warnings()[0].contains("is this the same payroll?"), "{:?}", run.warnings());
    assert_eq!((end(&run).await.count(Outcome::Paid), run.name()), (3, "again"));
}

#[tokio::test]
async fn what_is_refused_leaves_no_trace() {
    let (dir, sandbox) = (tempfile::tempdir().unwrap(), Sandbox::start().unwrap());
    let (desk, client) = (desk(dir.path()), client_of(&sandbox));
    let wrong = Order::new(file("wrong.csv", &["0010111", "not an account"]));
    let named = Order { name: Some("a/b".to_owned()), ..wrong.clone() };
    let missing = Order::new(Rows::File(dir.path().join("missing.csv").into()));
    assert!(!format!("{wrong:?}").contains("0010111"), "people and accounts stand in it");
    for (order, kind) in
        [(wrong, ErrorKind::Refused), (named, ErrorKind::Config), (missing, ErrorKind::Intake)]
    {
        let Err(refused) = desk.begin(order, &client, Watch::Numbers).await else {
            panic!("{kind:?} is missing");
        };
        assert_eq!(refused.error().kind(), kind, "{refused}");
        assert_eq!(matches!(refused, Refused::File(..)), kind == ErrorKind::Refused);
    }
    assert!(!dir.path().join("payout.db").exists(), "nothing needed the store");
    assert_eq!(sandbox.ledger().rows.len(), 0);
    let refused = Desk::new("mysql://user:secret@host/db", "a test").err().unwrap();
    assert_eq!(refused.kind(), ErrorKind::Config);
}

#[tokio::test]
async fn events_come_in_order_to_their_reader_and_end_with_the_run() {
    let dir = tempfile::tempdir().unwrap();
    let desk = loaded(dir.path(), 30).await;
    let run = desk.resume(None, model(), Watch::Events).await.unwrap().claim();
    assert_eq!(run.batch().name, "june");
    let mut events = Vec::new();
    while let Some(next) = run.next_events().await {
        assert!(!next.is_empty());
        events.extend(next);
    }
    assert!(matches!(events.first(), Some(EngineEvent::Started { .. })), "{events:?}");
    let Some(EngineEvent::Ended { summary }) = events.last() else { panic!("{events:?}") };
    let paid = |event: &&EngineEvent| matches!(event, EngineEvent::Row { to: Outcome::Paid, .. });
    assert_eq!(events.iter().filter(paid).count(), 30);
    assert_eq!((summary.count(Outcome::Paid), run.summary().count(Outcome::Paid)), (30, 30));
    assert!(run.next_events().await.is_none(), "each is handed out once");
    assert_eq!(end(&run).await.counts, summary.counts);
}

#[tokio::test]
async fn numbers_are_kept_without_a_reader_and_events_are_not() {
    let dir = tempfile::tempdir().unwrap();
    let options = BatchOptions { dry_run: true, ..BatchOptions::default() };
    load(&engine(dir.path()).await, "dry", options, payroll(12)).await;
    let desk = desk(dir.path());
    let run = desk.resume(Some("dry"), model(), Watch::Numbers).await.unwrap().claim();
    assert!(run.next_events().await.is_none());
    assert!(run.is_over(), "there is no other end of what is read");
    assert_eq!((run.verified(), run.summary().count(Outcome::Pending)), (12, 12));
}

#[tokio::test]
async fn a_run_that_is_stopped_drains_and_another_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let (desk, model) = (loaded(dir.path(), 60).await, model());
    let run = desk.resume(None, model.clone(), Watch::Events).await.unwrap().claim();
    assert!(run.result().unwrap().is_none(), "it is on");
    run.next_events().await.unwrap();
    run.stop();
    let summary = end(&run).await;
    assert!(summary.interrupted && summary.stopped.is_none());
    let paid = summary.count(Outcome::Paid);
    assert!(paid < 60, "it went on");
    assert_eq!(paid + summary.count(Outcome::Pending), 60, "nothing is left half done");
    assert_eq!(finish(&desk, &model).await.count(Outcome::Paid), 60);
    assert_paid_once(dir.path(), &model).await;
}

#[tokio::test]
async fn a_run_that_is_given_up_has_no_result_and_pays_nobody_twice() {
    let dir = tempfile::tempdir().unwrap();
    let (desk, model) = (loaded(dir.path(), 60).await, model());
    let run = desk.resume(None, model.clone(), Watch::Events).await.unwrap().claim();
    let begins = |event: &EngineEvent| matches!(event, EngineEvent::Row { .. });
    while !run.next_events().await.unwrap().iter().any(begins) {}
    run.give_up();
    run.ended().await;
    assert!(run.result().unwrap().is_none());
    let (batch, summary) = desk.status(None).await.unwrap();
    assert_eq!(batch.state, BatchState::Running, "as after a crash");
    assert!(summary.count(Outcome::Paid) < 60);
    assert_eq!(finish(&desk, &model).await.count(Outcome::Paid), 60);
    assert_paid_once(dir.path(), &model).await;
}

#[tokio::test]
async fn a_run_that_nobody_claims_is_asked_to_end_and_one_that_is_claimed_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let (desk, model) = (loaded(dir.path(), 60).await, model());
    drop(desk.resume(None, model.clone(), Watch::Numbers).await.unwrap());
    let (_, summary) = settled(&desk, BatchState::Stopped).await;
    assert!(summary.interrupted && summary.count(Outcome::Paid) < 60, "{:?}", summary.counts);
    loop {
        drop(desk.resume(None, model.clone(), Watch::Numbers).await.unwrap().claim());
        // The run before may not have let go of the store yet.
        if desk.status(None).await.unwrap().0.state != BatchState::Stopped {
            break;
        }
        tokio::task::yield_now().await;
    }
    let (_, summary) = settled(&desk, BatchState::Finished).await;
    assert_eq!(summary.count(Outcome::Paid), 60);
    assert_paid_once(dir.path(), &model).await;
}

/// Looks at the batch until it is in that state.
async fn settled(desk: &Desk, state: BatchState) -> (Batch, BatchSummary) {
    loop {
        let (batch, summary) = desk.status(None).await.unwrap();
        if batch.state == state {
            return (batch, summary);
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn an_error_is_told_to_everybody_who_asks() {
    let dir = tempfile::tempdir().unwrap();
    let desk = loaded(dir.path(), 60).await;
    let first = desk.resume(None, model(), Watch::Events).await.unwrap().claim();
    first.next_events().await.unwrap();
    let second = desk.resume(None, model(), Watch::Numbers).await.unwrap().claim();
    second.ended().await;
    for _ in 0..2 {
        let error = second.result().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Locked);
        let holder = format!("a test resume, process {} on ", std::process::id());
        assert!(error.in_full().contains(&holder), "{error}");
    }
    first.stop();
    first.ended().await;
}

#[tokio::test]
async fn people_decide_retry_cancel_reconcile_and_purge() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path().join("payout.db")).await.unwrap();
    let store: Arc<dyn Store> = Arc::new(store);
    let mut payouts = payroll(2);
    payouts.push(payout(3, "900000001", Money::usd("5").unwrap()));
    payouts.push(payout(4, "000000777", Money::usd("5").unwrap()));
    payouts.push(payout(5, "000000422", Money::usd("5").unwrap()));
    load(&engine(dir.path()).await, "june", BatchOptions::default(), payouts).await;
    let desk = Desk::on(Arc::clone(&store), "a test").with_policy(policy());
    let model = Arc::new(Model::new(1, Faults::default()).with_otp_lifetime(FOR_EVER));
    finish(&desk, &model).await;

    let refused = desk.decide(None, "R-1", Ruling::Rejected, "me", "why").await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::NotAllowed);
    let row = desk.decide(None, "R-3", Ruling::Rejected, "me", "closed").await.unwrap();
    assert_eq!((row.row, row.outcome), (3, Outcome::Cancelled));
    let waiting = desk.otp(Some("june")).await.unwrap();
    assert_eq!(waiting.iter().map(|row| row.row).collect::<Vec<_>>(), [4]);
    let (name, compared) = desk.reconcile(None, &*model).await.unwrap();
    assert_eq!((name.as_str(), compared.rows, compared.stopped), ("june", 5, None));

    let run = desk.retry(None, model.clone(), Watch::Numbers).await.unwrap().claim();
    assert_eq!(end(&run).await.count(Outcome::Failed), 1);
    assert_eq!(desk.rows(None, 4, 1).await.unwrap()[0].attempts, 2);
    let reason = Some("a wrong file".to_owned());
    let run = desk.cancel(None, "me", reason, model, Watch::Numbers).await.unwrap().claim();
    let summary = end(&run).await;
    assert_eq!((summary.count(Outcome::AwaitingOtp), summary.count(Outcome::Paid)), (0, 2));
    assert!(summary.cancelled.is_some());
    let (batch, summary) = desk.purge(None).await.unwrap();
    assert!(batch.purged_at.is_some());
    assert_eq!(summary.rows, 5);
    let unknown = desk.status(Some("july")).await.unwrap_err();
    assert_eq!(unknown.kind(), ErrorKind::NoSuchBatch);
}

/// Longer than any test.
const FOR_EVER: Duration = Duration::from_secs(3_600);
