//! Passwords: hashed with Argon2id, and checked without telling whether a name is known.

use std::sync::{Arc, LazyLock};

use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use rand::rngs::OsRng;
use tokio::sync::Semaphore;

use crate::error::Error;

/// No password is shorter.
const SHORTEST: usize = 12;

/// Checks at the same time. Each takes 19 MiB and some hundredths of a second of a processor.
const AT_ONCE: usize = 2;

static TURNS: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(AT_ONCE)));

/// What is checked where no such name is known, so that it takes as long.
static NOBODY: LazyLock<Option<Hash>> = LazyLock::new(|| hash(&super::session::random()).ok());

/// The hash of a password. Only [`Hash::check`] does anything with it.
#[derive(Clone)]
pub(super) struct Hash(String);

impl Hash {
    /// Reads a hash, as [`hash`] prints it.
    ///
    /// # Errors
    /// Text that is no Argon2id hash: a password that was written down as it is, for example.
    pub(super) fn parse(text: &str) -> Result<Self, Error> {
        match PasswordHash::new(text) {
            Ok(hash) if hash.algorithm == argon2::ARGON2ID_IDENT && hash.hash.is_some() => {
                Ok(Self(text.to_owned()))
            }
            _ => Err(Error::config("a password under [serve] is no Argon2id hash")
                .with_hint("`payout serve --hash-password` prints the line for payout.toml")),
        }
    }

    /// The hash in its text form.
    pub(super) fn text(&self) -> &str {
        &self.0
    }

    fn holds(&self, password: &str) -> bool {
        let hash = PasswordHash::new(&self.0);
        hash.is_ok_and(|hash| argon2().verify_password(password.as_bytes(), &hash).is_ok())
    }

    /// Whether `password` is the one of `known`. It takes as long where nobody is known.
    pub(super) async fn check(known: Option<Hash>, password: String) -> bool {
        let Ok(turn) = Arc::clone(&TURNS).acquire_owned().await else { return false };
        let check = move || {
            let _turn = turn;
            let is_known = known.is_some();
            let hash = known.or_else(|| NOBODY.clone());
            hash.is_some_and(|hash| hash.holds(&password)) && is_known
        };
        tokio::task::spawn_blocking(check).await.unwrap_or(false)
    }
}

/// Hashes a password.
///
/// # Errors
/// One that is too short.
pub(super) fn hash(password: &str) -> Result<Hash, Error> {
    if password.chars().count() < SHORTEST {
        return Err(Error::config(format!("a password has at least {SHORTEST} characters")));
    }
    let salt = SaltString::generate(&mut OsRng);
    let hash = argon2().hash_password(password.as_bytes(), &salt);
    hash.map(|hash| Hash(hash.to_string()))
        .map_err(|error| Error::config(format!("the password cannot be hashed: {error}")))
}

/// Argon2id with 19 MiB and two passes.
fn argon2() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::DEFAULT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_password_of_somebody_known_holds() {
        let known = hash("correct horse battery").unwrap();
        let known = Hash::parse(known.text()).unwrap();
        assert!(Hash::check(Some(known.clone()), "correct horse battery".to_owned()).await);
        assert!(!Hash::check(Some(known), "correct horse batter".to_owned()).await);
        assert!(!Hash::check(None, "correct horse battery".to_owned()).await);
    }

    #[test]
    fn what_is_no_good_hash_is_refused() {
        for text in ["hunter2hunter2", "$argon2i$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaA", ""] {
            let Err(error) = Hash::parse(text) else { panic!("{text}") };
            assert!(!error.in_full().contains("hunter2"), "{error}");
        }
        assert!(hash("short").is_err());
    }
}
