//! Which word of one name stands for which of the other, and what is doubtful about it.

use std::cmp::Reverse;

use super::{
    NameMatch,
    khmer::Cluster,
    latin,
    romanise::Reading,
    words::{Form, Name, Word},
};

/// How many words one word may be written as.
const MAX_PARTS: usize = 3;

/// How far two words, or one word and several, agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Agreement {
    Same,
    /// Alike, as the spellings of one person's name are.
    Alike,
    /// One is the initial of the other.
    Initial,
}

/// What a pairing of words rests on. The least doubtful one orders first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Tally {
    doubts: u8,
    /// Words that stand in both names; an initial is none.
    firm: Reverse<u8>,
    /// Words that the other name leaves out.
    missing: u8,
}

impl Tally {
    fn with(self, agreement: Agreement, words: &[&Word]) -> Self {
        let Self { mut doubts, firm: Reverse(mut firm), missing } = self;
        match agreement {
            Agreement::Same => {
                let whole = words.iter().filter(|word| word.text.chars().count() > 1);
                firm = firm.saturating_add(u8::try_from(whole.count()).unwrap_or(u8::MAX));
            }
            Agreement::Alike => doubts = doubts.saturating_add(1),
            // Counts twice: an initial needs a whole word beside it, and nothing else in doubt.
            Agreement::Initial => doubts = doubts.saturating_add(2),
        }
        Self { doubts, firm: Reverse(firm), missing }
    }

    fn without_word(self) -> Self {
        let Self { doubts, firm, missing } = self;
        Self { doubts: doubts.saturating_add(1), firm, missing: missing.saturating_add(1) }
    }

    /// Two doubts are bearable beside a word that is certain, one otherwise. A family name alone is
    /// no person, so that a name that leaves words out has to share two.
    fn verdict(self) -> NameMatch {
        let Self { doubts, firm: Reverse(firm), missing } = self;
        match doubts {
            0 => NameMatch::Match,
            _ if missing > 0 && firm < 2 => NameMatch::NoMatch,
            1 => NameMatch::Close,
            2 if firm > 0 => NameMatch::Close,
            _ => NameMatch::NoMatch,
        }
    }
}

/// Compares two names that have words.
pub(super) fn pair(one: &Name, other: &Name) -> NameMatch {
    let same = |a: &[Word], b: &[Word]| a.iter().map(|w| &w.text).eq(b.iter().map(|w| &w.text));
    if same(&one.words, &other.words) {
        return NameMatch::Match;
    }
    if !(one.bounded && other.bounded) {
        return NameMatch::NoMatch;
    }
    // One order for both ways round, so that the answer cannot depend on who is expected.
    let key = |name: &Name| {
        (name.words.len(), name.words.iter().map(|word| word.text.clone()).collect::<Vec<_>>())
    };
    let (short, long) = if key(one) <= key(other) { (one, other) } else { (other, one) };
    let (short, mut turned): (Vec<&Word>, Vec<&Word>) =
        (short.words.iter().collect(), long.words.iter().collect());
    let mut best = NameMatch::NoMatch;
    if is_cut_elsewhere(&short, &turned) || is_shuffled(&short, &turned) {
        best = NameMatch::Close;
    }
    // Turning the words moves the family name between the front and the end.
    for _ in 0..turned.len() {
        if let Some(tally) = align(&short, &turned) {
            best = best.max(tally.verdict());
        }
        turned.rotate_left(1);
    }
    best
}

/// The least doubtful way to go through both names from the front to the end.
fn align(short: &[&Word], long: &[&Word]) -> Option<Tally> {
    let may_miss = long.len() > short.len();
    let width = long.len() + 1;
    let mut best: Vec<Option<Tally>> = vec![None; (short.len() + 1) * width];
    best[0] = Some(Tally::default());
    for i in 0..=short.len() {
        for j in 0..=long.len() {
            let Some(so_far) = best[i * width + j] else { continue };
            let mut reach = |i: usize, j: usize, tally: Tally| {
                let cell = &mut best[i * width + j];
                *cell = Some(cell.map_or(tally, |old| old.min(tally)));
            };
            if may_miss && j < long.len() {
                reach(i, j + 1, so_far.without_word());
            }
            let (Some(left), Some(right)) = (short.get(i), long.get(j)) else { continue };
            if let Some(agreement) = agree(left, right) {
                reach(i + 1, j + 1, so_far.with(agreement, &[left]));
            }
            for parts in 2..=MAX_PARTS {
                let all = |ends_short: usize, ends_long: usize| {
                    (i, j) == (0, 0) && (ends_short, ends_long) == (short.len(), long.len())
                };
                if let Some(group) = long.get(j..j + parts)
                    && let Some(agreement) = agree_joined(left, group, all(i + 1, j + parts))
                {
                    reach(i + 1, j + parts, so_far.with(agreement, group));
                }
                if let Some(group) = short.get(i..i + parts)
                    && let Some(agreement) = agree_joined(right, group, all(i + parts, j + 1))
                {
                    reach(i + parts, j + 1, so_far.with(agreement, group));
                }
            }
        }
    }
    best.last().copied().flatten()
}

