//! The core, explored: every state that can be reached, every event in each of them.
//!
//! The invariants are checked against a ledger of what *could* have happened at the gateway, kept
//! apart from the core: it knows only which withdrawals left and what was answered.

use std::collections::{HashMap, HashSet, VecDeque};

use jiff::SignedDuration;
use kess_gateway::Money;
use rand::{SeedableRng, rngs::StdRng};

use super::*;
use crate::batch::{NameCheck, OtpMode, Route};
use crate::decision::HOLDER_NAME;
use crate::order_no::OrderNo;
use crate::payout::Outcome;

#[path = "after_tests.rs"]
mod after;
#[path = "cancelling_tests.rs"]
mod cancelling;
#[path = "restored_tests.rs"]
mod restored;
#[path = "two_sends_tests.rs"]
mod two_sends;

fn code() -> BatchCode {
    BatchCode::random(&mut StdRng::seed_from_u64(1))
}

/// Seconds, so that a handful of ticks crosses every limit.
fn policy() -> Policy {
    let secs = std::time::Duration::from_secs;
    let backoff = Backoff { first: secs(1), longest: secs(1) };
    Policy {
        settle: secs(2),
        not_found_answers: 2,
        not_found_gap: secs(1),
        max_sends: 2,
        doubt: backoff,
        processing: backoff,
        otp: backoff,
        otp_grace: secs(2),
        patience: secs(1_000),
        retry: backoff,
        tries: 2,
        ..Policy::default()
    }
}

fn reason() -> Reason {
    Reason::new("CODE", "message")
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_000_000 + second).unwrap()
}

fn money() -> Money {
    Money::usd("10.50").unwrap()
}

fn errors() -> Vec<(&'static str, CallError)> {
    vec![
        ("not sent", CallError::NotSent(reason())),
        ("refused", CallError::Refused(reason())),
        ("duplicate", CallError::Duplicate(reason())),
        ("not found", CallError::NotFound(reason())),
        ("busy", CallError::RateLimited { reason: reason(), retry_after: None }),
        ("overloaded", CallError::Overloaded { reason: reason(), retry_after: None }),
        ("cut", CallError::Unknown { reason: reason(), answered: false, retry_after: None }),
        (
            "says nothing",
            CallError::Unknown { reason: reason(), answered: true, retry_after: None },
        ),
        ("stop", CallError::Stop { cause: StopCause::Forbidden, reason: reason() }),
    ]
}

fn view(no: &str, status: &str, amount: &str) -> OrderView {
    OrderView {
        order_no: no.to_owned(),
        status: status.to_owned(),
        amount: amount.parse().unwrap(),
        currency: Currency::Usd,
        transaction_id: None,
        otp_required: None,
        otp_url: None,
        expires_at: Some(at(4)),
    }
}

/// The name of [`Event::Retry`] on a path.
const RETRY: &str = "retry";

/// The name of [`Event::Listed`] on a path.
const LISTED: &str = "listed";

const STATUSES: [&str; 12] = [
    "SUCCESS",
    "SUCCESS ",
    "WAITING",
    "CLOSED",
    "FAILED",
    "EXPIRED",
    "VOID",
    "REFUNDED",
    "REVERSAL",
    "PARTIAL_REFUNDED",
    "PENDING_REFUNDED",
    "NEVER_SEEN_BEFORE",
];

/// Answers that show an order, honest ones and strange ones.
fn views(no: &str) -> Vec<(String, OrderView)> {
    let mut views: Vec<_> = STATUSES
        .iter()
        .map(|status| (format!("shows {status:?}"), view(no, status, "-10.50")))
        .collect();
    let otp = OrderView { otp_required: Some(true), ..view(no, "WAITING", "-10.5") };
    views.push(("shows OTP".to_owned(), otp));
    views.push(("shows another amount".to_owned(), view(no, "SUCCESS", "-10.51")));
    views.push(("shows another order".to_owned(), view("OTHER-1", "SUCCESS", "-10.50")));
    let riel = OrderView { currency: Currency::Khr, ..view(no, "SUCCESS", "-10.50") };
    views.push(("shows another currency".to_owned(), riel));
    views
}

