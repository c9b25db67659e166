//! Window and tempo against gateways that take only so much, in virtual time.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    sync::atomic::{AtomicUsize, Ordering},
};

use tokio::time::sleep;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

/// Calls that a gateway takes in a time.
#[derive(Debug, Clone, Copy)]
enum Quota {
    All,
    /// So many from one full second (or minute) to the next.
    Window(u32, Duration),
    /// So many a second, and as many at once as it saved up.
    Bucket(u32, u32),
    /// So many in whatever second one looks at.
    Sliding(u32),
}

/// What a gateway says to more than it takes at once.
#[derive(Debug, Clone, Copy)]
enum Refusal {
    /// 429.
    TooMany,
    /// 503.
    Busy,
}

/// A gateway of which only its limits are of interest.
struct Limited {
    at_once: Cell<usize>,
    refusal: Refusal,
    quota: Cell<Quota>,
    /// How long an answer takes, given the calls under way and a number that looks random.
    latency: Cell<fn(u32, u32) -> Duration>,
    retry_after: Option<Duration>,
    under_way: Cell<usize>,
    dice: Cell<u32>,
    taken: RefCell<VecDeque<Instant>>,
    served: Cell<u32>,
    refused: Cell<u32>,
}

impl Limited {
    fn new(at_once: usize, quota: Quota, retry_after: Option<Duration>) -> Self {
        Self {
            at_once: Cell::new(at_once),
            refusal: Refusal::TooMany,
            quota: Cell::new(quota),
            latency: Cell::new(|_, _| Duration::from_millis(200)),
            retry_after,
            under_way: Cell::new(0),
            dice: Cell::new(1),
            taken: RefCell::default(),
            served: Cell::new(0),
            refused: Cell::new(0),
        }
    }

    fn busy(at_once: usize) -> Self {
        Self { refusal: Refusal::Busy, ..Self::new(at_once, Quota::All, None) }
    }

    fn answering(self, latency: fn(u32, u32) -> Duration) -> Self {
        self.latency.set(latency);
        self
    }

    fn roll(&self) -> u32 {
        self.dice.set(self.dice.get().wrapping_mul(1_664_525).wrapping_add(1_013_904_223));
        self.dice.get() >> 8
    }

    /// Whether the quota takes one call more, which is counted then.
    fn takes(&self, began: Instant) -> bool {
        let now = Instant::now();
        let mut taken = self.taken.borrow_mut();
        let takes = match self.quota.get() {
            Quota::All => return true,
            Quota::Window(calls, length) => {
                let of = |at: Instant| (at - began).as_millis() / length.as_millis();
                while taken.front().is_some_and(|at| of(*at) < of(now)) {
                    taken.pop_front();
                }
                taken.len() < calls as usize
            }
            Quota::Sliding(calls) => {
                while taken.front().is_some_and(|at| now - *at >= SECOND) {
                    taken.pop_front();
                }
                taken.len() < calls as usize
            }
            // The one entry says when the bucket is full again.
            Quota::Bucket(rate, burst) => {
                let drop = SECOND / rate;
                let full = taken.pop_front().map_or(now, |full| full.max(now));
                let fits = full + drop <= now + drop * burst;
                taken.push_back(if fits { full + drop } else { full });
                return fits;
            }
        };
        if takes {
            taken.push_back(now);
        }
        takes
    }

    async fn call(&self, began: Instant) -> Result<(), CallError> {
        let is_full = self.under_way.get() >= self.at_once.get();
        if is_full || !self.takes(began) {
            sleep(Duration::from_millis(10)).await;
            self.refused.set(self.refused.get() + 1);
            let (reason, retry_after) = (Reason::new("429", "slow down"), self.retry_after);
            return Err(match self.refusal {
                Refusal::TooMany => CallError::RateLimited { reason, retry_after },
                Refusal::Busy => CallError::Overloaded { reason, retry_after },
            });
        }
        self.under_way.set(self.under_way.get() + 1);
        let latency = (self.latency.get())(self.under_way.get() as u32, self.roll());
        sleep(latency).await;
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
            if let Some(pause) = answer.as_ref().err().and_then(CallError::retry_after) {
                self.quiet_until.set(self.quiet_until.get().max(Instant::now() + pause));
            }
            pass.report(Service::Query, answer.as_ref().err());
        }
    }

    /// Lets them call for so long; returns how many calls were served, and how many refused.
    async fn run(&self, seconds: u64) -> (u32, u32) {
        let before = (self.gateway.served.get(), self.gateway.refused.get());
        let callers = futures_util::future::join_all((0..64).map(|_| self.caller()));
        let _ = tokio::time::timeout(Duration::from_secs(seconds), callers).await;
        // Calls that were cut off in the middle are under way no more.
        self.gateway.under_way.set(0);
        (self.gateway.served.get() - before.0, self.gateway.refused.get() - before.1)
    }
}

