//! Everybody's side: what is due, how a batch stands, what its rows are.
//!
//! Nothing here writes. Reads see the last commit, never half of one.

use std::time::Duration;

use jiff::Timestamp;
use sqlx::{Connection, QueryBuilder, Row, Sqlite, SqliteConnection, sqlite::SqliteRow};

use super::{
    SqliteStore,
    write::{given_up_unbooked, push_in_flight},
};
use crate::{
    batch::{Batch, BatchId},
    error::Error,
    payout::{BatchSummary, Outcome},
    store::{
        Claim, Conflict, PayoutRecord, Stretch, Sum,
        books::{self, UNFINISHED, miscounted},
        codec::{Fields, millis, time},
        failed,
    },
};

/// Progress and payee of a row in one go; `expected_holder` is the file's name, `holder_name` the
/// bank's.
const ROWS: &str = "SELECT p.*, e.first_name, e.last_name, e.holder_name AS expected_holder, \
    e.phone_number, e.email, e.bank_account_number, e.bic, e.address, e.city, e.postcode, e.body, \
    e.extra FROM payouts AS p LEFT JOIN payees AS e ON e.batch_id = p.batch_id AND e.row = p.row ";

/// References in one query.
const REFERENCES_A_QUERY: usize = 500;

pub(super) async fn batch(store: &SqliteStore, name: Option<&str>) -> Result<Batch, Error> {
    let mut query = QueryBuilder::<Sqlite>::new("SELECT * FROM batches WHERE ");
    match name {
        Some(name) => {
            query.push("name = ").push_bind(name);
        }
        None => {
            query.push("state IN (");
            let mut states = query.separated(", ");
            for state in UNFINISHED {
                states.push_bind(state.as_str());
            }
            query.push(") ORDER BY id DESC LIMIT 1");
        }
    }
    let mut reader = store.reader().await?;
    let row = query.build().fetch_optional(&mut *reader).await.map_err(failed("read the batch"))?;
    row.map_or_else(|| Err(Error::no_such_batch(name)), |row| Fields(&row).batch())
}

pub(super) async fn newest(store: &SqliteStore) -> Result<Batch, Error> {
    let mut reader = store.reader().await?;
    let row =
        sqlx::query("SELECT * FROM batches WHERE state <> 'loading' ORDER BY id DESC LIMIT 1")
            .fetch_optional(&mut *reader)
            .await
            .map_err(failed("read the batch"))?;
    row.map_or_else(|| Err(Error::no_such_batch(None)), |row| Fields(&row).batch())
}

pub(super) async fn batches(store: &SqliteStore) -> Result<Vec<Batch>, Error> {
    let mut reader = store.reader().await?;
    let rows = sqlx::query("SELECT * FROM batches ORDER BY id DESC")
        .fetch_all(&mut *reader)
        .await
        .map_err(failed("read the batches"))?;
    rows.iter().map(|row| Fields(row).batch()).collect()
}

pub(super) async fn summary(store: &SqliteStore, batch: BatchId) -> Result<BatchSummary, Error> {
    // One snapshot for both queries, so that counts and state belong together.
    let mut reader = store.reader().await?;
    let mut tx = reader.begin().await.map_err(failed("read the batch"))?;
    let row = sqlx::query("SELECT * FROM batches WHERE id = ?")
        .bind(batch.0)
        .fetch_one(&mut *tx)
        .await
        .map_err(failed("read the batch"))?;
    let sums = sqlx::query("SELECT * FROM sums WHERE batch_id = ? AND rows > 0")
        .bind(batch.0)
        .fetch_all(&mut *tx)
        .await
        .map_err(failed("read the sums"))?;
    books::summary(&row, &sums)
}

/// At least half of them are such that nothing was sent of, if there are as many; and at least half
/// are others, if there are as many. So neither waits until all the others are through.
pub(super) async fn claim(
    store: &SqliteStore,
    batch: BatchId,
    now: Timestamp,
    limit: usize,
    under_way: &[u64],
) -> Result<Vec<Claim>, Error> {
    let under_way = serde_json::to_string(under_way)
        .map_err(|error| Error::store("read the rows that are due", error))?;
    let due = async |outcomes: &'static str, limit: usize| {
        let mut query = QueryBuilder::<Sqlite>::new(ROWS);
        query.push("WHERE ").push(outcomes).push(" AND p.batch_id = ").push_bind(batch.0);
        query.push(" AND p.next_at <= ").push_bind(millis(now));
        query.push(" AND p.row NOT IN (SELECT value FROM json_each(").push_bind(&under_way);
        query.push(")) ORDER BY p.next_at, p.row LIMIT ");
        query.push_bind(i64::try_from(limit).unwrap_or(i64::MAX));
        let mut reader = store.reader().await?;
        let rows = query.build().fetch_all(&mut *reader).await;
        let rows = rows.map_err(failed("read the rows that are due"))?;
        rows.iter().map(|row| Fields(row).claim()).collect::<Result<Vec<_>, _>>()
    };
    // The conditions on the outcome are those of the indexes.
    let mut claims = due("p.outcome <> 'pending'", limit).await?;
    let room = limit - claims.len().min(limit / 2);
    let pending = due("p.outcome = 'pending'", room).await?;
    claims.truncate(limit - pending.len());
    claims.extend(pending);
    Ok(claims)
}