/// Every event there is, for a payout with this order number.
fn events(no: &str) -> Vec<(String, Event)> {
    let verified =
        |currency, name| Event::Verified(Ok(Verified { holder: "A".into(), currency, name }));
    let mut events = vec![
        ("due".to_owned(), Event::Due),
        ("cleared".to_owned(), Event::Cleared),
        ("verified".to_owned(), verified(Currency::Usd, NameMatch::Match)),
        ("verified, other name".to_owned(), verified(Currency::Usd, NameMatch::NoMatch)),
        ("verified, other currency".to_owned(), verified(Currency::Khr, NameMatch::Match)),
        ("tokenized".to_owned(), Event::Tokenized(Ok(()))),
    ];
    for (name, error) in errors() {
        events.push((format!("verify: {name}"), Event::Verified(Err(error.clone()))));
        events.push((format!("tokenize: {name}"), Event::Tokenized(Err(error.clone()))));
        events.push((format!("withdraw: {name}"), Event::Withdrawn(Err(error.clone()))));
        events.push((format!("query: {name}"), Event::Queried(Err(error.clone()))));
        events.push((format!("close: {name}"), Event::Closed(Err(error))));
    }
    events.extend(after::decisions());
    for (name, view) in views(no) {
        events.push((format!("withdraw: {name}"), Event::Withdrawn(Ok(view.clone()))));
        events.push((format!("query: {name}"), Event::Queried(Ok(view.clone()))));
        events.push((format!("close: {name}"), Event::Closed(Ok(view))));
    }
    events
}

/// What an observer who sees only the wire knows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
struct Wire {
    /// A withdrawal left, and nothing since proves that it was not booked.
    may_be_booked: bool,
    /// Withdrawals that may have arrived.
    arrived: u32,
    /// The last of them was answered with a refusal.
    refused: bool,
    /// Second of the last send or its answer.
    last_send: i64,
    /// "Not found" answers after the settling time, since the last send.
    settled_not_found: u32,
    shown: bool,
    paid: bool,
}

impl Wire {
    fn hear(&mut self, event: &Event, asked: Option<Call>, no: Option<&OrderNo>, now: i64) {
        match event {
            Event::Withdrawn(answer) if asked == Some(Call::Withdraw) => {
                self.last_send = now;
                match answer {
                    Err(CallError::NotSent(_)) => {
                        self.arrived -= 1;
                        self.may_be_booked = self.arrived > 0;
                    }
                    Err(CallError::Refused(_) | CallError::Stop { .. }) => self.refused = true,
                    Ok(view) => self.show(view, no),
                    Err(_) => {}
                }
            }
            Event::Queried(Ok(view)) if asked == Some(Call::Query) => self.show(view, no),
            Event::Queried(Err(CallError::NotFound(_)))
                if asked == Some(Call::Query) && !self.shown =>
            {
                if now >= self.last_send + 2 {
                    self.settled_not_found += 1;
                }
                if self.arrived == 1 && self.refused || self.settled_not_found >= 2 {
                    self.may_be_booked = false;
                    self.arrived = 0;
                }
            }
            _ => {}
        }
    }

    fn show(&mut self, view: &OrderView, no: Option<&OrderNo>) {
        if no.is_none_or(|no| no.as_str() != view.order_no) {
            return;
        }
        self.shown = true;
        let ours = view.amount.abs() == money().amount() && view.currency == Currency::Usd;
        match view.status.trim() {
            "SUCCESS" if ours => self.paid = true,
            "CLOSED" | "EXPIRED" | "FAILED" | "VOID" if ours => self.may_be_booked = false,
            _ => self.may_be_booked = true,
        }
    }

    fn send(&mut self, now: i64) {
        self.may_be_booked = true;
        self.refused = false;
        self.arrived += 1;
        self.last_send = now;
        self.settled_not_found = 0;
    }
}

/// A place in the exploration: the payout, the call it waits for, what the wire shows, the time,
/// and whether the batch was cancelled meanwhile.
#[derive(Clone)]
struct Place {
    payout: Payout,
    cancelling: bool,
    /// An old copy of the store was put back at second 0.
    restored: bool,
    asked: Option<Call>,
    wire: Wire,
    now: i64,
    path: Vec<String>,
}

impl Place {
    fn new(payout: Payout) -> Self {
        let (wire, path) = (Wire::default(), Vec::new());
        Self { payout, cancelling: false, restored: false, asked: None, wire, now: 0, path }
    }

