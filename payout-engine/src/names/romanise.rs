//! How Khmer words are written in Latin letters.
//!
//! There is no one way: passports, banks and people follow the sound, loosely. So a word becomes a
//! [`Reading`]: for every consonant and vowel, the spellings in use. A Latin word is read against
//! it from left to right; no list of whole spellings is ever made. Spellings that are practised are
//! free; a possible but unusual one (marked `?`) is *odd*, and an odd reading only ever makes a
//! name close.
//!
//! The spellings are those of [`latin::spelling`]: no doubled consonants, `I` for `Y` and `EE`.

use super::{
    khmer::{Cluster, is_independent_vowel, is_sonorant},
    latin,
};

/// The spellings in use for each sound of a word, in order.
#[derive(Debug, Clone, Default)]
pub(super) struct Reading {
    sounds: Vec<Sound>,
}

/// Lists of spellings, each a text such as `"A O ?AR _"`: `?` marks an odd one, `_` is nothing at
/// all.
type Sound = Vec<&'static str>;

const NOTHING: &str = "_";

impl Reading {
    /// The reading of a word; none where it contains something that has no sound here.
    pub(super) fn of(word: &[Cluster]) -> Option<Self> {
        let mut reading = Self::default();
        for place in 0..word.len() {
            reading.push(word, place)?;
        }
        Some(reading)
    }

    /// Both readings, one after the other.
    pub(super) fn then(mut self, next: &Self) -> Self {
        self.sounds.extend_from_slice(&next.sounds);
        self
    }

    /// How many odd spellings it takes to read `spelling`, at least; none if it cannot be read so.
    pub(super) fn oddities(&self, spelling: &str) -> Option<u32> {
        let mut reached = vec![None; spelling.len() + 1];
        reached[0] = Some(0);
        for sound in &self.sounds {
            let mut next: Vec<Option<u32>> = vec![None; spelling.len() + 1];
            for (start, so_far) in reached.iter().enumerate() {
                let Some(so_far) = *so_far else { continue };
                for (text, odd) in ways(sound) {
                    let cost = so_far + u32::from(odd);
                    for end in ends(spelling, start, text).into_iter().flatten() {
                        next[end] = Some(next[end].map_or(cost, |best| best.min(cost)));
                    }
                }
            }
            reached = next;
        }
        reached.last().copied().flatten()
    }

    /// The most usual spelling.
    pub(super) fn usual(&self) -> String {
        let first = |sound| ways(sound).next().map_or("", |(text, _)| text);
        latin::spelling(&self.sounds.iter().map(first).collect::<String>())
    }

    /// True where a practised spelling begins with `initial`.
    pub(super) fn begins_with(&self, initial: &str) -> bool {
        let mut sounds = self.sounds.iter().take(2);
        sounds.next().is_some_and(|sound| {
            ways(sound).any(|(text, odd)| !odd && text.starts_with(initial))
                || (ways(sound).all(|(text, _)| text.is_empty())
                    && sounds.next().is_some_and(|vowel| {
                        ways(vowel).any(|(text, odd)| !odd && text.starts_with(initial))
                    }))
        })
    }

