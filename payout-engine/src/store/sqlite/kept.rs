//! A store in memory whose pages somebody else keeps ([`PageStorage`]).
//!
//! One connection to a database in memory. After each commit, and before anybody hears of it, the
//! pages that differ from those that are kept go to the storage. Every commit copies the database
//! for it and compares it with what is kept, which suits some ten thousand rows; larger batches
//! want a file.
//!
//! Nobody can tell whether what a storage gives back is the newest it was given. So a store that is
//! opened again counts as one of unknown age, like a copy that was put back: see
//! [`crate::store::witness`].
//!
//! Invariant: nobody sees what is not kept. A write that failed to be kept ends the store: nothing
//! is read or written any more. One whose waiter is gone is kept before anything else happens.

use std::sync::{Arc, Mutex as StdMutex, PoisonError};

use sqlx::{
    ConnectOptions, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteOwnedBuf},
};
use tokio::{
    sync::{Mutex, MutexGuard},
    task::JoinHandle,
};

use super::{bring_up_to_date, failed};
use crate::{
    error::Error,
    store::{
        storage::{Page, PageChange, PageStorage, StorageError},
        witness::Memory,
    },
};

/// Where the size of a page stands in the first one.
const PAGE_SIZE_AT: usize = 16;

/// What keeps a store that is in memory.
pub(super) struct Keeper {
    storage: Arc<dyn PageStorage>,
    turn: Mutex<Turn>,
    runner: Arc<StdMutex<Option<String>>>,
    /// What this opening saw of each batch.
    pub(super) seen: Memory,
}

/// The right to read or write, which one at a time has.
pub(super) struct Turn {
    /// What the storage has.
    kept: Option<SqliteOwnedBuf>,
    /// What is on its way there.
    saving: Option<Saving>,
    /// Whether something may have been written since.
    is_dirty: bool,
    /// What ended the store.
    failed: Option<Arc<Error>>,
}

struct Saving {
    save: JoinHandle<Result<(), StorageError>>,
    image: SqliteOwnedBuf,
}

/// Who has the batches in hand, as long as this is not dropped.
struct Held(Arc<StdMutex<Option<String>>>);

impl Keeper {
    /// Loads what is kept, or makes a new database, and brings its tables up to date.
    pub(super) async fn open(
        storage: Arc<dyn PageStorage>,
    ) -> Result<(Self, SqliteConnection), Error> {
        let cannot_load = |error| Error::store("load its pages", error);
        let kept = image_of(storage.load().await.map_err(cannot_load)?).map_err(cannot_load)?;
        let mut connection = connect().await?;
        if let Some(kept) = &kept {
            fill(&mut connection, kept).await?;
            check(&mut connection).await?;
        }
        bring_up_to_date(&mut connection)
            .await
            .map_err(|error| Error::store("bring its tables up to date", error))?;
        if kept.is_none() {
            // What was filled with an image can be copied in one go, and not page by page.
            let image = image(&mut connection).await?;
            connection = connect().await?;
            fill(&mut connection, &image).await?;
        }
        let mut turn = Turn { kept, saving: None, is_dirty: true, failed: None };
        turn.keep(&storage, &mut connection).await?;
        let (runner, seen) = (Arc::default(), Memory::default());
        Ok((Self { storage, turn: Mutex::new(turn), runner, seen }, connection))
    }

