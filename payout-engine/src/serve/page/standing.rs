//! How a batch stands, for a person: one word, and what they can do about it.
//!
//! Nothing is decided here. A button that is shown in error is refused by the engine.

use crate::{
    batch::{Batch, BatchState, Brakes, RunnerLease},
    payout::{BatchSummary, Outcome},
};

/// A batch as it is looked at.
#[derive(Debug, Clone)]
pub(super) struct Look {
    pub(super) batch: Batch,
    pub(super) summary: BatchSummary,
    pub(super) brakes: Brakes,
    /// Who is working on it now.
    pub(super) runners: Vec<RunnerLease>,
}

/// How a batch stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    Loading,
    New,
    Running,
    Pausing,
    Paused,
    Stopped,
    Interrupted,
    Waiting,
    Cancelling,
    Cancelled,
    Finished,
    Attention,
    Moved,
}

impl Standing {
    #[cfg(test)]
    pub(super) const ALL: [Self; 13] = [
        Self::Loading,
        Self::New,
        Self::Running,
        Self::Pausing,
        Self::Paused,
        Self::Stopped,
        Self::Interrupted,
        Self::Waiting,
        Self::Cancelling,
        Self::Cancelled,
        Self::Finished,
        Self::Attention,
        Self::Moved,
    ];

    /// The key of its words, and its class in the style.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Loading => "loading",
            Self::New => "new",
            Self::Running => "running",
            Self::Pausing => "pausing",
            Self::Paused => "paused",
            Self::Stopped => "stopped",
            Self::Interrupted => "interrupted",
            Self::Waiting => "waiting",
            Self::Cancelling => "cancelling",
            Self::Cancelled => "cancelled",
            Self::Finished => "finished",
            Self::Attention => "attention",
            Self::Moved => "moved",
        }
    }
}

impl Look {
    fn count(&self, outcomes: &[Outcome]) -> u64 {
        outcomes.iter().map(|outcome| self.summary.count(*outcome)).sum()
    }

    /// Rows that the engine has nothing left to do about.
    pub(super) fn done(&self) -> u64 {
        Outcome::ALL.iter().filter(|it| it.is_final()).map(|it| self.summary.count(*it)).sum()
    }

    /// Whether somebody is working on it.
    pub(super) fn is_worked_on(&self) -> bool {
        !self.runners.is_empty()
    }

    pub(super) fn standing(&self) -> Standing {
        let is_worked_on = self.is_worked_on();
        let is_open = self.done() < self.summary.rows;
        match self.batch.state {
            BatchState::Loading => return Standing::Loading,
            BatchState::Moved => return Standing::Moved,
            _ => {}
        }
        if self.brakes.cancel.is_some() {
            return if is_open { Standing::Cancelling } else { Standing::Cancelled };
        }
        let is_finished = self.batch.state == BatchState::Finished;
        if is_finished && !is_worked_on {
            let is_clean = self.summary.count(Outcome::Paid) == self.summary.rows
                || self.batch.options.dry_run;
            return if is_clean { Standing::Finished } else { Standing::Attention };
        }
        if self.brakes.pause.is_some() {
            let is_new = self.batch.state == BatchState::Ready;
            return match (is_worked_on, is_new) {
                (true, _) => Standing::Pausing,
                (false, true) => Standing::New,
                (false, false) => Standing::Paused,
            };
        }
        if is_worked_on {
            return Standing::Running;
        }
        let unsent = self.count(&[Outcome::Pending, Outcome::InDoubt]);
        match self.batch.state {
            BatchState::Ready => Standing::New,
            BatchState::Running => Standing::Interrupted,
            _ if self.batch.stopped.is_some() => Standing::Stopped,
            _ if unsent == 0 && self.summary.count(Outcome::AwaitingOtp) > 0 => Standing::Waiting,
            _ if self.summary.interrupted => Standing::Interrupted,
            _ => Standing::Stopped,
        }
    }

    pub(super) fn can_start(&self) -> bool {
        self.standing() == Standing::New
    }

    pub(super) fn can_pause(&self) -> bool {
        self.standing() == Standing::Running
    }

    pub(super) fn can_resume(&self) -> bool {
        match self.standing() {
            Standing::Paused | Standing::Stopped | Standing::Interrupted | Standing::Waiting => {
                true
            }
            Standing::Cancelling => !self.is_worked_on(),
            _ => false,
        }
    }

    pub(super) fn can_cancel(&self) -> bool {
        let is_here = !matches!(self.batch.state, BatchState::Loading | BatchState::Moved);
        self.brakes.cancel.is_none() && is_here && self.done() < self.summary.rows
    }

    /// Whether rows may be left to try again; which of them the core says.
    pub(super) fn can_retry(&self) -> bool {
        let ended = [Outcome::Failed, Outcome::Expired, Outcome::Cancelled];
        self.brakes.cancel.is_none()
            && self.batch.purged_at.is_none()
            && !self.is_worked_on()
            && self.count(&ended) > 0
            && !matches!(self.standing(), Standing::New | Standing::Moved)
    }
}
