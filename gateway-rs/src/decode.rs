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

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{DeserializeOwned, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::amount::{Amount, Currency};
use crate::raw_json::{RawJson, Variable};
use crate::sensitive::Sensitive;
use crate::timestamp::{Date, Timestamp};

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

// ---------------------------------------------------------------------------------- scalars

/// A scalar as it stood in the JSON.
#[derive(Debug, Clone, Copy)]
pub enum JsonScalar<'a> {
    /// A text.
    Text(&'a str),
    /// A whole number.
    Integer(i128),
    /// Another number. Never money: [`Amount`] reads the digits instead.
    Float(f64),
    /// `true` or `false`.
    Bool(bool),
}

/// A type that is read from one scalar. Open enumerations implement this, through [`open_enum!`].
pub trait FromScalar: Sized {
    /// What an error calls it, such as `a whole number`.
    const EXPECTED: &'static str;

    /// The value, or `None` where the scalar is not one.
    fn from_scalar(scalar: JsonScalar<'_>) -> Option<Self>;
}

impl FromScalar for String {
    const EXPECTED: &'static str = "text";

    fn from_scalar(scalar: JsonScalar<'_>) -> Option<Self> {
        Some(match scalar {
            JsonScalar::Text(text) => text.to_owned(),
            JsonScalar::Integer(number) => number.to_string(),
            JsonScalar::Float(number) => number.to_string(),
            JsonScalar::Bool(value) => value.to_string(),
        })
    }
}

impl FromScalar for i64 {
    const EXPECTED: &'static str = "a whole number";

    fn from_scalar(scalar: JsonScalar<'_>) -> Option<Self> {
        match scalar {
            JsonScalar::Integer(number) => i64::try_from(number).ok(),
            JsonScalar::Text(text) => text.trim().parse().ok(),
            // `10.0` prints as `10`, and `10.5` as something that is not whole.
            JsonScalar::Float(number) => number.to_string().parse().ok(),
            JsonScalar::Bool(_) => None,
        }
    }
}

impl FromScalar for bool {
    const EXPECTED: &'static str = "true or false";

    fn from_scalar(scalar: JsonScalar<'_>) -> Option<Self> {
        match scalar {
            JsonScalar::Bool(value) => Some(value),
            JsonScalar::Integer(1) => Some(true),
            JsonScalar::Integer(0) => Some(false),
            JsonScalar::Text(text) => match text.trim() {
                "1" => Some(true),
                "0" => Some(false),
                word if word.eq_ignore_ascii_case("true") => Some(true),
                word if word.eq_ignore_ascii_case("false") => Some(false),
                _ => None,
            },
            _ => None,
        }
    }
}

impl FromScalar for Timestamp {
    const EXPECTED: &'static str = "a point in time";

    fn from_scalar(scalar: JsonScalar<'_>) -> Option<Self> {
        String::from_scalar(scalar).map(|text| Timestamp::from(text.as_str()))
    }
}

impl FromScalar for Date {
    const EXPECTED: &'static str = "a day";

    fn from_scalar(scalar: JsonScalar<'_>) -> Option<Self> {
        String::from_scalar(scalar).map(|text| Date::lenient(&text))
    }
}

impl FromScalar for Currency {
    const EXPECTED: &'static str = "a currency";

    fn from_scalar(scalar: JsonScalar<'_>) -> Option<Self> {
        String::from_scalar(scalar).map(|text| Currency::from(text.as_str()))
    }
}

/// Reads a scalar; `None` for `null`.
struct ScalarVisitor<T>(PhantomData<T>);

impl<T: FromScalar> ScalarVisitor<T> {
    fn take<E: serde::de::Error>(scalar: JsonScalar<'_>) -> Result<Option<T>, E> {
        let found = match scalar {
            JsonScalar::Text(_) => "another text",
            JsonScalar::Integer(_) | JsonScalar::Float(_) => "another number",
            JsonScalar::Bool(_) => "true or false",
        };
        match T::from_scalar(scalar) {
            Some(value) => Ok(Some(value)),
            None => Err(unexpected(T::EXPECTED, found)),
        }
    }
}

impl<'de, T: FromScalar> Visitor<'de> for ScalarVisitor<T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::EXPECTED)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
        Self::take(JsonScalar::Text(text))
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Self::Value, E> {
        Self::take(JsonScalar::Integer(number.into()))
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Self::Value, E> {
        Self::take(JsonScalar::Integer(number.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Self::Value, E> {
        Self::take(JsonScalar::Float(number))
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<Self::Value, E> {
        Self::take(JsonScalar::Bool(value))
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<Self::Value, A::Error> {
        Err(unexpected(T::EXPECTED, "a list"))
    }

    fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<Self::Value, A::Error> {
        Err(unexpected(T::EXPECTED, "an object"))
    }
}

/// A text that may be empty: `""` is a value of `String`, and nothing for every other type.
struct OptionalScalar<T>(Option<T>);

impl<T: FromScalar> FromScalar for OptionalScalar<T> {
    const EXPECTED: &'static str = T::EXPECTED;

    fn from_scalar(scalar: JsonScalar<'_>) -> Option<Self> {
        match scalar {
            JsonScalar::Text(text) if text.trim().is_empty() => Some(OptionalScalar(None)),
            scalar => T::from_scalar(scalar).map(|value| OptionalScalar(Some(value))),
        }
    }
}

pub(crate) fn scalar<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: FromScalar,
{
    let value = deserializer.deserialize_any(ScalarVisitor::<T>(PhantomData))?;
    value.ok_or_else(|| unexpected(T::EXPECTED, "null"))
}

pub(crate) fn optional_scalar<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromScalar,
{
    let visitor = ScalarVisitor::<OptionalScalar<T>>(PhantomData);
    Ok(deserializer.deserialize_any(visitor)?.and_then(|value| value.0))
}

/// Makes a [`FromScalar`] type a [`FromReply`] type.
macro_rules! scalar_from_reply {
    ($($type:ty),*) => {$(
        impl $crate::decode::FromReply for $type {
            fn read<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                $crate::decode::scalar(from)
            }

            fn read_optional<'de, D>(from: D) -> Result<Option<Self>, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                $crate::decode::optional_scalar(from)
            }
        }
    )*};
}
pub(crate) use scalar_from_reply;
scalar_from_reply!(String, i64, bool, Timestamp, Date, Currency);

impl FromReply for Amount {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Amount::deserialize(deserializer)
    }

    fn read_optional<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Self>, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        match raw.get() {
            "null" => Ok(None),
            text if is_blank_text(text) => Ok(None),
            text => match Amount::from_json(text) {
                Some(amount) => Ok(Some(amount)),
                None => Err(mismatch("an exact amount", text)),
            },
        }
    }
}

// ------------------------------------------------------------------------ objects and lists

/// A generated object of a reply. Reading it field by field is `serde`'s work; what may stand in
/// its place is decided here.
pub trait ReplyObject: DeserializeOwned {
    /// The specification's name of the object, for errors.
    const NAME: &'static str;
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: ReplyObject> Visitor<'de> for ObjectVisitor<T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object ({})", T::NAME)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Some)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        // PHP prints an empty object as an empty list.
        match seq.next_element::<IgnoredAny>()? {
            None => Ok(None),
            Some(_) => Err(unexpected(T::NAME, "a list")),
        }
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
        if text.is_empty() { Ok(None) } else { Err(unexpected(T::NAME, "text")) }
    }

    fn visit_u64<E: serde::de::Error>(self, _: u64) -> Result<Self::Value, E> {
        Err(unexpected(T::NAME, "a number"))
    }

    fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<Self::Value, E> {
        Err(unexpected(T::NAME, "a number"))
    }

    fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<Self::Value, E> {
        Err(unexpected(T::NAME, "a number"))
    }

    fn visit_bool<E: serde::de::Error>(self, _: bool) -> Result<Self::Value, E> {
        Err(unexpected(T::NAME, "true or false"))
    }
}

impl<T: ReplyObject> FromReply for T {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::read_optional(deserializer)?.ok_or_else(|| unexpected(T::NAME, "nothing"))
    }

    fn read_optional<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Self>, D::Error> {
        deserializer.deserialize_any(ObjectVisitor(PhantomData))
    }
}

