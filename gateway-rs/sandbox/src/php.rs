//! Request parameters as PHP sees them after `json_decode`, trimming and dropping of empty texts.
//!
//! The gateway signs what PHP *prints*, so `10.50` signs as `10.5` and `1e2` as `100`. This module
//! keeps both: the text of a number as it was sent, from which amounts are read exactly, and the
//! text PHP would print for it. No arithmetic is done on floats anywhere.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde_json::value::RawValue;

/// One decoded value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    /// `null`, or a text that was empty after trimming.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number: as it was sent, and as PHP prints it.
    Number {
        /// The digits in the body.
        sent: String,
        /// `strval` of the decoded number.
        printed: String,
    },
    /// A text, trimmed, never empty.
    Text(String),
    /// An array or an object, as JSON.
    Nested(String),
}

/// The parameters at the root of a body, in byte order of their names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Params(BTreeMap<String, Value>);

impl Params {
    /// Decodes a JSON object the way the gateway's framework does. `None` if it is not one.
    pub(crate) fn decode(body: &[u8]) -> Option<Self> {
        let raw: BTreeMap<String, Box<RawValue>> = serde_json::from_slice(body).ok()?;
        let decoded = raw.into_iter().map(|(name, raw)| {
            let value = Value::decode(raw.get())?;
            Some((name, value))
        });
        decoded.collect::<Option<_>>().map(Self)
    }

    /// The value under `name`; a missing one is [`Value::Null`], as in PHP's `$input[$name] ??
    /// null`.
    pub(crate) fn get(&self, name: &str) -> &Value {
        self.0.get(name).unwrap_or(&Value::Null)
    }

    /// The text PHP prints for the scalar under `name`; `None` for null and for nested values.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.get(name).printed()
    }

    /// The exact number under `name`, sent as a number or as a text.
    pub(crate) fn decimal(&self, name: &str) -> Option<Decimal> {
        self.get(name).decimal()
    }

    /// The whole number under `name`, sent as a number or as a text.
    pub(crate) fn integer(&self, name: &str) -> Option<i64> {
        let decimal = self.decimal(name)?;
        if decimal.is_integer() { i64::try_from(decimal).ok() } else { None }
    }

    /// Adds a text, such as the `sign_type` beside a reply's `data`.
    pub(crate) fn put_text(&mut self, name: &str, text: &str) {
        self.0.insert(name.to_owned(), Value::Text(text.to_owned()));
    }

    /// Every name with its value, in byte order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }
}

impl Value {
    fn decode(json: &str) -> Option<Self> {
        let json = json.trim();
        Some(match json.as_bytes().first()? {
            b'n' => Self::Null,
            b't' => Self::Bool(true),
            b'f' => Self::Bool(false),
            b'"' => {
                let text: String = serde_json::from_str(json).ok()?;
                match trim(&text) {
                    "" => Self::Null,
                    trimmed => Self::Text(trimmed.to_owned()),
                }
            }
            b'[' | b'{' => Self::Nested(json.to_owned()),
            _ => Self::Number { sent: json.to_owned(), printed: print_number(json) },
        })
    }

    /// `strval` of a scalar. `false` prints as the empty text; null and nested values as nothing.
    pub(crate) fn printed(&self) -> Option<&str> {
        match self {
            Self::Null | Self::Nested(_) => None,
            Self::Bool(true) => Some("1"),
            Self::Bool(false) => Some(""),
            Self::Number { printed, .. } => Some(printed),
            Self::Text(text) => Some(text),
        }
    }

    /// The exact number, whether it was sent as a number or as a text.
    pub(crate) fn decimal(&self) -> Option<Decimal> {
        let digits = match self {
            Self::Number { sent, .. } => sent,
            Self::Text(text) => text,
            _ => return None,
        };
        digits.parse().ok().or_else(|| Decimal::from_scientific(digits).ok())
    }
}

/// PHP's `trim`: blank, tab, line feed, carriage return, NUL and vertical tab.
fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\n', '\r', '\0', '\u{b}'])
}

