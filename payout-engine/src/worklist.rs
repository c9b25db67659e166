//! What of a batch waits for a person: one-time passwords to enter, rows that may be tried again.
//!
//! It reads the store and decides nothing. What may be tried again the core says
//! ([`crate::machine::Payout::is_retriable`]).

use std::collections::BTreeMap;

use kess_gateway::{Amount, Currency};

use crate::{
    batch::Batch, error::Error, pages::pages, payout::Outcome, report::ReportRow, store::Store,
};

/// A number of rows, and what they come to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many.
    pub rows: u64,
    /// Their sums.
    pub totals: BTreeMap<Currency, Amount>,
}

/// The rows that wait for a one-time password, with the link where it is entered.
///
/// # Errors
/// Where the store cannot be read.
pub async fn awaiting_otp(store: &dyn Store, batch: &Batch) -> Result<Vec<ReportRow>, Error> {
    let mut waiting = Vec::new();
    let mut pages = pages(store, batch.id);
    while let Some(page) = pages.next().await? {
        let rows = page.into_iter().filter(|row| row.payout.outcome() == Outcome::AwaitingOtp);
        waiting.extend(rows.map(ReportRow::from));
    }
    Ok(waiting)
}

/// The rows that [`crate::Engine::retry`] gives another attempt.
///
/// # Errors
/// Where the store cannot be read; where there are such rows and nobody knows any more whom they
/// pay.
pub async fn retriable(store: &dyn Store, batch: &Batch) -> Result<Tally, Error> {
    let mut tally = Tally::default();
    let mut pages = pages(store, batch.id);
    while let Some(page) = pages.next().await? {
        for row in page.iter().filter(|row| row.payout.is_retriable()) {
            if row.payee.is_none() {
                return Err(Error::purged(&batch.name));
            }
            tally.rows += 1;
            let money = &row.payout.money;
            let sum = tally.totals.entry(money.currency().clone()).or_default();
            // The batch's whole sum fits the store, so no part of it is too large.
            *sum = sum.checked_add(money.amount()).unwrap_or(*sum);
        }
    }
    Ok(tally)
}
