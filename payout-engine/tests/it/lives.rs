//! Whole lives of whole batches in virtual time: the engine, a store and a gateway, and everything
//! that can happen to them.
//!
//! Several rows, two batches that share payees, processes that die at every write and every call,
//! two runners at once, clocks that are set forwards and backwards, old copies of the store put
//! back, people who enter passwords, decide and try again. Nothing waits and nothing is random but
//! the seed: a seed replays byte for byte.
//!
//! `KESSPAY_SEED=17 cargo nextest run -p payout-engine lives` lives one life and prints it.

use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use futures_util::future::FutureExt;
use kess_gateway::Money;
use payout_engine::{
    Batch, BatchCode, BatchOptions, Cancel, Engine, Error, ErrorKind, NameCheck, NewBatch,
    NewPayout, OtpMode, Outcome, PayoutRecord, Policy, Route, Ruling, Store,
};
use rand::{Rng, SeedableRng, rngs::StdRng};

use crate::{
    engine::payout,
    memory::{Disk, MemoryStore},
    model::identity,
    mortal::{Fate, MortalGateway, MortalStore, Trace, VirtualClock, process},
    world::{ACCOUNT_FAULTS, Booked, READ_FAULTS, Reading, WITHDRAW_FAULTS, World, at},
};

/// Lives in one test; several tests share the cores.
const SEEDS: u64 = 500;
/// Runs with faults on; after them everything works, and every row has to end.
const TROUBLED_RUNS: u32 = 12;
/// Runs after which a life has to be over.
const MOST_RUNS: u32 = 80;
const HOUR: i64 = 3_600_000;

/// One life: what is kept from run to run.
struct Life {
    rng: StdRng,
    clock: VirtualClock,
    /// How far the machine's clock is off.
    skew: i64,
    trace: Trace,
    world: Arc<World>,
    store: MemoryStore,
    reading: Reading,
    backup: Option<Disk>,
    hits: BTreeMap<String, u64>,
}

