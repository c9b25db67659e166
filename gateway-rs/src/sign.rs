//! Signatures: the canonical string of a message, and its MD5 or HMAC-SHA256.
//!
//! Every non-null, non-empty scalar at the root of a message is signed, except `sign`: keys in byte
//! order, `k=v` joined by `&`, then `&key=` and the API secret. The gateway is written in PHP and
//! signs what PHP *prints* after decoding the JSON, so numbers are printed here as PHP prints them:
//! floats with 14 significant digits, `true` as `1`, `false` as an empty value whose key stays.
//! PHP then trims `&` from both ends of the joined string, and so does [`Canonical`].
//!
//! Requests are signed while they are written ([`crate::encode`]): their keys are known to be in
//! order. [`scalars_of_json`] is for the other direction, where any JSON may come: webhooks and
//! reply signatures. [`crate::delegate`] reads the requests that an app wants signed more strictly.
//!
//! Invariant: no text with the secret in it leaves this module. An unknown `sign_type` would make
//! the documented routine return one; [`SignType`] is closed, so there is no such case.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use hmac::{Hmac, Mac};
use md5::{Digest, Md5};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::error::{Error, ErrorKind};
use crate::raw_json;

/// How a message is signed. Closed, and written exactly as the gateway expects it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum SignType {
    /// `MD5`
    Md5,
    /// `HMAC-SHA256`, the default
    #[default]
    HmacSha256,
}

impl SignType {
    /// The name on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            SignType::Md5 => "MD5",
            SignType::HmacSha256 => "HMAC-SHA256",
        }
    }
}

impl fmt::Display for SignType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for SignType {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "MD5" => Ok(SignType::Md5),
            "HMAC-SHA256" => Ok(SignType::HmacSha256),
            _ => Err(Error::new(
                ErrorKind::Config,
                "the sign type is neither MD5 nor HMAC-SHA256, in capitals",
            )),
        }
    }
}

/// The API secret, with what can be computed from it once.
#[derive(Clone)]
pub(crate) struct SigningKey {
    secret: SecretString,
    hmac: Hmac<Sha256>,
}

impl SigningKey {
    pub(crate) fn new(secret: SecretString) -> SigningKey {
        let hmac = Hmac::new_from_slice(secret.expose_secret().as_bytes())
            .expect("HMAC takes keys of any length");
        SigningKey { secret, hmac }
    }

    /// The signature of a canonical string, in lower-case hex.
    pub(crate) fn sign(&self, canonical: &Canonical, sign_type: SignType) -> String {
        self.digest(canonical, sign_type, in_hex)
    }

    /// The signature in bytes, for `take` to look at: sixteen or thirty-two.
    fn digest<R>(
        &self,
        canonical: &Canonical,
        sign_type: SignType,
        take: impl FnOnce(&[u8]) -> R,
    ) -> R {
        let canonical = canonical.as_str();
        let secret = self.secret.expose_secret();
        match sign_type {
            SignType::Md5 => {
                let mut md5 = Md5::new();
                md5.update(canonical);
                md5.update("&key=");
                md5.update(secret);
                take(&md5.finalize())
            }
            SignType::HmacSha256 => {
                let mut hmac = self.hmac.clone();
                hmac.update(canonical.as_bytes());
                hmac.update(b"&key=");
                hmac.update(secret.as_bytes());
                take(&hmac.finalize().into_bytes())
            }
        }
    }

    /// What follows from the secret and a label, in lower-case hex. It is no signature of anything:
    /// what is signed ends in the secret itself.
    pub(crate) fn derive(&self, label: &str) -> String {
        let mut hmac = self.hmac.clone();
        hmac.update(label.as_bytes());
        in_hex(&hmac.finalize().into_bytes())
    }

    /// Whether `signature` signs `canonical`: without regard to case, in constant time.
    pub(crate) fn verify(
        &self,
        canonical: &Canonical,
        sign_type: SignType,
        signature: &str,
    ) -> bool {
        let Ok(given) = hex::decode(signature) else { return false };
        self.digest(canonical, sign_type, |expected| expected.ct_eq(&given).into())
    }
}

/// Bytes as lower-case hex. (`hex::encode` makes the text of single characters, which takes longer
/// than all the rest of a request's text.)
pub(crate) fn in_hex(bytes: &[u8]) -> String {
    let digit = |half: u8| half + if half < 10 { b'0' } else { b'a' - 10 };
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(digit).collect();
    String::from_utf8(digits).expect("digits are ASCII")
}

