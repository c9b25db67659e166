//! Finds references that stand twice in a file, and payees that get the same amount twice.
//!
//! Memory must not follow the file, so the first reading keeps 16 bytes a row: two hashes. Hashes
//! that occur more than once make candidates, and only for those does a second reading compare the
//! values themselves. So a collision of hashes costs time and never refuses a row.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, Hash, Hasher as _};

use foldhash::fast::FixedState;
use foldhash::quality::RandomState;
use kess_gateway::Currency;
use rayon::iter::{IntoParallelIterator, ParallelIterator};
use unicode_normalization::UnicodeNormalization;

/// Where a row stands in its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) row: u64,
    pub(super) line: u64,
}

/// An amount in the smallest unit of its currency.
pub(super) type Sum = (u64, &'static Currency);

/// The account and the amount of a row, as far as it takes to recognise them in another one.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Payment<T> {
    pub(super) bic: T,
    pub(super) account: T,
    /// The amount in the smallest unit of the currency.
    pub(super) units: u64,
    pub(super) currency: &'static Currency,
}

impl Payment<&str> {
    fn into_owned(self) -> Payment<String> {
        let Self { bic, account, units, currency } = self;
        Payment { bic: bic.to_owned(), account: account.to_owned(), units, currency }
    }
}

/// The hashes of references and of payments. Texts that hash alike once do so for as long as the
/// process lives, and nobody can know which ones will.
#[derive(Debug, Clone, Default)]
pub(super) struct Hasher(RandomState);

impl Hasher {
    /// References that look alike have one hash.
    fn reference(&self, reference: &str) -> u64 {
        let mut hasher = self.0.build_hasher();
        let mut folded = [0; 128];
        match folded.get_mut(..reference.len()) {
            // The text that `fold` makes, without a place of its own in memory.
            Some(folded) if reference.is_ascii() => {
                folded.iter_mut().zip(reference.bytes()).for_each(|(to, byte)| *to = look(byte));
                hasher.write(folded);
            }
            _ => hasher.write(fold(reference).as_bytes()),
        }
        hasher.finish()
    }

    /// Payments of one amount to one account have one hash. Where the bank or the currency differs,
    /// which is rare, the comparison of the values will tell.
    fn payment(&self, payment: &Payment<&str>) -> u64 {
        let mut hasher = self.0.build_hasher();
        hasher.write_u64(payment.units);
        hasher.write(payment.account.as_bytes());
        hasher.finish()
    }
}

/// The hashes of some rows.
#[derive(Debug, Default)]
pub(super) struct Hashes {
    references: Vec<u64>,
    payments: Vec<u64>,
}

impl Hashes {
    /// Remembers a reference. References that look alike are candidates too.
    pub(super) fn reference(&mut self, hasher: &Hasher, reference: &str) {
        self.references.push(hasher.reference(reference));
    }

    /// Remembers a payment.
    pub(super) fn payment(&mut self, hasher: &Hasher, payment: &Payment<&str>) {
        self.payments.push(hasher.payment(payment));
    }
}

/// What the first reading remembers.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) hasher: Hasher,
    references: Buckets,
    payments: Buckets,
}

impl Seen {
    /// Remembers what was seen in a part of the file.
    pub(super) fn add(&mut self, hashes: &Hashes) {
        self.references.add(&hashes.references);
        self.payments.add(&hashes.payments);
    }

    /// What a second reading has to look for; `None` where nothing occurred twice.
    pub(super) fn suspects(self) -> Option<Suspects> {
        let (references, payments) = (self.references.repeated(), self.payments.repeated());
        let none = references.is_empty() && payments.is_empty();
        (!none).then_some(Suspects { hasher: self.hasher, references, payments })
    }
}

/// A row with its reference and, where it is valid but for that, its money.
struct Named {
    place: Place,
    reference: String,
    money: Option<Sum>,
}

/// A row whose reference stands in another row as well.
#[derive(Debug, PartialEq)]
pub(super) struct SameReference<'a> {
    pub(super) place: Place,
    pub(super) other: Place,
    pub(super) reference: &'a str,
    pub(super) money: Option<&'a Sum>,
}

