//! The engine over real SQLite against the model gateway, with a policy of milliseconds.

use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};

use kess_gateway::{Currency, Money};
use payout_engine::{
    Backoff, Batch, BatchOptions, BatchState, BatchSummary, Cancel, Engine, ErrorKind, NameCheck,
    NewBatch, NewPayout, OtpMode, Outcome, Payee, PayoutRecord, Policy, Reason, Route, SqliteStore,
    StopCause,
};

use crate::model::{Faults, Model, identity};

pub(crate) fn policy() -> Policy {
    let millis = Duration::from_millis;
    let backoff = |first, longest| Backoff { first: millis(first), longest: millis(longest) };
    Policy {
        settle: millis(30),
        not_found_answers: 3,
        not_found_gap: millis(3),
        // Often enough that every row ends, however many sends are cut.
        max_sends: 12,
        doubt: backoff(2, 10),
        processing: backoff(1, 5),
        otp: backoff(2, 5),
        otp_grace: millis(200),
        // A loaded machine is slow, and no test waits for this.
        patience: Duration::from_secs(3_600),
        retry: backoff(1, 5),
        tries: 12,
        circuit_failures: 40,
        circuit: backoff(1, 5),
        outage_after: Duration::from_secs(5),
        retry_after: millis(2),
        lease: Duration::from_secs(30),
        linger: millis(1),
        commit_max: 64,
        ..Policy::default()
    }
}

pub(crate) fn payout(row: u64, account: &str, money: Money) -> NewPayout {
    NewPayout {
        row,
        line: row + 1,
        reference: format!("R-{row}"),
        payee: Payee {
            first_name: "Sok".into(),
            last_name: format!("Dara{row}").into(),
            holder_name: None,
            phone_number: "012345678".into(),
            email: "sok@example.com".into(),
            bank_account_number: account.into(),
            bic: "ABAAKHPP".to_owned(),
            address: None,
            city: None,
            postcode: None,
        },
        money,
        body: None,
        extra: vec![("department".to_owned(), "sales".to_owned())],
        invalid: None,
    }
}

/// `rows` payouts in both currencies, each to an account of its own.
pub(crate) fn payroll(rows: u64) -> Vec<NewPayout> {
    (1..=rows)
        .map(|row| {
            if row % 3 == 0 {
                payout(row, &format!("9{row:08}1"), Money::khr(&format!("{}", 4000 + row)).unwrap())
            } else {
                payout(row, &format!("0{row:08}1"), Money::usd(&format!("{row}.25")).unwrap())
            }
        })
        .collect()
}

pub(crate) async fn engine(dir: &Path) -> Engine {
    let store = SqliteStore::open(dir.join("payout.db")).await.unwrap();
    Engine::new(Arc::new(store)).with_policy(policy())
}

pub(crate) async fn load(
    engine: &Engine,
    name: &str,
    options: BatchOptions,
    rows: Vec<NewPayout>,
) -> Batch {
    let new = NewBatch {
        name: name.to_owned(),
        options,
        source: "payroll.csv".to_owned(),
        paused_by: None,
    };
    engine.create(&new, &identity(), rows.into_iter().map(Ok)).await.unwrap()
}

pub(crate) async fn rows(engine: &Engine, batch: &Batch) -> Vec<PayoutRecord> {
    let mut all = Vec::new();
    loop {
        let after = all.last().map_or(0, |row: &PayoutRecord| row.payout.row);
        let page = engine.store().rows(batch.id, after, 100).await.unwrap();
        if page.is_empty() {
            return all;
        }
        all.extend(page);
    }
}

/// The report and the gateway's ledger agree row for row; nobody was paid twice.
pub(crate) fn assert_books_agree(records: &[PayoutRecord], model: &Model) {
    let paid = model.paid();
    for record in records {
        let account = record.payee.as_ref().unwrap().bank_account_number.expose();
        let booked = paid.get(account).cloned().unwrap_or_default();
        let row = record.payout.row;
        assert!(booked.len() <= 1, "row {row} was paid {} times", booked.len());
        match record.payout.outcome() {
            Outcome::Paid => assert_eq!(booked, vec![record.payout.money.clone()], "row {row}"),
            Outcome::InDoubt | Outcome::AwaitingOtp | Outcome::Processing => {}
            outcome => assert!(booked.is_empty(), "row {row} is {outcome} and was paid"),
        }
    }
}

