//! A row's turn: the core's steps and the calls between them, until there is nothing to do now.
//!
//! Here the order of things is kept that the core asks for: what has to be durable before a call is
//! durable before the call. A turn may be dropped at any `await`; what the store then holds is what
//! it would hold after a crash, and the next turn goes on from there.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use jiff::Timestamp;
use tokio::sync::OwnedSemaphorePermit;

use crate::{
    ahead::Ahead,
    batch::Batch,
    cancel::Cancel,
    clock::Clock,
    dispatch::{Gate, Pass, Service, Verdict},
    engine::Pulse,
    error::Error,
    event::{EngineEvent, Observer},
    execute::Caller,
    gateway::{CallError, Gateway},
    journal::{Ack, Journal},
    machine::{Call, Event, Payout, Rules, Step, Write},
    payout::{Outcome, StopCause, Stopped},
    policy::Policy,
    store::{Claim, Transition},
};

/// What all turns of a run share.
pub(crate) struct Run {
    pub(crate) batch: Batch,
    pub(crate) policy: Policy,
    pub(crate) clock: Clock,
    pub(crate) gateway: Arc<dyn Gateway>,
    pub(crate) gate: Arc<Gate>,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) halt: Halt,
    /// When the store was last found to be an older one.
    pub(crate) restored_at: Option<Timestamp>,
    pub(crate) pulse: Pulse,
}

/// Whether and why the run has to end.
pub(crate) struct Halt {
    asked: Cancel,
    raised: Cancel,
    cause: OnceLock<Stopped>,
    cancelling: AtomicBool,
    paused: AtomicBool,
}

impl Halt {
    /// `cancelling` says that the batch was cancelled before this run began.
    pub(crate) fn new(asked: Cancel, cancelling: bool) -> Self {
        Self {
            asked,
            raised: Cancel::new(),
            cause: OnceLock::new(),
            cancelling: AtomicBool::new(cancelling),
            paused: AtomicBool::new(false),
        }
    }

    /// Whether the batch was cancelled: then nothing of it is sent any more.
    pub(crate) fn is_cancelling(&self) -> bool {
        self.cancelling.load(Ordering::SeqCst)
    }

    /// The batch was cancelled while it ran. Rows that were cleared to be sent are not, and the run
    /// ends; a run of its own closes what is open.
    pub(crate) fn cancelled(&self, message: String) {
        self.cancelling.store(true, Ordering::SeqCst);
        self.stop(StopCause::Cancelled, message);
    }

    /// The batch was paused while it ran: the run ends as if it had been asked to.
    pub(crate) fn paused(&self) {
        self.paused.store(true, Ordering::SeqCst);
        self.raise();
    }

    pub(crate) fn is_paused(&self) -> bool {
        self.paused.load(Ordering::SeqCst)
    }

    /// Ends the run without a cause of the batch's own.
    pub(crate) fn raise(&self) {
        self.raised.cancel();
    }

    /// Stops the batch. The first cause is the one that is told.
    pub(crate) fn stop(&self, cause: StopCause, message: String) {
        let _ = self.cause.set(Stopped { cause, message });
        self.raise();
    }

    pub(crate) fn cause(&self) -> Option<&Stopped> {
        self.cause.get()
    }

    /// The flag with which somebody asks the run to end.
    pub(crate) fn asked(&self) -> Cancel {
        self.asked.clone()
    }

    /// Ends once somebody has asked the run to end and `patience` is over since.
    pub(crate) async fn overdue(&self, patience: Duration) {
        self.asked.cancelled().await;
        tokio::time::sleep(patience).await;
    }

    pub(crate) fn is_asked(&self) -> bool {
        self.asked.is_cancelled()
    }

    pub(crate) fn is_raised(&self) -> bool {
        self.asked.is_cancelled() || self.raised.is_cancelled()
    }

    pub(crate) async fn raised(&self) {
        tokio::select! {
            () = self.asked.cancelled() => {}
            () = self.raised.cancelled() => {}
        }
    }
}

/// Where a row's turn left it.
pub(crate) struct TurnEnd {
    pub(crate) row: u64,
    pub(crate) next_at: Option<Timestamp>,
}