/// Reads `T` through [`FromReply`] where `serde` asks for `Deserialize`.
struct Lenient<T>(T);

impl<'de, T: FromReply> Deserialize<'de> for Lenient<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::read(deserializer).map(Lenient)
    }
}

struct ListVisitor<T>(PhantomData<T>);

impl<'de, T: FromReply> Visitor<'de> for ListVisitor<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut list = Vec::with_capacity(seq.size_hint().unwrap_or(0).min(1024));
        while let Some(Lenient(value)) = seq.next_element()? {
            list.push(value);
        }
        Ok(list)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        // PHP prints a list whose keys have holes as an object `{"0":..., "2":...}`.
        let mut list = Vec::new();
        while let Some(key) = map.next_key::<String>()? {
            if !key.bytes().all(|b| b.is_ascii_digit()) {
                return Err(unexpected("a list", "an object"));
            }
            list.push(map.next_value::<Lenient<T>>()?.0);
        }
        Ok(list)
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
        if text.is_empty() { Ok(Vec::new()) } else { Err(unexpected("a list", "text")) }
    }
}

impl<T: FromReply> FromReply for Vec<T> {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ListVisitor(PhantomData))
    }

    fn read_optional<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Self>, D::Error> {
        Self::read(deserializer).map(Some)
    }
}

