//! Fields that are more than one value: objects, lists, maps, and what is kept as it came.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::{FromReply, read_json, unexpected};
use crate::raw_json::{RawJson, Variable};

/// Refuses numbers and flags in the place of a shape. `serde` would, too, but repeat the value.
macro_rules! refuse_scalars {
    ($expected:expr) => {
        fn visit_u64<E: serde::de::Error>(self, _: u64) -> Result<Self::Value, E> {
            Err(unexpected($expected, "a number"))
        }

        fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<Self::Value, E> {
            Err(unexpected($expected, "a number"))
        }

        fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<Self::Value, E> {
            Err(unexpected($expected, "a number"))
        }

        fn visit_bool<E: serde::de::Error>(self, _: bool) -> Result<Self::Value, E> {
            Err(unexpected($expected, "true or false"))
        }
    };
}

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
        if text.trim().is_empty() { Ok(None) } else { Err(unexpected(T::NAME, "text")) }
    }

    refuse_scalars!(T::NAME);
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
        if text.trim().is_empty() { Ok(Vec::new()) } else { Err(unexpected("a list", "text")) }
    }

    refuse_scalars!("a list");
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
        match text.trim() {
            "" => Ok(BTreeMap::new()),
            _ => Err(unexpected("an object", "text")),
        }
    }

    refuse_scalars!("an object");
}

impl<T: FromReply> FromReply for BTreeMap<String, T> {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MapVisitor(PhantomData))
    }

    fn read_optional<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Self>, D::Error> {
        Self::read(deserializer).map(Some)
    }
}

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
