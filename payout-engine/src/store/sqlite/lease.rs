//! The lease: what a runner on another machine can know of this one.
//!
//! The operating system's lock ([`super::lock`]) says for certain whether a runner on this machine
//! is alive, but it may not reach another machine that shares the folder. There the lease speaks: a
//! time that the runner keeps moving on. It only keeps runners from getting into each other's way;
//! should it fail, a clock be wrong or a machine have slept, the fence keeps their writes apart.

use std::time::Duration;

use jiff::Timestamp;
use sqlx::SqliteConnection;

use super::SqliteStore;
use crate::{
    batch::{BatchId, RunnerLease},
    error::Error,
    store::{
        Lease,
        codec::{Fields, millis},
        failed,
    },
};

/// Refuses while a runner on another machine counts as alive. Those of this machine are dead: the
/// caller holds the lock.
pub(super) async fn refuse_held(
    tx: &mut SqliteConnection,
    host: &str,
    now: Timestamp,
) -> Result<(), Error> {
    let held = sqlx::query(
        "SELECT runner, lease_until FROM batches WHERE lease_until > ? AND lease_host <> ? \
         ORDER BY lease_until DESC LIMIT 1",
    )
    .bind(millis(now))
    .bind(host)
    .fetch_optional(tx)
    .await
    .map_err(failed("look for other runners"))?;
    let Some(held) = held else { return Ok(()) };
    let held = Fields(&held);
    let until = held.time("lease_until")?.strftime("%H:%M:%S UTC").to_string();
    Err(Error::locked(format!("{}, alive until {until} at least", held.text("runner")?)))
}

pub(super) async fn renew(
    store: &SqliteStore,
    lease: &Lease,
    hold: Option<Duration>,
    now: Timestamp,
) -> Result<(), Error> {
    let until = hold.map(|hold| now.saturating_add(hold).unwrap_or(Timestamp::MAX));
    let mut writer = store.writer.lock().await;
    let renewed = sqlx::query(
        "UPDATE batches SET lease_until = ?, lease_host = ? WHERE id = ? AND fence = ?",
    )
    .bind(until.map(millis))
    .bind(until.map(|_| store.host.as_str()))
    .bind(lease.batch.0)
    .bind(lease.fence)
    .execute(&mut *writer)
    .await
    .map_err(failed("renew the runner's lease"))?;
    if renewed.rows_affected() != 1 {
        return Err(Error::fenced(&lease.name));
    }
    if until.is_none() {
        store.bell.ring();
    }
    Ok(())
}

pub(super) async fn runners(
    store: &SqliteStore,
    batch: BatchId,
) -> Result<Vec<RunnerLease>, Error> {
    let mut reader = store.reader().await?;
    let row = sqlx::query("SELECT fence, runner, lease_until FROM batches WHERE id = ?")
        .bind(batch.0)
        .fetch_one(&mut *reader)
        .await
        .map_err(failed("read the batch"))?;
    Ok(Fields(&row).lease()?.into_iter().collect())
}
