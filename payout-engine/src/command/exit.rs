//! The exit codes of the command, which scripts rely on.

use crate::{BatchSummary, Outcome, StopCause};

/// How the command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Every row is paid; or the command, if it pays nothing, did what it was asked.
    Done = 0,
    /// Anything that has no code of its own.
    Other = 1,
    /// The command line or the configuration makes no sense.
    Usage = 2,
    /// The file was refused; nothing was sent.
    FileRefused = 3,
    /// Finished, but some rows failed, expired, were cancelled or are held.
    SomeUnpaid = 4,
    /// Stopped with rows that are not final; `resume` goes on.
    Unfinished = 5,
    /// Stopped for a cause that concerns all rows; `resume` goes on once it is gone.
    Stopped = 6,
    /// Interrupted by the user; `resume` goes on.
    Interrupted = 130,
}

impl Exit {
    /// How a run ended, by what it left behind.
    pub(crate) fn of(summary: &BatchSummary, is_dry_run: bool) -> Self {
        let any = |outcomes: &[Outcome]| outcomes.iter().any(|&o| summary.count(o) > 0);
        let open = [Outcome::AwaitingOtp, Outcome::Processing, Outcome::InDoubt];
        let waits = any(&open) || (!is_dry_run && any(&[Outcome::Pending]));
        let ended_unpaid = [
            Outcome::Failed,
            Outcome::Expired,
            Outcome::Cancelled,
            Outcome::Held,
            Outcome::Reversed,
            Outcome::Invalid,
        ];
        // Who cancels a batch has no cause to remove.
        let cause = summary.stopped.as_ref().map(|stopped| stopped.cause);
        if cause.is_some_and(|cause| cause != StopCause::Cancelled) {
            Self::Stopped
        } else if waits && summary.interrupted {
            Self::Interrupted
        } else if waits {
            Self::Unfinished
        } else if any(&ended_unpaid) {
            Self::SomeUnpaid
        } else {
            Self::Done
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use crate::Stopped;

    use super::*;

    fn summary(counts: &[(Outcome, u64)]) -> BatchSummary {
        BatchSummary {
            batch: "b".to_owned(),
            rows: counts.iter().map(|(_, count)| count).sum(),
            counts: counts.iter().copied().collect(),
            totals: BTreeMap::new(),
            elapsed: Duration::ZERO,
            stopped: None,
            interrupted: false,
            cancelled: None,
        }
    }

    #[test]
    fn each_outcome_leads_to_its_code() {
        let cases = [
            (Outcome::Paid, Exit::Done),
            (Outcome::Failed, Exit::SomeUnpaid),
            (Outcome::Expired, Exit::SomeUnpaid),
            (Outcome::Cancelled, Exit::SomeUnpaid),
            (Outcome::Held, Exit::SomeUnpaid),
            (Outcome::Reversed, Exit::SomeUnpaid),
            (Outcome::Invalid, Exit::SomeUnpaid),
            (Outcome::Pending, Exit::Unfinished),
            (Outcome::InDoubt, Exit::Unfinished),
            (Outcome::AwaitingOtp, Exit::Unfinished),
            (Outcome::Processing, Exit::Unfinished),
        ];
        assert_eq!(cases.len(), Outcome::ALL.len());
        for (outcome, expected) in cases {
            let mixed = summary(&[(Outcome::Paid, 9), (outcome, 1)]);
            assert_eq!(Exit::of(&mixed, false), expected, "{outcome}");
        }
    }

    #[test]
    fn a_cause_for_all_goes_first_and_an_interruption_counts_only_with_work_left() {
        let mut stopped = summary(&[(Outcome::Failed, 1), (Outcome::Pending, 1)]);
        stopped.stopped = Some(Stopped { cause: StopCause::Funds, message: String::new() });
        assert_eq!(Exit::of(&stopped, false), Exit::Stopped);
        stopped.stopped = Some(Stopped { cause: StopCause::Cancelled, message: String::new() });
        assert_eq!(Exit::of(&stopped, false), Exit::Unfinished, "cancelled by somebody");
        let mut late = summary(&[(Outcome::Paid, 1)]);
        late.interrupted = true;
        assert_eq!(Exit::of(&late, false), Exit::Done);
        let mut early = summary(&[(Outcome::Pending, 1)]);
        early.interrupted = true;
        assert_eq!(Exit::of(&early, false), Exit::Interrupted);
        assert_eq!(Exit::of(&summary(&[(Outcome::Pending, 1)]), true), Exit::Done, "a dry run");
    }
}
