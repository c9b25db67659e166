//! Being heard of while a run is on, and hearing what others want of it.
//!
//! The lease is renewed three times before it runs out, so that a runner on another machine waits;
//! and about once a second the store is asked whether somebody cancelled the batch.
//!
//! Nothing about money rests on this. A heartbeat may come late (a laptop that slept, a disk that
//! took its time) and another runner may have taken the batch over meanwhile: then the fence
//! refuses whatever this one still wants to write, the intent of a withdrawal among it, so it sends
//! nothing more.

use std::{convert::Infallible, time::Duration};

use tokio::time::{Instant, sleep};

use crate::{
    error::{Error, ErrorKind},
    policy::Policy,
    store::{Lease, Store},
    turn::Halt,
};

/// A request to cancel is noticed within this time.
const LOOK: Duration = Duration::from_secs(1);

pub(super) struct Heartbeat<'a> {
    store: &'a dyn Store,
    lease: &'a Lease,
    policy: &'a Policy,
    period: Duration,
    renewed: Instant,
}

impl<'a> Heartbeat<'a> {
    /// For a lease that was taken just now.
    pub(super) fn new(store: &'a dyn Store, lease: &'a Lease, policy: &'a Policy) -> Self {
        let period = (policy.lease / 3).max(Duration::from_millis(1));
        Self { store, lease, policy, period, renewed: Instant::now() }
    }

    /// Beats until it is dropped.
    pub(super) async fn beat(mut self, halt: &Halt) -> Infallible {
        loop {
            self.look(halt).await;
            match self.renew_in_time().await {
                Err(error) if error.kind() == ErrorKind::Fenced => halt.raise(),
                // The next beat tries again; if the store is broken, the run's own writes say so.
                Err(_) | Ok(()) => {}
            }
            sleep(self.period.min(LOOK)).await;
        }
    }

    /// Renews the lease where it is time to.
    pub(super) async fn renew_in_time(&mut self) -> Result<(), Error> {
        if self.renewed.elapsed() < self.period {
            return Ok(());
        }
        self.store.renew(self.lease, Some(self.policy.lease_until())).await?;
        self.renewed = Instant::now();
        Ok(())
    }

    async fn look(&self, halt: &Halt) {
        if halt.is_cancelling() {
            return;
        }
        if let Ok(Some(request)) = self.store.cancel_request(self.lease.batch).await {
            halt.cancelled(format!("{request}; nothing more is sent"));
        }
    }
}
