//! Intake: from a batch file to payouts, with every problem named and none repaired.
//!
//! A file is read twice. [`check`] finds everything that is wrong with it and its sums; [`load`]
//! hands out the payouts, and fails at the end if the bytes were not the ones that were checked.
//! Neither holds the file in memory: what grows with it are 16 bytes a row to find duplicates, and
//! the findings themselves.
//!
//! The way of a row: `source` hashes the bytes and tells what they are, `encoding` makes UTF-8
//! of them, `records` splits them, `opening` finds the heading, `scan` looks at the shape of
//! each record, `row` at its fields by the rules in `fields`, `duplicates` at rows that stand
//! twice.
//!
//! Intake is no parser for anything but the contract's table, and it knows neither store nor
//! network.
//!
//! Invariant: a value is passed on as it stands in the file, blanks around it apart, or not at all.

mod duplicates;
mod encoding;
mod fields;
mod finding;
mod heading;
mod opening;
// Only a workbook has cells.
#[cfg_attr(not(feature = "workbook"), allow(dead_code))]
mod records;
mod row;
mod scan;
mod source;
#[cfg(test)]
mod tests;
#[cfg_attr(not(feature = "workbook"), path = "intake/workbook_absent.rs")]
mod workbook;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use kess_gateway::{Amount, Currency, Money};

pub use finding::{Code, Finding};
pub use heading::column_named;

use crate::error::Error;
use crate::payout::{NewPayout, Reason};
use duplicates::{Candidates, Payment, Place, Seen};
use finding::shown;
use heading::Column;
use row::RowReader;
use scan::{Found, Scan};
use source::Document;

/// What the sealed block holds with the 2048-bit key that the gateway hands out, in bytes.
pub const SEALED_BYTES: usize = 245;

/// What a file was found to be.
#[derive(Debug, Clone)]
pub struct Checked {
    /// Rows below the heading, blank ones not counted.
    pub rows: u64,
    /// Rows without a problem.
    pub valid: u64,
    /// Sums of the valid rows.
    pub totals: BTreeMap<Currency, Amount>,
    /// What stands against the file, by line.
    pub problems: Vec<Finding>,
    /// What is odd and does not hinder, by line.
    pub warnings: Vec<Finding>,
    /// SHA-256 of the file, in hex: what is loaded later must be what was checked.
    pub sha256: String,
    document: Document,
    capacity: usize,
}

impl Checked {
    /// Whether the file can be paid as it is.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.problems.is_empty()
    }

    /// Whether what is wrong concerns single rows only, so that the others can be paid.
    #[must_use]
    pub fn can_skip_problems(&self) -> bool {
        self.valid > 0 && self.beyond_rows().is_none()
    }

    /// The first problem that concerns the file as a whole, so that no row can be skipped for it.
    #[must_use]
    pub fn beyond_rows(&self) -> Option<&Finding> {
        self.problems.iter().find(|problem| problem.row.is_none())
    }
}

/// Findings while a file is read.
#[derive(Debug, Default)]
struct Findings {
    problems: Vec<Finding>,
    warnings: Vec<Finding>,
}

/// Checks the file at `path`, without network: every problem, in one go.
///
/// `capacity` is what one sealed block holds, in bytes: [`SEALED_BYTES`], unless the merchant's key
/// is at hand and says otherwise.
///
/// # Errors
/// Where the file cannot be read, or changes while it is. What is wrong *in* it is no error.
pub fn check(path: &Path, capacity: usize) -> Result<Checked, Error> {
    Document::File(path.to_owned()).check(capacity)
}

/// Checks a file that is in memory already, as [`check`] does one on the disk.
///
/// # Errors
/// Where the sum of its amounts is beyond counting.
pub fn check_bytes(bytes: impl Into<Arc<[u8]>>, capacity: usize) -> Result<Checked, Error> {
    Document::Memory(bytes.into()).check(capacity)
}

