//! Every way in which the store's ledger and the gateway's can differ is told, and nothing else is.

use std::sync::Arc;

use kess_gateway::Money;
use payout_engine::{
    Batch, BatchOptions, BatchSummary, Cancel, DifferenceKind, Engine, Gateway, Outcome,
    Reconciliation, StopCause, reconcile,
};

use crate::engine::{engine, load, payout, payroll, policy};
use crate::model::{Books, Faults, Model};

/// A batch that was paid, with one row that was refused and one that waits for its password.
struct Paid {
    engine: Engine,
    batch: Batch,
    model: Arc<Model>,
    _dir: tempfile::TempDir,
}

impl Paid {
    async fn begin(rows: u64) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let engine = engine(dir.path()).await;
        let lifetime = std::time::Duration::from_secs(600);
        let model = Arc::new(Model::new(1, Faults::default()).with_otp_lifetime(lifetime));
        let mut payouts = payroll(rows);
        payouts.push(payout(rows + 1, "000000422", Money::usd("5").unwrap()));
        payouts.push(payout(rows + 2, "000000777", Money::usd("5").unwrap()));
        payouts.push(payout(rows + 3, "000000404", Money::usd("5").unwrap()));
        let batch = load(&engine, "march", BatchOptions::default(), payouts).await;
        engine.run(&batch, Arc::clone(&model) as Arc<dyn Gateway>, &Cancel::new()).await.unwrap();
        let batch = engine.store().batch(Some("march")).await.unwrap();
        Self { engine, batch, model, _dir: dir }
    }

    fn number(&self, row: u64, attempt: u32) -> String {
        format!("{}-{row}-{attempt}", self.batch.code)
    }

    async fn summary(&self) -> BatchSummary {
        self.engine.store().summary(self.batch.id).await.unwrap()
    }

    async fn reconcile_with(&self, model: &Model) -> Reconciliation {
        let before = self.summary().await;
        let store = &**self.engine.store();
        let cancel = Cancel::new();
        let compared = reconcile(store, &self.batch, model, &policy(), &cancel).await.unwrap();
        assert_eq!(self.summary().await, before, "comparing changes nothing");
        compared
    }

    /// What differs after `change` in the gateway's books: kind and row.
    async fn after(&self, change: impl FnOnce(&mut Books)) -> Vec<(DifferenceKind, Option<u64>)> {
        change(&mut self.model.books());
        let compared = self.reconcile_with(&self.model).await;
        assert_eq!(compared.stopped, None);
        compared.differences.iter().map(|it| (it.kind, it.row)).collect()
    }
}

#[tokio::test]
async fn ledgers_that_agree_are_said_to() {
    let paid = Paid::begin(40).await;
    let calls = paid.model.books().calls["withdraw"];
    let compared = paid.reconcile_with(&paid.model).await;
    assert_eq!((compared.rows, compared.listed), (43, 41));
    assert!((41..=43).contains(&compared.asked), "{}", compared.asked);
    assert_eq!(compared.differences, []);
    assert_eq!(paid.model.books().calls["withdraw"], calls, "nothing is sent");
}

#[tokio::test]
async fn every_difference_is_told() {
    use DifferenceKind as Kind;
    let paid = Paid::begin(10).await;
    let order = |row| paid.number(row, 1);
    let mut expected = Vec::new();

    let reversed = order(1);
    expected.push((Kind::Outcome, Some(1)));
    let found = paid.after(|books| books.orders.get_mut(&reversed).unwrap().status = "REVERSAL");
    assert_eq!(found.await, expected);

    let dearer = order(2);
    expected.push((Kind::Amount, Some(2)));
    let nine = Money::usd("9999").unwrap();
    let found = paid.after(|books| books.orders.get_mut(&dearer).unwrap().money = nine);
    assert_eq!(found.await, expected);

    let gone = order(3);
    expected.push((Kind::Missing, Some(3)));
    let found = paid.after(|books| drop(books.orders.remove(&gone)));
    assert_eq!(found.await, expected);

    let unlisted = order(4);
    expected.push((Kind::Unlisted, Some(4)));
    assert_eq!(paid.after(|books| books.unlisted.push(unlisted)).await, expected);

    let waiting = order(12);
    expected.push((Kind::Outcome, Some(12)));
    let found = paid.after(|books| books.orders.get_mut(&waiting).unwrap().status = "SUCCESS");
    assert_eq!(found.await, expected, "open in the store, ended at the gateway");

    for strange in [paid.number(5, 2), paid.number(99, 1), format!("{}-x", paid.batch.code)] {
        expected.push((Kind::UnknownOrder, None));
        let copied = order(5);
        let found = paid.after(|books| {
            let copy = books.orders[&copied].clone();
            books.orders.insert(strange, copy);
        });
        assert_eq!(found.await, expected);
    }
    let copied = order(5);
    let found = paid.after(|books| {
        let copy = books.orders[&copied].clone();
        books.orders.insert("SOMEBODY-ELSE-1".to_owned(), copy);
    });
    assert_eq!(found.await, expected, "other orders of the merchant are no concern of the batch");
}

#[tokio::test]
async fn a_refusal_that_was_paid_after_all_is_told() {
    let paid = Paid::begin(3).await;
    let (model, refused) = (&paid.model, paid.number(4, 1));
    let copied = paid.number(1, 1);
    let found = paid.after(|books| {
        let mut copy = books.orders[&copied].clone();
        copy.money = Money::usd("5").unwrap();
        books.orders.insert(refused, copy);
    });
    assert_eq!(found.await, [(DifferenceKind::Outcome, Some(4))]);
    let told = paid.reconcile_with(model).await.differences.remove(0);
    assert_eq!(told.outcome, Some(Outcome::Failed));
    assert_eq!(told.message, "failed in the store, SUCCESS at the gateway");
}

#[tokio::test]
async fn faults_are_outlasted_and_silence_is_no_agreement() {
    let paid = Paid::begin(30).await;
    let books = |faults| {
        let model = Model::new(7, faults);
        *model.books() = paid.model.books().clone();
        model
    };
    let shaky = books(Faults { unknown: 300, busy: 100, ..Faults::default() });
    assert_eq!(paid.reconcile_with(&shaky).await.differences, []);
    assert!(shaky.books().struck["unknown"] > 0 && shaky.books().struck["busy"] > 0);

    let mute = books(Faults { unknown: 1_000, ..Faults::default() });
    let compared = paid.reconcile_with(&mute).await;
    assert!(!compared.differences.is_empty());
    let unanswered = |it: &payout_engine::Difference| it.kind == DifferenceKind::Unanswered;
    assert!(compared.differences.iter().all(unanswered), "{:?}", compared.differences);
    assert!(compared.stopped.is_none_or(|it| it.cause == StopCause::Outage));
}