    /// Two places with the same key have the same future, but for the absolute time.
    fn key(&self) -> impl std::hash::Hash + Eq + use<> {
        let order = self.payout.order.as_ref();
        let ago = |at: Option<Timestamp>| {
            at.map(|at| (super::tests::at(self.now).duration_since(at)).as_secs().min(3))
        };
        (
            (self.cancelling, self.payout.state, self.payout.is_released(HOLDER_NAME)),
            self.payout.attempt,
            self.payout.tries.min(2),
            self.asked.map(|call| call as u8),
            order.map(|order| (order.sends.min(3), order.seen, order.not_found.min(3))),
            order.map(|order| (order.sent_at < Some(at(0)), order.not_found_at < Some(at(0)))),
            (ago(order.and_then(|o| o.sent_at)), ago(order.and_then(|o| o.not_found_at))),
            self.payout.next_at.is_some(),
            (self.now - self.wire.last_send).min(3),
            (self.wire.may_be_booked, self.wire.arrived.min(3), self.wire.refused),
            (self.wire.settled_not_found.min(3), self.wire.shown, self.wire.paid),
            self.now.min(7),
        )
    }
}

fn check(before: &Place, step: &Step, wire: &Wire, event: &str) {
    let path = || format!("{:?} then {event}", before.path);
    let after = &step.payout;
    let sends = step.call == Some(Call::Withdraw);
    assert_eq!(after.money, before.payout.money);
    assert_eq!(sends, step.write == Write::BeforeCall, "{}", path());
    if before.cancelling {
        cancelling::check_cancelling(&before.payout, step, &path());
    }
    if event == LISTED && step.write != Write::Not {
        return restored::check_listed(&before.payout, after, before.restored);
    }
    if event == RETRY && step.write != Write::Not {
        return after::check_retry(&before.payout, after, wire);
    }
    after.check().unwrap_or_else(|error| panic!("{error}: {}", path()));
    if let (Some(old), Some(new)) = (&before.payout.order, &after.order) {
        assert_eq!(old.no, new.no, "a number changed: {}", path());
    }
    let minted = u32::from(before.payout.order.is_none() && after.order.is_some());
    assert_eq!(after.attempt, before.payout.attempt + minted, "a number: {}", path());
    assert!(before.payout.order.is_none() || after.order.is_some(), "lost one: {}", path());
    if sends {
        assert!(!wire.may_be_booked, "sent while it may be booked: {}", path());
        assert!(!wire.shown, "an order that was shown is sent again: {}", path());
        assert_eq!(after.state, State::Sending);
    }
    // What a copy says may be wrong until it is asked about; then nothing rests on it.
    let untouched = before.restored && step.payout.state == before.payout.state;
    match after.outcome() {
        _ if untouched => {}
        Outcome::Paid => assert!(wire.paid, "paid without proof: {}", path()),
        Outcome::Failed | Outcome::Expired | Outcome::Cancelled | Outcome::Pending => {
            assert!(!wire.may_be_booked, "{} but may be booked: {}", after.state, path());
        }
        _ => {}
    }
    if before.payout.outcome() == Outcome::Paid {
        assert!(matches!(after.state, State::Paid | State::Reversed), "{}", path());
    } else if before.payout.outcome().is_final() {
        assert_eq!(after.state, before.payout.state, "{}", path());
    }
}

/// Walks through everything that a shell could do: the answer to the call that was asked for, any
/// other event (late, double, forged), a crash at any time, and time passing.
fn explore(options: &BatchOptions) -> HashMap<State, usize> {
    explore_from(vec![Place::new(Payout::new(1, money(), at(0)))], options, None)
}

