//! Where batches are kept: the store of real ones, or that of rehearsals.

use std::path::PathBuf;
use std::sync::Arc;

use crate::command::failure::Failure;
use crate::command::output::quoted;
use crate::config::Config;
use crate::{Error, Store, StoreUrl};

/// The store of `--sandbox`, in the working folder: rehearsals stay apart from real batches.
const SANDBOX_STORE: &str = "sqlite://payout-sandbox.db";

/// The sandbox's own books where the store is no file beside which they could be.
const SANDBOX_STATE: &str = "payout-sandbox.state";

/// A store that is not open yet.
pub(crate) struct Place {
    pub(crate) url: StoreUrl,
    pub(crate) is_sandbox: bool,
    /// True for the rehearsals' own store: there the same rows may be paid again and again.
    pub(crate) is_repeatable: bool,
    /// What has to be typed after a command to get here again.
    pub(crate) flags: String,
}

impl Place {
    /// The store that flags and configuration name.
    pub(crate) fn of(config: &Config, is_sandbox: bool) -> Result<Self, Failure> {
        let url = match config.chosen_store() {
            Some(url) => url.to_owned(),
            None if is_sandbox => SANDBOX_STORE.to_owned(),
            None => config.store_url(),
        };
        let mut flags = String::new();
        if is_sandbox {
            flags.push_str(" --sandbox");
        }
        let is_repeatable = is_sandbox && config.chosen_store().is_none();
        let url: StoreUrl = url.parse().map_err(|error: Error| {
            let hint = "write --store sqlite://FILE or postgres://USER@HOST/DATABASE, or set \
                        PAYOUT_STORE";
            Failure::from(error).with_hint(hint)
        })?;
        if let Some(chosen) = config.chosen_store() {
            // A database's URL is told without user and password; they are looked for elsewhere.
            let told = if url.path().is_some() { chosen.to_owned() } else { url.to_string() };
            flags.push_str(&format!(" --store {}", quoted(&told)));
        }
        Ok(Self { url, is_sandbox, is_repeatable, flags })
    }

    /// Opens the store, and makes it if it is not there.
    pub(crate) async fn open(&self) -> Result<Arc<dyn Store>, Failure> {
        Ok(self.url.open().await?)
    }

    /// Opens the store if it is there: looking must not make one.
    pub(crate) async fn open_existing(&self) -> Result<Option<Arc<dyn Store>>, Failure> {
        Ok(self.url.open_existing().await?)
    }

    /// Opens the store for a command that needs a batch in it.
    pub(crate) async fn open_with_batches(&self) -> Result<Arc<dyn Store>, Failure> {
        let store = self.open_existing().await?;
        store.ok_or_else(|| {
            let message = format!("there is no store at {}, so no batch either", self.url);
            Failure::usage(message).with_hint(format!(
                "`payout run FILE{}` makes one; `--store` names another one",
                self.flags
            ))
        })
    }

    /// The sandbox's own books, beside the store.
    pub(crate) fn sandbox_state(&self) -> PathBuf {
        self.url.path().map_or_else(|| SANDBOX_STATE.into(), |path| path.with_extension("state"))
    }
}
