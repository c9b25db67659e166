//! From an HTTP answer to a reply or an error: what `{"success": ..., "data": ...}` says.
//!
//! Success has been seen as `true`, `"true"` and `1`. Failure comes with HTTP 200 and
//! `success: false`, or with HTTP 400 and up; its text and its code stand under one of several
//! keys, or inside `error`. What is not such an envelope (HTML of a proxy, a cut or empty body)
//! becomes an error that keeps the bytes.
//!
//! Invariant: for a call that moves money, only an envelope whose status and code agree on a
//! *documented refusal* is a refusal ([`Outcome::Answered`]). Everything else is unknown.

use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::error::{Error, ErrorKind, Outcome};
use crate::operation::{Effect, OperationMeta};
use crate::raw_json;
use crate::request_id;
use crate::transport::HttpResponse;

/// The keys of an answer that mean something to us.
#[derive(Deserialize)]
pub(crate) struct Envelope<'a> {
    #[serde(borrow)]
    success: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) data: Option<&'a RawValue>,
    #[serde(borrow)]
    sign: Option<&'a RawValue>,
    #[serde(borrow)]
    sign_type: Option<&'a RawValue>,
    #[serde(borrow)]
    message: Option<&'a RawValue>,
    #[serde(borrow)]
    msg: Option<&'a RawValue>,
    #[serde(borrow)]
    error_description: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
    #[serde(borrow)]
    error_des: Option<&'a RawValue>,
    #[serde(borrow)]
    detail: Option<&'a RawValue>,
    #[serde(borrow)]
    code: Option<&'a RawValue>,
    #[serde(borrow)]
    error_code: Option<&'a RawValue>,
    #[serde(borrow)]
    status_code: Option<&'a RawValue>,
}

impl<'a> Envelope<'a> {
    pub(crate) fn parse(body: &'a [u8]) -> Option<Envelope<'a>> {
        // `serde` would read a list as the fields in their order.
        let first = body.iter().find(|byte| !byte.is_ascii_whitespace());
        if first != Some(&b'{') {
            return None;
        }
        serde_json::from_slice(body).ok()
    }

    /// `Some(true)` for true, `"true"` and 1; `None` where it is not said.
    fn success(&self) -> Option<bool> {
        let text = scalar_text(self.success?)?;
        match text.trim() {
            "1" => Some(true),
            "0" | "" => Some(false),
            word if word.eq_ignore_ascii_case("true") => Some(true),
            word if word.eq_ignore_ascii_case("false") => Some(false),
            _ => None,
        }
    }

    /// The JSON text of `data`, or `null`.
    pub(crate) fn data(&self) -> &'a str {
        self.data.map_or("null", RawValue::get)
    }

    pub(crate) fn sign(&self) -> Option<Cow<'a, str>> {
        scalar_text(self.sign?)
    }

    pub(crate) fn sign_type(&self) -> Option<Cow<'a, str>> {
        scalar_text(self.sign_type?)
    }

    /// OAuth's code, which stands under `error` and not under `code`.
    pub(crate) fn oauth_code(&self) -> Option<String> {
        self.error.and_then(non_blank)
    }

    fn nested(&self) -> Option<Envelope<'a>> {
        Envelope::parse(self.error?.get().as_bytes())
    }

    /// The text of an error, from the first key that has one. `error` is looked into, but not what
    /// stands in its own `error`: an answer must not say how deep we go.
    pub(crate) fn error_text(&self) -> Option<String> {
        self.own_text().or_else(|| self.nested()?.own_text())
    }

    fn own_text(&self) -> Option<String> {
        let keys = [
            self.message,
            self.msg,
            self.error_description,
            self.error,
            self.error_des,
            self.detail,
        ];
        keys.into_iter().flatten().find_map(non_blank)
    }

    /// The code of an error, from the first key that has one.
    pub(crate) fn error_code(&self) -> Option<String> {
        self.own_code().or_else(|| self.nested()?.own_code())
    }

    fn own_code(&self) -> Option<String> {
        let keys = [self.code, self.error_code, self.status_code];
        keys.into_iter().flatten().find_map(non_blank)
    }

    /// Whether this is an answer of the gateway at all, and not just any JSON.
    fn says_anything(&self) -> bool {
        self.success.is_some() || self.error_text().is_some() || self.error_code().is_some()
    }

    /// Whether somebody on the way says that nobody serves this URL. That is no word about a
    /// record: an order that a query "does not find" so may well be paid.
    fn misses_the_route(&self, status: u16) -> bool {
        let silent = self.success.is_none() && self.error_code().is_none();
        let text = self.error_text().unwrap_or_default().to_ascii_lowercase();
        status == 404 && silent && text.contains("route")
    }
}