/// Calls that were served a second, in thousandths of what the gateway takes, and calls that it
/// refused: in the first minute, and in the ten after that.
async fn watched(gateway: Limited, rate: u32) -> [(u32, u32); 2] {
    let rush = Rush::new(gateway);
    let mut watched = [(0, 0); 2];
    for (minutes, watched) in [1, 10].into_iter().zip(&mut watched) {
        let (served, refused) = rush.run(u64::from(minutes) * 60).await;
        *watched = (served * 1_000 / (rate * minutes * 60), refused);
    }
    watched
}

const LATENCIES: [fn(u32, u32) -> Duration; 3] = [
    |_, _| Duration::from_millis(200),
    |_, _| Duration::from_millis(5),
    |_, dice| Duration::from_millis(50 + u64::from(dice % 300)),
];

#[tokio::test(start_paused = true)]
async fn nearly_all_that_a_gateway_admits_is_called() {
    let mut short = Vec::new();
    for (quota, rate) in [
        (Quota::Window(100, SECOND), 100),
        (Quota::Sliding(100), 100),
        (Quota::Bucket(100, 10), 100),
        (Quota::Bucket(100, 100), 100),
        (Quota::Bucket(100, 500), 100),
        (Quota::Bucket(20, 3), 20),
    ] {
        for retry_after in [Some(SECOND), Some(SECOND * 3), None] {
            for (at, latency) in LATENCIES.into_iter().enumerate() {
                let gateway = Limited::new(usize::MAX, quota, retry_after).answering(latency);
                let [(first, _), (later, refused)] = watched(gateway, rate).await;
                let line = format!(
                    "{quota:?}, {retry_after:?}, latency {at}: {first}, then {later} with {refused}"
                );
                if first < 500 || later < 950 || refused > 60 {
                    short.push(line);
                }
            }
        }
    }
    assert!(short.is_empty(), "{short:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_quota_of_a_minute_is_used_up_and_not_hammered_at() {
    for retry_after in [Some(SECOND), Some(SECOND * 10)] {
        for latency in LATENCIES {
            let quota = Quota::Window(6_000, SECOND * 60);
            let gateway = Limited::new(usize::MAX, quota, retry_after).answering(latency);
            let [_, (later, refused)] = watched(gateway, 100).await;
            assert!(later >= 950, "{later}");
            // Those under way when a minute's calls are used up, and one after each pause.
            assert!(refused < 10 * (64 + 60), "{refused}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn nearly_as_much_as_the_gateway_serves_at_once_is_called() {
    let rush = Rush::new(Limited::busy(20));
    rush.run(150).await;
    let (served, refused) = rush.run(300).await;
    let possible = 20 * 5 * 300;
    assert!(served * 10 >= possible * 9, "{served} of {possible}");
    assert!((1..20).contains(&refused), "{refused}: tried again, and rarely");
    assert!(rush.told.load(Ordering::Relaxed) < 40, "that is spam");
}

#[tokio::test(start_paused = true)]
async fn a_429_for_too_many_at_once_is_understood_as_well() {
    let rush = Rush::new(Limited::new(20, Quota::All, Some(SECOND)));
    rush.run(60).await;
    let (served, refused) = rush.run(300).await;
    let possible = 20 * 5 * 300;
    assert!(served * 10 >= possible * 9, "{served} of {possible}");
    assert!((1..20).contains(&refused), "{refused}: tried again, and rarely");
}

#[tokio::test(start_paused = true)]
async fn a_gateway_that_gets_slow_is_called_less_and_one_that_recovers_as_before() {
    let rush = Rush::new(Limited::new(usize::MAX, Quota::All, None));
    rush.run(10).await;
    assert_eq!(rush.size(), 64);
    // A queue: every call under way makes all of them wait.
    rush.gateway.latency.set(|under_way, _| Duration::from_millis(250) * under_way);
    rush.run(120).await;
    assert!((2..=16).contains(&rush.size()), "{}", rush.size());
    rush.gateway.latency.set(|_, _| Duration::from_millis(200));
    rush.run(120).await;
    assert_eq!(rush.size(), 64);
}

#[tokio::test(start_paused = true)]
async fn a_gateway_that_takes_more_again_is_called_as_before() {
    for gateway in [Limited::busy(5), Limited::new(usize::MAX, Quota::Bucket(5, 5), Some(SECOND))] {
        let rush = Rush::new(gateway);
        let (few, _) = rush.run(60).await;
        assert!(few <= 60 * 5 * 5, "{few}");
        rush.gateway.at_once.set(usize::MAX);
        rush.gateway.quota.set(Quota::All);
        rush.run(180).await;
        let (served, refused) = rush.run(10).await;
        assert_eq!(refused, 0);
        assert!(served >= 64 * 5 * 9, "{served}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_gateway_that_takes_less_is_called_less() {
    let rush = Rush::new(Limited::new(usize::MAX, Quota::Bucket(100, 10), Some(SECOND)));
    rush.run(60).await;
    rush.gateway.quota.set(Quota::Bucket(30, 10));
    rush.run(60).await;
    let (served, refused) = rush.run(300).await;
    assert!(served >= 30 * 300 * 95 / 100, "{served}");
    assert!(refused < 100, "{refused}");
}