fn counts(summary: &BatchSummary) -> BTreeMap<&'static str, u64> {
    summary.counts.iter().map(|(outcome, rows)| (outcome.as_str(), *rows)).collect()
}

#[tokio::test]
async fn a_batch_is_paid_and_the_books_agree() {
    let dir = tempfile::tempdir().unwrap();
    let engine = engine(dir.path()).await;
    let model = Arc::new(Model::new(1, Faults::default()));
    let mut payouts = payroll(60);
    payouts.push(payout(61, "000000404", Money::usd("5").unwrap()));
    payouts.push(payout(62, "000000422", Money::usd("5").unwrap()));
    payouts.push(payout(63, "900000001", Money::usd("5").unwrap()));
    payouts.push(payout(64, "000000411", Money::usd("5").unwrap()));
    let mut invalid = payout(65, "1", Money::usd("7").unwrap());
    invalid.invalid = Some(Reason::new("bad", "refused by intake"));
    payouts.push(invalid);
    let batch = load(&engine, "march", BatchOptions::default(), payouts).await;
    assert_eq!((batch.state, batch.rows), (BatchState::Ready, 65));

    let summary = engine.run(&batch, model.clone(), &Cancel::new()).await.unwrap();

    let expected = [("failed", 2), ("held", 1), ("invalid", 1), ("paid", 61)];
    assert_eq!(counts(&summary), BTreeMap::from(expected));
    assert_eq!(summary.rows, 65);
    let records = rows(&engine, &batch).await;
    assert_books_agree(&records, &model);
    let of = |row: usize| &records[row - 1].payout;
    assert_eq!(of(61).reason.as_ref().unwrap().code, "NOT_FOUND");
    assert_eq!(of(62).reason.as_ref().unwrap().code, "VALIDATION_ERROR");
    assert_eq!(of(63).reason.as_ref().unwrap().code, "account_currency");
    assert_eq!(of(64).warning.as_ref().unwrap().code, "holder_name");
    assert_eq!(records[0].extra, [("department".to_owned(), "sales".to_owned())]);
    assert_eq!(engine.store().batch(Some("march")).await.unwrap().state, BatchState::Finished);
    assert_eq!(engine.store().batch(None).await.unwrap_err().kind(), ErrorKind::NoSuchBatch);
}

#[tokio::test]
async fn faults_neither_pay_twice_nor_lose_a_row() {
    let faults = Faults {
        not_sent: 100,
        cut_before: 100,
        cut_after: 150,
        refuse: 50,
        hide: 300,
        unknown: 100,
        slow: 200,
        busy: 20,
    };
    for seed in 1..=3 {
        let dir = tempfile::tempdir().unwrap();
        let engine = engine(dir.path()).await;
        let model = Arc::new(Model::new(seed, faults));
        let batch = load(&engine, "heavy", BatchOptions::default(), payroll(150)).await;
        let summary = engine.run(&batch, model.clone(), &Cancel::new()).await.unwrap();
        let records = rows(&engine, &batch).await;
        assert_books_agree(&records, &model);
        assert_eq!(
            summary.count(Outcome::Paid) + summary.count(Outcome::Failed),
            150,
            "seed {seed}: {:?}",
            summary.counts
        );
        for fault in
            ["not_sent", "cut_before", "cut_after", "refuse", "hide", "unknown", "slow", "busy"]
        {
            assert!(model.books().struck.contains_key(fault), "seed {seed}: {fault} never struck");
        }
    }
}

