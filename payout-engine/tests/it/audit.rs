//! The event log: what `Store::verify` accepts, and that it finds whatever was changed past the
//! engine.
//!
//! The attacker here may do anything to the file: the triggers that guard the log are dropped
//! first.

use std::{path::Path, sync::Arc};

use jiff::Timestamp;
use kess_gateway::Currency;
use payout_engine::{
    Batch, BatchOptions, Broken, Cancel, Decision, Depot, Error, ErrorKind, LogAudit, LogHash,
    NameCheck, OrderNo, Outcome, Reason, Ruling, SqliteStore, StopCause, Store, StoreUrl,
    Transition, carry,
    machine::{Order, State},
};
use sqlx::{ConnectOptions, SqliteConnection, sqlite::SqliteConnectOptions};

use crate::{
    engine::{engine, load, payroll},
    model::{Faults, Model},
};

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(1_800_000_000_000 + millis).unwrap()
}

async fn store(path: &Path) -> SqliteStore {
    SqliteStore::open(path).await.unwrap()
}

/// The file as somebody with an SQL shell has it.
async fn shell(path: &Path) -> SqliteConnection {
    SqliteConnectOptions::new().filename(path).foreign_keys(false).connect().await.unwrap()
}

pub(crate) async fn sql(path: &Path, statements: &str) {
    let mut shell = shell(path).await;
    sqlx::raw_sql(sqlx::AssertSqlSafe(statements.to_owned())).execute(&mut shell).await.unwrap();
}

const WITHOUT_GUARDS: &str = "DROP TRIGGER events_never_change; DROP TRIGGER events_never_go; \
    DROP TRIGGER batches_never_go; ";

async fn audit(path: &Path, noted: Option<LogHash>) -> LogAudit {
    try_audit(path, noted).await.unwrap()
}

async fn try_audit(path: &Path, noted: Option<LogHash>) -> Result<LogAudit, Error> {
    let store = store(path).await;
    let batch = store.newest().await?;
    store.verify(batch.id, noted).await
}

/// What an audit finds after these statements were run on a copy of the store.
async fn after(path: &Path, statements: &str, noted: Option<LogHash>) -> Option<Broken> {
    let copy = path.with_extension("copy");
    let _ = std::fs::remove_file(&copy);
    sql(path, &format!("VACUUM INTO '{}'", copy.display())).await;
    sql(&copy, &format!("{WITHOUT_GUARDS}{statements}")).await;
    match try_audit(&copy, noted).await {
        Ok(audit) => audit.broken,
        // The batch itself cannot even be read.
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Books, "{error}");
            Some(Broken { event: None, row: None, problem: error.to_string() })
        }
    }
}

/// A batch that went through about everything that a batch can go through.
async fn eventful(dir: &Path) -> Batch {
    let faults = Faults {
        not_sent: 150,
        cut_before: 150,
        cut_after: 200,
        refuse: 200,
        hide: 200,
        unknown: 100,
        slow: 200,
        busy: 0,
    };
    let model = Arc::new(Model::new(5, faults));
    let engine = engine(dir).await;
    let mut rows = payroll(40);
    rows[3].invalid = Some(Reason::new("amount", "no amount"));
    rows[7].payee.bank_account_number = "00000080411".into();
    let options = BatchOptions { name_match: NameCheck::Strict, ..BatchOptions::default() };
    let batch = load(&engine, "eventful", options, rows).await;
    model.stop_with(Some(StopCause::Funds));
    let stopped = engine.run(&batch, model.clone(), &Cancel::new()).await.unwrap();
    assert!(stopped.stopped.is_some());
    model.stop_with(None);
    engine.run(&batch, model.clone(), &Cancel::new()).await.unwrap();
    let reason = "seen her passport";
    engine.decide(&batch, "R-8", Ruling::Released, "sophea", reason).await.unwrap();
    let ended = engine.retry(&batch, model.clone(), &Cancel::new()).await.unwrap();
    assert!(ended.count(Outcome::Paid) > 20, "{:?}", ended.counts);
    engine.store().batch(Some("eventful")).await.unwrap()
}

