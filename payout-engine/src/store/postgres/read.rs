//! Everybody's side: how a batch stands, what its rows are.
//!
//! Nothing here writes. Reads see the last commit, never half of one.

use std::time::Duration;

use sqlx::{PgConnection, postgres::PgRow};

use super::{PostgresStore, statement::statement};
use crate::{
    batch::{Batch, BatchId},
    error::Error,
    payout::{BatchSummary, Outcome},
    store::{
        Conflict, PayoutRecord, Stretch, Sum,
        books::{self, IN_FLIGHT, UNFINISHED, miscounted},
        codec::Fields,
        failed,
    },
};

/// References in one query.
const REFERENCES_A_QUERY: usize = 5_000;

pub(super) async fn batch(store: &PostgresStore, name: Option<&str>) -> Result<Batch, Error> {
    let row = match name {
        Some(name) => {
            statement!("SELECT * FROM shown WHERE name = $1", name)
                .fetch_optional(&store.pool)
                .await
        }
        None => {
            let states: Vec<_> = UNFINISHED.iter().map(|it| it.as_str().to_owned()).collect();
            statement!(
                "SELECT * FROM shown WHERE state = ANY($1) ORDER BY id DESC LIMIT 1",
                &states[..]
            )
            .fetch_optional(&store.pool)
            .await
        }
    };
    let row = row.map_err(failed("read the batch"))?;
    row.map_or_else(|| Err(Error::no_such_batch(name)), |row| Fields(&row).batch())
}

pub(super) async fn newest(store: &PostgresStore) -> Result<Batch, Error> {
    let row = statement!("SELECT * FROM shown WHERE state <> 'loading' ORDER BY id DESC LIMIT 1")
        .fetch_optional(&store.pool)
        .await
        .map_err(failed("read the batch"))?;
    row.map_or_else(|| Err(Error::no_such_batch(None)), |row| Fields(&row).batch())
}

pub(super) async fn batches(store: &PostgresStore) -> Result<Vec<Batch>, Error> {
    let rows = statement!("SELECT * FROM shown ORDER BY id DESC")
        .fetch_all(&store.pool)
        .await
        .map_err(failed("read the batches"))?;
    rows.iter().map(|row| Fields(row).batch()).collect()
}

pub(super) async fn summary(store: &PostgresStore, batch: BatchId) -> Result<BatchSummary, Error> {
    // One snapshot for both queries, so that counts and state belong together.
    let mut tx = store.snapshot().await?;
    let row = statement!("SELECT * FROM shown WHERE id = $1", batch.0)
        .fetch_one(&mut *tx)
        .await
        .map_err(failed("read the batch"))?;
    let sums = statement!("SELECT * FROM sums WHERE batch_id = $1 AND rows > 0", batch.0)
        .fetch_all(&mut *tx)
        .await
        .map_err(failed("read the sums"))?;
    // At once: as long as somebody might still read what was purged, it stays.
    tx.rollback().await.map_err(failed("read the sums"))?;
    books::summary(&row, &sums)
}

pub(super) async fn audit(store: &PostgresStore, batch: BatchId) -> Result<(), Error> {
    let mut connection = store.connection().await?;
    count_rows(&mut connection, batch).await
}

/// Counts the rows themselves and compares with the sums.
pub(super) async fn count_rows(connection: &mut PgConnection, batch: BatchId) -> Result<(), Error> {
    let wrong = statement!(
        "WITH counted AS (SELECT currency, outcome, count(*) AS rows, sum(amount) AS amount \
         FROM payouts WHERE batch_id = $1 GROUP BY currency, outcome), \
         kept AS (SELECT currency, outcome, rows, amount::numeric FROM sums \
         WHERE batch_id = $1 AND rows > 0) \
         SELECT currency, outcome FROM (SELECT * FROM counted EXCEPT SELECT * FROM kept) AS a \
         UNION SELECT currency, outcome FROM (SELECT * FROM kept EXCEPT SELECT * FROM counted) \
         AS b LIMIT 1",
        batch.0
    )
    .fetch_optional(connection)
    .await
    .map_err(failed("count the rows"))?;
    match wrong {
        None => Ok(()),
        Some(row) => {
            let row = Fields(&row);
            Err(miscounted(row.text("currency")?, row.text("outcome")?))
        }
    }
}

pub(super) async fn rows(
    store: &PostgresStore,
    batch: BatchId,
    after: u64,
    limit: usize,
) -> Result<Vec<PayoutRecord>, Error> {
    let mut connection = store.connection().await?;
    let rows = rows_after(&mut connection, batch, after, limit).await?;
    rows.iter().map(|row| Fields(row).record()).collect()
}

/// Rows after `after`, with all columns.
pub(super) async fn rows_after(
    connection: &mut PgConnection,
    batch: BatchId,
    after: u64,
    limit: usize,
) -> Result<Vec<PgRow>, Error> {
    statement!(
        "SELECT * FROM records WHERE batch_id = $1 AND row > $2 ORDER BY row LIMIT $3",
        batch.0,
        after.cast_signed(),
        at_most(limit)
    )
    .fetch_all(connection)
    .await
    .map_err(failed("read the rows"))
}

