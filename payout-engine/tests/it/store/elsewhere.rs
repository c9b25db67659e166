//! What one batch knows of others: rows that were paid there, money under way there.

use super::*;

pub(super) async fn rows_paid_elsewhere_are_held(make: Maker, dir: &Path) {
    let store = make(dir, false).await;
    let (first, lease) = loaded(&*store, "first", 1, 6).await;
    for (number, state) in (1..).zip([
        State::Paid,
        State::Unanswered,
        State::Failed,
        State::Expired,
        State::Processing,
    ]) {
        let payout = row(&*store, &first, number).await;
        put(&*store, &lease, payout, state).await;
    }
    drop(lease);
    let (second, lease) = loaded(&*store, "second", 2, 7).await;
    // An order number was minted and its withdrawal never left: the other batch paid all the same.
    let mut begun = row(&*store, &second, 5).await;
    begun.order = Some(Order {
        no: OrderNo::mint(&second.code, 5, 1),
        sends: 0,
        sent_at: None,
        seen: false,
        not_found: 0,
        not_found_at: None,
    });
    put(&*store, &lease, begun, State::Pending).await;
    assert_eq!(store.hold_duplicates(&lease, at(3)).await.unwrap(), 3);
    let states: Vec<_> = store
        .rows(second.id, 0, 9)
        .await
        .unwrap()
        .into_iter()
        .map(|record| record.payout.outcome())
        .collect();
    let (held, pending) = (Outcome::Held, Outcome::Pending);
    assert_eq!(states, [held, held, pending, pending, held, pending, pending]);
    assert_eq!(row(&*store, &second, 1).await.reason.unwrap().code, "duplicate");
    store.audit(second.id).await.unwrap();
}

pub(super) async fn what_people_decided_is_kept_and_counts_for_its_cause_alone(
    make: Maker,
    dir: &Path,
) {
    let store = make(dir, false).await;
    let (first, lease) = loaded(&*store, "first", 1, 3).await;
    for number in 1..=3 {
        let payout = row(&*store, &first, number).await;
        put(&*store, &lease, payout, State::Paid).await;
    }
    drop(lease);
    let (second, lease) = loaded(&*store, "second", 2, 3).await;
    let decision = |ruling, about: &str| Decision {
        ruling,
        about: about.to_owned(),
        by: "sophea".to_owned(),
        reason: "\"agreed\", ប្រាក់".to_owned(),
    };
    let decided = [
        vec![decision(Ruling::Released, "holder_name"), decision(Ruling::Released, "duplicate")],
        vec![decision(Ruling::Released, "holder_name")],
        vec![decision(Ruling::Rejected, "duplicate")],
    ];
    for (number, decisions) in (1..).zip(decided.clone()) {
        let payout = Payout { decisions, ..row(&*store, &second, number).await };
        put(&*store, &lease, payout, State::Pending).await;
    }
    assert_eq!(store.hold_duplicates(&lease, at(3)).await.unwrap(), 2);
    for (number, (decisions, state)) in
        (1..).zip(decided.into_iter().zip([State::Pending, State::Held, State::Held]))
    {
        let found = store.find(second.id, &format!("R-{number}")).await.unwrap().unwrap();
        assert_eq!((found.payout.decisions, found.payout.state), (decisions, state), "{number}");
    }
    assert!(store.find(second.id, "R-4").await.unwrap().is_none());
    store.audit(second.id).await.unwrap();
}

pub(super) async fn conflicts_and_money_under_way_are_seen_from_other_batches(
    make: Maker,
    dir: &Path,
) {
    let store = make(dir, false).await;
    let (first, lease) = loaded(&*store, "first", 1, 6).await;
    for (number, state) in (1..).zip([State::Paid, State::Unanswered, State::Failed]) {
        let payout = row(&*store, &first, number).await;
        put(&*store, &lease, payout, state).await;
    }
    drop(lease);
    let (second, _lease) = loaded(&*store, "second", 2, 1).await;
    let references = ["R-1", "R-2", "R-3", "R-4", "R-99"];
    let found = store.conflicts(&references, Some(second.id)).await.unwrap();
    let found: Vec<_> =
        found.iter().map(|it| (it.reference.as_str(), it.batch.as_str(), it.outcome)).collect();
    let expected = [
        ("R-1", "first", Outcome::Paid),
        ("R-2", "first", Outcome::InDoubt),
        ("R-4", "first", Outcome::Pending),
    ];
    assert_eq!(found, expected);
    let many: Vec<String> = (0..1_200).map(|n| format!("R-{n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(store.conflicts(&many, None).await.unwrap().len(), 6);
    let under_way = store.in_flight_elsewhere(second.id).await.unwrap();
    assert_eq!(under_way, [(Currency::Usd, "2.25".parse().unwrap())]);
    assert_eq!(store.in_flight_elsewhere(first.id).await.unwrap(), []);
}
