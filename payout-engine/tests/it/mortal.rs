//! Processes that die: virtual time, and a store and a gateway around which a process can end at
//! every write and every call, before it and after it.
//!
//! A process is a runtime of its own. When its fate strikes, nothing in it goes on, and it is
//! dropped with all its tasks: what is left is what the store holds and what is on its way to the
//! gateway. Nothing waits: time is the runtime's, and jumps to whatever comes next.

use std::{
    collections::BTreeMap,
    future::{Future, pending},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::{
    future::{BoxFuture, FutureExt},
    stream::BoxStream,
};
use jiff::{Timestamp, civil::Date};
use kess_gateway::{Amount, Currency};
use payout_engine::{
    BankToken, Batch, BatchCode, BatchId, BatchSummary, Brakes, CallError, Cancel, CancelRequest,
    Changes, Claim, Conflict, Error, Gateway, GatewayIdentity, Holder, Lease, LogAudit, LogHash,
    NewBatch, NewPayout, OrderNo, OrderView, Outcome, PauseRequest, Payee, PayoutRecord,
    RunnerLease, SealedPayee, StateChange, Store, Stretch, Sum, Transition, Wallet, Withdrawal,
};
use tokio::time::Instant;

type Answer<'a, T> = BoxFuture<'a, Result<T, Error>>;
type Call<'a, T> = BoxFuture<'a, Result<T, CallError>>;

/// Longer than anything that the engine ever waits for.
const FOR_EVER: Duration = Duration::from_secs(90 * 24 * 3_600);

/// Time that goes on from one process to the next, in milliseconds.
#[derive(Clone, Default)]
pub(crate) struct VirtualClock(Arc<Mutex<(i64, Option<Instant>)>>);

impl VirtualClock {
    pub(crate) fn now(&self) -> i64 {
        let (base, origin) = *self.0.lock().unwrap();
        base + origin.map_or(0, |origin| i64::try_from(origin.elapsed().as_millis()).unwrap())
    }

    /// Time passes while no process runs.
    pub(crate) fn pass(&self, millis: i64) {
        self.0.lock().unwrap().0 += millis;
    }

    fn enter(&self) {
        self.0.lock().unwrap().1 = Some(Instant::now());
    }

    fn leave(&self) {
        let now = self.now();
        *self.0.lock().unwrap() = (now, None);
    }
}

/// What happened, line by line: the same seed writes the same text.
#[derive(Clone, Default)]
pub(crate) struct Trace(Arc<Mutex<String>>);

impl Trace {
    pub(crate) fn line(&self, at: i64, text: &str) {
        let mut trace = self.0.lock().unwrap();
        trace.push_str(&format!("{at:>10} {text}\n"));
    }

    pub(crate) fn text(&self) -> String {
        self.0.lock().unwrap().clone()
    }
}

type Dice = Box<dyn FnMut(&str) -> bool + Send>;

/// When a process dies.
pub(crate) struct Fate {
    dice: Mutex<Dice>,
    died: Cancel,
    points: AtomicUsize,
}

impl Fate {
    /// Strikes where `dice` says so; it is shown every point that the process comes to.
    pub(crate) fn new(dice: impl FnMut(&str) -> bool + Send + 'static) -> Arc<Self> {
        let dice = Mutex::new(Box::new(dice) as Dice);
        Arc::new(Self { dice, died: Cancel::new(), points: AtomicUsize::new(0) })
    }

    /// Strikes at the `nth` point, from 0.
    pub(crate) fn at(nth: usize) -> Arc<Self> {
        let mut seen = 0;
        Self::new(move |_| {
            seen += 1;
            seen == nth + 1
        })
    }

    pub(crate) fn never() -> Arc<Self> {
        Self::new(|_| false)
    }

    /// Ends when it has struck.
    pub(crate) async fn died(&self) {
        self.died.cancelled().await;
    }

    /// How many points the process came to.
    pub(crate) fn points(&self) -> usize {
        self.points.load(Ordering::SeqCst)
    }

    /// The process comes to a point at which it can die, and goes no further if it does.
    async fn point(&self, what: &str) {
        if self.died.is_cancelled() {
            pending::<()>().await;
        }
        self.points.fetch_add(1, Ordering::SeqCst);
        if (self.dice.lock().unwrap())(what) {
            self.died.cancel();
            pending::<()>().await;
        }
    }

    async fn around<T>(&self, what: &str, doing: impl Future<Output = T>) -> T {
        self.point(&format!("before {what}")).await;
        let done = doing.await;
        self.point(&format!("after {what}")).await;
        done
    }
}

/// Runs `life` as a process in virtual time. `None` if it died.
pub(crate) fn process<T>(
    clock: &VirtualClock,
    fate: &Fate,
    life: impl Future<Output = T>,
) -> Option<T> {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        clock.enter();
        let ended = tokio::select! {
            biased;
            () = fate.died.cancelled() => None,
            done = life => Some(done),
            () = tokio::time::sleep(FOR_EVER) => panic!("the process hangs"),
        };
        clock.leave();
        ended
    })
}

