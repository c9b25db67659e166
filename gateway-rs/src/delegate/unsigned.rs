//! [`UnsignedRequest`]: a request before it is signed, read so that whoever signs it knows what.
//!
//! The signature covers one text, `name=value` joined by `&` ([`crate::sign`]). Names and values
//! are not escaped in it, so the text under `{"body":"x&total_amount=9","total_amount":1}` can be
//! that of a request with another amount: a signature for the one is good for the other. Invariant:
//! no such request passes [`UnsignedRequest::from_json`]. No value holds what reads as a later
//! field, no name stands twice, and names are names.

use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;

use super::strict;
use crate::error::{Error, ErrorKind};
use crate::sign::{Canonical, SignType, php_print};

/// No request is anywhere near this long.
const MAX_BODY: usize = 256 * 1024;

/// A request without its signature: what a [`RequestSigner`](crate::RequestSigner) is asked to
/// sign, and what a server reads before it signs.
///
/// # What a server must know
/// - Decide by [`get`](UnsignedRequest::get) and [`fields`](UnsignedRequest::fields): these are the
///   values that the signature covers, as the gateway prints them. Allow services by name, and for
///   each the values that matter: amount, currency, order number, whose account it is.
/// - Lists, objects and `null` are **not covered**: whoever gets the signature can change them.
/// - Rely on what the service *requires*. With the same signature an optional field can be hidden
///   in the text before it, so that the gateway does not see it; a required one cannot, because
///   the gateway refuses a request without it.
/// - A signature does not expire. For a service that takes an order number, the number makes it
///   good for one payment; keep account of what was signed for whom by that number.
///
/// ```
/// use kess_gateway::{SignType, UnsignedRequest};
///
/// let body = br#"{"service":"webpay.acquire.withdraw","sign_type":"HMAC-SHA256",
///     "out_trade_no":"TR-1","total_amount":10.50,"currency":"USD"}"#;
/// let request = UnsignedRequest::from_json(body)?;
/// assert_eq!(request.service(), "webpay.acquire.withdraw");
/// assert_eq!(request.out_trade_no(), Some("TR-1"));
/// assert_eq!(request.get("total_amount"), Some("10.5"));
/// # Ok::<(), kess_gateway::Error>(())
/// ```
#[derive(Clone)]
pub struct UnsignedRequest {
    body: Bytes,
    /// The scalars, printed as they are signed.
    fields: BTreeMap<String, String>,
    sign_type: SignType,
}

impl UnsignedRequest {
    /// Reads the JSON body of a request that is to be signed. Strict, because it comes from an app
    /// that somebody else may have in hand.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`] where it is not a JSON object, is longer than 256 KiB or
    /// deeper than 16 levels, repeats a name, has a `sign`, has no service or no known `sign_type`,
    /// or holds a text that can be read as another field. The error never repeats a value.
    pub fn from_json(body: &[u8]) -> Result<UnsignedRequest, Error> {
        UnsignedRequest::from_body(Bytes::copy_from_slice(body))
    }

    pub(crate) fn from_body(body: Bytes) -> Result<UnsignedRequest, Error> {
        if body.len() > MAX_BODY {
            return Err(wrong("is longer than 256 KiB"));
        }
        let text = std::str::from_utf8(&body).map_err(|_| wrong("is not JSON"))?;
        let mut fields = BTreeMap::new();
        let (mut has_service, mut sign_type) = (false, None);
        for (name, value) in strict::members(text).map_err(wrong)? {
            if name == "sign" {
                return Err(wrong("has a signature already"));
            }
            let value = value.get();
            let printed = php_print(value).map_err(|_| wrong("holds a text that is none"))?;
            let Some(printed) = printed else { continue };
            let is_text = value.starts_with('"');
            match &*name {
                "service" => has_service = is_text && strict::is_name(&printed),
                "sign_type" if is_text => sign_type = printed.parse().ok(),
                _ => {}
            }
            fields.insert(name.into_owned(), printed.into_owned());
        }
        if !has_service {
            return Err(wrong("names no service"));
        }
        let sign_type = sign_type
            .ok_or_else(|| wrong("has a sign_type that is neither MD5 nor HMAC-SHA256"))?;
        refuse_second_readings(&fields)?;
        Ok(UnsignedRequest { body, fields, sign_type })
    }

    /// The service that is called, such as `webpay.acquire.withdraw`.
    #[must_use]
    pub fn service(&self) -> &str {
        self.get("service").unwrap_or_default()
    }

    /// The merchant's order number, where there is one.
    #[must_use]
    pub fn out_trade_no(&self) -> Option<&str> {
        self.get("out_trade_no")
    }

    /// How it is to be signed.
    #[must_use]
    pub fn sign_type(&self) -> SignType {
        self.sign_type
    }

    /// The JSON body, without `sign`. It may hold sensitive values.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// A field that the signature covers, as the gateway prints it: `10.50` is `10.5`, `true` is
    /// `1`. It may be a sensitive value.
    #[must_use]
    pub fn get(&self, field: &str) -> Option<&str> {
        self.fields.get(field).map(String::as_str)
    }

    /// Every field that the signature covers, in byte order of their names. They may hold sensitive
    /// values.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The text under the signature.
    pub(crate) fn canonical(&self) -> Canonical {
        Canonical::of(&self.fields)
    }

    /// The body to send. `signature` is hex.
    pub(crate) fn with_signature(&self, signature: &str) -> Bytes {
        let open = self.body.trim_ascii_end();
        let open = open.strip_suffix(b"}").unwrap_or(open);
        let mut body = Vec::with_capacity(open.len() + signature.len() + 12);
        body.extend_from_slice(open);
        // Never the first member: `service` stands before it.
        body.extend_from_slice(b",\"sign\":\"");
        body.extend_from_slice(signature.as_bytes());
        body.extend_from_slice(b"\"}");
        Bytes::from(body)
    }
}

impl fmt::Debug for UnsignedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnsignedRequest")
            .field("service", &self.service())
            .field("sign_type", &self.sign_type)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// Refuses a request whose signature could be that of a request with another field.
///
/// Any request with the same text under its signature begins with the same name, and its names
/// ascend. So a value can smuggle a field in only if it holds `&name=` with a name after the first.
fn refuse_second_readings(fields: &BTreeMap<String, String>) -> Result<(), Error> {
    let Some(first) = fields.keys().next() else { return Ok(()) };
    for (field, value) in fields {
        let mut inner = value.split('&').skip(1).filter_map(|rest| rest.split_once('='));
        if inner.any(|(name, _)| name > first.as_str()) {
            return Err(wrong(&format!(
                "holds a text in {field} that can be read as another field: `&`, a name, and `=`"
            )));
        }
    }
    Ok(())
}

fn wrong(text: &str) -> Error {
    Error::new(ErrorKind::InvalidRequest, format!("the request to sign {text}"))
}