struct MapVisitor<T>(PhantomData<T>);

impl<'de, T: FromReply> Visitor<'de> for MapVisitor<T> {
    type Value = BTreeMap<String, T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with free keys")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries = BTreeMap::new();
        while let Some((key, Lenient(value))) = map.next_entry()? {
            entries.insert(key, value);
        }
        Ok(entries)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        match seq.next_element::<IgnoredAny>()? {
            None => Ok(BTreeMap::new()),
            Some(_) => Err(unexpected("an object", "a list")),
        }
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Self::Value, E> {
        Ok(BTreeMap::new())
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
        if text.is_empty() { Ok(BTreeMap::new()) } else { Err(unexpected("an object", "text")) }
    }
}

impl<T: FromReply> FromReply for BTreeMap<String, T> {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MapVisitor(PhantomData))
    }

    fn read_optional<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Self>, D::Error> {
        Self::read(deserializer).map(Some)
    }
}

// -------------------------------------------------------------------------- kept as it came

impl FromReply for RawJson {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Box::<RawValue>::deserialize(deserializer).map(RawJson::from_raw)
    }

    fn read_optional<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Self>, D::Error> {
        Ok(Some(RawJson::read(deserializer)?).filter(|raw| raw.get() != "null"))
    }
}

impl<T: FromReply> FromReply for Variable<T> {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = RawJson::read(deserializer)?;
        Ok(match read_json(raw.get()) {
            Ok(Some(value)) => Variable::Known(value),
            Ok(None) | Err(_) => Variable::Other(raw),
        })
    }

    fn read_optional<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Self>, D::Error> {
        let raw = Variable::read(deserializer)?;
        Ok(Some(raw).filter(|raw| match raw {
            Variable::Known(_) => true,
            Variable::Other(raw) => !matches!(raw.get(), "null" | "[]" | "\"\""),
        }))
    }
}

// ----------------------------------------------------------------------------- whole values

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
fn unexpected<E: serde::de::Error>(expected: &str, found: &str) -> E {
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

fn is_blank_text(json: &str) -> bool {
    let inner = json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    inner.is_some_and(|inner| inner.trim().is_empty())
}

/// Reads a text that is at hand, for types that are `FromScalar` and come from a form.
pub(crate) fn from_text<T: FromReply>(text: &str) -> Result<T, serde::de::value::Error> {
    T::read(StrDeserializer::new(text))
}
