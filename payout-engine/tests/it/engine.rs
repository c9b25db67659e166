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
        max_sends: 3,
        doubt: backoff(2, 10),
        processing: backoff(1, 5),
        otp: backoff(2, 5),
        otp_grace: millis(200),
        patience: Duration::from_secs(20),
        retry: backoff(1, 5),
        tries: 12,
        circuit_failures: 40,
        circuit: backoff(1, 5),
        outage_after: Duration::from_secs(5),
        retry_after: millis(2),
        linger: millis(1),
        commit_max: 64,
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
    let new = NewBatch { name: name.to_owned(), options, source: "payroll.csv".to_owned() };
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
