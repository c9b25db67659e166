//! The lease: what runners on other machines go by, and the heartbeat that keeps it.

use std::{path::Path, sync::Arc, time::Duration};

use jiff::Timestamp;
use payout_engine::{
    Batch, BatchCode, BatchOptions, Brakes, Cancel, CancelRequest, Engine, Error, ErrorKind, Lease,
    NewBatch, OtpMode, Policy, SqliteStore, Store,
};
use rand::{SeedableRng, rngs::StdRng};

use crate::{
    engine::{load, payout, payroll, policy},
    model::{Faults, Model, identity},
};

const HALF_A_MINUTE: Option<Duration> = Some(Duration::from_secs(30));

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(1_800_000_000_000 + millis).unwrap()
}

/// The store as a runner on `host` sees it, past the lock of the others: as over a network, where
/// locks do not reach.
async fn seen_from(dir: &Path, host: &str) -> SqliteStore {
    let link = dir.join(format!("{host}.db"));
    drop(std::fs::File::options().create(true).append(true).open(dir.join("payout.db")).unwrap());
    if !link.is_symlink() {
        std::os::unix::fs::symlink(dir.join("payout.db"), &link).unwrap();
    }
    SqliteStore::open(link).await.unwrap().with_host(host)
}

async fn begin(store: &SqliteStore, name: &str, now: Timestamp) -> Result<Lease, Error> {
    let options = BatchOptions::default();
    let new =
        NewBatch { name: name.to_owned(), options, source: "file.csv".to_owned(), paused_by: None };
    let code = BatchCode::random(&mut StdRng::seed_from_u64(name.len() as u64));
    store.create(&new, &identity(), code, "payout run, process 17 on here", now).await
}

async fn loaded(store: &SqliteStore) -> (Batch, Lease) {
    let lease = begin(store, "a", at(0)).await.unwrap();
    store.append(&lease, &payroll(3), at(0)).await.unwrap();
    (store.complete(&lease, at(0)).await.unwrap(), lease)
}

#[tokio::test]
async fn a_runner_elsewhere_waits_for_the_lease_and_is_told_whose_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let here = seen_from(dir.path(), "here").await;
    let (batch, lease) = loaded(&here).await;
    here.renew(&lease, HALF_A_MINUTE, at(0)).await.unwrap();
    let shown = here.batch(Some("a")).await.unwrap().lease.unwrap();
    assert_eq!(
        (shown.runner.as_str(), shown.until),
        ("payout run, process 17 on here", at(30_000))
    );

    let there = seen_from(dir.path(), "there").await;
    for refused in [
        there.lease(&batch, "second", at(29_999)).await.unwrap_err(),
        begin(&there, "bb", at(29_999)).await.unwrap_err(),
    ] {
        assert_eq!(refused.kind(), ErrorKind::Locked);
        let told = refused.to_string();
        assert!(told.contains("payout run, process 17 on here"), "{told}");
        assert!(told.contains("08:00:30 UTC"), "{told}");
    }
    here.renew(&lease, HALF_A_MINUTE, at(30_000)).await.unwrap();
    there.lease(&batch, "second", at(31_000)).await.unwrap_err();

    let taken = there.lease(&batch, "second", at(60_000)).await.unwrap();
    let late = here.renew(&lease, HALF_A_MINUTE, at(60_000)).await.unwrap_err();
    assert_eq!(late.kind(), ErrorKind::Fenced, "it slept, and somebody took over");
    there.renew(&taken, HALF_A_MINUTE, at(60_000)).await.unwrap();
}

#[tokio::test]
async fn a_lease_that_was_given_up_or_is_of_this_machine_keeps_nobody_waiting() {
    let dir = tempfile::tempdir().unwrap();
    let here = seen_from(dir.path(), "here").await;
    let (batch, lease) = loaded(&here).await;
    here.renew(&lease, HALF_A_MINUTE, at(0)).await.unwrap();
    drop((here, lease));
    // As after `kill -9`: the lock is free, so whoever had it is dead.
    let here = seen_from(dir.path(), "here").await;
    let again = here.lease(&batch, "resume", at(1)).await.unwrap();
    here.renew(&again, HALF_A_MINUTE, at(0)).await.unwrap();
    here.renew(&again, None, at(0)).await.unwrap();
    assert_eq!(here.batch(Some("a")).await.unwrap().lease, None);
    seen_from(dir.path(), "there").await.lease(&batch, "second", at(2)).await.unwrap();
}