/// Raises the flag once a number of rows have ended.
fn cancel_after(rows: u64, cancel: &Cancel) -> Arc<dyn payout_engine::Observer> {
    let (cancel, seen) = (cancel.clone(), std::sync::atomic::AtomicU64::new(0));
    Arc::new(move |event: &payout_engine::EngineEvent| {
        if matches!(event, payout_engine::EngineEvent::Row { .. })
            && seen.fetch_add(1, std::sync::atomic::Ordering::SeqCst) + 1 == rows
        {
            cancel.cancel();
        }
    })
}

#[tokio::test]
async fn an_interrupted_run_drains_and_goes_on_later() {
    let dir = tempfile::tempdir().unwrap();
    let cancel = Cancel::new();
    let engine = engine(dir.path()).await.with_observer(cancel_after(10, &cancel));
    let model = Arc::new(Model::new(1, Faults::default()).with_delay(Duration::from_millis(1)));
    let options = BatchOptions { concurrency: 4, ..BatchOptions::default() };
    let batch = load(&engine, "ctrl-c", options, payroll(100)).await;
    let summary = engine.run(&batch, model.clone(), &cancel).await.unwrap();
    assert!(summary.interrupted && summary.stopped.is_none());
    let paid = summary.count(Outcome::Paid);
    assert!((10..40).contains(&paid), "{:?}", summary.counts);
    assert_eq!(paid + summary.count(Outcome::Pending), 100, "nothing is left half done");

    let batch = engine.store().batch(None).await.unwrap();
    assert_eq!(batch.state, BatchState::Stopped);
    let summary = engine.run(&batch, model.clone(), &Cancel::new()).await.unwrap();
    assert_eq!((summary.count(Outcome::Paid), summary.interrupted), (100, false));
    assert_books_agree(&rows(&engine, &batch).await, &model);
}

#[tokio::test]
async fn concurrency_is_an_upper_bound() {
    let dir = tempfile::tempdir().unwrap();
    let engine = engine(dir.path()).await;
    let model = Arc::new(Model::new(1, Faults::default()).with_delay(Duration::from_millis(1)));
    let options = BatchOptions { concurrency: 5, ..BatchOptions::default() };
    let batch = load(&engine, "bounded", options, payroll(60)).await;
    engine.run(&batch, model.clone(), &Cancel::new()).await.unwrap();
    assert_eq!(model.most_in_flight(), 5);
}

#[tokio::test]
async fn a_cause_for_all_rows_stops_the_batch_and_leaves_it_resumable() {
    for cause in [StopCause::Credentials, StopCause::Forbidden, StopCause::Funds] {
        let dir = tempfile::tempdir().unwrap();
        let engine = engine(dir.path()).await;
        let model = Arc::new(Model::new(1, Faults::default()));
        model.stop_with(Some(cause));
        let options = BatchOptions { concurrency: 4, ..BatchOptions::default() };
        let batch = load(&engine, "stopped", options, payroll(50)).await;
        let summary = engine.run(&batch, model.clone(), &Cancel::new()).await.unwrap();
        assert_eq!(summary.stopped.as_ref().unwrap().cause, cause);
        assert!(model.books().calls["withdraw"] <= 4, "it went on sending");
        assert_eq!(summary.count(Outcome::Failed), 0);

        model.stop_with(None);
        let batch = engine.store().batch(None).await.unwrap();
        let summary = engine.run(&batch, model.clone(), &Cancel::new()).await.unwrap();
        assert_eq!((summary.count(Outcome::Paid), summary.stopped), (50, None));
        assert_books_agree(&rows(&engine, &batch).await, &model);
    }
}

#[tokio::test]
async fn too_little_in_the_wallet_stops_before_a_row_fails_for_it() {
    let dir = tempfile::tempdir().unwrap();
    let engine = engine(dir.path()).await;
    let poor = Arc::new(Model::new(1, Faults::default()).with_wallet(Currency::Usd, "10"));
    let batch = load(&engine, "poor", BatchOptions::default(), payroll(10)).await;
    let summary = engine.run(&batch, poor.clone(), &Cancel::new()).await.unwrap();
    assert_eq!(summary.stopped.unwrap().cause, StopCause::Funds);
    assert_eq!(summary.counts, BTreeMap::from([(Outcome::Pending, 10)]));
    assert_eq!(poor.books().calls.keys().copied().collect::<Vec<_>>(), ["wallets"]);

    let rich = Arc::new(Model::new(1, Faults::default()));
    let summary = engine.run(&batch, rich, &Cancel::new()).await.unwrap();
    assert_eq!(summary.counts, BTreeMap::from([(Outcome::Paid, 10)]));
}

