//! The core against a model gateway in virtual time: thousands of seeds, crashes at every durable
//! write.
//!
//! Rows do not touch each other in the core, so one row is simulated, in thousands of lives.
//! Nothing here waits and nothing is random but the seed: a seed that fails can be run again by
//! itself.

use std::collections::BTreeMap;

use jiff::Timestamp;
use kess_gateway::{Currency, Money};
use payout_engine::{
    BatchCode, BatchOptions, CallError, NameMatch, OrderView, OtpMode, Outcome, Policy, Reason,
    Route, StopCause,
    machine::{Call, Event, Payout, Rules, State, Step, Verified, Write},
};
use rand::{Rng, SeedableRng, rngs::StdRng};

const SEEDS: u64 = 4_000;
/// Calls with faults on; after them the gateway behaves and every row has to end.
const TROUBLED_CALLS: u32 = 40;

#[derive(Clone)]
struct Booked {
    status: &'static str,
    visible_from: i64,
    expires_at: i64,
    otp: bool,
}

/// The gateway, the time, and the dice.
struct World {
    rng: StdRng,
    now: i64,
    settle: i64,
    troubled: u32,
    orders: BTreeMap<String, Booked>,
    /// Withdrawals that arrive late: their connection was cut while they were on their way.
    late: Vec<(i64, String)>,
    hits: BTreeMap<&'static str, u64>,
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(1_800_000_000_000 + millis).unwrap()
}

fn money() -> Money {
    Money::usd("12.34").unwrap()
}

fn reason(text: &str) -> Reason {
    Reason::new(text, text)
}

fn cut() -> CallError {
    CallError::Unknown { reason: reason("cut"), answered: false, retry_after: None }
}

impl World {
    fn hit(&mut self, fault: &'static str) {
        *self.hits.entry(fault).or_default() += 1;
    }

    /// True in one of `chances` cases, while there is trouble.
    fn strikes(&mut self, fault: &'static str, chances: u32) -> bool {
        let strikes = self.troubled > 0 && self.rng.gen_ratio(1, chances);
        if strikes {
            self.hit(fault);
        }
        strikes
    }

    /// Time passes, and what was on its way arrives.
    fn pass(&mut self, most: i64) {
        self.now += self.rng.gen_range(0..=most);
        let now = self.now;
        let (arrived, late) = self.late.drain(..).partition(|(at, _)| *at <= now);
        self.late = late;
        let arrived: Vec<(i64, String)> = arrived;
        for (_, no) in arrived {
            self.book(&no, "SUCCESS", 0);
        }
    }

    fn book(&mut self, no: &str, status: &'static str, hidden_for: i64) {
        let order = Booked {
            status,
            visible_from: self.now + hidden_for,
            expires_at: self.now + 500,
            otp: status == "WAITING" && self.rng.gen_bool(0.5),
        };
        self.orders.entry(no.to_owned()).or_insert(order);
    }

    fn view(&self, no: &str) -> OrderView {
        let order = &self.orders[no];
        OrderView {
            order_no: no.to_owned(),
            status: order.status.to_owned(),
            amount: "-12.34".parse().unwrap(),
            currency: Currency::Usd,
            transaction_id: None,
            otp_required: Some(order.otp),
            otp_url: None,
            expires_at: Some(at(order.expires_at)),
        }
    }

