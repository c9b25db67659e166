//! What the runners of a merchant share: slots, pauses, the circuit and its one probe.

use std::{sync::Arc, time::Duration};

use payout_engine::{
    Cancel, Engine, GatewayIdentity, Outcome, Store,
    pace::{Pace, Standing, Word},
};

use super::server::database;
use crate::{
    engine::{assert_books_agree, load, payroll, policy, rows},
    model::{Faults, Model, identity},
};

const SECOND: Duration = Duration::from_secs(1);
const MILLI: Duration = Duration::from_millis(1);

async fn two() -> Option<[Arc<dyn Pace>; 3]> {
    let database = database()?;
    let dir = tempfile::tempdir().unwrap();
    let (here, there) =
        (database.store("here", dir.path()).await, database.store("there", dir.path()).await);
    let other = GatewayIdentity { seller_code: "another".to_owned(), ..identity() };
    let stranger = here.pace(&other).unwrap();
    Some([here.pace(&identity()).unwrap(), there.pace(&identity()).unwrap(), stranger])
}

#[tokio::test]
async fn nobody_gets_a_slot_that_another_reserved() {
    let Some([here, there, stranger]) = two().await else { return };
    assert_eq!(here.reserve(100, SECOND).await.unwrap(), Duration::ZERO);
    let next = there.reserve(50, SECOND).await.unwrap();
    assert!((98 * SECOND..=100 * SECOND).contains(&next), "{next:?}");
    let next = here.reserve(1, MILLI).await.unwrap();
    assert!((148 * SECOND..=150 * SECOND).contains(&next), "{next:?}");
    assert_eq!(stranger.reserve(1, SECOND).await.unwrap(), Duration::ZERO, "of another merchant");
}

#[tokio::test]
async fn a_pause_and_an_open_circuit_are_everybodys() {
    let Some([here, there, stranger]) = two().await else { return };
    let mut news = there.changes();
    assert_eq!(there.look().await.unwrap(), Standing::default());
    here.tell(Word::Pause(60 * SECOND)).await.unwrap();
    here.tell(Word::Pause(SECOND)).await.unwrap();
    news.next().await;
    let standing = there.look().await.unwrap();
    assert!((50 * SECOND..=60 * SECOND).contains(&standing.pause), "{standing:?}");
    assert_eq!(standing.open, None);
    there.tell(Word::Open(SECOND)).await.unwrap();
    assert_eq!(here.look().await.unwrap().open.unwrap().1, 0);
    assert!(!here.probe(SECOND).await.unwrap(), "all pause");
    assert_eq!(stranger.look().await.unwrap(), Standing::default());
}

#[tokio::test]
async fn an_open_circuit_lets_one_probe_through_whoever_asks() {
    let Some([here, there, _]) = two().await else { return };
    assert!(!here.probe(SECOND).await.unwrap(), "it is closed");
    here.tell(Word::Open(Duration::ZERO)).await.unwrap();
    let long = 600 * SECOND;
    let askers = [&here, &there, &here, &there, &here, &there, &here, &there];
    let asked = futures_util::future::join_all(askers.map(|pace| pace.probe(long))).await;
    assert_eq!(asked.into_iter().filter(|taken| *taken.as_ref().unwrap()).count(), 1);
    there.tell(Word::Failed(Duration::ZERO)).await.unwrap();
    assert_eq!(here.look().await.unwrap().open.unwrap().1, 1);
    assert!(there.probe(long).await.unwrap());
    there.tell(Word::GivenUp).await.unwrap();
    assert!(here.probe(Duration::ZERO).await.unwrap());
    assert!(there.probe(long).await.unwrap(), "who had it is not heard of");
    assert!(!here.probe(long).await.unwrap());
    there.tell(Word::Answered).await.unwrap();
    assert_eq!(here.look().await.unwrap().open, None);
}

/// Two engines on two machines keep one rate, and pay everybody once.
#[tokio::test]
async fn two_runs_of_a_batch_keep_its_rate_together() {
    let Some(database) = database() else { return };
    let dir = tempfile::tempdir().unwrap();
    let model = Arc::new(Model::new(1, Faults::default()).that_books_twice());
    let engine = async |host| {
        let store = database.store(host, dir.path()).await;
        Engine::new(Arc::new(store)).with_policy(policy()).with_runner(host)
    };
    let (here, there) = (engine("here").await, engine("there").await);
    let options = payout_engine::BatchOptions {
        concurrency: 8,
        rate: Some(200),
        ..payout_engine::BatchOptions::default()
    };
    let batch = load(&here, "june", options, payroll(80)).await;
    let began = std::time::Instant::now();
    let cancel = Cancel::new();
    let (first, second) = tokio::join!(
        here.run(&batch, model.clone(), &cancel),
        there.run(&batch, model.clone(), &cancel)
    );
    let took = began.elapsed();
    let summary = first.unwrap();
    assert_eq!(summary.count(Outcome::Paid), 80, "{:?}", summary.counts);
    assert_eq!(second.unwrap().counts, summary.counts);
    assert_books_agree(&rows(&here, &batch).await, &model);
    let calls: u32 = model.books().calls.values().sum();
    let least = Duration::from_millis(u64::from(calls) * 5 - 60);
    assert!(took >= least, "{calls} calls in {took:?}");
    let verified = here.store().verify(batch.id, None).await.unwrap();
    assert_eq!(verified.broken, None);
    let runners = database.sql(
        "SELECT count(DISTINCT (entry::jsonb ->> 'fence')) FROM events \
                                WHERE entry LIKE '%\"moved\"%'",
    );
    assert_eq!(runners, "2", "both had a part in it");
}