/// How two words agree, if they do.
fn agree(one: &Word, other: &Word) -> Option<Agreement> {
    if one.text == other.text {
        return Some(Agreement::Same);
    }
    match (&one.form, &other.form) {
        (Form::Latin { spelling: a }, Form::Latin { spelling: b }) => {
            let initial = (latin::is_initial(&one.text) && other.text.starts_with(&one.text))
                || (latin::is_initial(&other.text) && one.text.starts_with(&other.text));
            match () {
                () if initial => Some(Agreement::Initial),
                () if a == b => Some(Agreement::Same),
                () if latin::is_near(a, b) || latin::is_slip(&one.text, &other.text) => {
                    Some(Agreement::Alike)
                }
                () => None,
            }
        }
        (Form::Khmer { reading: a, .. }, Form::Khmer { reading: b, .. }) => {
            if is_khmer_initial(one, other) || is_khmer_initial(other, one) {
                return Some(Agreement::Initial);
            }
            let sounds = a.as_ref().zip(b.as_ref()).is_some_and(|(a, b)| sounds_alike(a, b));
            (sounds || latin::is_slip(&one.text, &other.text)).then_some(Agreement::Alike)
        }
        (Form::Khmer { reading: Some(reading), .. }, Form::Latin { spelling }) => {
            agree_across(reading, spelling, &other.text)
        }
        (Form::Latin { spelling }, Form::Khmer { reading: Some(reading), .. }) => {
            agree_across(reading, spelling, &one.text)
        }
        _ => None,
    }
}

/// True for the bare consonant that another word begins with.
fn is_khmer_initial(short: &Word, word: &Word) -> bool {
    short.text.chars().nth(1).is_none() && word.text.starts_with(&short.text)
}

/// How a Khmer word and a Latin one agree.
fn agree_across(reading: &Reading, spelling: &str, text: &str) -> Option<Agreement> {
    match reading.oddities(spelling) {
        Some(0) => Some(Agreement::Same),
        Some(1) => Some(Agreement::Alike),
        _ if latin::is_initial(text) && reading.begins_with(text) => Some(Agreement::Initial),
        _ => latin::is_slip(&reading.usual(), spelling).then_some(Agreement::Alike),
    }
}

/// True for two Khmer words that are usually written the same in Latin letters (ច័ន្ទ, ចាន់).
fn sounds_alike(one: &Reading, other: &Reading) -> bool {
    let usual = one.usual();
    usual.len() >= 3 && usual == other.usual()
}

/// How one word agrees with several that may be its parts; `all` if they are all of both names.
///
/// Where the letters could be cut into two other names, and no other word vouches for the person,
/// it is no more than alike: `SOKHENG` is `SOK HENG` or `SO KHENG`.
fn agree_joined(whole: &Word, parts: &[&Word], all: bool) -> Option<Agreement> {
    // Two initials and the like are no parts of a word.
    if parts.iter().any(|part| part.text.chars().nth(1).is_none()) {
        return None;
    }
    let joined: String = parts.iter().map(|part| part.text.as_str()).collect();
    match &whole.form {
        Form::Khmer { .. } if joined == whole.text => Some(Agreement::Same),
        Form::Khmer { clusters, .. } => {
            is_read_in_parts(clusters, parts).then_some(Agreement::Same)
        }
        Form::Latin { spelling } => {
            let found = agree_latin_joined(whole, spelling, parts, &joined)?;
            let clear = parts.windows(2).all(|pair| match pair {
                [before, after] => latin::is_clear_cut(&before.text, &after.text),
                _ => false,
            });
            Some(if all && !clear { Agreement::Alike } else { found })
        }
        Form::Other => (joined == whole.text).then_some(Agreement::Same),
    }
}

fn agree_latin_joined(
    whole: &Word,
    spelling: &str,
    parts: &[&Word],
    joined: &str,
) -> Option<Agreement> {
    let mut spellings = String::new();
    let mut readings = Reading::default();
    let (mut latin_parts, mut khmer_parts) = (0, 0);
    for part in parts {
        match &part.form {
            Form::Latin { spelling } => {
                spellings.push_str(spelling);
                latin_parts += 1;
            }
            Form::Khmer { reading: Some(reading), .. } => {
                readings = readings.then(reading);
                khmer_parts += 1;
            }
            _ => return None,
        }
    }
    if latin_parts == parts.len() {
        let same = latin::spelling(joined) == *spelling || spellings == *spelling;
        let slip = || latin::is_slip(joined, &whole.text).then_some(Agreement::Alike);
        return if same { Some(Agreement::Same) } else { slip() };
    }
    match readings.oddities(spelling) {
        Some(0) if khmer_parts == parts.len() => Some(Agreement::Same),
        Some(1) if khmer_parts == parts.len() => Some(Agreement::Alike),
        _ => None,
    }
}

/// True where the clusters can be cut into words that read as `parts`, one by one.
fn is_read_in_parts(clusters: &[Cluster], parts: &[&Word]) -> bool {
    let [part, others @ ..] = parts else { return clusters.is_empty() };
    let Form::Latin { spelling } = &part.form else { return false };
    let cuts = if others.is_empty() { clusters.len()..=clusters.len() } else { 1..=clusters.len() };
    cuts.into_iter().any(|cut| {
        Reading::of(&clusters[..cut]).and_then(|reading| reading.oddities(spelling)) == Some(0)
            && is_read_in_parts(&clusters[cut..], others)
    })
}

/// True where both names have the same letters, with the blanks elsewhere (`SO KHENG`, `SOK HENG`).
fn is_cut_elsewhere(one: &[&Word], other: &[&Word]) -> bool {
    let joined = |name: &[&Word]| name.iter().map(|word| word.text.as_str()).collect::<String>();
    joined(one) == joined(other)
}

/// True where both names have the same words in whatever order (`SOK CHAN DARA`, `SOK DARA CHAN`).
fn is_shuffled(one: &[&Word], other: &[&Word]) -> bool {
    let mut left = other.to_vec();
    one.len() == other.len()
        && one.iter().all(|word| {
            let twin = left.iter().position(|other| agree(word, other) == Some(Agreement::Same));
            twin.map(|place| left.swap_remove(place)).is_some()
        })
}
