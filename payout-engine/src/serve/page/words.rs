//! The words of the page, in every language that it speaks.
//!
//! All of them stand in `words/`, one file a language, with the same keys. A template asks by key;
//! no text for people stands anywhere else, so that nothing stays English in a Khmer page by
//! accident. What the gateway or the intake said is shown as they said it.
//!
//! Invariant: a key that is asked for is there, in every language; tests look through templates and
//! code for them.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use http::{HeaderMap, header};

const ENGLISH: &str = include_str!("words/en.toml");
const KHMER: &str = include_str!("words/km.toml");

/// The cookie in which the language is remembered.
pub(super) const COOKIE: &str = "payout-language";

/// A language of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    English,
    Khmer,
}

impl Language {
    pub(super) const ALL: [Self; 2] = [Self::English, Self::Khmer];

    /// Its code, as HTML and the cookie have it.
    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Khmer => "km",
        }
    }

    /// The one that the switch leads to.
    pub(super) const fn other(self) -> Self {
        match self {
            Self::English => Self::Khmer,
            Self::Khmer => Self::English,
        }
    }

    /// The language of a code.
    pub(super) fn of_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.code() == code)
    }

    /// The language that a browser wants: its cookie's, else the first that we speak of those that
    /// it is set to, else English.
    pub(super) fn wanted(headers: &HeaderMap) -> Self {
        remembered(headers).or_else(|| preferred(headers)).unwrap_or(Self::English)
    }

    /// The words under a key; none where there is no such key, which the tests do not let through.
    pub(super) fn words(self, key: &str) -> &'static str {
        static TABLES: LazyLock<[Words; 2]> =
            LazyLock::new(|| [ENGLISH, KHMER].map(|text| read(text).unwrap_or_default()));
        let table = match self {
            Self::English => &TABLES[0],
            Self::Khmer => &TABLES[1],
        };
        table.get(key).map_or("", String::as_str)
    }

    /// The words under a key, with values in their places.
    pub(super) fn fill(self, key: &str, values: &[(&str, &str)]) -> String {
        fill(self.words(key), values)
    }

    /// The words under a key for a number of things; `{count}` is the number.
    pub(super) fn count(self, key: &str, count: u64) -> String {
        let form = if count == 1 { "one" } else { "other" };
        let count = crate::report::grouped(&count.to_string());
        self.fill(&format!("{key}.{form}"), &[("count", &count)])
    }
}

/// Words by their keys, sections and keys joined by points.
type Words = BTreeMap<String, String>;

fn read(text: &str) -> Result<Words, toml::de::Error> {
    let mut words = Words::new();
    flatten(toml::from_str(text)?, "", &mut words);
    Ok(words)
}

fn flatten(table: toml::Table, above: &str, words: &mut Words) {
    for (name, value) in table {
        let key = if above.is_empty() { name } else { format!("{above}.{name}") };
        match value {
            toml::Value::Table(table) => flatten(table, &key, words),
            toml::Value::String(text) => drop(words.insert(key, text)),
            _ => {}
        }
    }
}

/// Puts values where their names stand in braces. What a value holds is never looked at again.
fn fill(text: &str, values: &[(&str, &str)]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let Some((name, after)) = after.split_once('}') else { break };
        let value = values.iter().find(|(known, _)| *known == name);
        out.push_str(value.map_or("", |(_, value)| value));
        rest = after;
    }
    out.push_str(rest);
    out
}

fn remembered(headers: &HeaderMap) -> Option<Language> {
    let cookies = headers.get_all(header::COOKIE).into_iter().filter_map(|it| it.to_str().ok());
    let mut pairs = cookies.flat_map(|it| it.split(';')).filter_map(|it| it.trim().split_once('='));
    pairs.find(|(name, _)| *name == COOKIE).and_then(|(_, code)| Language::of_code(code))
}

fn preferred(headers: &HeaderMap) -> Option<Language> {
    let wanted = headers.get(header::ACCEPT_LANGUAGE)?.to_str().ok()?;
    wanted.split(',').find_map(|it| Language::of_code(it.trim().get(..2)?))
}

#[cfg(test)]
mod tests;
