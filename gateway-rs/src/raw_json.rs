//! JSON kept as it came: [`RawJson`], and [`Variable`] for fields that change their shape. And JSON
//! taken apart without a copy: [`members`], [`text`].

use std::borrow::Cow;
use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

/// A JSON value, to the byte as the gateway wrote it.
///
/// `Debug` shows its size only: nobody knows what stands in it.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RawJson(Box<RawValue>);

impl RawJson {
    /// The JSON text.
    #[must_use]
    pub fn get(&self) -> &str {
        self.0.get()
    }

    /// A value from JSON text of your own.
    ///
    /// # Errors
    /// Where the text is not JSON.
    pub fn parse(json: impl Into<String>) -> Result<RawJson, crate::Error> {
        RawValue::from_string(json.into()).map(RawJson).map_err(|source| {
            crate::Error::new(crate::ErrorKind::InvalidRequest, "this text is not JSON")
                .with_source(source)
        })
    }

    pub(crate) fn from_raw(raw: Box<RawValue>) -> RawJson {
        RawJson(raw)
    }

    /// Reads the value as one of your own types.
    ///
    /// # Errors
    /// Where the value has another shape.
    pub fn read_as<'a, T: Deserialize<'a>>(&'a self) -> Result<T, crate::Error> {
        // The cause is left out: it would repeat the value that did not fit.
        serde_json::from_str(self.get())
            .map_err(|_| crate::Error::new(crate::ErrorKind::Decode, "this JSON has another shape"))
    }
}

impl fmt::Debug for RawJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RawJson({} bytes)", self.get().len())
    }
}

impl PartialEq for RawJson {
    /// Compares the text: `1.0` and `1` are different.
    fn eq(&self, other: &Self) -> bool {
        self.get() == other.get()
    }
}

impl Eq for RawJson {}

/// A field that is usually an object `T`, and sometimes something else, which is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Variable<T> {
    /// The documented shape.
    Known(T),
    /// Another shape, as it came.
    Other(RawJson),
}

impl<T> Variable<T> {
    /// The value, if it has the documented shape.
    pub fn known(&self) -> Option<&T> {
        match self {
            Variable::Known(value) => Some(value),
            Variable::Other(_) => None,
        }
    }
}

/// The members of a JSON object, in their order and however often a name comes: names, and values
/// as they stand there.
pub(crate) type Members<'a> = Vec<(Cow<'a, str>, &'a RawValue)>;

/// Takes a JSON object apart. Refuses all that is not one.
pub(crate) fn members(json: &str) -> Result<Members<'_>, serde_json::Error> {
    serde_json::from_str(json).map(|Object(members)| members)
}

/// The text that a JSON text stands for. `json` is known to be JSON; what it says with an escape
/// may still be no text.
pub(crate) fn text(json: &str) -> Result<Cow<'_, str>, serde_json::Error> {
    match json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(text) if !text.contains('\\') => Ok(Cow::Borrowed(text)),
        _ => serde_json::from_str(json).map(Cow::Owned),
    }
}

struct Object<'a>(Members<'a>);

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(InOrder).map(Object)
    }
}

/// A name, which is borrowed where nothing in it is escaped.
#[derive(Deserialize)]
#[serde(transparent)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

struct InOrder;

impl<'de> Visitor<'de> for InOrder {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::with_capacity(32);
        while let Some((Name(name), value)) = map.next_entry()? {
            members.push((name, value));
        }
        Ok(members)
    }
}
