//! The other end in virtual time: a gateway with its own ledger, and everything that can go wrong
//! with it.
//!
//! Every fault of the sandbox has its counterpart here, under the sandbox's name for it, as the
//! engine's port shows it. A withdrawal travels: it arrives some time after it was sent, whatever
//! has become of its sender by then.
//!
//! The ledger itself refuses what must never happen: a second order for an account whose first one
//! may still move money, and a withdrawal that is sent again without a query in between.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::{
    StreamExt,
    future::{BoxFuture, FutureExt},
    stream::BoxStream,
};
use jiff::{Timestamp, civil::Date};
use kess_gateway::{Currency, Money};
use payout_engine::{
    BankToken, CallError, Gateway, GatewayIdentity, Holder, OrderNo, OrderView, Payee, Reason,
    SealedPayee, StopCause, Wallet, Withdrawal,
};
use rand::{Rng, SeedableRng, rngs::StdRng};

use crate::{
    model::identity,
    mortal::{Trace, VirtualClock},
};

/// No withdrawal is on its way for longer; the policy's settling time is longer still.
const LONGEST_WAY: i64 = 50_000;
/// How long an order waits for its one-time password.
const OTP_LIFETIME: i64 = 600_000;

/// Accounts that end in 4 are always refused. What goes wrong with the others, and how often in a
/// thousand calls.
pub(crate) const WITHDRAW_FAULTS: [(&str, u32); 22] = [
    ("oauth_away", 25),
    ("refuse_VALIDATION_ERROR", 25),
    ("refuse_FORBIDDEN", 8),
    ("success_false_PROCESS_FAILED", 25),
    ("cut_before_booking", 40),
    ("cut_after_booking", 50),
    ("cut_then_book", 40),
    ("half_reply", 25),
    ("slow", 25),
    ("status_429_before_booking", 20),
    ("status_429_after_booking", 20),
    ("status_500_after_booking", 20),
    ("status_503_before_booking", 20),
    ("status_503_after_booking", 20),
    ("html_before_booking", 20),
    ("html_after_booking", 20),
    ("token_revoked", 25),
    ("hidden_after_booking", 40),
    ("low_balance", 8),
    ("duplicate", 25),
    ("accepted_and_slow", 60),
    ("closed_at_once", 15),
];

/// What goes wrong with any other call.
pub(crate) const READ_FAULTS: [(&str, u32); 6] = [
    ("read_cut", 40),
    ("read_oauth_away", 20),
    ("read_token_revoked", 20),
    ("read_status_429", 15),
    ("read_status_500", 30),
    ("read_html", 20),
];

/// What goes wrong with an account.
pub(crate) const ACCOUNT_FAULTS: [(&str, u32); 3] =
    [("unknown_account", 15), ("other_holder", 40), ("other_currency", 15)];

/// An order in the ledger.
#[derive(Debug, Clone)]
pub(crate) struct Booked {
    pub(crate) account: String,
    pub(crate) money: Money,
    pub(crate) status: &'static str,
    pub(crate) times_booked: u32,
    /// The withdrawal that it was booked for.
    by: u64,
    visible_from: i64,
    otp: bool,
    /// When the owner of an account that ends in 8 enters the password.
    typed_at: i64,
    expires_at: i64,
}

/// A withdrawal on its way.
#[derive(Debug, Clone)]
struct Travelling {
    number: u64,
    arrives: i64,
    no: String,
    account: String,
    money: Money,
    status: &'static str,
    otp: bool,
    hidden_for: i64,
}

/// The readings of the documentation under which the engine has to be right.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reading {
    /// A used order number is booked again instead of being refused.
    pub(crate) books_again: bool,
    /// The store may be an old copy, which knows nothing of what was sent after it.
    pub(crate) restores: bool,
}

