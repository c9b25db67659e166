//! Two gates that share a pace, in virtual time.

use std::sync::{Mutex, atomic::Ordering};

use futures_util::{FutureExt, future::BoxFuture};
use tokio::time::{sleep, timeout};

use super::*;
use crate::{
    dispatch::{Pass, Service},
    error::Error,
    event::EngineEvent,
    gateway::CallError,
    policy::Policy,
    store::changes::{Bell, Changes},
};

/// A pace in memory, kept as a store keeps one.
struct Common {
    bell: Bell,
    row: Mutex<Row>,
    /// How often slots were reserved.
    asked: std::sync::atomic::AtomicU32,
    /// Whether the store is away.
    is_gone: std::sync::atomic::AtomicBool,
}

struct Row {
    next_slot: Instant,
    paused_until: Instant,
    open: Option<(Instant, u32)>,
    probing_until: Option<Instant>,
}

impl Common {
    fn new() -> Arc<Self> {
        let now = Instant::now();
        let row = Row { next_slot: now, paused_until: now, open: None, probing_until: None };
        Arc::new(Self {
            bell: Bell::new(),
            row: Mutex::new(row),
            asked: 0.into(),
            is_gone: false.into(),
        })
    }

    fn answer<T: Send + 'static>(
        &self,
        change: impl FnOnce(&mut Row, Instant) -> T,
    ) -> BoxFuture<'_, Result<T, Error>> {
        let is_gone = self.is_gone.load(Ordering::SeqCst);
        let done = change(&mut self.row.lock().unwrap(), Instant::now());
        async move {
            // A way to the store and back.
            sleep(Duration::from_millis(2)).await;
            if is_gone { Err(Error::config("gone")) } else { Ok(done) }
        }
        .boxed()
    }
}

impl Pace for Common {
    fn reserve(&self, calls: u32, interval: Duration) -> BoxFuture<'_, Result<Duration, Error>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.answer(|row, now| {
            let first = row.next_slot.max(now);
            row.next_slot = first + interval * calls;
            first - now
        })
    }

    fn probe(&self, hold: Duration) -> BoxFuture<'_, Result<bool, Error>> {
        self.answer(move |row, now| {
            let is_free = row.probing_until.is_none_or(|until| until <= now);
            let taken = row.open.is_some() && is_free && row.paused_until <= now;
            if taken {
                row.probing_until = Some(now + hold);
            }
            taken
        })
    }

    fn tell(&self, word: Word) -> BoxFuture<'_, Result<(), Error>> {
        let told = self.answer(move |row, now| match word {
            Word::Pause(pause) => row.paused_until = row.paused_until.max(now + pause),
            Word::Open(pause) => {
                row.paused_until = row.paused_until.max(now + pause);
                row.open = row.open.or(Some((now, 0)));
            }
            Word::Failed(pause) => {
                row.paused_until = row.paused_until.max(now + pause);
                row.open = row.open.map(|(since, probes)| (since, probes + 1));
                row.probing_until = None;
            }
            Word::GivenUp => row.probing_until = None,
            Word::Answered => (row.open, row.probing_until) = (None, None),
        });
        self.bell.ring();
        told
    }

    fn look(&self) -> BoxFuture<'_, Result<Standing, Error>> {
        self.answer(|row, now| Standing {
            pause: row.paused_until.saturating_duration_since(now),
            open: row.open.map(|(since, probes)| (now - since, probes)),
        })
    }

    fn changes(&self) -> Changes {
        self.bell.listen()
    }
}

fn gates<const N: usize>(common: &Arc<Common>, rate: Option<u32>) -> [Arc<Gate>; N] {
    let policy =
        Policy { circuit_failures: 3, outage_after: Duration::from_secs(60), ..Policy::default() };
    let nobody = Arc::new(|_: &EngineEvent| {});
    std::array::from_fn(|_| {
        let pace: Arc<dyn Pace> = Arc::clone(common) as _;
        Gate::new(policy.clone(), 64, rate, nobody.clone(), Some(pace))
    })
}