#[tokio::test]
async fn a_batch_stays_with_its_gateway() {
    let dir = tempfile::tempdir().unwrap();
    let engine = engine(dir.path()).await;
    let batch = load(&engine, "mine", BatchOptions::default(), payroll(1)).await;
    let other = Model::new(1, Faults::default()).with_identity("https://other.example");
    let refused = engine.run(&batch, Arc::new(other), &Cancel::new()).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::OtherGateway);
    assert!(refused.to_string().contains("https://other.example"), "{refused}");
}

#[tokio::test]
async fn what_another_batch_paid_is_held_unless_a_reason_is_given() {
    let dir = tempfile::tempdir().unwrap();
    let engine = engine(dir.path()).await;
    let model = Arc::new(Model::new(1, Faults::default()));
    let first = load(&engine, "first", BatchOptions::default(), payroll(5)).await;
    engine.run(&first, model.clone(), &Cancel::new()).await.unwrap();

    let second = load(&engine, "second", BatchOptions::default(), payroll(8)).await;
    let summary = engine.run(&second, model.clone(), &Cancel::new()).await.unwrap();
    assert_eq!(summary.counts, BTreeMap::from([(Outcome::Held, 5), (Outcome::Paid, 3)]));

    let allow =
        BatchOptions { allow_duplicate: Some("bonus".to_owned()), ..BatchOptions::default() };
    let third = load(&engine, "third", allow, payroll(2)).await;
    let summary = engine.run(&third, model, &Cancel::new()).await.unwrap();
    assert_eq!(summary.counts, BTreeMap::from([(Outcome::Paid, 2)]));
    let stored = engine.store().batch(Some("third")).await.unwrap();
    assert_eq!(stored.options.allow_duplicate.as_deref(), Some("bonus"));
}

#[tokio::test]
async fn a_dry_run_verifies_everybody_and_moves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let engine = engine(dir.path()).await;
    let model = Arc::new(Model::new(1, Faults::default()));
    let mut payouts = payroll(10);
    payouts.push(payout(11, "000000404", Money::usd("5").unwrap()));
    let options = BatchOptions { dry_run: true, ..BatchOptions::default() };
    let batch = load(&engine, "dry", options, payouts).await;
    let summary = engine.run(&batch, model.clone(), &Cancel::new()).await.unwrap();
    assert_eq!(summary.counts, BTreeMap::from([(Outcome::Pending, 10), (Outcome::Failed, 1)]));
    assert_eq!(model.books().calls.keys().copied().collect::<Vec<_>>(), ["verify"]);
    for record in &rows(&engine, &batch).await {
        assert_eq!((record.payout.attempt, &record.payout.order), (0, &None));
    }
    assert_eq!(engine.store().batch(Some("dry")).await.unwrap().state, BatchState::Finished);
}

#[tokio::test]
async fn strict_names_hold_the_row_and_the_direct_route_needs_no_token() {
    let dir = tempfile::tempdir().unwrap();
    let engine = engine(dir.path()).await;
    let model = Arc::new(Model::new(1, Faults::default()));
    let mut payouts = payroll(3);
    payouts.push(payout(4, "000000411", Money::usd("5").unwrap()));
    let options = BatchOptions {
        name_match: NameCheck::Strict,
        route: Route::Direct,
        ..BatchOptions::default()
    };
    let batch = load(&engine, "strict", options, payouts).await;
    let summary = engine.run(&batch, model.clone(), &Cancel::new()).await.unwrap();
    assert_eq!(summary.counts, BTreeMap::from([(Outcome::Held, 1), (Outcome::Paid, 3)]));
    assert!(!model.books().calls.contains_key("tokenize"));
}

