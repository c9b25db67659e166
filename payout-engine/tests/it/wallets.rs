//! Wallets during a run: too little stops the batch before a row fails, enough never does.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use futures_util::{
    future::{BoxFuture, FutureExt},
    stream::BoxStream,
};
use jiff::civil::Date;
use kess_gateway::{Amount, Currency, Money};
use payout_engine::{
    BankToken, Batch, BatchOptions, BatchSummary, CallError, Cancel, Engine, Gateway,
    GatewayIdentity, Holder, NewPayout, OrderNo, OrderView, OtpMode, Outcome, Payee, Policy,
    SealedPayee, SqliteStore, StopCause, Wallet, Withdrawal,
};

use crate::{
    engine::{load, payout, policy},
    model::{Faults, Model},
};

/// The model gateway with one wallet in whole dollars, out of which it pays.
struct Purse {
    model: Model,
    /// What the wallet held at first.
    start: u32,
    /// What somebody else took out of it.
    taken: AtomicU32,
    /// What somebody else takes out at the tenth withdrawal.
    takes_at_tenth: u32,
    /// Whether all one-time passwords are entered at the tenth withdrawal.
    confirms_at_tenth: AtomicBool,
    withdrawals: AtomicU32,
    /// Withdrawals that had arrived each time the balance was asked for.
    asked_at: std::sync::Mutex<Vec<u32>>,
}

impl Purse {
    fn new(start: u32) -> Self {
        Self {
            model: Model::new(1, Faults::default()).with_delay(Duration::from_millis(1)),
            start,
            taken: AtomicU32::new(0),
            takes_at_tenth: 0,
            confirms_at_tenth: AtomicBool::new(false),
            withdrawals: AtomicU32::new(0),
            asked_at: std::sync::Mutex::default(),
        }
    }

    fn balance(&self) -> Amount {
        let paid: Vec<Money> = self.model.paid().into_values().flatten().collect();
        let whole = Amount::from(self.start);
        let taken = Amount::from(self.taken.load(Ordering::SeqCst));
        paid.iter()
            .map(Money::amount)
            .chain([taken])
            .fold(whole, |left, amount| left.checked_sub(amount).unwrap())
    }
}

impl Gateway for Purse {
    fn identity(&self) -> GatewayIdentity {
        self.model.identity()
    }

    fn verify<'a>(&'a self, payee: &'a Payee) -> BoxFuture<'a, Result<Holder, CallError>> {
        self.model.verify(payee)
    }

    fn tokenize<'a>(
        &'a self,
        payee: &'a Payee,
        sealed: Option<&'a SealedPayee>,
    ) -> BoxFuture<'a, Result<BankToken, CallError>> {
        self.model.tokenize(payee, sealed)
    }

    fn withdraw<'a>(
        &'a self,
        withdrawal: Withdrawal<'a>,
    ) -> BoxFuture<'a, Result<OrderView, CallError>> {
        if self.withdrawals.fetch_add(1, Ordering::SeqCst) == 9 {
            self.taken.fetch_add(self.takes_at_tenth, Ordering::SeqCst);
            if self.confirms_at_tenth.load(Ordering::SeqCst) {
                self.model.confirm_all();
            }
        }
        self.model.withdraw(withdrawal)
    }

    fn query<'a>(&'a self, order_no: &'a OrderNo) -> BoxFuture<'a, Result<OrderView, CallError>> {
        self.model.query(order_no)
    }

    fn close<'a>(&'a self, order_no: &'a OrderNo) -> BoxFuture<'a, Result<OrderView, CallError>> {
        self.model.close(order_no)
    }

    fn orders(&self, first: Date, last: Date) -> BoxStream<'_, Result<Vec<OrderView>, CallError>> {
        self.model.orders(first, last)
    }

    fn wallets(&self) -> BoxFuture<'_, Result<Vec<Wallet>, CallError>> {
        async move {
            self.asked_at.lock().unwrap().push(self.withdrawals.load(Ordering::SeqCst));
            let balance = self.balance();
            // The answer is old when it arrives.
            tokio::time::sleep(Duration::from_millis(4)).await;
            Ok(vec![Wallet { currency: Currency::Usd, balance }])
        }
        .boxed()
    }
}

/// No payout asks for a one-time password.
const NONE: u64 = u64::MAX;

/// Payouts of ten dollars each; those from `otp` on ask for a one-time password.
fn tens(rows: u64, otp: u64) -> Vec<NewPayout> {
    let ending = |row| if row >= otp { "0777" } else { "0001" };
    (1..=rows)
        .map(|row| payout(row, &format!("1{row:05}{}", ending(row)), Money::usd("10").unwrap()))
        .collect()
}

async fn attentive(dir: &std::path::Path) -> Engine {
    let store = SqliteStore::open(dir.join("payout.db")).await.unwrap();
    let wallet_every = Duration::from_millis(1);
    Engine::new(Arc::new(store)).with_policy(Policy { wallet_every, ..policy() })
}

