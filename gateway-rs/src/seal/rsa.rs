//! RSA with a public key, and nothing else: PKCS#1 v1.5 for encryption (RFC 8017, section 7.2.1).
//!
//! The arithmetic is `crypto-bigint`'s, the reading of keys that of `pkcs1` and `spki`. What is
//! here is how they go together, because the `rsa` crate of our generation takes eight times as
//! long for the same block: it raises to all 64 bits of a word, where the public exponent has 17.
//!
//! The exponent is no secret, so how long the power takes may depend on it; what is multiplied is
//! secret, and `crypto-bigint` multiplies in constant time.

use crypto_bigint::modular::{BoxedMontyForm, BoxedMontyParams};
use crypto_bigint::{BoxedUint, MontyForm, MontyMultiplier, Odd};
use pkcs1::der::{Document, Error as DerError};
use rand::RngCore;
use spki::{ObjectIdentifier, SubjectPublicKeyInfoRef};
use zeroize::Zeroizing;

/// What padding takes away from a block: two bytes before the random ones, eight of those, and the
/// one behind.
pub(super) const PADDING: usize = 11;

/// The bits of a modulus that we compute with. A longer one would hold up a server for nothing.
const BITS: std::ops::RangeInclusive<u32> = 512..=8_192;

/// `rsaEncryption`, the algorithm of a key in an SPKI (RFC 8017, appendix C).
const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");

/// Modulus and exponent, ready to encrypt.
pub(super) struct RsaPublicKey {
    modulus: BoxedMontyParams,
    /// Bytes of the modulus, and of every block.
    size: usize,
    exponent: u64,
}

/// Why a text holds no key that we can use.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotAKey {
    #[error("its PEM or DER cannot be read: {0}")]
    Encoding(#[from] DerError),
    #[error("it cannot be read as PKCS#1: {0}")]
    Pkcs1(#[from] pkcs1::Error),
    #[error("it is of another algorithm than RSA")]
    Algorithm,
    #[error("modulus or exponent cannot be those of RSA")]
    Numbers,
}

impl RsaPublicKey {
    /// Reads SPKI or PKCS#1, whichever the label of the PEM says.
    pub(super) fn from_pem(pem: &str) -> Result<Self, NotAKey> {
        let (label, document) = Document::from_pem(pem)?;
        if label == "RSA PUBLIC KEY" {
            return Self::new(&pkcs1::RsaPublicKey::try_from(document.as_bytes())?);
        }
        let info: SubjectPublicKeyInfoRef<'_> = document.decode_msg()?;
        if info.algorithm.oid != RSA_ENCRYPTION {
            return Err(NotAKey::Algorithm);
        }
        let key = info.subject_public_key.as_bytes().ok_or(NotAKey::Numbers)?;
        Self::new(&pkcs1::RsaPublicKey::try_from(key)?)
    }

    fn new(key: &pkcs1::RsaPublicKey<'_>) -> Result<Self, NotAKey> {
        let bytes = key.modulus.as_bytes();
        let modulus = uint(bytes);
        let exponent = exponent(key.public_exponent.as_bytes()).ok_or(NotAKey::Numbers)?;
        let modulus = Odd::new(modulus).into_option().ok_or(NotAKey::Numbers)?;
        if !BITS.contains(&modulus.bit_width_vartime()) {
            return Err(NotAKey::Numbers);
        }
        let modulus = BoxedMontyParams::new_vartime(modulus);
        Ok(Self { modulus, size: bytes.len(), exponent })
    }

    /// Bytes of a block.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// Encrypts a message, or `None` where it is longer than a block without its padding.
    pub(super) fn encrypt(&self, message: &[u8], random: &mut impl RngCore) -> Option<Vec<u8>> {
        let padding = self.size.checked_sub(message.len() + 3).filter(|it| *it >= PADDING - 3)?;
        let mut block = Zeroizing::new(Vec::with_capacity(self.size));
        block.extend_from_slice(&[0, 2]);
        block.resize(2 + padding, 0);
        random.fill_bytes(&mut block[2..]);
        // A zero ends the padding, so there must be none in it.
        for byte in &mut block[2..] {
            while *byte == 0 {
                random.fill_bytes(std::slice::from_mut(byte));
            }
        }
        block.push(0);
        block.extend_from_slice(message);
        Some(self.power(&block))
    }

    /// `block ^ exponent mod modulus`, as long as the block.
    fn power(&self, block: &[u8]) -> Vec<u8> {
        let block = uint(block);
        let base = BoxedMontyForm::new(block.clone(), &self.modulus);
        let mut multiplier = <BoxedMontyForm as MontyForm>::Multiplier::from(&self.modulus);
        // The first bit of the exponent is the base itself.
        let mut power = base.clone();
        for bit in (1..self.exponent.ilog2()).rev() {
            multiplier.square_assign(&mut power);
            if self.exponent >> bit & 1 == 1 {
                multiplier.mul_assign(&mut power, &base);
            }
        }
        // The last bit of an odd number is set. To multiply by a number that is not in Montgomery's
        // form is also to leave that form, so this step does both.
        multiplier.square_assign(&mut power);
        multiplier.mul_assign(&mut power, &BoxedMontyForm::from_montgomery(block, &self.modulus));
        let bytes = power.as_montgomery().to_be_bytes();
        // Whole words, of which the first may have more bytes than the modulus.
        bytes[bytes.len() - self.size..].to_vec()
    }
}

/// A number of as many whole words as its bytes need.
fn uint(bytes: &[u8]) -> BoxedUint {
    let bits = u32::try_from(bytes.len() * 8).unwrap_or(u32::MAX);
    BoxedUint::from_be_slice(bytes, bits).expect("it is as wide as its bytes")
}

/// An odd number from 3 to 2^33, as everybody's keys have it.
fn exponent(bytes: &[u8]) -> Option<u64> {
    let exponent = bytes
        .iter()
        .try_fold(0u64, |number, byte| Some(number.checked_mul(256)? | u64::from(*byte)))?;
    (exponent % 2 == 1 && (3..1 << 33).contains(&exponent)).then_some(exponent)
}