/// A row whose reference looks like that of another row.
#[derive(Debug, PartialEq)]
pub(super) struct Alike<'a> {
    pub(super) place: Place,
    pub(super) other: Place,
    pub(super) reference: &'a str,
    /// Whether they differ in upper and lower case only.
    pub(super) by_case: bool,
}

/// The hashes that occurred more than once.
pub(super) struct Suspects {
    hasher: Hasher,
    references: Vec<u64>,
    payments: Vec<u64>,
}

/// The rows of a part of the file whose hashes occurred more than once.
#[derive(Default)]
pub(super) struct Suspected {
    references: Vec<Named>,
    payments: Vec<(Payment<String>, Place)>,
}

impl Suspects {
    /// Keeps a reference that may stand twice.
    pub(super) fn reference(
        &self,
        suspected: &mut Suspected,
        reference: &str,
        place: Place,
        money: Option<Sum>,
    ) {
        if self.references.binary_search(&self.hasher.reference(reference)).is_ok() {
            let reference = reference.to_owned();
            suspected.references.push(Named { place, reference, money });
        }
    }

    /// Keeps a payment that may be made twice.
    pub(super) fn payment(&self, suspected: &mut Suspected, payment: Payment<&str>, place: Place) {
        if self.payments.binary_search(&self.hasher.payment(&payment)).is_ok() {
            suspected.payments.push((payment.into_owned(), place));
        }
    }
}

/// The rows whose hashes occurred more than once, compared by their values.
#[derive(Default)]
pub(super) struct Compared {
    by_reference: HashMap<String, Vec<Named>>,
    by_payment: HashMap<Payment<String>, Vec<Place>>,
}

impl Compared {
    /// Takes the rows of a part of the file, which is the next one; `place` tells where they stand.
    pub(super) fn add(&mut self, suspected: Suspected, place: impl Fn(Place) -> Place) {
        for named in suspected.references {
            let named = Named { place: place(named.place), ..named };
            self.by_reference.entry(fold(&named.reference)).or_default().push(named);
        }
        for (payment, at) in suspected.payments {
            self.by_payment.entry(payment).or_default().push(place(at));
        }
    }

    /// Each row whose reference stands in another row as well.
    pub(super) fn same_reference(&self) -> Vec<SameReference<'_>> {
        let mut found = Vec::new();
        for group in self.by_reference.values() {
            let mut exact: HashMap<&str, Vec<&Named>> = HashMap::new();
            for named in group {
                exact.entry(&named.reference).or_default().push(named);
            }
            for (reference, rows) in exact {
                let [first, second, ..] = rows[..] else { continue };
                found.extend(rows.iter().map(|row| SameReference {
                    place: row.place,
                    // Each row is told of the first one; the first is told of the second.
                    other: if row.place == first.place { second.place } else { first.place },
                    reference,
                    money: row.money.as_ref(),
                }));
            }
        }
        found
    }

    /// Each row whose reference is another than an earlier one's and looks the same.
    pub(super) fn alike(&self) -> Vec<Alike<'_>> {
        let mut found = Vec::new();
        for group in self.by_reference.values() {
            let Some((first, others)) = group.split_first() else { continue };
            let others = others.iter().filter(|other| other.reference != first.reference);
            found.extend(others.map(|row| Alike {
                place: row.place,
                other: first.place,
                reference: &row.reference,
                by_case: row.reference.to_lowercase() == first.reference.to_lowercase(),
            }));
        }
        found
    }

    /// Each row that pays an account what an earlier row pays it already.
    pub(super) fn same_payment(&self) -> Vec<(Place, Place)> {
        let groups = self.by_payment.values();
        groups.flat_map(|places| places[1..].iter().map(|place| (*place, places[0]))).collect()
    }
}

/// What a reader sees of a reference: references of one look are compared, and those that are not
/// the same are shown to a person. Upper and lower case are one, O is zero, l and I are one, and a
/// letter with its accent is one however it was typed.
fn fold(reference: &str) -> String {
    let look = |c: char| u8::try_from(c).map_or(c, |byte| look(byte).into());
    reference.to_lowercase().nfc().map(look).collect()
}

