//! Intake: from a batch file to payouts, with every problem named and none repaired.
//!
//! A file is read twice. [`check`] finds everything that is wrong with it and its sums; [`load`]
//! hands out the payouts, and fails at the end if the bytes were not the ones that were checked.
//! Neither holds the file in memory: what grows with it are 16 bytes a row to find duplicates, and
//! the findings themselves.
//!
//! The way of a row: `source` hashes the bytes and tells what they are, `encoding` makes UTF-8
//! of them, `records` cuts them into blocks of whole records, `opening` finds the heading, `scan`
//! goes on below it. In each block `portion` looks at the shape of each record, `row` at its fields
//! by the rules in `fields`, `duplicates` at rows that stand twice. [`check`] has the blocks looked
//! at on every processor (`pass`), [`load`] goes through them one after the other.
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
mod pass;
mod portion;
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
use std::io;
use std::path::Path;
use std::sync::Arc;

use kess_gateway::{Amount, Currency};

pub use finding::{Code, Finding};
pub use heading::column_named;

use crate::error::Error;
use crate::payout::{NewPayout, Reason};
use duplicates::{Compared, Hasher, Hashes, Place, Seen, Sum, Suspected, Suspects};
use finding::shown;
use heading::Column;
use portion::{Found, Portion};
use records::LONGEST_RECORD;
use row::{Row, Rules};
use scan::{Pieces, Scan, Tally};
use source::{Document, Piece};

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
        self.check_in_blocks(capacity, BLOCK)
    }

    /// What is found does not depend on `size`, that of a block in bytes.
    fn check_in_blocks(self, capacity: usize, size: usize) -> Result<Checked, Error> {
        let mut findings = Findings::default();
        let Some(scan) = open(&self, size, capacity, &mut findings)? else {
            return Ok(Checked::of(self, capacity, findings));
        };
        let mut seen = Seen::default();
        let hasher = seen.hasher.clone();
        let mut sums = Sums::default();
        let look = |part: &mut Part, found: &Found<'_>| part.look(found, &hasher);
        let read = pass::read(scan, &mut findings, look, |part, _| {
            seen.add(&part.hashes);
            sums.add_all(&part.sums);
        });
        let pass::Read { rows, sha256 } = read.map_err(|error| self.unreadable(error))?;
        let mut checked = Checked { rows, sha256, ..Checked::of(self, capacity, findings) };
        if let Some(suspects) = seen.suspects() {
            find_duplicates(&mut checked, size, &suspects, &mut sums)?;
        }
        checked.problems.sort_by_key(|finding| finding.line);
        checked.warnings.sort_by_key(|finding| finding.line);
        checked.valid = sums.valid;
        checked.totals = sums.totals()?;
        Ok(checked)
    }
}

/// How long a block is, in bytes: some hundred rows, and small enough to stay in a processor's
/// cache.
const BLOCK: usize = LONGEST_RECORD;

/// What is remembered of some rows that were checked.
#[derive(Default)]
struct Part {
    hashes: Hashes,
    sums: Sums,
}

impl Part {
    fn look(&mut self, found: &Found<'_>, hasher: &Hasher) {
        let Found::Row(row) = found else { return };
        if !row.reference.is_empty() {
            self.hashes.reference(hasher, row.reference);
        }
        if let Some(payment) = row.payment() {
            self.hashes.payment(hasher, &payment);
            self.sums.add(payment.units, payment.currency);
        }
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
    let scan = open(&checked.document, BLOCK, checked.capacity, &mut findings)?;
    let Scan { pieces, rules, tally } = scan.ok_or_else(|| checked.document.changed())?;
    Ok(Payouts {
        pieces: Some(pieces),
        rules,
        tally,
        portion: None,
        document: checked.document.clone(),
        sha256: checked.sha256.clone(),
        duplicates,
    })
}

/// The payouts of a file, in its order. See [`load`].
pub struct Payouts {
    pieces: Option<Pieces>,
    rules: Rules,
    tally: Tally,
    /// The piece that the next row stands in.
    portion: Option<Portion>,
    document: Document,
    sha256: String,
    duplicates: BTreeSet<u64>,
}

impl Payouts {
    /// The next payout; nothing at the end of the file.
    fn read(&mut self) -> io::Result<Option<NewPayout>> {
        let Some(pieces) = &mut self.pieces else { return Ok(None) };
        loop {
            // What was found is told by the check; here it would only be kept.
            let mut unused = Findings::default();
            let spent = match &mut self.portion {
                Some(portion) => {
                    if let Some(found) = portion.next(&self.rules) {
                        return Ok(Some(payout(found, &self.tally)));
                    }
                    self.tally.pass(portion, &mut unused);
                    self.portion.take().map(|portion| portion.records)
                }
                None => None,
            };
            match pieces.next(spent)? {
                Some(Piece::Records(records)) => self.portion = Some(Portion::new(records)),
                Some(Piece::Broken(at)) => {
                    self.tally.pass_broken(at, &self.rules, &mut unused);
                }
                None => return Ok(None),
            }
        }
    }
}

impl Iterator for Payouts {
    type Item = Result<NewPayout, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.read() {
            Ok(Some(mut payout)) => {
                if self.duplicates.contains(&payout.row) {
                    payout.invalid.get_or_insert_with(duplicate_reason);
                }
                Some(Ok(payout))
            }
            Ok(None) => match self.pieces.take()?.into_sha256() {
                Ok(hash) if hash == self.sha256 => None,
                Ok(_) => Some(Err(self.document.changed())),
                Err(error) => Some(Err(self.document.unreadable(error))),
            },
            Err(error) => {
                self.pieces = None;
                Some(Err(self.document.unreadable(error)))
            }
        }
    }
}