    fn withdraw(&mut self, no: &str) -> Result<OrderView, CallError> {
        if self.strikes("not_sent", 12) {
            return Err(CallError::NotSent(reason("not sent")));
        }
        if self.strikes("cut_before", 12) {
            return Err(cut());
        }
        if self.strikes("cut_then_book", 12) {
            let arrives = self.now + self.rng.gen_range(0..self.settle);
            self.late.push((arrives, no.to_owned()));
            return Err(cut());
        }
        if self.strikes("busy", 12) {
            return Err(CallError::RateLimited { reason: reason("429"), retry_after: None });
        }
        if self.orders.contains_key(no) {
            self.hit("sent_again");
            return Err(CallError::Duplicate(reason("409")));
        }
        if self.strikes("duplicate_that_is_none", 20) {
            return Err(CallError::Duplicate(reason("409")));
        }
        if self.strikes("stop", 20) {
            let cause = StopCause::Forbidden;
            return Err(CallError::Stop { cause, reason: reason("403") });
        }
        if self.strikes("refuse", 12) {
            return Err(CallError::Refused(reason("400")));
        }
        let hidden = if self.strikes("hidden", 5) { self.rng.gen_range(0..self.settle) } else { 0 };
        let status = if self.strikes("waiting", 3) { "WAITING" } else { "SUCCESS" };
        self.book(no, status, hidden);
        if hidden > 0 || self.strikes("cut_after", 4) {
            return Err(cut());
        }
        Ok(self.view(no))
    }

    fn query(&mut self, no: &str) -> Result<OrderView, CallError> {
        if self.strikes("query_cut", 6) {
            return Err(cut());
        }
        let (now, dice) = (self.now, self.rng.gen_range(0..6));
        let Some(order) = self.orders.get_mut(no).filter(|order| order.visible_from <= now) else {
            return Err(CallError::NotFound(reason("404")));
        };
        if order.status == "WAITING" {
            order.status = match dice {
                _ if now >= order.expires_at => "CLOSED",
                0 => "SUCCESS",
                1 => "FAILED",
                2 => "CLOSED",
                _ => "WAITING",
            };
        }
        Ok(self.view(no))
    }

    fn close(&mut self, no: &str) -> Result<OrderView, CallError> {
        if let Some(order) = self.orders.get_mut(no).filter(|order| order.status == "WAITING") {
            order.status = "CLOSED";
        }
        self.query(no)
    }

    fn answer(&mut self, call: Call, payout: &Payout) -> Event {
        self.troubled = self.troubled.saturating_sub(1);
        self.pass(40);
        let no = || payout.order.as_ref().unwrap().no.as_str();
        match call {
            Call::Clear => Event::Cleared,
            Call::Verify if self.strikes("verify_cut", 6) => Event::Verified(Err(cut())),
            Call::Verify => Event::Verified(Ok(Verified {
                holder: "SOK DARA".into(),
                currency: Currency::Usd,
                name: NameMatch::Match,
            })),
            Call::Tokenize if self.strikes("tokenize_cut", 6) => Event::Tokenized(Err(cut())),
            Call::Tokenize => Event::Tokenized(Ok(())),
            Call::Withdraw => Event::Withdrawn(self.withdraw(no())),
            Call::Query => Event::Queried(self.query(no())),
            Call::Close => Event::Closed(self.close(no())),
        }
    }
}

/// The store: what survives a crash, and older copies of it that somebody may restore.
struct Disk {
    payout: Payout,
    backups: Vec<Payout>,
}

impl Disk {
    fn write(&mut self, payout: &Payout) {
        payout.check().unwrap();
        if let (Some(old), Some(new)) = (&self.payout.order, &payout.order) {
            assert_eq!(old.no, new.no, "the order number changed");
        }
        self.backups.push(std::mem::replace(&mut self.payout, payout.clone()));
    }

    /// What a new run does first.
    fn wake(&mut self, now: i64) {
        if !self.payout.outcome().is_final() {
            self.payout.next_at = Some(at(now));
            self.payout.tries = 0;
            self.payout.watched_since = None;
        }
    }
}

/// One turn. `Err` is a crash: what was not written is gone.
fn turn(world: &mut World, disk: &mut Disk, rules: &Rules<'_>) -> Result<(), ()> {
    let mut payout = disk.payout.clone();
    let mut event = Event::Due;
    loop {
        let Step { payout: after, write, call, .. } = payout.step(rules, event, at(world.now));
        payout = after;
        if write != Write::Not {
            if world.strikes("crash_before_write", 15) {
                return Err(());
            }
            disk.write(&payout);
            if world.strikes("crash_after_write", 15) {
                return Err(());
            }
        }
        let Some(call) = call else { return Ok(()) };
        if call == Call::Withdraw {
            assert_eq!(disk.payout, payout, "the intent is not durable");
        }
        event = world.answer(call, &payout);
        if world.strikes("crash_before_answer", 15) {
            return Err(());
        }
    }
}

