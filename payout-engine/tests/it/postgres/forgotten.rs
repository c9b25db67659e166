//! Personal data that was purged is in none of the tables' files.

use payout_engine::{Decision, Outcome, Reason, Ruling, Store, Transition, machine::State};
use sqlx::{Connection, PgConnection};

use super::{
    at, loaded,
    server::{Database, database},
};

/// Tables in whose files a text stands.
fn holding(database: &Database, text: &str) -> String {
    database.sql(&format!(
        "CHECKPOINT; SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class \
         WHERE relname IN ('payees', 'payouts', 'batches', 'events', 'payouts_by_reference') \
         AND position('{text}'::bytea IN pg_read_binary_file(pg_relation_filepath(oid))) > 0"
    ))
}

#[tokio::test]
async fn what_was_purged_is_in_no_file_of_the_tables() {
    let Some(database) = database() else { return };
    let dir = tempfile::tempdir().unwrap();
    let store = database.store("here", dir.path()).await;
    let (batch, lease) = loaded(&store, "a", 1, 40).await;
    let mut payout = store.rows(batch.id, 0, 1).await.unwrap().remove(0).payout;
    payout.state = State::Cancelled;
    payout.holder_name = Some("Planted Holder".into());
    payout.reason = Some(Reason::new("rejected", "planted words"));
    payout.decisions = vec![Decision {
        ruling: Ruling::Rejected,
        about: "holder_name".to_owned(),
        by: "sophea".to_owned(),
        reason: "planted words".to_owned(),
    }];
    let transition = Transition { from: Outcome::Pending, payout };
    store.write(&lease, &[transition], at(1)).await.unwrap();
    let planted =
        [("Planted Holder", "payouts"), ("planted words", "payouts"), ("Dara7", "payees")];
    for (text, table) in planted {
        assert_eq!(holding(&database, text), table, "{text}");
    }
    let before = store.summary(batch.id).await.unwrap();
    store.purge(&lease, at(2)).await.unwrap();
    for (text, _) in planted {
        assert_eq!(holding(&database, text), "", "{text} is still there");
    }
    assert_eq!(store.summary(batch.id).await.unwrap(), before);
    store.audit(batch.id).await.unwrap();
    let records = store.rows(batch.id, 0, 99).await.unwrap();
    assert!(records.iter().all(|record| record.payee.is_none()));
    let first = &records[0].payout;
    assert_eq!((first.decisions[0].by.as_str(), first.decisions.len()), ("sophea", 1));
    assert_eq!(first.reason.as_ref().map(|reason| reason.code.as_str()), Some("rejected"));
    assert_eq!(store.batch(Some("a")).await.unwrap().purged_at, Some(at(2)));
    assert_eq!(store.verify(batch.id, None).await.unwrap().broken, None);
}

/// Whoever writes anything on the server, in whichever database, keeps what was there before.
#[tokio::test]
async fn a_purge_outlasts_older_transactions_of_other_databases() {
    let (Some(database), Some(other)) = (database(), database()) else { return };
    let dir = tempfile::tempdir().unwrap();
    let store = database.store("here", dir.path()).await;
    let (batch, lease) = loaded(&store, "a", 1, 3).await;
    let mut stranger = PgConnection::connect(&other.url).await.unwrap();
    let mut older = stranger.begin().await.unwrap();
    sqlx::query("SELECT pg_current_xact_id()").execute(&mut *older).await.unwrap();
    let ends = async {
        while store.batch(Some("a")).await.unwrap().purged_at.is_none() {}
        older.rollback().await.unwrap();
    };
    let (purged, ()) = tokio::join!(store.purge(&lease, at(2)), ends);
    purged.unwrap();
    assert_eq!(holding(&database, "Dara3"), "");
    store.audit(batch.id).await.unwrap();
}
