//! Taking a batch in: many rows, few statements, and nothing payable before all of it is there.

use std::sync::Arc;

use jiff::Timestamp;
use kess_gateway::Sensitive;
use rand::rngs::OsRng;
use sqlx::PgConnection;

use super::{PostgresStore, lease, statement::statement, work::Work};
use crate::{
    batch::{Batch, BatchId, BatchState, GatewayIdentity, NewBatch},
    chain::{LogEvent, LogHash, Requested, Salt},
    error::Error,
    order_no::BatchCode,
    payout::NewPayout,
    store::{
        Lease, Witness,
        books::{Moves, creation, duplicate_or_failed, first, sums_of, taken, units_of},
        codec::{Fields, millis},
        failed,
        log::Log,
    },
};

pub(super) async fn create(
    store: &PostgresStore,
    new: &NewBatch,
    gateway: &GatewayIdentity,
    code: BatchCode,
    runner: &str,
    now: Timestamp,
) -> Result<Lease, Error> {
    let options = serde_json::to_string(&new.options)
        .map_err(|error| Error::store("write the batch's options", error))?;
    let log =
        Log { events: 0, head: LogHash::genesis(&code), salt: Some(Salt::random(&mut OsRng)) };
    let witness = Arc::new(store.witness(code)?.0);
    let mut tx = store.begin().await?;
    let incarnation = store.incarnation(&mut tx).await?;
    // Nothing of these was ever payable, and nobody is at them any more.
    statement!(
        "DELETE FROM batches WHERE id IN (SELECT id FROM batches AS half \
         WHERE state = 'loading' AND code <> $1 AND NOT EXISTS (SELECT FROM runners \
         WHERE batch_id = half.id AND lease_until >= now_millis()) FOR UPDATE SKIP LOCKED)",
        code.as_str()
    )
    .execute(&mut *tx)
    .await
    .map_err(failed("remove a half loaded batch"))?;
    let created = statement!(
        "INSERT INTO batches (name, code, state, base_url, seller_code, source, options, fence, \
         runner, created_at, updated_at, events, head, salt, paused_at, paused_by, incarnation) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, 1, $8, $9, $9, 0, $10, $11, $12, $13, $14) \
         ON CONFLICT DO NOTHING RETURNING id",
        &new.name[..],
        code.as_str(),
        BatchState::Loading.as_str(),
        &gateway.base_url[..],
        &gateway.seller_code[..],
        &new.source[..],
        &options[..],
        runner,
        millis(now),
        log.head.as_bytes(),
        log.salt.as_ref().map(Salt::as_bytes),
        new.paused_by.as_ref().map(|_| millis(now)),
        new.paused_by.as_deref(),
        &incarnation[..]
    )
    .fetch_optional(&mut *tx)
    .await
    .map_err(failed("create the batch"))?;
    let id = match created {
        Some(created) => BatchId(Fields(&created).int("id")?),
        // Unless the name is taken, an earlier try landed although its connection was lost.
        None => {
            let id = created_before(&mut tx, new, code).await?;
            return Ok(leased(id, new, witness));
        }
    };
    lease::enter(&mut tx, id, 1, runner, &store.host).await?;
    let work = Work::within(store, tx, id, &new.name, 1, log, now);
    let mut work = work.seen_by(&witness);
    work.log(creation(new, gateway, code, runner)).await?;
    work.commit("create the batch").await?;
    Ok(leased(id, new, witness))
}

async fn created_before(
    connection: &mut PgConnection,
    new: &NewBatch,
    code: BatchCode,
) -> Result<BatchId, Error> {
    let ours = statement!("SELECT id FROM batches WHERE code = $1", code.as_str())
        .fetch_optional(connection)
        .await
        .map_err(failed("look for the batch"))?;
    let ours = ours.ok_or_else(|| taken(&new.name))?;
    Ok(BatchId(Fields(&ours).int("id")?))
}

fn leased(id: BatchId, new: &NewBatch, witness: Arc<Witness>) -> Lease {
    Lease { witness: Some(witness), ..Lease::new(id, &new.name, 1, ()) }
}

