//! Every moment at which a process can die while it pays three rows: one is paid straight away, one
//! waits for its password, one is refused.
//!
//! A clean run counts the moments: before and after every durable write and every call. Then a
//! process dies at each of them in turn, another one goes on, and the books have to agree. Then
//! that one dies as well, at each of *its* moments.

use std::sync::Arc;

use futures_util::future::FutureExt;
use kess_gateway::Money;
use payout_engine::{
    BatchCode, BatchOptions, Cancel, Engine, NewBatch, OtpMode, Outcome, Policy, Route, Store,
};
use rand::{SeedableRng, rngs::StdRng};

use crate::{
    engine::payout,
    memory::MemoryStore,
    model::identity,
    mortal::{Fate, MortalGateway, MortalStore, Trace, VirtualClock, process},
    world::{Reading, World, at},
};

/// A batch of three rows in a store, and the gateway that pays them.
struct Three {
    clock: VirtualClock,
    world: Arc<World>,
    store: MemoryStore,
    /// Whether what a dying process was sending still arrives.
    arrives: bool,
}

impl Three {
    fn new(route: Route, arrives: bool) -> Self {
        let (clock, store) = (VirtualClock::default(), MemoryStore::default());
        let reading = Reading { books_again: true, restores: false };
        let world = World::new(1, reading, clock.clone(), Trace::default());
        world.calm_down();
        let options =
            BatchOptions { route, otp: OtpMode::Wait, concurrency: 2, ..BatchOptions::default() };
        let new = NewBatch {
            name: "three".to_owned(),
            options,
            source: "f.csv".to_owned(),
            paused_by: None,
        };
        let code = BatchCode::random(&mut StdRng::seed_from_u64(1));
        // An account that ends in 8 gets its password after a while, one in 4 is refused.
        let rows = [(1, "000000011"), (2, "000000028"), (3, "000000034")]
            .map(|(row, account)| payout(row, account, Money::usd("12.34").unwrap()));
        let load = async {
            let lease = store.create(&new, &identity(), code, "loader", at(0)).await.unwrap();
            store.append(&lease, &rows, at(0)).await.unwrap();
            store.complete(&lease, at(0)).await.unwrap();
        };
        load.now_or_never().unwrap();
        Self { clock, world: Arc::new(world), store, arrives }
    }

    /// One process. False if it died.
    fn run(&self, fate: &Arc<Fate>) -> bool {
        let store = MortalStore::new(
            Arc::new(self.store.clone()),
            Arc::clone(fate),
            Arc::new(|_: &str| {}),
        );
        let clock = self.clock.clone();
        let engine = Engine::new(Arc::new(store))
            .with_policy(Policy::default())
            .with_wall_clock(move || at(clock.now()));
        let gateway = Arc::new(MortalGateway::new(Arc::clone(&self.world), Arc::clone(fate), 2));
        let batch = self.store.batch(Some("three")).now_or_never().unwrap().unwrap();
        let cancel = Cancel::new();
        let ended = process(&self.clock, fate, engine.run(&batch, gateway, &cancel));
        match ended {
            Some(summary) => {
                summary.unwrap();
                true
            }
            None => {
                self.world.sender_died(u32::from(self.arrives), 1);
                false
            }
        }
    }

    /// All rows have ended as they should, and the ledger says the same.
    fn compare(&self, what: &str) {
        let batch = self.store.newest().now_or_never().unwrap().unwrap();
        let rows = self.store.rows(batch.id, 0, 9).now_or_never().unwrap().unwrap();
        let outcomes: Vec<_> = rows.iter().map(|row| row.payout.outcome()).collect();
        assert_eq!(outcomes, [Outcome::Paid, Outcome::Paid, Outcome::Failed], "{what}");
        let ledger = self.world.ledger();
        for row in rows {
            let order = row.payout.order.unwrap();
            assert!(order.no.as_str().ends_with(&format!("-{}-1", row.payout.row)), "{what}");
            let booked = ledger.get(order.no.as_str()).map(|it| it.status);
            let expected = (row.payout.row != 3).then_some("SUCCESS");
            assert_eq!(booked, expected, "{what}, row {}", row.payout.row);
        }
    }
}

/// The moments of a run in which nobody dies.
fn moments(route: Route) -> usize {
    let (three, fate) = (Three::new(route, true), Fate::never());
    assert!(three.run(&fate));
    three.compare("a clean run");
    fate.points()
}

fn die_at_each(route: Route) {
    let moments = moments(route);
    assert!(moments > 30, "{moments} moments are too few for three rows");
    for arrives in [false, true] {
        let mut died = 0;
        for moment in 0..=moments {
            let three = Three::new(route, arrives);
            if three.run(&Fate::at(moment)) {
                continue;
            }
            died += 1;
            assert!(three.run(&Fate::never()));
            three.compare(&format!("{route}, moment {moment}, sent: {arrives}"));
        }
        assert_eq!(died, moments, "not every moment was one to die at");
    }
}

#[test]
fn dying_at_any_moment_on_the_token_route() {
    die_at_each(Route::Token);
}

#[test]
fn dying_at_any_moment_on_the_direct_route() {
    die_at_each(Route::Direct);
}

/// The process that goes on dies as well, wherever it is by then. A third of the first moments is
/// enough: each of them meets the others in some pair.
#[test]
fn dying_at_any_two_moments() {
    let moments = moments(Route::Token);
    let mut pairs = 0;
    for first in (0..moments).step_by(3) {
        for second in 0.. {
            let arrives = (first + second) % 2 == 0;
            let three = Three::new(Route::Token, arrives);
            assert!(!three.run(&Fate::at(first)));
            if three.run(&Fate::at(second)) {
                break;
            }
            pairs += 1;
            assert!(three.run(&Fate::never()));
            three.compare(&format!("moments {first} and {second}, sent: {arrives}"));
        }
    }
    assert!(pairs > 5 * moments, "only {pairs} pairs for {moments} moments");
}
