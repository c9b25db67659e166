//! What happens when the server is away: whatever certainly did not land is done again, for a
//! while.
//!
//! A restart of the server or a cut connection must not end a run. So each piece of work begins
//! anew on another connection, until the server has been away for [`PATIENCE`].
//!
//! Invariant: work is repeated only if none of it was committed, or if doing it twice is the same
//! as doing it once.

use std::{error::Error as _, time::Duration};

use sqlx::error::DatabaseError;
use tokio::time::{Instant, sleep};

use super::PostgresStore;
use crate::error::Error;

/// How long the server may be away before whoever wants something of it is told.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// Pauses between tries: the first, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(1));

/// Errors of the server after which another try may succeed: it ends or begins, has no room for a
/// connection, ended this one, is not yet (or not any more) the one that is written to, or chose
/// this transaction to give way.
const PASSING: [&str; 8] = ["57P01", "57P02", "57P03", "53300", "25P03", "25006", "40001", "40P01"];

impl PostgresStore {
    /// Does work that writes nothing, or nothing that has landed when its connection is lost.
    pub(super) async fn patiently<T, F>(&self, work: impl Fn() -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let mut lost_at = None;
        let mut pause = PAUSES.0;
        loop {
            let error = match work().await {
                Err(error) if was_lost(&error) => error,
                ended => return ended,
            };
            if lost_at.get_or_insert_with(Instant::now).elapsed() > self.patience {
                return Err(error);
            }
            sleep(pause).await;
            pause = (pause * 2).min(PAUSES.1);
        }
    }
}

fn was_lost(error: &Error) -> bool {
    error.source().and_then(|source| source.downcast_ref()).is_some_and(is_lost)
}

/// Whether the transaction, if it did not come as far as its commit, is gone without a trace, and
/// another try may succeed.
pub(super) fn is_lost(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::WorkerCrashed
        | sqlx::Error::BeginFailed => true,
        sqlx::Error::Database(error) => is_passing(&**error),
        _ => false,
    }
}

fn is_passing(error: &dyn DatabaseError) -> bool {
    let code = error.code().unwrap_or_default();
    // Class 08: the connection.
    code.starts_with("08") || PASSING.contains(&&*code)
}
