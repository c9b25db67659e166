//! Khmer clusters in one order.
//!
//! A cluster is a consonant (or an independent vowel) with what is stacked on it. The same cluster
//! can be typed in several orders that look alike; here it is always: base, consonants below (រ
//! last), robat, register shifter, vowel, other signs by code point. Beyond the order, whatever
//! looks the same becomes the same: a repeated sign, េ with ា for ោ, េ with ី for ើ, ដ for ត below
//! another consonant, and ុ below a vowel that stands above, where it is the shape of a register
//! shifter.

/// Makes the next consonant stand below the one before.
const COENG: char = '\u{17D2}';
const ROBAT: char = '\u{17CC}';
const RO: char = 'រ';
const MUUSIKATOAN: char = '\u{17C9}';
const TRIISAP: char = '\u{17CA}';
const U: char = '\u{17BB}';

/// One cluster, taken apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Cluster {
    /// The base and the consonants below it. Empty only where a sign has no base.
    pub(super) letters: Vec<char>,
    /// An ៌ above.
    pub(super) robat: bool,
    /// ៉ or ៊.
    pub(super) shifter: Option<char>,
    /// Dependent vowels; more than one only in broken text.
    pub(super) vowels: Vec<char>,
    /// Signs such as ំ ះ ់ ័ ៍.
    pub(super) signs: Vec<char>,
}

impl Cluster {
    /// True where the cluster has the first register (`a`), false for the second (`o`).
    ///
    /// A shifter decides; otherwise the last consonant that is not a sonorant, or else the base.
    pub(super) fn is_first_register(&self) -> bool {
        match self.shifter {
            Some(shifter) => shifter == MUUSIKATOAN,
            None => {
                let decides = self.letters.iter().rev().find(|letter| !is_sonorant(**letter));
                decides.or(self.letters.first()).is_none_or(|letter| is_first_register(*letter))
            }
        }
    }

    /// True where the cluster says its vowel itself: a consonant without a sign may end a syllable.
    pub(super) fn has_vowel(&self) -> bool {
        !self.vowels.is_empty()
            || self.signs.iter().any(|sign| matches!(sign, 'ំ' | 'ះ' | 'ៈ' | '័'))
            || self.letters.last().is_some_and(|letter| is_independent_vowel(*letter))
    }

    fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn settle(mut self) -> Self {
        let below = self.letters.get_mut(1..).unwrap_or_default();
        below.iter_mut().filter(|letter| **letter == 'ដ').for_each(|letter| *letter = 'ត');
        below.sort_by_key(|letter| *letter == RO);
        for marks in [&mut self.vowels, &mut self.signs] {
            marks.sort_unstable();
            marks.dedup();
        }
        match *self.vowels {
            ['\u{17B6}', '\u{17C1}'] => self.vowels = vec!['\u{17C4}'],
            ['\u{17B8}', '\u{17C1}'] => self.vowels = vec!['\u{17BE}'],
            ['\u{17B7}'..='\u{17BA}', U] | [U, '\u{17BE}'] if self.shifter.is_none() => {
                let shifter = if self.is_first_register() { TRIISAP } else { MUUSIKATOAN };
                self.shifter = Some(shifter);
                self.vowels.retain(|vowel| *vowel != U);
            }
            _ => {}
        }
        self
    }

    fn write(&self, out: &mut String) {
        for (place, letter) in self.letters.iter().enumerate() {
            if place > 0 {
                out.push(COENG);
            }
            out.push(*letter);
        }
        out.extend(self.robat.then_some(ROBAT));
        out.extend(self.shifter);
        out.extend(&self.vowels);
        out.extend(&self.signs);
    }
}