    fn push(&mut self, word: &[Cluster], place: usize) -> Option<()> {
        let cluster = &word[place];
        let known = |sign: &char| matches!(sign, 'ំ' | 'ះ' | 'ៈ' | '់' | '៍' | '័' | '៏');
        if cluster.letters.is_empty()
            || cluster.vowels.len() > 1
            || !cluster.signs.iter().all(known)
        {
            return None;
        }
        if cluster.robat {
            self.sounds.push(vec![NOTHING, "R"]);
        }
        let silent = place > 0 && cluster.signs.contains(&'៍');
        let ends_syllable = place > 0 && !cluster.has_vowel();
        let ends_word = place + 1 == word.len();
        let opens_next = word.get(place + 1).is_some_and(|next| !next.has_vowel());
        for (at, letter) in cluster.letters.iter().enumerate() {
            let below = cluster.letters.get(at + 1).copied();
            let mut sound = Sound::new();
            if silent {
                sound.extend([NOTHING, coda(*letter)]);
            } else if ends_syllable {
                // The usual way comes first.
                if opens_next {
                    sound.push(onset(cluster, place, at)?);
                }
                if at > 0 || cluster.robat {
                    sound.push(NOTHING);
                }
                sound.push(coda(*letter));
                if !ends_word && !opens_next {
                    sound.push(onset(cluster, place, at)?);
                }
            } else {
                sound.push(onset(cluster, place, at)?);
                if place > 0 && below.is_some() {
                    sound.push(coda(*letter));
                }
            }
            if *letter == 'ញ' && below.is_some() {
                sound.push("N");
            }
            if place > 0 && below.is_some_and(|below| class(below) == class(*letter)) {
                sound.push(NOTHING);
            }
            self.sounds.push(sound);
        }
        self.push_vowel(word, place, silent, ends_syllable);
        Some(())
    }

    fn push_vowel(&mut self, word: &[Cluster], place: usize, silent: bool, ends_syllable: bool) {
        let cluster = &word[place];
        let first = cluster.is_first_register();
        if silent {
            self.sounds.push(match cluster.vowels.first() {
                Some(vowel) => vec![NOTHING, dependent(*vowel, first)],
                None => vec![NOTHING],
            });
            return;
        }
        let next = word.get(place + 1);
        if ends_syllable {
            self.sounds.push(match (next, first) {
                (None, true) => vec!["_ ?A ?O"],
                (None, false) => vec!["_ ?O ?A ?EA"],
                (Some(next), _) if next.has_vowel() => vec!["_ A O ?EA ?OR"],
                (Some(_), _) => [vowel(cluster, place, next, first), vec![NOTHING]].concat(),
            });
            return;
        }
        self.sounds.push(vowel(cluster, place, next, first));
        if cluster.signs.contains(&'ំ') {
            let velar = next.is_some_and(|next| next.letters.first() == Some(&'ង'));
            self.sounds.push(vec![if velar { "_ M" } else { "M" }]);
        }
        if cluster.signs.contains(&'ះ') {
            self.sounds.push(vec!["_ H"]);
        }
    }
}

/// The single spellings of a sound, and whether each is odd.
fn ways(sound: &Sound) -> impl Iterator<Item = (&'static str, bool)> {
    sound.iter().flat_map(|list| list.split(' ')).map(|way| match way.strip_prefix('?') {
        Some(odd) => (odd, true),
        None if way == NOTHING => ("", false),
        None => (way, false),
    })
}

/// Where `text` ends if it begins at `start`. Its first letter may be the consonant just read,
/// because doubled consonants are written once.
fn ends(spelling: &str, start: usize, text: &str) -> [Option<usize>; 2] {
    let plain = spelling[start..].starts_with(text).then(|| start + text.len());
    let shared = text.chars().next().filter(|first| {
        !matches!(first, 'A' | 'E' | 'I' | 'O' | 'U' | 'H')
            && spelling[..start].ends_with(*first)
            && spelling[start..].starts_with(&text[1..])
    });
    [plain, shared.map(|_| start + text.len() - 1)]
}

/// Consonants that are one sound at the end of a syllable.
fn class(letter: char) -> char {
    match letter {
        'ក' | 'ខ' | 'គ' | 'ឃ' => 'K',
        'ច' | 'ឆ' | 'ជ' | 'ឈ' => 'C',
        'ដ' | 'ឋ' | 'ឌ' | 'ឍ' | 'ត' | 'ថ' | 'ទ' | 'ធ' => 'T',
        'ណ' | 'ន' => 'N',
        'ប' | 'ផ' | 'ព' | 'ភ' => 'P',
        'ល' | 'ឡ' => 'L',
        other => other,
    }
}

