//! Taking a batch in: many rows, few statements, and nothing payable before all of it is there.

use std::sync::Arc;

use jiff::Timestamp;
use rand::rngs::OsRng;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use super::{
    SqliteStore,
    lease::refuse_held,
    work::{Work, begin},
};
use crate::{
    batch::{Batch, BatchId, BatchState, GatewayIdentity, NewBatch},
    chain::{LogEvent, LogHash, Requested, Salt},
    error::Error,
    order_no::BatchCode,
    payout::NewPayout,
    store::{
        Lease,
        books::{Moves, creation, duplicate_or_failed, first, sums_of, taken, units_of},
        codec::{Fields, millis},
        failed,
        log::Log,
    },
};

/// Rows in one statement; two dozen values each stay well below SQLite's limit of 32,766.
const ROWS_A_STATEMENT: usize = 200;

pub(super) async fn create(
    store: &SqliteStore,
    new: &NewBatch,
    gateway: &GatewayIdentity,
    code: BatchCode,
    runner: &str,
    now: Timestamp,
) -> Result<Lease, Error> {
    let lock = store.lock(runner)?;
    let options = serde_json::to_string(&new.options)
        .map_err(|error| Error::store("write the batch's options", error))?;
    let mut writer = store.writer.lock().await;
    let mut tx = begin(&mut writer).await?;
    refuse_held(&mut tx, &store.host, now).await?;
    // We hold the lock and nobody has a lease, so whoever was loading these is gone.
    sqlx::query("DELETE FROM batches WHERE state = 'loading'")
        .execute(&mut *tx)
        .await
        .map_err(failed("remove a half loaded batch"))?;
    let same_name = sqlx::query("SELECT 1 FROM batches WHERE name = ?")
        .bind(&new.name)
        .fetch_optional(&mut *tx)
        .await
        .map_err(failed("look for the batch"))?;
    if same_name.is_some() {
        return Err(taken(&new.name));
    }
    let log =
        Log { events: 0, head: LogHash::genesis(&code), salt: Some(Salt::random(&mut OsRng)) };
    let id: i64 = sqlx::query_scalar(
        "INSERT INTO batches (name, code, state, base_url, seller_code, source, options, fence, \
         runner, created_at, updated_at, events, head, salt, paused_at, paused_by) \
         VALUES (?, ?, ?, ?, ?, ?, ?, 1, ?, ?, ?, 0, ?, ?, ?, ?) RETURNING id",
    )
    .bind(&new.name)
    .bind(code.as_str())
    .bind(BatchState::Loading.as_str())
    .bind(&gateway.base_url)
    .bind(&gateway.seller_code)
    .bind(&new.source)
    .bind(options)
    .bind(runner)
    .bind(millis(now))
    .bind(millis(now))
    .bind(log.head.as_bytes())
    .bind(log.salt.as_ref().map(Salt::as_bytes))
    .bind(new.paused_by.as_ref().map(|_| millis(now)))
    .bind(&new.paused_by)
    .fetch_one(&mut *tx)
    .await
    .map_err(failed("create the batch"))?;
    let witness = Arc::new(store.witness(code)?.0);
    let work = Work::within(tx, BatchId(id), &new.name, 1, Some(log), now);
    let mut work = work.seen_by(&witness);
    work.log(creation(new, gateway, code, runner)).await?;
    work.commit("create the batch").await?;
    Ok(Lease {
        batch: BatchId(id),
        name: new.name.clone(),
        fence: 1,
        restored_at: None,
        witness: Some(witness),
        _lock: lock,
    })
}

pub(super) async fn append(
    store: &SqliteStore,
    lease: &Lease,
    rows: &[NewPayout],
    now: Timestamp,
) -> Result<(), Error> {
    let mut writer = store.writer.lock().await;
    let mut work = Work::begin(&mut writer, lease, now).await?;
    for chunk in rows.chunks(ROWS_A_STATEMENT) {
        insert_payouts(&mut work, chunk).await?;
        insert_payees(&mut work, chunk).await?;
        if let Some(salt) = work.salt() {
            let events = chunk.iter().map(|row| LogEvent::loaded(row, &first(row, now), salt));
            let events = events.collect();
            work.log(events).await?;
        }
    }
    work.commit("write the rows").await
}

async fn insert_payouts(work: &mut Work<'_>, rows: &[NewPayout]) -> Result<(), Error> {
    let mut insert = QueryBuilder::<Sqlite>::new(
        "INSERT INTO payouts (batch_id, row, line, reference, currency, amount, state, outcome, \
         next_at, reason_code, reason_message, updated_at) ",
    );
    let mut values = Vec::with_capacity(rows.len());
    for row in rows {
        values.push((row, units_of(row)?, first(row, work.now)));
    }
    insert.push_values(values, |mut tuple, (row, units, payout)| {
        let reason = payout.reason.as_ref();
        tuple
            .push_bind(work.batch.0)
            .push_bind(row.row.cast_signed())
            .push_bind(row.line.cast_signed())
            .push_bind(&row.reference)
            .push_bind(row.money.currency().as_str().to_owned())
            .push_bind(units)
            .push_bind(payout.state.as_str())
            .push_bind(payout.outcome().as_str())
            .push_bind(payout.next_at.map(millis))
            .push_bind(reason.map(|reason| reason.code.clone()))
            .push_bind(reason.map(|reason| reason.message.clone()))
            .push_bind(millis(work.now));
    });
    let inserted = insert.build().execute(&mut *work.tx).await;
    inserted.map_err(|error| duplicate_or_failed(error, rows))?;
    move_sums(work, &sums_of(rows, work.now)?).await
}

