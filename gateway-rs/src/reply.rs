//! Successful answers: [`RawReply`], and [`Reply`] with its `data` read.
//!
//! Both keep the bytes that came, so that a field this version does not know is never lost.

use std::fmt;
use std::ops::{Deref, Range};

use bytes::Bytes;

use crate::reply_signature::SignatureVerdict;

/// A successful answer whose `data` has not been read.
#[derive(Clone)]
pub struct RawReply {
    pub(crate) status: u16,
    pub(crate) body: Bytes,
    /// Where `data` stands in `body`; `None` where there is no such key, or it is `null`.
    pub(crate) data: Option<Range<usize>>,
    pub(crate) signature: SignatureVerdict,
    pub(crate) request_id: Option<Box<str>>,
}

impl RawReply {
    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The whole answer.
    #[must_use]
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// The JSON text of `data`, or `null`.
    #[must_use]
    pub fn data(&self) -> &str {
        let data = self.data.clone().and_then(|range| self.body.get(range));
        data.and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or("null")
    }

    /// What the check of the answer's signature said.
    #[must_use]
    pub fn signature(&self) -> SignatureVerdict {
        self.signature
    }

    /// The id under which the gateway or a proxy has this call in its logs, where it tells one
    /// (`X-Request-Id`). Worth keeping for questions to KESS.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }
}

impl fmt::Debug for RawReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawReply")
            .field("status", &self.status)
            .field("body_bytes", &self.body.len())
            .field("signature", &self.signature)
            .field("request_id", &self.request_id)
            .finish_non_exhaustive()
    }
}

/// A successful answer. Dereferences to what stands in `data`.
#[derive(Clone)]
pub struct Reply<T> {
    value: T,
    pub(crate) raw: RawReply,
}

impl<T> Reply<T> {
    pub(crate) fn new(value: T, raw: RawReply) -> Reply<T> {
        Reply { value, raw }
    }

    /// The value, by move.
    pub fn into_inner(self) -> T {
        self.value
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.raw.status
    }

    /// The whole answer, as it came. It may hold sensitive values.
    pub fn body(&self) -> &Bytes {
        &self.raw.body
    }

    /// What the check of the answer's signature said.
    pub fn signature(&self) -> SignatureVerdict {
        self.raw.signature
    }

    /// See [`RawReply::request_id`].
    pub fn request_id(&self) -> Option<&str> {
        self.raw.request_id()
    }
}

impl<T> Deref for Reply<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: fmt::Debug> fmt::Debug for Reply<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply").field("value", &self.value).field("raw", &self.raw).finish()
    }
}