/// `strval(json_decode($digits))`: whole numbers that fit 64 bits are integers, others are floats.
fn print_number(digits: &str) -> String {
    match digits.parse::<i64>() {
        Ok(whole) => whole.to_string(),
        Err(_) => print_float(digits),
    }
}

/// A float as PHP prints it with `precision=14`: 14 significant digits, trailing zeros dropped,
/// and the exponent form from 1e14 up and below 0.0001.
fn print_float(digits: &str) -> String {
    // The one place in the sandbox with a binary float: it has to round as PHP's own does.
    let float: f64 = digits.parse().unwrap_or(f64::NAN);
    if float.is_infinite() {
        return if float.is_sign_negative() { "-INF".to_owned() } else { "INF".to_owned() };
    }
    let scientific = format!("{float:.13e}");
    let Some((mantissa, exponent)) = scientific.split_once('e') else {
        return scientific;
    };
    let exponent: i32 = exponent.parse().unwrap_or_default();
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |rest| ("-", rest));
    let significant: String = mantissa.chars().filter(|c| *c != '.').collect();
    let significant = significant.trim_end_matches('0');
    let significant = if significant.is_empty() { "0" } else { significant };
    format!("{sign}{}", place_point(significant, exponent))
}

/// Writes `significant`, of which the first digit counts 10^`exponent`, in PHP's form.
fn place_point(significant: &str, exponent: i32) -> String {
    if !(-4..14).contains(&exponent) {
        let (first, rest) = significant.split_at(1);
        let rest = if rest.is_empty() { "0" } else { rest };
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{first}.{rest}E{sign}{}", exponent.unsigned_abs());
    }
    let distance = exponent.unsigned_abs() as usize;
    if exponent < 0 {
        return format!("0.{}{significant}", "0".repeat(distance - 1));
    }
    let whole = distance + 1;
    if significant.len() <= whole {
        return format!("{significant}{}", "0".repeat(whole - significant.len()));
    }
    format!("{}.{}", &significant[..whole], &significant[whole..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_print_as_php_prints_them() {
        // Right-hand sides were printed by PHP 8.2.
        let cases = [
            ("-0.0", "-0"),
            ("0.0", "0"),
            ("1e2", "100"),
            ("10.50", "10.5"),
            ("12345678901234567890", "1.2345678901235E+19"),
            ("1e400", "INF"),
            ("0.1e-3", "0.0001"),
            ("0.00001", "1.0E-5"),
            ("123456789.123456789", "123456789.12346"),
            ("1E14", "1.0E+14"),
            ("99999999999999.5", "1.0E+14"),
            ("99999999999999.4", "99999999999999"),
            ("0.00012345678901234567", "0.00012345678901235"),
            ("-1.5e-7", "-1.5E-7"),
            ("0.30000000000000004", "0.3"),
            ("100000000000000", "100000000000000"),
            ("-10", "-10"),
        ];
        for (sent, printed) in cases {
            assert_eq!(print_number(sent), printed, "{sent}");
        }
    }

    #[test]
    fn empty_after_trimming_is_null_and_later_duplicates_win() {
        let params = Params::decode(br#"{"a":" \t","b":" x ","c":1,"c":2,"d":[1]}"#).unwrap();
        assert_eq!(params.get("a"), &Value::Null);
        assert_eq!(params.text("b"), Some("x"));
        assert_eq!(params.text("c"), Some("2"));
        assert_eq!(params.get("d"), &Value::Nested("[1]".to_owned()));
    }

    #[test]
    fn amounts_keep_every_digit_that_was_sent() {
        let params = Params::decode(br#"{"a":0.1000000000000000055,"b":"10.50","c":1.5e3}"#);
        let params = params.unwrap();
        assert_eq!(params.decimal("a").unwrap().to_string(), "0.1000000000000000055");
        assert_eq!(params.decimal("b").unwrap().to_string(), "10.50");
        assert_eq!(params.integer("c"), Some(1500));
    }

    #[test]
    fn a_body_that_is_no_object_is_refused() {
        for body in ["", "[]", "null", "1", "{", "{\"a\":}", "\"x\""] {
            assert_eq!(Params::decode(body.as_bytes()), None, "{body}");
        }
    }
}
