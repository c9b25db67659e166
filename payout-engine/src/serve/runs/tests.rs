//! Runs on a store that takes one runner at a time, against the sandbox.

use std::time::Duration;

use kess_gateway::{Money, Sensitive};
use kess_sandbox::{OtpPolicy, Sandbox};

use super::*;
use crate::{
    Backoff, BatchState, BatchSummary, GatewayIdentity, KessGateway, NewBatch, NewPayout, Outcome,
    Policy, SqliteStore, command::sandbox_client,
};

/// No condition takes longer to come true.
const PATIENCE: Duration = Duration::from_secs(60);

struct Office {
    sandbox: Sandbox,
    runs: Runs,
    _folder: tempfile::TempDir,
}

impl Office {
    async fn new(otp: OtpPolicy, stint: Duration) -> Self {
        let sandbox = Sandbox::builder().otp(otp).start().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(SqliteStore::open(folder.path().join("payout.db")).await.unwrap());
        let short = |longest| Backoff { first: Duration::from_millis(5), longest };
        let policy = Policy { otp: short(Duration::from_millis(50)), ..Policy::default() };
        let gateway = KessGateway::new(sandbox_client(&sandbox).unwrap());
        let engine = Engine::new(store).with_policy(policy);
        let mut runs =
            Runs::new(engine, Arc::new(|_: &EngineEvent| {}), Some(Arc::new(gateway)), None);
        runs.turns = Turns::with(runs.store(), stint);
        Self { sandbox, runs, _folder: folder }
    }

    /// A batch that nobody has started, of rows to accounts with these last digits.
    async fn batch(&self, name: &str, endings: &[&str]) {
        let new = NewBatch {
            name: name.to_owned(),
            options: BatchOptions::default(),
            source: "june.csv".to_owned(),
            paused_by: Some("Dara".to_owned()),
        };
        let identity = self.identity();
        let rows: Vec<_> =
            (1..).zip(endings).map(|(row, ending)| self.row(name, row, ending)).map(Ok).collect();
        let _turn = self.runs.turns.take(Who::Person).await;
        self.runs.engine.create(&new, &identity, rows).await.unwrap();
    }

    fn identity(&self) -> GatewayIdentity {
        self.runs.gateway().unwrap().identity()
    }

    fn row(&self, batch: &str, row: u64, ending: &str) -> NewPayout {
        let text = |text: &str| Sensitive::from(text.to_owned());
        let account = format!("00{row:03}{ending}");
        let payee = Payee {
            first_name: text("Dara"),
            last_name: text("Sok"),
            holder_name: None,
            phone_number: text("012345678"),
            email: text("dara@example.com"),
            bank_account_number: Sensitive::from(account.clone()),
            bic: "ABAAKHPP".to_owned(),
            address: None,
            city: None,
            postcode: None,
        };
        self.sandbox.add_account(&account, &payee.bic, &payee.expected_holder(), "USD");
        NewPayout {
            row,
            line: row + 1,
            reference: format!("{batch}-{row}"),
            payee,
            money: Money::usd("10").unwrap(),
            body: None,
            extra: Vec::new(),
            invalid: None,
        }
    }

    async fn look(&self, name: &str) -> (Batch, BatchSummary) {
        let batch = self.runs.batch(name).await.unwrap();
        let summary = self.runs.store().summary(batch.id).await.unwrap();
        (batch, summary)
    }

