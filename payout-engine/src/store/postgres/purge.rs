//! Forgetting who was paid.
//!
//! A row that PostgreSQL deletes stays in its file until that is written anew (`VACUUM FULL`), so
//! it is. The batch is marked in the transaction that removes; whatever interrupts the rest, the
//! next purge does it. What the server keeps besides its tables (write-ahead log, archive,
//! replicas, back-ups) goes with its own time: docs/operations.md says how.
//!
//! Invariant: amounts, outcomes, order numbers and references stay, and so do the sums and the log.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::{Instant, sleep};

use super::{PostgresStore, statement::statement, work::Work};
use crate::{
    chain::LogEvent,
    error::Error,
    store::{
        Lease,
        books::REMOVED,
        codec::{Fields, millis},
        failed,
    },
};

/// How long to wait for those who began to read before the purge, and how often to look.
const READERS: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(20);

pub(super) async fn purge(
    store: &PostgresStore,
    lease: &Lease,
    now: Timestamp,
) -> Result<(), Error> {
    let mut work = Work::begin(store, lease, now).await?;
    refuse_company(&mut work).await?;
    statement!("DELETE FROM payees WHERE batch_id = $1", lease.batch.0)
        .execute(&mut *work.tx)
        .await
        .map_err(failed("remove personal data"))?;
    statement!(
        "UPDATE payouts SET holder_name = NULL, otp_url = NULL, \
         reason_message = CASE WHEN reason_code IS NOT NULL THEN $2 END, \
         warning_message = CASE WHEN warning_code IS NOT NULL THEN $2 END, \
         decisions = coalesce((SELECT jsonb_agg(jsonb_set(decision, '{reason}', \
         to_jsonb($2::text)) ORDER BY place)::text \
         FROM jsonb_array_elements(decisions::jsonb) WITH ORDINALITY AS it (decision, place)), \
         '[]'), version = version + 1 WHERE batch_id = $1",
        lease.batch.0,
        REMOVED
    )
    .execute(&mut *work.tx)
    .await
    .map_err(failed("remove personal data"))?;
    // The salt goes too: without it the log's seals say nothing about anybody.
    statement!(
        "UPDATE batches SET purged_at = coalesce(purged_at, $3), salt = NULL, \
         cancel_reason = CASE WHEN cancel_reason IS NOT NULL THEN $2 END WHERE id = $1",
        lease.batch.0,
        REMOVED,
        millis(now)
    )
    .execute(&mut *work.tx)
    .await
    .map_err(failed("remove personal data"))?;
    work.log(vec![LogEvent::Purged]).await?;
    let xid = statement!("SELECT pg_current_xact_id()::text AS xid")
        .fetch_one(&mut *work.tx)
        .await
        .map_err(failed("remove personal data"))?;
    let xid = Fields(&xid).text("xid")?.to_owned();
    work.commit("remove personal data").await?;
    outlast_readers(store, lease, &xid).await?;
    sqlx::query("VACUUM (FULL) payees, payouts, batches")
        .execute(&store.pool)
        .await
        .map_err(failed("write the tables anew, so that what was removed is gone"))?;
    Ok(())
}

/// What somebody may still see of the time before, the server keeps. So it does as long as a
/// transaction runs that is older, in whichever database: what writes the tables anew would see
/// them as that does.
async fn outlast_readers(store: &PostgresStore, lease: &Lease, xid: &str) -> Result<(), Error> {
    let began = Instant::now();
    loop {
        let readers = statement!(
            "SELECT count(*) + (pg_snapshot_xmin(pg_current_snapshot()) <= $1::text::xid8)::int \
             AS readers FROM pg_stat_activity WHERE datname = current_database() \
             AND pid <> pg_backend_pid() AND age(backend_xmin) >= age($1::text::xid8::xid)",
            xid
        )
        .fetch_one(&store.pool)
        .await
        .map_err(failed("look for readers"))?;
        if Fields(&readers).int("readers")? == 0 {
            return Ok(());
        }
        if began.elapsed() > READERS {
            return Err(Error::batch_state(
                &lease.name,
                "was purged, but a transaction that began before is still on at the server, so \
                 what was there is still in its files; run `payout purge` again once it has ended",
            ));
        }
        sleep(LOOK).await;
    }
}

/// Somebody else who is at the batch may have a payee in memory and a withdrawal under way.
pub(super) async fn refuse_company(work: &mut Work<'_>) -> Result<(), Error> {
    let other = statement!(
        "SELECT runner FROM runners WHERE batch_id = $1 AND fence <> $2 \
         AND lease_until >= now_millis() LIMIT 1",
        work.batch.0,
        work.fence
    )
    .fetch_optional(&mut *work.tx)
    .await
    .map_err(failed("read who is at the batch"))?;
    match other {
        Some(other) => Err(Error::locked(Fields(&other).text("runner")?)),
        None => Ok(()),
    }
}