fn scalar_text(raw: &RawValue) -> Option<Cow<'_, str>> {
    match raw.get().as_bytes().first()? {
        b'"' => raw_json::text(raw.get()).ok(),
        b'{' | b'[' | b'n' => None,
        _ => Some(Cow::Borrowed(raw.get())),
    }
}

fn non_blank(raw: &RawValue) -> Option<String> {
    scalar_text(raw).filter(|text| !text.trim().is_empty()).map(Cow::into_owned)
}

/// Reads an answer: the envelope of a success, or the error that it is.
pub(crate) fn read<'a>(
    meta: &OperationMeta,
    response: &'a HttpResponse,
) -> Result<Envelope<'a>, Error> {
    let good_status = (200..300).contains(&response.status);
    match Envelope::parse(&response.body) {
        Some(envelope) if good_status && envelope.success() == Some(true) => Ok(envelope),
        Some(envelope)
            if envelope.says_anything()
                && response.status != 304
                && !envelope.misses_the_route(response.status) =>
        {
            Err(failure(meta, response, &envelope))
        }
        _ => Err(not_an_envelope(meta, response)),
    }
}

/// The error that an envelope without success is.
fn failure(meta: &OperationMeta, response: &HttpResponse, envelope: &Envelope<'_>) -> Error {
    let status = response.status;
    let code = envelope.error_code();
    let text = envelope.error_text();
    let by_status = kind_of_status(status);
    let by_code = code.as_deref().map(kind_of_code);
    let claims_success = envelope.success() == Some(true);

    // What is said twice must be said alike, or nothing is certain.
    let (kind, certain) = match (by_status, by_code) {
        (Some(kind), None) => (kind, true),
        (Some(kind), Some(same)) => (kind, same == Some(kind)),
        (None, Some(Some(kind))) => (kind, envelope.success() == Some(false)),
        (None, Some(None)) => (ErrorKind::Failed, false),
        (None, None)
            if meta.effect == Effect::Read
                && envelope.success() == Some(false)
                && tells_not_found(text.as_deref()) =>
        {
            (ErrorKind::NotFound, true)
        }
        (None, None) => (ErrorKind::Failed, false),
    };
    let refusal = certain && !claims_success && is_refusal(kind);
    let outcome = match meta.effect {
        Effect::Money if refusal => Outcome::Answered,
        Effect::Money => Outcome::Unknown,
        Effect::Write if matches!(kind, ErrorKind::Unavailable | ErrorKind::Failed) => {
            Outcome::Unknown
        }
        Effect::Write | Effect::Read => Outcome::Answered,
    };
    of_response(meta, response, kind, &text.unwrap_or_default())
        .with_code(code)
        .with_outcome(outcome)
}

