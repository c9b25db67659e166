//! Where a store is: the URL of the contract, read.
//!
//! Invariant: no message repeats more of a URL than its scheme. There may be a password in it.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use super::{Store, sqlite::SqliteStore};
use crate::error::Error;

/// Where a store is, which need not be there: `sqlite://FILE`, or the file alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreUrl {
    path: PathBuf,
}

/// Opens the store at `url`, and makes it if it is not there. [`StoreUrl`] can do more.
///
/// # Errors
/// A kind of store that this version does not know; a store that cannot be opened.
pub async fn open_store(url: &str) -> Result<Arc<dyn Store>, Error> {
    url.parse::<StoreUrl>()?.open().await
}

impl StoreUrl {
    /// The store's file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opens the store, and makes it if it is not there.
    ///
    /// # Errors
    /// Where it cannot be opened.
    pub async fn open(&self) -> Result<Arc<dyn Store>, Error> {
        Ok(Arc::new(SqliteStore::open(&self.path).await?))
    }

    /// Opens the store if it is there: looking must not make one.
    ///
    /// # Errors
    /// Where it cannot be opened.
    pub async fn open_existing(&self) -> Result<Option<Arc<dyn Store>>, Error> {
        if self.path.exists() { self.open().await.map(Some) } else { Ok(None) }
    }
}

impl FromStr for StoreUrl {
    type Err = Error;

    fn from_str(url: &str) -> Result<Self, Error> {
        let path = match url.split_once("://") {
            Some(("sqlite", path)) if !path.is_empty() => path,
            None if !url.trim().is_empty() && !url.starts_with("sqlite:") => url,
            _ => {
                let scheme = url.split("://").next().unwrap_or_default();
                let message = format!("a store of kind `{scheme}` is not known to this version");
                return Err(Error::config(message).with_hint("write sqlite://FILE"));
            }
        };
        Ok(Self { path: PathBuf::from(path) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stores_are_sqlite_files() {
        for (url, path) in [
            ("sqlite://payout.db", "payout.db"),
            ("sqlite:///var/books/payout.db", "/var/books/payout.db"),
            ("june.db", "june.db"),
        ] {
            assert_eq!(url.parse::<StoreUrl>().unwrap().path(), Path::new(path));
        }
        for url in ["postgres://user:secret@host/db", "sqlite://", "mysql://x", ""] {
            let error = url.parse::<StoreUrl>().unwrap_err();
            let text = format!("{error} {error:?} {:?}", error.hint());
            assert!(!text.contains("secret"), "{text}");
        }
    }
}