pub(super) async fn next_due(
    store: &SqliteStore,
    batch: BatchId,
    now: Timestamp,
) -> Result<Option<Timestamp>, Error> {
    let mut reader = store.reader().await?;
    let next: Option<i64> =
        sqlx::query_scalar("SELECT min(next_at) FROM payouts WHERE batch_id = ? AND next_at > ?")
            .bind(batch.0)
            .bind(millis(now))
            .fetch_one(&mut *reader)
            .await
            .map_err(failed("read when a row is due"))?;
    next.map(time).transpose()
}

pub(super) async fn audit(store: &SqliteStore, batch: BatchId) -> Result<(), Error> {
    let mut reader = store.reader().await?;
    // One snapshot for sums and rows.
    let mut tx = reader.begin().await.map_err(failed("count the rows"))?;
    count_rows(&mut tx, batch).await
}

/// Counts the rows themselves and compares with the sums.
///
/// Each row is read once and counted where it is found: to group a million rows, SQLite would sort
/// them first.
pub(super) async fn count_rows(reader: &mut SqliteConnection, batch: BatchId) -> Result<(), Error> {
    let sums = sqlx::query("SELECT * FROM sums WHERE batch_id = ? AND rows > 0")
        .bind(batch.0)
        .fetch_all(&mut *reader)
        .await
        .map_err(failed("read the sums"))?;
    let mut count = QueryBuilder::<Sqlite>::new("SELECT count(*)");
    for sum in &sums {
        let sum = Fields(sum);
        let (currency, outcome) = (sum.text("currency")?, sum.text("outcome")?);
        for function in [", count(*)", ", sum(amount)"] {
            count.push(function).push(" FILTER (WHERE currency = ").push_bind(currency);
            count.push(" AND outcome = ").push_bind(outcome).push(")");
        }
    }
    count.push(" FROM payouts WHERE batch_id = ").push_bind(batch.0);
    let counted = count.build().fetch_one(&mut *reader).await.map_err(failed("count the rows"))?;
    let number = |column: usize| -> Result<i64, Error> {
        let number = counted.try_get::<Option<i64>, _>(column).map_err(failed("count the rows"))?;
        Ok(number.unwrap_or_default())
    };
    let mut rest = number(0)?;
    for (at, sum) in sums.iter().enumerate() {
        let sum = Fields(sum);
        let (rows, amount) = (sum.int("rows")?, sum.int("amount")?);
        if (number(2 * at + 1)?, number(2 * at + 2)?) != (rows, amount) {
            return Err(miscounted(sum.text("currency")?, sum.text("outcome")?));
        }
        rest -= rows;
    }
    if rest == 0 {
        return Ok(());
    }
    let unkept = sqlx::query(
        "SELECT currency, outcome FROM payouts WHERE batch_id = ?1 \
         EXCEPT SELECT currency, outcome FROM sums WHERE batch_id = ?1 AND rows > 0",
    )
    .bind(batch.0)
    .fetch_one(reader)
    .await
    .map_err(failed("count the rows"))?;
    let unkept = Fields(&unkept);
    Err(miscounted(unkept.text("currency")?, unkept.text("outcome")?))
}

pub(super) async fn rows(
    store: &SqliteStore,
    batch: BatchId,
    after: u64,
    limit: usize,
) -> Result<Vec<PayoutRecord>, Error> {
    let mut reader = store.reader().await?;
    let rows = rows_after(&mut reader, batch, after, limit).await?;
    rows.iter().map(|row| Fields(row).record()).collect()
}

/// Rows after `after`, with all columns.
pub(super) async fn rows_after(
    reader: &mut SqliteConnection,
    batch: BatchId,
    after: u64,
    limit: usize,
) -> Result<Vec<SqliteRow>, Error> {
    let mut query = QueryBuilder::<Sqlite>::new(ROWS);
    query.push("WHERE p.batch_id = ").push_bind(batch.0);
    query.push(" AND p.row > ").push_bind(after.cast_signed());
    query.push(" ORDER BY p.row LIMIT ").push_bind(i64::try_from(limit).unwrap_or(i64::MAX));
    query.build().fetch_all(reader).await.map_err(failed("read the rows"))
}

