//! The signature of a reply: a policy, not a certainty.
//!
//! Nobody has written down what the gateway signs in its replies. Three readings are known, and
//! [`SignatureVerdict`] tells which of them matched. Nested objects are covered by none: what
//! protects a reply is TLS. The check is therefore a report unless the merchant enforces it.

use std::collections::BTreeMap;

use crate::sign::{SignType, SigningKey, canonical_of, scalars_of_json};

/// What is done about the signature of a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum ReplySignaturePolicy {
    /// Not checked.
    Off,
    /// Checked and told in [`crate::Reply::signature`].
    #[default]
    Report,
    /// A reply whose signature is missing or matches no reading is an error, and for a call that
    /// moves money an unknown outcome.
    Enforce,
}

/// What was signed, where a signature matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SignatureReading {
    /// The scalars of `data`.
    Data,
    /// The scalars of `data`, and `sign_type`.
    DataAndSignType,
    /// The scalars of the envelope: `success` and `sign_type`.
    Envelope,
}

/// What the check said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SignatureVerdict {
    /// The policy is off.
    Unchecked,
    /// The reply has no `sign`.
    Absent,
    /// The signature matches one of the readings.
    Matched(SignatureReading),
    /// The signature matches none.
    Mismatched,
}

/// Compares `sign` with what each reading gives.
pub(crate) fn check(
    key: &SigningKey,
    envelope: &str,
    data: &str,
    sign: Option<&str>,
    sign_type: Option<&str>,
    configured: SignType,
) -> SignatureVerdict {
    let Some(sign) = sign.filter(|sign| !sign.trim().is_empty()) else {
        return SignatureVerdict::Absent;
    };
    let signed_with = match sign_type {
        Some(text) => match text.trim().parse() {
            Ok(sign_type) => sign_type,
            Err(_) => return SignatureVerdict::Mismatched,
        },
        None => configured,
    };
    let matches = |pairs: &BTreeMap<String, String>| {
        key.verify(&canonical_of(pairs.iter()), signed_with, sign.trim())
    };
    let mut of_data = scalars_of_json(data).unwrap_or_default();
    // A list has no scalars at its root; then this reading signs nothing but the key.
    if matches(&of_data) {
        return SignatureVerdict::Matched(SignatureReading::Data);
    }
    of_data.insert("sign_type".to_owned(), signed_with.as_str().to_owned());
    if matches(&of_data) {
        return SignatureVerdict::Matched(SignatureReading::DataAndSignType);
    }
    let of_envelope = scalars_of_json(envelope).unwrap_or_default();
    if matches(&of_envelope) {
        return SignatureVerdict::Matched(SignatureReading::Envelope);
    }
    SignatureVerdict::Mismatched
}
