//! Finds references that stand twice in a file, and payees that get the same amount twice.
//!
//! Memory must not follow the file, so the first reading keeps 16 bytes a row: two hashes. Hashes
//! that occur more than once make candidates, and only for those does a second reading compare the
//! values themselves. So a collision of hashes costs time and never refuses a row.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use kess_gateway::{Currency, Money};
use unicode_normalization::UnicodeNormalization;

/// Where a row stands in its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) row: u64,
    pub(super) line: u64,
}

/// The account and the amount of a row, as far as it takes to recognise them in another one.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Payment {
    bic: String,
    account: String,
    amount: String,
    currency: Currency,
}

impl Payment {
    pub(super) fn new(bic: &str, account: &str, money: &Money) -> Self {
        Self {
            bic: bic.to_owned(),
            account: account.to_owned(),
            amount: money.amount().to_string(),
            currency: money.currency().clone(),
        }
    }
}

/// What the first reading remembers.
#[derive(Debug, Default)]
pub(super) struct Seen {
    state: RandomState,
    references: Vec<u64>,
    payments: Vec<u64>,
}

impl Seen {
    /// Remembers a reference. References that look alike are candidates too.
    pub(super) fn reference(&mut self, reference: &str) {
        let hash = self.state.hash_one(fold(reference));
        push(&mut self.references, hash);
    }

    /// Remembers a payment.
    pub(super) fn payment(&mut self, payment: &Payment) {
        let hash = self.state.hash_one(payment);
        push(&mut self.payments, hash);
    }

    /// What a second reading has to look at; `None` where nothing occurred twice.
    pub(super) fn candidates(self) -> Option<Candidates> {
        let references = repeated(self.references);
        let payments = repeated(self.payments);
        let none = references.is_empty() && payments.is_empty();
        (!none).then(|| Candidates {
            state: self.state,
            references,
            payments,
            by_reference: HashMap::new(),
            by_payment: HashMap::new(),
        })
    }
}

/// A row with its reference and, where it is valid but for that, its money.
struct Named {
    place: Place,
    reference: String,
    money: Option<Money>,
}

/// A row whose reference stands in another row as well.
#[derive(Debug, PartialEq)]
pub(super) struct SameReference<'a> {
    pub(super) place: Place,
    pub(super) other: Place,
    pub(super) reference: &'a str,
    pub(super) money: Option<&'a Money>,
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

/// The rows whose hashes occurred more than once, compared by their values.
pub(super) struct Candidates {
    state: RandomState,
    references: Vec<u64>,
    payments: Vec<u64>,
    by_reference: HashMap<String, Vec<Named>>,
    by_payment: HashMap<Payment, Vec<Place>>,
}

impl Candidates {
    pub(super) fn reference(&mut self, reference: &str, place: Place, money: Option<Money>) {
        let folded = fold(reference);
        if self.references.binary_search(&self.state.hash_one(&folded)).is_ok() {
            let named = Named { place, reference: reference.to_owned(), money };
            self.by_reference.entry(folded).or_default().push(named);
        }
    }

    pub(super) fn payment(&mut self, payment: Payment, place: Place) {
        if self.payments.binary_search(&self.state.hash_one(&payment)).is_ok() {
            self.by_payment.entry(payment).or_default().push(place);
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
    let look = |c: char| match c {
        'o' => '0',
        'i' | 'l' | '|' => '1',
        _ => c,
    };
    reference.to_lowercase().nfc().map(look).collect()
}

/// Grows by a quarter, not by doubling: a million rows must not keep twice what they need.
fn push(hashes: &mut Vec<u64>, hash: u64) {
    if hashes.len() == hashes.capacity() {
        hashes.reserve_exact(hashes.len() / 4 + 1024);
    }
    hashes.push(hash);
}

/// The hashes that occur more than once, sorted.
fn repeated(mut hashes: Vec<u64>) -> Vec<u64> {
    hashes.sort_unstable();
    let mut twice: Vec<u64> = hashes.windows(2).filter(|w| w[0] == w[1]).map(|w| w[0]).collect();
    twice.dedup();
    twice
}

#[cfg(test)]
impl Seen {
    /// What is set aside for the rows so far, in bytes.
    pub(super) fn bytes(&self) -> usize {
        (self.references.capacity() + self.payments.capacity()) * size_of::<u64>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(row: u64) -> Place {
        Place { row, line: row + 1 }
    }

    #[test]
    fn nothing_twice_needs_no_second_reading() {
        let mut seen = Seen::default();
        for reference in ["A-1", "A-2", "A-3"] {
            seen.reference(reference);
        }
        assert!(seen.candidates().is_none());
    }

    #[test]
    fn every_row_of_a_group_is_named_with_another() {
        let rows = [(1, "A"), (2, "B"), (3, "A"), (4, "a"), (5, "A")];
        let mut seen = Seen::default();
        rows.iter().for_each(|(_, reference)| seen.reference(reference));
        let mut candidates = seen.candidates().unwrap();
        rows.iter().for_each(|(row, reference)| {
            candidates.reference(reference, place(*row), None);
        });
        let mut same: Vec<_> = candidates.same_reference();
        same.sort_by_key(|same| same.place.row);
        let same: Vec<_> =
            same.iter().map(|same| (same.place.row, same.other.row, same.reference)).collect();
        assert_eq!(same, [(1, 3, "A"), (3, 1, "A"), (5, 1, "A")]);
        let alike = Alike { place: place(4), other: place(1), reference: "a", by_case: true };
        assert_eq!(candidates.alike(), [alike]);
    }
}