/// A consonant that ends a syllable.
fn coda(letter: char) -> &'static str {
    match (class(letter), letter) {
        ('K', _) => "K KH",
        ('C', _) => "CH C",
        ('T', 'ដ' | 'ឌ' | 'ទ') => "T TH ?D",
        ('T', _) => "T TH",
        ('P', _) => "P PH",
        ('N', _) => "N",
        ('L', _) => "L",
        (_, 'ង') => "NG",
        (_, 'ញ') => "NH ?N",
        (_, 'ម') => "M",
        (_, 'យ') => "I Y",
        (_, 'រ') => "R _",
        (_, 'វ') => "V O W U",
        (_, 'ស') => "S ?H ?_",
        (_, 'ហ') => "H _",
        _ => "_",
    }
}

/// A consonant, or an independent vowel, that begins a syllable; `at` is its place in the cluster.
fn onset(cluster: &Cluster, place: usize, at: usize) -> Option<&'static str> {
    let letter = cluster.letters[at];
    let stacked = cluster.letters.len() > 1;
    let above = at + 1 < cluster.letters.len();
    let inherent = cluster.vowels.is_empty();
    Some(match letter {
        'ក' => "K ?G",
        'គ' => "K ?G",
        'ខ' | 'ឃ' if above => "KH K",
        'ខ' | 'ឃ' => "KH ?K",
        'ង' => "NG",
        'ច' => "CH ?J",
        'ជ' => "CH ?J",
        'ឆ' | 'ឈ' if above => "CHH CH",
        'ឆ' | 'ឈ' => "CHH ?CH",
        'ញ' => "NH ?NY ?Y",
        'ដ' | 'ឌ' => "D ?T",
        'ត' if place > 0 || at > 0 => "T D",
        'ត' => "T ?D",
        'ទ' => "T ?TH ?D",
        'ថ' | 'ធ' | 'ឋ' | 'ឍ' if above => "TH T",
        'ថ' | 'ធ' | 'ឋ' | 'ឍ' => "TH ?T",
        'ណ' | 'ន' => "N",
        'ប' if cluster.shifter == Some('\u{17C9}') => "P",
        'ប' if stacked || inherent => "B P",
        'ប' => "B ?P",
        'ព' => "P ?B",
        'ផ' | 'ភ' if above => "PH P",
        'ផ' | 'ភ' => "PH ?P",
        'ម' => "M",
        'យ' => "Y ?I",
        'រ' => "R",
        'ល' | 'ឡ' => "L",
        'វ' if at > 0 && cluster.letters[0] == 'ហ' => "F V ?W",
        'វ' => "V W",
        'ស' => "S",
        'ហ' if above => "_ H",
        'ហ' => "H",
        'អ' => "_",
        other if is_independent_vowel(other) => independent(other),
        _ => return None,
    })
}

fn independent(letter: char) -> &'static str {
    match letter {
        'ឥ' | 'ឦ' => "E I EI",
        'ឧ' | 'ឨ' => "U O OU",
        'ឩ' | 'ឪ' => "OU U OV",
        'ឫ' | 'ឬ' => "RI RU RE REU ROEU",
        'ឭ' | 'ឮ' => "LI LU LEU LOEU",
        'ឯ' => "E AE",
        'ឰ' => "AI EI",
        'ឳ' => "AO AU OV",
        _ => "O AO",
    }
}