fn with_otp() -> Vec<NewPayout> {
    let mut payouts = payroll(4);
    payouts.push(payout(5, "000000777", Money::usd("5").unwrap()));
    payouts
}

#[tokio::test]
async fn detached_passwords_are_left_and_found_confirmed() {
    let dir = tempfile::tempdir().unwrap();
    let engine = engine(dir.path()).await;
    let model = Model::new(1, Faults::default()).with_otp_lifetime(Duration::from_secs(600));
    let model = Arc::new(model);
    let batch = load(&engine, "otp", BatchOptions::default(), with_otp()).await;
    let summary = engine.run(&batch, model.clone(), &Cancel::new()).await.unwrap();
    assert_eq!(summary.counts, BTreeMap::from([(Outcome::AwaitingOtp, 1), (Outcome::Paid, 4)]));
    let waiting = &rows(&engine, &batch).await[4].payout;
    assert!(waiting.otp_url.is_some() && waiting.expires_at.is_some());

    model.confirm_all();
    let batch = engine.store().batch(None).await.unwrap();
    let summary = engine.run(&batch, model.clone(), &Cancel::new()).await.unwrap();
    assert_eq!(summary.counts, BTreeMap::from([(Outcome::Paid, 5)]));
}

#[tokio::test]
async fn passwords_that_never_come_expire() {
    let dir = tempfile::tempdir().unwrap();
    let engine = engine(dir.path()).await;
    let model = Arc::new(Model::new(1, Faults::default()));
    let options = BatchOptions { otp: OtpMode::Wait, ..BatchOptions::default() };
    let batch = load(&engine, "otp", options, with_otp()).await;
    let summary = engine.run(&batch, model.clone(), &Cancel::new()).await.unwrap();
    assert_eq!(summary.counts, BTreeMap::from([(Outcome::Expired, 1), (Outcome::Paid, 4)]));
    assert_books_agree(&rows(&engine, &batch).await, &model);
}

#[tokio::test]
async fn rows_are_tried_again_until_paid_and_nobody_is_paid_twice() {
    let dir = tempfile::tempdir().unwrap();
    let engine = engine(dir.path()).await;
    let faults = Faults { refuse: 400, cut_after: 100, hide: 200, ..Faults::default() };
    let model = Arc::new(Model::new(5, faults));
    let batch = load(&engine, "again", BatchOptions::default(), payroll(40)).await;
    let mut summary = engine.run(&batch, model.clone(), &Cancel::new()).await.unwrap();
    assert!(summary.count(Outcome::Failed) > 0, "{:?}", summary.counts);
    let mut rounds = 0;
    while summary.count(Outcome::Paid) < 40 {
        summary = engine.retry(&batch, model.clone(), &Cancel::new()).await.unwrap();
        assert_books_agree(&rows(&engine, &batch).await, &model);
        rounds += 1;
        assert!(rounds < 40, "{:?}", summary.counts);
    }
    let records = rows(&engine, &batch).await;
    assert!(records.iter().any(|record| record.payout.attempt > 2), "one retry was enough");
    assert_eq!(engine.store().batch(Some("again")).await.unwrap().state, BatchState::Finished);
}

#[tokio::test]
async fn an_outage_stops_the_batch() {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(SqliteStore::open(dir.path().join("payout.db")).await.unwrap());
    let engine = Engine::new(store).with_policy(Policy {
        circuit_failures: 3,
        outage_after: Duration::from_millis(20),
        ..policy()
    });
    let away = Arc::new(Model::new(1, Faults { unknown: 1000, ..Faults::default() }));
    let batch = load(&engine, "away", BatchOptions::default(), payroll(20)).await;
    let summary = engine.run(&batch, away, &Cancel::new()).await.unwrap();
    assert_eq!(summary.stopped.unwrap().cause, StopCause::Outage);
    assert_eq!(summary.counts, BTreeMap::from([(Outcome::Pending, 20)]));
}
