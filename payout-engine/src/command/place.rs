//! Where batches are kept: the store of real ones, or that of rehearsals.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::command::config::Config;
use crate::command::failure::Failure;
use crate::command::output::quoted;
use crate::{SqliteStore, Store};

/// The store of `--sandbox`, in the working folder: rehearsals stay apart from real batches.
const SANDBOX_STORE: &str = "sqlite://payout-sandbox.db";

/// A store that is not open yet.
pub(crate) struct Place {
    path: PathBuf,
    pub(crate) is_sandbox: bool,
    /// True for the rehearsals' own store: there the same rows may be paid again and again.
    pub(crate) is_repeatable: bool,
    /// What has to be typed after a command to get here again.
    pub(crate) flags: String,
}

impl Place {
    /// The store that flags and configuration name.
    pub(crate) fn of(config: &Config, is_sandbox: bool) -> Result<Self, Failure> {
        let url = match config.store_flag() {
            Some(url) => url.to_owned(),
            None if is_sandbox => SANDBOX_STORE.to_owned(),
            None => config.store_url(),
        };
        let mut flags = String::new();
        if is_sandbox {
            flags.push_str(" --sandbox");
        }
        if let Some(url) = config.store_flag() {
            flags.push_str(&format!(" --store {}", quoted(url)));
        }
        let is_repeatable = is_sandbox && config.store_flag().is_none();
        Ok(Self { path: sqlite_path(&url)?, is_sandbox, is_repeatable, flags })
    }

    /// Opens the store, and makes it if it is not there.
    pub(crate) async fn open(&self) -> Result<Arc<dyn Store>, Failure> {
        Ok(Arc::new(SqliteStore::open(&self.path).await?))
    }

    /// Opens the store if it is there: looking must not make one.
    pub(crate) async fn open_existing(&self) -> Result<Option<Arc<dyn Store>>, Failure> {
        if self.path.exists() { self.open().await.map(Some) } else { Ok(None) }
    }

    /// Opens the store for a command that needs a batch in it.
    pub(crate) async fn open_with_batches(&self) -> Result<Arc<dyn Store>, Failure> {
        let store = self.open_existing().await?;
        store.ok_or_else(|| {
            let message =
                format!("there is no store at {}, so no batch either", self.path.display());
            Failure::usage(message).with_hint(format!(
                "`payout run FILE{}` makes one; `--store` names another one",
                self.flags
            ))
        })
    }

    /// The store's file, which need not be there.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The sandbox's own books, beside the store.
    pub(crate) fn sandbox_state(&self) -> PathBuf {
        self.path.with_extension("state")
    }
}

fn sqlite_path(url: &str) -> Result<PathBuf, Failure> {
    let path = match url.split_once("://") {
        Some(("sqlite", path)) if !path.is_empty() => path,
        None if !url.trim().is_empty() && !url.starts_with("sqlite:") => url,
        _ => {
            let scheme = url.split("://").next().unwrap_or_default();
            let message = format!("a store of kind `{scheme}` is not known to this version");
            return Err(Failure::usage(message)
                .with_hint("write --store sqlite://FILE, or PAYOUT_STORE=sqlite://FILE"));
        }
    };
    Ok(Path::new(path).to_owned())
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
            assert_eq!(sqlite_path(url).unwrap(), Path::new(path));
        }
        for url in ["postgres://user:secret@host/db", "sqlite://", "mysql://x", ""] {
            let text = sqlite_path(url).unwrap_err().text();
            assert!(!text.contains("secret"), "{text}");
        }
    }
}
