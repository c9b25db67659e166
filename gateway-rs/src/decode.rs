//! Reading replies: lenient where the gateway is known to vary, exact about what it cannot read.
//!
//! Every field of a generated reply goes through one door,
//! `#[serde(default, deserialize_with = "crate::decode::field")]` (`default` on optional fields
//! and lists). What is accepted is decided by the field's type, through [`FromReply`]:
//!
//! | type | accepts |
//! |---|---|
//! | `String` | text, number, `true` / `false` |
//! | `i64` | whole number, text of one, `10.0` |
//! | `bool` | `true`, `false`, `1`, `0`, and texts of these |
//! | `Amount` | number or text, to the last digit |
//! | `Timestamp`, `Date`, `Currency`, open enumerations | text or number, any value is kept |
//! | an object | object |
//! | `Option<T>` | also `null` and `""`; for objects also `[]` |
//! | `Vec<T>` | array, `null`, `""`, and PHP's object of a list with holes |
//! | `BTreeMap<String, T>` | object, `null`, `""`, `[]` |
//! | `Variable<T>` | anything, the object where it is one |
//! | `RawJson` | anything |
//!
//! Unknown fields are ignored. An error says path, expected and found, and never repeats a value:
//! it may be one that must not be seen.

use serde::Deserializer;

use crate::sensitive::Sensitive;

mod scalar;
mod shape;

pub use scalar::{FromScalar, JsonScalar};
pub(crate) use scalar::{optional_scalar, scalar, scalar_from_reply};
pub use shape::ReplyObject;

/// A value that can be read from a reply.
pub trait FromReply: Sized {
    /// Reads the value.
    ///
    /// # Errors
    /// Where the JSON is of another shape.
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error>;

    /// Reads the value, or `None` where what stands there means "nothing".
    ///
    /// # Errors
    /// Where the JSON is of another shape.
    fn read_optional<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Self>, D::Error>;
}

/// The one door for fields: reads whatever the type accepts.
///
/// # Errors
/// Where the JSON is of a shape that the type does not accept.
pub fn field<'de, D: Deserializer<'de>, T: FromReply>(deserializer: D) -> Result<T, D::Error> {
    T::read(deserializer)
}

impl<T: FromReply> FromReply for Option<T> {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::read_optional(deserializer)
    }

    fn read_optional<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Self>, D::Error> {
        T::read_optional(deserializer).map(Some)
    }
}

impl<T: FromReply> FromReply for Sensitive<T> {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::read(deserializer).map(Sensitive::from)
    }

    fn read_optional<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Self>, D::Error> {
        Ok(T::read_optional(deserializer)?.map(Sensitive::from))
    }
}

/// Reads JSON text as `T`, or `None` where it stands for nothing.
pub(crate) fn read_json<T: FromReply>(json: &str) -> Result<Option<T>, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let value = T::read_optional(&mut deserializer)?;
    deserializer.end()?;
    Ok(value)
}

/// Where and why JSON text is not a `T`. Called after reading failed, so that the way of a good
/// reply does not pay for keeping track of the path.
pub(crate) fn explain<T: FromReply>(json: &str) -> String {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let mut track = serde_path_to_error::Track::new();
    let tracked = serde_path_to_error::Deserializer::new(&mut deserializer, &mut track);
    match T::read_optional(tracked) {
        Ok(_) => "the JSON goes on after its end".to_owned(),
        Err(error) => {
            let path = track.path().to_string();
            let root = path == "." || path.is_empty();
            format!("data{}{}: {error}", if root { "" } else { "." }, if root { "" } else { &path })
        }
    }
}

/// An error that says what was expected and what was found, without the value.
pub(crate) fn unexpected<E: serde::de::Error>(expected: &str, found: &str) -> E {
    E::custom(format_args!("expected {expected}, found {found}"))
}

/// The same, for a value of which the JSON text is at hand.
pub(crate) fn mismatch<E: serde::de::Error>(expected: &str, json: &str) -> E {
    let found = match json.as_bytes().first() {
        Some(b'"') => "another text",
        Some(b'{') => "an object",
        Some(b'[') => "a list",
        Some(b't' | b'f') => "true or false",
        Some(b'n') => "null",
        _ => "another number",
    };
    unexpected(expected, found)
}
