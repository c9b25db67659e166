//! What may leave now: rate, everybody's pauses, the circuit.
//!
//! Every call passes the gate. A `Retry-After` given to one call holds for all of them; calls that
//! keep failing open the circuit, which lets one probe through after each growing pause instead of
//! burning every row's attempts; an outage that lasts stops the batch.
//!
//! The gate decides *when*, never *whether*: nothing about money is decided here.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};

use crate::{
    event::{EngineEvent, Observer},
    gateway::CallError,
    payout::Reason,
    policy::Policy,
};

/// How far ahead of an even spacing calls may run: timers are no finer than a millisecond or so.
const BURST: Duration = Duration::from_millis(50);

/// The gate of one run.
pub(crate) struct Gate {
    policy: Policy,
    interval: Option<Duration>,
    observer: Arc<dyn Observer>,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    /// When the next call would leave if calls were evenly spaced.
    next_slot: Option<Instant>,
    paused_until: Option<Instant>,
    failures: u32,
    circuit: Option<Circuit>,
}

/// An open circuit.
struct Circuit {
    since: Instant,
    probes: u32,
    probing: bool,
}

/// The right to make one call; its end is reported through it.
pub(crate) struct Pass {
    gate: Arc<Gate>,
    probe: bool,
}

/// What a call's end means for everybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Go on.
    GoOn,
    /// The gateway has been away for longer than the policy allows.
    Outage(Reason),
}

impl Gate {
    pub(crate) fn new(policy: Policy, rate: Option<u32>, observer: Arc<dyn Observer>) -> Arc<Self> {
        let interval = rate.map(|calls| Duration::from_secs(1) / calls.max(1));
        Arc::new(Self {
            policy,
            interval,
            observer,
            state: Mutex::default(),
            changed: Notify::new(),
        })
    }

    /// Waits until a call may leave.
    pub(crate) async fn pass(self: &Arc<Self>) -> Pass {
        if let Some(at) = self.reserve_slot() {
            sleep_until(at).await;
        }
        loop {
            let changed = self.changed.notified();
            let wait = {
                let mut state = self.state();
                match state.blocked(Instant::now()) {
                    Blocked::No { probe } => return Pass { gate: Arc::clone(self), probe },
                    Blocked::Until(at) => Some(at),
                    Blocked::Probing => None,
                }
            };
            match wait {
                Some(at) => sleep_until(at).await,
                None => changed.await,
            }
        }
    }

    /// Takes the next slot of the rate; the moment it comes, if that is not now.
    fn reserve_slot(&self) -> Option<Instant> {
        let interval = self.interval?;
        let now = Instant::now();
        let mut state = self.state();
        let slot = state.next_slot.map_or(now, |slot| slot.max(now));
        state.next_slot = Some(slot + interval);
        let leaves = slot.checked_sub(BURST).unwrap_or(slot);
        (leaves > now).then_some(leaves)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // The state is a few numbers, whole after every statement: a panic elsewhere cannot break
        // it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pause(&self, state: &mut State, pause: Duration, reason: &Reason) {
        let until = Instant::now() + pause;
        if state.paused_until.is_some_and(|at| at >= until) {
            return;
        }
        state.paused_until = Some(until);
        self.observer.event(&EngineEvent::Paused { reason: reason.clone(), pause });
    }

    fn failed(&self, probe: bool, reason: &Reason) -> Verdict {
        let mut state = self.state();
        state.failures += 1;
        let many = state.failures >= self.policy.circuit_failures;
        let now = Instant::now();
        match &mut state.circuit {
            None if !many => return Verdict::GoOn,
            None => state.circuit = Some(Circuit { since: now, probes: 0, probing: false }),
            // Stragglers of before the circuit opened say nothing new.
            Some(_) if !probe => return Verdict::GoOn,
            Some(circuit) => {
                circuit.probing = false;
                circuit.probes += 1;
                if now.duration_since(circuit.since) >= self.policy.outage_after {
                    return Verdict::Outage(reason.clone());
                }
            }
        }
        let probes = state.circuit.as_ref().map_or(0, |circuit| circuit.probes);
        let pause = self.policy.circuit.pause(probes, 0);
        self.pause(&mut state, pause, reason);
        Verdict::GoOn
    }
}

enum Blocked {
    No { probe: bool },
    Until(Instant),
    Probing,
}

impl State {
    fn blocked(&mut self, now: Instant) -> Blocked {
        if let Some(until) = self.paused_until.filter(|until| *until > now) {
            return Blocked::Until(until);
        }
        match &mut self.circuit {
            None => Blocked::No { probe: false },
            Some(circuit) if circuit.probing => Blocked::Probing,
            Some(circuit) => {
                circuit.probing = true;
                Blocked::No { probe: true }
            }
        }
    }
}

impl Pass {
    /// Tells the gate how the call ended. `None` is an answer.
    pub(crate) fn report(self, error: Option<&CallError>) -> Verdict {
        let gate = Arc::clone(&self.gate);
        let verdict = match error {
            Some(CallError::NotSent(reason) | CallError::Unknown { reason, .. }) => {
                if let Some(pause) = error.and_then(CallError::retry_after) {
                    gate.pause(&mut gate.state(), pause, reason);
                }
                gate.failed(self.probe, reason)
            }
            Some(CallError::RateLimited { reason, retry_after }) => {
                let pause = retry_after.unwrap_or(gate.policy.retry_after);
                gate.pause(&mut gate.state(), pause, reason);
                Verdict::GoOn
            }
            // A refusal is an answer: the gateway is alive.
            Some(
                CallError::Refused(_)
                | CallError::Duplicate(_)
                | CallError::NotFound(_)
                | CallError::Stop { .. },
            )
            | None => {
                let mut state = gate.state();
                state.failures = 0;
                state.circuit = None;
                Verdict::GoOn
            }
        };
        drop(self);
        verdict
    }
}

impl Drop for Pass {
    /// A probe that ended, or was cancelled, lets the next one through.
    fn drop(&mut self) {
        if self.probe
            && let Some(circuit) = &mut self.gate.state().circuit
        {
            circuit.probing = false;
        }
        self.gate.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests;
