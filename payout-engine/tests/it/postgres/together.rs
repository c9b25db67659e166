//! Several runners at one batch: who has which row, who was removed, who writes.

use std::{collections::HashSet, path::Path, time::Duration};

use payout_engine::{
    Batch, ErrorKind, Lease, Outcome, PostgresStore, Store, Transition,
    machine::{Payout, State},
};

use super::{at, loaded, server::database};

const LEASE: Duration = Duration::from_secs(30);

async fn two(dir: &Path, url: &super::Database) -> (PostgresStore, PostgresStore) {
    (url.store("here", dir).await, url.store("there", dir).await)
}

fn moved(payout: &Payout, state: State) -> Transition {
    let from = payout.outcome();
    let next_at = (state == State::Sending).then_some(at(50));
    Transition { from, payout: Payout { state, next_at, ..payout.clone() } }
}

async fn rows(store: &PostgresStore, lease: &Lease, now: i64, limit: usize) -> Vec<Payout> {
    let claims = store.claim(lease, at(now), limit, &[]).await.unwrap();
    claims.into_iter().map(|claim| claim.payout).collect()
}

fn numbers(payouts: &[Payout]) -> Vec<u64> {
    payouts.iter().map(|payout| payout.row).collect()
}

async fn fences(store: &PostgresStore, batch: &Batch) -> Vec<i64> {
    let runners = store.runners(batch.id).await.unwrap();
    runners.into_iter().map(|runner| runner.fence).collect()
}

#[tokio::test]
async fn a_row_is_in_one_runners_hands_until_it_has_nothing_to_do() {
    let Some(database) = database() else { return };
    let dir = tempfile::tempdir().unwrap();
    let (here, there) = two(dir.path(), &database).await;
    let (batch, first) = loaded(&here, "a", 1, 6).await;
    let second = there.lease(&batch, "second", at(1)).await.unwrap();
    assert_eq!(fences(&here, &batch).await, [first.fence, second.fence]);

    let mine = rows(&here, &first, 1, 4).await;
    let theirs = rows(&there, &second, 1, 9).await;
    assert_eq!((numbers(&mine), numbers(&theirs)), (vec![1, 2, 3, 4], vec![5, 6]));
    assert_eq!(numbers(&rows(&here, &first, 1, 9).await), [1, 2, 3, 4], "they stay in its hands");

    // What another has in hand is written by nobody else, in whatever way.
    let foreign = [moved(&theirs[0], State::Failed)];
    let refused = here.write(&first, &foreign, at(2)).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Books, "{refused}");
    let offer = [moved(&mine[0], State::Cancelled), foreign[0].clone()];
    assert_eq!(here.offer(&first, &offer, at(2)).await.unwrap(), 1);
    here.wake(&first, at(40)).await.unwrap();
    assert_eq!(numbers(&rows(&here, &first, 40, 9).await), [2, 3, 4]);
    assert_eq!(rows(&there, &second, 3, 9).await, theirs, "nobody woke them");

    // One that is timed stays; one that has nothing to do is free.
    let woken = rows(&here, &first, 40, 9).await;
    here.write(&first, &[moved(&woken[0], State::Sending)], at(41)).await.unwrap();
    here.write(&first, &[moved(&woken[1], State::Held)], at(41)).await.unwrap();
    assert!(!numbers(&rows(&there, &second, 99, 9).await).contains(&2));
    let claimed = database.sql("SELECT row, claimed_by FROM payouts ORDER BY row");
    assert_eq!(claimed, "1|\n2|1\n3|\n4|1\n5|2\n6|2");
    assert_eq!(here.next_due(&first, at(45)).await.unwrap(), Some(at(50)));
    assert_eq!(here.next_due(&first, at(60)).await.unwrap(), Some(at(1_060)), "of the other");
    here.audit(batch.id).await.unwrap();
    assert_eq!(here.verify(batch.id, None).await.unwrap().broken, None);
}

#[tokio::test]
async fn two_who_take_rows_at_once_never_take_the_same() {
    let Some(database) = database() else { return };
    let dir = tempfile::tempdir().unwrap();
    let (here, there) = two(dir.path(), &database).await;
    let (batch, first) = loaded(&here, "a", 1, 600).await;
    let second = there.lease(&batch, "second", at(1)).await.unwrap();
    let all = async |store: &PostgresStore, lease: &Lease| {
        let mut taken = HashSet::new();
        loop {
            let before = taken.len();
            taken.extend(numbers(&rows(store, lease, 1, before + 7).await));
            if taken.len() == before && store.next_due(lease, at(1)).await.unwrap().is_some() {
                let free = database.sql("SELECT count(*) FROM payouts WHERE claimed_by IS NULL");
                if free == "0" {
                    return taken;
                }
            }
        }
    };
    let (mine, theirs) = tokio::join!(all(&here, &first), all(&there, &second));
    assert_eq!(mine.intersection(&theirs).count(), 0);
    assert_eq!(mine.len() + theirs.len(), 600);
    assert!(!mine.is_empty() && !theirs.is_empty());
}