impl Life {
    fn new(seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let reading = Reading { books_again: seed.is_multiple_of(3), restores: seed % 3 == 1 };
        let (clock, trace) = (VirtualClock::default(), Trace::default());
        let world = World::new(rng.r#gen(), reading, clock.clone(), trace.clone());
        Self {
            rng,
            clock,
            skew: 0,
            trace,
            world: Arc::new(world),
            store: MemoryStore::default(),
            reading,
            backup: None,
            hits: BTreeMap::new(),
        }
    }

    fn hit(&mut self, what: &str) {
        self.trace.line(self.clock.now(), what);
        *self.hits.entry(what.to_owned()).or_default() += 1;
    }

    fn chance(&mut self, of: u32) -> bool {
        self.rng.gen_ratio(1, of)
    }

    /// An engine as a process makes it, on this store.
    fn engine(&self, store: MemoryStore, fate: &Arc<Fate>) -> Engine {
        let (trace, clock) = (self.trace.clone(), self.clock.clone());
        let log = Arc::new(move |text: &str| trace.line(clock.now(), text));
        let store = MortalStore::new(Arc::new(store), Arc::clone(fate), log);
        let (clock, skew) = (self.clock.clone(), self.skew);
        Engine::new(Arc::new(store))
            .with_policy(Policy::default())
            .with_runner("a runner")
            .with_wall_clock(move || at(clock.now() + skew))
    }

    /// A process that dies now and then, as long as there is trouble.
    fn fate(&mut self) -> Arc<Fate> {
        let (mut rng, world) = (StdRng::seed_from_u64(self.rng.r#gen()), Arc::clone(&self.world));
        Fate::new(move |_| world.is_troubled() && rng.gen_ratio(1, 150))
    }

    fn options(&mut self) -> BatchOptions {
        let rng = &mut self.rng;
        BatchOptions {
            route: if rng.gen_bool(0.7) { Route::Token } else { Route::Direct },
            otp: if rng.gen_bool(0.5) { OtpMode::Wait } else { OtpMode::Detach },
            name_match: if rng.gen_bool(0.5) { NameCheck::Strict } else { NameCheck::Warn },
            concurrency: rng.gen_range(1..=4),
            rate: rng.gen_bool(0.2).then_some(5),
            ..BatchOptions::default()
        }
    }

    fn load(&mut self, name: &str, rows: &[NewPayout]) {
        let new = NewBatch {
            name: name.to_owned(),
            options: self.options(),
            source: "f.csv".to_owned(),
            paused_by: None,
        };
        let code = BatchCode::random(&mut self.rng);
        let (store, now) = (self.store.clone(), at(self.clock.now()));
        let load = async {
            let lease = store.create(&new, &identity(), code, "loader", now).await.unwrap();
            store.append(&lease, rows, now).await.unwrap();
            store.complete(&lease, now).await.unwrap();
        };
        load.now_or_never().unwrap();
    }

    /// Runs one batch for a while, as one process or as two at once.
    fn run(&mut self, batch: &Batch) {
        let fate = self.fate();
        let most = batch.options.concurrency;
        let retries = !self.reading.restores && self.chance(5);
        let two = self.world.is_troubled() && self.chance(4);
        let later = Duration::from_millis(self.rng.gen_range(1..20_000));
        let gateway =
            || Arc::new(MortalGateway::new(Arc::clone(&self.world), Arc::clone(&fate), most));
        let first = self.engine(self.store.clone(), &fate);
        let refused = self.engine(self.store.clone(), &fate);
        let second = self.engine(self.store.past_the_lock(), &fate);
        let cancel = Cancel::new();
        let ended = process(&self.clock, &fate, async {
            let run = async {
                match retries {
                    true => first.retry(batch, gateway(), &cancel).await,
                    false => first.run(batch, gateway(), &cancel).await,
                }
            };
            if !two {
                return (run.await.map(drop), None);
            }
            let others = async {
                tokio::time::sleep(later).await;
                let refused = refused.run(batch, gateway(), &cancel).await;
                // On another machine, where the lock does not reach.
                second.run(batch, gateway(), &cancel).await.unwrap();
                refused
            };
            let (first, refused) = tokio::join!(run, others);
            (first.map(drop), Some(refused.map(drop)))
        });
        match ended {
            None => {
                self.world.sender_died(1, 2);
                self.hit("died");
            }
            Some((first, refused)) => {
                self.told(first, ErrorKind::Fenced, "fenced");
                if let Some(refused) = refused {
                    self.told(refused, ErrorKind::Locked, "locked_out");
                }
            }
        }
        if retries {
            self.hit("retried");
        }
    }

    fn told(&mut self, ended: Result<(), Error>, may: ErrorKind, what: &str) {
        if let Err(error) = ended {
            assert_eq!(error.kind(), may, "{error}");
            self.hit(what);
        }
    }

    /// What happens between two runs.
    fn between(&mut self) {
        let pause = if self.chance(3) { 2 * HOUR } else { 20_000 };
        self.clock.pass(self.rng.gen_range(1..=pause));
        self.world.enter_passwords();
        if !self.world.is_troubled() {
            return;
        }
        if self.chance(5) {
            let hours = self.rng.gen_range(1..=6);
            self.skew += hours * HOUR;
            self.hit("clock_set_forwards");
        }
        if self.chance(5) {
            let hours = self.rng.gen_range(1..=6);
            self.skew -= hours * HOUR;
            self.hit("clock_set_backwards");
        }
        if self.reading.restores && self.chance(4) {
            match self.backup.take() {
                Some(backup) => {
                    self.store.restore(backup);
                    self.hit("restored_backup");
                }
                None => self.backup = Some(self.store.backup()),
            }
        }
    }

    /// Held rows are decided about.
    fn decide(&mut self, batch: &Batch) {
        for record in self.rows(batch) {
            if record.payout.outcome() != Outcome::Held {
                continue;
            }
            let reason = record.payout.reason.as_ref().unwrap().code.clone();
            let release = reason == "holder_name" && self.rng.gen_bool(0.5);
            let (ruling, word) = if release {
                (Ruling::Released, "released")
            } else {
                (Ruling::Rejected, "rejected")
            };
            let fate = self.fate();
            let engine = self.engine(self.store.clone(), &fate);
            let decided = process(&self.clock, &fate, async {
                engine.decide(batch, &record.reference, ruling, "sophea", "checked").await
            });
            if let Some(decided) = decided {
                decided.unwrap();
            }
            self.hit(&format!("held_{reason}_{word}"));
        }
    }

    fn rows(&self, batch: &Batch) -> Vec<PayoutRecord> {
        self.store.rows(batch.id, 0, 1_000).now_or_never().unwrap().unwrap()
    }

    fn batches(&self) -> Vec<Batch> {
        self.store.batches().now_or_never().unwrap().unwrap()
    }

    fn is_over(&self, batch: &Batch) -> bool {
        self.rows(batch).iter().all(|row| row.payout.outcome().is_final())
    }

    /// Lives until every row of every batch has ended.
    fn live(&mut self) {
        let shared = self.rng.gen_range(1..=5);
        let first: Vec<_> = (1..=shared).map(row).collect();
        // The second batch pays some of the same people for the same thing, and others. An old copy
        // of the store cannot know what was paid for it elsewhere, so there they have nothing in
        // common.
        let from = if self.reading.restores { shared } else { shared / 2 };
        let second: Vec<_> = (from + 1..=shared + 2).map(row).collect();
        self.load("first", &first);
        self.load("second", &second);
        for run in 0.. {
            assert!(run < MOST_RUNS, "no end");
            if run == TROUBLED_RUNS {
                self.world.calm_down();
                self.skew = 0;
            }
            let open: Vec<_> =
                self.batches().into_iter().filter(|batch| !self.is_over(batch)).collect();
            if open.is_empty() {
                break;
            }
            let batch = open[self.rng.gen_range(0..open.len())].clone();
            self.decide(&batch);
            self.run(&batch);
            self.between();
            self.compare();
        }
    }

    /// The report against the ledger.
    fn compare(&mut self) {
        let ledger = self.world.ledger();
        let mut by_account: BTreeMap<&str, Vec<&Booked>> = BTreeMap::new();
        for order in ledger.values().filter(|order| order.status == "SUCCESS") {
            by_account.entry(&order.account).or_default().push(order);
        }
        let twice = by_account.values().find(|paid| paid.len() > 1);
        assert!(twice.is_none(), "paid twice: {twice:?}");
        for batch in self.batches() {
            for record in self.rows(&batch) {
                let outcome = record.payout.outcome();
                let row = record.payout.row;
                let own = format!("{}-{row}-", batch.code);
                let paid: Vec<_> = ledger
                    .iter()
                    .filter(|(no, order)| no.starts_with(&own) && order.status == "SUCCESS")
                    .map(|(_, order)| order.money.clone())
                    .collect();
                let what = format!("row {row} of {} is {outcome}: {paid:?}", batch.name);
                match outcome {
                    Outcome::Paid => assert_eq!(paid, [record.payout.money], "{what}"),
                    Outcome::InDoubt | Outcome::AwaitingOtp | Outcome::Processing => {}
                    // An old copy knows nothing of what was sent after it, before it asks.
                    Outcome::Pending | Outcome::Held if self.reading.restores => {}
                    _ if self.reading.restores && record.payout.order.is_none() => {}
                    _ => assert!(paid.is_empty(), "{what}"),
                }
            }
        }
    }
}

/// A payee with a reference and an account of their own; some wait for a password.
fn row(number: u64) -> NewPayout {
    let ending = if number.is_multiple_of(3) { 7 } else { 1 };
    match number % 4 {
        0 => payout(number, &format!("9{number:08}{ending}"), Money::khr("4100").unwrap()),
        _ => payout(number, &format!("0{number:08}{ending}"), Money::usd("12.34").unwrap()),
    }
}

#[expect(clippy::print_stderr, reason = "a life that fails tells its last moments and its seed")]
fn live(seed: u64) -> Life {
    let mut life = Life::new(seed);
    let trace = life.trace.clone();
    let lived = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| life.live()));
    if let Err(panic) = lived {
        let text = trace.text();
        let last: Vec<_> = text.lines().rev().take(60).collect();
        for line in last.into_iter().rev() {
            eprintln!("{line}");
        }
        eprintln!("the seed is {seed}: KESSPAY_SEED={seed} cargo nextest run lives");
        std::panic::resume_unwind(panic);
    }
    for (fault, count) in life.world.hits() {
        *life.hits.entry(fault).or_default() += count;
    }
    life
}

/// Lives one life after the other. Whatever can happen has to have happened in one of them.
#[expect(clippy::print_stderr, reason = "a life that was asked for is shown")]
fn live_all(first_seed: u64) {
    if let Some(seed) = std::env::var_os("KESSPAY_SEED") {
        let seed = seed.to_str().unwrap().parse().unwrap();
        eprintln!("{}", live(seed).trace.text());
        return;
    }
    let mut hits: BTreeMap<String, u64> = BTreeMap::new();
    for seed in first_seed..first_seed + SEEDS {
        for (what, count) in live(seed).hits {
            *hits.entry(what).or_default() += count;
        }
    }
    let faults = [&WITHDRAW_FAULTS[..], &READ_FAULTS, &ACCOUNT_FAULTS].concat();
    let happened = [
        "clock_set_backwards",
        "clock_set_forwards",
        "died",
        "fenced",
        "held_account_currency_rejected",
        "held_duplicate_rejected",
        "held_holder_name_rejected",
        "held_holder_name_released",
        "locked_out",
        "otp_confirmed",
        "restored_backup",
        "retried",
        "sent_again",
    ];
    for kind in faults.iter().map(|(fault, _)| *fault).chain(happened) {
        assert!(hits.get(kind).is_some_and(|hits| *hits > 4), "{kind} hardly struck: {hits:#?}");
    }
}

#[test]
fn lives_of_two_batches_end_with_equal_books_1() {
    live_all(1);
}

#[test]
fn lives_of_two_batches_end_with_equal_books_2() {
    live_all(1 + SEEDS);
}

#[test]
fn lives_of_two_batches_end_with_equal_books_3() {
    live_all(1 + 2 * SEEDS);
}

#[test]
fn lives_of_two_batches_end_with_equal_books_4() {
    live_all(1 + 3 * SEEDS);
}

#[test]
fn a_seed_replays_byte_for_byte() {
    for seed in 1..=12 {
        let (once, again) = (live(seed).trace.text(), live(seed).trace.text());
        assert!(once.lines().count() > 50, "seed {seed}: {once}");
        assert_eq!(once, again, "seed {seed}");
    }
}

/// A large batch is read page by page, however many rows are due at once.
#[test]
fn rows_in_memory_follow_concurrency() {
    // None of them in riel, none that waits for a password.
    let rows: Vec<_> = (1..=700).map(|number| row(number * 12 + 1)).collect();
    let mut life = Life::new(1);
    life.world.calm_down();
    life.load("large", &rows);
    let batch = life.batches().remove(0);
    let store =
        MortalStore::new(Arc::new(life.store.clone()), Fate::never(), Arc::new(|_: &str| {}));
    let most_read = store.most_read();
    let clock = life.clock.clone();
    let engine = Engine::new(Arc::new(store)).with_wall_clock(move || at(clock.now()));
    let (world, cancel) = (Arc::clone(&life.world), Cancel::new());
    let summary =
        process(&life.clock, &Fate::never(), engine.run(&batch, world, &cancel)).unwrap().unwrap();
    assert_eq!(summary.count(Outcome::Paid), 700);
    let most = most_read.load(Ordering::SeqCst);
    assert!(most <= 2 * 256 + 4 * batch.options.concurrency, "{most} rows were read at once");
}
