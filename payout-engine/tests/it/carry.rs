//! Carrying a batch: whatever interrupts it, the batch is to be had in one store at most, and the
//! same again brings it there whole.

use std::{
    path::Path,
    pin::Pin,
    task::{Context, Poll},
};

use jiff::Timestamp;
use payout_engine::{
    Batch, BatchOptions, BatchState, Carried, Depot, Engine, Error, ErrorKind, Store, StoreUrl,
    carry,
};

use tempfile::TempDir;

use crate::{
    engine::{load, payroll},
    postgres::database,
};

/// A future that dies at its `polls`th breath.
struct Mortal<'a, T> {
    future: Pin<Box<dyn Future<Output = T> + 'a>>,
    polls: u32,
}

impl<T> Future for Mortal<'_, T> {
    type Output = Option<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        let Some(left) = self.polls.checked_sub(1) else { return Poll::Ready(None) };
        self.polls = left;
        self.future.as_mut().poll(context).map(Some)
    }
}

/// Two stores that are there for one test.
struct Stores {
    from: StoreUrl,
    to: StoreUrl,
    _dir: TempDir,
}

/// From which kind of store to which.
#[derive(Debug, Clone, Copy)]
enum Way {
    Files,
    ToPostgres,
    FromPostgres,
}

impl Stores {
    /// `None` where PostgreSQL is needed and not installed.
    fn new(way: Way) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str| url(dir.path(), name);
        let base = || Some(database()?.url.parse().unwrap());
        let (from, to) = match way {
            Way::Files => (file("from.db"), file("to.db")),
            Way::ToPostgres => (file("from.db"), base()?),
            Way::FromPostgres => (base()?, file("to.db")),
        };
        Some(Self { from, to, _dir: dir })
    }

    async fn depots(&self) -> (Depot, Depot) {
        (Depot::open(&self.from).await.unwrap(), Depot::open(&self.to).await.unwrap())
    }

    /// Begins a batch of five rows.
    async fn begin(&self) -> Batch {
        begin(&self.from, 5).await
    }

    async fn carry(&self) -> Result<Carried, Error> {
        let (from, to) = self.depots().await;
        let batch = from.store().batch(Some("june")).await?;
        carry(&batch, &from, &to, "a test", false).await
    }
}

fn url(dir: &Path, name: &str) -> StoreUrl {
    format!("sqlite://{}", dir.join(name).display()).parse().unwrap()
}

async fn begin(url: &StoreUrl, rows: u64) -> Batch {
    let engine = Engine::new(url.open().await.unwrap());
    load(&engine, "june", BatchOptions::default(), payroll(rows)).await
}

/// Whether a runner would get the batch.
async fn is_to_be_had(store: &dyn Store) -> bool {
    let Ok(batch) = store.batch(Some("june")).await else { return false };
    match store.lease(&batch, "a runner", Timestamp::now()).await {
        Ok(lease) => {
            store.renew(&lease, None, Timestamp::now()).await.unwrap();
            true
        }
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::BatchState, "{error}");
            false
        }
    }
}

/// Where a batch was to be had when the one who carried it died.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    Before,
    Between,
    After,
}

/// Carries a batch, dies after so many polls, and carries it again. Tells at which moment it died,
/// and whether it had come to the end by then; `None` where there is no such store here.
async fn die_after(polls: u32, way: Way) -> Option<(Moment, bool)> {
    let stores = Stores::new(way)?;
    stores.begin().await;
    let ended = Mortal { future: Box::pin(stores.carry()), polls }.await;
    let moment = {
        let (from, to) = stores.depots().await;
        // In this order: it may still be landing.
        let there = is_to_be_had(&*to.store()).await;
        let here = is_to_be_had(&*from.store()).await;
        match (here, there) {
            (true, true) => panic!("{way:?}: after {polls} polls it is to be had twice"),
            (true, false) => Moment::Before,
            (false, false) => Moment::Between,
            (false, true) => Moment::After,
        }
    };
    let carried = stores.carry().await.unwrap();
    let (from, to) = stores.depots().await;
    assert!(!is_to_be_had(&*from.store()).await && is_to_be_had(&*to.store()).await);
    let gone = from.store().batch(Some("june")).await.unwrap();
    assert_eq!((gone.state, gone.code), (BatchState::Moved, carried.batch.code));
    assert_eq!(gone.moved.unwrap().to, to.place());
    let there = to.store().batch(None).await.unwrap();
    assert_eq!((there.state, there.rows, there.moved), (BatchState::Stopped, 5, None));
    for depot in [&from, &to] {
        let batch = depot.store().batch(Some("june")).await.unwrap();
        let audit = depot.store().verify(batch.id, None).await.unwrap();
        assert_eq!(audit.broken, None, "{}", depot.place());
    }
    Some((moment, ended.map(Result::unwrap).is_some()))
}