impl Document {
    fn check(self, capacity: usize) -> Result<Checked, Error> {
        let mut findings = Findings::default();
        let mut seen = Seen::default();
        let mut sums = Sums::default();
        let Some(mut scan) = open(&self, &mut findings)? else {
            return Ok(Checked::of(self, capacity, findings));
        };
        while let Some(payout) = next(&self, &mut scan, &mut findings, capacity)? {
            remember(&payout, &mut seen);
            sums.add(&payout)?;
        }
        let rows = scan.rows();
        let sha256 = scan.into_sha256().map_err(|error| self.unreadable(error))?;
        let mut checked = Checked { rows, sha256, ..Checked::of(self, capacity, findings) };
        if let Some(candidates) = seen.candidates() {
            find_duplicates(&mut checked, candidates, &mut sums)?;
        }
        checked.problems.sort_by_key(|finding| finding.line);
        checked.warnings.sort_by_key(|finding| finding.line);
        checked.valid = sums.valid;
        checked.totals = sums.totals;
        Ok(checked)
    }
}

/// Reads the payouts of a file that was checked. Rows with a problem come too, marked as invalid.
///
/// # Errors
/// Where the file cannot be read. The iterator's own last item is an error where the file is no
/// longer the one that was checked: what came before must then not be paid.
pub fn load(checked: &Checked) -> Result<Payouts, Error> {
    let duplicates = checked
        .problems
        .iter()
        .filter(|problem| problem.code == Code::DuplicateReference)
        .filter_map(|problem| problem.row)
        .collect();
    let mut findings = Findings::default();
    let scan = open(&checked.document, &mut findings)?;
    let scan = scan.ok_or_else(|| checked.document.changed())?;
    Ok(Payouts {
        scan: Some(scan),
        document: checked.document.clone(),
        sha256: checked.sha256.clone(),
        capacity: checked.capacity,
        duplicates,
    })
}

/// The payouts of a file, in its order. See [`load`].
pub struct Payouts {
    scan: Option<Scan>,
    document: Document,
    sha256: String,
    capacity: usize,
    duplicates: BTreeSet<u64>,
}

impl Iterator for Payouts {
    type Item = Result<NewPayout, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let scan = self.scan.as_mut()?;
        let mut findings = Findings::default();
        match next(&self.document, scan, &mut findings, self.capacity) {
            Ok(Some(mut payout)) => {
                if self.duplicates.contains(&payout.row) {
                    payout.invalid.get_or_insert_with(duplicate_reason);
                }
                Some(Ok(payout))
            }
            Ok(None) => {
                let hash = self.scan.take()?.into_sha256();
                match hash {
                    Ok(hash) if hash == self.sha256 => None,
                    Ok(_) => Some(Err(self.document.changed())),
                    Err(error) => Some(Err(self.document.unreadable(error))),
                }
            }
            Err(error) => {
                self.scan = None;
                Some(Err(error))
            }
        }
    }
}

/// Valid rows and their sums.
#[derive(Debug, Default)]
struct Sums {
    valid: u64,
    totals: BTreeMap<Currency, Amount>,
}

impl Sums {
    fn add(&mut self, payout: &NewPayout) -> Result<(), Error> {
        if payout.invalid.is_some() {
            return Ok(());
        }
        self.valid += 1;
        let total = self.totals.entry(payout.money.currency().clone()).or_default();
        let sum = total.checked_add(payout.money.amount());
        *total = sum.ok_or_else(beyond_counting)?;
        Ok(())
    }

    fn remove(&mut self, money: &Money) -> Result<(), Error> {
        self.valid -= 1;
        let total = self.totals.entry(money.currency().clone()).or_default();
        *total = total.checked_sub(money.amount()).ok_or_else(beyond_counting)?;
        Ok(())
    }
}

fn beyond_counting() -> Error {
    Error::config("the sum of the file is beyond counting; is every amount what it should be?")
}

impl Checked {
    /// A file with what was found so far, before its rows are counted.
    fn of(document: Document, capacity: usize, findings: Findings) -> Self {
        Self {
            rows: 0,
            valid: 0,
            totals: BTreeMap::new(),
            problems: findings.problems,
            warnings: findings.warnings,
            sha256: String::new(),
            document,
            capacity,
        }
    }
}

