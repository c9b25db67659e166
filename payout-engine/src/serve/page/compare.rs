//! Two names side by side, with the words marked that have no match on the other side.
//!
//! A word counts as matched by the same rules as names are compared at all, so that the page marks
//! what the engine held the row for.

use crate::names::{NameMatch, compare_names};

/// A word of a name.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) text: String,
    /// `same`, `close` or `other`.
    pub(super) tone: &'static str,
}

/// The words of `name`, each held against those of `other`.
pub(super) fn words(name: &str, other: &str) -> Vec<Word> {
    let others: Vec<&str> = other.split_whitespace().collect();
    let tone = |word: &str| {
        let best = others.iter().map(|other| compare_names(word, other)).max();
        match best.unwrap_or(NameMatch::NoMatch) {
            NameMatch::Match => "same",
            NameMatch::Close => "close",
            NameMatch::NoMatch => "other",
        }
    };
    let words = name.split_whitespace();
    words.map(|word| Word { tone: tone(word), text: word.to_owned() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(name: &str, other: &str) -> Vec<(String, &'static str)> {
        words(name, other).into_iter().map(|word| (word.text, word.tone)).collect()
    }

    #[test]
    fn words_without_a_match_are_marked_whatever_their_order_and_script() {
        let same = |text: &str| (text.to_owned(), "same");
        assert_eq!(marked("Sok Dara", "DARA SOK"), [same("Sok"), same("Dara")]);
        assert_eq!(marked("Sok Dara", "សុខ ដារ៉ា"), [same("Sok"), same("Dara")]);
        let other = ("Rithy".to_owned(), "other");
        assert_eq!(marked("Sok Rithy", "SOK DARA"), [same("Sok"), other]);
        assert_eq!(marked("Sok", ""), [("Sok".to_owned(), "other")]);
    }
}
