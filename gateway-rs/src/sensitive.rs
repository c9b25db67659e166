//! Values that must not be seen: [`Sensitive`].
//!
//! What the specification calls `sensitive` (account numbers, card data, names and addresses of
//! persons, tokens) is wrapped, so that no `Debug`, `Display`, log line or serialised copy shows it
//! by accident. Requests to the gateway do not go through `serde::Serialize`, so they carry the
//! value itself. Whoever needs the value says so: [`Sensitive::expose`].
//!
//! This hides, it does not encrypt, and it does not wipe memory; credentials live in `secrecy`.

use std::cell::Cell;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What is printed in place of a sensitive value.
const MASK: &str = "[masked]";

/// A value that prints as `[masked]`.
///
/// ```
/// use kess_gateway::Sensitive;
/// let account = Sensitive::from(String::from("000024916"));
/// assert_eq!(format!("{account} {account:?}"), "[masked] [masked]");
/// assert_eq!(serde_json::to_string(&account).unwrap(), "\"[masked]\"");
/// assert_eq!(account.expose(), "000024916");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Sensitive<T>(T);

impl<T> Sensitive<T> {
    /// The value itself. The name is long on purpose: it can be searched for.
    pub fn expose(&self) -> &T {
        &self.0
    }

    /// The value itself, by move.
    pub fn into_exposed(self) -> T {
        self.0
    }
}

impl<T> From<T> for Sensitive<T> {
    fn from(value: T) -> Self {
        Sensitive(value)
    }
}

impl From<&str> for Sensitive<String> {
    fn from(value: &str) -> Self {
        Sensitive(value.to_owned())
    }
}

impl<T> fmt::Debug for Sensitive<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl<T> fmt::Display for Sensitive<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(MASK)
    }
}

thread_local! {
    static EXPOSED: Cell<bool> = const { Cell::new(false) };
}

/// Runs `write` with sensitive values serialised as they are, for a store or an export that is
/// itself protected. Only what `write` serialises on this thread, before it returns, is exposed.
///
/// ```
/// use kess_gateway::{Sensitive, expose_sensitive};
/// let name = Sensitive::from(String::from("Sok Dara"));
/// assert_eq!(expose_sensitive(|| serde_json::to_string(&name)).unwrap(), "\"Sok Dara\"");
/// assert_eq!(serde_json::to_string(&name).unwrap(), "\"[masked]\"");
/// ```
pub fn expose_sensitive<R>(write: impl FnOnce() -> R) -> R {
    /// Puts the former state back, also when `write` panics.
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            EXPOSED.set(self.0);
        }
    }
    let _restore = Restore(EXPOSED.replace(true));
    write()
}

impl<T: Serialize> Serialize for Sensitive<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if EXPOSED.get() { self.0.serialize(serializer) } else { serializer.serialize_str(MASK) }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Sensitive<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Sensitive)
    }
}

/// An account number as people may see it: the first two and the last three characters. A short
/// one is hidden whole, because two and three of seven would be most of it.
///
/// ```
/// use kess_gateway::mask_account;
/// assert_eq!(mask_account("123456789"), "12****789");
/// assert_eq!(mask_account("1234567"), "****");
/// ```
#[must_use]
pub fn mask_account(account: &str) -> String {
    let chars: Vec<char> = account.trim().chars().collect();
    if chars.len() < 8 {
        return "****".to_owned();
    }
    let first: String = chars[..2].iter().collect();
    let last: String = chars[chars.len() - 3..].iter().collect();
    format!("{first}****{last}")
}

/// A text from elsewhere (an error message of the gateway) made fit for people: one line, at most
/// 1,000 characters, without what it may repeat from the request: account numbers, mail addresses,
/// tokens, signatures.
pub(crate) fn presentable(text: &str) -> String {
    let mut shown = String::new();
    let mut is_token = false;
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()) {
        if word.is_empty() {
            continue;
        }
        if !shown.is_empty() {
            shown.push(' ');
        }
        if is_token || word.contains('@') {
            shown.push_str(MASK);
        } else {
            push_without_numbers(&mut shown, word);
        }
        is_token = word.eq_ignore_ascii_case("bearer");
    }
    match shown.char_indices().nth(1000) {
        Some((at, _)) => format!("{}...", &shown[..at]),
        None => shown,
    }
}

/// No order number is longer; what is, is a token, a signature or a sealed block.
const LONGEST_ORDER_NO: usize = 32;

/// Copies a word, masking what looks like an account or card number (at least six digits that no
/// letter or dash ties to an order number) and what is too long for any word.
fn push_without_numbers(shown: &mut String, word: &str) {
    let belongs = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let mut rest = word;
    while !rest.is_empty() {
        let end = rest.find(|c| !belongs(c)).unwrap_or(rest.len());
        let (run, tail) = rest.split_at(end);
        if run.len() >= 6 && run.bytes().all(|b| b.is_ascii_digit()) {
            shown.push_str(&mask_account(run));
        } else if run.len() > LONGEST_ORDER_NO {
            shown.push_str(MASK);
        } else {
            shown.push_str(run);
        }
        let separator = tail.chars().next();
        shown.extend(separator);
        rest = &tail[separator.map_or(0, char::len_utf8)..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_of_the_gateway_loses_numbers_and_addresses() {
        let check = |text: &str, shown: &str| assert_eq!(presentable(text), shown);
        check("Account 000123456 of a@b.kh\nnot found", "Account 00****456 of [masked] not found");
        check("(123456)", "(****)");
        check("Order PAY-00000123 exists", "Order PAY-00000123 exists");
        check("សួស្តី \u{0}x", "សួស្តី x");
        check("sent: Bearer abc.def and went", "sent: Bearer [masked] and went");
        let signed = format!("\"sign\":\"{}\"", "0a".repeat(32));
        check(&signed, "\"sign\":\"[masked]\"");
        check(&"a ".repeat(501), &format!("{}...", "a ".repeat(500)));
    }
}
