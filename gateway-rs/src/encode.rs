//! Writing a request: one pass makes the JSON body and the string to sign, and checks the limits.
//!
//! [`Encoder`] is given the fields in byte order of their names, so there is no map and no sort.
//! Texts are trimmed and empty ones dropped *before* signing and sending, because the gateway's
//! framework does both before it checks the signature. Amounts go out as the shortest plain
//! decimal and flags as `1` / `0`, which every reader prints alike.
//!
//! All problems of a request are collected, and a request with a problem is not sent: a field out
//! of order is one too, so that wrong generated code fails closed.

use std::borrow::Cow;

use bytes::Bytes;

use crate::error::{Error, ErrorKind};
use crate::operation::{Charset, FieldSpec, OperationMeta};
use crate::sign::{Canonical, SignType, SigningKey, php_number};

mod wire;

pub(crate) use wire::scalar_as_json;
pub use wire::{Scalar, WireJson, WireObject, WireValue};

/// Room for a withdrawal with its sealed block, so that neither text moves while it grows.
const SIGNED_ROOM: usize = 1_024;

/// Room for all that a key of 4,096 bits seals: what moved would leave a copy that nobody wipes.
const SEALED_ROOM: usize = 512;

/// What the encoder needs from the client's configuration.
pub(crate) struct Signer<'a> {
    /// Absent where a request signer signs: then the body is written without `sign`.
    pub(crate) key: Option<&'a SigningKey>,
    pub(crate) sign_type: SignType,
    pub(crate) seller_code: Option<&'a str>,
}

/// A request, ready to be signed elsewhere or to be sent any number of times.
#[derive(Clone)]
pub(crate) struct Encoded {
    pub(crate) body: Bytes,
}

/// Writes one request. See the module's documentation.
pub struct Encoder<'a> {
    meta: &'a OperationMeta,
    signer: Option<&'a Signer<'a>>,
    body: Vec<u8>,
    canonical: Canonical,
    /// How many objects deep we are; only the root is signed.
    depth: usize,
    last_name: &'static str,
    /// Names of root fields that were written, where a `one_of` rule asks.
    written: Vec<&'static str>,
    path: Vec<&'static str>,
    problems: Vec<String>,
}

