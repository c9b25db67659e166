//! Latin spellings of one word.
//!
//! Two levels. [`spelling`] evens out what is mere convention and tells nobody apart: doubled
//! consonants (`VANNA`, `VANA`), `Y`, `I` and `EE` for one vowel (`LY`, `LI`, `LEE`), an `H` at the
//! end that is not heard (`SOKH`, `VANNAH`, `PISETH`). [`is_near`] and [`is_slip`] see likenesses
//! that two people can have (`SUK` and `SOK`), so that they only ever make a name close.

/// The word with its conventions evened out. `word` is ASCII capitals.
///
/// Kept apart, because they are other names: `K` and `KH`, `T` and `TH`, `P` and `PH`, `CH` and
/// `CHH` in front of a vowel; `N` and `NH` at the end; `Y` in front of a vowel (`YEM`, `IEM`).
pub(super) fn spelling(word: &str) -> String {
    let mut out = String::with_capacity(word.len());
    let mut letters = word.chars().peekable();
    while let Some(letter) = letters.next() {
        let consonant = letters.peek().is_some_and(|next| is_vowel(*next));
        let letter = if letter == 'Y' && !consonant { 'I' } else { letter };
        match (out.chars().next_back(), letter) {
            (Some('E'), 'E') => {
                out.pop();
                out.push('I');
            }
            (Some('I'), 'I') => {}
            (Some(before), _) if before == letter && letter != 'H' && !is_vowel(letter) => {}
            _ => out.push(letter),
        }
    }
    let mut from_end = out.chars().rev();
    let silent = from_end.next() == Some('H')
        && match (from_end.next(), from_end.next()) {
            (Some(before), Some(_)) if is_vowel(before) => true,
            (Some('K' | 'T' | 'P'), Some(_)) => true,
            (Some('H'), Some('C')) => true,
            _ => false,
        };
    if silent {
        out.pop();
    }
    out
}

/// True where only vowels differ that are often written for one another, or `V` and `W`.
pub(super) fn is_near(one: &str, other: &str) -> bool {
    one.len().min(other.len()) >= 3 && skeleton(one) == skeleton(other)
}

/// The spelling with each run of vowels replaced by its class.
fn skeleton(spelling: &str) -> String {
    let mut out = String::new();
    let mut rest = spelling;
    while !rest.is_empty() {
        let vowels = rest.chars().take_while(|letter| is_vowel(*letter)).count();
        let length = vowels.max(1);
        out.push_str(match &rest[..length] {
            "W" => "V",
            "E" | "I" | "AE" => "i",
            "EA" | "IA" | "IE" | "IEA" => "ia",
            "O" | "U" | "OU" | "UO" | "OO" => "o",
            "AO" | "AU" => "ao",
            "EO" | "EU" | "OE" | "OEU" | "EOU" | "UE" => "eu",
            "OI" | "UI" | "OUI" | "UOI" => "oi",
            "EI" | "AI" => "ai",
            run => run,
        });
        rest = &rest[length..];
    }
    out
}

/// True for one slip of the fingers in a long word: a letter too many, missing or wrong in a word
/// of seven or more, two letters swapped in a word of five or more.
pub(super) fn is_slip(one: &str, other: &str) -> bool {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let (short, long) = if one.len() <= other.len() { (&one, &other) } else { (&other, &one) };
    let same = short.iter().zip(long).take_while(|(a, b)| a == b).count();
    let (short_rest, long_rest) = (&short[same..], &long[same..]);
    match (short_rest, long_rest) {
        ([a, b, short_end @ ..], [c, d, long_end @ ..]) if a == d && b == c && a != b => {
            (short_end == long_end && long.len() >= 5)
                || (is_one_edit(short_rest, long_rest) && long.len() >= 7)
        }
        _ => long.len() >= 7 && is_one_edit(short_rest, long_rest),
    }
}

/// True where dropping or replacing the first letter of `long` makes both equal.
fn is_one_edit(short: &[char], long: &[char]) -> bool {
    match (short, long) {
        ([_, short_end @ ..], [_, long_end @ ..]) if short.len() == long.len() => {
            short_end == long_end
        }
        (_, [_, long_end @ ..]) => short == long_end,
        _ => false,
    }
}

/// True for the first letter of a word, or the letters that stand for its first sound.
pub(super) fn is_initial(word: &str) -> bool {
    word.len() == 1 || matches!(word, "CH" | "CHH" | "KH" | "PH" | "TH")
}

/// True where nobody would cut the two words elsewhere if they stood without a blank: `SOPHEAK
/// TRA`, but neither `SO KHENG` (`SOK HENG`) nor `KIM ENG` (`KI MENG`).
pub(super) fn is_clear_cut(before: &str, after: &str) -> bool {
    let (Some(last), Some(first)) = (before.chars().next_back(), after.chars().next()) else {
        return false;
    };
    let one_sound = last == first || matches!((last, first), (_, 'H' | 'Y') | ('N', 'G'));
    !is_vowel(last) && !is_vowel(first) && !one_sound
}

fn is_vowel(letter: char) -> bool {
    matches!(letter, 'A' | 'E' | 'I' | 'O' | 'U')
}

#[cfg(test)]
mod tests {
    use super::{is_clear_cut, is_slip, spelling};

    #[test]
    fn conventions_are_evened_out_and_names_are_not() {
        for (one, other, same) in [
            ("SOK", "SOKH", true),
            ("CHAN", "CHANN", true),
            ("VANNAH", "VANA", true),
            ("LY", "LEE", true),
            ("SREY", "SREI", true),
            ("PISETH", "PISET", true),
            ("CHHAY", "CHAY", false),
            ("KHIM", "KIM", false),
            ("PENH", "PEN", false),
            ("IEM", "YEM", false),
            ("SOK", "SUK", false),
            ("HH", "H", false),
        ] {
            assert_eq!(spelling(one) == spelling(other), same, "{one} / {other}");
        }
    }

    #[test]
    fn one_slip_is_one_slip() {
        for (one, other, slip) in [
            ("SOPHEAK", "SOPHEAP", true),
            ("SOPHEAK", "SOPEHAK", true),
            ("SOPHEAK", "SOPHEK", true),
            ("SOPHEAKTRA", "SOPHEAKTA", true),
            ("VEASNA", "VEANSA", true),
            ("DARA", "DARO", false),
            ("SOPHEAK", "SOPHAEP", false),
            ("SREYMOM", "SREYPOV", false),
            ("SOPHEAK", "SOPHEAKTRA", false),
        ] {
            assert_eq!(is_slip(one, other), slip, "{one} / {other}");
            assert_eq!(is_slip(other, one), slip, "{other} / {one}");
        }
    }

    #[test]
    fn a_cut_is_clear_between_two_consonants_only() {
        assert!(is_clear_cut("SOPHEAK", "TRA"));
        for (before, after) in [("SO", "KHENG"), ("SOK", "HENG"), ("KIM", "ENG"), ("SAN", "GA")] {
            assert!(!is_clear_cut(before, after), "{before} {after}");
        }
    }
}
