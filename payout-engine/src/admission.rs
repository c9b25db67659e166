//! Admission: may this file be paid, and as which batch?
//!
//! Every front end that takes files in asks here, so that a file is refused for the same reasons
//! whichever way it came. [`Conditions::check_file`] looks at the file alone,
//! [`Conditions::check_elsewhere`] at what other batches have to do with it, and
//! [`Conditions::take_in`] makes a batch of it; between them a front end may ask a person.
//!
//! What is in a file says [`crate::intake`], and what is in other batches [`crate::elsewhere()`];
//! here is decided what of it counts against the file.
//!
//! Invariant: before [`Conditions::take_in`] nothing is written, and a file that does not meet the
//! conditions never becomes a batch.

mod refusal;

use jiff::Timestamp;
use kess_gateway::{Amount, Currency};

pub use refusal::{Refusal, Terms};

use crate::{
    batch::{Batch, BatchOptions, GatewayIdentity, NewBatch},
    elsewhere::{Elsewhere, elsewhere},
    engine::Engine,
    error::Error,
    intake::{self, Checked},
    store::Store,
};

/// What somebody wants of a file before it is paid.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Conditions {
    /// Pay the valid rows of a file that has invalid ones.
    pub skip_invalid: bool,
    /// How many rows the file has to have, the invalid ones among them.
    pub expect_rows: Option<u64>,
    /// What its valid rows of a currency have to add up to.
    pub expect_total: Vec<(Currency, Amount)>,
    /// Verify every account, move nothing: then nothing can be paid twice.
    pub dry_run: bool,
    /// Why rows may be paid that another batch paid, may have paid or is about to pay.
    pub allow_duplicate: Option<String>,
    /// Who takes the file in without starting it: the batch is paused then.
    pub paused_by: Option<String>,
}

impl Conditions {
    /// Whether the file by itself may be paid.
    ///
    /// # Errors
    /// A [`Refusal`]: problems, where they are not to be skipped or cannot be; another number of
    /// rows or another sum than expected.
    pub fn check_file(&self, checked: &Checked) -> Result<(), Error> {
        match self.refusal(checked) {
            Some(refusal) => Err(refusal.into()),
            None => Ok(()),
        }
    }

    /// Whether other batches of the store let the file be paid, and what they have to do with it:
    /// what does not hinder comes as [`Elsewhere::warnings`]. Nothing of a dry run is looked for.
    ///
    /// # Errors
    /// A [`Refusal`] where another batch has one of the file's references and no reason is given;
    /// a store or a file that cannot be read, or is no longer the one that was checked.
    pub async fn check_elsewhere(
        &self,
        store: &dyn Store,
        checked: &Checked,
    ) -> Result<Elsewhere, Error> {
        if self.dry_run {
            return Ok(Elsewhere::default());
        }
        let found = elsewhere(store, checked).await?;
        if found.count() > 0 && self.allow_duplicate.is_none() {
            return Err(Refusal::PaidElsewhere { found, valid: checked.valid }.into());
        }
        Ok(found)
    }

    /// Writes the file to the engine's store as a batch. `file_name` is what people call the file;
    /// the batch is named after it and the time, unless `name` is given. Of `options` those count
    /// that are no conditions.
    ///
    /// # Errors
    /// Those of [`Conditions::check_file`], and those of [`Engine::create`].
    pub async fn take_in(
        &self,
        engine: &Engine,
        checked: &Checked,
        file_name: &str,
        name: Option<&str>,
        options: BatchOptions,
        gateway: &GatewayIdentity,
    ) -> Result<Batch, Error> {
        self.check_file(checked)?;
        let name = match name {
            Some(name) => name.to_owned(),
            None => free_name(&**engine.store(), file_name, Timestamp::now()).await?,
        };
        let options = BatchOptions {
            dry_run: self.dry_run,
            allow_duplicate: self.allow_duplicate.clone(),
            ..options
        };
        let source = format!("{file_name} (sha256 {})", checked.sha256);
        let new = NewBatch { name, options, source, paused_by: self.paused_by.clone() };
        engine.create(&new, gateway, intake::load(checked)?).await
    }

    fn refusal(&self, checked: &Checked) -> Option<Refusal> {
        let can_skip = checked.can_skip_problems();
        if !checked.is_good() && !self.skip_invalid {
            return Some(Refusal::Invalid { can_skip });
        }
        if !checked.is_good() && !can_skip {
            return Some(match checked.beyond_rows() {
                Some(problem) => {
                    Refusal::BeyondRows { line: problem.line, problem: problem.message.clone() }
                }
                None => Refusal::NoValidRow,
            });
        }
        let found = checked.rows;
        if let Some(expected) = self.expect_rows.filter(|&expected| expected != found) {
            return Some(Refusal::Rows { found, expected });
        }
        self.expect_total.iter().find_map(|(currency, expected)| {
            let found = checked.totals.get(currency).copied().unwrap_or_default();
            let (currency, expected) = (currency.clone(), *expected);
            (found != expected).then_some(Refusal::Total { currency, found, expected })
        })
    }
}

/// The name of a batch, blanks around it left out.
///
/// # Errors
/// A name that is empty, longer than 100 characters, or has others in it than letters, digits,
/// blanks, `-`, `_` and `.`.
pub fn batch_name(text: &str) -> Result<String, Error> {
    // Khmer vowels and signs are no letters to Unicode.
    let khmer = '\u{1780}'..='\u{17d3}';
    let allowed = |c| char::is_alphanumeric(c) || khmer.contains(&c) || "-_. ".contains(c);
    if text.trim().is_empty() || text.chars().count() > 100 || !text.chars().all(allowed) {
        let rule = "a batch's name is 1 to 100 letters, digits, blanks, `-`, `_` and `.`";
        return Err(Error::config(rule));
    }
    Ok(text.trim().to_owned())
}

/// The file's name and the time, and a number where that is taken.
async fn free_name(store: &dyn Store, file_name: &str, now: Timestamp) -> Result<String, Error> {
    let stem = std::path::Path::new(file_name).file_stem().unwrap_or_default().to_string_lossy();
    let name = format!("{stem}-{}", now.strftime("%Y%m%d-%H%M%S"));
    let taken: Vec<_> = store.batches().await?.into_iter().map(|batch| batch.name).collect();
    let mut candidates = (2..).map(|number| format!("{name}-{number}"));
    let mut free = name.clone();
    while taken.contains(&free) {
        free = candidates.next().unwrap_or_default();
    }
    Ok(free)
}

#[cfg(test)]
mod tests;