async fn run(engine: &Engine, batch: &Batch, purse: &Arc<Purse>) -> BatchSummary {
    let gateway: Arc<dyn Gateway> = purse.clone();
    engine.run(batch, gateway, &Cancel::new()).await.unwrap()
}

fn options(concurrency: usize) -> BatchOptions {
    BatchOptions { concurrency, ..BatchOptions::default() }
}

#[tokio::test]
async fn a_wallet_that_somebody_empties_stops_the_batch_before_a_row_fails() {
    let dir = tempfile::tempdir().unwrap();
    let engine = attentive(dir.path()).await;
    let purse = Arc::new(Purse { takes_at_tenth: 1_000, ..Purse::new(2_000) });
    let batch = load(&engine, "b", options(2), tens(200, NONE)).await;
    let summary = run(&engine, &batch, &purse).await;
    let stopped = summary.stopped.clone().unwrap();
    assert_eq!(stopped.cause, StopCause::Funds);
    assert!(stopped.message.contains("USD wallet holds"), "{}", stopped.message);
    let (paid, pending) = (summary.count(Outcome::Paid), summary.count(Outcome::Pending));
    assert!((10..100).contains(&paid), "{:?}", summary.counts);
    assert_eq!(paid + pending, 200, "{:?}", summary.counts);

    // Topped up, it goes on.
    purse.taken.store(0, Ordering::SeqCst);
    let summary = run(&engine, &batch, &purse).await;
    assert_eq!((summary.count(Outcome::Paid), summary.stopped), (200, None));
}

#[tokio::test]
async fn a_wallet_that_holds_just_enough_never_stops_the_batch() {
    let dir = tempfile::tempdir().unwrap();
    let engine = attentive(dir.path()).await;
    let purse = Arc::new(Purse::new(1_500));
    let batch = load(&engine, "b", options(4), tens(150, NONE)).await;
    let summary = run(&engine, &batch, &purse).await;
    assert_eq!((summary.count(Outcome::Paid), summary.stopped), (150, None));
    let asked = purse.asked_at.lock().unwrap().clone();
    assert!(asked.len() > 3, "the wallet was looked at {} times", asked.len());
    let late = asked.iter().filter(|withdrawals| **withdrawals == 150).count();
    assert!(late <= 1, "asked although nothing is to be sent any more: {asked:?}");
}

#[tokio::test]
async fn nothing_is_asked_while_only_one_time_passwords_are_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let engine = attentive(dir.path()).await;
    let purse = Arc::new(Purse::new(100));
    let options = BatchOptions { otp: OtpMode::Wait, ..options(2) };
    let batch = load(&engine, "b", options, tens(3, 1)).await;
    let summary = run(&engine, &batch, &purse).await;
    assert_eq!((summary.count(Outcome::Expired), summary.stopped), (3, None));
    let asked = purse.asked_at.lock().unwrap().clone();
    assert!(asked.iter().filter(|withdrawals| **withdrawals == 3).count() <= 1, "{asked:?}");
}

#[tokio::test]
async fn money_under_way_in_another_batch_counts_until_the_wallet_once_held_it() {
    let dir = tempfile::tempdir().unwrap();
    let engine = attentive(dir.path()).await;
    let mut purse = Purse::new(799);
    purse.model = Model::new(1, Faults::default())
        .with_delay(Duration::from_millis(1))
        .with_otp_lifetime(Duration::from_secs(600));
    let purse = Arc::new(purse);
    let other = load(&engine, "other", options(4), tens(30, 1)).await;
    let summary = run(&engine, &other, &purse).await;
    assert_eq!(summary.count(Outcome::AwaitingOtp), 30);
    purse.withdrawals.store(0, Ordering::SeqCst);
    purse.confirms_at_tenth.store(true, Ordering::SeqCst);

    // 300 may leave for the other batch, 500 are needed here.
    let mut payouts = tens(50, NONE);
    payouts.iter_mut().for_each(|payout| payout.reference = format!("B-{}", payout.row));
    let batch = load(&engine, "b", options(2), payouts).await;
    let stopped = run(&engine, &batch, &purse).await.stopped.unwrap();
    assert_eq!(stopped.cause, StopCause::Funds);
    assert!(stopped.message.contains("300 may still leave it"), "{}", stopped.message);

    // With enough for both, the other batch is paid in the middle of this one. Nothing is missing.
    let purse = Arc::into_inner(purse).unwrap();
    let purse = Arc::new(Purse { start: 800, ..purse });
    let summary = run(&engine, &batch, &purse).await;
    assert_eq!((summary.count(Outcome::Paid), summary.stopped), (50, None));
    assert_eq!(purse.balance(), Amount::from(0), "the other batch was paid meanwhile");
}