/// A batch of three rows, the second of which has every column filled.
async fn full(path: &Path) {
    let store = store(path).await;
    let new = payout_engine::NewBatch {
        name: "full".to_owned(),
        options: BatchOptions { rate: Some(7), ..BatchOptions::default() },
        source: "full.csv".to_owned(),
        paused_by: None,
    };
    let code = "0123456789AB".parse().unwrap();
    let identity = crate::model::identity();
    let mut rows = payroll(3);
    for row in &mut rows {
        let more = Some("more".into());
        row.payee.holder_name.clone_from(&more);
        (row.payee.address, row.payee.city) = (more.clone(), more.clone());
        (row.payee.postcode, row.body) = (more, Some("for June".to_owned()));
        row.extra = vec![("Team".to_owned(), "A".to_owned())];
    }
    let lease = store.create(&new, &identity, code, "tester", at(0)).await.unwrap();
    store.append(&lease, &rows, at(0)).await.unwrap();
    let batch = store.complete(&lease, at(1)).await.unwrap();
    let mut payout = store.rows(batch.id, 1, 1).await.unwrap().remove(0).payout;
    payout.state = State::Processing;
    payout.attempt = 1;
    payout.order = Some(Order {
        no: OrderNo::mint(&batch.code, 2, 1),
        sends: 1,
        sent_at: Some(at(2)),
        seen: true,
        not_found: 1,
        not_found_at: Some(at(2)),
    });
    payout.reason = Some(Reason::new("open", "the order is OPEN"));
    payout.warning = Some(Reason::new("holder_name_close", "close"));
    payout.holder_name = Some("SOK DARA".into());
    payout.transaction_id = Some("T-1".to_owned());
    payout.otp_url = Some("https://otp.example".to_owned());
    payout.expires_at = Some(at(9));
    payout.watched_since = Some(at(2));
    payout.decisions = vec![Decision {
        ruling: Ruling::Released,
        about: "holder_name".to_owned(),
        by: "sophea".to_owned(),
        reason: "agreed".to_owned(),
    }];
    store.write(&lease, &[Transition { from: Outcome::Pending, payout }], at(3)).await.unwrap();
}

/// Columns that say nothing about money or people: when a row is looked at next, how long it took,
/// until when a runner counts as alive, and the wording of a cause whose code is in the log.
const FREE: [&str; 10] = [
    "payouts.tries",
    "payouts.next_at",
    "payouts.watched_since",
    "payouts.version",
    "payouts.updated_at",
    "batches.updated_at",
    "batches.elapsed_ms",
    "batches.lease_until",
    "batches.lease_host",
    "batches.stop_message",
];

#[tokio::test]
async fn a_batch_that_went_through_everything_is_as_its_log_tells() {
    let dir = tempfile::tempdir().unwrap();
    let batch = eventful(dir.path()).await;
    let path = dir.path().join("payout.db");
    let found = audit(&path, None).await;
    assert_eq!((found.broken, found.noted), (None, None));
    assert!(found.events > 150, "{} events", found.events);
    let noted = audit(&path, Some(found.head)).await;
    assert_eq!((noted.broken, noted.noted), (None, Some(found.events)));
    // The log goes on, and the head that was noted stays a part of it.
    let engine = engine(dir.path()).await;
    engine.run(&batch, Arc::new(Model::new(5, Faults::default())), &Cancel::new()).await.unwrap();
    let later = audit(&path, Some(found.head)).await;
    assert_eq!((later.broken, later.noted), (None, Some(found.events)));
    assert!(later.events > found.events && later.head != found.head);
}

#[tokio::test]
async fn nothing_personal_is_in_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let batch = eventful(dir.path()).await;
    let path = dir.path().join("payout.db");
    let entries: Vec<String> = sqlx::query_scalar("SELECT entry FROM events")
        .fetch_all(&mut shell(&path).await)
        .await
        .unwrap();
    let all = entries.join("\n");
    assert!(all.contains("\"holder_name\"") && all.contains("sophea"), "the decision is missing");
    let store = store(&path).await;
    for record in store.rows(batch.id, 0, 100).await.unwrap() {
        let payee = record.payee.unwrap();
        for personal in [
            &payee.bank_account_number,
            &payee.phone_number,
            &payee.email,
            &payee.first_name,
            &payee.last_name,
        ] {
            assert!(!all.contains(personal.expose().as_str()), "row {}", record.payout.row);
        }
    }
    for text in ["SOMEBODY ELSE", "passport", "no amount"] {
        assert!(!all.contains(text), "{text}");
    }
}

/// Moves a batch to another store, so that its marks of that are set.
async fn carry_away(path: &Path, batch: &Batch) {
    let depot = async |path: &Path| {
        let url: StoreUrl = format!("sqlite://{}", path.display()).parse().unwrap();
        Depot::open(&url).await.unwrap()
    };
    let (from, to) = (depot(path).await, depot(&path.with_extension("other")).await);
    carry(batch, &from, &to, "a test", false).await.unwrap();
}

