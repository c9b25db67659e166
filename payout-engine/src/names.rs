//! Is the account in the name that the file expects?
//!
//! Two names are the same here if the same words stand in both, in any order, whatever the case, the
//! blanks and the invisible characters between them: banks print the family name first or last, in
//! capitals, and Khmer text comes with zero-width spaces. Nothing is guessed beyond that; a person
//! decides about the rest.

use unicode_normalization::UnicodeNormalization;

/// True where both names consist of the same words.
///
/// ```
/// use payout_engine::same_holder;
/// assert!(same_holder("Sok Dara", "DARA  SOK"));
/// assert!(!same_holder("Sok Dara", "Sok Dararith"));
/// ```
pub fn same_holder(expected: &str, found: &str) -> bool {
    let (expected, found) = (words(expected), words(found));
    !expected.is_empty() && expected == found
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

#[cfg(test)]
mod tests {
    use super::same_holder;

    #[test]
    fn words_decide_not_how_they_are_printed() {
        for (expected, found, same) in [
            ("Sok Dara", "SOK DARA", true),
            ("Sok Dara", "Dara Sok", true),
            (" Sok\u{a0} Dara ", "sok dara", true),
            ("TESTING-ABA-KESS", "Testing Aba Kess", true),
            ("សុខ\u{200b}ដារ៉ា", "សុខដារ៉ា", true),
            ("Rene\u{301} Lim", "RENÉ LIM", true),
            ("Sok Dara", "Sok Dararith", false),
            ("Sok Dara", "Sok", false),
            ("Dara Dara", "Dara", false),
            ("", "", false),
        ] {
            assert_eq!(same_holder(expected, found), same, "{expected} / {found}");
        }
    }
}