async fn insert_payees(work: &mut Work<'_>, rows: &[NewPayout]) -> Result<(), Error> {
    let mut insert = QueryBuilder::<Sqlite>::new(
        "INSERT INTO payees (batch_id, row, first_name, last_name, holder_name, phone_number, \
         email, bank_account_number, bic, address, city, postcode, body, extra) ",
    );
    let mut values = Vec::with_capacity(rows.len());
    for row in rows {
        let extra = serde_json::to_string(&row.extra)
            .map_err(|error| Error::store("write the extra columns", error))?;
        values.push((row, extra));
    }
    insert.push_values(values, |mut tuple, (row, extra)| {
        let payee = &row.payee;
        let maybe = |field: &Option<kess_gateway::Sensitive<String>>| {
            field.as_ref().map(|text| text.expose().clone())
        };
        tuple
            .push_bind(work.batch.0)
            .push_bind(row.row.cast_signed())
            .push_bind(payee.first_name.expose())
            .push_bind(payee.last_name.expose())
            .push_bind(maybe(&payee.holder_name))
            .push_bind(payee.phone_number.expose())
            .push_bind(payee.email.expose())
            .push_bind(payee.bank_account_number.expose())
            .push_bind(&payee.bic)
            .push_bind(maybe(&payee.address))
            .push_bind(maybe(&payee.city))
            .push_bind(maybe(&payee.postcode))
            .push_bind(row.body.clone())
            .push_bind(extra);
    });
    insert.build().execute(&mut *work.tx).await.map_err(failed("write the rows"))?;
    Ok(())
}

/// Moves the sums of a batch. One that would be below zero is refused by the table itself.
pub(super) async fn move_sums(work: &mut Work<'_>, moves: &Moves<'_>) -> Result<(), Error> {
    let mut upsert =
        QueryBuilder::<Sqlite>::new("WITH moves (currency, outcome, rows, amount) AS (");
    upsert.push_values(moves, |mut tuple, ((currency, outcome), (rows, amount))| {
        tuple.push_bind(*currency).push_bind(outcome.as_str()).push_bind(*rows).push_bind(*amount);
    });
    upsert.push(") INSERT INTO sums (batch_id, currency, outcome, rows, amount) SELECT ");
    upsert.push_bind(work.batch.0).push(
        ", moves.currency, moves.outcome, moves.rows + coalesce(sums.rows, 0), \
         moves.amount + coalesce(sums.amount, 0) FROM moves LEFT JOIN sums \
         ON sums.currency = moves.currency AND sums.outcome = moves.outcome AND sums.batch_id = ",
    );
    upsert.push_bind(work.batch.0).push(
        " WHERE true ON CONFLICT (batch_id, currency, outcome) \
         DO UPDATE SET rows = excluded.rows, amount = excluded.amount",
    );
    upsert.build().execute(&mut *work.tx).await.map_err(|error| {
        match error.as_database_error() {
            Some(e) if e.is_check_violation() => {
                Error::books("more left one of the batch's sums than was there")
            }
            _ => Error::store("write the sums", error),
        }
    })?;
    Ok(())
}

pub(super) async fn complete(
    store: &SqliteStore,
    lease: &Lease,
    now: Timestamp,
) -> Result<Batch, Error> {
    let mut writer = store.writer.lock().await;
    let mut work = Work::begin(&mut writer, lease, now).await?;
    sqlx::query(
        "INSERT INTO requested (batch_id, currency, rows, amount) \
         SELECT batch_id, currency, count(*), sum(amount) FROM payouts WHERE batch_id = ? \
         GROUP BY currency",
    )
    .bind(lease.batch.0)
    .execute(&mut *work.tx)
    .await
    .map_err(failed("complete the batch"))?;
    let row = sqlx::query(
        "UPDATE batches SET state = ?, updated_at = ?, \
         rows = (SELECT count(*) FROM payouts WHERE batch_id = batches.id) \
         WHERE id = ? AND state = 'loading' RETURNING *",
    )
    .bind(BatchState::Ready.as_str())
    .bind(millis(now))
    .bind(lease.batch.0)
    .fetch_optional(&mut *work.tx)
    .await
    .map_err(failed("complete the batch"))?;
    let row = row.ok_or_else(|| Error::batch_state(&lease.name, "is complete already"))?;
    let batch = Fields(&row).batch()?;
    let requested = requested(&mut work.tx, lease.batch).await?;
    work.log(vec![LogEvent::Completed { rows: batch.rows, requested }]).await?;
    work.commit("complete the batch").await?;
    store.bell.ring();
    Ok(batch)
}

/// What a batch asks for, by currency.
pub(super) async fn requested(
    connection: &mut SqliteConnection,
    batch: BatchId,
) -> Result<Vec<Requested>, Error> {
    let rows = sqlx::query("SELECT * FROM requested WHERE batch_id = ? ORDER BY currency")
        .bind(batch.0)
        .fetch_all(connection)
        .await
        .map_err(failed("read what was requested"))?;
    rows.iter().map(|row| Fields(row).requested()).collect()
}
