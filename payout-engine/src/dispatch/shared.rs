//! The gate's side of a pace that it shares with others: it tells them what it hears, and adopts
//! what they do.
//!
//! One task speaks and listens, so that words are told in the order in which they were said, and so
//! that a call's end does not wait for the store.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use tokio::{
    sync::mpsc,
    time::{Instant, timeout},
};

use super::{
    Circuit, Gate, State,
    pace::{Pace, Standing, Word},
};
use crate::payout::Reason;

/// How often the pace is looked at when nobody tells anything.
const LOOK: Duration = Duration::from_secs(1);

/// For how long a probe is ours, if we are not heard of.
const PROBE: Duration = Duration::from_secs(60);

/// A pause that ends no more than this later than the one that is known is the same one.
const SAME: Duration = Duration::from_millis(100);

/// A pace, and the way to the task that speaks to it.
pub(super) struct Shared {
    pace: Arc<dyn Pace>,
    words: mpsc::UnboundedSender<Word>,
}

impl Shared {
    /// Begins to listen, and to speak for the gate, until that is gone.
    pub(super) fn begin(gate: &Weak<Gate>, pace: Arc<dyn Pace>) -> Self {
        let (words, heard) = mpsc::unbounded_channel();
        tokio::spawn(follow(Weak::clone(gate), Arc::clone(&pace), heard));
        Self { pace, words }
    }

    /// Says a word. What others say is not adopted before they have been told.
    pub(super) fn tell(&self, state: &mut State, word: Word) {
        // If the task is gone, nobody calls any more.
        if self.words.send(word).is_ok() {
            state.untold += 1;
        }
    }

    /// Reserves slots. Without an answer they are ours as if nobody else had any.
    pub(super) async fn reserve(&self, calls: u32, interval: Duration) -> Instant {
        let until_first = self.pace.reserve(calls, interval).await.unwrap_or_default();
        Instant::now() + until_first
    }

    /// Takes the probe; where it cannot be asked for, each has its own.
    pub(super) async fn probe(&self) -> bool {
        self.pace.probe(PROBE).await.unwrap_or(true)
    }
}

async fn follow(gate: Weak<Gate>, pace: Arc<dyn Pace>, mut words: mpsc::UnboundedReceiver<Word>) {
    let mut changes = pace.changes();
    loop {
        let standing = pace.look().await;
        if let (Some(gate), Ok(standing)) = (gate.upgrade(), standing) {
            gate.adopt(standing);
        }
        let told = timeout(LOOK, async {
            tokio::select! {
                word = words.recv() => Some(word),
                () = changes.next() => None,
            }
        });
        match told.await {
            // The gate is gone.
            Ok(Some(None)) => return,
            Ok(Some(Some(word))) => {
                // If it cannot be told, the others find out by themselves.
                let _ = pace.tell(word).await;
                if let Some(gate) = gate.upgrade() {
                    gate.state().untold -= 1;
                }
            }
            Ok(None) | Err(_) => {}
        }
    }
}

impl Gate {
    /// Goes by what others found out.
    fn adopt(&self, standing: Standing) {
        let mut state = self.state();
        if state.untold > 0 {
            return;
        }
        let now = Instant::now();
        let known = state.paused_until.unwrap_or(now);
        if now + standing.pause > known + SAME {
            let reason =
                Reason::new("shared", "another runner was asked to wait, or found an outage");
            self.pause(&mut state, standing.pause, &reason);
        }
        match (standing.open, &mut state.circuit) {
            (None, _) => {
                // Failures that were answered since count for nothing.
                if state.circuit.take().is_some() {
                    state.failures = 0;
                }
            }
            (Some((open, probes)), circuit) => {
                let since = now.checked_sub(open).unwrap_or(now);
                let probing = circuit.as_ref().is_some_and(|circuit| circuit.probing);
                *circuit = Some(Circuit { since, probes, probing });
            }
        }
        drop(state);
        self.changed.notify_one();
    }
}

#[cfg(test)]
mod tests;
