//! The engine through the real client against the sandbox gateway, which keeps its own ledger.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use kess_gateway::{BaseUrl, Client, Credentials, Money, PublicKey};
use kess_sandbox::{ErrorCode, Fault, FaultPlan, FaultRule, Sandbox};
use payout_engine::{
    BatchOptions, Cancel, Engine, Gateway, KessGateway, NewBatch, NewPayout, Outcome, PayoutRecord,
    Policy, SqliteStore, machine::Payout,
};

use crate::engine::{payout, policy, rows};

fn gateway(sandbox: &Sandbox) -> KessGateway {
    KessGateway::new(client_of(sandbox))
}

/// A client with the sandbox's secrets.
pub(crate) fn client_of(sandbox: &Sandbox) -> Client {
    let known = sandbox.credentials();
    Client::builder()
        .base_url(sandbox.base_url().parse::<BaseUrl>().unwrap())
        .credentials(Credentials::new(
            &known.client_id,
            known.client_secret.as_str(),
            &known.username,
            known.password.as_str(),
        ))
        .api_secret(known.api_secret.as_str())
        .seller_code(&known.seller_code)
        .public_key(PublicKey::from_pem(&known.public_key_pem).unwrap())
        .timeout(Duration::from_secs(2))
        .build()
        .unwrap()
}

/// Rows whose accounts exist at the sandbox under the names that the file expects.
pub(crate) fn payroll(sandbox: &Sandbox, rows: u64) -> Vec<NewPayout> {
    (1..=rows)
        .map(|row| {
            let account = format!("0{row:06}0111");
            let payout = payout(row, &account, Money::usd(&format!("{row}.10")).unwrap());
            let holder = payout.payee.expected_holder();
            sandbox.add_account(&account, &payout.payee.bic, &holder, "USD");
            payout
        })
        .collect()
}

async fn pay(
    sandbox: &Sandbox,
    policy: Policy,
    options: BatchOptions,
    payouts: Vec<NewPayout>,
) -> (payout_engine::BatchSummary, Vec<PayoutRecord>) {
    pay_through(gateway(sandbox), policy, options, payouts).await
}

pub(crate) async fn pay_through(
    gateway: KessGateway,
    policy: Policy,
    options: BatchOptions,
    payouts: Vec<NewPayout>,
) -> (payout_engine::BatchSummary, Vec<PayoutRecord>) {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(SqliteStore::open(dir.path().join("payout.db")).await.unwrap());
    let engine = Engine::new(store).with_policy(policy);
    let new = NewBatch {
        name: "batch".to_owned(),
        options,
        source: "file.csv".to_owned(),
        paused_by: None,
    };
    let batch =
        engine.create(&new, &gateway.identity(), payouts.into_iter().map(Ok)).await.unwrap();
    let summary = engine.run(&batch, Arc::new(gateway), &Cancel::new()).await.unwrap();
    let records = rows(&engine, &batch).await;
    (summary, records)
}

/// The rows that did not end, for the message of a test that expected them to.
fn open_rows(records: &[PayoutRecord]) -> Vec<&Payout> {
    let open = |payout: &&Payout| !payout.outcome().is_final();
    records.iter().map(|record| &record.payout).filter(open).collect()
}

/// Report and ledger agree row for row, by order number.
pub(crate) fn assert_ledger_agrees(sandbox: &Sandbox, records: &[PayoutRecord]) {
    let ledger = sandbox.ledger();
    for record in records {
        let row = record.payout.row;
        let booked = record.payout.order.as_ref().and_then(|order| ledger.row(order.no.as_str()));
        assert!(booked.is_none_or(|it| it.times_booked <= 1), "row {row} was paid twice");
        let moved = booked.map(|it| it.moved).unwrap_or_default();
        match record.payout.outcome() {
            Outcome::Paid => {
                assert_eq!(moved, record.payout.money.amount().as_decimal(), "row {row}");
            }
            Outcome::InDoubt | Outcome::AwaitingOtp | Outcome::Processing => {}
            outcome => assert!(moved.is_zero(), "row {row} is {outcome}, {moved} moved"),
        }
    }
    let orders = records.iter().filter(|record| record.payout.order.is_some()).count();
    assert!(ledger.rows.len() <= orders, "the gateway has orders that the store does not know");
}

#[tokio::test]
async fn account_endings_end_as_they_should() {
    let sandbox = Sandbox::start().unwrap();
    let endings = [
        ("0111", Outcome::Paid),
        ("0404", Outcome::Failed),
        ("0412", Outcome::Held),
        ("0400", Outcome::Failed),
        ("0402", Outcome::Failed),
        ("0504", Outcome::Paid),
        ("0600", Outcome::Paid),
        ("0601", Outcome::Paid),
        ("0202", Outcome::Paid),
        ("0410", Outcome::Expired),
        ("0777", Outcome::AwaitingOtp),
    ];
    let payouts = (1..)
        .zip(endings)
        .map(|(row, (ending, _))| {
            payout(row, &format!("0{row:05}{ending}"), Money::usd("3").unwrap())
        })
        .collect();
    let (_, records) = pay(&sandbox, policy(), BatchOptions::default(), payouts).await;
    for (record, (ending, expected)) in records.iter().zip(endings) {
        let payout = &record.payout;
        assert_eq!(payout.outcome(), expected, "{ending}: {:?}", payout.reason);
    }
    assert_ledger_agrees(&sandbox, &records);
    assert!(records[10].payout.otp_url.is_some());
}