impl<'a> Encoder<'a> {
    pub(crate) fn new(meta: &'a OperationMeta, signer: &'a Signer<'a>) -> Encoder<'a> {
        let canonical = Canonical::with_capacity(SIGNED_ROOM);
        Encoder { signer: Some(signer), canonical, ..Encoder::with_room(meta, SIGNED_ROOM) }
    }

    /// An encoder for an object that is not signed by itself, such as a sealed block.
    pub(crate) fn unsigned_object(meta: &'a OperationMeta) -> Encoder<'a> {
        Encoder::with_room(meta, SEALED_ROOM)
    }

    fn with_room(meta: &'a OperationMeta, room: usize) -> Encoder<'a> {
        let mut body = Vec::with_capacity(room);
        body.push(b'{');
        Encoder {
            meta,
            signer: None,
            body,
            canonical: Canonical::default(),
            depth: 0,
            last_name: "",
            written: Vec::new(),
            path: Vec::new(),
            problems: Vec::new(),
        }
    }

    /// Writes `service`.
    pub fn service(&mut self) {
        static SERVICE: FieldSpec = FieldSpec::new("service").required();
        self.field(&SERVICE, self.meta.service);
    }

    /// Writes `sign_type`, as the client is configured.
    pub fn sign_type(&mut self) {
        static SIGN_TYPE: FieldSpec = FieldSpec::new("sign_type").required();
        if let Some(signer) = self.signer {
            self.field(&SIGN_TYPE, signer.sign_type.as_str());
        }
    }

    /// Writes `seller_code`: that of the call, or else that of the client's configuration.
    pub fn seller_code(&mut self, of_this_call: Option<&str>) {
        static SELLER_CODE: FieldSpec = FieldSpec::new("seller_code").required().max_chars(32);
        let configured = self.signer.and_then(|signer| signer.seller_code);
        self.field(&SELLER_CODE, &of_this_call.or(configured));
    }

    /// Writes a scalar field: trimmed, checked, signed; nothing where it is absent or empty.
    pub fn field<T: WireValue + ?Sized>(&mut self, spec: &'static FieldSpec, value: &T) {
        self.scalar(spec, value.scalar());
    }

    /// What [`Encoder::field`] does, compiled once for all types.
    fn scalar(&mut self, spec: &'static FieldSpec, value: Option<Scalar<'_>>) {
        self.check_order(spec);
        let Some(value) = value.and_then(|value| self.checked(spec, value)) else {
            self.check_absence(spec);
            return;
        };
        self.name(spec);
        let is_number = !spec.as_text && !matches!(value, Scalar::Text(_));
        let printed = self.json_scalar(spec, value);
        if self.is_root() && self.signer.is_some() {
            let signed = if is_number { php_number(&printed) } else { printed };
            self.canonical.push(spec.name, &signed);
        }
    }

    /// Writes a list, a map or an object: sent, but not signed.
    pub fn unsigned<T: WireJson>(&mut self, spec: &'static FieldSpec, value: &T) {
        self.check_order(spec);
        if value.is_absent() {
            self.check_absence(spec);
            return;
        }
        self.name(spec);
        self.path.push(spec.name);
        value.write(spec, self);
        self.path.pop();
    }

    /// Ends the request: the signature, or all the problems.
    pub(crate) fn finish(mut self) -> Result<Encoded, Error> {
        self.check_groups();
        self.refuse_problems()?;
        if let Some(signer) = self.signer
            && let Some(key) = signer.key
        {
            let signature = key.sign(&self.canonical, signer.sign_type);
            self.comma();
            self.body.extend_from_slice(b"\"sign\":\"");
            self.body.extend_from_slice(signature.as_bytes());
            self.body.push(b'"');
        }
        self.body.push(b'}');
        Ok(Encoded { body: Bytes::from(self.body) })
    }

    fn refuse_problems(&self) -> Result<(), Error> {
        if self.problems.is_empty() {
            return Ok(());
        }
        let problems = self.problems.join("; ");
        Err(Error::new(ErrorKind::InvalidRequest, problems).of(self.meta))
    }

    fn is_root(&self) -> bool {
        self.depth == 0
    }

    /// Writes `{...}` with what `fields` writes, as a level that is not signed.
    fn object(&mut self, fields: impl FnOnce(&mut Self)) {
        self.body.push(b'{');
        self.depth += 1;
        fields(self);
        self.depth -= 1;
        self.body.push(b'}');
    }

    fn name(&mut self, spec: &FieldSpec) {
        self.comma();
        self.json_text(spec.name);
        self.body.push(b':');
        if self.is_root() && !self.meta.one_of.is_empty() {
            self.written.push(spec.name);
        }
    }

    fn comma(&mut self) {
        if !matches!(self.body.last(), Some(b'{' | b'[' | b':')) {
            self.body.push(b',');
        }
    }

    /// Writes a scalar that stands in a list or map.
    pub(crate) fn scalar_in_json<T: WireValue>(&mut self, spec: &FieldSpec, value: &T) {
        match value.scalar().and_then(|value| self.checked(spec, value)) {
            Some(value) => {
                self.json_scalar(spec, value);
            }
            None => self.raw(b"null"),
        }
    }

    fn raw(&mut self, json: &[u8]) {
        self.body.extend_from_slice(json);
    }

    fn json_text(&mut self, text: &str) {
        // Without a way out in the middle, many bytes are looked at in one step.
        let is_special = |byte: u8| byte < b' ' || byte == b'"' || byte == b'\\';
        if text.bytes().fold(false, |found, byte| found | is_special(byte)) {
            serde_json::to_writer(&mut self.body, text).expect("a text can be written to memory");
            return;
        }
        self.body.push(b'"');
        self.body.extend_from_slice(text.as_bytes());
        self.body.push(b'"');
    }

    /// Writes a scalar, and returns its text.
    fn json_scalar<'v>(&mut self, spec: &FieldSpec, value: Scalar<'v>) -> Cow<'v, str> {
        let number = match value {
            Scalar::Text(text) => {
                self.json_text(&text);
                return text;
            }
            Scalar::Amount(amount) => amount.to_string(),
            Scalar::Integer(number) => number.to_string(),
        };
        if spec.as_text {
            self.json_text(&number);
        } else {
            self.raw(number.as_bytes());
        }
        Cow::Owned(number)
    }

    /// The trimmed value, or `None` where nothing is left. Adds what is wrong to the problems.
    fn checked<'v>(&mut self, spec: &FieldSpec, value: Scalar<'v>) -> Option<Scalar<'v>> {
        match value {
            Scalar::Text(text) => {
                let text = trimmed(text);
                if text.is_empty() {
                    return None;
                }
                self.check_text(spec, &text);
                Some(Scalar::Text(text))
            }
            Scalar::Integer(number) => {
                let above_min = spec.min.is_none_or(|min| min <= number);
                let below_max = spec.max.is_none_or(|max| number <= max);
                if !above_min || !below_max {
                    self.problem(spec, &format!("must be {}", range(spec.min, spec.max)));
                }
                Some(Scalar::Integer(number))
            }
            Scalar::Amount(amount) => {
                if !amount.has_digits_at_most(14) {
                    self.problem(spec, "has more than the 14 digits that the gateway keeps");
                }
                Some(Scalar::Amount(amount))
            }
        }
    }

    fn check_text(&mut self, spec: &FieldSpec, text: &str) {
        // A character is a byte at least.
        if let Some(most) = spec.max_chars
            && text.len() > most
            && text.chars().count() > most
        {
            let over = text.chars().count() - most;
            self.problem(spec, &format!("is {over} characters longer than the {most} allowed"));
        }
        let fits = |allowed: fn(u8) -> bool| text.bytes().all(allowed);
        match spec.charset {
            Charset::Any => {}
            Charset::AlnumDash if fits(|b| b.is_ascii_alphanumeric() || b == b'-') => {}
            Charset::Digits if fits(|b| b.is_ascii_digit()) => {}
            Charset::Hex if fits(|b| b.is_ascii_hexdigit()) => {}
            Charset::AlnumDash => self.problem(spec, "may hold letters, digits and dashes only"),
            Charset::Digits => self.problem(spec, "may hold digits only"),
            Charset::Hex => self.problem(spec, "may hold hexadecimal digits only"),
        }
    }

    fn check_absence(&mut self, spec: &FieldSpec) {
        if spec.required {
            self.problem(spec, "is required and is missing or blank");
        }
    }

    fn check_order(&mut self, spec: &'static FieldSpec) {
        if self.is_root() && self.signer.is_some() {
            if spec.name <= self.last_name {
                self.problem(spec, "is written out of byte order: the signature would be wrong");
            }
            self.last_name = spec.name;
        }
    }

    fn check_groups(&mut self) {
        for group in self.meta.one_of {
            if !group.iter().any(|name| self.written.contains(name)) {
                self.problems.push(format!("one of {} is required", group.join(", ")));
            }
        }
    }

    /// The value is never repeated: it may be what must not be seen.
    fn problem(&mut self, spec: &FieldSpec, text: &str) {
        let mut path = self.path.join(".");
        // The elements of a list are checked under the list's own name.
        if self.path.last() != Some(&spec.name) {
            path.push_str(if path.is_empty() { "" } else { "." });
            path.push_str(spec.name);
        }
        self.problems.push(format!("{path} {text}"));
    }
}

fn range(min: Option<i64>, max: Option<i64>) -> String {
    match (min, max) {
        (Some(min), Some(max)) => format!("between {min} and {max}"),
        (Some(min), None) => format!("at least {min}"),
        (None, Some(max)) => format!("at most {max}"),
        (None, None) => "a number".to_owned(),
    }
}

/// Without what any version of the gateway's framework would trim. Its oldest takes the blanks of
/// PHP's `trim()`, its newest everything invisible, among it what Khmer text is often full of:
/// zero-width spaces and joiners, and the two inherent vowels. What none of them would touch is
/// signed alike by all.
fn trimmed(text: Cow<'_, str>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim_matches(invisible)),
        Cow::Owned(text) => Cow::Owned(text.trim_matches(invisible).to_owned()),
    }
}

fn invisible(c: char) -> bool {
    c.is_whitespace()
        || matches!(c,
            '\0' | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}'
            | '\u{17b4}' | '\u{17b5}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
            | '\u{2060}'..='\u{2065}' | '\u{206a}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
            | '\u{feff}' | '\u{ffa0}' | '\u{1d159}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0020}')
}
