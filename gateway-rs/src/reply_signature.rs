//! The signature of a reply: a policy, not a certainty.
//!
//! Nobody has written down what the gateway signs in its replies. Three readings are known, and
//! [`SignatureVerdict`] tells which of them matched. Nested objects are covered by none: what
//! protects a reply is TLS. The check is therefore a report unless the merchant enforces it.

use std::cell::LazyCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::sign::{Canonical, Scalar, SignType, SigningKey, scalars_of_json};

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

impl SignatureReading {
    const ALL: [SignatureReading; 3] = [Self::Data, Self::DataAndSignType, Self::Envelope];
}

/// Which reading matched last. A gateway signs all its replies alike, so that one is tried first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Habit(Arc<AtomicUsize>);

impl Habit {
    /// Compares `sign` with what each reading gives. `envelope` is the whole answer, `data` the
    /// JSON text in it.
    pub(crate) fn check(
        &self,
        key: &SigningKey,
        (envelope, data): (&[u8], &str),
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
        // Each is read once at most. A list has no scalars at its root; then a reading of `data`
        // signs nothing but the key.
        let data = LazyCell::new(|| scalars_of_json(data).unwrap_or_default());
        let envelope = LazyCell::new(|| {
            let json = std::str::from_utf8(envelope).unwrap_or_default();
            scalars_of_json(json).unwrap_or_default()
        });
        let last = self.0.load(Ordering::Relaxed);
        let all = SignatureReading::ALL.into_iter().enumerate();
        for (place, reading) in all.cycle().skip(last).take(SignatureReading::ALL.len()) {
            let canonical = match reading {
                SignatureReading::Data => Canonical::of(pairs(&data)),
                SignatureReading::DataAndSignType => {
                    Canonical::of(with_sign_type(&data, signed_with))
                }
                SignatureReading::Envelope => Canonical::of(pairs(&envelope)),
            };
            if key.verify(&canonical, signed_with, sign.trim()) {
                self.0.store(place, Ordering::Relaxed);
                return SignatureVerdict::Matched(reading);
            }
        }
        SignatureVerdict::Mismatched
    }
}

fn pairs<'a>(scalars: &'a [Scalar<'_>]) -> impl Iterator<Item = (&'a str, &'a str)> {
    scalars.iter().map(|(name, value)| (&**name, &**value))
}

/// The pairs with that of `sign_type` in its place, whatever `data` has under that name.
fn with_sign_type<'a>(
    scalars: &'a [Scalar<'_>],
    sign_type: SignType,
) -> impl Iterator<Item = (&'a str, &'a str)> {
    const NAME: &str = "sign_type";
    let (before, after) = scalars.split_at(scalars.partition_point(|(name, _)| **name < *NAME));
    let after = pairs(after).filter(|(name, _)| *name != NAME);
    pairs(before).chain([(NAME, sign_type.as_str())]).chain(after)
}
