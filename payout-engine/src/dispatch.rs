//! What may leave now: the window, rate, everybody's pauses, the circuit.
//!
//! Every call passes the gate, in the order in which the calls came to it: queries do not starve
//! behind payouts, and after a pause they leave one by one instead of all at once. Only the first
//! in the line waits for the gate; whoever gives up waiting just leaves the line.
//!
//! The window bounds the calls in flight by what the gateway takes, and the tempo calls a second. A
//! `Retry-After` given to one call holds for all of them; calls that keep failing open the circuit,
//! which lets one probe through after each growing pause instead of burning every row's attempts;
//! an outage that lasts stops the batch.
//!
//! Where other runners call the gateway for the same merchant, rate, pauses and circuit are those
//! of all of them ([`pace`]); window and tempo are each runner's own.
//!
//! The gate decides *when*, never *whether*: nothing about money is decided here.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Mutex as Line, Notify, futures::Notified},
    time::{Instant, sleep_until},
};

use crate::{
    event::{EngineEvent, Measured, Observer},
    gateway::CallError,
    payout::Reason,
    policy::Policy,
};

pub mod pace;
mod shared;
mod slots;
mod tempo;
mod window;

use pace::{Pace, Word};
use shared::Shared;
use slots::Slots;
use tempo::{Left, Tempo};
pub(crate) use window::Service;
use window::{Ended, Ending, Window};

/// The gate of one run.
pub(crate) struct Gate {
    policy: Policy,
    observer: Arc<dyn Observer>,
    state: Mutex<State>,
    /// Whoever holds it is the first in the line.
    line: Line<()>,
    /// A call ended, so the first in the line should look again.
    changed: Notify,
    /// Where other runners call the gateway for this merchant as well.
    shared: Option<Shared>,
}

struct State {
    window: Window,
    tempo: Tempo,
    in_flight: usize,
    /// The size of the window as it was last told.
    told: usize,
    /// Where there is a rate to keep.
    slots: Option<Slots>,
    paused_until: Option<Instant>,
    failures: u32,
    circuit: Option<Circuit>,
    /// Whether the next call may be the probe, where others have to be asked for that.
    may_probe: bool,
    /// Words that others were not told yet.
    untold: usize,
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
    /// The window's round.
    round: u64,
    left: Left,
    began: Instant,
}

/// What a call's end means for everybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Go on.
    GoOn,
    /// The gateway has been away for longer than the policy allows.
    Outage(Reason),
}

/// What the first in the line waits for.
enum Wait {
    Until(Instant),
    /// A call under way has to end first.
    Change,
    /// Slots have to be reserved first.
    Slots,
    /// The probe has to be taken first.
    Probe,
}

impl Gate {
    /// A gate for at most `concurrency` calls in flight and `rate` calls a second; `pace` is what
    /// it shares with others.
    pub(crate) fn new(
        policy: Policy,
        concurrency: usize,
        rate: Option<u32>,
        observer: Arc<dyn Observer>,
        pace: Option<Arc<dyn Pace>>,
    ) -> Arc<Self> {
        let window = Window::new(concurrency);
        let state = State {
            told: window.size(),
            window,
            tempo: Tempo::default(),
            in_flight: 0,
            slots: rate.map(|rate| Slots::new(rate, pace.is_some())),
            paused_until: None,
            failures: 0,
            circuit: None,
            may_probe: pace.is_none(),
            untold: 0,
        };
        Arc::new_cyclic(|gate| Self {
            policy,
            observer,
            state: Mutex::new(state),
            line: Line::new(()),
            changed: Notify::new(),
            shared: pace.map(|pace| Shared::begin(gate, pace)),
        })
    }

    /// Waits until a call may leave.
    pub(crate) async fn pass(self: &Arc<Self>) -> Pass {
        let _first = self.line.lock().await;
        loop {
            let changed = self.changed.notified();
            let now = Instant::now();
            let admitted = self.state().admit(now, self.shared.is_some());
            match admitted {
                Ok((probe, round, left)) => {
                    let gate = Arc::clone(self);
                    return Pass { gate, probe, round, left, began: now };
                }
                Err(Wait::Until(at)) => sleep_until(at).await,
                Err(Wait::Change) => changed.await,
                Err(Wait::Slots) => self.reserve().await,
                Err(Wait::Probe) => self.take_probe(changed).await,
            }
        }
    }

    async fn reserve(&self) {
        let Some(shared) = &self.shared else { return };
        let wanted = self.state().slots.as_ref().map(|slots| (slots.wanted(), slots.interval));
        let Some((calls, interval)) = wanted else { return };
        let first = shared.reserve(calls, interval).await;
        if let Some(slots) = &mut self.state().slots {
            slots.reserved(first, calls);
        }
    }

    /// Takes the probe, or waits until it may be there to take.
    async fn take_probe(&self, changed: Notified<'_>) {
        let Some(shared) = &self.shared else { return };
        if shared.probe().await {
            self.state().may_probe = true;
        } else {
            changed.await;
        }
    }

