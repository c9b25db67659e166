//! Cancelling a batch: after the request is stored nothing is sent, whatever happens.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use kess_gateway::Money;
use payout_engine::{
    Batch, BatchOptions, BatchState, Cancel, Engine, ErrorKind, NameCheck, OtpMode, Outcome,
    Policy, Ruling, SqliteStore, StopCause,
};
use rand::{Rng, SeedableRng, rngs::StdRng};

use crate::{
    engine::{assert_books_agree, engine, load, payout, payroll, policy, rows},
    model::{Faults, Model},
};

/// An engine that looks for a request to cancel all the time.
async fn attentive(dir: &std::path::Path) -> Engine {
    let store = Arc::new(SqliteStore::open(dir.join("payout.db")).await.unwrap());
    Engine::new(store).with_policy(Policy { look_every: Duration::from_millis(1), ..policy() })
}

/// Asks to cancel once the gateway has booked `orders`; `other` is an engine on a store of its own,
/// as another process has.
async fn cancel_at(other: &Engine, batch: &Batch, model: &Model, orders: usize) {
    while model.books().orders.len() < orders {
        tokio::task::yield_now().await;
    }
    other.request_cancel(batch, "sophea", Some("the wrong month")).await.unwrap();
}

#[tokio::test]
async fn a_batch_that_runs_ends_when_somebody_cancels_it_and_the_rest_is_never_sent() {
    let dir = tempfile::tempdir().unwrap();
    let engine = attentive(dir.path()).await;
    let model = Arc::new(Model::new(1, Faults::default()).with_delay(Duration::from_millis(2)));
    // Slow enough that there is always something left to cancel.
    let options = BatchOptions { concurrency: 4, rate: Some(100), ..BatchOptions::default() };
    let batch = load(&engine, "june", options, payroll(300)).await;
    let (none, other) = (Cancel::new(), attentive(dir.path()).await);
    let run = engine.run(&batch, model.clone(), &none);
    let (ended, ()) = tokio::join!(run, cancel_at(&other, &batch, &model, 10));
    let ended = ended.unwrap();
    let stopped = ended.stopped.clone().unwrap();
    assert_eq!(stopped.cause, StopCause::Cancelled);
    assert!(stopped.message.contains("cancelled by sophea: the wrong month"), "{stopped:?}");
    assert!(ended.count(Outcome::Pending) > 0, "it was cancelled too late");
    assert_eq!(engine.store().batch(None).await.unwrap().state, BatchState::Stopped);

    let sent = model.books().calls["withdraw"];
    let summary = engine.run(&batch, model.clone(), &none).await.unwrap();
    assert_eq!(summary.stopped, None);
    assert_eq!(summary.count(Outcome::Paid) + summary.count(Outcome::Cancelled), 300);
    assert_eq!(model.books().calls["withdraw"], sent, "sent after the request");
    assert_books_agree(&rows(&engine, &batch).await, &model);
    let stored = engine.store().batch(Some("june")).await.unwrap();
    assert_eq!(
        (stored.state, stored.cancelled.unwrap().by.as_str()),
        (BatchState::Finished, "sophea")
    );

    let again = engine.retry(&batch, model.clone(), &none).await.unwrap_err();
    assert!(again.to_string().contains("was cancelled; pay its rows from a new file"), "{again}");
    engine.run(&batch, model.clone(), &none).await.unwrap();
    assert_eq!(model.books().calls["withdraw"], sent);
    // What was cancelled may be paid from another file; what was paid may not.
    let anew = load(&engine, "july", BatchOptions::default(), payroll(300)).await;
    let after = engine.run(&anew, model, &none).await.unwrap();
    assert_eq!(after.count(Outcome::Paid), summary.count(Outcome::Cancelled));
    assert_eq!(after.count(Outcome::Held), summary.count(Outcome::Paid));
}

