//! Sealing: encrypting `customer` and `card` with the merchant's public key.
//!
//! RSA PKCS#1 v1.5, written as lower-case hex. One block only: a 2048-bit key takes 245 bytes of
//! JSON, far less than the limits that the documentation prints for the fields, so a block that is
//! too long is refused here, naming its largest field and the bytes over, before anything is sent.
//!
//! Only the public half is used, so attacks on the timing of decryption do not reach this crate.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use crate::encode::{Encoder, WireObject};
use crate::error::{Error, ErrorKind};
use crate::operation::{Effect, Idempotency, OperationMeta};
use crate::sign::in_hex;

mod rsa;

use rsa::{PADDING, RsaPublicKey};

/// An object that may be sealed: `customer` and `card`.
pub trait Sealable: WireObject {}

/// An encrypted `T`: text for the field that takes it, and for nothing else.
///
/// Sealing the same value twice gives different texts; both open to the same value.
pub struct Sealed<T> {
    /// Shared, because a payout sends the same block twice.
    hex: Arc<str>,
    of: PhantomData<fn() -> T>,
}

impl<T> Sealed<T> {
    /// The encrypted block in lower-case hex, as it is sent.
    #[must_use]
    pub fn as_hex(&self) -> &str {
        &self.hex
    }
}

impl<T> Clone for Sealed<T> {
    fn clone(&self) -> Self {
        Sealed { hex: self.hex.clone(), of: PhantomData }
    }
}

impl<T> fmt::Debug for Sealed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} hex digits)", self.hex.len())
    }
}

/// The merchant's RSA public key, parsed once.
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let pem = std::fs::read_to_string("merchant-public-key.pem")?;
/// let key = kess_gateway::PublicKey::from_pem(&pem)?;
/// assert_eq!(key.capacity(), 245, "bytes of JSON that a 2048-bit key takes");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct PublicKey {
    key: Arc<RsaPublicKey>,
}

impl PublicKey {
    /// Reads a PEM text: SPKI (`BEGIN PUBLIC KEY`) or PKCS#1 (`BEGIN RSA PUBLIC KEY`).
    ///
    /// # Errors
    /// [`ErrorKind::Config`] where the text is neither, or holds a private key.
    pub fn from_pem(pem: &str) -> Result<PublicKey, Error> {
        let pem = pem.trim();
        if pem.contains("PRIVATE KEY") {
            return Err(Error::new(
                ErrorKind::Config,
                "the public key file holds a private key; take the public one, and keep this safe",
            ));
        }
        let key = RsaPublicKey::from_pem(pem).map_err(|source| {
            Error::new(
                ErrorKind::Config,
                "the public key is not an RSA key in PEM form (BEGIN PUBLIC KEY or BEGIN RSA \
                 PUBLIC KEY)",
            )
            .with_source(source)
        })?;
        Ok(PublicKey { key: Arc::new(key) })
    }

    /// How many bytes of JSON the key can seal.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.key.size().saturating_sub(PADDING)
    }

    /// Encrypts an object.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`] where a field breaks its limit, or where the object is longer
    /// than [`PublicKey::capacity`]; the message names the largest field and the bytes over.
    pub fn seal<T: Sealable>(&self, object: &T) -> Result<Sealed<T>, Error> {
        let json = plain_text(object)?;
        match self.key.encrypt(&json, &mut rand::thread_rng()) {
            Some(block) => Ok(Sealed { hex: in_hex(&block).into(), of: PhantomData }),
            None => Err(self.too_long(T::NAME, &json)),
        }
    }

    fn too_long(&self, name: &str, json: &[u8]) -> Error {
        let capacity = self.capacity();
        let over = json.len().saturating_sub(capacity);
        let largest = largest_field(json).unwrap_or_default();
        Error::new(
            ErrorKind::InvalidRequest,
            format!(
                "{name} is {over} bytes over the {capacity} that the public key takes; its largest \
                 field is {largest}"
            ),
        )
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({} bits)", self.key.size() * 8)
    }
}

/// The JSON that is encrypted; wiped after use.
fn plain_text<T: Sealable>(object: &T) -> Result<Zeroizing<Vec<u8>>, Error> {
    let meta = OperationMeta {
        service: "",
        name: T::NAME,
        effect: Effect::Read,
        idempotency: Idempotency::None,
        one_of: &[],
    };
    let mut encoder = Encoder::unsigned_object(&meta);
    object.encode(&mut encoder);
    // The same memory, not a copy of it: a copy would not be wiped.
    Ok(Zeroizing::new(Vec::from(encoder.finish()?.body)))
}

fn largest_field(json: &[u8]) -> Option<String> {
    let mut entries = serde_json::Deserializer::from_slice(json);
    let fields = std::collections::BTreeMap::<String, Box<RawValue>>::deserialize(&mut entries);
    fields.ok()?.into_iter().max_by_key(|(_, value)| value.get().len()).map(|(name, _)| name)
}