fn payout(found: Found<'_>, tally: &Tally) -> NewPayout {
    match found {
        Found::Row(row) => {
            let place = tally.place(row.place);
            row.into_payout(place)
        }
        Found::Unreadable(place, reason) => row::unreadable(tally.place(place), reason),
    }
}

/// Valid rows and their sums.
#[derive(Debug, Default)]
struct Sums {
    valid: u64,
    /// In the smallest unit of each currency. So many amounts that they do not fit do not exist.
    totals: BTreeMap<Currency, u128>,
}

impl Sums {
    fn add(&mut self, units: u64, currency: &Currency) {
        self.valid += 1;
        self.add_to(currency, units.into());
    }

    fn add_all(&mut self, others: &Self) {
        self.valid += others.valid;
        for (currency, units) in &others.totals {
            self.add_to(currency, *units);
        }
    }

    fn add_to(&mut self, currency: &Currency, units: u128) {
        match self.totals.get_mut(currency) {
            Some(total) => *total += units,
            None => drop(self.totals.insert(currency.clone(), units)),
        }
    }

    fn remove(&mut self, (units, currency): &Sum) {
        self.valid -= 1;
        *self.totals.entry((*currency).clone()).or_default() -= u128::from(*units);
    }

    fn totals(self) -> Result<BTreeMap<Currency, Amount>, Error> {
        let total = |(currency, units)| {
            let total = fields::units(units, &currency).ok_or_else(beyond_counting)?;
            Ok((currency, total))
        };
        self.totals.into_iter().map(total).collect()
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

fn open(
    document: &Document,
    size: usize,
    capacity: usize,
    findings: &mut Findings,
) -> Result<Option<Scan>, Error> {
    let scan = document.open().and_then(|input| Scan::open(input, size, capacity, findings));
    scan.map_err(|error| document.unreadable(error))
}

/// The second reading, for files in which something seems to stand twice. `sums` loses the rows
/// that turn out to have their reference in common with others.
fn find_duplicates(
    checked: &mut Checked,
    size: usize,
    suspects: &Suspects,
    sums: &mut Sums,
) -> Result<(), Error> {
    let mut unused = Findings::default();
    let document = checked.document.clone();
    let scan = open(&document, size, checked.capacity, &mut unused)?;
    let scan = scan.ok_or_else(|| document.changed())?;
    let look = |suspected: &mut Suspected, found: &Found<'_>| {
        if let Found::Row(row) = found {
            suspect(row, suspects, suspected);
        }
    };
    let mut compared = Compared::default();
    let read = pass::read(scan, &mut unused, look, |suspected, tally| {
        compared.add(suspected, |place| tally.place(place));
    });
    if read.map_err(|error| document.unreadable(error))?.sha256 != checked.sha256 {
        return Err(document.changed());
    }
    for same in compared.same_reference() {
        if let Some(money) = same.money {
            sums.remove(money);
        }
        let problem = finding_about(
            same.reference,
            same.place,
            Code::DuplicateReference,
            format!("the same reference stands in line {} as well", same.other.line),
        );
        checked.problems.push(problem);
    }
    for alike in compared.alike() {
        let (code, how) = if alike.by_case {
            (Code::ReferenceCase, "differs in case only")
        } else {
            (Code::ReferenceAlike, "looks the same and is another one")
        };
        let message = format!("the reference in line {} {how}", alike.other.line);
        checked.warnings.push(finding_about(alike.reference, alike.place, code, message));
    }
    for (place, other) in compared.same_payment() {
        let message = format!("line {} pays the same amount to the same account", other.line);
        let warning = finding_about("", place, Code::SamePayeeAndAmount, message);
        checked.warnings.push(warning);
    }
    Ok(())
}

/// Keeps what a row may have in common with another one.
fn suspect(row: &Row<'_>, suspects: &Suspects, suspected: &mut Suspected) {
    let payment = row.payment();
    let money = payment.as_ref().map(|payment| (payment.units, payment.currency));
    if let Some(payment) = payment {
        suspects.payment(suspected, payment, row.place);
    }
    if !row.reference.is_empty() {
        suspects.reference(suspected, row.reference, row.place, money);
    }
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
