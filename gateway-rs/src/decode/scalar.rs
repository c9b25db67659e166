//! Fields that are one value: text, number, flag, amount, time, and open enumerations.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::{FromReply, mismatch, unexpected};
use crate::amount::{Amount, Currency};
use crate::timestamp::{Date, Timestamp};

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

impl<'a> JsonScalar<'a> {
    /// The scalar as a text.
    pub(crate) fn text(self) -> Cow<'a, str> {
        match self {
            JsonScalar::Text(text) => Cow::Borrowed(text),
            JsonScalar::Integer(number) => Cow::Owned(number.to_string()),
            JsonScalar::Float(number) => Cow::Owned(number.to_string()),
            JsonScalar::Bool(value) => Cow::Owned(value.to_string()),
        }
    }
}

/// A type that is read from one scalar. Open enumerations implement this, through `open_enum!`.
pub trait FromScalar: Sized {
    /// What an error calls it, such as `a whole number`.
    const EXPECTED: &'static str;

    /// The value, or `None` where the scalar is not one.
    fn from_scalar(scalar: JsonScalar<'_>) -> Option<Self>;
}

impl FromScalar for String {
    const EXPECTED: &'static str = "text";

    fn from_scalar(scalar: JsonScalar<'_>) -> Option<Self> {
        Some(scalar.text().into_owned())
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
        Some(Timestamp::from(&*scalar.text()))
    }
}

impl FromScalar for Date {
    const EXPECTED: &'static str = "a day";

    fn from_scalar(scalar: JsonScalar<'_>) -> Option<Self> {
        Some(Date::lenient(&scalar.text()))
    }
}

impl FromScalar for Currency {
    const EXPECTED: &'static str = "a currency";

    fn from_scalar(scalar: JsonScalar<'_>) -> Option<Self> {
        Some(Currency::from(&*scalar.text()))
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
            JsonScalar::Text(text) if text.trim_start().is_empty() => Some(OptionalScalar(None)),
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

fn is_blank_text(json: &str) -> bool {
    let inner = json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    inner.is_some_and(|inner| inner.trim().is_empty())
}
