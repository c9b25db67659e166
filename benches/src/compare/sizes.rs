//! How much is measured.

/// How often and how much. What is measured for a target has the same size however often.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sizes {
    /// Rounds of what is short.
    pub(super) rounds: u32,
    /// Rounds of what takes long.
    pub(super) long_rounds: u32,
    /// Bare calls.
    pub(super) calls: u64,
    /// Rows paid without latency.
    pub(super) rows: u64,
    /// Rows paid by whoever commits each of them.
    pub(super) peer_rows: u64,
    /// Rows paid at 50 ms, and at 200 ms.
    pub(super) late_rows: [u64; 2],
    /// Rows of the series of checks. The last but one is what targets are about.
    pub(super) checks: &'static [u64],
    /// Rows of the large run, and of the one that is resumed.
    pub(super) large: u64,
    /// Calls in flight in the sweep.
    pub(super) sweep: &'static [usize],
    /// Rows for each of the journal's groups.
    pub(super) journal_rows: u64,
    /// Calls a second that the limited gateway admits, and for how many seconds.
    pub(super) limited: (u32, u32),
}

impl Sizes {
    /// Enough to say something.
    pub(super) const FULL: Self = Self {
        rounds: 5,
        long_rounds: 3,
        calls: 60_000,
        rows: 20_000,
        peer_rows: 1_500,
        late_rows: [20_000, 24_000],
        checks: &[1_000, 10_000, 100_000, 1_000_000, 10_000_000],
        large: 1_000_000,
        sweep: &[16, 32, 64, 128, 256, 512, 1_024, 2_048],
        journal_rows: 20_000,
        limited: (1_000, 15),
    };

    /// Only to see that it runs; its figures say nothing.
    pub(super) const QUICK: Self = Self {
        rounds: 1,
        long_rounds: 1,
        calls: 6_000,
        rows: 2_000,
        peer_rows: 200,
        late_rows: [2_560, 4_096],
        checks: &[1_000, 20_000],
        large: 4_000,
        sweep: &[64, 512],
        journal_rows: 1_000,
        limited: (1_000, 3),
    };
}
