//! How many transitions of rows the store makes durable in a second, by the number of those that
//! are committed together; and what a plain append and `fsync` makes of the same disk.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use kess_gateway::Client;
use payout_engine::machine::{Rules, State};
use payout_engine::{Error, Outcome, Policy, Transition};

use crate::{batch, steps};

/// About what a transition adds to the disk.
const A_RECORD: usize = 400;

/// Writes intents and outcomes of the file's rows to a new store, `group` at once, and returns how
/// many transitions there were and how long their commits took.
///
/// # Errors
/// A file that may not be paid, a store that cannot be written.
pub async fn store(
    client: &Client,
    file: &Path,
    store: &str,
    group: usize,
) -> Result<(u64, Duration), Error> {
    let (store, batch) = batch::take_in(client, file, store).await?;
    let now = Timestamp::now();
    let lease = store.lease(&batch, "kess-bench", now).await?;
    let (options, policy) = (&batch.options, &Policy::default());
    let rules = Rules { code: &batch.code, options, policy, cancelling: false, restored_at: None };
    let (mut written, mut took) = (0, Duration::ZERO);
    loop {
        let claims = store.claim(&lease, now, group, &[]).await?;
        if claims.is_empty() {
            return Ok((written, took));
        }
        let intents = claims.into_iter().map(|claim| Transition {
            from: Outcome::Pending,
            payout: steps::intent(claim.payout, &rules, now),
        });
        let intents: Vec<_> = intents.collect();
        let outcomes = intents.iter().map(|intent| {
            let mut payout = steps::outcome(intent.payout.clone(), &rules, now);
            payout.version += 1;
            assert_eq!(payout.state, State::Paid, "the steps lead to something else");
            Transition { from: Outcome::InDoubt, payout }
        });
        let outcomes: Vec<_> = outcomes.collect();
        let began = Instant::now();
        store.write(&lease, &intents, now).await?;
        store.write(&lease, &outcomes, now).await?;
        took += began.elapsed();
        written += 2 * intents.len() as u64;
    }
}

/// Appends as many bytes as `group` transitions are, and waits until they are on the disk, `times`
/// over. Returns how many transitions that would have been and how long it took.
///
/// # Errors
/// A file that cannot be written.
pub fn plain(file: &Path, group: usize, times: u32) -> io::Result<(u64, Duration)> {
    let mut file = File::create(file)?;
    let bytes = vec![b'x'; A_RECORD * group];
    let began = Instant::now();
    for _ in 0..times {
        file.write_all(&bytes)?;
        file.sync_data()?;
    }
    Ok((u64::from(times) * group as u64, began.elapsed()))
}
