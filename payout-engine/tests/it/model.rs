//! A model gateway with its own ledger, for tests of the engine.
//!
//! It keeps the books that the engine's books are compared with: what was really booked, under
//! which order number, to which account. Faults come from a seeded generator; the same seed gives
//! the same decisions for the same calls of an order, whatever the order of the calls.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{
        Mutex, MutexGuard,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::{
    StreamExt,
    future::{BoxFuture, FutureExt},
    stream::BoxStream,
};
use jiff::{Timestamp, civil::Date};
use kess_gateway::{Amount, Currency, Money};
use payout_engine::{
    BankToken, CallError, Gateway, GatewayIdentity, Holder, OrderNo, OrderView, Payee, Reason,
    SealedPayee, StopCause, Wallet, Withdrawal,
};
use rand::{Rng, SeedableRng, rngs::StdRng};

/// What goes wrong, in per mille of the calls of each kind.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Faults {
    /// The withdrawal never leaves.
    pub(crate) not_sent: u32,
    /// The connection is cut before anything is booked.
    pub(crate) cut_before: u32,
    /// The connection is cut after the order was booked.
    pub(crate) cut_after: u32,
    /// The withdrawal is refused; nothing is booked.
    pub(crate) refuse: u32,
    /// A query does not find an order that is there.
    pub(crate) hide: u32,
    /// A call of any other kind brings no answer.
    pub(crate) unknown: u32,
    /// The order is accepted and paid only after a few queries.
    pub(crate) slow: u32,
    /// The gateway asks to slow down.
    pub(crate) busy: u32,
}

/// An order in the model's books.
#[derive(Debug, Clone)]
pub(crate) struct Booked {
    pub(crate) account: String,
    pub(crate) money: Money,
    pub(crate) status: &'static str,
    pub(crate) sends: u32,
    otp: bool,
    expires_at: Option<Timestamp>,
    queries: u32,
}

#[derive(Clone, Default)]
pub(crate) struct Books {
    /// Every order that was ever booked.
    pub(crate) orders: BTreeMap<String, Booked>,
    /// Orders that the list of orders leaves out.
    pub(crate) unlisted: Vec<String>,
    /// How often each order number was tried, booked or not.
    pub(crate) arrived: HashMap<String, u32>,
    /// Orders that may be booked and were not asked about since.
    unasked: HashSet<String>,
    /// Calls by name.
    pub(crate) calls: BTreeMap<&'static str, u32>,
    /// Faults by name: a kind that never struck proves nothing.
    pub(crate) struck: BTreeMap<&'static str, u32>,
}

/// The gateway.
pub(crate) struct Model {
    seed: u64,
    faults: Faults,
    books: Mutex<Books>,
    wallets: Vec<(Currency, &'static str)>,
    /// What `withdraw` answers from then on, for causes that concern every row.
    stop: Mutex<Option<StopCause>>,
    /// Whether an order number that was used before is booked once more instead of refused.
    books_twice: bool,
    identity: GatewayIdentity,
    otp_lifetime: Duration,
    /// Shown the number of every order that arrives.
    look: Box<dyn Fn(&str) + Send + Sync>,
    delay: Duration,
    in_flight: AtomicUsize,
    most_in_flight: AtomicUsize,
}

impl Model {
    pub(crate) fn new(seed: u64, faults: Faults) -> Self {
        Self {
            seed,
            faults,
            books: Mutex::default(),
            wallets: vec![(Currency::Usd, "1000000"), (Currency::Khr, "4000000000")],
            stop: Mutex::default(),
            books_twice: false,
            identity: identity(),
            otp_lifetime: Duration::from_millis(60),
            look: Box::new(|_| {}),
            delay: Duration::ZERO,
            in_flight: AtomicUsize::new(0),
            most_in_flight: AtomicUsize::new(0),
        }
    }

    pub(crate) fn with_wallet(mut self, currency: Currency, balance: &'static str) -> Self {
        self.wallets.retain(|(other, _)| *other != currency);
        self.wallets.push((currency, balance));
        self
    }

    /// Does not refuse a number that was used before: whoever sends twice pays twice. The second
    /// booking stands under the number with a `#`.
    pub(crate) fn that_books_twice(mut self) -> Self {
        self.books_twice = true;
        self
    }

    /// Shows the number of every order to somebody when it arrives, before anything is booked.
    pub(crate) fn that_looks(mut self, look: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self.look = Box::new(look);
        self
    }

    pub(crate) fn with_identity(mut self, base_url: &str) -> Self {
        self.identity.base_url = base_url.to_owned();
        self
    }

    /// Makes every call take a while, so that a cancel or a crash finds calls under way.
    pub(crate) fn with_delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    pub(crate) fn with_otp_lifetime(mut self, lifetime: Duration) -> Self {
        self.otp_lifetime = lifetime;
        self
    }

