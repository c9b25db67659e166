//! Storage that somebody else gives: where an app keeps the engine's state, if not in a file.
//!
//! A phone may want it encrypted under a key of its own, or beside its other data. It keeps pages:
//! numbered pieces of one size that together are an SQLite database. What they hold is the engine's
//! affair; it is as confidential as the payroll.
//!
//! Invariant, of whoever implements [`PageStorage`]: a change is kept whole or not at all, and what
//! was kept is there after a loss of power. Money rests on both.

use std::fmt;

use futures_util::future::BoxFuture;

/// Keeps the pages of one store. See [`crate::SqliteStore::kept_by`].
///
/// The engine calls one method at a time, and [`PageStorage::save`] on a task of its own, which
/// goes on to its end although whoever asked for it is gone. Saves come many times a second while a
/// batch runs.
///
/// Only one store may be open on a storage, in this process and in others: to see to that is the
/// app's affair.
pub trait PageStorage: Send + Sync + 'static {
    /// All pages that are kept, in any order; none of a new store.
    fn load(&self) -> BoxFuture<'_, Result<Vec<Page>, StorageError>>;

    /// Keeps a change: all of it or nothing, and durably before it returns. What a page held before
    /// is gone for good, so that data that is purged is.
    ///
    /// # Errors
    /// Whatever went wrong. The change may have been kept all the same; the store is not used any
    /// more, and finds out when it is opened again.
    fn save<'a>(&'a self, change: &'a PageChange) -> BoxFuture<'a, Result<(), StorageError>>;
}

/// A page. Its bytes have no text form: people and accounts stand in them.
#[derive(Clone, PartialEq, Eq)]
pub struct Page {
    /// Its number, from 1.
    pub number: u32,
    /// What it holds. All pages are of one size.
    pub bytes: Vec<u8>,
}

/// What is different since the last change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageChange {
    /// The pages that are new or hold something else.
    pub pages: Vec<Page>,
    /// How many pages there are now. Those with a greater number are to be removed.
    pub count: u32,
}

/// Why pages could not be loaded or kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct StorageError(String);

impl StorageError {
    /// What went wrong, in words that may be shown and logged.
    pub fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

impl fmt::Debug for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Page({}, {} bytes)", self.number, self.bytes.len())
    }
}
