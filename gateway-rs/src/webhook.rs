//! Notices that the gateway pushes to `notify_url`: checking that they come from it.
//!
//! A notice is a `POST`, form-encoded and flat, sometimes JSON. It is signed like a request: the
//! scalars at its root, `sign` left out; keys with brackets (`seller[code]`, `detail[]`) are not
//! covered. PHP writes `false` as `0` into a form and signs it as empty, so both are accepted.
//!
//! A notice says when to look, not what to believe: notices come more than once, out of order, and
//! for some events perhaps not at all. `queryOrder` decides. Answer with any 2xx within 25 seconds;
//! anything else makes the gateway push again.
//!
//! ```
//! use kess_gateway::webhook::{self, Verifier};
//! use kess_gateway::SignType;
//!
//! let verifier = Verifier::new("api-secret");
//! let body = webhook::sign_form_for_tests(
//!     "api-secret",
//!     SignType::Md5,
//!     &[("out_trade_no", "TR-1"), ("status", "SUCCESS"), ("total_amount", "10.5")],
//! );
//! let notice = verifier.verify(body.as_bytes())?;
//! assert_eq!(notice.get("out_trade_no"), Some("TR-1"));
//! assert!(verifier.verify(body.replace("10.5", "99").as_bytes()).is_err());
//! # Ok::<(), kess_gateway::Error>(())
//! ```

use std::collections::BTreeMap;
use std::fmt;

use secrecy::SecretString;
use serde_json::{Map, Value};

use crate::decode::{self, FromReply};
use crate::error::{Error, ErrorKind};
use crate::sign::{Canonical, SignType, SigningKey, scalars_of_json};

/// No notice is anywhere near this long; who sends more is somebody else.
const MAX_BODY: usize = 256 * 1024;
/// No key of a notice has more brackets. PHP itself stops at 64.
const MAX_DEPTH: usize = 16;
/// With more zeros than this, only "all are numbers" and "all are false" are tried.
const MAX_ZEROS: usize = 8;

/// Checks notices with the merchant's API secret.
#[derive(Clone)]
pub struct Verifier {
    key: SigningKey,
}

impl Verifier {
    /// A verifier for the API secret key.
    pub fn new(api_secret: impl Into<String>) -> Verifier {
        Verifier { key: SigningKey::new(SecretString::from(api_secret.into())) }
    }

    pub(crate) fn with_key(key: SigningKey) -> Verifier {
        Verifier { key }
    }

    /// Reads and checks the body of a notice, form-encoded or JSON.
    ///
    /// # Errors
    /// [`ErrorKind::Signature`] where the signature is missing or does not hold: answer 400 and
    /// ignore the notice. [`ErrorKind::Decode`] where the body is neither a form nor a JSON object.
    pub fn verify(&self, body: &[u8]) -> Result<Notice, Error> {
        let text = std::str::from_utf8(body).map_err(|_| unreadable())?.trim();
        if text.is_empty() || text.len() > MAX_BODY {
            return Err(unreadable());
        }
        let is_json = text.starts_with('{');
        let (signed, json) = if is_json { read_json(text)? } else { read_form(text)? };
        let sign = signed.get("sign").ok_or_else(|| not_signed("a notice without a signature"))?;
        // Which routine was used is in the notice, and signed with it. The key is the same.
        let sign_type = match signed.get("sign_type") {
            Some(name) => name.parse().map_err(|_| not_signed("an unknown sign_type"))?,
            None => SignType::default(),
        };
        let holds = |canonical: Canonical| self.key.verify(&canonical, sign_type, sign.trim());
        if holds(Canonical::of(&signed)) || (!is_json && zeros_as_false(&signed).any(holds)) {
            return Ok(Notice { signed, json });
        }
        Err(not_signed("a notice whose signature does not hold"))
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Verifier([masked])")
    }
}

/// A notice whose signature holds.
#[derive(Clone)]
pub struct Notice {
    signed: BTreeMap<String, String>,
    json: String,
}

impl Notice {
    /// A field that the signature covers, as the gateway's PHP prints it.
    #[must_use]
    pub fn get(&self, field: &str) -> Option<&str> {
        self.signed.get(field).map(String::as_str)
    }

    /// Every field that the signature covers, with the signature itself, in byte order.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.signed.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Reads the notice as a generated object, or as an order. What is nested in it (`seller`,
    /// `detail`) is not covered by the signature.
    ///
    /// # Errors
    /// [`ErrorKind::Decode`] where the notice has another shape.
    pub fn read<T: FromReply>(&self) -> Result<T, Error> {
        match decode::read_json(&self.json) {
            Ok(Some(value)) => Ok(value),
            _ => Err(Error::new(ErrorKind::Decode, decode::explain::<T>(&self.json))),
        }
    }
}

impl fmt::Debug for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notice")
            .field("out_trade_no", &self.get("out_trade_no"))
            .field("status", &self.get("status"))
            .finish_non_exhaustive()
    }
}

