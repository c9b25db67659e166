//! A name as a list of words, without whatever does not tell people apart.

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

use super::{
    khmer::{self, Cluster},
    latin,
    romanise::Reading,
};

/// Beyond these sizes names are compared for equality only.
const MAX_CHARS: usize = 120;
const MAX_WORDS: usize = 6;

/// Nobody has more titles; whatever comes then is taken for names.
const MAX_TITLES: usize = 4;

/// A name in comparable form.
#[derive(Debug)]
pub(super) struct Name {
    /// The words, without titles.
    pub(super) words: Vec<Word>,
    /// Whether the name is short enough for more than equality.
    pub(super) bounded: bool,
    /// The accents that were taken off Latin letters, in order.
    accents: Vec<(char, char)>,
    sex: Option<Sex>,
}

/// One word of a name.
#[derive(Debug)]
pub(super) struct Word {
    /// Capitals without accents, or Khmer in canonical order.
    pub(super) text: String,
    pub(super) form: Form,
}

/// What can be compared besides the text.
#[derive(Debug)]
pub(super) enum Form {
    /// ASCII letters; the spelling is evened out.
    Latin { spelling: String },
    /// Khmer; without a reading where a sign has no sound that we know.
    Khmer { clusters: Vec<Cluster>, reading: Option<Reading> },
    /// Other scripts and numbers: equal or not.
    Other,
}

/// What a title says about its bearer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sex {
    Female,
    Male,
}

impl Name {
    pub(super) fn read(name: &str) -> Self {
        let (mut texts, accents) = split(name);
        let mut sex = None;
        for _ in 0..MAX_TITLES {
            let Some(title) = strip_title(&mut texts) else { break };
            sex = sex.or(title.sex);
        }
        let bounded = texts.len() <= MAX_WORDS
            && texts.iter().map(|text| text.chars().count()).sum::<usize>() <= MAX_CHARS;
        let words = texts.into_iter().map(|text| Word::new(text, bounded)).collect();
        Self { words, bounded, accents, sex }
    }

    /// True where titles or accents of both names exclude each other (`MR` and `MRS`, `HÙNG` and
    /// `HƯNG`). A name without them excludes nothing.
    pub(super) fn contradicts(&self, other: &Self) -> bool {
        let accents = !self.accents.is_empty() && !other.accents.is_empty();
        (accents && self.accents != other.accents)
            || matches!((self.sex, other.sex), (Some(one), Some(two)) if one != two)
    }
}

impl Word {
    fn new(text: String, bounded: bool) -> Self {
        let form = if !bounded {
            Form::Other
        } else if text.chars().all(khmer::is_khmer) {
            let clusters = khmer::clusters(&text);
            let reading = Reading::of(&clusters);
            Form::Khmer { clusters, reading }
        } else if text.bytes().all(|byte| byte.is_ascii_alphabetic()) {
            Form::Latin { spelling: latin::spelling(&text) }
        } else {
            Form::Other
        };
        Self { text, form }
    }
}

/// The words as text, and the accents that Latin letters lost on the way.
fn split(name: &str) -> (Vec<String>, Vec<(char, char)>) {
    let (mut words, mut word, mut accents) = (Vec::new(), String::new(), Vec::new());
    let letters = name
        .chars()
        .filter(|c| !is_dropped(*c))
        // There and back: letters with several capitals or none end the same way.
        .flat_map(char::to_lowercase)
        .flat_map(char::to_uppercase)
        .nfkd()
        .filter(|c| !is_dropped(*c));
    for letter in letters {
        let before = word.chars().next_back();
        match (before, letter) {
            (Some(base), '\u{300}'..='\u{36F}') if base.is_ascii_alphabetic() => {
                accents.push((base, letter));
            }
            (_, 'Đ' | 'Ø' | 'Ł') => {
                let plain = match letter {
                    'Đ' => 'D',
                    'Ø' => 'O',
                    _ => 'L',
                };
                accents.push((plain, letter));
                word.push(plain);
            }
            (_, 'Æ') => word.push_str("AE"),
            (_, 'Œ') => word.push_str("OE"),
            (_, '\u{17E0}'..='\u{17E9}') => {
                end_word(&mut words, &mut word, !before.is_some_and(khmer::is_khmer));
                word.extend(char::from_digit(u32::from(letter) - 0x17E0, 10));
            }
            _ if letter.is_alphanumeric() || is_combining_mark(letter) || letter == 'ៗ' => {
                let same = before.is_none_or(|c| khmer::is_khmer(c) == khmer::is_khmer(letter));
                end_word(&mut words, &mut word, same);
                khmer::push_modern(&mut word, letter);
            }
            _ => end_word(&mut words, &mut word, false),
        }
    }
    end_word(&mut words, &mut word, false);
    accents.sort_unstable();
    (words, accents)
}

/// Ends the word unless it goes on. Khmer is put into canonical order, because titles are looked up
/// next.
fn end_word(words: &mut Vec<String>, word: &mut String, goes_on: bool) {
    if !goes_on && !word.is_empty() {
        words.push(khmer::canonical(&std::mem::take(word)));
    }
}