fn explore_from(
    starts: Vec<Place>,
    options: &BatchOptions,
    restored_at: Option<Timestamp>,
) -> HashMap<State, usize> {
    let (code, policy) = (code(), policy());
    let paying = Rules { code: &code, options, policy: &policy, cancelling: false, restored_at };
    let numbers = [1, 2].map(|attempt| OrderNo::mint(&code, 1, attempt));
    let all = numbers.map(|number| {
        let mut events = events(number.as_str());
        events.push((RETRY.to_owned(), Event::Retry));
        events.push(("cancel".to_owned(), Event::Cancel));
        if restored_at.is_some() {
            let listed = [1, 2].map(|attempt| (LISTED.to_owned(), Event::Listed { attempt }));
            events.extend(listed);
        }
        events
    });
    let mut seen: HashSet<_> = starts.iter().map(Place::key).collect();
    let mut reached: HashMap<State, usize> = HashMap::new();
    let mut queue = VecDeque::from(starts);
    while let Some(place) = queue.pop_front() {
        *reached.entry(place.payout.state).or_default() += 1;
        // Somebody may cancel the batch at any time, also between a call and its answer.
        let mut cancelled = Place { cancelling: true, ..place.clone() };
        // After a restoration before it was asked and after, or there would be too many places.
        let now_too = !place.restored || [0, 3].contains(&place.now);
        if now_too && seen.insert(cancelled.key()) {
            cancelled.path.push("the batch is cancelled".to_owned());
            queue.push_back(cancelled);
        }
        let rules = Rules { cancelling: place.cancelling, ..paying };
        for pause in [0, 1] {
            let now = place.now + pause;
            for (name, event) in &all[place.payout.attempt.saturating_sub(1) as usize] {
                if !belongs(event, place.asked) || is_one_too_many(event, &place) {
                    continue;
                }
                let mut wire = place.wire.clone();
                wire.hear(event, place.asked, place.payout.order.as_ref().map(|o| &o.no), now);
                let step = place.payout.clone().step(&rules, event.clone(), at(now));
                check(&place, &step, &wire, name);
                if step.call == Some(Call::Withdraw) {
                    wire.send(now);
                }
                if name == RETRY && step.write != Write::Not {
                    // What follows is about another order.
                    wire = if place.restored { Wire::unknown() } else { Wire::default() };
                }
                if name == LISTED && step.write != Write::Not {
                    wire = Wire { shown: true, ..Wire::unknown() };
                }
                let (payout, asked, path) = (step.payout, step.call, Vec::new());
                let Place { cancelling, restored, .. } = place;
                let mut next = Place { payout, cancelling, restored, asked, wire, now, path };
                // Most places were seen before, and their paths are not worth the making.
                if seen.insert(next.key()) {
                    next.path.clone_from(&place.path);
                    next.path.push(format!("+{pause}s {name}"));
                    queue.push_back(next);
                }
            }
        }
    }
    reached
}

/// What can come next: the answer to what was asked, or, after a crash or a pause, a new turn. A
/// turn that waits for an answer can also crash, so `Due` is always possible.
fn belongs(event: &Event, asked: Option<Call>) -> bool {
    match event {
        Event::Due => true,
        // A person decides between runs.
        Event::Decided(_) | Event::Retry | Event::Cancel | Event::Listed { .. } => asked.is_none(),
        Event::Verified(_) => asked == Some(Call::Verify),
        Event::Tokenized(_) => asked == Some(Call::Tokenize),
        Event::Cleared => asked == Some(Call::Clear),
        Event::Withdrawn(_) => asked == Some(Call::Withdraw),
        Event::Queried(_) => asked == Some(Call::Query),
        Event::Closed(_) => asked == Some(Call::Close),
    }
}

/// Two attempts show what any number of them does.
fn is_one_too_many(event: &Event, place: &Place) -> bool {
    matches!(event, Event::Retry) && place.payout.attempt >= 2
}

#[test]
fn no_path_pays_twice_or_takes_a_possible_payment_for_none() {
    for (route, otp, name_match) in [
        (Route::Token, OtpMode::Wait, NameCheck::Warn),
        (Route::Direct, OtpMode::Detach, NameCheck::Strict),
    ] {
        let options = BatchOptions { route, otp, name_match, ..BatchOptions::default() };
        let reached = explore(&options);
        for state in State::ALL {
            let reachable = !matches!(state, State::Invalid | State::Restored);
            assert_eq!(reached.contains_key(state), reachable, "{state} with {options:?}");
        }
    }
}

#[test]
fn a_dry_run_never_asks_for_a_withdrawal() {
    let options = BatchOptions { dry_run: true, ..BatchOptions::default() };
    let reached = explore(&options);
    let mut states: Vec<_> = reached.keys().copied().collect();
    states.sort();
    assert_eq!(states, [State::Pending, State::Held, State::Failed, State::Cancelled]);
}