type Fields = BTreeMap<String, String>;

fn read_json(text: &str) -> Result<(Fields, String), Error> {
    let signed = scalars_of_json(text).map_err(|source| unreadable().with_source(source))?;
    let owned = signed.into_iter().map(|(key, value)| (key.into_owned(), value.into_owned()));
    Ok((owned.collect(), text.to_owned()))
}

/// The signed fields of a form, and the form as JSON.
///
/// A form that says one thing twice is refused. PHP writes none, and whichever of the two were
/// believed, somebody could have added it: an empty `status=` is not signed and would stand where
/// the signed one did.
fn read_form(text: &str) -> Result<(Fields, String), Error> {
    let mut signed = BTreeMap::new();
    let mut root = Map::new();
    for (key, value) in form_urlencoded::parse(text.as_bytes()) {
        let mut steps = key.split('[');
        let name = steps.next().unwrap_or_default();
        let inner: Vec<&str> = steps.map(|step| step.strip_suffix(']').unwrap_or(step)).collect();
        if inner.is_empty() && !value.is_empty() {
            signed.insert(key.to_string(), value.to_string());
        }
        let place = root.entry(name).or_insert(Value::Null);
        match place_within(place, &inner) {
            Some(place) if place.is_null() => *place = Value::String(value.into_owned()),
            _ => return Err(unreadable()),
        }
    }
    Ok((signed, Value::Object(root).to_string()))
}

/// The place of `a[b][]` within that of `a`, as in PHP; `None` where a value stands in the way, or
/// the brackets have no end.
fn place_within<'a>(outer: &'a mut Value, steps: &[&str]) -> Option<&'a mut Value> {
    if steps.len() > MAX_DEPTH {
        return None;
    }
    steps.iter().try_fold(outer, |place, step| {
        if place.is_null() {
            let list = step.is_empty();
            *place = if list { Value::Array(Vec::new()) } else { Value::Object(Map::new()) };
        }
        match place {
            Value::Array(items) => {
                items.push(Value::Null);
                items.last_mut()
            }
            Value::Object(fields) => Some(fields.entry(*step).or_insert(Value::Null)),
            _ => None,
        }
    })
}

/// What was signed if some of the zeros were `false` then. Made one at a time, because nobody has
/// shown yet that the notice comes from the gateway.
fn zeros_as_false(signed: &Fields) -> impl Iterator<Item = Canonical> {
    static EMPTY: String = String::new();
    let zeros: Vec<&String> =
        signed.iter().filter(|(_, value)| *value == "0").map(|(key, _)| key).collect();
    let every = (1_usize << zeros.len().min(MAX_ZEROS)) - 1;
    let choices = if zeros.len() <= MAX_ZEROS { 1..=every } else { every..=every };
    choices.map(move |choice| {
        let chosen = |key: &String| match zeros.binary_search(&key) {
            Ok(at) => choice == every || choice & (1 << at) != 0,
            Err(_) => false,
        };
        let pairs = signed.iter();
        Canonical::of(pairs.map(|(key, value)| (key, if chosen(key) { &EMPTY } else { value })))
    })
}

fn unreadable() -> Error {
    Error::new(ErrorKind::Decode, "a notice that is neither a form nor a JSON object")
}

fn not_signed(text: &str) -> Error {
    Error::new(ErrorKind::Signature, text)
}

/// Signs a form as the gateway does, for tests of what receives notices. `sign_type` is added;
/// keys with brackets and empty values are sent and not signed.
#[must_use]
pub fn sign_form_for_tests(
    api_secret: &str,
    sign_type: SignType,
    fields: &[(&str, &str)],
) -> String {
    let mut signed: Fields = fields
        .iter()
        .filter(|(key, value)| !key.contains('[') && !value.is_empty())
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect();
    signed.insert("sign_type".to_owned(), sign_type.as_str().to_owned());
    let key = SigningKey::new(SecretString::from(api_secret));
    let sign = key.sign(&Canonical::of(&signed), sign_type);
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(fields);
    form.append_pair("sign_type", sign_type.as_str());
    form.append_pair("sign", &sign);
    form.finish()
}

/// Signs a JSON object as the gateway does, for tests of what receives notices. `sign_type` is
/// added.
///
/// # Errors
/// Where `object` is not a JSON object.
pub fn sign_json_for_tests(
    api_secret: &str,
    sign_type: SignType,
    object: &str,
) -> Result<String, Error> {
    let members = object.trim().strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    let members = members.ok_or_else(unreadable)?.trim();
    let comma = if members.is_empty() { "" } else { "," };
    let unsigned = format!("{members}{comma}\"sign_type\":\"{sign_type}\"");
    let (signed, _) = read_json(&format!("{{{unsigned}}}"))?;
    let key = SigningKey::new(SecretString::from(api_secret));
    let sign = key.sign(&Canonical::of(&signed), sign_type);
    Ok(format!("{{{unsigned},\"sign\":\"{sign}\"}}"))
}
