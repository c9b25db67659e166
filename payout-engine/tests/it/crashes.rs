//! Crashes: at every durable write, before it and after it, and at arbitrary moments.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use futures_util::future::{BoxFuture, FutureExt};
use jiff::Timestamp;
use payout_engine::{
    Batch, BatchCode, BatchId, BatchOptions, BatchSummary, Brakes, Cancel, CancelRequest, Changes,
    Claim, Conflict, Engine, Error, ErrorKind, GatewayIdentity, Lease, LogAudit, LogHash, NewBatch,
    NewPayout, OrderNo, Outcome, PauseRequest, PayoutRecord, RunnerLease, SqliteStore, StateChange,
    Store, Stretch, Sum, Transition,
};
use rand::{Rng, SeedableRng, rngs::StdRng};

use crate::{
    engine::{assert_books_agree, engine, load, payroll, policy, rows},
    model::{Faults, Model},
};

/// A store that dies at one of its writes: the process that used it is gone then.
struct Dying {
    inner: SqliteStore,
    writes_left: AtomicI64,
    /// Whether the fatal write lands before the end.
    lands: bool,
}

impl Dying {
    fn dies<'a, T: Send + 'a>(
        &'a self,
        write: BoxFuture<'a, Result<T, Error>>,
    ) -> BoxFuture<'a, Result<T, Error>> {
        async move {
            let left = self.writes_left.fetch_sub(1, Ordering::SeqCst);
            if left > 0 {
                return write.await;
            }
            if left == 0 && self.lands {
                write.await?;
            }
            Err(Error::config("crash"))
        }
        .boxed()
    }
}

type Answer<'a, T> = BoxFuture<'a, Result<T, Error>>;