/// The vowel of a cluster that does not end a syllable.
fn vowel(cluster: &Cluster, place: usize, next: Option<&Cluster>, first: bool) -> Sound {
    let last = cluster.letters.last().copied();
    if last.is_some_and(is_independent_vowel) && cluster.vowels.is_empty() {
        return vec![NOTHING];
    }
    let coda = next
        .filter(|next| !next.has_vowel() || next.letters.len() > 1)
        .and_then(|next| next.letters.first().copied());
    let shortened = next.is_some_and(|next| next.signs.contains(&'់'));
    let Some(sign) = cluster.vowels.first() else {
        return inherent(cluster, coda, shortened, first);
    };
    let mut sound = vec![dependent(*sign, first)];
    let sonorant = last.is_some_and(is_sonorant) && cluster.shifter.is_none();
    match sign {
        'ា' if !first && shortened => sound.push("OA A"),
        'ា' if !first && cluster.signs.contains(&'ំ') => sound.push("OA A"),
        'ា' if !first && place > 0 && sonorant => sound.push("A"),
        'ា' if cluster.signs.contains(&'ំ') && coda == Some('ង') => sound.push("AI"),
        // Pali endings: the last short vowel is written, not said.
        'ិ' if next.is_none() && place > 0 && last == Some('ត') => sound.push(NOTHING),
        'ិ' | 'ុ' if next.is_none() && place > 0 => sound.push("?_"),
        _ => {}
    }
    sound
}

/// The vowel of a cluster that shows none.
fn inherent(cluster: &Cluster, coda: Option<char>, shortened: bool, first: bool) -> Sound {
    let has = |sign| cluster.signs.contains(&sign);
    let velar = coda.is_some_and(|coda| class(coda) == 'K');
    let mut sound = vec![match (first, has('ំ'), has('ះ'), has('ៈ'), has('័')) {
        (true, true, ..) => "A O",
        (false, true, ..) => "U O ?A",
        (true, _, true, ..) => "A ?E",
        (false, _, true, ..) => "EA ?E",
        (true, _, _, true, _) => "AK ?A",
        (false, _, _, true, _) => "EAK AK ?EA ?A",
        (true, .., true) => "A ?E",
        (false, .., true) => "A O OA EA",
        (true, ..) => "A O OR ?AR",
        (false, ..) => "O A OR ?OA ?OU",
    }];
    if has('័') && coda == Some('យ') {
        sound.push("E");
    }
    if !first && velar {
        sound.insert(0, "EA");
    }
    if !first && (shortened || coda.is_some_and(|coda| class(coda) == 'N')) {
        sound.push("U");
    }
    sound
}

/// A vowel sign, by the register of its cluster.
fn dependent(sign: char, first: bool) -> &'static str {
    match (sign, first) {
        ('ា', true) => "A ?AR ?AA",
        ('ា', false) => "EA ?IA ?IE ?EAR ?A",
        ('ិ', true) => "E I",
        ('ិ', false) => "I ?E ?EA",
        ('ី', true) => "EI I ?AI ?E",
        ('ី', false) => "I ?EI",
        ('ឹ', true) => "OEU EU OE ?E ?U ?I",
        ('ឹ', false) => "I EU ?OEU ?OE ?U ?E",
        ('ឺ', _) => "EU OEU OE ?UE ?U",
        ('ុ', true) => "O ?U ?OU",
        ('ុ', false) => "U O OU",
        ('ូ', true) => "O OU ?AU ?U ?OO",
        ('ូ', false) => "OU U OO ?O",
        ('ួ', _) => "UO OU ?UA ?U",
        ('ើ', _) => "OEU EU AEU OE ?ER ?AE ?EO ?EOU",
        ('ឿ', _) => "OEU EU OE ?UE ?EA ?OEA",
        ('ៀ', _) => "IE EA IA",
        ('េ', true) => "E ?I ?EI",
        ('េ', false) => "E I ?EI ?AI",
        ('ែ', _) => "E AE ?EI ?AI ?ER",
        ('ៃ', true) => "AI ?EI",
        ('ៃ', false) => "EI AI",
        ('ោ', true) => "AO O ?AU ?OR",
        ('ោ', false) => "O ?OU ?OR",
        ('ៅ', true) => "AO AU ?OV ?OU",
        (_, _) => "OV OU ?AO ?AU ?EOU",
    }
}

#[cfg(test)]
mod tests {
    use super::{super::khmer::clusters, Reading, latin};