#[tokio::test]
async fn heavy_faults_leave_report_and_ledger_agreeing() {
    let faults = [
        Fault::Refuse(ErrorCode::parse("VALIDATION_ERROR").unwrap()),
        Fault::CutBeforeBooking,
        Fault::CutAfterBooking,
        Fault::HalfReply,
        Fault::Status { status: 503, booked: true, retry_after: None },
        Fault::Status { status: 502, booked: false, retry_after: None },
        Fault::Html { status: 403, booked: true },
        Fault::Html { status: 200, booked: true },
        Fault::TokenRevoked,
        Fault::HiddenAfterBooking(Duration::from_millis(300)),
        Fault::CutThenBook(Duration::from_millis(200)),
        Fault::Duplicate,
    ];
    let plan = faults.iter().fold(FaultPlan::new(), |plan, fault| {
        plan.rule(FaultRule::new(fault.clone()).service("webpay.acquire.withdraw").per_mille(40))
    });
    let reads = [
        Fault::CutAfterBooking,
        Fault::TokenRevoked,
        Fault::Status { status: 500, booked: false, retry_after: None },
    ];
    let plan = reads.iter().fold(plan, |plan, fault| {
        let services = ["webpay.acquire.queryOrder", "webpay.acquire.verifybankaccount"];
        services.iter().fold(plan, |plan, service| {
            plan.rule(FaultRule::new(fault.clone()).service(*service).per_mille(40))
        })
    });
    let sandbox = Sandbox::builder().seed(7).faults(plan).start().unwrap();
    let payouts = payroll(&sandbox, 200);
    // Settling has to outlast what the faults hide and delay.
    let policy = Policy { settle: Duration::from_millis(800), ..policy() };
    let (summary, records) = pay(&sandbox, policy, BatchOptions::default(), payouts).await;
    assert_ledger_agrees(&sandbox, &records);
    let ended = summary.count(Outcome::Paid) + summary.count(Outcome::Failed);
    assert_eq!(ended, 200, "{:?} {:?}", summary.stopped, open_rows(&records));
    assert!(summary.count(Outcome::Paid) > 150, "{:?}", summary.counts);
    let hits: BTreeMap<String, u64> = sandbox.fault_hits();
    for fault in &faults {
        assert!(
            hits.get(&fault.name()).is_some_and(|hits| *hits > 0),
            "{} never struck",
            fault.name()
        );
    }
}

#[tokio::test]
async fn tokens_that_run_out_fail_no_row() {
    let sandbox = Sandbox::builder().token_lifetime(Duration::from_secs(3)).start().unwrap();
    let payouts = payroll(&sandbox, 120);
    let options = BatchOptions { rate: Some(150), ..BatchOptions::default() };
    let (summary, records) = pay(&sandbox, policy(), options, payouts).await;
    let expected = BTreeMap::from([(Outcome::Paid, 120)]);
    assert_eq!(summary.counts, expected, "{:?} {:?}", summary.stopped, open_rows(&records));
    assert_ledger_agrees(&sandbox, &records);
}

/// A gateway in trouble may answer a query with `success: false` and HTTP 200, as it may for a
/// missing order. Taken for "not found", it would have the withdrawal sent again.
#[tokio::test]
async fn trouble_at_http_200_is_no_missing_order() {
    let code = ErrorCode::parse("PROCESS_FAILED").unwrap();
    let always = |fault, service| FaultRule::new(fault).service(service).per_mille(1_000);
    let plan = FaultPlan::new()
        .rule(always(Fault::CutAfterBooking, "webpay.acquire.withdraw"))
        .rule(always(Fault::SuccessFalse(code), "webpay.acquire.queryOrder"));
    let sandbox = Sandbox::builder().faults(plan).start().unwrap();
    let payouts = payroll(&sandbox, 3);
    let policy = Policy { patience: Duration::from_millis(300), ..policy() };
    let (summary, records) = pay(&sandbox, policy, BatchOptions::default(), payouts).await;
    assert_eq!(summary.counts, BTreeMap::from([(Outcome::InDoubt, 3)]), "{:?}", summary.stopped);
    let sends: Vec<_> = records.iter().map(|it| it.payout.order.as_ref().unwrap().sends).collect();
    assert_eq!(sends, [1, 1, 1]);
    assert_ledger_agrees(&sandbox, &records);
}
