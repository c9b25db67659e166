//! Is the account in the name that the file expects?
//!
//! A pure comparison of two printed names. [`NameMatch::Match`] says that the same words stand in
//! both; whatever needs a person's eyes is less than that.

use unicode_normalization::UnicodeNormalization;

/// How well the holder that the bank names agrees with the one that the file expects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NameMatch {
    /// Two different people, as far as their names say, or one of the names is blank.
    NoMatch,
    /// Probably one person; somebody has to look.
    Close,
    /// One person, up to the conventions of spelling.
    Match,
}

/// Compares the holder that the file expects with the one that the bank answers
/// (`owner_name` of `verifybankaccount`). Symmetric; never panics.
///
/// ```
/// use payout_engine::{NameMatch, compare_names};
/// assert_eq!(compare_names("Sok Dara", "DARA  SOK"), NameMatch::Match);
/// assert_eq!(compare_names("Sok Dara", "SOK DARO"), NameMatch::NoMatch);
/// ```
pub fn compare_names(expected: &str, verified: &str) -> NameMatch {
    let (expected, verified) = (words(expected), words(verified));
    if !expected.is_empty() && expected == verified { NameMatch::Match } else { NameMatch::NoMatch }
}

/// The words of a name in normal form (NFC), upper case, without invisible characters, sorted.
fn words(name: &str) -> Vec<String> {
    let visible: String =
        name.chars().filter(|c| !is_invisible(*c)).nfc().flat_map(char::to_uppercase).collect();
    let mut words: Vec<String> = visible
        .split(|c: char| c.is_whitespace() || matches!(c, '.' | ',' | '-' | '_' | '/' | '\''))
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect();
    words.sort();
    words
}

/// Zero-width spaces and joiners, direction marks, soft hyphen, byte-order mark.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2064}'
        | '\u{00AD}' | '\u{FEFF}')
}