/// The error for an answer that is HTML, empty, cut off, or JSON of another kind.
fn not_an_envelope(meta: &OperationMeta, response: &HttpResponse) -> Error {
    let kind = match kind_of_status(response.status) {
        // "Not found" and "refused" count only from the gateway itself, not from a proxy.
        Some(kind @ (ErrorKind::RateLimited | ErrorKind::Unavailable)) => kind,
        Some(kind @ (ErrorKind::Authentication | ErrorKind::Forbidden)) => kind,
        _ => ErrorKind::Decode,
    };
    let what = match response.body.iter().find(|byte| !byte.is_ascii_whitespace()) {
        None => "an empty answer",
        Some(b'<') => "an HTML page, probably of a proxy",
        Some(b'{' | b'[') => "JSON that is cut off or is not the gateway's envelope",
        Some(_) => "an answer that is not JSON",
    };
    let redirect = (300..400).contains(&response.status);
    let text =
        if redirect { "a redirect, which is not followed; check the base URL" } else { what };
    of_response(meta, response, kind, text).with_outcome(Outcome::Unknown)
}

fn of_response(
    meta: &OperationMeta,
    response: &HttpResponse,
    kind: ErrorKind,
    text: &str,
) -> Error {
    Error::in_words_of_the_gateway(kind, text)
        .of(meta)
        .with_status(response.status)
        .with_body(Bytes::clone(&response.body))
        .with_request_id(request_id::of(&response.headers))
        .with_retry_after(retry_after(&response.headers, jiff::Timestamp::now()))
}

/// The documentation's table of errors: the number is the HTTP status.
fn kind_of_status(status: u16) -> Option<ErrorKind> {
    Some(match status {
        200..=299 => return None,
        400 => ErrorKind::Refused,
        401 => ErrorKind::Authentication,
        403 => ErrorKind::Forbidden,
        404 => ErrorKind::NotFound,
        409 => ErrorKind::Duplicate,
        419 => ErrorKind::Expired,
        429 => ErrorKind::RateLimited,
        408 | 500..=599 => ErrorKind::Unavailable,
        _ => ErrorKind::Failed,
    })
}

/// The documentation's table of errors: the constant is the code, and sometimes the number is.
fn kind_of_code(code: &str) -> Option<ErrorKind> {
    Some(match code.trim() {
        "VALIDATION_ERROR" => ErrorKind::Refused,
        "UNAUTHENTICATED" => ErrorKind::Authentication,
        "FORBIDDEN" => ErrorKind::Forbidden,
        "NOT_FOUND" => ErrorKind::NotFound,
        "DUPLICATED" => ErrorKind::Duplicate,
        "EXPIRED" => ErrorKind::Expired,
        "PROCESS_FAILED" => ErrorKind::Failed,
        "SYSTEM_ERROR" | "FEATURE_UNDER_MAINTENANCE" | "GATEWAY_TIMEOUT" => ErrorKind::Unavailable,
        number => match number.parse::<u16>() {
            Ok(status @ 400..=599) => return kind_of_status(status),
            _ => return None,
        },
    })
}

/// The kinds that say: this was not carried out.
fn is_refusal(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::Refused
            | ErrorKind::Authentication
            | ErrorKind::Forbidden
            | ErrorKind::NotFound
            | ErrorKind::Duplicate
    )
}

/// Whether `success: false` without any code means that there is no such record. A text that says
/// something else is some other failure: believing it could pay an order twice.
fn tells_not_found(text: Option<&str>) -> bool {
    let Some(text) = text else { return true };
    let text = text.to_ascii_lowercase();
    ["not found", "no record", "no data", "not exist", "no order"]
        .iter()
        .any(|it| text.contains(it))
}

/// The longest wait that is told, so that nobody's clock overflows when it is added.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 60 * 60);

/// `Retry-After`, as seconds or as a date; a day at most.
pub(crate) fn retry_after(headers: &HeaderMap, now: jiff::Timestamp) -> Option<Duration> {
    let value = headers.get(http::header::RETRY_AFTER)?.to_str().ok()?.trim();
    let asked = if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) {
        // More digits than a number has are a long wait, too.
        Duration::from_secs(value.parse().unwrap_or(u64::MAX))
    } else {
        let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(value).ok()?;
        Duration::try_from(date.duration_since(now)).unwrap_or_default()
    };
    Some(asked.min(LONGEST_WAIT))
}