    #[test]
    fn khmer_reads_as_people_write_it() {
        let mut wrong = Vec::new();
        for (khmer, spellings) in [
            ("សុខ", "SOK SOKH"),
            ("ដារ៉ា", "DARA"),
            ("ច័ន្ទ", "CHAN CHANN CHANTH"),
            ("ចាន់", "CHAN"),
            ("គឹម", "KIM"),
            ("ហេង", "HENG"),
            ("លី", "LY LI LEE"),
            ("សុភា", "SOPHEA"),
            ("បុប្ផា", "BOPHA"),
            ("វណ្ណា", "VANNA VANA VANNAH"),
            ("ពិសិដ្ឋ", "PISETH PISET"),
            ("សុភ័ក្ត្រា", "SOPHEAKTRA"),
            ("ស្រីមុំ", "SREYMOM"),
            ("ស្រីពៅ", "SREYPOV"),
            ("រតនៈ", "RATANAK"),
            ("វីរៈ", "VIREAK"),
            ("សុវណ្ណ", "SOVANN SOVAN"),
            ("វុទ្ធី", "VUTHY"),
            ("រិទ្ធី", "RITHY"),
            ("ភក្តី", "PHEAKDEY PHEAKTEY"),
            ("វាសនា", "VEASNA"),
            ("សំណាង", "SAMNANG SOMNANG"),
            ("បញ្ញា", "PANHA"),
            ("ចិត្រា", "CHETRA CHITRA"),
            ("វិសាល", "VISAL"),
            ("សារឿន", "SAROEUN"),
            ("តាំង", "TANG TAING"),
            ("ង៉ែត", "NGET"),
            ("ជា", "CHEA"),
            ("ឈាង", "CHHEANG"),
            ("ឡុង", "LONG"),
            ("ជ័យ", "CHEY CHAY"),
            ("អ៊ុក", "OUK UK"),
            ("កែវ", "KEO KEV"),
            ("ឧត្តម", "UDOM OUDOM"),
            ("សម្បត្តិ", "SAMBATH"),
            ("លក្ខិណា", "LEAKHENA"),
            ("មករា", "MAKARA"),
            ("សុជាតា", "SOCHEATA SOCHEADA"),
            ("ហួត", "HUOT HOUT"),
            ("គន្ធា", "KUNTHEA"),
            ("សោភណ្ឌ", "SOPHORN SOPHON"),
            ("រស្មី", "RASMEY"),
            ("យ៉ែម", "YEM"),
            ("ម៉ៅ", "MAO"),
            ("ហ៊ុយ", "HUY"),
            ("គង់", "KONG"),
            ("ធារី", "THEARY"),
            ("សុភាព", "SOPHEAP"),
        ] {
            let reading = Reading::of(&clusters(khmer)).expect(khmer);
            for spelling in spellings.split(' ') {
                let oddities = reading.oddities(&latin::spelling(spelling));
                if oddities != Some(0) {
                    wrong.push((khmer, spelling, oddities, reading.usual()));
                }
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    #[test]
    fn khmer_does_not_read_as_another_name() {
        for (khmer, spellings) in [
            ("ដារ៉ា", "DARO DARY DAR SARA TARA"),
            ("ច័ន្ទ", "CHEA CHEN CHHAN"),
            ("គឹម", "KHIM KEM KAM"),
            ("សុភា", "SOPHY SOPHEAP SOPHEAK SOPHA"),
            ("ជា", "CHAN CHHEA CHA"),
            ("លី", "LEY LAY LIM"),
            ("ពៅ", "PAO PHOV"),
        ] {
            let reading = Reading::of(&clusters(khmer)).expect(khmer);
            for spelling in spellings.split(' ') {
                let oddities = reading.oddities(&latin::spelling(spelling));
                assert_ne!(oddities, Some(0), "{khmer} / {spelling}");
            }
        }
    }
}