/// A store whose process can die at every write. At every commit it adds the books up.
pub(crate) struct MortalStore {
    pub(crate) inner: Arc<dyn Store>,
    pub(crate) fate: Arc<Fate>,
    pub(crate) log: Arc<dyn Fn(&str) + Send + Sync>,
    /// What each batch asked for when it was first seen; it never changes.
    requested: Mutex<BTreeMap<BatchId, BTreeMap<Currency, Amount>>>,
    most_read: Arc<AtomicUsize>,
    naps: Naps,
    asleep_until: Mutex<Option<Instant>>,
}

/// Whether the process stops here, and for how long: a machine that sleeps, a virtual one that is
/// moved. Nothing of it goes on meanwhile that needs the store.
type Naps = Mutex<Box<dyn FnMut() -> Option<Duration> + Send>>;

impl MortalStore {
    pub(crate) fn new(
        inner: Arc<dyn Store>,
        fate: Arc<Fate>,
        log: Arc<dyn Fn(&str) + Send + Sync>,
    ) -> Self {
        let naps = Mutex::new(Box::new(|| None) as Box<_>);
        let (requested, most_read) = (Mutex::default(), Arc::default());
        Self { inner, fate, log, requested, most_read, naps, asleep_until: Mutex::default() }
    }

    /// A process that stops now and then after a commit, before it learns of it.
    pub(crate) fn with_naps(self, naps: impl FnMut() -> Option<Duration> + Send + 'static) -> Self {
        Self { naps: Mutex::new(Box::new(naps)), ..self }
    }

    /// The most rows that anybody asked for at once.
    pub(crate) fn most_read(&self) -> Arc<AtomicUsize> {
        Arc::clone(&self.most_read)
    }

    /// Waits until the process goes on, if it sleeps.
    async fn awake(&self) {
        loop {
            let until = *self.asleep_until.lock().unwrap();
            match until.filter(|until| *until > Instant::now()) {
                Some(until) => tokio::time::sleep_until(until).await,
                None => return,
            }
        }
    }

    fn commit<'a, T: Send + 'a>(
        &'a self,
        what: String,
        batch: Option<BatchId>,
        write: Answer<'a, T>,
    ) -> Answer<'a, T> {
        async move {
            self.awake().await;
            self.fate.point(&format!("before {what}")).await;
            let written = write.await;
            let told =
                written.as_ref().map_or_else(|error| format!("{:?}", error.kind()), |_| "".into());
            (self.log)(&format!("{what} {told}"));
            if let Some(batch) = batch {
                self.add_up(batch).await;
            }
            self.fate.point(&format!("after {what}")).await;
            let nap = (self.naps.lock().unwrap())();
            if let Some(nap) = nap {
                (self.log)("falls asleep");
                *self.asleep_until.lock().unwrap() = Some(Instant::now() + nap);
            }
            self.awake().await;
            written
        }
        .boxed()
    }

    /// Money is conserved: what was requested is the sum over all outcomes, and stays the same.
    async fn add_up(&self, batch: BatchId) {
        self.inner.audit(batch).await.unwrap();
        let summary = self.inner.summary(batch).await.unwrap();
        let totals = summary.totals.into_iter().map(|(currency, total)| {
            let sum = total.by_outcome.values();
            let sum = sum.fold(Amount::default(), |sum, it| sum.checked_add(*it).unwrap());
            assert_eq!(sum, total.requested, "{currency}");
            (currency, sum)
        });
        let totals: BTreeMap<_, _> = totals.collect();
        let mut requested = self.requested.lock().unwrap();
        assert_eq!(requested.entry(batch).or_insert_with(|| totals.clone()), &totals);
    }
}

fn told(transitions: &[Transition]) -> String {
    let mut text = "write".to_owned();
    for Transition { from, payout } in transitions {
        let sends = payout.order.as_ref().map_or(0, |order| order.sends);
        text.push_str(&format!(" {}:{from}>{}/{sends}", payout.row, payout.state));
    }
    text
}