/// What a reader sees of a Latin letter.
fn look(letter: u8) -> u8 {
    match letter.to_ascii_lowercase() {
        b'o' => b'0',
        b'i' | b'l' | b'|' => b'1',
        other => other,
    }
}

/// Hashes by their first byte. What is in one bucket is looked for nowhere else, and the bucket of
/// a million rows stays in a processor's cache, as the whole would not.
#[derive(Debug)]
struct Buckets(Vec<Vec<u64>>);

impl Default for Buckets {
    fn default() -> Self {
        Self(vec![Vec::new(); 1 << u8::BITS])
    }
}

impl Buckets {
    fn add(&mut self, hashes: &[u64]) {
        for &hash in hashes {
            let bucket = &mut self.0[usize::from(hash.to_be_bytes()[0])];
            if bucket.len() == bucket.capacity() {
                // By a quarter, not by doubling: a million rows must not keep twice what they need.
                bucket.reserve_exact(bucket.len() / 4 + 64);
            }
            bucket.push(hash);
        }
    }

    /// The hashes that occur more than once, sorted.
    fn repeated(self) -> Vec<u64> {
        self.0.into_par_iter().flat_map_iter(repeated).collect()
    }
}

/// The hashes that occur more than once, sorted.
fn repeated(hashes: Vec<u64>) -> Vec<u64> {
    let mut once = HashSet::with_capacity_and_hasher(hashes.len(), FixedState::default());
    let mut twice: Vec<u64> = hashes.into_iter().filter(|hash| !once.insert(*hash)).collect();
    twice.sort_unstable();
    twice.dedup();
    twice
}

#[cfg(test)]
impl Seen {
    /// What is set aside for the rows so far, in bytes.
    pub(super) fn bytes(&self) -> usize {
        let buckets = self.references.0.iter().chain(&self.payments.0);
        buckets.map(|bucket| bucket.capacity() * size_of::<u64>()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(row: u64) -> Place {
        Place { row, line: row + 1 }
    }

    fn seen(references: &[&str]) -> Seen {
        let mut seen = Seen::default();
        // Each in a part of its own.
        for reference in references {
            let mut hashes = Hashes::default();
            hashes.reference(&seen.hasher, reference);
            seen.add(&hashes);
        }
        seen
    }

    #[test]
    fn nothing_twice_needs_no_second_reading() {
        assert!(seen(&["A-1", "A-2", "A-3"]).suspects().is_none());
    }

    #[test]
    fn every_row_of_a_group_is_named_with_another() {
        let rows = [(1, "A"), (2, "B"), (3, "A"), (4, "a"), (5, "A")];
        let suspects = seen(&rows.map(|(_, reference)| reference)).suspects().unwrap();
        let mut compared = Compared::default();
        for (row, reference) in rows {
            let mut suspected = Suspected::default();
            suspects.reference(&mut suspected, reference, place(1), None);
            compared.add(suspected, |_| place(row));
        }
        let mut same: Vec<_> = compared.same_reference();
        same.sort_by_key(|same| same.place.row);
        let same: Vec<_> =
            same.iter().map(|same| (same.place.row, same.other.row, same.reference)).collect();
        assert_eq!(same, [(1, 3, "A"), (3, 1, "A"), (5, 1, "A")]);
        let alike = Alike { place: place(4), other: place(1), reference: "a", by_case: true };
        assert_eq!(compared.alike(), [alike]);
    }

    #[test]
    fn references_of_one_look_have_one_hash_whatever_they_are_written_in() {
        let long = "Ol|".repeat(60);
        let cases = [
            ("PAY-OIL", "pay-011", true),
            ("K-1", "\u{212a}-l", true),
            ("e\u{301}-1", "\u{c9}-I", true),
            (long.as_str(), &long.to_lowercase(), true),
            ("PAY-1", "PAY-2", false),
            ("", "0", false),
        ];
        let hasher = Hasher::default();
        for (one, other, is_alike) in cases {
            let is_same = hasher.reference(one) == hasher.reference(other);
            assert_eq!((is_same, fold(one) == fold(other)), (is_alike, is_alike), "{one} {other}");
        }
    }
}
