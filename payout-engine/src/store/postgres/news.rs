//! Who hears of what others do: `LISTEN` and `NOTIFY`.
//!
//! One connection listens for a store, from the first moment that somebody wants to hear. News may
//! have been missed while it was lost, so getting it back counts as news.

use std::time::Duration;

use sqlx::{PgConnection, PgPool, postgres::PgListener};
use tokio::task::JoinHandle;

use super::statement::statement;
use crate::{
    error::Error,
    store::{changes::Bell, failed},
};

/// The channel's name.
const CHANNEL: &str = "payout";

/// The pause after the server could not be reached.
const PAUSE: Duration = Duration::from_millis(500);

/// Listens until it is dropped.
pub(super) struct Ear(JoinHandle<()>);

impl Ear {
    pub(super) fn open(pool: PgPool, bell: Bell) -> Self {
        Self(tokio::spawn(async move {
            loop {
                // However it ends, something may have happened meanwhile.
                let _ = listen(&pool, &bell).await;
                bell.ring();
                tokio::time::sleep(PAUSE).await;
            }
        }))
    }
}

async fn listen(pool: &PgPool, bell: &Bell) -> Result<(), sqlx::Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen(CHANNEL).await?;
    bell.ring();
    loop {
        // `None`: the connection was lost and is back.
        listener.try_recv().await?;
        bell.ring();
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Tells everybody who listens, once the transaction is committed.
pub(super) async fn tell(connection: &mut PgConnection) -> Result<(), Error> {
    statement!("SELECT pg_notify('payout', '') AS told")
        .execute(connection)
        .await
        .map_err(failed("tell others"))?;
    Ok(())
}