pub(super) async fn append(
    store: &PostgresStore,
    lease: &Lease,
    rows: &[NewPayout],
    now: Timestamp,
) -> Result<(), Error> {
    let mut work = Work::begin(store, lease, now).await?;
    insert_payouts(&mut work, rows).await?;
    insert_payees(&mut work, rows).await?;
    move_sums(&mut work, &sums_of(rows, now)?).await?;
    if let Some(salt) = work.salt() {
        let events = rows.iter().map(|row| LogEvent::loaded(row, &first(row, now), salt));
        let events = events.collect();
        work.log(events).await?;
    }
    work.commit("write the rows").await
}

async fn insert_payouts(work: &mut Work<'_>, rows: &[NewPayout]) -> Result<(), Error> {
    let first: Vec<_> = rows.iter().map(|row| first(row, work.now)).collect();
    let amounts = rows.iter().map(units_of).collect::<Result<Vec<_>, _>>()?;
    let numbers: Vec<_> = rows.iter().map(|row| row.row.cast_signed()).collect();
    let lines: Vec<_> = rows.iter().map(|row| row.line.cast_signed()).collect();
    let references: Vec<_> = rows.iter().map(|row| row.reference.clone()).collect();
    let currencies: Vec<_> =
        rows.iter().map(|row| row.money.currency().as_str().to_owned()).collect();
    let states: Vec<_> = first.iter().map(|payout| payout.state.as_str().to_owned()).collect();
    let outcomes: Vec<_> =
        first.iter().map(|payout| payout.outcome().as_str().to_owned()).collect();
    let next_at: Vec<_> = first.iter().map(|payout| payout.next_at.map(millis)).collect();
    let reasons = || first.iter().map(|payout| payout.reason.as_ref());
    let codes: Vec<_> = reasons().map(|reason| reason.map(|it| it.code.clone())).collect();
    let messages: Vec<_> = reasons().map(|reason| reason.map(|it| it.message.clone())).collect();
    statement!(
        "INSERT INTO payouts (batch_id, updated_at, row, line, reference, currency, amount, state, \
         outcome, next_at, reason_code, reason_message) \
         SELECT $1, $2, * FROM unnest($3::bigint[], $4::bigint[], $5::text[], $6::text[], \
         $7::bigint[], $8::text[], $9::text[], $10::bigint[], $11::text[], $12::text[])",
        work.batch.0,
        millis(work.now),
        &numbers[..],
        &lines[..],
        &references[..],
        &currencies[..],
        &amounts[..],
        &states[..],
        &outcomes[..];
        nullable &next_at, &codes, &messages
    )
    .execute(&mut *work.tx)
    .await
    .map_err(|error| duplicate_or_failed(error, rows))?;
    Ok(())
}

async fn insert_payees(work: &mut Work<'_>, rows: &[NewPayout]) -> Result<(), Error> {
    type Field<T> = fn(&NewPayout) -> &T;
    let texts = |field: Field<Sensitive<String>>| {
        rows.iter().map(|row| field(row).expose().clone()).collect::<Vec<_>>()
    };
    let maybe = |field: Field<Option<Sensitive<String>>>| {
        let text = |row| field(row).as_ref().map(|text| text.expose().clone());
        rows.iter().map(text).collect::<Vec<_>>()
    };
    let numbers: Vec<_> = rows.iter().map(|row| row.row.cast_signed()).collect();
    let bics: Vec<_> = rows.iter().map(|row| row.payee.bic.clone()).collect();
    let bodies: Vec<_> = rows.iter().map(|row| row.body.clone()).collect();
    let extra = rows.iter().map(|row| serde_json::to_string(&row.extra));
    let extra = extra
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| Error::store("write the extra columns", error))?;
    statement!(
        "INSERT INTO payees (batch_id, row, first_name, last_name, phone_number, email, \
         bank_account_number, bic, extra, holder_name, address, city, postcode, body) \
         SELECT $1, * FROM unnest($2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], \
         $7::text[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], \
         $14::text[])",
        work.batch.0,
        &numbers[..],
        &texts(|row| &row.payee.first_name)[..],
        &texts(|row| &row.payee.last_name)[..],
        &texts(|row| &row.payee.phone_number)[..],
        &texts(|row| &row.payee.email)[..],
        &texts(|row| &row.payee.bank_account_number)[..],
        &bics[..],
        &extra[..];
        nullable &maybe(|row| &row.payee.holder_name),
        &maybe(|row| &row.payee.address),
        &maybe(|row| &row.payee.city),
        &maybe(|row| &row.payee.postcode),
        &bodies
    )
    .execute(&mut *work.tx)
    .await
    .map_err(failed("write the rows"))?;
    Ok(())
}