/// The string that is signed, grown in the order of the keys.
#[derive(Default)]
pub(crate) struct Canonical {
    text: String,
}

impl Canonical {
    pub(crate) fn with_capacity(bytes: usize) -> Canonical {
        Canonical { text: String::with_capacity(bytes) }
    }

    /// The string for pairs that are in byte order of their keys, `sign` left out.
    pub(crate) fn of<K: AsRef<str>, V: AsRef<str>>(
        pairs: impl IntoIterator<Item = (K, V)>,
    ) -> Canonical {
        // The scalars of an order are half of that.
        let mut canonical = Canonical::with_capacity(1_024);
        for (key, value) in pairs {
            if key.as_ref() != "sign" {
                canonical.push(key.as_ref(), value.as_ref());
            }
        }
        canonical
    }

    /// Adds a pair. An empty value is the caller's to leave out, or (for `false`) to keep.
    pub(crate) fn push(&mut self, key: &str, value: &str) {
        self.text.reserve(key.len() + value.len() + 2);
        self.text.push_str(key);
        self.text.push('=');
        self.text.push_str(value);
        self.text.push('&');
    }

    /// The joined string, trimmed as PHP's `trim($buff, "&")` does.
    fn as_str(&self) -> &str {
        self.text.trim_matches('&')
    }
}

/// A name, and what PHP prints of its value.
pub(crate) type Scalar<'a> = (Cow<'a, str>, Cow<'a, str>);

/// The scalars at the root of a JSON object, printed as PHP prints them, in byte order of keys.
/// `null`, empty texts, arrays and objects are not there; `false` is there, and empty.
pub(crate) fn scalars_of_json(json: &str) -> Result<Vec<Scalar<'_>>, serde_json::Error> {
    let mut members = raw_json::members(json)?;
    // The last value of a repeated key counts, as in PHP.
    members.reverse();
    members.sort_by(|(one, _), (other, _)| one.cmp(other));
    members.dedup_by(|(again, _), (last, _)| again == last);
    let printed = members.into_iter().filter_map(|(key, value)| match php_print(value.get()) {
        Ok(printed) => printed.map(|printed| Ok((key, printed))),
        Err(error) => Some(Err(error)),
    });
    printed.collect()
}

/// What PHP prints for a decoded JSON value, or `None` where it is not signed.
pub(crate) fn php_print(json: &str) -> Result<Option<Cow<'_, str>>, serde_json::Error> {
    let printed = match json.as_bytes().first() {
        Some(b'"') => raw_json::text(json)?,
        Some(b't') => Cow::Borrowed("1"),
        Some(b'f') => return Ok(Some(Cow::Borrowed(""))),
        Some(b'-' | b'0'..=b'9') => php_number(json),
        _ => return Ok(None),
    };
    Ok(Some(printed).filter(|printed| !printed.is_empty()))
}

/// What PHP 8 prints for a JSON number. Whole numbers that fit 64 bits stay whole; all others
/// become floats with `precision = 14`, in exponent form from 1e14 up and below 1e-4.
pub(crate) fn php_number(json: &str) -> Cow<'_, str> {
    match json.parse::<i64>() {
        Ok(0) => Cow::Borrowed("0"),
        Ok(_) => Cow::Borrowed(json),
        Err(_) => unrounded(json).map_or_else(|| Cow::Owned(rounded(json)), Cow::Borrowed),
    }
}

/// A decimal that no rounding changes: of at most 14 digits, and not so small that it would get an
/// exponent. Only the zeros at its end go.
fn unrounded(json: &str) -> Option<&str> {
    let (whole, fraction) = json.split_once('.')?;
    let digits = whole.strip_prefix('-').unwrap_or(whole);
    let fraction = fraction.trim_end_matches('0');
    let short = digits.len() + fraction.len() <= 14;
    let small = digits == "0" && fraction.starts_with("0000");
    if !short || small || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let point = usize::from(!fraction.is_empty());
    Some(&json[..whole.len() + point + fraction.len()])
}