    /// Tells others, where there are any.
    fn tell(&self, state: &mut State, word: Word) {
        if let Some(shared) = &self.shared {
            shared.tell(state, word);
        }
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

    /// A pause that the gateway asked for.
    fn pause_everybody(&self, state: &mut State, pause: Duration, reason: &Reason) {
        self.pause(state, pause, reason);
        self.tell(state, Word::Pause(pause));
    }

    fn failed(&self, state: &mut State, probe: bool, reason: &Reason) -> Verdict {
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
        self.pause(state, pause, reason);
        self.tell(state, if probe { Word::Failed(pause) } else { Word::Open(pause) });
        Verdict::GoOn
    }

    /// Tells a size of the window that is markedly another than the last one told.
    fn tell_size(&self, state: &mut State, reason: Option<&Reason>) {
        let size = state.window.size();
        let grown = size >= state.told * 2 || (state.window.is_at_bound() && size > state.told);
        if size * 2 <= state.told || grown {
            state.told = size;
            let reason = reason.cloned();
            self.observer.event(&EngineEvent::Concurrency { calls: size, reason });
        }
    }
}

impl State {
    /// Lets a call leave, or says what it has to wait for.
    fn admit(&mut self, now: Instant, is_shared: bool) -> Result<(bool, u64, Left), Wait> {
        if let Some(until) = self.paused_until.filter(|until| *until > now) {
            return Err(Wait::Until(until));
        }
        let probing = self.circuit.as_ref().is_some_and(|circuit| circuit.probing);
        if probing || self.in_flight >= self.window.size() {
            return Err(Wait::Change);
        }
        if self.circuit.is_some() && !self.may_probe {
            return Err(Wait::Probe);
        }
        self.tempo.wait(now)?;
        if let Some(slots) = &mut self.slots {
            slots.take(now)?;
        }
        if let Some(circuit) = &mut self.circuit {
            circuit.probing = true;
            self.may_probe = !is_shared;
        }
        self.in_flight += 1;
        Ok((self.circuit.is_some(), self.window.round(), self.tempo.leaves(now)))
    }
}

impl Pass {
    /// The call leaves now; what came before (an intent that was made durable) took its own time.
    pub(crate) fn leaves(&mut self) {
        self.began = Instant::now();
    }

    /// Tells the gate how the call ended. `None` is an answer.
    pub(crate) fn report(self, service: Service, error: Option<&CallError>) -> Verdict {
        let gate = Arc::clone(&self.gate);
        let mut state = gate.state();
        let now = Instant::now();
        match error {
            Some(CallError::RateLimited { retry_after, .. }) => {
                let pause = retry_after.unwrap_or(gate.policy.retry_after);
                state.tempo.refused(self.left, pause, now);
            }
            // Nobody counted it.
            Some(CallError::NotSent(_)) => {}
            _ => state.tempo.admitted(self.left, now),
        }
        if let Some(ending) = ending(error) {
            let ended = Ended {
                service,
                ending,
                round: self.round,
                took: now.duration_since(self.began),
                in_flight: state.in_flight,
            };
            state.window.ended(ended, now);
        }
        gate.tell_size(&mut state, error.map(CallError::reason));
        let was_open = state.circuit.is_some();
        let verdict = match error {
            Some(
                CallError::NotSent(reason)
                | CallError::Unknown { reason, .. }
                | CallError::Overloaded { reason, .. },
            ) => {
                if let Some(pause) = error.and_then(CallError::retry_after) {
                    gate.pause_everybody(&mut state, pause, reason);
                }
                gate.failed(&mut state, self.probe, reason)
            }
            Some(CallError::RateLimited { reason, retry_after }) => {
                let pause = retry_after.unwrap_or(gate.policy.retry_after);
                gate.pause_everybody(&mut state, pause, reason);
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
                state.failures = 0;
                if state.circuit.take().is_some() {
                    gate.tell(&mut state, Word::Answered);
                }
                Verdict::GoOn
            }
        };
        let is_open = state.circuit.is_some();
        drop(state);
        if is_open != was_open {
            gate.observer.measured(&Measured::Circuit { is_open });
        }
        verdict
    }
}

/// What the end of a call says to the window. A 429 is about calls a second.
fn ending(error: Option<&CallError>) -> Option<Ending> {
    Some(match error {
        Some(CallError::RateLimited { .. }) => return None,
        Some(CallError::Overloaded { .. }) => Ending::TooMuch,
        Some(CallError::NotSent(_) | CallError::Unknown { answered: false, .. }) => Ending::Silence,
        _ => Ending::Answered,
    })
}

impl Drop for Pass {
    /// The call ended, or was given up: the next one may leave, and so may the next probe.
    fn drop(&mut self) {
        let mut state = self.gate.state();
        state.in_flight -= 1;
        state.tempo.ended(self.left);
        if self.probe
            && let Some(circuit) = &mut state.circuit
            && std::mem::take(&mut circuit.probing)
        {
            self.gate.tell(&mut state, Word::GivenUp);
        }
        drop(state);
        self.gate.changed.notify_one();
    }
}

#[cfg(test)]
mod limits_tests;
#[cfg(test)]
mod tests;