/// Moves the sums of a batch. One that would be below zero is refused by the table itself.
pub(super) async fn move_sums(work: &mut Work<'_>, moves: &Moves<'_>) -> Result<(), Error> {
    let currencies: Vec<_> = moves.keys().map(|(currency, _)| (*currency).to_owned()).collect();
    let outcomes: Vec<_> = moves.keys().map(|(_, outcome)| outcome.as_str().to_owned()).collect();
    let (rows, amounts): (Vec<i64>, Vec<i64>) = moves.values().copied().unzip();
    statement!(
        "WITH moves AS (SELECT * FROM unnest($2::text[], $3::text[], $4::bigint[], $5::bigint[]) \
         AS moves (currency, outcome, rows, amount)), \
         moved AS (UPDATE sums SET rows = sums.rows + moves.rows, \
         amount = sums.amount + moves.amount FROM moves WHERE sums.batch_id = $1 \
         AND sums.currency = moves.currency AND sums.outcome = moves.outcome \
         RETURNING sums.currency, sums.outcome) \
         INSERT INTO sums (batch_id, currency, outcome, rows, amount) \
         SELECT $1, currency, outcome, rows, amount FROM moves \
         WHERE (currency, outcome) NOT IN (SELECT currency, outcome FROM moved)",
        work.batch.0,
        &currencies[..],
        &outcomes[..],
        &rows[..],
        &amounts[..]
    )
    .execute(&mut *work.tx)
    .await
    .map_err(|error| match error.as_database_error() {
        Some(e) if e.is_check_violation() => {
            Error::books("more left one of the batch's sums than was there")
        }
        _ => Error::store("write the sums", error),
    })?;
    Ok(())
}

pub(super) async fn complete(
    store: &PostgresStore,
    lease: &Lease,
    now: Timestamp,
) -> Result<Batch, Error> {
    let mut work = Work::begin(store, lease, now).await?;
    statement!(
        "INSERT INTO requested (batch_id, currency, rows, amount) \
         SELECT batch_id, currency, count(*), sum(amount)::bigint FROM payouts \
         WHERE batch_id = $1 GROUP BY batch_id, currency",
        lease.batch.0
    )
    .execute(&mut *work.tx)
    .await
    .map_err(failed("complete the batch"))?;
    let completed = statement!(
        "UPDATE batches SET state = $2, \
         rows = (SELECT count(*) FROM payouts WHERE batch_id = batches.id) \
         WHERE id = $1 AND state = 'loading'",
        lease.batch.0,
        BatchState::Ready.as_str()
    )
    .execute(&mut *work.tx)
    .await
    .map_err(failed("complete the batch"))?;
    if completed.rows_affected() != 1 {
        return Err(Error::batch_state(&lease.name, "is complete already"));
    }
    let row = statement!("SELECT * FROM shown WHERE id = $1", lease.batch.0)
        .fetch_one(&mut *work.tx)
        .await
        .map_err(failed("complete the batch"))?;
    let batch = Fields(&row).batch()?;
    let requested = requested(&mut work.tx, lease.batch).await?;
    work.log(vec![LogEvent::Completed { rows: batch.rows, requested }]).await?;
    work.tell().await?;
    work.commit("complete the batch").await?;
    Ok(batch)
}

/// What a batch asks for, by currency.
pub(super) async fn requested(
    connection: &mut PgConnection,
    batch: BatchId,
) -> Result<Vec<Requested>, Error> {
    let rows = statement!(
        "SELECT currency, rows, amount FROM requested WHERE batch_id = $1 ORDER BY currency",
        batch.0
    )
    .fetch_all(connection)
    .await
    .map_err(failed("read what was requested"))?;
    rows.iter().map(|row| Fields(row).requested()).collect()
}