/// Apostrophes, which some people write inside a name, and characters that nobody sees: zero-width
/// spaces and joiners, marks of direction, the soft hyphen, the byte-order mark, variation
/// selectors, tags, and the inherent vowels of Khmer.
fn is_dropped(c: char) -> bool {
    matches!(c, '\'' | '`' | '\u{B4}' | '\u{2B9}'..='\u{2BF}' | '\u{2018}'..='\u{201B}' | '\u{2032}'
        | '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{17B4}' | '\u{17B5}' | '\u{180B}'..='\u{180F}'
        | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
        | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{E0000}'..='\u{E0FFF}')
}

/// A title in front of a name, or behind it.
#[derive(Debug)]
struct Title {
    words: &'static [&'static str],
    sex: Option<Sex>,
    /// It is a name as well: a title only in front of two words at least.
    name_too: bool,
}

const fn title(words: &'static [&'static str], sex: Option<Sex>) -> Title {
    Title { words, sex, name_too: false }
}

const fn title_or_name(words: &'static [&'static str], sex: Option<Sex>) -> Title {
    Title { words, sex, name_too: true }
}

/// The titles, those first that begin with another one.
const TITLES: &[Title] = &[
    title(&["MISTER"], Some(Sex::Male)),
    title(&["MISS"], Some(Sex::Female)),
    title(&["MRS"], Some(Sex::Female)),
    title(&["MME"], Some(Sex::Female)),
    title(&["MADAME"], Some(Sex::Female)),
    title(&["MADAM"], Some(Sex::Female)),
    title(&["MR"], Some(Sex::Male)),
    title(&["MS"], Some(Sex::Female)),
    title(&["DR"], None),
    title(&["PROF"], None),
    title_or_name(&["H", "E"], None),
    title_or_name(&["EK", "OUDOM"], Some(Sex::Male)),
    title_or_name(&["EK", "UDOM"], Some(Sex::Male)),
    title(&["EKOUDOM"], Some(Sex::Male)),
    title(&["LOKCHUMTEAV"], Some(Sex::Female)),
    title_or_name(&["LOK", "CHUMTEAV"], Some(Sex::Female)),
    title(&["LOKSREY"], Some(Sex::Female)),
    title_or_name(&["LOK", "SREY"], Some(Sex::Female)),
    title(&["NEAKSREY"], Some(Sex::Female)),
    title_or_name(&["NEAK", "SREY"], Some(Sex::Female)),
    title_or_name(&["NEAK", "OKNHA"], None),
    title_or_name(&["LOK"], Some(Sex::Male)),
    title(&["OKNHA"], None),
    title_or_name(&["KANHA"], Some(Sex::Female)),
    title(&["លោកជំទាវ"], Some(Sex::Female)),
    title(&["លោកឧកញ៉ា"], Some(Sex::Male)),
    title(&["លោកស្រី"], Some(Sex::Female)),
    title(&["លោក", "ស្រី"], Some(Sex::Female)),
    title(&["លោក"], Some(Sex::Male)),
    title(&["អ្នកឧកញ៉ា"], None),
    title(&["អ្នកស្រី"], Some(Sex::Female)),
    title(&["អ្នកនាង"], Some(Sex::Female)),
    title(&["ឯកឧត្តម"], Some(Sex::Male)),
    title(&["ឯ", "ឧ"], Some(Sex::Male)),
    title(&["ឧកញ៉ា"], None),
    title(&["វេជ្ជបណ្ឌិត"], None),
    title_or_name(&["បណ្ឌិត"], None),
    title_or_name(&["កញ្ញា"], Some(Sex::Female)),
];

/// Takes one title off the front or the end of a name; never all of the name.
fn strip_title(words: &mut Vec<String>) -> Option<&'static Title> {
    for title in TITLES {
        let left = words.len().saturating_sub(title.words.len());
        let enough = left >= if title.name_too { 2 } else { 1 };
        if enough && words.iter().zip(title.words).all(|(word, part)| word == part) {
            words.drain(..title.words.len());
            return Some(title);
        }
        if enough && !title.name_too && words[left..] == *title.words {
            words.truncate(left);
            return Some(title);
        }
        // Khmer is written without blanks: the title and the name can be one word.
        if let ([part], Some(first), false) = (title.words, words.first_mut(), title.name_too)
            && let Some(rest) = first.strip_prefix(part)
            && part.chars().all(khmer::is_khmer)
            && rest.starts_with(khmer::is_letter)
            && khmer::clusters(rest).len() >= 2
        {
            *first = rest.to_owned();
            return Some(title);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{TITLES, khmer, split};

    #[test]
    fn titles_are_written_as_they_are_looked_up() {
        for part in TITLES.iter().flat_map(|title| title.words) {
            assert_eq!(split(part).0, [*part], "{part}");
            assert_eq!(khmer::canonical(part), *part);
        }
    }
}