pub(super) async fn rows_of(
    store: &PostgresStore,
    batch: BatchId,
    outcomes: &[Outcome],
    after: u64,
    limit: usize,
) -> Result<Vec<PayoutRecord>, Error> {
    let outcomes: Vec<_> = outcomes.iter().map(|outcome| outcome.as_str().to_owned()).collect();
    let rows = statement!(
        "SELECT * FROM records WHERE batch_id = $1 AND row > $2 AND outcome = ANY($3) \
         ORDER BY row LIMIT $4",
        batch.0,
        after.cast_signed(),
        &outcomes[..],
        at_most(limit)
    )
    .fetch_all(&store.pool)
    .await
    .map_err(failed("read the rows"))?;
    rows.iter().map(|row| Fields(row).record()).collect()
}

pub(super) async fn timeline(
    store: &PostgresStore,
    batch: BatchId,
    stretch: Duration,
) -> Result<Vec<Stretch>, Error> {
    let millis = i64::try_from(stretch.as_millis()).unwrap_or(i64::MAX).max(1);
    let rows = statement!(
        "SELECT updated_at / $2 * $2 AS begin, outcome, count(*) AS rows FROM payouts \
         WHERE batch_id = $1 GROUP BY 1, 2 ORDER BY 1, 2",
        batch.0,
        millis
    )
    .fetch_all(&store.pool)
    .await
    .map_err(failed("read when rows changed"))?;
    rows.iter().map(|row| Fields(row).stretch()).collect()
}

pub(super) async fn find(
    store: &PostgresStore,
    batch: BatchId,
    reference: &str,
) -> Result<Option<PayoutRecord>, Error> {
    // The last condition is that of the index.
    let row = statement!(
        "SELECT * FROM records WHERE reference = $1 AND batch_id = $2 AND outcome <> 'invalid'",
        reference,
        batch.0
    )
    .fetch_optional(&store.pool)
    .await
    .map_err(failed("look for the row"))?;
    row.map(|row| Fields(&row).record()).transpose()
}

pub(super) async fn conflicts(
    store: &PostgresStore,
    references: &[&str],
    except: Option<BatchId>,
) -> Result<Vec<Conflict>, Error> {
    let mut outcomes = vec!["pending".to_owned(), "held".to_owned(), "paid".to_owned()];
    outcomes.extend(IN_FLIGHT.iter().map(|outcome| outcome.as_str().to_owned()));
    let mut found = Vec::new();
    for chunk in references.chunks(REFERENCES_A_QUERY) {
        let chunk: Vec<_> = chunk.iter().map(|reference| (*reference).to_owned()).collect();
        // What a cancelled batch sent and the gateway does not know might still appear.
        let rows = statement!(
            "SELECT p.reference, b.name, p.row, p.amount, p.currency, e.bic, \
             e.bank_account_number, \
             CASE WHEN p.outcome = 'cancelled' THEN 'in_doubt' ELSE p.outcome END AS outcome \
             FROM payouts AS p JOIN batches AS b ON b.id = p.batch_id \
             LEFT JOIN payees AS e ON e.batch_id = p.batch_id AND e.row = p.row \
             WHERE p.reference = ANY($1) AND p.batch_id <> $2 AND p.outcome <> 'invalid' \
             AND b.state <> 'loading' \
             AND NOT coalesce((b.options::jsonb ->> 'dry_run')::boolean, FALSE) \
             AND (p.outcome = ANY($3) \
             OR (p.outcome = 'cancelled' AND p.sends > 0 AND p.seen = 0)) \
             ORDER BY p.batch_id, p.row",
            &chunk[..],
            except.map_or(0, |batch| batch.0),
            &outcomes[..]
        )
        .fetch_all(&store.pool)
        .await
        .map_err(failed("look for the rows in other batches"))?;
        for row in &rows {
            found.push(Fields(row).conflict()?);
        }
    }
    Ok(found)
}

pub(super) async fn in_flight_elsewhere(
    store: &PostgresStore,
    batch: BatchId,
) -> Result<Vec<Sum>, Error> {
    let outcomes: Vec<_> = IN_FLIGHT.iter().map(|outcome| outcome.as_str().to_owned()).collect();
    let rows = statement!(
        "SELECT currency, sum(amount)::bigint AS amount FROM sums \
         WHERE batch_id <> $1 AND outcome = ANY($2) \
         AND EXISTS (SELECT FROM batches WHERE id = sums.batch_id AND state <> 'moved') \
         GROUP BY currency ORDER BY currency",
        batch.0,
        &outcomes[..]
    )
    .fetch_all(&store.pool)
    .await
    .map_err(failed("add up the money of other batches"))?;
    rows.iter().map(|row| Fields(row).sum()).collect()
}

fn at_most(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
