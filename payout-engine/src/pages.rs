//! A batch's rows, page by page: how everybody reads them who reads more than one.
//!
//! Memory holds one page, however large the batch is.
//!
//! Invariant: every row comes once, in the order of the file, whatever becomes of rows meanwhile: a
//! page begins after the last row of the one before.

use std::ops::Deref;

use crate::{
    batch::BatchId,
    error::Error,
    store::{PayoutRecord, Store},
};

/// Rows read from the store at once; what is done to them is one transaction.
const ROWS: usize = 1_000;

/// What is left to read of a batch's rows. See [`pages`].
#[derive(Debug, Clone)]
pub struct Pages<S> {
    store: S,
    batch: BatchId,
    after: u64,
}

/// The rows of a batch, in the file's order. `store` is anything that leads to one, `&dyn Store` or
/// `Arc<dyn Store>` for example.
pub fn pages<S: Deref<Target: Store>>(store: S, batch: BatchId) -> Pages<S> {
    Pages { store, batch, after: 0 }
}

impl<S: Deref<Target: Store>> Pages<S> {
    /// The next rows, at least one; `None` after the last one.
    ///
    /// # Errors
    /// Where the store cannot be read. The page can be asked for again.
    pub async fn next(&mut self) -> Result<Option<Vec<PayoutRecord>>, Error> {
        let page = self.store.rows(self.batch, self.after, ROWS).await?;
        let Some(last) = page.last() else { return Ok(None) };
        self.after = last.payout.row;
        Ok(Some(page))
    }

    /// As [`Pages::next`], without the rows before `row`.
    pub(crate) async fn from(&mut self, row: u64) -> Result<Option<Vec<PayoutRecord>>, Error> {
        self.after = self.after.max(row.saturating_sub(1));
        self.next().await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{BatchOptions, Engine, GatewayIdentity, NewBatch, SqliteStore, intake};

    #[tokio::test]
    async fn every_row_comes_once_and_then_nothing() {
        let mut file = "reference,first_name,last_name,phone_number,email,bank_account_number,\
                        bic,amount,currency\n"
            .to_owned();
        for row in 1..=2_001 {
            file.push_str(&format!(
                "P-{row},Dara,Sok,012345678,d@example.com,00{row},WING,1,USD\n"
            ));
        }
        let checked = intake::check_bytes(file.into_bytes(), intake::SEALED_BYTES).unwrap();
        let folder = tempfile::TempDir::new().unwrap();
        let store = SqliteStore::open(folder.path().join("payout.db")).await.unwrap();
        let engine = Engine::new(Arc::new(store));
        let options = BatchOptions::default();
        let new =
            NewBatch { name: "june".to_owned(), options, source: String::new(), paused_by: None };
        let gateway = GatewayIdentity { base_url: String::new(), seller_code: String::new() };
        let rows = intake::load(&checked).unwrap();
        let batch = engine.create(&new, &gateway, rows).await.unwrap();
        // One that owns its store, as whoever hands rows out one by one needs it.
        let mut pages = pages(Arc::clone(engine.store()), batch.id);
        let mut seen = Vec::new();
        while let Some(page) = pages.next().await.unwrap() {
            seen.extend(page.iter().map(|record| record.payout.row));
        }
        assert_eq!(seen, (1..=2_001).collect::<Vec<_>>());
        assert!(pages.next().await.unwrap().is_none());
        let mut pages = super::pages(Arc::clone(engine.store()), batch.id);
        let page = pages.from(1_500).await.unwrap().unwrap();
        assert_eq!((page[0].payout.row, page.len()), (1_500, 502));
        // What was passed does not come again.
        assert!(pages.from(3).await.unwrap().is_none());
    }
}
