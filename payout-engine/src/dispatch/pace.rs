//! What all who call the gateway for one merchant share, on however many machines: the rate, the
//! pauses that the gateway asked for, the circuit.
//!
//! A store that several runners use keeps it ([`crate::Store::pace`]). It decides *when*, like the
//! gate that asks it, and never *whether*: should it fail, the gate goes on by itself.

use std::time::Duration;

use futures_util::future::BoxFuture;

use crate::{error::Error, store::changes::Changes};

/// The pace of a merchant's calls.
pub trait Pace: Send + Sync + 'static {
    /// Reserves slots for calls, `interval` apart, that nobody else gets. Returns how long it is
    /// until the first.
    fn reserve(&self, calls: u32, interval: Duration) -> BoxFuture<'_, Result<Duration, Error>>;

    /// Takes the one probe that an open circuit lets through, for at most `hold`. False where
    /// somebody else is at it, all pause, or the circuit is closed.
    fn probe(&self, hold: Duration) -> BoxFuture<'_, Result<bool, Error>>;

    /// Tells the others what came of a call.
    fn tell(&self, word: Word) -> BoxFuture<'_, Result<(), Error>>;

    /// How things stand.
    fn look(&self) -> BoxFuture<'_, Result<Standing, Error>>;

    /// Tells from now on that they may stand otherwise.
    fn changes(&self) -> Changes;
}

/// What one caller tells all others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// The gateway asked not to be called for so long.
    Pause(Duration),
    /// Calls keep failing: nobody calls for so long, and then one after the other.
    Open(Duration),
    /// The probe failed: nobody calls for so long.
    Failed(Duration),
    /// The probe was given up.
    GivenUp,
    /// The gateway answers.
    Answered,
}

/// How a merchant's pace stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Standing {
    /// For how long nobody calls.
    pub pause: Duration,
    /// For how long the circuit has been open, and how many probes failed.
    pub open: Option<(Duration, u32)>,
}