    async fn until(&self, name: &str, is_so: impl Fn(&Batch, &BatchSummary) -> bool) {
        let look = async {
            loop {
                let (batch, summary) = self.look(name).await;
                if is_so(&batch, &summary) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(PATIENCE, look).await.expect(name);
    }

    async fn until_all(&self, name: &str, outcome: Outcome) {
        self.until(name, |_, summary| summary.count(outcome) == summary.rows).await;
    }
}

/// Ordinary accounts, and one whose withdrawals ask for a password.
const PLAIN: &str = "1234";
const OTP: &str = "0777";

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_waits_for_passwords_makes_room_for_the_next() {
    let office = Office::new(OtpPolicy::ByAccount, Duration::ZERO).await;
    office.batch("june", &[OTP, OTP]).await;
    office.runs.start("june", "Dara").await.unwrap();
    office.until_all("june", Outcome::AwaitingOtp).await;
    // Taken in and paid while the first one goes on waiting.
    office.batch("july", &[PLAIN, PLAIN]).await;
    office.runs.start("july", "Dara").await.unwrap();
    office.until("july", |batch, _| batch.state == BatchState::Finished).await;
    office.until_all("july", Outcome::Paid).await;
    let (june, _) = office.look("june").await;
    assert_eq!(june.state, BatchState::Running, "it only made room");
    assert!(office.runs.is_running(june.id));
    office.runs.drain().await;
    assert!(!office.runs.is_running(june.id));
    assert_eq!(office.runs.problem(june.id), None);
    assert_eq!(office.sandbox.ledger().rows.iter().map(|row| row.times_booked).max(), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_decides_while_the_batch_runs() {
    let office = Office::new(OtpPolicy::ByAccount, PATIENCE).await;
    // The first row's reference was paid before, so it is held.
    office.batch("may", &[PLAIN]).await;
    office.runs.start("may", "Dara").await.unwrap();
    office.until("may", |batch, _| batch.state == BatchState::Finished).await;
    let identity = office.identity();
    let mut rows = vec![office.row("may", 1, PLAIN), office.row("june", 2, OTP)];
    rows[0].money = Money::usd("11").unwrap();
    let new = NewBatch {
        name: "june".to_owned(),
        options: BatchOptions::default(),
        source: "june.csv".to_owned(),
        paused_by: None,
    };
    let rows = rows.into_iter().map(Ok);
    let turn = office.runs.turns.take(Who::Person).await;
    office.runs.engine.create(&new, &identity, rows).await.unwrap();
    drop(turn);
    office.runs.start("june", "Dara").await.unwrap();
    office
        .until("june", |_, summary| {
            summary.count(Outcome::Held) == 1 && summary.count(Outcome::AwaitingOtp) == 1
        })
        .await;
    let row = office
        .runs
        .decide("june", "may-1", Ruling::Released, "Dara", "a second one is right")
        .await
        .unwrap();
    assert_eq!(row.payout.outcome(), Outcome::Pending);
    office.until("june", |_, summary| summary.count(Outcome::Paid) == 1).await;
    office.runs.drain().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_passwords_is_closed_when_the_batch_is_cancelled_while_it_runs() {
    let office = Office::new(OtpPolicy::ByAccount, PATIENCE).await;
    office.batch("june", &[OTP, OTP]).await;
    office.runs.start("june", "Dara").await.unwrap();
    office.until_all("june", Outcome::AwaitingOtp).await;
    office.runs.cancel("june", "Sok", Some("a wrong month")).await.unwrap();
    office.until_all("june", Outcome::Cancelled).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_batch_stops_and_a_cancelled_one_closes_what_is_open() {
    let office = Office::new(OtpPolicy::ByAccount, PATIENCE).await;
    office.batch("june", &[OTP]).await;
    office.runs.start("june", "Dara").await.unwrap();
    office.until_all("june", Outcome::AwaitingOtp).await;
    let (june, _) = office.look("june").await;
    office.runs.pause("june", "Sok").await.unwrap();
    tokio::time::timeout(PATIENCE, office.runs.ended(june.id)).await.unwrap();
    let (june, _) = office.look("june").await;
    assert_eq!(june.paused.map(|pause| pause.by), Some("Sok".to_owned()));
    office.runs.take_up().await.unwrap();
    assert!(!office.runs.is_running(june.id), "somebody wants it paused");
    office.runs.start("june", "Dara").await.unwrap();
    office.runs.cancel("june", "Sok", Some("a wrong month")).await.unwrap();
    office.until_all("june", Outcome::Cancelled).await;
    tokio::time::timeout(PATIENCE, office.runs.ended(june.id)).await.unwrap();
    assert_eq!(office.runs.problem(june.id), None);
}
