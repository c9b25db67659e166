//! Where batches are kept: [`Storage`], a file or what the app gives.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use payout_engine::desk::Desk;
use payout_engine::storage::{Page, PageChange, PageStorage, StorageError};
use payout_engine::{Policy, SqliteStore};
use tokio::sync::OnceCell;

use super::error::EngineError;
use crate::convert::SensitiveBytes;

/// Who finds the store in use is told this name.
const PROGRAM: &str = "kesspay";

/// Where the engine keeps its batches.
#[derive(Clone, uniffi::Enum)]
pub enum Storage {
    /// An SQLite file, made when it is first needed. Put it where the app's private files are, and
    /// out of what the system may clear.
    File {
        /// Its path.
        path: String,
    },
    /// Storage of the app's own. For whoever wants the state encrypted under a key of theirs, or
    /// beside their other data; a file serves everybody else better.
    App {
        /// What keeps it.
        storage: Arc<dyn StateStorage>,
    },
}

/// Keeps the engine's state in the app: numbered pieces of one size, whose bytes are as
/// confidential as the payroll.
///
/// Money rests on two things: a change is kept whole or not at all, and what was kept is there
/// after the battery was taken out. One engine at a time may use a storage. Some ten thousand
/// rows are what it suits.
#[uniffi::export(with_foreign)]
#[async_trait]
pub trait StateStorage: Send + Sync + 'static {
    /// All pages that are kept, in any order; none the first time.
    async fn load(&self) -> Result<Vec<StatePage>, StorageFailure>;

    /// Keeps a change: all of it or nothing, and durably before it returns. What a page held before
    /// is gone for good. It is asked many times a second while a batch runs, once at a time.
    async fn save(&self, change: StateChange) -> Result<(), StorageFailure>;
}

/// A page of the engine's state.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
pub struct StatePage {
    /// Its number, from 1.
    pub number: u32,
    /// What it holds.
    pub bytes: SensitiveBytes,
}

/// What is different since the last change.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
pub struct StateChange {
    /// The pages that are new, or hold something else now.
    pub pages: Vec<StatePage>,
    /// How many pages there are now; those with a greater number are to be removed.
    pub count: u32,
}

/// The app could not load or keep the state. Nothing more is sent then.
#[derive(Clone, Debug, thiserror::Error, uniffi::Error)]
pub enum StorageFailure {
    /// The one case.
    #[error("{reason}")]
    Failed {
        /// One line, without personal data.
        reason: String,
    },
}

impl From<uniffi::UnexpectedUniFFICallbackError> for StorageFailure {
    /// What the app threw was something else. Its text may hold anything, so it is left out.
    fn from(_: uniffi::UnexpectedUniFFICallbackError) -> Self {
        let reason = "the app's own code failed while it was asked".to_owned();
        StorageFailure::Failed { reason }
    }
}

/// The app's storage, as the engine asks it.
struct Kept(Arc<dyn StateStorage>);

impl PageStorage for Kept {
    fn load(&self) -> BoxFuture<'_, Result<Vec<Page>, StorageError>> {
        async move {
            let pages = self.0.load().await.map_err(told)?.into_iter();
            Ok(pages.map(|page| Page { number: page.number, bytes: page.bytes.0 }).collect())
        }
        .boxed()
    }

    fn save<'a>(&'a self, change: &'a PageChange) -> BoxFuture<'a, Result<(), StorageError>> {
        let pages = change.pages.iter().cloned();
        let kept = |Page { number, bytes }| StatePage { number, bytes: SensitiveBytes(bytes) };
        let pages = pages.map(kept).collect();
        let change = StateChange { pages, count: change.count };
        async move { self.0.save(change).await.map_err(told) }.boxed()
    }
}

fn told(failure: StorageFailure) -> StorageError {
    StorageError::new(failure.to_string())
}

/// The desk, made when it is first needed.
pub(super) struct Place {
    storage: Storage,
    policy: Policy,
    desk: OnceCell<Desk>,
}

impl Place {
    pub(super) fn new(storage: Storage, policy: Policy) -> Place {
        Place { storage, policy, desk: OnceCell::new() }
    }

    pub(super) async fn desk(&self) -> Result<Desk, EngineError> {
        let desk = self.desk.get_or_try_init(|| async {
            let desk = match &self.storage {
                Storage::File { path } => Desk::new(&format!("sqlite://{path}"), PROGRAM)?,
                Storage::App { storage } => {
                    let store = SqliteStore::kept_by(Arc::new(Kept(Arc::clone(storage)))).await?;
                    Desk::on(Arc::new(store), PROGRAM)
                }
            };
            Ok(desk.with_policy(self.policy.clone()))
        });
        desk.await.cloned()
    }
}