/// Any event in any state, whether or not it was asked for: nothing that sends, pays or fails
/// without its own proof.
#[test]
fn stray_events_change_nothing_that_matters() {
    let (code, policy, options) = (code(), policy(), BatchOptions::default());
    let rules = Rules {
        code: &code,
        options: &options,
        policy: &policy,
        cancelling: false,
        restored_at: None,
    };
    let number = OrderNo::mint(&code, 1, 1);
    for state in State::ALL {
        let seen = matches!(
            state,
            State::Mismatch
                | State::AwaitingOtp
                | State::Processing
                | State::Paid
                | State::Expired
                | State::Cancelled
                | State::Reversed
        );
        let fresh = matches!(state, State::Pending | State::Held | State::Invalid);
        let mut payout = Payout::new(1, money(), at(0));
        payout.state = *state;
        payout.attempt = 1;
        payout.order = Some(Order {
            no: number.clone(),
            sends: u32::from(!fresh),
            sent_at: Some(at(0)),
            seen,
            not_found: u32::from(*state == State::Failed),
            not_found_at: None,
        });
        payout.check().unwrap();
        for (name, event) in events(number.as_str()) {
            let step = payout.clone().step(&rules, event, at(1));
            step.payout.check().unwrap_or_else(|error| panic!("{state}, {name}: {error}"));
            let sends = step.call == Some(Call::Withdraw);
            assert!(!sends || *state == State::Pending, "{state}, {name}: sends");
            if state.outcome().is_final() && *state != State::Paid {
                assert_eq!(step.payout.state, *state, "{name}");
                assert_eq!((step.write, step.call), (Write::Not, None), "{state}, {name}");
            }
        }
    }
}

#[test]
fn strict_holds_all_but_a_match_and_off_does_not_look() {
    let (code, policy) = (code(), policy());
    for (check, name, state, said) in [
        (NameCheck::Strict, NameMatch::NoMatch, State::Held, Some("holder_name")),
        (NameCheck::Strict, NameMatch::Close, State::Held, Some("holder_name_close")),
        (NameCheck::Strict, NameMatch::Match, State::Pending, None),
        (NameCheck::Warn, NameMatch::NoMatch, State::Pending, Some("holder_name")),
        (NameCheck::Warn, NameMatch::Close, State::Pending, Some("holder_name_close")),
        (NameCheck::Warn, NameMatch::Match, State::Pending, None),
        (NameCheck::Off, NameMatch::NoMatch, State::Pending, None),
    ] {
        let options = BatchOptions { name_match: check, ..BatchOptions::default() };
        let rules = Rules {
            code: &code,
            options: &options,
            policy: &policy,
            cancelling: false,
            restored_at: None,
        };
        let verified = Verified { holder: "B".into(), currency: Currency::Usd, name };
        let payout = Payout::new(1, money(), at(0))
            .step(&rules, Event::Verified(Ok(verified)), at(0))
            .payout;
        assert_eq!(payout.state, state, "{check} {name:?}");
        let reason = if state == State::Held { &payout.reason } else { &payout.warning };
        assert_eq!(reason.as_ref().map(|it| it.code.as_str()), said, "{check} {name:?}");
    }
}

#[test]
fn an_otp_is_awaited_until_its_expiry_and_no_longer_than_its_grace() {
    let (code, policy) = (code(), policy());
    let options = BatchOptions { otp: OtpMode::Wait, ..BatchOptions::default() };
    let rules = Rules {
        code: &code,
        options: &options,
        policy: &policy,
        cancelling: false,
        restored_at: None,
    };
    let number = OrderNo::mint(&code, 1, 1);
    let waiting = OrderView {
        otp_required: Some(true),
        expires_at: Some(at(3_000)),
        ..view(number.as_str(), "WAITING", "-10.50")
    };
    let mut payout = Payout::new(1, money(), at(0)).step(&rules, Event::Cleared, at(0)).payout;
    payout = payout.step(&rules, Event::Withdrawn(Ok(waiting.clone())), at(0)).payout;
    let mut closes = 0;
    let mut now = at(0);
    while let Some(next) = payout.next_at {
        assert!(next > now, "no progress at {now}");
        now = next;
        let step = payout.step(&rules, Event::Due, now);
        assert_eq!(step.call, Some(Call::Query));
        let step = step.payout.step(&rules, Event::Queried(Ok(waiting.clone())), now);
        let cut = CallError::Unknown { reason: reason(), answered: false, retry_after: None };
        payout = match step.call {
            Some(Call::Close) => {
                closes += 1;
                step.payout.step(&rules, Event::Closed(Err(cut)), now).payout
            }
            _ => step.payout,
        };
    }
    assert!(closes > 0);
    assert_eq!(payout.state, State::AwaitingOtp);
    let late = now.duration_since(at(3_000));
    assert!(
        (SignedDuration::from_secs(2)..=SignedDuration::from_secs(5)).contains(&late),
        "{late}"
    );
}
