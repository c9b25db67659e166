//! Why a file is not paid: facts, and the words for them.
//!
//! The words are the same whoever says them, but for what a front end calls its options and
//! commands ([`Terms`]).

use std::fmt;

use kess_gateway::{Amount, Currency};

use crate::{
    elsewhere::Elsewhere,
    report::{count, plain},
    store::Conflict,
};

/// Why a file is not paid. Nothing of it was sent or written.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The file has problems, which [`crate::intake::Checked::problems`] lists.
    Invalid {
        /// Whether its other rows could be paid.
        can_skip: bool,
    },
    /// A problem concerns the file as a whole, so that no row can be skipped for it.
    BeyondRows {
        /// The physical line in which it was found.
        line: u64,
        /// What it is.
        problem: String,
    },
    /// Every row is to be skipped.
    NoValidRow,
    /// It has more or fewer rows than expected.
    Rows {
        /// How many it has.
        found: u64,
        /// How many it should have.
        expected: u64,
    },
    /// It comes to another sum than expected.
    Total {
        /// In this currency.
        currency: Currency,
        /// What its valid rows add up to.
        found: Amount,
        /// What they should.
        expected: Amount,
    },
    /// Other batches paid, may have paid or are about to pay some of its rows.
    PaidElsewhere {
        /// Which, and by which batches.
        found: Elsewhere,
        /// How many valid rows the file has.
        valid: u64,
    },
}

/// What a front end calls what a refusal speaks of. The default are the names of this library.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// The way to see every problem of a file.
    pub check: &'static str,
    /// The way to go on with a batch.
    pub resume: &'static str,
    /// [`super::Conditions::skip_invalid`].
    pub skip_invalid: &'static str,
    /// [`super::Conditions::expect_rows`].
    pub expect_rows: &'static str,
    /// [`super::Conditions::expect_total`].
    pub expect_total: &'static str,
    /// [`super::Conditions::allow_duplicate`].
    pub allow_duplicate: &'static str,
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            check: "check",
            resume: "resume",
            skip_invalid: "skip_invalid",
            expect_rows: "expect_rows",
            expect_total: "expect_total",
            allow_duplicate: "allow_duplicate",
        }
    }
}

impl Refusal {
    /// What happened. More than one line where other batches are spoken of.
    #[must_use]
    pub fn message(&self, terms: &Terms) -> String {
        match self {
            Self::Invalid { .. } => "the file was refused, nothing was sent".to_owned(),
            Self::BeyondRows { line, problem } => format!(
                "line {line} cannot be skipped: {problem}; it concerns the file as a whole, \
                 nothing was sent"
            ),
            Self::NoValidRow => "no row of the file is valid, nothing was sent".to_owned(),
            Self::Rows { found, expected } => format!(
                "the file has {}, {} says {expected}; nothing was sent",
                count(*found, "row"),
                terms.expect_rows
            ),
            Self::Total { currency, found, expected } => format!(
                "the valid rows add up to {} {currency}, {} says {}; nothing was sent",
                plain(*found, currency),
                terms.expect_total,
                plain(*expected, currency)
            ),
            Self::PaidElsewhere { found, valid } => paid_elsewhere(found, *valid),
        }
    }

    /// What to do about it, where the message alone does not say so.
    #[must_use]
    pub fn hint(&self, terms: &Terms) -> Option<String> {
        match self {
            Self::Invalid { can_skip: true } => {
                let skip = terms.skip_invalid;
                Some(format!("repair the file, or pay the valid rows only with {skip}"))
            }
            Self::Invalid { can_skip: false } | Self::BeyondRows { .. } | Self::NoValidRow => {
                Some(format!("repair the file; `{}` shows all that is wrong", terms.check))
            }
            Self::Rows { .. } | Self::Total { .. } => None,
            Self::PaidElsewhere { .. } => Some(format!(
                "go on with a batch that is not finished ({}), or remove these rows; if they are \
                 meant to be paid besides, say why with {}",
                terms.resume, terms.allow_duplicate
            )),
        }
    }

    /// What was found in other batches, if that is why.
    #[must_use]
    pub fn elsewhere(&self) -> Option<&Elsewhere> {
        match self {
            Self::PaidElsewhere { found, .. } => Some(found),
            _ => None,
        }
    }
}

fn paid_elsewhere(found: &Elsewhere, valid: u64) -> String {
    let mut lines = Vec::new();
    for (batch, shared) in &found.shared {
        if shared.same == valid {
            lines.push(format!("this is batch {batch} again: every row is one of its rows"));
        } else if shared.same > 0 {
            lines.push(format!("{} of batch {batch} again", count(shared.same, "row")));
        }
        if shared.other > 0 {
            let rows = count(shared.other, "row");
            lines.push(format!("{rows} with a reference of batch {batch} and other contents"));
        }
    }
    lines.extend(found.clashes.iter().map(|clash| {
        let Conflict { reference, batch, row, outcome, .. } = &clash.there;
        let differs = match clash.differs.as_slice() {
            [] => String::new(),
            columns => format!(", there with another {}", columns.join(" and ")),
        };
        format!("{reference}: {outcome} as row {row} of batch {batch}{differs}")
    }));
    if let Some(more) = found.count().checked_sub(found.clashes.len() as u64).filter(|&n| n > 0) {
        lines.push(format!("and {more} more"));
    }
    format!(
        "other batches paid, may have paid or are about to pay {} of this file; nothing was \
         sent\n  {}",
        count(found.count(), "row"),
        lines.join("\n  ")
    )
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message(&Terms::default()))
    }
}
