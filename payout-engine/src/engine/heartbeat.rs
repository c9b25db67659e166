//! Being heard of while a run is on, and hearing what others want of it.
//!
//! The lease is renewed three times before it runs out, so that others wait; and every now and then
//! the store is asked whether somebody cancelled or paused the batch, or another runner stopped it.
//!
//! A heartbeat may come late (a laptop that slept, a disk that took its time) and another runner
//! may have taken the batch over meanwhile. Then the fence refuses whatever this one still wants to
//! write, the intent of a withdrawal among it. One withdrawal is left whose intent was durable
//! before. The other runner counts its settling time from when it took over, so it must not leave
//! after that: a run that nobody has heard of for as long as its lease sends nothing ([`Pulse`]).

use std::{
    convert::Infallible,
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use tokio::time::{Instant, sleep};

use crate::{
    clock::WallClock,
    error::{Error, ErrorKind},
    policy::Policy,
    store::{Lease, Store},
    turn::Halt,
};

/// When the store last heard of a run. By two clocks: one that nobody sets, and one that goes on
/// while the machine sleeps.
pub(crate) struct Pulse(Mutex<(Instant, SystemTime)>);

impl Pulse {
    /// A run that is heard of just now. Taken before the store is told, which counts from some
    /// moment after that.
    pub(crate) fn now() -> Self {
        Self(Mutex::new(Self::clocks()))
    }

    fn clocks() -> (Instant, SystemTime) {
        (Instant::now(), SystemTime::now())
    }

    fn beats(&self, at: (Instant, SystemTime)) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = at;
    }

    /// How long ago that was, by the clock that says more.
    pub(crate) fn age(&self) -> Duration {
        let (counted, dated) = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counted.elapsed().max(dated.elapsed().unwrap_or_default())
    }
}

pub(super) struct Heartbeat<'a> {
    store: &'a dyn Store,
    lease: &'a Lease,
    policy: &'a Policy,
    wall: &'a WallClock,
    pulse: &'a Pulse,
    period: Duration,
}

impl<'a> Heartbeat<'a> {
    /// For a lease that is held since the pulse was taken.
    pub(super) fn new(
        store: &'a dyn Store,
        lease: &'a Lease,
        policy: &'a Policy,
        wall: &'a WallClock,
        pulse: &'a Pulse,
    ) -> Self {
        let period = (policy.lease / 3).max(Duration::from_millis(1));
        Self { store, lease, policy, wall, pulse, period }
    }

    /// Beats until it is dropped.
    pub(super) async fn beat(self, halt: &Halt) -> Infallible {
        let mut changes = self.store.changes();
        loop {
            self.look(halt).await;
            match self.renew_in_time().await {
                Err(error) if error.kind() == ErrorKind::Fenced => halt.raise(),
                // The next beat tries again; if the store is broken, the run's own writes say so.
                Err(_) | Ok(()) => {}
            }
            tokio::select! {
                () = sleep(self.period.min(self.policy.look_every)) => {}
                () = changes.next() => {}
            }
        }
    }

    /// Renews the lease where it is time to.
    pub(super) async fn renew_in_time(&self) -> Result<(), Error> {
        if self.pulse.age() < self.period {
            return Ok(());
        }
        let at = Pulse::clocks();
        self.store.renew(self.lease, Some(self.policy.lease), (self.wall)()).await?;
        self.pulse.beats(at);
        Ok(())
    }

    async fn look(&self, halt: &Halt) {
        if halt.is_raised() {
            return;
        }
        let Ok(brakes) = self.store.brakes(self.lease.batch).await else { return };
        if let Some(stopped) = brakes.stopped {
            halt.stop(stopped.cause, stopped.message);
        }
        if brakes.pause.is_some() {
            halt.paused();
        }
        if let Some(request) = brakes.cancel.filter(|_| !halt.is_cancelling()) {
            halt.cancelled(format!("{request}; nothing more is sent"));
        }
    }
}
