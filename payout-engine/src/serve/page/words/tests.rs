//! Every word is there in every language, and none is there for nothing.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::*;
use crate::{
    batch::NameCheck,
    payout::{Outcome, StopCause},
    serve::page::{chart::ORDER, standing::Standing, view::TEMPLATES},
};

fn tables() -> [Words; 2] {
    [ENGLISH, KHMER].map(|text| read(text).unwrap())
}

/// The names in braces.
fn places(text: &str) -> BTreeSet<&str> {
    text.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name).collect()
}

#[test]
fn both_languages_have_the_same_keys_with_the_same_places() {
    let [english, khmer] = tables();
    let keys = |words: &Words| words.keys().cloned().collect::<BTreeSet<_>>();
    assert_eq!(keys(&english), keys(&khmer));
    for (key, text) in &english {
        let other = &khmer[key];
        assert!(!text.is_empty() && !other.is_empty(), "{key} is empty");
        // A number of one may be a word.
        if !key.starts_with("bucket.") {
            assert_eq!(places(text), places(other), "{key}");
        }
        let is_khmer = |c: char| ('\u{1780}'..='\u{17ff}').contains(&c);
        assert!(other.chars().any(is_khmer) || key == "site.language_other", "{key}: {other}");
    }
}

/// What stands in quotes in templates and code, as `t("go.next")`.
fn quoted() -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/serve/page");
    let mut texts: Vec<String> = TEMPLATES.iter().map(|(_, text)| (*text).to_owned()).collect();
    texts.push(fs::read_to_string(folder.with_extension("rs")).unwrap());
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "rs") {
            texts.push(fs::read_to_string(path).unwrap());
        }
    }
    let mut found = BTreeSet::new();
    for text in texts {
        for mark in ['"', '\''] {
            found.extend(text.split(mark).map(str::to_owned));
        }
    }
    found
}

/// Keys that are put together from a beginning and a word of a closed list.
fn made() -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    let mut add = |above: &str, names: Vec<&str>| {
        keys.extend(names.iter().map(|name| format!("{above}{name}")));
    };
    add("outcome.", Outcome::ALL.iter().map(|it| it.as_str()).collect());
    for above in ["standing.", "standing_help."] {
        add(above, Standing::ALL.iter().map(|it| it.as_str()).collect());
    }
    add("stop.", StopCause::ALL.iter().map(|it| it.as_str()).collect());
    for above in ["name_match.", "checked.name_match_"] {
        add(above, NameCheck::ALL.iter().map(|it| it.as_str()).collect());
    }
    add("batch.", vec!["overview", "rows", "otp", "held", "problems"]);
    for above in ["start.", "cancel.", "retry."] {
        add(above, vec!["title"]);
    }
    let safety = ["safe", "unsafe_moved", "unsafe_paid_back", "unsafe_invalid", "unsafe_rejected"];
    add("problems.", safety.to_vec());
    add("problems.", vec!["unsafe_given_up"]);
    for unit in ["second", "minute", "hour", "day"] {
        add("bucket.", vec![unit]);
    }
    assert_eq!(ORDER.len(), Outcome::ALL.len());
    keys
}

#[test]
fn every_key_is_used_and_every_key_that_is_used_is_there() {
    let [english, _] = tables();
    let (quoted, made) = (quoted(), made());
    for key in english.keys() {
        let plain = key.strip_suffix(".one").or_else(|| key.strip_suffix(".other")).unwrap_or(key);
        let why = key.strip_prefix("why.").and_then(|rest| rest.rsplit_once('.'));
        let used = match why {
            Some((code, "what" | "todo")) => quoted.contains(code),
            _ => [key.as_str(), plain].iter().any(|it| quoted.contains(*it) || made.contains(*it)),
        };
        assert!(used, "nothing says `{key}`");
    }
    let there =
        |key: &str| english.contains_key(key) || english.contains_key(&format!("{key}.one"));
    for key in &made {
        assert!(there(key), "there are no words for `{key}`");
    }
    let sections: BTreeSet<&str> = english.keys().filter_map(|key| key.split('.').next()).collect();
    for text in &quoted {
        let Some((section, rest)) = text.split_once('.') else { continue };
        let is_key = sections.contains(section)
            && !rest.is_empty()
            // The beginning of keys that are put together.
            && !rest.ends_with('_')
            && !["html", "rs", "toml"].contains(&rest)
            && rest.bytes().all(|byte| byte.is_ascii_lowercase() || b"._".contains(&byte));
        assert!(!is_key || there(text), "there are no words for `{text}`");
    }
}

#[test]
fn places_are_filled_once_and_never_from_a_value() {
    let filled = fill("{a} and {b}", &[("a", "{b}"), ("b", "2")]);
    assert_eq!(filled, "{b} and 2");
    assert_eq!(Language::English.count("rows", 1), "1 row");
    assert_eq!(Language::Khmer.count("rows", 12_000), "12,000 ជួរ");
}

#[test]
fn the_cookie_goes_before_what_the_browser_is_set_to() {
    let wanted = |name: header::HeaderName, value: &'static str| {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_LANGUAGE, "km-KH,km;q=0.9".parse().unwrap());
        headers.insert(name, value.parse().unwrap());
        Language::wanted(&headers)
    };
    assert_eq!(wanted(header::COOKIE, "a=b; payout-language=en"), Language::English);
    assert_eq!(wanted(header::COOKIE, "payout-language=fr"), Language::Khmer);
    assert_eq!(wanted(header::ACCEPT_LANGUAGE, "fr, de"), Language::English);
}
