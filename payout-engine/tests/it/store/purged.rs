//! Personal data that was removed is gone, and the books are whole.

use super::*;

/// Whether a text stands in any file of the store, in the main one or beside it.
fn is_in_files(dir: &Path, text: &str) -> bool {
    std::fs::read_dir(dir).unwrap().any(|file| {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        bytes.windows(text.len()).any(|window| window == text.as_bytes())
    })
}

pub(super) async fn a_purged_batch_keeps_its_books_and_forgets_its_people(make: Maker, dir: &Path) {
    let planted = ["Planted Holder", "https://planted.example/otp", "planted words", "Plantedson"];
    let store = make(dir, false).await;
    let mut rows = payroll(300);
    rows[0].payee.last_name = planted[3].into();
    let lease = store.create(&new_batch("a"), &identity(), code(1), "me", at(0)).await.unwrap();
    store.append(&lease, &rows, at(0)).await.unwrap();
    let batch = store.complete(&lease, at(0)).await.unwrap();
    let mut payout = row(&*store, &batch, 1).await;
    payout.holder_name = Some(planted[0].into());
    payout.otp_url = Some(planted[1].to_owned());
    payout.reason = Some(Reason::new("rejected", planted[2]));
    payout.warning = Some(Reason::new("holder_name", planted[0]));
    payout.decisions = vec![Decision {
        ruling: Ruling::Rejected,
        about: "holder_name".to_owned(),
        by: "sophea".to_owned(),
        reason: planted[2].to_owned(),
    }];
    put(&*store, &lease, payout, State::Cancelled).await;
    drop(lease);
    let (_, lease) = loaded(&*store, "b", 2, 3).await;
    drop(lease);
    for text in planted {
        assert!(is_in_files(dir, text), "{text} was never there");
    }
    let before = store.summary(batch.id).await.unwrap();

    let lease = store.lease(&batch, "me", at(2)).await.unwrap();
    store.purge(&lease, at(2)).await.unwrap();

    for text in planted {
        assert!(!is_in_files(dir, text), "{text} is still there");
    }
    let records = store.rows(batch.id, 0, 1_000).await.unwrap();
    for (record, new) in records.iter().zip(&rows) {
        assert_eq!((&record.reference, &record.payout.money), (&new.reference, &new.money));
        assert_eq!((&record.payee, &record.body, record.extra.len()), (&None, &None, 0));
    }
    let first = &records[0].payout;
    assert_eq!(first.decisions[0].by, "sophea", "who decided is no payee");
    assert_eq!(first.decisions[0].ruling, Ruling::Rejected);
    assert_eq!(first.reason.as_ref().map(|reason| reason.code.as_str()), Some("rejected"));
    assert_eq!(records[1].payout.reason, None);
    assert_eq!(store.summary(batch.id).await.unwrap(), before);
    store.audit(batch.id).await.unwrap();
    let found = store.batch(Some("a")).await.unwrap();
    assert_eq!(found.purged_at, Some(at(2)));
    let other = store.batch(Some("b")).await.unwrap();
    assert_eq!(other.purged_at, None);
    assert!(store.rows(other.id, 0, 9).await.unwrap().iter().all(|row| row.payee.is_some()));
}
