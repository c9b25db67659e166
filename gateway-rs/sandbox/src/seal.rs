//! Opening sealed blocks: the private half of the merchant's key pair.
//!
//! The key pair is made for the sandbox and protects nothing, so the timing weakness of the `rsa`
//! crate's private-key side (RUSTSEC-2023-0071) does not matter here. No private key is committed:
//! one is generated per process, or read from the state file.

use std::collections::HashMap;
use std::sync::{Mutex, OnceLock, PoisonError};

use rsa::pkcs8::{DecodePrivateKey, EncodePrivateKey, EncodePublicKey, LineEnding};
use rsa::traits::PublicKeyParts;
use rsa::{Pkcs1v15Encrypt, RsaPrivateKey};
use sha2::{Digest, Sha256};

use crate::php::Params;

/// Whether sealed blocks are opened, which costs about a millisecond each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OpenPolicy {
    /// Every block is opened.
    Always,
    /// A block that was opened before is known by its digest and not opened again.
    #[default]
    Once,
    /// Only the outer form is checked: hex, of the key's length. For measuring throughput.
    Never,
}

/// What a block turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Opened {
    /// A JSON object.
    Object(Params),
    /// Not looked into, see [`OpenPolicy::Never`].
    Unopened,
    /// Not hex of the key's length, not for this key, or no JSON object inside.
    Broken(&'static str),
}

/// As many opened blocks are remembered; then the memory starts anew.
const REMEMBERED: usize = 4096;

pub(crate) struct KeyPair {
    private: RsaPrivateKey,
    public_pem: String,
    policy: OpenPolicy,
    opened: Mutex<HashMap<[u8; 32], Opened>>,
}

impl std::fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyPair").field("policy", &self.policy).finish_non_exhaustive()
    }
}

impl KeyPair {
    /// The key pair of this process: generated at the first call, which takes a moment.
    pub(crate) fn of_this_process(policy: OpenPolicy) -> Result<Self, rsa::Error> {
        static SHARED: OnceLock<RsaPrivateKey> = OnceLock::new();
        let private = match SHARED.get() {
            Some(key) => key.clone(),
            None => {
                let key = RsaPrivateKey::new(&mut rand::thread_rng(), 2048)?;
                SHARED.get_or_init(|| key).clone()
            }
        };
        Self::new(private, policy)
    }

    /// The key pair of a state file.
    pub(crate) fn from_pem(pem: &str, policy: OpenPolicy) -> Result<Self, rsa::Error> {
        Self::new(RsaPrivateKey::from_pkcs8_pem(pem)?, policy)
    }

    fn new(private: RsaPrivateKey, policy: OpenPolicy) -> Result<Self, rsa::Error> {
        let public_pem = private
            .to_public_key()
            .to_public_key_pem(LineEnding::LF)
            .map_err(|error| rsa::Error::Pkcs8(error.into()))?;
        Ok(Self { private, public_pem, policy, opened: Mutex::default() })
    }

    /// The public key, SPKI PEM.
    pub(crate) fn public_pem(&self) -> &str {
        &self.public_pem
    }

    /// The private key, PKCS#8 PEM, for the state file.
    pub(crate) fn private_pem(&self) -> Result<String, rsa::Error> {
        Ok(self.private.to_pkcs8_pem(LineEnding::LF)?.to_string())
    }

    /// Opens a block as the gateway does.
    pub(crate) fn open(&self, block: &str) -> Opened {
        let Ok(bytes) = hex::decode(block) else {
            return Opened::Broken("is not hexadecimal");
        };
        if bytes.len() != self.private.size() {
            return Opened::Broken("is not as long as the key");
        }
        match self.policy {
            OpenPolicy::Never => Opened::Unopened,
            OpenPolicy::Always => self.decrypt(&bytes),
            OpenPolicy::Once => self.open_once(&bytes),
        }
    }

    fn open_once(&self, bytes: &[u8]) -> Opened {
        let digest: [u8; 32] = Sha256::digest(bytes).into();
        // The lock is not held while a block is opened: that would make the openings queue up.
        let known = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(opened) = known.get(&digest) {
            return opened.clone();
        }
        drop(known);
        let opened = self.decrypt(bytes);
        let mut known = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(digest, opened.clone());
        opened
    }

    fn decrypt(&self, bytes: &[u8]) -> Opened {
        let Ok(plain) = self.private.decrypt(Pkcs1v15Encrypt, bytes) else {
            return Opened::Broken("was not sealed with this merchant's public key");
        };
        match Params::decode(&plain) {
            Some(params) => Opened::Object(params),
            None => Opened::Broken("does not hold a JSON object"),
        }
    }
}