#[derive(Clone)]
struct Inner {
    rng: StdRng,
    /// Faults strike as long as there is trouble.
    troubled: bool,
    orders: BTreeMap<String, Booked>,
    travelling: Vec<Travelling>,
    sent: u64,
    /// Orders of which a send may have arrived, and that nobody asked about since.
    unasked: BTreeSet<String>,
    hits: BTreeMap<String, u64>,
}

/// The gateway.
pub(crate) struct World {
    inner: Mutex<Inner>,
    clock: VirtualClock,
    trace: Trace,
    reading: Reading,
}

impl World {
    pub(crate) fn new(seed: u64, reading: Reading, clock: VirtualClock, trace: Trace) -> Self {
        let inner = Inner {
            rng: StdRng::seed_from_u64(seed),
            troubled: true,
            orders: BTreeMap::new(),
            travelling: Vec::new(),
            sent: 0,
            unasked: BTreeSet::new(),
            hits: BTreeMap::new(),
        };
        Self { inner: Mutex::new(inner), clock, trace, reading }
    }

    /// From here on everything works.
    pub(crate) fn calm_down(&self) {
        self.lock().troubled = false;
    }

    pub(crate) fn is_troubled(&self) -> bool {
        self.lock().troubled
    }

    pub(crate) fn hits(&self) -> BTreeMap<String, u64> {
        self.lock().hits.clone()
    }

    /// A process died: of what it was sending, `left` in `of` had left.
    pub(crate) fn sender_died(&self, left: u32, of: u32) {
        let mut inner = self.lock();
        let travelling = std::mem::take(&mut inner.travelling);
        for withdrawal in travelling {
            if inner.rng.gen_ratio(left, of) {
                inner.travelling.push(withdrawal);
            }
        }
    }

    /// Somebody enters some of the one-time passwords that are waited for.
    pub(crate) fn enter_passwords(&self) {
        let (now, mut inner) = (self.clock.now(), self.lock());
        let Inner { orders, rng, hits, .. } = &mut *inner;
        for order in orders.values_mut().filter(|it| it.otp && it.status == "WAITING") {
            if now < order.expires_at && rng.gen_bool(0.5) {
                order.status = "SUCCESS";
                *hits.entry("otp_confirmed".to_owned()).or_default() += 1;
            }
        }
    }

