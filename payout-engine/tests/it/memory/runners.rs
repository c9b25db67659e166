//! Who is at a batch, and who has which of its rows in hand.

use super::*;

/// For how long a runner counts as alive that has joined and not yet said for how long.
const AT_FIRST: Duration = Duration::from_secs(60);

#[derive(Clone, Default)]
pub(super) struct Runners {
    until: BTreeMap<i64, Timestamp>,
    /// The runner of each row that is in somebody's hands.
    claimed: BTreeMap<u64, i64>,
}

impl Runners {
    pub(super) fn join(&mut self, fence: i64, now: Timestamp) {
        self.until.insert(fence, now + AT_FIRST);
    }

    pub(super) fn has(&self, fence: i64) -> bool {
        self.until.contains_key(&fence)
    }

    pub(super) fn present(&self) -> Vec<RunnerLease> {
        let runner = |(&fence, &until): (&i64, &Timestamp)| RunnerLease {
            fence,
            runner: "a runner".to_owned(),
            until,
        };
        self.until.iter().map(runner).collect()
    }

    /// Whether no other runner has the row in hand.
    pub(super) fn may(&self, lease: &Lease, row: u64) -> bool {
        self.claimed.get(&row).is_none_or(|fence| *fence == lease.fence)
    }

    pub(super) fn claim(&mut self, lease: &Lease, rows: impl Iterator<Item = u64>) {
        self.claimed.extend(rows.map(|row| (row, lease.fence)));
    }

    pub(super) fn release(&mut self, row: u64) {
        self.claimed.remove(&row);
    }
}

impl Kept {
    pub(super) fn renew(&mut self, lease: &Lease, hold: Option<Duration>, now: Timestamp) {
        match hold {
            Some(hold) => {
                self.runners.until.insert(lease.fence, now + hold);
            }
            None => self.leave(lease.fence, now),
        }
        self.reap(now);
    }

    /// Runners whose time is over are gone, and what they had in hand is anybody's.
    pub(super) fn reap(&mut self, now: Timestamp) {
        let over = self.runners.until.iter().filter(|(_, until)| **until <= now);
        for fence in over.map(|(fence, _)| *fence).collect::<Vec<_>>() {
            self.leave(fence, now);
        }
    }

    fn leave(&mut self, fence: i64, now: Timestamp) {
        self.runners.until.remove(&fence);
        let left = self.runners.claimed.extract_if(.., |_, runner| *runner == fence);
        for (row, _) in left.collect::<Vec<_>>() {
            if let Some(row) = self.rows.get_mut(&row) {
                wake(&mut Arc::make_mut(row).payout, now);
            }
        }
    }
}
