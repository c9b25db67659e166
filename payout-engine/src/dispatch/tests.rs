//! The gate in virtual time: the rate, everybody's pauses, the circuit and its probes.

use tokio::{task::JoinSet, time::advance};

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