impl Store for Dying {
    fn create<'a>(
        &'a self,
        new: &'a NewBatch,
        gateway: &'a GatewayIdentity,
        code: BatchCode,
        runner: &'a str,
        now: Timestamp,
    ) -> Answer<'a, Lease> {
        self.dies(self.inner.create(new, gateway, code, runner, now))
    }
    fn append<'a>(&'a self, l: &'a Lease, rows: &'a [NewPayout], now: Timestamp) -> Answer<'a, ()> {
        self.dies(self.inner.append(l, rows, now))
    }
    fn complete<'a>(&'a self, lease: &'a Lease, now: Timestamp) -> Answer<'a, Batch> {
        self.dies(self.inner.complete(lease, now))
    }
    fn lease<'a>(&'a self, batch: &'a Batch, runner: &'a str, now: Timestamp) -> Answer<'a, Lease> {
        self.dies(self.inner.lease(batch, runner, now))
    }
    fn renew<'a>(
        &'a self,
        lease: &'a Lease,
        hold: Option<Duration>,
        now: Timestamp,
    ) -> Answer<'a, ()> {
        self.dies(self.inner.renew(lease, hold, now))
    }
    fn runners(&self, batch: BatchId) -> Answer<'_, Vec<RunnerLease>> {
        self.inner.runners(batch)
    }
    fn request_cancel<'a>(
        &'a self,
        batch: &'a Batch,
        request: &'a CancelRequest,
    ) -> Answer<'a, CancelRequest> {
        self.dies(self.inner.request_cancel(batch, request))
    }
    fn request_pause<'a>(
        &'a self,
        batch: &'a Batch,
        request: &'a PauseRequest,
    ) -> Answer<'a, PauseRequest> {
        self.dies(self.inner.request_pause(batch, request))
    }
    fn lift_pause<'a>(&'a self, b: &'a Batch, by: &'a str, now: Timestamp) -> Answer<'a, ()> {
        self.dies(self.inner.lift_pause(b, by, now))
    }
    fn brakes(&self, batch: BatchId) -> Answer<'_, Brakes> {
        self.inner.brakes(batch)
    }
    fn nudge<'a>(&'a self, no: &'a OrderNo, now: Timestamp) -> Answer<'a, Option<BatchId>> {
        self.inner.nudge(no, now)
    }
    fn changes(&self) -> Changes {
        self.inner.changes()
    }
    fn batch<'a>(&'a self, name: Option<&'a str>) -> Answer<'a, Batch> {
        self.inner.batch(name)
    }
    fn newest(&self) -> Answer<'_, Batch> {
        self.inner.newest()
    }
    fn batches(&self) -> Answer<'_, Vec<Batch>> {
        self.inner.batches()
    }
    fn summary(&self, batch: BatchId) -> Answer<'_, BatchSummary> {
        self.inner.summary(batch)
    }
    fn set_state<'a>(&'a self, l: &'a Lease, c: StateChange, now: Timestamp) -> Answer<'a, ()> {
        self.dies(self.inner.set_state(l, c, now))
    }
    fn wake<'a>(&'a self, lease: &'a Lease, now: Timestamp) -> Answer<'a, ()> {
        self.dies(self.inner.wake(lease, now))
    }
    fn hold_duplicates<'a>(&'a self, lease: &'a Lease, now: Timestamp) -> Answer<'a, u64> {
        self.dies(self.inner.hold_duplicates(lease, now))
    }
    fn write<'a>(&'a self, l: &'a Lease, t: &'a [Transition], now: Timestamp) -> Answer<'a, ()> {
        self.dies(self.inner.write(l, t, now))
    }
    fn offer<'a>(&'a self, l: &'a Lease, t: &'a [Transition], now: Timestamp) -> Answer<'a, u64> {
        self.dies(self.inner.offer(l, t, now))
    }
    fn claim<'a>(
        &'a self,
        lease: &'a Lease,
        now: Timestamp,
        limit: usize,
        under_way: &'a [u64],
    ) -> Answer<'a, Vec<Claim>> {
        self.inner.claim(lease, now, limit, under_way)
    }
    fn next_due<'a>(&'a self, lease: &'a Lease, now: Timestamp) -> Answer<'a, Option<Timestamp>> {
        self.inner.next_due(lease, now)
    }
    fn rows_of<'a>(
        &'a self,
        batch: BatchId,
        outcomes: &'a [Outcome],
        after: u64,
        limit: usize,
    ) -> Answer<'a, Vec<PayoutRecord>> {
        self.inner.rows_of(batch, outcomes, after, limit)
    }
    fn timeline(&self, batch: BatchId, stretch: Duration) -> Answer<'_, Vec<Stretch>> {
        self.inner.timeline(batch, stretch)
    }
    fn audit(&self, batch: BatchId) -> Answer<'_, ()> {
        self.inner.audit(batch)
    }
    fn verify(&self, batch: BatchId, noted: Option<LogHash>) -> Answer<'_, LogAudit> {
        self.inner.verify(batch, noted)
    }
    fn rows(&self, batch: BatchId, after: u64, limit: usize) -> Answer<'_, Vec<PayoutRecord>> {
        self.inner.rows(batch, after, limit)
    }
    fn find<'a>(&'a self, batch: BatchId, reference: &'a str) -> Answer<'a, Option<PayoutRecord>> {
        self.inner.find(batch, reference)
    }
    fn purge<'a>(&'a self, lease: &'a Lease, now: Timestamp) -> Answer<'a, ()> {
        self.dies(self.inner.purge(lease, now))
    }
    fn conflicts<'a>(
        &'a self,
        references: &'a [&'a str],
        except: Option<BatchId>,
    ) -> Answer<'a, Vec<Conflict>> {
        self.inner.conflicts(references, except)
    }
    fn in_flight_elsewhere(&self, batch: BatchId) -> Answer<'_, Vec<Sum>> {
        self.inner.in_flight_elsewhere(batch)
    }
}

const FAULTS: Faults = Faults {
    not_sent: 150,
    cut_before: 150,
    cut_after: 200,
    refuse: 100,
    hide: 300,
    unknown: 100,
    slow: 200,
    busy: 0,
};

/// The batch is taken up again until it ends, and then both books agree.
async fn finish(dir: &Path, name: &str, model: &Arc<Model>, what: &str) {
    let engine = engine(dir).await;
    let batch = engine.store().batch(Some(name)).await.unwrap();
    let summary = engine.run(&batch, model.clone(), &Cancel::new()).await.unwrap();
    let records = rows(&engine, &batch).await;
    assert_books_agree(&records, model);
    let ended = summary.count(Outcome::Paid) + summary.count(Outcome::Failed);
    assert_eq!(ended, records.len() as u64, "{what}: {:?}", summary.counts);
}