    /// The ledger as it will stand when everything that is on its way has arrived.
    pub(crate) fn ledger(&self) -> BTreeMap<String, Booked> {
        let mut inner = self.lock().clone();
        inner.deliver(i64::MAX, self.reading);
        inner.orders
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // What a failed check leaves is shown, not hidden behind a second failure.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The ledger at this moment.
    fn now(&self) -> (i64, MutexGuard<'_, Inner>) {
        let (now, mut inner) = (self.clock.now(), self.lock());
        inner.deliver(now, self.reading);
        (now, inner)
    }

    fn note(&self, text: &str) {
        self.trace.line(self.clock.now(), text);
    }

    async fn takes(&self, most: u64) {
        let millis = self.lock().rng.gen_range(1..=most);
        tokio::time::sleep(Duration::from_millis(millis)).await;
    }

    /// A call that moves nothing: it takes a while, and sometimes brings nothing.
    async fn read(&self, what: &str) -> Result<(), CallError> {
        self.takes(300).await;
        let fault = self.lock().draw(&READ_FAULTS);
        self.note(&format!("{what} {}", fault.unwrap_or("answered")));
        match fault {
            None => Ok(()),
            Some("read_cut") => Err(unknown("cut", false)),
            Some("read_oauth_away") => Err(CallError::NotSent(reason("no token"))),
            Some("read_token_revoked") => Err(unknown("401", false)),
            Some("read_status_429") => Err(busy()),
            Some("read_status_500") => Err(unknown("500", false)),
            Some(_) => Err(unknown("html", true)),
        }
    }

    async fn send(&self, withdrawal: &Withdrawal<'_>) -> Result<OrderView, CallError> {
        let no = withdrawal.order_no.as_str();
        let fault = if withdrawal.payee.bank_account_number.expose().ends_with('4') {
            "refuse_VALIDATION_ERROR"
        } else {
            self.lock().draw(&WITHDRAW_FAULTS).unwrap_or_default()
        };
        self.note(&format!("withdraw {no} {fault}"));
        if fault == "oauth_away" {
            self.takes(300).await;
            return Err(CallError::NotSent(reason("no token")));
        }
        let (number, arrives) = self.leave(withdrawal, fault);
        if fault == "cut_then_book" {
            self.takes(300).await;
            return Err(unknown("cut", false));
        }
        let way = u64::try_from(arrives - self.clock.now()).unwrap_or_default();
        tokio::time::sleep(Duration::from_millis(way)).await;
        let refused = self.now().1.refused(no, fault, number);
        let answer = match refused {
            Some(error) => Err(error),
            None => {
                let answer = self.now().1.view(no);
                self.takes(if fault == "slow" { 35_000 } else { 300 }).await;
                answered(fault, answer)
            }
        };
        let told =
            answer.as_ref().map_or_else(|it| it.reason().code.clone(), |it| it.status.clone());
        self.note(&format!("withdraw {no} -> {told}"));
        answer
    }

    /// The withdrawal leaves; its number, and when it arrives.
    fn leave(&self, withdrawal: &Withdrawal<'_>, fault: &str) -> (u64, i64) {
        let (now, mut inner) = self.now();
        let no = withdrawal.order_no.as_str();
        let account = withdrawal.payee.bank_account_number.expose().clone();
        inner.check_before_sending(no, &account, self.reading);
        inner.unasked.insert(no.to_owned());
        inner.sent += 1;
        let number = inner.sent;
        let longest = if fault == "cut_then_book" { LONGEST_WAY } else { 300 };
        let arrives = now + inner.rng.gen_range(1..=longest);
        let otp = withdrawal.token.is_some() && account.ends_with(['7', '8']);
        let status = match fault {
            "closed_at_once" => "CLOSED",
            _ if otp || fault == "accepted_and_slow" => "WAITING",
            _ => "SUCCESS",
        };
        let hidden = if fault == "hidden_after_booking" { LONGEST_WAY } else { 1 };
        let hidden_for = inner.rng.gen_range(0..hidden);
        if !is_lost(fault) {
            inner.travelling.push(Travelling {
                number,
                arrives,
                no: no.to_owned(),
                account,
                money: withdrawal.money.clone(),
                status,
                otp,
                hidden_for,
            });
        }
        (number, arrives)
    }

    async fn look(&self, no: &str, closes: bool) -> Result<OrderView, CallError> {
        let (now, mut inner) = self.now();
        inner.unasked.remove(no);
        let (dice, is_troubled) = (inner.rng.gen_range(0..8), inner.troubled);
        let order = inner.orders.get_mut(no).filter(|order| order.visible_from <= now);
        let Some(order) = order else {
            self.trace.line(now, &format!("query {no} -> not found"));
            return Err(CallError::NotFound(reason("404")));
        };
        if order.status == "WAITING" {
            order.status = match dice {
                _ if closes => "CLOSED",
                _ if order.otp && order.account.ends_with('8') && now >= order.typed_at => {
                    "SUCCESS"
                }
                // An order that the gateway forgot to expire has to be closed.
                _ if order.otp && now < order.expires_at + 40_000 * (dice % 2) => "WAITING",
                _ if order.otp => "CLOSED",
                0 if is_troubled => "FAILED",
                1 if is_troubled => "CLOSED",
                0..=3 => "SUCCESS",
                _ => "WAITING",
            };
        }
        let view = inner.view(no)?;
        self.trace.line(now, &format!("query {no} -> {}", view.status));
        Ok(view)
    }
}

impl Inner {
    /// The fault that strikes, if one does.
    fn draw(&mut self, faults: &[(&'static str, u32)]) -> Option<&'static str> {
        let mut dice = self.rng.gen_range(0..1_000);
        if !self.troubled {
            return None;
        }
        for (fault, chance) in faults {
            if dice < *chance {
                *self.hits.entry((*fault).to_owned()).or_default() += 1;
                return Some(fault);
            }
            dice -= chance;
        }
        None
    }

    fn check_before_sending(&mut self, no: &str, account: &str, reading: Reading) {
        if reading.restores {
            return;
        }
        assert!(!self.unasked.contains(no), "{no} is sent again without a query in between");
        let other = |it: &str, its: &str| its == account && it != no;
        let booked = self.orders.iter().find(|(it, order)| {
            other(it, &order.account) && matches!(order.status, "SUCCESS" | "WAITING")
        });
        let on_its_way = self.travelling.iter().find(|it| other(&it.no, &it.account));
        assert!(booked.is_none() && on_its_way.is_none(), "{no} beside {booked:?} {on_its_way:?}");
    }

    /// What arrived by `now` is booked.
    fn deliver(&mut self, now: i64, reading: Reading) {
        let (mut arrived, travelling): (Vec<_>, _) =
            self.travelling.drain(..).partition(|it| it.arrives <= now);
        self.travelling = travelling;
        arrived.sort_by_key(|it| it.arrives);
        for it in arrived {
            match self.orders.get_mut(&it.no) {
                Some(order) if reading.books_again => order.times_booked += 1,
                Some(_) => {}
                None => {
                    let order = Booked {
                        account: it.account,
                        money: it.money,
                        status: it.status,
                        times_booked: 1,
                        by: it.number,
                        visible_from: it.arrives + it.hidden_for,
                        otp: it.otp,
                        typed_at: it.arrives + 5_000,
                        expires_at: it.arrives + OTP_LIFETIME,
                    };
                    self.orders.insert(it.no, order);
                }
            }
        }
        let twice = self.orders.iter().find(|(_, order)| order.times_booked > 1);
        assert!(twice.is_none(), "booked again: {twice:?}");
    }

    /// What a withdrawal is answered that books nothing.
    fn refused(&mut self, no: &str, fault: &str, number: u64) -> Option<CallError> {
        let stop = |cause| CallError::Stop { cause, reason: reason(fault) };
        Some(match fault {
            "refuse_VALIDATION_ERROR" => CallError::Refused(reason("400")),
            "refuse_FORBIDDEN" => stop(StopCause::Forbidden),
            "low_balance" => stop(StopCause::Funds),
            "duplicate" => CallError::Duplicate(reason("409")),
            "success_false_PROCESS_FAILED" | "html_before_booking" => unknown(fault, true),
            "cut_before_booking" | "token_revoked" | "status_503_before_booking" => {
                unknown(fault, false)
            }
            "status_429_before_booking" => busy(),
            _ if self.orders.get(no).is_some_and(|order| order.by != number) => {
                *self.hits.entry("sent_again".to_owned()).or_default() += 1;
                CallError::Duplicate(reason("409"))
            }
            _ => return None,
        })
    }

    fn view(&self, no: &str) -> Result<OrderView, CallError> {
        let order = self.orders.get(no).ok_or_else(|| unknown("lost", false))?;
        Ok(OrderView {
            order_no: no.to_owned(),
            // Some statuses are documented with a trailing blank.
            status: format!("{} ", order.status),
            amount: format!("-{}", order.money.amount()).parse().unwrap(),
            currency: order.money.currency().clone(),
            transaction_id: None,
            otp_required: order.otp.then_some(true),
            otp_url: None,
            expires_at: Some(at(order.expires_at)),
        })
    }
}

/// Whether a withdrawal with this fault never takes effect.
fn is_lost(fault: &str) -> bool {
    fault.starts_with("refuse")
        || fault.ends_with("before_booking")
        || matches!(
            fault,
            "success_false_PROCESS_FAILED" | "token_revoked" | "low_balance" | "duplicate"
        )
}

/// What is left of the answer to a withdrawal that was booked.
fn answered(fault: &str, answer: Result<OrderView, CallError>) -> Result<OrderView, CallError> {
    match fault {
        "cut_after_booking" | "status_500_after_booking" | "status_503_after_booking" => {
            Err(unknown(fault, false))
        }
        "half_reply" | "html_after_booking" => Err(unknown(fault, true)),
        "hidden_after_booking" => Err(unknown(fault, false)),
        "status_429_after_booking" => Err(busy()),
        _ => answer,
    }
}

pub(crate) fn at(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(1_800_000_000_000 + millis).unwrap()
}

fn reason(text: &str) -> Reason {
    Reason::new(text, text)
}

fn unknown(what: &str, answered: bool) -> CallError {
    CallError::Unknown { reason: reason(what), answered, retry_after: None }
}

fn busy() -> CallError {
    CallError::RateLimited { reason: reason("429"), retry_after: Some(Duration::from_secs(2)) }
}

impl Gateway for World {
    fn identity(&self) -> GatewayIdentity {
        identity()
    }

    fn verify<'a>(&'a self, payee: &'a Payee) -> BoxFuture<'a, Result<Holder, CallError>> {
        let account = payee.bank_account_number.expose();
        async move {
            self.read(&format!("verify {account}")).await?;
            let currency = if account.starts_with('9') { Currency::Khr } else { Currency::Usd };
            let other = if currency == Currency::Usd { Currency::Khr } else { Currency::Usd };
            let holder = payee.expected_holder().to_uppercase();
            match self.lock().draw(&ACCOUNT_FAULTS) {
                None => Ok(Holder { name: holder.into(), currency }),
                Some("unknown_account") => Err(CallError::NotFound(reason("404"))),
                Some("other_holder") => Ok(Holder { name: "SOMEBODY ELSE".into(), currency }),
                Some(_) => Ok(Holder { name: holder.into(), currency: other }),
            }
        }
        .boxed()
    }

    fn tokenize<'a>(
        &'a self,
        payee: &'a Payee,
        _: Option<&'a SealedPayee>,
    ) -> BoxFuture<'a, Result<BankToken, CallError>> {
        let account = payee.bank_account_number.expose();
        async move {
            self.read(&format!("tokenize {account}")).await?;
            Ok(BankToken(format!("token-{account}").into()))
        }
        .boxed()
    }

    fn withdraw<'a>(
        &'a self,
        withdrawal: Withdrawal<'a>,
    ) -> BoxFuture<'a, Result<OrderView, CallError>> {
        async move { self.send(&withdrawal).await }.boxed()
    }

    fn query<'a>(&'a self, order_no: &'a OrderNo) -> BoxFuture<'a, Result<OrderView, CallError>> {
        async move {
            self.read(&format!("query {order_no}")).await?;
            self.look(order_no.as_str(), false).await
        }
        .boxed()
    }

    fn close<'a>(&'a self, order_no: &'a OrderNo) -> BoxFuture<'a, Result<OrderView, CallError>> {
        async move {
            self.read(&format!("close {order_no}")).await?;
            self.look(order_no.as_str(), true).await
        }
        .boxed()
    }

    fn orders(&self, _: Date, _: Date) -> BoxStream<'_, Result<Vec<OrderView>, CallError>> {
        let orders = self.ledger();
        let views = orders.keys().map(|no| self.lock().view(no)).collect();
        futures_util::stream::iter([views]).boxed()
    }

    fn wallets(&self) -> BoxFuture<'_, Result<Vec<Wallet>, CallError>> {
        async move {
            self.read("wallets").await?;
            let wallet = |currency| Wallet { currency, balance: "4000000000".parse().unwrap() };
            Ok([Currency::Usd, Currency::Khr].map(wallet).into())
        }
        .boxed()
    }
}
