//! What anybody may ask of a store, whoever has the batch in hand.

use futures_util::FutureExt;
use payout_engine::{Brakes, PauseRequest, Stretch};

use super::*;

fn pause(by: &str, millis: i64) -> PauseRequest {
    PauseRequest { at: at(millis), by: by.to_owned() }
}

pub(super) async fn a_pause_stands_until_it_is_lifted(make: Maker, dir: &Path) {
    let store = make(dir, false).await;
    let mut new = new_batch("a");
    new.paused_by = Some("sophea".to_owned());
    let lease = store.create(&new, &identity(), code(1), "tester", at(0)).await.unwrap();
    store.append(&lease, &payroll(3), at(0)).await.unwrap();
    let batch = store.complete(&lease, at(0)).await.unwrap();
    assert_eq!(batch.paused, Some(pause("sophea", 0)), "taken in, and not started");

    store.lift_pause(&batch, "dara", at(3)).await.unwrap();
    store.lift_pause(&batch, "dara", at(4)).await.unwrap();
    assert_eq!(store.brakes(batch.id).await.unwrap(), Brakes::default());
    let first = pause("dara", 5);
    assert_eq!(store.request_pause(&batch, &first).await.unwrap(), first);
    assert_eq!(store.request_pause(&batch, &pause("sophea", 6)).await.unwrap(), first);
    assert_eq!(store.brakes(batch.id).await.unwrap().pause, Some(first.clone()));
    // Who has the batch in hand can write all the same: what is under way has to end well.
    let payout = row(&*store, &batch, 1).await;
    put(&*store, &lease, payout, State::Held).await;
    drop((lease, store));

    let store = make(dir, false).await;
    assert_eq!(store.batch(Some("a")).await.unwrap().paused, Some(first));
    store.lift_pause(&batch, "sophea", at(9)).await.unwrap();
    assert_eq!(store.batch(Some("a")).await.unwrap().paused, None);
}

pub(super) async fn a_nudge_makes_an_open_order_due_and_nothing_else(make: Maker, dir: &Path) {
    let store = make(dir, false).await;
    let (batch, lease) = loaded(&*store, "a", 1, 3).await;
    let states = [State::AwaitingOtp, State::Paid, State::Pending];
    let mut orders = Vec::new();
    for (number, state) in (1..).zip(states) {
        let mut payout = row(&*store, &batch, number).await;
        let no = OrderNo::mint(&batch.code, number, 1);
        orders.push(no.clone());
        payout.attempt = 1;
        payout.next_at = (state != State::Paid).then_some(at(60_000));
        payout.order = Some(Order {
            no,
            sends: 1,
            sent_at: Some(at(1)),
            seen: true,
            not_found: 0,
            not_found_at: None,
        });
        put(&*store, &lease, payout, state).await;
    }
    let before = store.rows(batch.id, 0, 9).await.unwrap();
    let strangers = [OrderNo::mint(&code(9), 1, 1), OrderNo::mint(&batch.code, 1, 2)];
    for no in orders[1..].iter().chain(&strangers).chain(&["not-ours".parse().unwrap()]) {
        assert_eq!(store.nudge(no, at(10)).await.unwrap(), None, "{no}");
    }
    assert_eq!(store.claim(&lease, at(10), 9, &[]).await.unwrap().len(), 0);

    assert_eq!(store.nudge(&orders[0], at(10)).await.unwrap(), Some(batch.id));
    assert_eq!(store.nudge(&orders[0], at(10)).await.unwrap(), Some(batch.id));
    let claims = store.claim(&lease, at(10), 9, &[]).await.unwrap();
    assert_eq!(claims.len(), 1);
    let mut expected = before[0].payout.clone();
    expected.next_at = Some(at(10));
    assert_eq!(claims[0].payout, expected, "a nudge changes when a row is due, and nothing else");
}

pub(super) async fn news_come_of_what_others_do(make: Maker, dir: &Path) {
    let store = make(dir, false).await;
    let mut changes = store.changes();
    let (batch, lease) = loaded(&*store, "a", 1, 1).await;
    changes.next().await;
    while changes.next().now_or_never().is_some() {}
    store.request_pause(&batch, &pause("dara", 1)).await.unwrap();
    changes.next().await;
    store.lift_pause(&batch, "dara", at(2)).await.unwrap();
    changes.next().await;
    store.renew(&lease, None, at(3)).await.unwrap();
    changes.next().await;
}

pub(super) async fn rows_are_found_by_outcome_and_by_the_time_they_changed(
    make: Maker,
    dir: &Path,
) {
    let store = make(dir, false).await;
    let (batch, lease) = loaded(&*store, "a", 1, 5).await;
    for number in [2, 4] {
        let mut payout = row(&*store, &batch, number).await;
        payout.next_at = None;
        let from = payout.outcome();
        payout.state = State::Held;
        let millis = 1_000 * i64::try_from(number).unwrap();
        store.write(&lease, &[Transition { from, payout }], at(millis)).await.unwrap();
    }
    let found = async |outcomes: &[Outcome], after, limit| {
        let rows = store.rows_of(batch.id, outcomes, after, limit).await.unwrap();
        rows.into_iter().map(|row| row.payout.row).collect::<Vec<_>>()
    };
    assert_eq!(found(&[Outcome::Held], 0, 9).await, [2, 4]);
    assert_eq!(found(&[Outcome::Held], 2, 9).await, [4]);
    assert_eq!(found(&[Outcome::Held, Outcome::Pending], 0, 3).await, [1, 2, 3]);
    assert_eq!(found(&[Outcome::Paid], 0, 9).await, [] as [u64; 0]);

    let timeline = store.timeline(batch.id, Duration::from_secs(3)).await.unwrap();
    let stretch = |millis, outcome, rows| Stretch { begin: at(millis), outcome, rows };
    let expected = [
        stretch(0, Outcome::Held, 1),
        stretch(0, Outcome::Pending, 3),
        stretch(3_000, Outcome::Held, 1),
    ];
    assert_eq!(timeline, expected);
}

pub(super) async fn an_offer_writes_what_is_as_it_was_read(make: Maker, dir: &Path) {
    let store = make(dir, false).await;
    let (batch, lease) = loaded(&*store, "a", 1, 3).await;
    let mut offer = Vec::new();
    for number in 1..=3 {
        let mut payout = row(&*store, &batch, number).await;
        payout.state = State::Cancelled;
        payout.next_at = None;
        offer.push(Transition { from: Outcome::Pending, payout });
    }
    assert_eq!(store.offer(&lease, &offer, at(2)).await.unwrap(), 3);
    assert_eq!(store.summary(batch.id).await.unwrap().count(Outcome::Cancelled), 3);
    store.audit(batch.id).await.unwrap();
}
