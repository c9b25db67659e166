//! Is the account in the name that the file expects?
//!
//! A pure comparison of two printed names, made for Cambodia: banks print names in Khmer or in
//! Latin letters, family name first or last, in capitals, with titles and initials, with invisible
//! characters.
//!
//! The steps, each in a module of its own:
//!
//! 1. [`words`] cuts a name into words without titles, case, accents, punctuation and invisible
//!    characters.
//! 2. [`khmer`] brings the signs of each Khmer cluster into one order; [`latin`] evens out the
//!    spellings of Latin words; [`romanise`] knows how Khmer words are written in Latin letters.
//! 3. [`pairing`] pairs the words of one name with those of the other and counts what is doubtful.
//!
//! # What is a match
//! [`NameMatch::Match`] is certain up to the conventions of spelling: every word of one name stands
//! in the other, and nothing had to be assumed. A wrong match lets money go to a stranger where
//! `--name-match strict` was to prevent it, so any assumption (an initial, a word that one side
//! leaves out, a typing slip, a vowel that is often written otherwise) makes [`NameMatch::Close`],
//! which is for a person to decide. `strict` holds whatever is not a match; `warn` records it and
//! pays.
//!
//! It is no proof of identity: two people can have one name, and `SOK CHAN` is taken for `CHAN
//! SOK`.

mod khmer;
mod latin;
mod pairing;
mod romanise;
mod words;

use words::Name;

/// How well the holder whom the bank names agrees with the one whom the file expects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NameMatch {
    /// Different people as far as their names say, or one of the names is blank.
    NoMatch,
    /// Probably one person; somebody has to look.
    Close,
    /// One person, up to the conventions of spelling.
    Match,
}

/// Compares the holder whom the file expects with the one whom the bank answers (`owner_name` of
/// `verifybankaccount`).
///
/// The order of the two does not matter, and nothing makes it panic. Names of more than 120 letters
/// or 6 words match only if their words are equal, so that no input takes long.
///
/// ```
/// use payout_engine::{NameMatch, compare_names};
///
/// assert_eq!(compare_names("Sok Dara", "MR. DARA  SOK"), NameMatch::Match);
/// assert_eq!(compare_names("Sok Dara", "សុខ ដារ៉ា"), NameMatch::Match);
/// assert_eq!(compare_names("Sok Dara", "S. DARA"), NameMatch::Close);
/// assert_eq!(compare_names("Sok Dara", "SOK DARO"), NameMatch::NoMatch);
/// ```
pub fn compare_names(expected: &str, verified: &str) -> NameMatch {
    let (expected, verified) = (Name::read(expected), Name::read(verified));
    if expected.words.is_empty() || verified.words.is_empty() {
        return NameMatch::NoMatch;
    }
    match pairing::pair(&expected, &verified) {
        NameMatch::Match if expected.contradicts(&verified) => NameMatch::Close,
        found => found,
    }
}
