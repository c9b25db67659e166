//! What a person decided about a row that was held, and why.
//!
//! A decision is about one cause: who releases a row because of its holder's name has said nothing
//! about another batch that paid the same reference. Decisions are kept with the row, oldest first,
//! and none is ever taken back.

use serde::{Deserialize, Serialize};

use crate::error::Error;

/// The code of a hold because the bank names another holder than the file.
pub(crate) const HOLDER_NAME: &str = "holder_name";

/// The code of a hold because the account is in another currency than the payout. The bank converts
/// what arrives, at its own rate: only a person can know that this is meant.
pub(crate) const ACCOUNT_CURRENCY: &str = "account_currency";

/// Which way a person decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ruling {
    /// The row may be paid in spite of what it was held for.
    Released,
    /// The row is given up.
    Rejected,
}

/// A person's decision about a held row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    /// Which way.
    pub ruling: Ruling,
    /// The code of the reason for which the row was held.
    pub about: String,
    /// Who decided.
    pub by: String,
    /// Why, in one line.
    pub reason: String,
}

/// What a person gives as a reason, blanks around it left out.
///
/// # Errors
/// A text that is empty, longer than 500 characters, or more than one line.
pub fn reason_line(text: &str) -> Result<String, Error> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > 500 || text.chars().any(char::is_control) {
        return Err(Error::config("a reason is one line of 1 to 500 characters"));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_one_line() {
        assert_eq!(reason_line(" seen the passport ").unwrap(), "seen the passport");
        for bad in ["", " ", "a\nb", &"n".repeat(501)] {
            assert!(reason_line(bad).is_err(), "{bad}");
        }
    }
}