    /// The right to use the connection, once everything that was written is kept.
    pub(super) async fn turn(
        &self,
        connection: &Mutex<SqliteConnection>,
    ) -> Result<MutexGuard<'_, Turn>, Error> {
        let mut turn = self.turn.lock().await;
        turn.keep(&self.storage, &mut *connection.lock().await).await?;
        Ok(turn)
    }

    /// Does work that writes, and keeps what it wrote before anybody hears of it.
    pub(super) async fn durably<T>(
        &self,
        connection: &Mutex<SqliteConnection>,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let mut turn = self.turn(connection).await?;
        // First: should this be dropped half-way, the next one sees to what was written.
        turn.is_dirty = true;
        let done = work.await;
        turn.keep(&self.storage, &mut *connection.lock().await).await?;
        done
    }

    /// Lets one runner at a time have the batches in hand.
    pub(super) fn lock(&self, runner: &str) -> Result<Box<dyn Send + Sync>, Error> {
        let mut present = self.runner.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(holder) = &*present {
            return Err(Error::locked(holder));
        }
        *present = Some(runner.to_owned());
        Ok(Box::new(Held(Arc::clone(&self.runner))))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl Turn {
    /// Sees to it that everything that was written is kept. May be dropped at any point, and called
    /// again.
    async fn keep(
        &mut self,
        storage: &Arc<dyn PageStorage>,
        connection: &mut SqliteConnection,
    ) -> Result<(), Error> {
        self.landed().await?;
        if !self.is_dirty {
            return Ok(());
        }
        let image = image(connection).await?;
        let kept = self.kept.as_deref().unwrap_or_default();
        let change = PageChange::between(kept, &image)
            .map_err(|error| Error::store("compare its pages", error))?;
        self.is_dirty = false;
        if let Some(change) = change {
            let storage = Arc::clone(storage);
            // A task of its own: were it dropped, it might land after later ones.
            let save = tokio::spawn(async move { storage.save(&change).await });
            self.saving = Some(Saving { save, image });
        }
        self.landed().await
    }

    /// Waits for what is on its way to the storage.
    async fn landed(&mut self) -> Result<(), Error> {
        if let Some(saving) = &mut self.saving {
            let ended = (&mut saving.save).await;
            let ended = ended.unwrap_or_else(|error| Err(StorageError::new(error.to_string())));
            match (ended, self.saving.take()) {
                (Ok(()), saving) => self.kept = saving.map(|saving| saving.image),
                (Err(error), _) => {
                    let error = Error::store("have its pages kept", error);
                    let hint = "nothing more is sent; open the store again";
                    self.failed = Some(Arc::new(error.with_hint(hint)));
                }
            }
        }
        match &self.failed {
            Some(error) => Err(Error::shared(Arc::clone(error))),
            None => Ok(()),
        }
    }
}

/// A connection to a database of its own, of which nothing is ever on a disk.
async fn connect() -> Result<SqliteConnection, Error> {
    let options = SqliteConnectOptions::new().foreign_keys(true).pragma("temp_store", "MEMORY");
    options.connect().await.map_err(failed("make a database in memory"))
}

/// Another connection, to a database that is the same just now.
pub(super) async fn copy(connection: &mut SqliteConnection) -> Result<SqliteConnection, Error> {
    let image = image(connection).await?;
    let mut copy = connect().await?;
    fill(&mut copy, &image).await?;
    Ok(copy)
}

async fn image(connection: &mut SqliteConnection) -> Result<SqliteOwnedBuf, Error> {
    connection.serialize(None).await.map_err(failed("copy its pages"))
}

async fn fill(connection: &mut SqliteConnection, image: &[u8]) -> Result<(), Error> {
    let image = SqliteOwnedBuf::try_from(image).map_err(failed("take its pages"))?;
    connection.deserialize(None, image, false).await.map_err(failed("take its pages"))
}

/// Looks whether the pages belong together: a storage that keeps half of a change is none.
async fn check(connection: &mut SqliteConnection) -> Result<(), Error> {
    let damaged = |error: sqlx::Error| Error::store("read its pages: they are damaged", error);
    let found: String =
        sqlx::query_scalar("PRAGMA quick_check(1)").fetch_one(connection).await.map_err(damaged)?;
    if found == "ok" {
        return Ok(());
    }
    Err(Error::store("read its pages: they are damaged", StorageError::new(found)))
}

/// The pages, put together; `None` where there are none.
fn image_of(mut pages: Vec<Page>) -> Result<Option<SqliteOwnedBuf>, StorageError> {
    pages.sort_by_key(|page| page.number);
    let Some(first) = pages.first() else { return Ok(None) };
    let size = page_size(&first.bytes)?;
    let mut image = Vec::with_capacity(size * pages.len());
    for (number, page) in (1..).zip(&pages) {
        if page.number != number {
            return Err(StorageError::new(format!(
                "page {number} is missing, or another is twice"
            )));
        }
        if page.bytes.len() != size {
            let found = page.bytes.len();
            let message = format!("page {number} has {found} bytes, and not {size}");
            return Err(StorageError::new(message));
        }
        image.extend_from_slice(&page.bytes);
    }
    let image = SqliteOwnedBuf::try_from(&image[..]);
    image.map(Some).map_err(|error| StorageError::new(error.to_string()))
}

/// The size of a page, as the first one says.
fn page_size(first: &[u8]) -> Result<usize, StorageError> {
    let size = match first.get(PAGE_SIZE_AT..PAGE_SIZE_AT + 2) {
        Some(&[0, 1]) => 65_536,
        Some(&[high, low]) => usize::from(u16::from_be_bytes([high, low])),
        _ => 0,
    };
    if size.is_power_of_two() && size >= 512 {
        return Ok(size);
    }
    Err(StorageError::new("page 1 is not the first page of a store"))
}

impl PageChange {
    /// What makes `after` of `before`; `None` where they are the same.
    fn between(before: &[u8], after: &[u8]) -> Result<Option<Self>, StorageError> {
        let size = page_size(after)?;
        let (old, new) = (before.chunks(size), after.chunks(size));
        let count = u32::try_from(new.len())
            .map_err(|_| StorageError::new("there are more pages than can be counted"))?;
        if old.len() == new.len() && before == after {
            return Ok(None);
        }
        let old = old.map(Some).chain(std::iter::repeat(None));
        let differing = (1..).zip(new.zip(old)).filter(|(_, (new, old))| Some(*new) != *old);
        let pages =
            differing.map(|(number, (new, _))| Page { number, bytes: new.to_vec() }).collect();
        Ok(Some(Self { pages, count }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A database of pages that hold these bytes, of 512 bytes each.
    fn database(pages: &[u8]) -> Vec<u8> {
        let mut image: Vec<u8> = pages.iter().flat_map(|&byte| [byte; 512]).collect();
        image[PAGE_SIZE_AT..PAGE_SIZE_AT + 2].copy_from_slice(&512_u16.to_be_bytes());
        image
    }

    fn change(before: &[u8], after: &[u8]) -> Option<(Vec<u32>, u32)> {
        let change = PageChange::between(before, after).unwrap()?;
        for page in &change.pages {
            let at = (page.number as usize - 1) * 512;
            assert_eq!(page.bytes, after[at..at + 512]);
        }
        Some((change.pages.iter().map(|page| page.number).collect(), change.count))
    }

    #[test]
    fn a_change_has_the_pages_that_differ_and_how_many_there_are() {
        let before = database(&[1, 2, 3]);
        assert_eq!(change(&[], &before), Some((vec![1, 2, 3], 3)));
        assert_eq!(change(&before, &before), None);
        assert_eq!(change(&before, &database(&[1, 9, 3])), Some((vec![2], 3)));
        assert_eq!(change(&before, &database(&[1, 2, 3, 4])), Some((vec![4], 4)));
        assert_eq!(change(&before, &database(&[9, 2])), Some((vec![1], 2)));
        assert_eq!(change(&before, &database(&[1, 2])), Some((vec![], 2)));
    }

    #[test]
    fn pages_come_in_any_order_and_have_to_be_all_there() {
        let image = database(&[1, 2, 3]);
        let page = |number: usize| {
            let bytes = image[(number - 1) * 512..number * 512].to_vec();
            Page { number: number as u32, bytes }
        };
        let together = |pages: Vec<Page>| image_of(pages).map(|it| it.map(|it| it.to_vec()));
        assert_eq!(together(vec![page(3), page(1), page(2)]), Ok(Some(image.clone())));
        assert_eq!(together(Vec::new()), Ok(None));
        let short = Page { number: 2, bytes: vec![2; 100] };
        for pages in [
            vec![page(1), page(3)],
            vec![page(2), page(3)],
            vec![page(1), page(2), page(2)],
            vec![page(1), short],
            vec![Page { number: 1, bytes: vec![0; 512] }],
            vec![Page { number: 1, bytes: Vec::new() }],
        ] {
            assert!(together(pages.clone()).is_err(), "{pages:?}");
        }
    }
}