/// The clusters of a word, each in canonical order.
pub(super) fn clusters(word: &str) -> Vec<Cluster> {
    let (mut clusters, mut cluster) = (Vec::new(), Cluster::default());
    let mut rest = word.chars().peekable();
    while let Some(sign) = rest.next() {
        match sign {
            COENG if !cluster.letters.is_empty() => match rest.next_if(|next| is_letter(*next)) {
                Some(letter) => cluster.letters.push(letter),
                None => cluster.signs.push(COENG),
            },
            letter if is_letter(letter) => {
                clusters.push(std::mem::take(&mut cluster));
                cluster.letters.push(letter);
            }
            ROBAT => cluster.robat = true,
            MUUSIKATOAN | TRIISAP if cluster.shifter.is_none_or(|shifter| shifter == sign) => {
                cluster.shifter = Some(sign);
            }
            '\u{17B6}'..='\u{17C5}' => cluster.vowels.push(sign),
            other => cluster.signs.push(other),
        }
    }
    clusters.push(cluster);
    clusters.retain(|cluster| !cluster.is_empty());
    clusters.into_iter().map(Cluster::settle).collect()
}

/// The word in canonical order; words of other scripts as they are.
pub(super) fn canonical(word: &str) -> String {
    if !word.chars().all(is_khmer) {
        return word.to_owned();
    }
    let mut out = String::with_capacity(word.len());
    clusters(word).iter().for_each(|cluster| cluster.write(&mut out));
    out
}

/// Appends a letter; the two deprecated ones and a variant become those that people use.
pub(super) fn push_modern(word: &mut String, letter: char) {
    match letter {
        '\u{17A3}' => word.push('\u{17A2}'),
        '\u{17A4}' => word.push_str("\u{17A2}\u{17B6}"),
        '\u{17B2}' => word.push('\u{17B1}'),
        other => word.push(other),
    }
}

/// Letters and signs of Khmer words; no digits, no punctuation.
pub(super) fn is_khmer(c: char) -> bool {
    matches!(c, '\u{1780}'..='\u{17D3}' | '\u{17D7}' | '\u{17DC}' | '\u{17DD}')
}

/// Consonants and independent vowels: what a cluster begins with.
pub(super) fn is_letter(c: char) -> bool {
    matches!(c, '\u{1780}'..='\u{17B3}')
}

/// Vowels that need no consonant.
pub(super) fn is_independent_vowel(c: char) -> bool {
    matches!(c, '\u{17A5}'..='\u{17B3}')
}

/// Consonants that leave the register to the one that they stand with.
pub(super) fn is_sonorant(c: char) -> bool {
    "ងញនមយរលវ".contains(c)
}

fn is_first_register(c: char) -> bool {
    "កខចឆដឋណតថបផសហឡអ".contains(c) || is_independent_vowel(c)
}

#[cfg(test)]
mod tests {
    use super::canonical;

    #[test]
    fn what_looks_alike_becomes_the_same() {
        for (typed, usual) in [
            ("ដារា\u{17C9}", "ដារ\u{17C9}ា"),
            ("ស\u{17D2}រ\u{17D2}តី", "ស\u{17D2}ត\u{17D2}រី"),
            ("សត\u{17D2}ដា", "សត\u{17D2}តា"),
            ("ស\u{17C1}\u{17B6}ភា", "ស\u{17C4}ភា"),
            ("ស\u{17B6}\u{17C1}ភា", "ស\u{17C4}ភា"),
            ("ប\u{17C1}\u{17B8}", "ប\u{17BE}"),
            ("សុី", "ស\u{17CA}ី"),
            ("មុីន", "ម\u{17C9}ីន"),
            ("ស\u{17C6}\u{17BB}", "ស\u{17BB}\u{17C6}"),
            ("រ\u{17C9}\u{17C9}ា", "រ\u{17C9}ា"),
            ("ធម\u{17CC}", "ធម\u{17CC}"),
        ] {
            assert_eq!(canonical(typed), canonical(usual), "{typed} / {usual}");
        }
        assert_eq!(canonical("ស\u{17D2}រី"), "ស\u{17D2}រី");
    }

    #[test]
    fn what_differs_stays_different() {
        for (one, other) in
            [("ស៊ុន", "សុន"), ("ចាន់", "ចាន"), ("តារា", "ដារា"), ("ស\u{17D2}", "ស"), ("សុំ", "សំ")]
        {
            assert_ne!(canonical(one), canonical(other), "{one} / {other}");
        }
    }
}
