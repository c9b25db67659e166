//! How batches stand: rows and money by outcome.
//!
//! Sums over all batches, so that they can be compared with the books, and each unfinished batch by
//! itself. A finished batch is read once and remembered until it changes.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use kess_gateway::{Amount, Currency};

use super::text::Text;
use crate::{
    batch::{Batch, BatchId, BatchState},
    error::Error,
    payout::{BatchSummary, Outcome},
    report::plain,
    store::Store,
};

/// What is remembered of finished batches.
#[derive(Default)]
pub(super) struct Standing {
    finished: Mutex<HashMap<BatchId, (Timestamp, BatchSummary)>>,
}

/// Sums over batches.
#[derive(Default)]
struct Sums {
    batches: BTreeMap<&'static str, u64>,
    rows: BTreeMap<(&'static str, Outcome), u64>,
    money: BTreeMap<(Currency, Outcome), Amount>,
}

impl Standing {
    /// Writes how all batches stand.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub(super) async fn write(&self, text: &mut Text, store: &dyn Store) -> Result<(), Error> {
        let mut sums = Sums::default();
        let mut unfinished = Vec::new();
        for batch in store.batches().await? {
            let summary = self.summary(&batch, store).await?;
            sums.add(&batch, &summary);
            if is_open(&batch) {
                unfinished.push(summary);
            }
        }
        sums.write(text);
        let name = "payout_batch_rows";
        text.metric(name, "gauge", "Rows of an unfinished batch by outcome.");
        for summary in &unfinished {
            for (outcome, rows) in &summary.counts {
                let labels = [("batch", summary.batch.as_str()), ("outcome", outcome.as_str())];
                text.sample(name, &labels, rows);
            }
        }
        Ok(())
    }

    async fn summary(&self, batch: &Batch, store: &dyn Store) -> Result<BatchSummary, Error> {
        if let Some((at, summary)) = self.lock().get(&batch.id)
            && *at == batch.updated_at
            && !is_open(batch)
        {
            return Ok(summary.clone());
        }
        let summary = store.summary(batch.id).await?;
        self.lock().insert(batch.id, (batch.updated_at, summary.clone()));
        Ok(summary)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<BatchId, (Timestamp, BatchSummary)>> {
        self.finished.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_open(batch: &Batch) -> bool {
    !matches!(batch.state, BatchState::Finished | BatchState::Moved)
}

impl Sums {
    fn add(&mut self, batch: &Batch, summary: &BatchSummary) {
        let state = batch.state.as_str();
        *self.batches.entry(state).or_default() += 1;
        // Its rows count where it goes on.
        if batch.state == BatchState::Moved {
            return;
        }
        for (outcome, rows) in &summary.counts {
            *self.rows.entry((state, *outcome)).or_default() += rows;
        }
        for (currency, total) in &summary.totals {
            for (outcome, amount) in &total.by_outcome {
                let sum = self.money.entry((currency.clone(), *outcome)).or_default();
                // No store holds as much as an amount can.
                *sum = sum.checked_add(*amount).unwrap_or(*sum);
            }
        }
    }

    fn write(&self, text: &mut Text) {
        let name = "payout_batches";
        text.metric(name, "gauge", "Batches by state.");
        for (state, count) in &self.batches {
            text.sample(name, &[("state", state)], count);
        }
        let name = "payout_rows";
        text.metric(name, "gauge", "Rows of all batches by the batch's state and by outcome.");
        for ((state, outcome), rows) in &self.rows {
            text.sample(name, &[("state", state), ("outcome", outcome.as_str())], rows);
        }
        let name = "payout_money";
        text.metric(name, "gauge", "Money of all batches by currency and outcome, exactly.");
        for ((currency, outcome), amount) in &self.money {
            let labels = [("currency", currency.as_str()), ("outcome", outcome.as_str())];
            text.sample(name, &labels, plain(*amount, currency));
        }
    }
}