/// Any other number. The text becomes a binary float and a text again, exactly as in PHP, because
/// the signature is over that rounding. Nothing is computed with it, and no amount is taken from
/// it.
fn rounded(json: &str) -> String {
    let float: f64 = json.parse().unwrap_or(f64::NAN);
    if float.is_infinite() {
        return if float.is_sign_negative() { "-INF" } else { "INF" }.to_owned();
    }
    // `d.ddddddddddddde<exponent>`: 14 significant digits, correctly rounded.
    let scientific = format!("{float:.13e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let (sign, mantissa) = match mantissa.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", mantissa),
    };
    let digits = mantissa.replace('.', "");
    let digits = digits.trim_end_matches('0');
    let digits = if digits.is_empty() { "0" } else { digits };
    format!("{sign}{}", place_point(digits, exponent))
}

/// Writes `d.ddd * 10^exponent` as PHP's `%.14G` does.
fn place_point(digits: &str, exponent: i32) -> String {
    if !(-4..14).contains(&exponent) {
        let (first, rest) = digits.split_at(1);
        let rest = if rest.is_empty() { "0" } else { rest };
        return format!("{first}.{rest}E{exponent:+}");
    }
    let Ok(whole) = usize::try_from(exponent + 1) else {
        return format!("0.{}{digits}", zeros(exponent.unsigned_abs() as usize - 1));
    };
    match digits.len().checked_sub(whole) {
        Some(0) => digits.to_owned(),
        Some(_) if whole == 0 => format!("0.{digits}"),
        Some(_) => format!("{}.{}", &digits[..whole], &digits[whole..]),
        None => format!("{digits}{}", zeros(whole - digits.len())),
    }
}

fn zeros(count: usize) -> String {
    "0".repeat(count)
}

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::{Rng, SeedableRng};

    use super::*;

    #[test]
    fn numbers_print_as_in_php() {
        let check = |json: &str, printed: &str| assert_eq!(php_number(json), printed, "{json}");
        // Computed with PHP 8.2.
        check("-0", "0");
        check("-0.0", "-0");
        check("10", "10");
        check("10.50", "10.5");
        check("10.0", "10");
        check("1e14", "1.0E+14");
        check("100000000000000", "100000000000000");
        check("9223372036854775807", "9223372036854775807");
        check("9223372036854775808", "9.2233720368548E+18");
        check("1e400", "INF");
        check("-1e400", "-INF");
        check("0.0001", "0.0001");
        check("0.00001", "1.0E-5");
        check("0.5", "0.5");
        check("12345678901234.5", "12345678901234");
        check("99999999999999.9", "1.0E+14");
        check("123456789012345.5", "1.2345678901235E+14");
        check("0.30000000000000004", "0.3");
        check("1e-400", "0");
        check("1.5e3", "1500");
        check("1234567890.12345", "1234567890.1235");
    }

    #[test]
    fn what_no_rounding_changes_prints_as_if_it_were_rounded() {
        let random = &mut StdRng::seed_from_u64(1_863);
        let mut unchanged = 0;
        for _ in 0..100_000 {
            let whole = random.r#gen::<u64>() >> random.gen_range(16..64);
            let fraction = random.r#gen::<u64>() >> random.gen_range(0..64);
            let (sign, width) = (if random.r#gen() { "-" } else { "" }, random.gen_range(1..20));
            let json = format!("{sign}{whole}.{fraction:0width$}");
            if let Some(printed) = unrounded(&json) {
                assert_eq!(printed, rounded(&json), "{json}");
                unchanged += 1;
            }
        }
        assert!(unchanged > 10_000, "{unchanged}");
    }

    #[test]
    fn of_a_name_that_comes_twice_the_last_value_is_signed() {
        let json = r#"{"z":"\u0061","\u0062":1,"y":[],"b":false,"x":"x","n":null,"e":"","x":null}"#;
        let scalars = scalars_of_json(json).unwrap();
        assert_eq!(Canonical::of(scalars).as_str(), "b=&z=a");
        assert!(scalars_of_json("[1]").is_err());
        assert!(scalars_of_json(r#"{"a":"\ud83d"}"#).is_err());
        assert!(scalars_of_json(r#"{"a":"\ud83d","a":1}"#).is_ok());
    }

    #[test]
    fn a_sign_type_is_written_exactly() {
        assert_eq!("MD5".parse::<SignType>().unwrap(), SignType::Md5);
        assert_eq!("HMAC-SHA256".parse::<SignType>().unwrap(), SignType::HmacSha256);
        assert!("md5".parse::<SignType>().is_err());
        assert!("".parse::<SignType>().is_err());
    }
}