fn open(document: &Document, findings: &mut Findings) -> Result<Option<Scan>, Error> {
    let scan = document.open().and_then(|input| Scan::open(input, findings));
    scan.map_err(|error| document.unreadable(error))
}

fn next(
    document: &Document,
    scan: &mut Scan,
    findings: &mut Findings,
    capacity: usize,
) -> Result<Option<NewPayout>, Error> {
    let found = scan.next(findings).map_err(|error| document.unreadable(error))?;
    Ok(match found {
        Found::End => None,
        Found::Unreadable(place, reason) => Some(row::unreadable(place, reason)),
        Found::Row(place) => {
            let reader = RowReader::new(scan.record(), scan.heading(), place, findings);
            Some(reader.read(capacity))
        }
    })
}

fn remember(payout: &NewPayout, seen: &mut Seen) {
    if !payout.reference.is_empty() {
        seen.reference(&payout.reference);
    }
    if payout.invalid.is_none() {
        seen.payment(&payment(payout));
    }
}

fn payment(payout: &NewPayout) -> Payment {
    let account = payout.payee.bank_account_number.expose();
    Payment::new(&payout.payee.bic, account, &payout.money)
}

/// The second reading, for files in which something seems to stand twice. `sums` loses the rows
/// that turn out to have their reference in common with others.
fn find_duplicates(
    checked: &mut Checked,
    mut candidates: Candidates,
    sums: &mut Sums,
) -> Result<(), Error> {
    let mut unused = Findings::default();
    let document = checked.document.clone();
    let scan = open(&document, &mut unused)?;
    let mut scan = scan.ok_or_else(|| document.changed())?;
    while let Some(payout) = next(&document, &mut scan, &mut unused, checked.capacity)? {
        let place = Place { row: payout.row, line: payout.line };
        let money = payout.invalid.is_none().then(|| payout.money.clone());
        if money.is_some() {
            candidates.payment(payment(&payout), place);
        }
        if !payout.reference.is_empty() {
            candidates.reference(&payout.reference, place, money);
        }
    }
    let hash = scan.into_sha256().map_err(|error| document.unreadable(error))?;
    if hash != checked.sha256 {
        return Err(document.changed());
    }
    for same in candidates.same_reference() {
        if let Some(money) = same.money {
            sums.remove(money)?;
        }
        let problem = finding_about(
            same.reference,
            same.place,
            Code::DuplicateReference,
            format!("the same reference stands in line {} as well", same.other.line),
        );
        checked.problems.push(problem);
    }
    for alike in candidates.alike() {
        let (code, how) = if alike.by_case {
            (Code::ReferenceCase, "differs in case only")
        } else {
            (Code::ReferenceAlike, "looks the same and is another one")
        };
        let message = format!("the reference in line {} {how}", alike.other.line);
        checked.warnings.push(finding_about(alike.reference, alike.place, code, message));
    }
    for (place, other) in candidates.same_payment() {
        let message = format!("line {} pays the same amount to the same account", other.line);
        let warning = finding_about("", place, Code::SamePayeeAndAmount, message);
        checked.warnings.push(warning);
    }
    Ok(())
}

/// A finding about a row that stands in relation to another one.
fn finding_about(reference: &str, place: Place, code: Code, message: String) -> Finding {
    let (column, hint) = match code {
        Code::SamePayeeAndAmount => {
            (Column::BankAccountNumber, "remove one, unless both are meant")
        }
        _ => (Column::Reference, "give every payout a reference of its own, or remove the copy"),
    };
    Finding {
        line: place.line,
        row: Some(place.row),
        column: Some(column.name().to_owned()),
        code,
        value: (!reference.is_empty()).then(|| shown(column, reference)),
        message,
        hint: hint.to_owned(),
    }
}

fn duplicate_reason() -> Reason {
    let code = Code::DuplicateReference.as_str();
    Reason::new(code, "reference: the same reference stands in another row as well")
}