#[tokio::test]
async fn rows_that_are_not_their_sums_are_counted_out() {
    let dir = tempfile::tempdir().unwrap();
    let batch = eventful(dir.path()).await;
    let path = dir.path().join("payout.db");
    let store = store(&path).await;
    store.audit(batch.id).await.unwrap();
    for (change, back) in [
        // To an outcome of which a sum is kept, to one of which none is, and of the amount alone.
        ("outcome = 'failed' WHERE outcome = 'paid'", "outcome = 'paid' WHERE state = 'paid'"),
        ("outcome = 'odd' WHERE outcome = 'paid'", "outcome = 'paid' WHERE state = 'paid'"),
        ("currency = 'THB' WHERE row = 1", "currency = 'USD' WHERE row = 1"),
        ("amount = amount + 1 WHERE row = 1", "amount = amount - 1 WHERE row = 1"),
    ] {
        sql(&path, &format!("UPDATE payouts SET {change}")).await;
        let error = store.audit(batch.id).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Books, "{change}: {error}");
        assert!(error.to_string().contains("are not the sum kept of them"), "{error}");
        sql(&path, &format!("UPDATE payouts SET {back}")).await;
        store.audit(batch.id).await.unwrap();
    }
    // Sums of which there are no rows, and rows of which there is no sum.
    sql(&path, "UPDATE sums SET rows = rows + 1 WHERE outcome = 'paid'").await;
    assert_eq!(store.audit(batch.id).await.unwrap_err().kind(), ErrorKind::Books);
    sql(&path, "DELETE FROM sums").await;
    assert_eq!(store.audit(batch.id).await.unwrap_err().kind(), ErrorKind::Books);
}

#[tokio::test]
async fn a_change_of_any_column_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("payout.db");
    full(&path).await;
    let engine = engine(dir.path()).await;
    let batch = engine.store().newest().await.unwrap();
    engine.request_cancel(&batch, "sophea", Some("the wrong month")).await.unwrap();
    engine.pause(&batch, "dara").await.unwrap();
    carry_away(&path, &batch).await;
    assert_eq!(after(&path, "", None).await, None);
    let columns: Vec<(String, String, String)> = sqlx::query_as(
        "SELECT t.name, c.name, c.type FROM sqlite_schema AS t, pragma_table_info(t.name) AS c \
         WHERE t.type = 'table' AND t.name IN \
         ('batches', 'payouts', 'payees', 'requested', 'sums', 'events')",
    )
    .fetch_all(&mut shell(&path).await)
    .await
    .unwrap();
    assert!(columns.len() > 70, "{}", columns.len());
    let mut free = 0;
    for (table, column, kind) in columns {
        if (table.as_str(), column.as_str()) == ("batches", "id") {
            continue;
        }
        let value = match kind.as_str() {
            _ if ["seen", "interrupted"].contains(&column.as_str()) => format!("1 - {column}"),
            "INTEGER" => format!("coalesce({column}, 0) + 1000"),
            "BLOB" => format!("randomblob(length({column}))"),
            _ => format!("coalesce({column}, '') || 'x'"),
        };
        let which = match table.as_str() {
            "payouts" | "payees" => "row = 2",
            "events" => "seq = 3",
            _ => "1 = 1",
        };
        let change = format!("UPDATE {table} SET {column} = {value} WHERE {which}");
        let broken = after(&path, &change, None).await;
        if FREE.contains(&format!("{table}.{column}").as_str()) {
            assert_eq!(broken, None, "{change}");
            free += 1;
            continue;
        }
        let broken = broken.unwrap_or_else(|| panic!("not found: {change}"));
        if matches!(table.as_str(), "payouts" | "payees") && column != "row" {
            assert!(broken.row == Some(2) || column == "batch_id", "{change}: {broken}");
        }
    }
    assert_eq!(free, FREE.len());
}