impl Run {
    pub(crate) fn rules(&self) -> Rules<'_> {
        Rules {
            code: &self.batch.code,
            options: &self.batch.options,
            policy: &self.policy,
            cancelling: self.halt.is_cancelling(),
            restored_at: self.restored_at,
        }
    }

    /// Whether nobody has heard of this run for so long that another one may have taken over what
    /// it has in hand: see [`Pulse`].
    fn is_overdue(&self) -> bool {
        self.pulse.age() >= self.policy.lease
    }

    /// Runs one turn. The permit is given back when the calls are done; the turn ends when
    /// everything it wrote is durable, so that nobody reads the row before that.
    pub(crate) async fn turn(
        self: Arc<Self>,
        journal: Arc<Journal>,
        (claim, sealed): (Claim, Ahead),
        permit: OwnedSemaphorePermit,
    ) -> Result<TurnEnd, Error> {
        let mut turn = Turn {
            run: &self,
            journal: &journal,
            payout: claim.payout.clone(),
            written: claim.payout.outcome(),
            acks: Vec::new(),
            pass: None,
        };
        turn.steps(&claim, sealed).await?;
        let Turn { payout, acks, .. } = turn;
        drop(permit);
        for ack in acks {
            ack.durable().await?;
        }
        self.tell(&claim, &payout);
        Ok(TurnEnd { row: payout.row, next_at: payout.next_at })
    }

    /// Tells what changed, now that it is durable.
    fn tell(&self, claim: &Claim, now: &Payout) {
        let before = &claim.payout;
        let reference = || claim.reference.clone();
        if now.outcome() != before.outcome() {
            self.observer.event(&EngineEvent::Row {
                row: now.row,
                reference: reference(),
                from: before.outcome(),
                to: now.outcome(),
                money: now.money.clone(),
                reason: now.reason.clone(),
            });
            if now.outcome() == Outcome::AwaitingOtp {
                self.observer.event(&EngineEvent::OtpRequired {
                    row: now.row,
                    reference: reference(),
                    url: now.otp_url.clone(),
                    expires_at: now.expires_at,
                });
            }
        }
        if let Some(reason) = now.warning.clone().filter(|_| now.warning != before.warning) {
            self.observer.event(&EngineEvent::Warning {
                row: now.row,
                reference: reference(),
                reason,
            });
        }
        if self.batch.options.dry_run && now.outcome() == Outcome::Pending && now.next_at.is_none()
        {
            self.observer.event(&EngineEvent::Verified { row: now.row });
        }
    }

    /// What a call's end means for the whole batch.
    pub(crate) fn report(&self, pass: Pass, service: Service, error: Option<&CallError>) {
        if let Verdict::Outage(reason) = pass.report(service, error) {
            self.halt.stop(
                StopCause::Outage,
                format!(
                    "the gateway does not answer ({}); try `payout resume` later",
                    reason.message
                ),
            );
        }
    }
}

struct Turn<'a> {
    run: &'a Run,
    journal: &'a Journal,
    payout: Payout,
    /// The outcome as it was last handed to the journal.
    written: Outcome,
    acks: Vec<Ack>,
    /// Taken before the intent is written, used by the withdrawal.
    pass: Option<Pass>,
}

impl Turn<'_> {
    async fn steps(&mut self, claim: &Claim, sealed: Ahead) -> Result<(), Error> {
        let run = self.run;
        let options = &run.batch.options;
        let mut caller = Caller {
            gateway: &*run.gateway,
            claim,
            expires_in: options.expires_in,
            notify_url: options.notify_url.as_deref(),
            token: None,
            sealed,
        };
        let mut event = Event::Due;
        loop {
            let step = self.payout.clone().step(&run.rules(), event, run.clock.now());
            let Some(call) = self.apply(step).await? else { return Ok(()) };
            // The intent of a withdrawal is durable: it goes out, drained or not.
            if call != Call::Withdraw && !self.may_call().await {
                return Ok(());
            }
            if call == Call::Withdraw && run.is_overdue() {
                return Err(Error::fenced(&run.batch.name));
            }
            if let Some(pass) = &mut self.pass {
                pass.leaves();
            }
            event = caller.make(call, &self.payout).await;
            if let Some(service) = service(call)
                && let Some(pass) = self.pass.take()
            {
                run.report(pass, service, error_of(&event));
            }
        }
    }

    /// Waits at the gate; false if the run ends before it opens.
    async fn may_call(&mut self) -> bool {
        if self.run.halt.is_raised() {
            return false;
        }
        if self.pass.is_some() {
            // Cleared for a withdrawal that turned out to need a query first.
            return true;
        }
        tokio::select! {
            biased;
            () = self.run.halt.raised() => false,
            pass = self.run.gate.pass() => {
                self.pass = Some(pass);
                true
            }
        }
    }

    /// Takes the step over and writes it as it asks for.
    async fn apply(&mut self, step: Step) -> Result<Option<Call>, Error> {
        self.payout = step.payout;
        if step.write != Write::Not {
            self.payout.check()?;
            let ack =
                self.journal.write(Transition { from: self.written, payout: self.payout.clone() });
            self.payout.version += 1;
            self.written = self.payout.outcome();
            match step.write {
                Write::BeforeCall => ack.durable().await?,
                Write::Soon | Write::Not => self.acks.push(ack),
            }
        }
        if let Some((cause, reason)) = step.stop {
            self.run.halt.stop(cause, reason.with_code());
        }
        Ok(step.call)
    }
}

/// What the call asks of the gateway; being cleared is no call.
fn service(call: Call) -> Option<Service> {
    Some(match call {
        Call::Verify => Service::Verify,
        Call::Tokenize => Service::Tokenize,
        Call::Clear => return None,
        Call::Withdraw => Service::Withdraw,
        Call::Query => Service::Query,
        Call::Close => Service::Close,
    })
}

fn error_of(event: &Event) -> Option<&CallError> {
    match event {
        Event::Due
        | Event::Cleared
        | Event::Decided(_)
        | Event::Retry
        | Event::Cancel
        | Event::Listed { .. } => None,
        Event::Verified(answer) => answer.as_ref().err(),
        Event::Tokenized(answer) => answer.as_ref().err(),
        Event::Withdrawn(answer) | Event::Queried(answer) | Event::Closed(answer) => {
            answer.as_ref().err()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The size of what an asynchronous function returns, without calling it.
    fn size_of_future<A, B, C, D, F: Future>(_: impl Fn(A, B, C, D) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn a_turn_is_small_because_thousands_are_under_way() {
        let size = size_of_future(Run::turn);
        assert!(size <= 8 * 1024, "{size} bytes");
    }
}
