//! The JSON of replies: keys stay in the order of the documentation, amounts stay exact.

use std::fmt::Write as _;

use rust_decimal::Decimal;

/// A JSON value that is written once and never read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Json {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// An exact number, in its shortest plain form.
    Number(Decimal),
    /// A text.
    Text(String),
    /// An array.
    List(Vec<Json>),
    /// An object.
    Object(Vec<(&'static str, Json)>),
    /// Text that is JSON already.
    Raw(String),
}

/// An object with its members in the order they are written.
macro_rules! object {
    ($($name:literal: $value:expr),* $(,)?) => {
        $crate::json::Json::Object(vec![$(($name, $crate::json::Json::from($value))),*])
    };
}
pub(crate) use object;

impl Json {
    /// The value as JSON text.
    pub(crate) fn render(&self) -> String {
        let mut out = String::with_capacity(1024);
        self.write(&mut out);
        out
    }

    /// Adds members at the end of an object; anything else is left alone.
    pub(crate) fn with(mut self, more: Vec<(&'static str, Json)>) -> Self {
        if let Self::Object(members) = &mut self {
            members.extend(more);
        }
        self
    }

    fn write(&self, out: &mut String) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            // Writing into a String cannot fail.
            Self::Int(value) => drop(write!(out, "{value}")),
            Self::Number(value) => drop(write!(out, "{}", value.normalize())),
            Self::Text(value) => write_text(out, value),
            Self::Raw(json) => out.push_str(json),
            Self::List(values) => {
                out.push('[');
                for (position, value) in values.iter().enumerate() {
                    if position > 0 {
                        out.push(',');
                    }
                    value.write(out);
                }
                out.push(']');
            }
            Self::Object(members) => {
                out.push('{');
                for (position, (name, value)) in members.iter().enumerate() {
                    if position > 0 {
                        out.push(',');
                    }
                    write_text(out, name);
                    out.push(':');
                    value.write(out);
                }
                out.push('}');
            }
        }
    }
}

fn write_text(out: &mut String, text: &str) {
    match serde_json::to_string(text) {
        Ok(quoted) => out.push_str(&quoted),
        Err(_) => out.push_str("\"\""),
    }
}

impl From<&str> for Json {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Json {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<&String> for Json {
    fn from(value: &String) -> Self {
        Self::Text(value.clone())
    }
}

impl From<bool> for Json {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Json {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<Decimal> for Json {
    fn from(value: Decimal) -> Self {
        Self::Number(value)
    }
}

impl From<Vec<Json>> for Json {
    fn from(values: Vec<Json>) -> Self {
        Self::List(values)
    }
}

impl<T: Into<Json>> From<Option<T>> for Json {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_keep_their_order_and_amounts_their_value() {
        let amount: Decimal = "-10.50".parse().unwrap();
        let json = object! {
            "b": "say \"ស\"\n",
            "a": amount,
            "none": None::<&str>,
            "list": vec![Json::Int(1), Json::Bool(true)],
        };
        let expected = "{\"b\":\"say \\\"ស\\\"\\n\",\"a\":-10.5,\"none\":null,\"list\":[1,true]}";
        assert_eq!(json.render(), expected);
    }
}