/// What is done to the store of [`full`], and what the audit says of it.
const ATTACKS: &[(&str, &str)] = &[
    ("DELETE FROM events WHERE seq = 3", "event 3: is missing"),
    ("DELETE FROM events WHERE seq = 6", "its end was cut off"),
    ("DELETE FROM events", "its end was cut off"),
    ("DELETE FROM events; UPDATE batches SET events = NULL", "has no event log"),
    ("DELETE FROM events WHERE seq = 6; UPDATE batches SET events = 5", "its end was cut off"),
    // Cut with care: then the row has moved and the log does not say so.
    (
        "DELETE FROM events WHERE seq = 6; UPDATE batches SET events = 5, head = \
         (SELECT hash FROM events WHERE seq = 5)",
        "row 2: its state is not as the log tells",
    ),
    (
        "UPDATE events SET seq = 99 WHERE seq = 2; UPDATE events SET seq = 2 WHERE seq = 3; \
         UPDATE events SET seq = 3 WHERE seq = 99",
        "event 2, row 2: was changed",
    ),
    (
        "UPDATE events SET seq = seq + 100 WHERE seq > 3; \
         INSERT INTO events SELECT batch_id, 4, entry, hash FROM events WHERE seq = 3; \
         UPDATE events SET seq = seq - 99 WHERE seq > 100; UPDATE batches SET events = 7",
        "event 4, row 2: was changed",
    ),
    (
        "UPDATE events SET entry = replace(entry, '1.25', '9.25') WHERE seq = 2",
        "event 2, row 1: was changed",
    ),
    ("DELETE FROM payouts WHERE row = 3", "row 3: was taken out"),
    ("DELETE FROM payouts WHERE row = 1", "row 1: was taken out"),
    (
        "INSERT INTO payouts (batch_id, row, line, reference, currency, amount, state, \
         outcome, updated_at) SELECT batch_id, 4, 9, 'R-4', currency, amount, state, outcome, \
         updated_at FROM payouts WHERE row = 1",
        "row 4: no event tells of it",
    ),
    (
        "UPDATE payees SET bank_account_number = '000111222' WHERE row = 1",
        "row 1: its reference, its payee",
    ),
    // Payees of two rows swapped: every account is still one of the batch.
    (
        "UPDATE payees SET row = 99 WHERE row = 1; UPDATE payees SET row = 1 WHERE row = 2; \
         UPDATE payees SET row = 2 WHERE row = 99",
        "row 1: its reference, its payee",
    ),
    (
        "UPDATE payouts SET state = 'paid', outcome = 'paid' WHERE row = 1",
        "row 1: its state is not as the log tells",
    ),
    ("UPDATE payouts SET outcome = 'failed' WHERE row = 1", "row 1: is `pending` and `failed`"),
    (
        "UPDATE payouts SET decisions = '[]' WHERE row = 2",
        "row 2: its reason or a decision about it",
    ),
    (
        "UPDATE payouts SET decisions = replace(decisions, 'agreed', 'ordered') WHERE row = 2",
        "row 2: the holder's name, a text",
    ),
    ("DELETE FROM payees WHERE row = 2", "row 2: its reference, its payee"),
    ("UPDATE batches SET salt = NULL", "the batch's salt"),
    (
        "UPDATE batches SET options = replace(options, '\"rate\":7', '\"rate\":9')",
        "the batch's options",
    ),
    (
        "UPDATE batches SET base_url = 'https://elsewhere.example'",
        "the batch's gateway is not as the log tells",
    ),
    ("UPDATE sums SET rows = rows + 1 WHERE outcome = 'pending'", "the sum kept of them"),
    ("UPDATE requested SET rows = rows + 1", "what it requested"),
];

#[tokio::test]
async fn whatever_an_attacker_does_to_log_or_rows_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("payout.db");
    full(&path).await;
    let length = audit(&path, None).await.events;
    assert_eq!(length, 6, "created, three rows, completed, one moved");
    for (change, expected) in ATTACKS {
        let broken = after(&path, change, None).await;
        let broken = broken.unwrap_or_else(|| panic!("not found: {change}")).to_string();
        assert!(broken.contains(expected), "{change}: {broken}");
    }
}

/// Who can write the file can write a shorter log that is whole in itself. A head that was noted
/// elsewhere tells.
#[tokio::test]
async fn an_older_copy_is_whole_but_not_with_a_head_noted_later() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("payout.db");
    full(&path).await;
    let copy = dir.path().join("old.db");
    sql(&path, &format!("VACUUM INTO '{}'", copy.display())).await;
    {
        let store = store(&path).await;
        let batch = store.newest().await.unwrap();
        let lease = store.lease(&batch, "later", at(5)).await.unwrap();
        store.wake(&lease, at(6)).await.unwrap();
    }
    let now = audit(&path, None).await;
    assert_eq!((now.events, now.broken), (8, None));
    assert_eq!(audit(&copy, None).await.broken, None);
    let broken = audit(&copy, Some(now.head)).await.broken.unwrap();
    assert!(broken.problem.contains("noted head"), "{broken}");
}

#[tokio::test]
async fn the_log_only_grows_and_a_loaded_batch_stays() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("payout.db");
    full(&path).await;
    let mut shell = shell(&path).await;
    for statement in [
        "UPDATE events SET entry = entry",
        "DELETE FROM events",
        "DELETE FROM batches",
        "PRAGMA foreign_keys = ON; DELETE FROM batches",
    ] {
        let refused = sqlx::raw_sql(statement).execute(&mut shell).await.unwrap_err();
        assert!(refused.to_string().contains("never") || refused.to_string().contains("grows"));
    }
    assert_eq!(audit(&path, None).await.broken, None);
}

#[tokio::test]
async fn the_sums_by_currency_are_part_of_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("payout.db");
    full(&path).await;
    let completed: String =
        sqlx::query_scalar("SELECT entry FROM events WHERE entry ->> '$.event.completed' NOTNULL")
            .fetch_one(&mut shell(&path).await)
            .await
            .unwrap();
    for currency in [Currency::Usd, Currency::Khr] {
        assert!(completed.contains(currency.as_str()), "{completed}");
    }
}
