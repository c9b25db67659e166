//! Taking up again what was being paid when a server, or a runner on another machine, went away.
//!
//! Which batches those are is the rule of workers ([`crate::worker`]); where nobody runs one of
//! them, a crash is why. One that somebody else has in hand is left to them.

use std::time::Duration;

use jiff::Timestamp;

use super::{Aim, Runs};
use crate::{batch::Batch, error::Error, worker::is_open};

/// How long after its time a runner may be late in renewing.
const GRACE: Duration = Duration::from_secs(2);

impl Runs {
    /// Takes up what nobody has in hand, and what somebody had who was not heard of again.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub(in crate::serve) async fn take_up(&self) -> Result<(), Error> {
        let Some(gateway) = &self.gateway else { return Ok(()) };
        let mut batches = self.store().batches().await?;
        // The oldest first: it waits the longest.
        batches.reverse();
        for batch in batches.into_iter().filter(is_open) {
            if batch.gateway != gateway.identity() {
                tracing::warn!("batch {} belongs to another gateway: left alone", batch.name);
                continue;
            }
            let (runs, gateway) = (self.clone(), gateway.clone());
            tokio::spawn(async move {
                match runs.is_abandoned(&batch).await {
                    Ok(true) => {
                        tracing::info!("going on with batch {}", batch.name);
                        runs.begin(batch, Aim::Pay, gateway);
                    }
                    Ok(false) => {}
                    Err(error) => tracing::error!("{}", error.in_full()),
                }
            });
        }
        Ok(())
    }

    /// Whether nobody is at the batch, once those who had it in hand had the time to say so.
    async fn is_abandoned(&self, batch: &Batch) -> Result<bool, Error> {
        if !self.store().takes_many_runners() {
            // Its lock tells for certain, and a run that finds it taken ends.
            return Ok(true);
        }
        let runners = self.store().runners(batch.id).await?;
        let alive = runners.iter().map(|runner| runner.until).max();
        let rest = alive.map(|until| until.duration_since(Timestamp::now()));
        if let Some(Ok(rest)) = rest.map(Duration::try_from) {
            tokio::time::sleep(rest + GRACE).await;
            if !self.store().runners(batch.id).await?.iter().all(|it| it.until <= Timestamp::now())
            {
                return Ok(false);
            }
        }
        Ok(is_open(&self.batch(&batch.name).await?))
    }
}
