//! JSON of which there are no two readings: no name twice, names that are names, bounded depth.
//!
//! Readers differ in which of two equal names they believe, so whoever checks one of them may have
//! the other signed. Numbers are kept as they are written.

use std::collections::HashSet;

use serde_json::value::RawValue;

use crate::raw_json::{self, Members};

/// No request nests deeper. The gateway's own PHP stops at 512.
const MAX_DEPTH: usize = 16;
/// No name of a field, and no name of a service, is longer.
const MAX_NAME: usize = 64;

/// The members of a JSON object, or what is wrong with it.
pub(super) fn members(json: &str) -> Result<Members<'_>, &'static str> {
    let members = raw_json::members(json).map_err(|_| "is not a JSON object")?;
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
            let members = raw_json::members(json).map_err(|_| unreadable)?;
            unrepeated(&members)?;
            members.iter().try_for_each(|(_, value)| check(value.get(), left))
        }
        Some(b'[') => {
            let items: Vec<&RawValue> = serde_json::from_str(json).map_err(|_| unreadable)?;
            items.iter().try_for_each(|value| check(value.get(), left))
        }
        // A lone half of a character is no text, though it stands in quotes.
        Some(b'"') => raw_json::text(json).map(|_| ()).map_err(|_| unreadable),
        _ => Ok(()),
    }
}
