//! What the pure parts cost, in nanoseconds: each is done many times over in turns, and the median
//! of the turns counts. For ratios to what else is measured in the same minute; criterion, which
//! looks more closely, is in `benches/`.

use std::hint::black_box;
use std::time::Instant;

use kess_gateway::Error;
use sha2::{Digest, Sha256};

use crate::{client, customer, withdrawal};

/// Nanoseconds of each part.
#[derive(Debug, Clone, Copy)]
pub struct Costs {
    /// Sealing a customer.
    pub seal: u64,
    /// Encoding and signing a withdrawal.
    pub sign: u64,
    /// SHA-256 of as many bytes as a withdrawal has.
    pub hash: u64,
}

/// Measures them.
///
/// # Errors
/// Never: the configuration is complete.
pub fn costs() -> Result<Costs, Error> {
    let (client, customer) = (client()?, customer());
    let sealed = client.seal(&customer)?;
    let body = withdrawal(&client, &sealed)?.body()?;
    let mut turns: [Vec<u64>; 3] = Default::default();
    for _ in 0..TURNS {
        turns[0].push(each(100, || black_box(client.seal(&customer)).is_ok()));
        // Without the call, which the engine builds only once, too; but it is part of what is
        // counted here, as its strings are made for each withdrawal.
        turns[1].push(each(2_000, || {
            black_box(withdrawal(&client, &sealed).and_then(|call| call.body())).is_ok()
        }));
        turns[2].push(each(2_000, || black_box(Sha256::digest(black_box(&body)))[0] < 255));
    }
    let [seal, sign, hash] = turns.map(middle);
    Ok(Costs { seal, sign, hash })
}

const TURNS: usize = 31;

fn each(times: u32, mut work: impl FnMut() -> bool) -> u64 {
    let began = Instant::now();
    for _ in 0..times {
        black_box(work());
    }
    u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX) / u64::from(times)
}

fn middle(mut turns: Vec<u64>) -> u64 {
    turns.sort_unstable();
    turns.get(turns.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_the_turns_counts() {
        assert_eq!(middle(vec![9, 1, 5]), 5);
        assert_eq!(middle(Vec::new()), 0);
    }
}