    /// The largest number of calls that were under way at once.
    pub(crate) fn most_in_flight(&self) -> usize {
        self.most_in_flight.load(Ordering::SeqCst)
    }

    /// Lets a call take its time.
    async fn under_way(&self) {
        let now = self.in_flight.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_in_flight.fetch_max(now, Ordering::SeqCst);
        tokio::time::sleep(self.delay).await;
        self.in_flight.fetch_sub(1, Ordering::SeqCst);
    }

    pub(crate) fn stop_with(&self, cause: Option<StopCause>) {
        *self.stop.lock().unwrap() = cause;
    }

    pub(crate) fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap()
    }

    /// Somebody entered the one-time password of every order that waits for it.
    pub(crate) fn confirm_all(&self) {
        for order in self.books().orders.values_mut() {
            if order.status == "WAITING" {
                order.status = "SUCCESS";
            }
        }
    }

    /// What was paid to whom, by account.
    pub(crate) fn paid(&self) -> BTreeMap<String, Vec<Money>> {
        let mut paid: BTreeMap<String, Vec<Money>> = BTreeMap::new();
        for order in self.books().orders.values().filter(|order| order.status == "SUCCESS") {
            paid.entry(order.account.clone()).or_default().push(order.money.clone());
        }
        paid
    }

    /// Decides whether a fault strikes this call.
    fn strikes(&self, fault: &'static str, per_mille: u32, key: &str, call: u32) -> bool {
        let mut hash = self.seed ^ 0xCBF2_9CE4_8422_2325;
        for byte in fault.bytes().chain(key.bytes()).chain(call.to_le_bytes()) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
        }
        let strikes = StdRng::seed_from_u64(hash).gen_range(0..1000) < per_mille;
        if strikes {
            *self.books().struck.entry(fault).or_default() += 1;
        }
        strikes
    }

    fn count(&self, call: &'static str) -> u32 {
        let mut books = self.books();
        let count = books.calls.entry(call).or_default();
        *count += 1;
        *count
    }

    fn read<T>(&self, call: &'static str, key: &str, answer: T) -> Result<T, CallError> {
        let count = self.count(call);
        if self.strikes("unknown", self.faults.unknown, key, count) {
            return Err(unknown("cut"));
        }
        if self.strikes("busy", self.faults.busy, key, count) {
            return Err(CallError::RateLimited {
                reason: Reason::new("429", "slow down"),
                retry_after: Some(Duration::from_millis(3)),
            });
        }
        Ok(answer)
    }

    fn withdraw_now(&self, withdrawal: &Withdrawal<'_>) -> Result<OrderView, CallError> {
        self.count("withdraw");
        let no = withdrawal.order_no.as_str();
        (self.look)(no);
        let account = withdrawal.payee.bank_account_number.expose().clone();
        let arrival = {
            let mut books = self.books();
            let arrived = books.arrived.entry(no.to_owned()).or_default();
            *arrived += 1;
            *arrived
        };
        if let Some(cause) = *self.stop.lock().unwrap() {
            return Err(CallError::Stop { cause, reason: Reason::new("STOP", "all of you") });
        }
        if self.strikes("not_sent", self.faults.not_sent, no, arrival) {
            return Err(CallError::NotSent(Reason::new("connect", "no route")));
        }
        let asked = self.books().unasked.insert(no.to_owned());
        assert!(asked, "{no} is sent again without a query in between");
        if self.strikes("cut_before", self.faults.cut_before, no, arrival) {
            return Err(unknown("cut"));
        }
        let known = self.books().orders.contains_key(no);
        if known && !self.books_twice {
            return Err(CallError::Duplicate(Reason::new("DUPLICATED", "used before")));
        }
        if account.ends_with("0422") || self.strikes("refuse", self.faults.refuse, no, arrival) {
            return Err(CallError::Refused(Reason::new("VALIDATION_ERROR", "no")));
        }
        let otp = account.ends_with("0777");
        let slow = otp || self.strikes("slow", self.faults.slow, no, arrival);
        let order = Booked {
            money: withdrawal.money.clone(),
            status: if slow { "WAITING" } else { "SUCCESS" },
            sends: 1,
            otp,
            expires_at: otp.then(|| Timestamp::now() + self.otp_lifetime),
            queries: 0,
            account,
        };
        let view = view(no, &order);
        let key = if known { format!("{no}#{arrival}") } else { no.to_owned() };
        self.books().orders.insert(key, order);
        if self.strikes("cut_after", self.faults.cut_after, no, arrival) {
            return Err(unknown("cut"));
        }
        Ok(view)
    }

    fn query_now(&self, no: &OrderNo) -> Result<OrderView, CallError> {
        let count = self.count("query");
        self.books().unasked.remove(no.as_str());
        self.read("query", no.as_str(), ())?;
        let mut books = self.books();
        let Some(order) = books.orders.get_mut(no.as_str()) else {
            return Err(CallError::NotFound(Reason::new("NOT_FOUND", "no such order")));
        };
        order.queries += 1;
        if order.queries <= 2 && order.sends == 1 {
            drop(books);
            if self.strikes("hide", self.faults.hide, no.as_str(), count) {
                return Err(CallError::NotFound(Reason::new("NOT_FOUND", "no such order")));
            }
            books = self.books();
        }
        let order = books.orders.get_mut(no.as_str()).unwrap();
        if order.status == "WAITING" {
            if order.expires_at.is_some_and(|at| Timestamp::now() >= at) {
                order.status = "CLOSED";
            } else if !order.otp && order.queries > 2 {
                order.status = "SUCCESS";
            }
        }
        Ok(view(no.as_str(), order))
    }
}