#[tokio::test]
async fn a_request_to_cancel_needs_no_lease_and_the_first_one_stands() {
    let dir = tempfile::tempdir().unwrap();
    let here = seen_from(dir.path(), "here").await;
    let request = |by: &str, reason: Option<&str>, now| CancelRequest {
        at: now,
        by: by.to_owned(),
        reason: reason.map(str::to_owned),
    };
    let (batch, lease) = loaded(&here).await;
    here.renew(&lease, HALF_A_MINUTE, at(0)).await.unwrap();
    assert_eq!(here.brakes(batch.id).await.unwrap(), Brakes::default());
    let there = seen_from(dir.path(), "there").await;
    let first = request("sophea", Some("the wrong month"), at(5));
    assert_eq!(there.request_cancel(&batch, &first).await.unwrap(), first);
    let second = request("dara", None, at(9));
    assert_eq!(here.request_cancel(&batch, &second).await.unwrap(), first);
    assert_eq!(here.brakes(batch.id).await.unwrap().cancel, Some(first.clone()));
    assert_eq!(first.to_string(), "cancelled by sophea: the wrong month");
    assert_eq!(there.summary(batch.id).await.unwrap().cancelled, Some(first));
    here.renew(&lease, HALF_A_MINUTE, at(1_000)).await.unwrap();
}

/// Rows that wait for a password until the test says otherwise, and a policy under which nothing
/// but the heartbeat writes meanwhile.
async fn waiting(dir: &Path) -> (Engine, Batch, Arc<Model>) {
    let hour = Duration::from_secs(3_600);
    let store = Arc::new(SqliteStore::open(dir.join("payout.db")).await.unwrap());
    let policy = Policy {
        lease: Duration::from_millis(1_500),
        otp: payout_engine::Backoff { first: hour, longest: hour },
        ..policy()
    };
    let engine = Engine::new(store).with_policy(policy).with_runner("the run");
    let options = BatchOptions { otp: OtpMode::Wait, ..BatchOptions::default() };
    let rows = vec![payout(1, "000000777", kess_gateway::Money::usd("5").unwrap())];
    let batch = load(&engine, "otp", options, rows).await;
    let model = Model::new(1, Faults::default()).with_otp_lifetime(hour * 9);
    (engine, batch, Arc::new(model))
}

#[tokio::test]
async fn a_run_keeps_its_lease_alive_and_gives_it_up_at_its_end() {
    let dir = tempfile::tempdir().unwrap();
    let (engine, batch, model) = waiting(dir.path()).await;
    let cancel = Cancel::new();
    let watch = async {
        let mut seen = Vec::new();
        while seen.len() < 4 {
            let shown = engine.store().batch(Some("otp")).await.unwrap().lease;
            if let Some(lease) = shown.filter(|lease| seen.last() != Some(&lease.until)) {
                assert_eq!(lease.runner, "the run");
                assert!(seen.last().is_none_or(|last| *last < lease.until), "it went back");
                seen.push(lease.until);
            }
        }
        cancel.cancel();
    };
    let (ended, ()) = tokio::join!(engine.run(&batch, model, &cancel), watch);
    assert!(ended.unwrap().interrupted);
    assert_eq!(engine.store().batch(Some("otp")).await.unwrap().lease, None);
}

#[tokio::test]
async fn a_run_whose_batch_was_taken_over_ends() {
    let dir = tempfile::tempdir().unwrap();
    let (engine, batch, model) = waiting(dir.path()).await;
    let take_over = async {
        while model.books().orders.is_empty() {
            tokio::task::yield_now().await;
        }
        let link = dir.path().join("alias.db");
        std::os::unix::fs::symlink(dir.path().join("payout.db"), &link).unwrap();
        let other = SqliteStore::open(link).await.unwrap();
        other.lease(&batch, "another", Timestamp::now()).await.unwrap()
    };
    let cancel = Cancel::new();
    let (ended, _lease) = tokio::join!(engine.run(&batch, model.clone(), &cancel), take_over);
    assert_eq!(ended.unwrap_err().kind(), ErrorKind::Fenced);
    assert_eq!(model.books().calls["withdraw"], 1);
}