#[tokio::test]
async fn held_rows_and_rows_that_wait_for_a_password_are_cancelled_too() {
    let dir = tempfile::tempdir().unwrap();
    let engine = engine(dir.path()).await;
    let model = Model::new(1, Faults::default()).with_otp_lifetime(Duration::from_secs(600));
    let model = Arc::new(model);
    let five = || Money::usd("5").unwrap();
    let payouts = vec![
        payout(1, "000000777", five()),
        payout(2, "000000411", five()),
        payout(3, "000010777", five()),
        payout(4, "000000001", five()),
    ];
    let options = BatchOptions { name_match: NameCheck::Strict, ..BatchOptions::default() };
    let batch = load(&engine, "june", options, payouts).await;
    let none = Cancel::new();
    engine.run(&batch, model.clone(), &none).await.unwrap();
    let records = rows(&engine, &batch).await;
    let entered = records[2].payout.order.as_ref().unwrap().no.to_string();
    engine.request_cancel(&batch, "sophea", None).await.unwrap();
    let release =
        engine.decide(&batch, "R-2", Ruling::Released, "dara", "known to us").await.unwrap_err();
    assert_eq!(release.kind(), ErrorKind::NotAllowed, "{release}");
    // Somebody enters a password in the last moment: that payment stands.
    model.books().orders.get_mut(&entered).unwrap().status = "SUCCESS";
    let summary = engine.run(&batch, model.clone(), &none).await.unwrap();
    assert_eq!(summary.counts, BTreeMap::from([(Outcome::Paid, 2), (Outcome::Cancelled, 2)]));
    let records = rows(&engine, &batch).await;
    assert_books_agree(&records, &model);
    let closed = records[0].payout.order.as_ref().unwrap();
    assert_eq!(model.books().orders[closed.no.as_str()].status, "CLOSED");
    assert_eq!(records[2].payout.outcome(), Outcome::Paid);
}

const FAULTS: Faults = Faults {
    not_sent: 100,
    cut_before: 150,
    cut_after: 150,
    refuse: 50,
    hide: 300,
    unknown: 100,
    slow: 200,
    busy: 20,
};

/// A life with faults: the run is torn off right after the request, the closing run at a random
/// moment. Afterwards nothing arrives any more, every row ends, and nobody who was cancelled has
/// the money. Returns how many rows were given up although they were sent.
async fn cancelled_in_trouble(seed: u64) -> usize {
    let mut rng = StdRng::seed_from_u64(seed);
    let dir = tempfile::tempdir().unwrap();
    let model = Model::new(seed, FAULTS).with_otp_lifetime(Duration::from_secs(600));
    let model = Arc::new(model.with_delay(Duration::from_millis(1)));
    // Nobody enters a password, so no run ends before it is cancelled.
    let options = BatchOptions { concurrency: 16, otp: OtpMode::Wait, ..BatchOptions::default() };
    let mut payouts = payroll(60);
    payouts.extend(
        (61..70).map(|row| {
            payout(row, &format!("0{row:05}0777"), Money::usd(&format!("{row}")).unwrap())
        }),
    );
    let (engine, other) = (attentive(dir.path()).await, attentive(dir.path()).await);
    let batch = load(&engine, "june", options, payouts).await;
    let (none, wait) = (Cancel::new(), Duration::from_secs(9));
    tokio::select! {
        biased;
        () = cancel_at(&other, &batch, &model, rng.gen_range(1..30)) => {}
        _ = engine.run(&batch, model.clone(), &none) => panic!("seed {seed}: it ended by itself"),
    }
    drop(engine);
    let arrived = || model.books().arrived.values().sum::<u32>();
    let queries = || model.books().calls.get("query").copied().unwrap_or(0);
    let (before, torn_off_at) = (arrived(), queries() + rng.gen_range(1..20));
    let engine = other;
    tokio::select! {
        biased;
        () = async { while queries() < torn_off_at { tokio::task::yield_now().await } } => {}
        _ = engine.run_once_free(&batch, model.clone(), &none, wait) => {}
    }
    let summary = engine.run_once_free(&batch, model.clone(), &none, wait).await.unwrap();
    assert_eq!(arrived(), before, "seed {seed}: sent after the request");
    let is_open = |outcome: &&Outcome| !outcome.is_final() && summary.count(**outcome) > 0;
    assert_eq!(Outcome::ALL.iter().find(is_open), None, "seed {seed}: {:?}", summary.counts);
    assert!(summary.count(Outcome::Cancelled) > 0, "seed {seed}: {:?}", summary.counts);
    assert_eq!(engine.store().verify(batch.id, None).await.unwrap().broken, None);
    let records = rows(&engine, &batch).await;
    assert_books_agree(&records, &model);

    let mut unbooked = 0;
    for record in records.iter().filter(|it| it.payout.outcome() == Outcome::Cancelled) {
        let order = record.payout.order.as_ref();
        let is_unbooked = order.is_some_and(|order| order.sends > 0 && !order.seen);
        unbooked += usize::from(is_unbooked);
        // Its order might still appear: another batch must not pay it without a word.
        let elsewhere = engine.store().conflicts(&[record.reference.as_str()], None).await.unwrap();
        let may_be_paid = elsewhere.iter().any(|it| it.outcome == Outcome::InDoubt);
        assert_eq!(may_be_paid, is_unbooked, "seed {seed}: {elsewhere:?}");
    }
    unbooked
}

#[tokio::test]
async fn no_order_arrives_after_the_request_whatever_goes_wrong() {
    let mut unbooked = 0;
    for seed in 1..=6 {
        unbooked += cancelled_in_trouble(seed).await;
    }
    assert!(unbooked > 0, "no row in doubt was given up");
}
