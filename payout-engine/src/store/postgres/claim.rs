//! Which rows a runner takes in hand, and when it has to look again.
//!
//! A row is in one runner's hands at a time, and stays there until it has nothing to do or the
//! runner is gone: what is timed of a row is timed by one clock.

use jiff::Timestamp;

use super::{PostgresStore, statement::statement};
use crate::{
    error::Error,
    store::{
        Claim, Lease,
        codec::{Fields, millis, time},
        failed,
    },
};

/// At least half of them are such that nothing was sent of, if there are as many; and at least half
/// are others, if there are as many. So neither waits until all the others are through.
pub(super) async fn claim(
    store: &PostgresStore,
    lease: &Lease,
    now: Timestamp,
    limit: usize,
    under_way: &[u64],
) -> Result<Vec<Claim>, Error> {
    let under_way: Vec<_> = under_way.iter().map(|row| row.cast_signed()).collect();
    // The conditions on the outcome are those of the indexes.
    let rows = statement!(
        "WITH me AS (SELECT fence FROM runners WHERE batch_id = $1 AND fence = $2 FOR KEY SHARE), \
         under_way AS (SELECT * FROM payouts WHERE EXISTS (SELECT FROM me) AND batch_id = $1 \
         AND outcome <> 'pending' AND next_at <= $3 AND (claimed_by IS NULL OR claimed_by = $2) \
         AND row <> ALL ($5::bigint[]) \
         ORDER BY next_at, row LIMIT $4 FOR UPDATE SKIP LOCKED), \
         pending AS (SELECT * FROM payouts WHERE EXISTS (SELECT FROM me) AND batch_id = $1 \
         AND outcome = 'pending' AND next_at <= $3 AND (claimed_by IS NULL OR claimed_by = $2) \
         AND row <> ALL ($5::bigint[]) \
         ORDER BY next_at, row LIMIT (SELECT $4 - least(count(*), $4 / 2) FROM under_way) \
         FOR UPDATE SKIP LOCKED), \
         chosen AS ((SELECT * FROM under_way ORDER BY next_at, row \
         LIMIT (SELECT $4 - count(*) FROM pending)) UNION ALL SELECT * FROM pending), \
         taken AS (UPDATE payouts SET claimed_by = $2 FROM chosen WHERE payouts.batch_id = $1 \
         AND payouts.row = chosen.row AND payouts.claimed_by IS NULL) \
         SELECT c.*, e.first_name, e.last_name, e.holder_name AS expected_holder, e.phone_number, \
         e.email, e.bank_account_number, e.bic, e.address, e.city, e.postcode, e.body \
         FROM chosen AS c JOIN payees AS e ON e.batch_id = c.batch_id AND e.row = c.row \
         ORDER BY c.outcome = 'pending', c.next_at, c.row",
        lease.batch.0,
        lease.fence,
        millis(now),
        i64::try_from(limit).unwrap_or(i64::MAX),
        &under_way[..]
    )
    .fetch_all(&store.pool)
    .await
    .map_err(failed("read the rows that are due"))?;
    if rows.is_empty() {
        require_presence(store, lease).await?;
    }
    rows.iter().map(|row| Fields(row).claim()).collect()
}

/// Nothing may be due, or the runner may have been removed.
async fn require_presence(store: &PostgresStore, lease: &Lease) -> Result<(), Error> {
    let present = statement!(
        "SELECT fence FROM runners WHERE batch_id = $1 AND fence = $2",
        lease.batch.0,
        lease.fence
    )
    .fetch_optional(&store.pool)
    .await
    .map_err(failed("check the runner's lease"))?;
    present.map(drop).ok_or_else(|| Error::fenced(&lease.name))
}

/// What others have in hand, or are taking in hand just now, is looked at again after a second: so
/// a runner stays until the whole batch is through.
pub(super) async fn next_due(
    store: &PostgresStore,
    lease: &Lease,
    now: Timestamp,
) -> Result<Option<Timestamp>, Error> {
    let next = statement!(
        "SELECT min(CASE WHEN claimed_by = $2 OR (claimed_by IS NULL AND next_at > $3) \
         THEN next_at ELSE greatest(next_at, $3 + 1000) END) AS next FROM payouts \
         WHERE batch_id = $1 AND next_at IS NOT NULL \
         AND (claimed_by IS DISTINCT FROM $2 OR next_at > $3)",
        lease.batch.0,
        lease.fence,
        millis(now)
    )
    .fetch_one(&store.pool)
    .await
    .map_err(failed("read when a row is due"))?;
    Fields(&next).maybe_int("next")?.map(time).transpose()
}