/// A whole life of a row; the hits of every fault are added to `hits`.
fn live(seed: u64, hits: &mut BTreeMap<&'static str, u64>) {
    let mut rng = StdRng::seed_from_u64(seed);
    let code = BatchCode::random(&mut rng);
    let options = BatchOptions {
        route: if rng.gen_bool(0.5) { Route::Token } else { Route::Direct },
        otp: if rng.gen_bool(0.5) { OtpMode::Wait } else { OtpMode::Detach },
        ..BatchOptions::default()
    };
    let policy = Policy { max_sends: 3, ..crate::engine::policy() };
    let rules = Rules {
        code: &code,
        options: &options,
        policy: &policy,
        cancelling: false,
        restored_at: None,
    };
    let settle = i64::try_from(policy.settle.as_millis()).unwrap();
    let mut world = World {
        rng,
        now: 0,
        settle,
        troubled: TROUBLED_CALLS,
        orders: BTreeMap::new(),
        late: Vec::new(),
        hits: BTreeMap::new(),
    };
    let mut disk = Disk { payout: Payout::new(1, money(), at(0)), backups: Vec::new() };
    let mut turns = 0;
    while !disk.payout.outcome().is_final() {
        turns += 1;
        assert!(turns < 5_000, "no end: {:?}", disk.payout);
        match disk.payout.next_at {
            Some(next) => world.now = world.now.max(next.as_millisecond() - at(0).as_millisecond()),
            // The run is over; somebody resumes, later.
            None => {
                world.pass(2_000);
                disk.wake(world.now);
            }
        }
        if disk.payout.state == State::Unbooked {
            world.hit("sent_in_vain");
        }
        if turn(&mut world, &mut disk, &rules).is_err() {
            world.pass(100);
            if world.strikes("restored_backup", 10)
                && let Some(old) = disk.backups.first().cloned()
            {
                disk = Disk { payout: old, backups: Vec::new() };
            }
            disk.wake(world.now);
        }
    }
    // What was still on its way arrives, and the books are compared.
    world.now += 10 * settle;
    world.pass(0);
    let paid = world.orders.values().filter(|order| order.status == "SUCCESS").count();
    assert_eq!(world.orders.len().max(1), 1, "more than one order: {:?}", world.orders.keys());
    match disk.payout.outcome() {
        Outcome::Paid => assert_eq!(paid, 1, "paid in the report only"),
        Outcome::Failed | Outcome::Expired => assert_eq!(paid, 0, "paid in the ledger only"),
        other => panic!("ended as {other}"),
    }
    for (fault, count) in world.hits {
        *hits.entry(fault).or_default() += count;
    }
    *hits.entry(disk.payout.outcome().as_str()).or_default() += 1;
}

#[test]
fn thousands_of_lives_end_with_equal_books() {
    let mut hits = BTreeMap::new();
    for seed in 1..=SEEDS {
        let life = std::panic::AssertUnwindSafe(|| live(seed, &mut hits));
        if let Err(panic) = std::panic::catch_unwind(life) {
            eprintln!("the seed is {seed}");
            std::panic::resume_unwind(panic);
        }
    }
    let expected = [
        "busy",
        "crash_after_write",
        "crash_before_answer",
        "crash_before_write",
        "cut_after",
        "cut_before",
        "cut_then_book",
        "duplicate_that_is_none",
        "expired",
        "failed",
        "hidden",
        "not_sent",
        "paid",
        "query_cut",
        "refuse",
        "restored_backup",
        "sent_again",
        "sent_in_vain",
        "stop",
        "tokenize_cut",
        "verify_cut",
        "waiting",
    ];
    for kind in expected {
        assert!(hits.get(kind).is_some_and(|hits| *hits > 20), "{kind} hardly struck: {hits:?}");
    }
}
