//! What other batches of the store have to do with a file that is about to be paid.
//!
//! Two things are looked for. A reference of the file that stands in another batch, which paid it,
//! may have paid it or is about to: paying both would pay twice, or, where the contents differ, it
//! is not clear which of the two is meant. And a batch that pays the same accounts the same amounts
//! under other references: perhaps the same file, numbered anew.
//!
//! Nothing is decided here, and nothing is held in memory that grows with the file.

use std::collections::{BTreeMap, BTreeSet};

use kess_gateway::{Amount, Currency, Money};
use sha2::{Digest, Sha256};

use crate::{
    batch::{Batch, BatchState},
    error::Error,
    intake::{self, Checked},
    pages::pages,
    payout::{BatchSummary, NewPayout, Outcome, Payee},
    store::{Conflict, Store},
};

/// Rows that are looked up at once.
const PAGE: usize = 500;

/// Clashes that are kept with their references; the others are counted.
const KEPT: usize = 20;

/// A row of the file whose reference stands in another batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clash {
    /// The row there.
    pub there: Conflict,
    /// The columns in which it differs from the row of the file; none where they are the same.
    pub differs: Vec<&'static str>,
}

/// How many rows a file has in common with one other batch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shared {
    /// Rows with the same reference and the same contents.
    pub same: u64,
    /// Rows with the same reference and other contents.
    pub other: u64,
}

/// What was found in other batches.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Elsewhere {
    /// The first clashes, in the order of the file.
    pub clashes: Vec<Clash>,
    /// What the file has in common with each batch, by its name.
    pub shared: BTreeMap<String, Shared>,
    /// Batches that pay just the accounts and amounts of this file, under other references.
    pub twins: BTreeSet<String>,
}

impl Elsewhere {
    /// Number of clashes.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.shared.values().map(|shared| shared.same + shared.other).sum()
    }

    /// What somebody should know before they pay the file, although it hinders nothing.
    pub fn warnings(&self) -> impl Iterator<Item = String> {
        self.twins.iter().map(|batch| {
            format!(
                "batch {batch} pays the same accounts the same amounts, under other references; is \
                 this the same payroll?"
            )
        })
    }
}

impl Conflict {
    /// The columns of the batch file in which the row there differs from `payout`. An account that
    /// was purged is not known any more and not compared.
    #[must_use]
    pub fn differences(&self, payout: &NewPayout) -> Vec<&'static str> {
        let payee = &payout.payee;
        let compared = [
            ("bank_account_number", self.account.as_ref() == Some(&payee.bank_account_number)),
            ("bic", self.bic.as_ref() == Some(&payee.bic)),
            ("amount", self.money.amount() == payout.money.amount()),
            ("currency", self.money.currency() == payout.money.currency()),
        ];
        let is_purged = self.account.is_none();
        let unknown = |column: &str| is_purged && matches!(column, "bank_account_number" | "bic");
        let differing = compared.into_iter().filter(|(column, same)| !same && !unknown(column));
        differing.map(|(column, _)| column).collect()
    }
}

/// Compares a checked file with every batch of the store.
///
/// # Errors
/// Where the store or the file cannot be read, or the file is no longer the one that was checked.
pub async fn elsewhere(store: &dyn Store, checked: &Checked) -> Result<Elsewhere, Error> {
    let mut found = Elsewhere::default();
    let mut payments = Payments::default();
    let mut payouts = intake::load(checked)?;
    loop {
        let page: Vec<NewPayout> = payouts.by_ref().take(PAGE).collect::<Result<_, _>>()?;
        if page.is_empty() {
            break;
        }
        let valid: BTreeMap<&str, &NewPayout> = page
            .iter()
            .filter(|payout| payout.invalid.is_none())
            .map(|payout| (payout.reference.as_str(), payout))
            .collect();
        valid.values().for_each(|payout| payments.add(&payout.payee, &payout.money));
        let references: Vec<&str> = valid.keys().copied().collect();
        for there in store.conflicts(&references, None).await? {
            let Some(payout) = valid.get(there.reference.as_str()) else { continue };
            found.add(Clash { differs: there.differences(payout), there });
        }
    }
    for batch in store.batches().await? {
        let is_known = found.shared.contains_key(&batch.name);
        if !is_known && is_twin(store, &batch, checked, &payments).await? {
            found.twins.insert(batch.name);
        }
    }
    Ok(found)
}

impl Elsewhere {
    fn add(&mut self, clash: Clash) {
        let shared = self.shared.entry(clash.there.batch.clone()).or_default();
        if clash.differs.is_empty() {
            shared.same += 1;
        } else {
            shared.other += 1;
        }
        if self.clashes.len() < KEPT {
            self.clashes.push(clash);
        }
    }
}

/// Whether `batch` pays exactly what the file pays. Its rows are read only where count and sums
/// agree.
async fn is_twin(
    store: &dyn Store,
    batch: &Batch,
    checked: &Checked,
    expected: &Payments,
) -> Result<bool, Error> {
    if batch.options.dry_run || batch.state == BatchState::Loading || batch.rows < checked.valid {
        return Ok(false);
    }
    let summary = store.summary(batch.id).await?;
    if standing_sums(&summary).as_ref() != Some(&checked.totals) {
        return Ok(false);
    }
    let mut payments = Payments::default();
    let mut pages = pages(store, batch.id);
    while let Some(page) = pages.next().await? {
        for row in page.iter().filter(|row| stands(row.payout.outcome())) {
            let Some(payee) = &row.payee else { return Ok(false) };
            payments.add(payee, &row.payout.money);
        }
    }
    Ok(payments == *expected)
}

/// Whether a row is paid, may be, or is going to be.
fn stands(outcome: Outcome) -> bool {
    outcome.may_have_moved_money() || matches!(outcome, Outcome::Pending | Outcome::Held)
}

fn standing_sums(summary: &BatchSummary) -> Option<BTreeMap<Currency, Amount>> {
    let mut sums = BTreeMap::new();
    for (currency, total) in &summary.totals {
        let mut sum = Amount::default();
        for outcome in Outcome::ALL.iter().filter(|outcome| stands(**outcome)) {
            sum = sum.checked_add(total.of(*outcome))?;
        }
        if !sum.is_zero() {
            sums.insert(currency.clone(), sum);
        }
    }
    Some(sums)
}

/// Accounts and amounts, each as often as it occurs and in no order: the sum of their hashes.
#[derive(Debug, Default, PartialEq, Eq)]
struct Payments {
    count: u64,
    sum: u128,
}

impl Payments {
    fn add(&mut self, payee: &Payee, money: &Money) {
        let text = format!(
            "{}\n{}\n{}\n{}",
            payee.bic,
            payee.bank_account_number.expose(),
            money.amount(),
            money.currency()
        );
        let mut half = [0; 16];
        half.copy_from_slice(&Sha256::digest(text)[..16]);
        self.sum = self.sum.wrapping_add(u128::from_be_bytes(half));
        self.count += 1;
    }
}