#[tokio::test]
async fn who_is_not_heard_of_is_removed_and_its_rows_come_back_to_be_asked_about() {
    let Some(database) = database() else { return };
    let dir = tempfile::tempdir().unwrap();
    let (here, there) = two(dir.path(), &database).await;
    let (batch, dead) = loaded(&here, "a", 1, 3).await;
    let taken = rows(&here, &dead, 1, 2).await;
    here.write(&dead, &[moved(&taken[0], State::Sending)], at(2)).await.unwrap();
    let alive = there.lease(&batch, "alive", at(3)).await.unwrap();
    there.renew(&alive, Some(LEASE), at(3)).await.unwrap();
    assert_eq!(numbers(&rows(&there, &alive, 99, 9).await), [3], "the others are in hand");

    // The clock is the database's: what runners take for the time changes nothing.
    here.renew(&dead, Some(Duration::ZERO), at(4)).await.unwrap();
    while fences(&there, &batch).await.len() > 1 {
        there.renew(&alive, Some(LEASE), at(5)).await.unwrap();
    }
    let came_back = rows(&there, &alive, 5, 9).await;
    assert_eq!(numbers(&came_back), [1, 3, 2]);
    assert_eq!((came_back[0].state, came_back[0].outcome()), (State::Sending, Outcome::InDoubt));
    assert_eq!((came_back[0].next_at, came_back[0].tries), (Some(at(5)), 0));
    assert_eq!(came_back[0].watched_since, None, "nothing that was timed counts");

    let late = [moved(&taken[1], State::Sending)];
    for refused in [
        here.write(&dead, &late, at(6)).await,
        here.claim(&dead, at(6), 9, &[]).await.map(drop),
        here.renew(&dead, Some(LEASE), at(6)).await,
        here.renew(&dead, None, at(6)).await,
        here.wake(&dead, at(6)).await,
    ] {
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::Fenced);
    }
    assert_eq!(there.verify(batch.id, None).await.unwrap().broken, None);
}

#[tokio::test]
async fn who_leaves_leaves_its_rows() {
    let Some(database) = database() else { return };
    let dir = tempfile::tempdir().unwrap();
    let (here, there) = two(dir.path(), &database).await;
    let (batch, first) = loaded(&here, "a", 1, 3).await;
    let second = there.lease(&batch, "second", at(1)).await.unwrap();
    assert_eq!(rows(&here, &first, 1, 2).await.len(), 2);
    let refused = there.purge(&second, at(2)).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Locked, "{refused}");
    assert!(refused.to_string().contains("tester"), "{refused}");
    let shown = here.batch(Some("a")).await.unwrap().lease.unwrap();
    assert_eq!((shown.fence, shown.runner.as_str()), (second.fence, "second"));

    here.renew(&first, None, at(3)).await.unwrap();
    assert_eq!(numbers(&rows(&there, &second, 3, 9).await), [3, 1, 2]);
    there.renew(&second, None, at(4)).await.unwrap();
    assert_eq!(there.batch(Some("a")).await.unwrap().lease, None);
    assert_eq!(there.verify(batch.id, None).await.unwrap().broken, None);
}

/// Everybody opens a new database at once, as the workers of a machine do.
#[tokio::test]
async fn many_who_open_a_new_database_at_once_make_its_tables_once() {
    let Some(database) = database() else { return };
    let dir = tempfile::tempdir().unwrap();
    let opened = (0..12).map(|_| database.store("here", dir.path()));
    let stores = futures_util::future::join_all(opened).await;
    for store in &stores {
        assert_eq!(store.batches().await.unwrap().len(), 0);
    }
    assert_eq!(database.sql("SELECT count(*) = max(version) FROM _sqlx_migrations"), "t");
}

#[tokio::test]
async fn the_log_only_grows_and_batches_stay() {
    let Some(database) = database() else { return };
    let dir = tempfile::tempdir().unwrap();
    let (here, _) = two(dir.path(), &database).await;
    loaded(&here, "a", 1, 3).await;
    for (statement, words) in [
        ("UPDATE events SET entry = '' WHERE seq = 2", "the event log is never changed"),
        ("DELETE FROM events WHERE seq = 2", "the event log only grows"),
        ("TRUNCATE events", "the event log only grows"),
        ("DELETE FROM batches", "a batch that was loaded is never removed"),
        ("TRUNCATE batches CASCADE", "is never removed"),
    ] {
        let refused = database.refused(statement);
        assert!(refused.contains(words) || refused.contains("only grows"), "{refused}");
    }
}

#[tokio::test]
async fn no_connection_commits_without_the_disk() {
    let Some(database) = database() else { return };
    let dir = tempfile::tempdir().unwrap();
    database.sql(
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET synchronous_commit = off', \
                  current_database()); END $$",
    );
    assert_eq!(database.sql("SHOW synchronous_commit"), "off");
    database.sql("CREATE TABLE told (setting TEXT)");
    let (here, _) = two(dir.path(), &database).await;
    database.sql(
        "CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
         INSERT INTO told VALUES (current_setting('synchronous_commit')); RETURN NEW; END $$; \
         CREATE TRIGGER tell BEFORE INSERT OR UPDATE ON batches FOR EACH ROW EXECUTE FUNCTION tell()",
    );
    loaded(&here, "a", 1, 3).await;
    assert_eq!(database.sql("SELECT DISTINCT setting FROM told"), "on");
}