impl Store for MortalStore {
    fn create<'a>(
        &'a self,
        new: &'a NewBatch,
        gateway: &'a GatewayIdentity,
        code: BatchCode,
        runner: &'a str,
        now: Timestamp,
    ) -> Answer<'a, Lease> {
        self.commit("create".into(), None, self.inner.create(new, gateway, code, runner, now))
    }
    fn append<'a>(&'a self, l: &'a Lease, rows: &'a [NewPayout], now: Timestamp) -> Answer<'a, ()> {
        self.commit("append".into(), None, self.inner.append(l, rows, now))
    }
    fn complete<'a>(&'a self, lease: &'a Lease, now: Timestamp) -> Answer<'a, Batch> {
        self.commit("complete".into(), Some(lease.batch), self.inner.complete(lease, now))
    }
    fn lease<'a>(&'a self, batch: &'a Batch, runner: &'a str, now: Timestamp) -> Answer<'a, Lease> {
        self.commit("lease".into(), Some(batch.id), self.inner.lease(batch, runner, now))
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
        self.commit(format!("state {}", c.state), Some(l.batch), self.inner.set_state(l, c, now))
    }
    fn wake<'a>(&'a self, lease: &'a Lease, now: Timestamp) -> Answer<'a, ()> {
        self.commit("wake".into(), Some(lease.batch), self.inner.wake(lease, now))
    }
    fn hold_duplicates<'a>(&'a self, lease: &'a Lease, now: Timestamp) -> Answer<'a, u64> {
        self.commit("hold".into(), Some(lease.batch), self.inner.hold_duplicates(lease, now))
    }
    fn write<'a>(&'a self, l: &'a Lease, t: &'a [Transition], now: Timestamp) -> Answer<'a, ()> {
        self.commit(told(t), Some(l.batch), self.inner.write(l, t, now))
    }
    // A sign of life says nothing about money, and comes by the clock: no moment to die at.
    fn renew<'a>(
        &'a self,
        lease: &'a Lease,
        hold: Option<Duration>,
        now: Timestamp,
    ) -> Answer<'a, ()> {
        async move {
            self.awake().await;
            self.inner.renew(lease, hold, now).await
        }
        .boxed()
    }
    fn runners(&self, batch: BatchId) -> Answer<'_, Vec<RunnerLease>> {
        self.inner.runners(batch)
    }
    fn request_cancel<'a>(
        &'a self,
        batch: &'a Batch,
        request: &'a CancelRequest,
    ) -> Answer<'a, CancelRequest> {
        let asked = self.inner.request_cancel(batch, request);
        self.commit("request cancel".into(), Some(batch.id), asked)
    }
    fn request_pause<'a>(
        &'a self,
        batch: &'a Batch,
        request: &'a PauseRequest,
    ) -> Answer<'a, PauseRequest> {
        let asked = self.inner.request_pause(batch, request);
        self.commit("request pause".into(), Some(batch.id), asked)
    }
    fn lift_pause<'a>(&'a self, b: &'a Batch, by: &'a str, now: Timestamp) -> Answer<'a, ()> {
        self.commit("lift pause".into(), Some(b.id), self.inner.lift_pause(b, by, now))
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
    fn offer<'a>(&'a self, l: &'a Lease, t: &'a [Transition], now: Timestamp) -> Answer<'a, u64> {
        self.commit(told(t), Some(l.batch), self.inner.offer(l, t, now))
    }
    fn claim<'a>(
        &'a self,
        lease: &'a Lease,
        now: Timestamp,
        limit: usize,
        under_way: &'a [u64],
    ) -> Answer<'a, Vec<Claim>> {
        self.most_read.fetch_max(limit, Ordering::SeqCst);
        async move {
            self.awake().await;
            self.inner.claim(lease, now, limit, under_way).await
        }
        .boxed()
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
        self.commit("purge".into(), Some(lease.batch), self.inner.purge(lease, now))
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

/// A gateway around whose calls the process can die. It counts the calls under way.
pub(crate) struct MortalGateway<G> {
    inner: Arc<G>,
    fate: Arc<Fate>,
    /// How many calls may be under way at once.
    most: usize,
    under_way: AtomicUsize,
}

impl<G: Gateway> MortalGateway<G> {
    pub(crate) fn new(inner: Arc<G>, fate: Arc<Fate>, most: usize) -> Self {
        Self { inner, fate, most, under_way: AtomicUsize::new(0) }
    }

    fn call<'a, T: Send + 'a>(&'a self, what: &'static str, call: Call<'a, T>) -> Call<'a, T> {
        async move {
            let now = self.under_way.fetch_add(1, Ordering::SeqCst) + 1;
            assert!(now <= self.most, "{now} calls under way, {} allowed", self.most);
            let answer = self.fate.around(what, call).await;
            self.under_way.fetch_sub(1, Ordering::SeqCst);
            answer
        }
        .boxed()
    }
}

impl<G: Gateway> Gateway for MortalGateway<G> {
    fn identity(&self) -> GatewayIdentity {
        self.inner.identity()
    }
    fn verify<'a>(&'a self, payee: &'a Payee) -> Call<'a, Holder> {
        self.call("verify", self.inner.verify(payee))
    }
    fn tokenize<'a>(
        &'a self,
        payee: &'a Payee,
        sealed: Option<&'a SealedPayee>,
    ) -> Call<'a, BankToken> {
        self.call("tokenize", self.inner.tokenize(payee, sealed))
    }
    fn withdraw<'a>(&'a self, withdrawal: Withdrawal<'a>) -> Call<'a, OrderView> {
        self.call("withdraw", self.inner.withdraw(withdrawal))
    }
    fn query<'a>(&'a self, order_no: &'a OrderNo) -> Call<'a, OrderView> {
        self.call("query", self.inner.query(order_no))
    }
    fn close<'a>(&'a self, order_no: &'a OrderNo) -> Call<'a, OrderView> {
        self.call("close", self.inner.close(order_no))
    }
    fn orders(&self, first: Date, last: Date) -> BoxStream<'_, Result<Vec<OrderView>, CallError>> {
        self.inner.orders(first, last)
    }
    fn wallets(&self) -> Call<'_, Vec<Wallet>> {
        // No row's call, so it does not count as one.
        self.fate.around("wallets", self.inner.wallets()).boxed()
    }
}