pub(crate) fn identity() -> GatewayIdentity {
    GatewayIdentity { base_url: "http://127.0.0.1:1".to_owned(), seller_code: "SELLER".to_owned() }
}

fn unknown(what: &str) -> CallError {
    CallError::Unknown {
        reason: Reason::new("transport", what),
        answered: false,
        retry_after: None,
    }
}

fn view(no: &str, order: &Booked) -> OrderView {
    OrderView {
        order_no: no.to_owned(),
        // Some statuses are documented with a trailing blank.
        status: format!("{} ", order.status),
        amount: format!("-{}", order.money.amount()).parse().unwrap(),
        currency: order.money.currency().clone(),
        transaction_id: (order.status == "SUCCESS").then(|| format!("T-{no}")),
        otp_required: order.otp.then_some(true),
        otp_url: order.otp.then(|| format!("http://127.0.0.1:1/otp/{no}")),
        expires_at: order.expires_at,
    }
}

impl Gateway for Model {
    fn identity(&self) -> GatewayIdentity {
        self.identity.clone()
    }

    fn verify<'a>(&'a self, payee: &'a Payee) -> BoxFuture<'a, Result<Holder, CallError>> {
        let account = payee.bank_account_number.expose().clone();
        let name = if account.ends_with("0411") {
            "SOMEBODY ELSE".to_owned()
        } else {
            payee.expected_holder().to_uppercase()
        };
        async move {
            self.under_way().await;
            self.read("verify", &account, ())?;
            if account.ends_with("0404") {
                return Err(CallError::NotFound(Reason::new("NOT_FOUND", "no such account")));
            }
            Ok(Holder { name: name.into(), currency: account_currency(&account) })
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
            self.under_way().await;
            self.read("tokenize", account, BankToken(format!("token-{account}").into()))
        }
        .boxed()
    }

    fn withdraw<'a>(
        &'a self,
        withdrawal: Withdrawal<'a>,
    ) -> BoxFuture<'a, Result<OrderView, CallError>> {
        async move {
            self.under_way().await;
            let answer = self.withdraw_now(&withdrawal);
            self.under_way().await;
            answer
        }
        .boxed()
    }

    fn query<'a>(&'a self, order_no: &'a OrderNo) -> BoxFuture<'a, Result<OrderView, CallError>> {
        async move {
            self.under_way().await;
            self.query_now(order_no)
        }
        .boxed()
    }

    fn close<'a>(&'a self, order_no: &'a OrderNo) -> BoxFuture<'a, Result<OrderView, CallError>> {
        async move {
            self.read("close", order_no.as_str(), ())?;
            let mut books = self.books();
            match books.orders.get_mut(order_no.as_str()) {
                None => Err(CallError::NotFound(Reason::new("NOT_FOUND", "no such order"))),
                Some(order) => {
                    if order.status == "WAITING" {
                        order.status = "CLOSED";
                    }
                    Ok(view(order_no.as_str(), order))
                }
            }
        }
        .boxed()
    }

    fn orders(
        &self,
        _first: Date,
        _last: Date,
    ) -> BoxStream<'_, Result<Vec<OrderView>, CallError>> {
        // Two pages, so that nobody takes the first one for all.
        let books = self.books();
        let listed = books.orders.iter().filter(|(no, _)| !books.unlisted.contains(no));
        let orders: Vec<_> = listed.map(|(no, order)| view(no, order)).collect();
        drop(books);
        let (first, last) = orders.split_at(orders.len() / 2);
        let pages = [first.to_vec(), last.to_vec()];
        futures_util::stream::iter(pages.map(|page| self.read("orders", "", page))).boxed()
    }

    fn wallets(&self) -> BoxFuture<'_, Result<Vec<Wallet>, CallError>> {
        async move {
            self.read("wallets", "", ())?;
            Ok(self
                .wallets
                .iter()
                .map(|(currency, balance)| Wallet {
                    currency: currency.clone(),
                    balance: balance.parse::<Amount>().unwrap(),
                })
                .collect())
        }
        .boxed()
    }
}

/// Accounts that begin with 9 are in riel, all others in dollars.
fn account_currency(account: &str) -> Currency {
    if account.starts_with('9') { Currency::Khr } else { Currency::Usd }
}
