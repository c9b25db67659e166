//! Forgetting who was paid.
//!
//! A row that SQLite deletes leaves its bytes in the file: in free pages, in free space of used
//! pages, and in the write-ahead log. So what is deleted is overwritten (`secure_delete`), the file
//! is written anew without free space (`VACUUM`), and the log is emptied into it. The batch is
//! marked in the transaction that removes; whatever interrupts the rest, the next purge does it.
//!
//! Invariant: amounts, outcomes, order numbers and references stay, and so do the sums and the log.

use jiff::Timestamp;
use sqlx::SqliteConnection;

use super::{SqliteStore, work::Work};
use crate::{
    chain::LogEvent,
    error::Error,
    store::{Lease, books::REMOVED, codec::millis, failed},
};

const FORGET_ROWS: &str = "UPDATE payouts SET holder_name = NULL, otp_url = NULL, \
    reason_message = iif(reason_code IS NULL, NULL, ?2), \
    warning_message = iif(warning_code IS NULL, NULL, ?2), \
    decisions = (SELECT json_group_array(json_set(decision.value, '$.reason', ?2)) \
    FROM json_each(payouts.decisions) AS decision), \
    version = version + 1 WHERE batch_id = ?1";

/// The salt goes too: without it the log's seals say nothing about anybody.
const FORGET_BATCH: &str = "UPDATE batches SET purged_at = coalesce(purged_at, ?3), salt = NULL, \
    cancel_reason = iif(cancel_reason IS NULL, NULL, ?2) WHERE id = ?1";

pub(super) async fn purge(store: &SqliteStore, lease: &Lease, now: Timestamp) -> Result<(), Error> {
    let mut writer = store.writer.lock().await;
    run(&mut writer, "PRAGMA secure_delete = ON").await?;
    let mut work = Work::begin(&mut writer, lease, now).await?;
    for statement in ["DELETE FROM payees WHERE batch_id = ?1", FORGET_ROWS, FORGET_BATCH] {
        let query = sqlx::query(statement).bind(lease.batch.0).bind(REMOVED).bind(millis(now));
        query.execute(&mut *work.tx).await.map_err(failed("remove personal data"))?;
    }
    work.log(vec![LogEvent::Purged]).await?;
    work.commit("remove personal data").await?;
    run(&mut writer, "VACUUM").await?;
    let (busy, _, _): (i64, i64, i64) = sqlx::query_as("PRAGMA wal_checkpoint(TRUNCATE)")
        .fetch_one(&mut *writer)
        .await
        .map_err(failed("empty its log"))?;
    if busy == 0 {
        return Ok(());
    }
    Err(Error::batch_state(
        &lease.name,
        "was purged, but somebody else reads the store, so old pages are still in its log; run \
         `payout purge` again when nobody does",
    ))
}

async fn run(writer: &mut SqliteConnection, statement: &'static str) -> Result<(), Error> {
    sqlx::query(statement).execute(writer).await.map_err(failed("overwrite what was removed"))?;
    Ok(())
}
