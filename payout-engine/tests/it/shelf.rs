//! A storage for pages, as an app would give it: it can be slow and can fail, and says what came.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use futures_util::future::{BoxFuture, FutureExt};
use payout_engine::storage::{Page, PageChange, PageStorage, StorageError};
use tokio::sync::watch;

/// Keeps pages in memory.
pub(crate) struct Shelf {
    pages: Mutex<BTreeMap<u32, Vec<u8>>>,
    /// Also what a thief would find: the pages, in a file of this folder.
    folder: Option<PathBuf>,
    /// How many saves are left until one fails, and whether that one is kept all the same.
    fate: Mutex<Option<(u64, bool)>>,
    /// A save failed, and nobody loaded since: what saves now does not know that.
    is_broken: AtomicBool,
    saving: AtomicBool,
    is_held: watch::Sender<bool>,
    begun: watch::Sender<u64>,
    bytes: AtomicU64,
}

impl Shelf {
    pub(crate) fn new() -> Self {
        Self {
            pages: Mutex::default(),
            folder: None,
            fate: Mutex::default(),
            is_broken: AtomicBool::new(false),
            saving: AtomicBool::new(false),
            is_held: watch::Sender::new(false),
            begun: watch::Sender::new(0),
            bytes: AtomicU64::new(0),
        }
    }

    pub(crate) fn in_folder(folder: PathBuf) -> Self {
        Self { folder: Some(folder), ..Self::new() }
    }

    /// Lets the `nth` save from now, counted from 0, fail. `lands`: it is kept all the same.
    pub(crate) fn fail_at(&self, nth: u64, lands: bool) {
        *self.fate.lock().unwrap() = Some((nth, lands));
    }

    /// Fails no more.
    pub(crate) fn recover(&self) {
        *self.fate.lock().unwrap() = None;
    }

    /// Lets saves wait, or go on.
    pub(crate) fn hold(&self, is_held: bool) {
        self.is_held.send_replace(is_held);
    }

    /// How many saves have begun.
    pub(crate) fn saves(&self) -> u64 {
        *self.begun.borrow()
    }

    /// How many bytes came.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::SeqCst)
    }

    /// Waits until that many saves have begun.
    pub(crate) async fn begun(&self, saves: u64) {
        self.begun.subscribe().wait_for(|begun| *begun >= saves).await.unwrap();
    }

    /// Whether a text stands in the pages.
    pub(crate) fn holds(&self, text: &str) -> bool {
        let text = text.as_bytes();
        self.pages
            .lock()
            .unwrap()
            .values()
            .any(|page| page.windows(text.len()).any(|it| it == text))
    }

    /// Changes what is kept behind the engine's back.
    pub(crate) fn tamper(&self, change: impl FnOnce(&mut BTreeMap<u32, Vec<u8>>)) {
        change(&mut self.pages.lock().unwrap());
    }

    fn keep(&self, change: &PageChange) {
        let mut pages = self.pages.lock().unwrap();
        for page in &change.pages {
            pages.insert(page.number, page.bytes.clone());
        }
        pages.retain(|&number, _| number <= change.count);
        assert_eq!(pages.len(), change.count as usize, "a page is missing");
        if let Some(folder) = &self.folder {
            let all: Vec<u8> = pages.values().flatten().copied().collect();
            std::fs::write(folder.join("pages"), all).unwrap();
        }
    }
}

impl PageStorage for Shelf {
    fn load(&self) -> BoxFuture<'_, Result<Vec<Page>, StorageError>> {
        async move {
            assert!(!self.saving.load(Ordering::SeqCst), "it is opened in the middle of a save");
            self.is_broken.store(false, Ordering::SeqCst);
            let pages = self.pages.lock().unwrap();
            let page = |(&number, bytes): (&u32, &Vec<u8>)| Page { number, bytes: bytes.clone() };
            // The order is nobody's business.
            Ok(pages.iter().rev().map(page).collect())
        }
        .boxed()
    }

    fn save<'a>(&'a self, change: &'a PageChange) -> BoxFuture<'a, Result<(), StorageError>> {
        async move {
            assert!(!self.is_broken.load(Ordering::SeqCst), "something is saved after a failure");
            assert!(!self.saving.swap(true, Ordering::SeqCst), "two saves at once");
            let bytes = change.pages.iter().map(|page| page.bytes.len() as u64).sum();
            self.bytes.fetch_add(bytes, Ordering::SeqCst);
            self.begun.send_modify(|begun| *begun += 1);
            self.is_held.subscribe().wait_for(|is_held| !is_held).await.unwrap();
            self.saving.store(false, Ordering::SeqCst);
            if let Some((left, lands)) = &mut *self.fate.lock().unwrap() {
                if *left == 0 {
                    self.is_broken.store(true, Ordering::SeqCst);
                    if *lands {
                        self.keep(change);
                    }
                    return Err(StorageError::new("no room"));
                }
                *left -= 1;
            }
            self.keep(change);
            Ok(())
        }
        .boxed()
    }
}
