//! The rows of a batch, page by page, of one outcome or with one reference.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::response::Response;
use minijinja::{Value, context};
use serde::Deserialize;

use super::{
    batch::head,
    chart::ORDER,
    live::look,
    view::{Failure, Visitor, moment},
};
use crate::{
    payout::Outcome,
    report::{ReportRow, grouped, plain},
    serve::Site,
    store::PayoutRecord,
};

/// Rows on a page.
pub(super) const PAGE: usize = 100;

#[derive(Deserialize)]
pub(super) struct Wanted {
    #[serde(default)]
    outcome: String,
    /// The row that the page begins behind.
    #[serde(default)]
    after: u64,
    #[serde(default)]
    reference: String,
    /// The row that the page is to begin with, as somebody typed it.
    #[serde(default)]
    row: String,
}

/// `GET /batches/{name}/rows`
pub(super) async fn list(
    visitor: Visitor,
    State(site): State<Arc<Site>>,
    Path(name): Path<String>,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Failure> {
    let look = look(&*site.store, &name).await?;
    let outcome = wanted.outcome.parse::<Outcome>().ok();
    let reference = wanted.reference.trim();
    let after = match wanted.row.trim().parse::<u64>() {
        Ok(row) => row.saturating_sub(1),
        Err(_) => wanted.after,
    };
    let found = if reference.is_empty() {
        page(&site, &look.batch, outcome, after).await?
    } else {
        let found = site.store.find(look.batch.id, reference).await?;
        found.into_iter().collect()
    };
    let more = found.len() > PAGE;
    let last = found.get(found.len().min(PAGE).saturating_sub(1));
    let next = last.filter(|_| more).map(|record| record.payout.row);
    // Rows are numbered from 1 without a gap, so the page before is known where all are shown.
    let size = u64::try_from(PAGE).unwrap_or(u64::MAX);
    let previous = (outcome.is_none() && reference.is_empty() && after > 0)
        .then(|| after.saturating_sub(size));
    let (from, to) = (found.first().map(|it| it.payout.row), last.map(|it| it.payout.row));
    let rows = found.into_iter().take(PAGE).map(entry).collect::<Vec<_>>();
    let total = match outcome {
        Some(outcome) => look.summary.count(outcome),
        None => look.summary.rows,
    };
    let values = context! {
        rows, next, previous, reference, after, from, to,
        outcome => outcome.map(Outcome::as_str),
        outcomes => ORDER.iter().map(|it| it.as_str()).collect::<Vec<_>>(),
        total => grouped(&total.to_string()),
        ..head(&site, &look, "rows")
    };
    visitor.page(&site, "rows.html", values)
}

/// One row more than a page, so that it is known whether others follow.
async fn page(
    site: &Site,
    batch: &crate::batch::Batch,
    outcome: Option<Outcome>,
    after: u64,
) -> Result<Vec<PayoutRecord>, Failure> {
    let rows = match outcome {
        Some(outcome) => site.store.rows_of(batch.id, &[outcome], after, PAGE + 1).await?,
        None => site.store.rows(batch.id, after, PAGE + 1).await?,
    };
    Ok(rows)
}

/// A row as every list shows it.
pub(super) fn entry(record: PayoutRecord) -> Value {
    let row = ReportRow::from(record);
    let payee = row.payee.as_ref();
    context! {
        row => row.row,
        reference => &row.reference,
        payee => payee.map(|payee| payee.expected_holder()),
        bic => payee.map(|payee| payee.bic.as_str()),
        account => row.masked_account(),
        outcome => row.outcome.as_str(),
        amount => grouped(&plain(row.money.amount(), row.money.currency())),
        currency => row.money.currency().as_str(),
        order => &row.out_trade_no,
        attempts => row.attempts,
        remark => row.error.as_ref().map(|it| it.with_code()),
        warning => row.warning.as_ref().map(|it| it.with_code()),
        changed => moment(row.updated_at),
    }
}