pub(super) async fn rows_of(
    store: &SqliteStore,
    batch: BatchId,
    outcomes: &[Outcome],
    after: u64,
    limit: usize,
) -> Result<Vec<PayoutRecord>, Error> {
    let mut query = QueryBuilder::<Sqlite>::new(ROWS);
    query.push("WHERE p.batch_id = ").push_bind(batch.0);
    query.push(" AND p.row > ").push_bind(after.cast_signed()).push(" AND p.outcome IN (");
    let mut list = query.separated(", ");
    for outcome in outcomes {
        list.push_bind(outcome.as_str());
    }
    query.push(") ORDER BY p.row LIMIT ").push_bind(i64::try_from(limit).unwrap_or(i64::MAX));
    let mut reader = store.reader().await?;
    let rows = query.build().fetch_all(&mut *reader).await.map_err(failed("read the rows"))?;
    rows.iter().map(|row| Fields(row).record()).collect()
}

pub(super) async fn timeline(
    store: &SqliteStore,
    batch: BatchId,
    stretch: Duration,
) -> Result<Vec<Stretch>, Error> {
    let millis = i64::try_from(stretch.as_millis()).unwrap_or(i64::MAX).max(1);
    let mut reader = store.reader().await?;
    let rows = sqlx::query(
        "SELECT updated_at / ?2 * ?2 AS begin, outcome, count(*) AS rows FROM payouts \
         WHERE batch_id = ?1 GROUP BY 1, 2 ORDER BY 1, 2",
    )
    .bind(batch.0)
    .bind(millis)
    .fetch_all(&mut *reader)
    .await
    .map_err(failed("read when rows changed"))?;
    rows.iter().map(|row| Fields(row).stretch()).collect()
}

pub(super) async fn find(
    store: &SqliteStore,
    batch: BatchId,
    reference: &str,
) -> Result<Option<PayoutRecord>, Error> {
    let mut query = QueryBuilder::<Sqlite>::new(ROWS);
    query.push("WHERE p.reference = ").push_bind(reference);
    // The last condition is that of the index.
    query.push(" AND p.batch_id = ").push_bind(batch.0).push(" AND p.outcome <> 'invalid'");
    let mut reader = store.reader().await?;
    let row =
        query.build().fetch_optional(&mut *reader).await.map_err(failed("look for the row"))?;
    row.map(|row| Fields(&row).record()).transpose()
}

pub(super) async fn conflicts(
    store: &SqliteStore,
    references: &[&str],
    except: Option<BatchId>,
) -> Result<Vec<Conflict>, Error> {
    let mut reader = store.reader().await?;
    let mut found = Vec::new();
    for chunk in references.chunks(REFERENCES_A_QUERY) {
        let unbooked = given_up_unbooked("p");
        let mut query = QueryBuilder::<Sqlite>::new(format!(
            "SELECT p.reference, b.name, p.row, p.amount, p.currency, e.bic, \
             e.bank_account_number, \
             CASE WHEN {unbooked} THEN 'in_doubt' ELSE p.outcome END AS outcome \
             FROM payouts AS p JOIN batches AS b ON b.id = p.batch_id \
             LEFT JOIN payees AS e ON e.batch_id = p.batch_id AND e.row = p.row \
             WHERE b.state <> 'loading' AND NOT coalesce(b.options ->> 'dry_run', 0) \
             AND p.outcome <> 'invalid' AND ({unbooked} \
             OR p.outcome IN ('pending', 'held', ",
        ));
        push_in_flight(&mut query);
        query.push(", 'paid')) AND p.batch_id <> ").push_bind(except.map_or(0, |batch| batch.0));
        query.push(" AND p.reference IN (");
        let mut list = query.separated(", ");
        for reference in chunk {
            list.push_bind(*reference);
        }
        query.push(") ORDER BY p.batch_id, p.row");
        let rows = query
            .build()
            .fetch_all(&mut *reader)
            .await
            .map_err(failed("look for the rows in other batches"))?;
        for row in &rows {
            found.push(Fields(row).conflict()?);
        }
    }
    Ok(found)
}

pub(super) async fn in_flight_elsewhere(
    store: &SqliteStore,
    batch: BatchId,
) -> Result<Vec<Sum>, Error> {
    let mut query = QueryBuilder::<Sqlite>::new(
        "SELECT currency, sum(amount) AS amount FROM sums \
         JOIN batches ON batches.id = sums.batch_id \
         WHERE batches.state <> 'moved' AND batch_id <> ",
    );
    query.push_bind(batch.0).push(" AND outcome IN (");
    push_in_flight(&mut query);
    query.push(") GROUP BY currency");
    let mut reader = store.reader().await?;
    let rows = query
        .build()
        .fetch_all(&mut *reader)
        .await
        .map_err(failed("add up the money of other batches"))?;
    rows.iter().map(|row| Fields(row).sum()).collect()
}