/// Dies at every moment in turn.
async fn die_on(way: Way) {
    let (mut before, mut between, mut after) = (0, false, u32::MAX);
    let mut polls = 1;
    loop {
        let Some((moment, has_ended)) = die_after(polls, way).await else { return };
        match moment {
            Moment::Before => before = polls,
            Moment::Between => between = true,
            Moment::After => after = after.min(polls),
        }
        if has_ended {
            break;
        }
        polls += 1 + polls / 12;
    }
    assert!(before > 0 && after < u32::MAX, "{way:?}: {before}, {after}");
    // It is short, and the steps grow: if it lies between two of them, each poll there is tried.
    for polls in before.min(after)..=before.max(after) {
        between = between || die_after(polls, way).await.unwrap().0 == Moment::Between;
    }
    assert!(between, "{way:?}: never between {before} and {after}");
}

#[tokio::test]
async fn dying_at_any_moment_between_files() {
    die_on(Way::Files).await;
}

#[tokio::test]
async fn dying_at_any_moment_on_the_way_to_a_database() {
    die_on(Way::ToPostgres).await;
}

#[tokio::test]
async fn dying_at_any_moment_on_the_way_from_a_database() {
    die_on(Way::FromPostgres).await;
}

#[tokio::test]
async fn what_is_carried_is_the_batch_cell_by_cell() {
    for way in [Way::Files, Way::ToPostgres, Way::FromPostgres] {
        let Some(stores) = Stores::new(way) else { continue };
        let batch = stores.begin().await;
        let (from, to) = stores.depots().await;
        let here = from.store();
        let before = here.rows(batch.id, 0, 10).await.unwrap();
        let carried = carry(&batch, &from, &to, "a test", false).await.unwrap();
        assert!(!carried.was_there);
        let after = to.store().rows(carried.batch.id, 0, 10).await.unwrap();
        assert_eq!(format!("{after:?}"), format!("{before:?}"), "{way:?}");
        assert_eq!(
            to.store().summary(carried.batch.id).await.unwrap(),
            here.summary(batch.id).await.unwrap()
        );
        let gone = here.batch(Some("june")).await.unwrap();
        let again = carry(&gone, &from, &to, "a test", false).await;
        assert!(again.unwrap().was_there, "done is done");
    }
}

#[tokio::test]
async fn a_batch_that_runners_are_at_is_not_let_go() {
    for way in [Way::Files, Way::FromPostgres] {
        let Some(stores) = Stores::new(way) else { continue };
        let batch = stores.begin().await;
        let (from, to) = stores.depots().await;
        let _held = from.store().lease(&batch, "payout run", Timestamp::now()).await.unwrap();
        let refused = carry(&batch, &from, &to, "a test", false).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Locked, "{refused}");
        assert!(refused.to_string().contains("payout run"), "{refused}");
        assert_eq!(from.store().batch(Some("june")).await.unwrap().moved, None);
    }
}

#[tokio::test]
async fn what_cannot_arrive_is_not_let_go() {
    let stores = Stores::new(Way::Files).unwrap();
    let batch = stores.begin().await;
    let (from, to) = stores.depots().await;
    let refused = |carried: Result<Carried, Error>| carried.unwrap_err().to_string();

    let text = refused(carry(&batch, &from, &from, "a test", false).await);
    assert!(text.contains("is in") && text.contains("already"), "{text}");
    let text = refused(carry(&batch, &from, &to, "a test", true).await);
    assert!(
        text.contains("5 of its rows are still open"),
        "an archive is for what is over: {text}"
    );

    begin(&stores.to, 2).await;
    let text = refused(carry(&batch, &from, &to, "a test", false).await);
    assert!(text.contains("another batch of that name"), "{text}");
    assert!(is_to_be_had(&*from.store()).await, "nothing of that let it go");

    let other = Stores::new(Way::Files).unwrap();
    let (third, fourth) = other.depots().await;
    carry(&batch, &from, &third, "a test", false).await.unwrap();
    let gone = from.store().batch(Some("june")).await.unwrap();
    let text = refused(carry(&gone, &from, &fourth, "a test", false).await);
    assert!(text.contains("was moved to") && text.contains(third.place()), "{text}");
    assert!(fourth.store().batches().await.unwrap().is_empty());
}

#[tokio::test]
async fn what_went_unpaid_may_be_paid_elsewhere_by_now() {
    for way in [Way::Files, Way::FromPostgres] {
        let Some(stores) = Stores::new(way) else { continue };
        let june = stores.begin().await;
        let (from, to) = stores.depots().await;
        let store = from.store();
        let engine = Engine::new(from.store());
        let july = load(&engine, "july", BatchOptions::default(), payroll(7)).await;
        let lease = store.lease(&july, "a runner", Timestamp::now()).await.unwrap();
        assert_eq!(store.hold_duplicates(&lease, Timestamp::now()).await.unwrap(), 0);
        store.renew(&lease, None, Timestamp::now()).await.unwrap();
        drop(lease);
        carry(&june, &from, &to, "a test", false).await.unwrap();
        let lease = store.lease(&july, "a runner", Timestamp::now()).await.unwrap();
        let held = store.hold_duplicates(&lease, Timestamp::now()).await.unwrap();
        assert_eq!(held, 5, "{way:?}: nobody here knows what became of them");
        assert!(store.in_flight_elsewhere(july.id).await.unwrap().is_empty());
    }
}
