//! One reading of a whole file: its pieces are looked at on every processor and joined in order.
//!
//! The file is read, hashed and cut by one thread, which is the one thing that cannot be shared
//! out. While it reads some pieces, those read before are looked at.
//!
//! Invariant: what comes out does not depend on how many processors there are, nor on where the
//! file was cut.

use std::io;

use rayon::iter::{IndexedParallelIterator, IntoParallelIterator, ParallelIterator};

use super::Findings;
use super::portion::{Found, Portion};
use super::records::Break;
use super::row::Rules;
use super::scan::{Pieces, Scan, Tally};
use super::source::{Piece, Records};

/// How many pieces are read ahead, and as many looked at meanwhile: enough for every processor,
/// and little for the memory.
const AHEAD: usize = 16;

/// What a reading came to.
pub(super) struct Read {
    pub(super) rows: u64,
    /// SHA-256 of the file, in hex.
    pub(super) sha256: String,
}

/// A piece that was looked at, and what of it is remembered.
enum Seen<T> {
    Portion(Box<Portion>, T),
    Broken(Break),
}

/// Reads `scan` to its end. `look` is shown each row of a piece, on whichever thread, and `join` is
/// given what it remembered of each, in the file's order, and how to find its rows in the file.
pub(super) fn read<T: Default + Send>(
    scan: Scan,
    findings: &mut Findings,
    look: impl Fn(&mut T, &Found<'_>) + Sync,
    mut join: impl FnMut(T, &Tally) + Send,
) -> io::Result<Read> {
    let Scan { mut pieces, rules, mut tally } = scan;
    let mut spent = Vec::new();
    let mut pass = |seen: Vec<Seen<T>>, spent: &mut Vec<Records>| {
        for seen in seen {
            match seen {
                Seen::Portion(mut portion, remembered) => {
                    join(remembered, &tally);
                    tally.pass(&mut portion, findings);
                    spent.push(portion.records);
                }
                Seen::Broken(at) => tally.pass_broken(at, &rules, findings),
            }
        }
    };
    let mut seen = Vec::new();
    let mut ready = batch(&mut pieces, &mut spent)?;
    while !ready.is_empty() {
        let look_at = |piece| look_at(piece, &rules, &look);
        // What is in order only on one thread is done while others look at the next pieces.
        let go_on = || {
            pass(seen, &mut spent);
            batch(&mut pieces, &mut spent)
        };
        let (ahead, looked_at) = if ready.len() == 1 {
            // A small file needs nobody's help.
            (go_on(), ready.into_iter().map(look_at).collect())
        } else {
            let looking = || ready.into_par_iter().with_max_len(1).map(look_at).collect();
            rayon::join(go_on, looking)
        };
        seen = looked_at;
        ready = ahead?;
    }
    pass(seen, &mut spent);
    tally.end(findings);
    Ok(Read { rows: tally.rows, sha256: pieces.into_sha256()? })
}

/// The next pieces; none at the end of the file.
fn batch(pieces: &mut Pieces, spent: &mut Vec<Records>) -> io::Result<Vec<Piece>> {
    let mut batch = Vec::with_capacity(AHEAD);
    while batch.len() < AHEAD {
        match pieces.next(spent.pop())? {
            Some(piece) => batch.push(piece),
            None => break,
        }
    }
    Ok(batch)
}

fn look_at<T: Default>(piece: Piece, rules: &Rules, look: impl Fn(&mut T, &Found<'_>)) -> Seen<T> {
    match piece {
        Piece::Broken(at) => Seen::Broken(at),
        Piece::Records(records) => {
            let mut remembered = T::default();
            let mut portion = Portion::new(records);
            while let Some(found) = &portion.next(rules) {
                look(&mut remembered, found);
            }
            Seen::Portion(Box::new(portion), remembered)
        }
    }
}
