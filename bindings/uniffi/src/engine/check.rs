//! What is found in a file before it is paid: [`CheckReport`].

use std::collections::HashMap;

use kess_gateway::Amount;
use payout_engine::intake::Checked;

/// What is found in a file.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct CheckReport {
    /// How many rows there are.
    pub rows: u64,
    /// How many of them can be paid.
    pub valid: u64,
    /// Sums of the valid rows by currency.
    pub totals: HashMap<String, Amount>,
    /// What stands against the file, by line. Where there is nothing, it can be paid.
    pub problems: Vec<Finding>,
    /// What is odd and does not hinder, by line.
    pub warnings: Vec<Finding>,
}

/// Something found in a file.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Finding {
    /// The line of the file, from 1.
    pub line: u64,
    /// The row, if it is about one.
    pub row: Option<u64>,
    /// The column, if it is about one.
    pub column: Option<String>,
    /// What kind of finding it is, for programs.
    pub code: String,
    /// The value, as it may be shown.
    pub value: Option<String>,
    /// What was found.
    pub message: String,
    /// What to do about it.
    pub hint: String,
}

impl From<&Checked> for CheckReport {
    fn from(checked: &Checked) -> Self {
        let sum = |(currency, sum): (&kess_gateway::Currency, &Amount)| {
            (currency.as_str().to_owned(), *sum)
        };
        CheckReport {
            rows: checked.rows,
            valid: checked.valid,
            totals: checked.totals.iter().map(sum).collect(),
            problems: checked.problems.iter().map(Finding::from).collect(),
            warnings: checked.warnings.iter().map(Finding::from).collect(),
        }
    }
}

impl From<&payout_engine::intake::Finding> for Finding {
    fn from(finding: &payout_engine::intake::Finding) -> Self {
        Finding {
            line: finding.line,
            row: finding.row,
            column: finding.column.clone(),
            code: finding.code.as_str().to_owned(),
            value: finding.value.clone(),
            message: finding.message.clone(),
            hint: finding.hint.clone(),
        }
    }
}