/// Runs a batch on a store that dies at its `nth` write. False if it never came to that.
async fn dies_at(nth: i64, lands: bool, seed: u64) -> bool {
    let what = format!("seed {seed}, write {nth}, landed: {lands}");
    let dir = tempfile::tempdir().unwrap();
    let model = Arc::new(Model::new(seed, FAULTS));
    let first = engine(dir.path()).await;
    let options = BatchOptions { concurrency: 2, ..BatchOptions::default() };
    let batch = load(&first, "crashing", options, payroll(3)).await;
    drop(first);
    let inner = SqliteStore::open(dir.path().join("payout.db")).await.unwrap();
    let dying = Dying { inner, writes_left: AtomicI64::new(nth), lands };
    let run = Engine::new(Arc::new(dying)).with_policy(policy());
    let died = run.run(&batch, model.clone(), &Cancel::new()).await.is_err();
    drop(run);
    finish(dir.path(), "crashing", &model, &what).await;
    died
}

#[tokio::test]
async fn a_crash_at_any_durable_write_pays_nobody_twice() {
    for seed in 1..=2 {
        for lands in [false, true] {
            let mut nth = 0;
            while dies_at(nth, lands, seed).await {
                nth += 1;
            }
            assert!(nth > 8, "seed {seed}: only {nth} writes");
        }
    }
}

#[tokio::test]
async fn a_crash_while_loading_leaves_nothing_half_payable() {
    for nth in 0..3 {
        let dir = tempfile::tempdir().unwrap();
        let inner = SqliteStore::open(dir.path().join("payout.db")).await.unwrap();
        let dying = Dying { inner, writes_left: AtomicI64::new(nth), lands: false };
        let loading = Engine::new(Arc::new(dying));
        let new = NewBatch {
            name: "a".to_owned(),
            options: BatchOptions::default(),
            source: "f.csv".to_owned(),
            paused_by: None,
        };
        let identity = crate::model::identity();
        loading.create(&new, &identity, payroll(9).into_iter().map(Ok)).await.unwrap_err();
        drop(loading);
        let after = engine(dir.path()).await;
        let unfinished = after.store().batch(None).await.unwrap_err();
        assert_eq!(unfinished.kind(), ErrorKind::NoSuchBatch, "write {nth}");
        let batch = load(&after, "a", BatchOptions::default(), payroll(9)).await;
        assert_eq!(batch.rows, 9);
    }
}

/// The run's future is dropped at arbitrary moments: turns end wherever they wait.
#[tokio::test]
async fn being_dropped_at_any_moment_pays_nobody_twice() {
    for seed in 1..=4 {
        let dir = tempfile::tempdir().unwrap();
        let model = Arc::new(Model::new(seed, FAULTS).with_delay(Duration::from_millis(1)));
        let mut moments = StdRng::seed_from_u64(seed);
        let first = engine(dir.path()).await;
        let options = BatchOptions { concurrency: 8, ..BatchOptions::default() };
        load(&first, "dropped", options, payroll(60)).await;
        drop(first);
        let mut drops = 0;
        while drops < 25 {
            let engine = engine(dir.path()).await;
            let Ok(batch) = engine.store().batch(None).await else { break };
            let moment = Duration::from_millis(moments.gen_range(1..25));
            match tokio::time::timeout(moment, engine.run(&batch, model.clone(), &Cancel::new()))
                .await
            {
                Err(_) => drops += 1,
                Ok(Ok(_)) => break,
                // The dropped run's last commit is still under way, and so is its lock.
                Ok(Err(error)) => assert_eq!(error.kind(), ErrorKind::Locked, "{error}"),
            }
        }
        assert!(drops > 3, "seed {seed}: only {drops} drops");
        let lock = std::fs::File::open(dir.path().join("payout.db.lock")).unwrap();
        while lock.try_lock().is_err() {
            tokio::task::yield_now().await;
        }
        lock.unlock().unwrap();
        finish(dir.path(), "dropped", &model, &format!("seed {seed}")).await;
    }
}