fn cut() -> CallError {
    CallError::Unknown { reason: Reason::new("cut", "cut"), answered: false, retry_after: None }
}

async fn passes(gate: &Arc<Gate>, within: Duration) -> Option<Pass> {
    timeout(within, gate.pass()).await.ok()
}

/// Calls that left in so many seconds.
async fn calls(gate: &Arc<Gate>, seconds: u64) -> u32 {
    let mut calls = 0;
    let until = Instant::now() + Duration::from_secs(seconds);
    while let Ok(pass) = tokio::time::timeout_at(until, gate.pass()).await {
        pass.report(Service::Query, None);
        calls += 1;
    }
    calls
}

#[tokio::test(start_paused = true)]
async fn the_rate_is_that_of_all_gates_and_the_store_is_asked_now_and_then() {
    let common = Common::new();
    let [here, there] = gates(&common, Some(100));
    let (mine, theirs) = tokio::join!(calls(&here, 10), calls(&there, 10));
    assert!((960..=1_010).contains(&(mine + theirs)), "{mine} and {theirs}");
    assert!(mine.abs_diff(theirs) < 100, "{mine} and {theirs}");
    let asked = common.asked.load(Ordering::SeqCst);
    assert!(asked <= 45, "asked {asked} times");
    // Who is alone has all of it, and nothing that was saved up.
    sleep(Duration::from_secs(5)).await;
    let alone = calls(&here, 10).await;
    assert!((950..=1_010).contains(&alone), "{alone}");
}

#[tokio::test(start_paused = true)]
async fn what_one_is_asked_to_wait_all_wait() {
    let common = Common::new();
    let [here, there] = gates(&common, None);
    let busy = CallError::RateLimited {
        reason: Reason::new("429", "busy"),
        retry_after: Some(Duration::from_secs(7)),
    };
    here.pass().await.report(Service::Query, Some(&busy));
    sleep(Duration::from_millis(100)).await;
    for gate in [&here, &there] {
        assert!(passes(gate, Duration::from_secs(3)).await.is_none(), "7 s are not over");
    }
    sleep(Duration::from_secs(2)).await;
    for gate in [&here, &there] {
        assert!(passes(gate, Duration::from_millis(100)).await.is_some());
    }
}

#[tokio::test(start_paused = true)]
async fn one_opens_the_circuit_for_all_one_probes_and_an_answer_closes_it_for_all() {
    let common = Common::new();
    let [here, there] = gates(&common, None);
    for _ in 0..3 {
        here.pass().await.report(Service::Query, Some(&cut()));
    }
    sleep(Duration::from_millis(50)).await;
    assert!(passes(&there, Duration::from_millis(10)).await.is_none(), "it is open for all");
    let probe = here.pass().await;
    for gate in [&here, &there] {
        assert!(passes(gate, Duration::from_secs(20)).await.is_none(), "one probe at a time");
    }
    probe.report(Service::Query, Some(&cut()));
    sleep(Duration::from_millis(50)).await;
    assert_eq!(common.row.lock().unwrap().open.map(|(_, probes)| probes), Some(1));
    // The next probe may be anybody's, also if it is given up.
    drop(there.pass().await);
    let probe = here.pass().await;
    probe.report(Service::Query, None);
    sleep(Duration::from_millis(50)).await;
    let held = (passes(&there, Duration::ZERO).await, passes(&there, Duration::ZERO).await);
    assert!(held.0.is_some() && held.1.is_some(), "closed for all, and not for one call only");
}

#[tokio::test(start_paused = true)]
async fn without_the_store_each_goes_on_by_itself() {
    let common = Common::new();
    let [here] = gates(&common, Some(100));
    common.is_gone.store(true, Ordering::SeqCst);
    let alone = calls(&here, 10).await;
    assert!((900..=1_010).contains(&alone), "{alone}");
    for _ in 0..3 {
        here.pass().await.report(Service::Query, Some(&cut()));
    }
    let probe = passes(&here, Duration::from_secs(30)).await.unwrap();
    probe.report(Service::Query, None);
    assert!(passes(&here, Duration::from_secs(1)).await.is_some());
}
