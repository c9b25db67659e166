//! The id under which the gateway, or a proxy before it, has a request in its logs.

use http::HeaderMap;

/// Longer ids are not ids.
const LONGEST: usize = 128;

/// `X-Request-Id`, where it is fit to be shown: printable ASCII without blanks, and short.
pub(crate) fn of(headers: &HeaderMap) -> Option<Box<str>> {
    let text = headers.get("x-request-id")?.to_str().ok()?.trim();
    let fit = (1..=LONGEST).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
    fit.then(|| text.into())
}
