//! Identifiers that follow from the seed and from what they name, not from the order of calls.
//!
//! Calls arrive in any order, so a counter would give other identifiers in every run. A digest of
//! the seed, the kind and the natural key (an order number, an account) does not.

use sha2::{Digest, Sha256};

#[derive(Debug, Clone, Copy)]
pub(crate) struct Names {
    pub(crate) seed: u64,
}

impl Names {
    /// `len` hexadecimal digits, 64 at most.
    pub(crate) fn hex(self, kind: &str, key: &str, len: usize) -> String {
        let mut text = hex::encode(self.digest(kind, key));
        text.truncate(len);
        text
    }

    /// `len` decimal digits, 32 at most.
    pub(crate) fn digits(self, kind: &str, key: &str, len: usize) -> String {
        self.digest(kind, key).iter().take(len).map(|b| char::from(b'0' + b % 10)).collect()
    }

    /// A number, the same every time.
    pub(crate) fn number(self, kind: &str, key: &str) -> u64 {
        let digest = self.digest(kind, key);
        digest.iter().take(8).fold(0, |sum, byte| (sum << 8) | u64::from(*byte))
    }

    /// A reference such as `TR2501-101139033689723727`.
    pub(crate) fn reference(self, prefix: &str, kind: &str, key: &str) -> String {
        format!("{prefix}2501-{}", self.digits(kind, key, 18))
    }

    fn digest(self, kind: &str, key: &str) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(self.seed.to_be_bytes());
        hash.update(kind);
        hash.update([0]);
        hash.update(key);
        hash.finalize().into()
    }
}
