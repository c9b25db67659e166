//! The gate in virtual time: the rate, everybody's pauses, the circuit and its probes; and the
//! window against a gateway that takes only so much.

use std::{
    cell::Cell,
    sync::atomic::{AtomicUsize, Ordering},
};

use tokio::{
    task::JoinSet,
    time::{advance, sleep},
};

use super::*;

fn gate(rate: Option<u32>) -> Arc<Gate> {
    let policy =
        Policy { circuit_failures: 3, outage_after: Duration::from_secs(60), ..Policy::default() };
    Gate::new(policy, 64, rate, Arc::new(|_: &EngineEvent| {}), None)
}

fn cut() -> CallError {
    CallError::Unknown { reason: Reason::new("cut", "cut"), answered: false, retry_after: None }
}

async fn elapsed(gate: &Arc<Gate>) -> (Duration, Pass) {
    let before = Instant::now();
    let pass = gate.pass().await;
    (before.elapsed(), pass)
}

#[tokio::test(start_paused = true)]
async fn the_rate_holds_over_time() {
    let gate = gate(Some(100));
    let before = Instant::now();
    for _ in 0..500 {
        gate.pass().await.report(Service::Query, None);
    }
    let took = before.elapsed();
    assert!((4_900..=5_000).contains(&took.as_millis()), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn retry_after_holds_for_everybody() {
    let gate = gate(None);
    let busy = CallError::RateLimited {
        reason: Reason::new("429", "busy"),
        retry_after: Some(Duration::from_secs(7)),
    };
    gate.pass().await.report(Service::Query, Some(&busy));
    let (waited, _) = elapsed(&gate).await;
    assert!(waited >= Duration::from_secs(7), "{waited:?}");
    assert!(waited < Duration::from_secs(8), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn failures_open_the_circuit_one_probe_closes_it() {
    let gate = gate(None);
    for _ in 0..3 {
        gate.pass().await.report(Service::Query, Some(&cut()));
    }
    let (waited, probe) = elapsed(&gate).await;
    assert!(waited > Duration::ZERO, "the circuit is open");
    // One probe at a time: nobody else gets through while it is under way.
    let second = tokio::time::timeout(Duration::from_secs(30), gate.pass()).await;
    assert!(second.is_err(), "a second call beside the probe");
    probe.report(Service::Query, None);
    let (waited, _) = elapsed(&gate).await;
    assert_eq!(waited, Duration::ZERO, "the probe was answered");
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_is_given_up_lets_the_next_one_through() {
    let gate = gate(None);
    for _ in 0..3 {
        gate.pass().await.report(Service::Query, Some(&cut()));
    }
    drop(gate.pass().await);
    let next = tokio::time::timeout(Duration::from_secs(30), gate.pass()).await;
    assert!(next.is_ok(), "a cancelled probe must not block the gate");
}

#[tokio::test(start_paused = true)]
async fn an_outage_that_lasts_stops_the_batch() {
    let gate = gate(None);
    let before = Instant::now();
    loop {
        let verdict = gate.pass().await.report(Service::Query, Some(&cut()));
        if verdict != Verdict::GoOn {
            break;
        }
        advance(Duration::from_millis(10)).await;
        assert!(before.elapsed() < Duration::from_secs(120), "never stopped");
    }
    assert!(before.elapsed() >= Duration::from_secs(60));
}

#[tokio::test(start_paused = true)]
async fn whoever_came_first_leaves_first_and_whoever_gives_up_blocks_nobody() {
    let gate = Gate::new(Policy::default(), 1, None, Arc::new(|_: &EngineEvent| {}), None);
    let order = Arc::new(Mutex::new(Vec::new()));
    let under_way = gate.pass().await;
    let mut waiting = JoinSet::new();
    let mut gives_up = None;
    for number in 0..8 {
        let (gate, order) = (Arc::clone(&gate), Arc::clone(&order));
        let handle = waiting.spawn(async move {
            let pass = gate.pass().await;
            order.lock().unwrap().push(number);
            tokio::task::yield_now().await;
            pass.report(Service::Query, None)
        });
        // So that they stand in line in this order.
        tokio::task::yield_now().await;
        if number == 0 {
            gives_up = Some(handle);
        }
    }
    gives_up.unwrap().abort();
    drop(under_way);
    while waiting.join_next().await.is_some() {}
    assert_eq!(*order.lock().unwrap(), [1, 2, 3, 4, 5, 6, 7]);
}

/// A gateway of which only its limits are of interest.
struct Limited {
    /// Calls that it serves at once; it answers 429 to more.
    at_once: Cell<usize>,
    /// Calls that it takes in a second.
    a_second: Cell<usize>,
    /// How long an answer takes, given the calls under way.
    latency: Cell<fn(u32) -> Duration>,
    retry_after: Option<Duration>,
    under_way: Cell<usize>,
    second: Cell<(u64, usize)>,
    served: Cell<u32>,
    refused: Cell<u32>,
}

impl Limited {
    fn new(at_once: usize, a_second: usize, retry_after: Option<Duration>) -> Self {
        Self {
            at_once: Cell::new(at_once),
            a_second: Cell::new(a_second),
            latency: Cell::new(|_| Duration::from_millis(200)),
            retry_after,
            under_way: Cell::new(0),
            second: Cell::new((0, 0)),
            served: Cell::new(0),
            refused: Cell::new(0),
        }
    }

    async fn call(&self, began: Instant) -> Result<(), CallError> {
        let second = began.elapsed().as_secs();
        let (of, taken) = self.second.get();
        let taken = if of == second { taken } else { 0 };
        let full = taken >= self.a_second.get() || self.under_way.get() >= self.at_once.get();
        if full {
            sleep(Duration::from_millis(10)).await;
            self.refused.set(self.refused.get() + 1);
            let (reason, retry_after) = (Reason::new("429", "slow down"), self.retry_after);
            return Err(CallError::RateLimited { reason, retry_after });
        }
        self.second.set((second, taken + 1));
        self.under_way.set(self.under_way.get() + 1);
        sleep((self.latency.get())(self.under_way.get() as u32)).await;
        self.under_way.set(self.under_way.get() - 1);
        self.served.set(self.served.get() + 1);
        Ok(())
    }
}

/// Callers that always have something to call, watched for a while.
struct Rush {
    gateway: Limited,
    gate: Arc<Gate>,
    told: Arc<AtomicUsize>,
    began: Instant,
    /// Until when the gateway asked for silence.
    quiet_until: Cell<Instant>,
}

impl Rush {
    fn new(gateway: Limited) -> Self {
        let told = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&told);
        let observer = move |event: &EngineEvent| {
            let told = matches!(event, EngineEvent::Concurrency { .. });
            counter.fetch_add(usize::from(told), Ordering::Relaxed);
        };
        let gate = Gate::new(Policy::default(), 64, None, Arc::new(observer), None);
        let began = Instant::now();
        Self { gateway, gate, told, began, quiet_until: Cell::new(began) }
    }

    fn size(&self) -> usize {
        self.gate.state().window.size()
    }

    async fn caller(&self) {
        loop {
            let pass = self.gate.pass().await;
            assert!(Instant::now() >= self.quiet_until.get(), "a call in a Retry-After");
            let answer = self.gateway.call(self.began).await;
            if let Err(CallError::RateLimited { retry_after: Some(pause), .. }) = answer {
                self.quiet_until.set(Instant::now() + pause);
            }
            pass.report(Service::Query, answer.as_ref().err());
        }
    }

    /// Lets them call for so long; returns how many calls were served.
    async fn run(&self, seconds: u64) -> u32 {
        let before = self.gateway.served.get();
        let callers = futures_util::future::join_all((0..64).map(|_| self.caller()));
        let _ = tokio::time::timeout(Duration::from_secs(seconds), callers).await;
        // Calls that were cut off in the middle are under way no more.
        self.gateway.under_way.set(0);
        self.gateway.served.get() - before
    }
}

#[tokio::test(start_paused = true)]
async fn nearly_as_much_as_the_gateway_serves_at_once_is_called() {
    let rush = Rush::new(Limited::new(20, usize::MAX, None));
    rush.run(150).await;
    let (refused, served) = (rush.gateway.refused.get(), rush.run(300).await);
    let possible = 20 * 5 * 300;
    assert!(served * 10 >= possible * 9, "{served} of {possible}");
    let refused = rush.gateway.refused.get() - refused;
    assert!((1..20).contains(&refused), "{refused}: tried again, and rarely");
    assert!(rush.told.load(Ordering::Relaxed) < 40, "that is spam");
}

#[tokio::test(start_paused = true)]
async fn nearly_as_much_as_the_gateway_takes_in_a_second_is_called() {
    let rush = Rush::new(Limited::new(usize::MAX, 100, Some(Duration::from_secs(1))));
    rush.run(150).await;
    let served = rush.run(300).await;
    assert!(served >= 100 * 300 * 9 / 10, "{served}");
}

#[tokio::test(start_paused = true)]
async fn a_gateway_that_gets_slow_is_called_less_and_one_that_recovers_as_before() {
    let rush = Rush::new(Limited::new(usize::MAX, usize::MAX, None));
    rush.run(10).await;
    assert_eq!(rush.size(), 64);
    // A queue: every call under way makes all of them wait.
    rush.gateway.latency.set(|under_way| Duration::from_millis(250) * under_way);
    rush.run(120).await;
    assert!((2..=16).contains(&rush.size()), "{}", rush.size());
    rush.gateway.latency.set(|_| Duration::from_millis(200));
    rush.run(120).await;
    assert_eq!(rush.size(), 64);
}

#[tokio::test(start_paused = true)]
async fn a_gateway_that_takes_more_again_is_called_as_before() {
    let rush = Rush::new(Limited::new(5, usize::MAX, Some(Duration::from_secs(1))));
    rush.run(60).await;
    assert!(rush.size() <= 6, "{}", rush.size());
    rush.gateway.at_once.set(usize::MAX);
    rush.run(120).await;
    assert_eq!(rush.size(), 64);
}
