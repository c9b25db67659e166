//! JSON of which there are no two readings: no name twice, names that are names, bounded depth.
//!
//! Readers differ in which of two equal names they believe, so whoever checks one of them may have
//! the other signed. Numbers are kept as they are written.

use std::collections::HashSet;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// No request nests deeper. The gateway's own PHP stops at 512.
const MAX_DEPTH: usize = 16;
/// No name of a field, and no name of a service, is longer.
const MAX_NAME: usize = 64;

/// A JSON object: its names and values, as they stand there.
type Members<'a> = Vec<(String, &'a RawValue)>;

/// The members of a JSON object, or what is wrong with it.
pub(super) fn members(json: &str) -> Result<Members<'_>, &'static str> {
    let members = object(json).map_err(|()| "is not a JSON object")?;
    if !members.iter().all(|(name, _)| is_name(name)) {
        return Err("has a field whose name is none: letters, digits, `_`, `-` and `.`");
    }
    unrepeated(&members)?;
    for (_, value) in &members {
        check(value.get(), MAX_DEPTH)?;
    }
    Ok(members)
}

/// Whether this is what a name looks like: it begins with a letter or `_`, and holds nothing that
/// is a sign in the text under a signature, or a number to PHP's sorting.
pub(super) fn is_name(text: &str) -> bool {
    let begins = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
    begins && text.len() <= MAX_NAME && text.bytes().all(fits)
}

fn unrepeated(members: &Members<'_>) -> Result<(), &'static str> {
    let mut seen = HashSet::with_capacity(members.len());
    match members.iter().all(|(name, _)| seen.insert(name)) {
        true => Ok(()),
        false => Err("has a name twice"),
    }
}

/// Checks what is nested in a value, `left` levels deep at most.
fn check(json: &str, left: usize) -> Result<(), &'static str> {
    let unreadable = "holds a value that cannot be read";
    let left = left.checked_sub(1).ok_or("is nested too deeply")?;
    match json.as_bytes().first() {
        Some(b'{') => {
            let members = object(json).map_err(|()| unreadable)?;
            unrepeated(&members)?;
            members.iter().try_for_each(|(_, value)| check(value.get(), left))
        }
        Some(b'[') => {
            let items: Vec<&RawValue> = serde_json::from_str(json).map_err(|_| unreadable)?;
            items.iter().try_for_each(|value| check(value.get(), left))
        }
        // A lone half of a character is no text, though it stands in quotes.
        Some(b'"') => serde_json::from_str::<String>(json).map(|_| ()).map_err(|_| unreadable),
        _ => Ok(()),
    }
}

fn object(json: &str) -> Result<Members<'_>, ()> {
    serde_json::from_str::<Object<'_>>(json).map(|object| object.0).map_err(|_| ())
}

/// An object that keeps every member, however often its name comes.
struct Object<'a>(Members<'a>);

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(InOrder).map(Object)
    }
}

struct InOrder;

impl<'de> Visitor<'de> for InOrder {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(members)
    }
}
