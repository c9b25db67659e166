//! Withdrawals that wait for their one-time password, those first whose time is over first.
//!
//! Made for one person with a phone and a hundred messages: one large target each, the next under
//! it, and what the gateway confirmed leaves the list by itself.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use jiff::Timestamp;
use minijinja::{Value, context};

use super::{
    batch::head,
    live::look,
    qr,
    standing::Look,
    view::{Failure, Visitor, is_web_address, moment},
};
use crate::{
    payout::Outcome,
    report::{ReportRow, grouped, plain},
    serve::Site,
    store::Store,
};

/// Withdrawals that are listed at once. Others follow as these are done.
const LISTED: usize = 100;

/// Rows that are read at once.
const PAGE: usize = 1_000;

/// `GET /batches/{name}/otp`
pub(super) async fn list(
    visitor: Visitor,
    State(site): State<Arc<Site>>,
    Path(name): Path<String>,
) -> Result<Response, Failure> {
    let look = look(&*site.store, &name).await?;
    let values = values(&site, &look).await?;
    visitor.page(&site, "otp.html", context! { ..values, ..head(&site, &look, "otp") })
}

/// What the list shows; the same for the page and for whoever watches it.
///
/// # Errors
/// The store cannot be read.
pub(super) async fn values(site: &Site, look: &Look) -> Result<Value, Failure> {
    let first = soonest(&*site.store, look).await?;
    let waiting = look.summary.count(Outcome::AwaitingOtp);
    let more = waiting.saturating_sub(first.len() as u64);
    Ok(context! {
        waiting,
        waits => first.iter().map(entry).collect::<Vec<_>>(),
        more => (more > 0).then(|| grouped(&more.to_string())),
        now => moment(Timestamp::now()),
        is_watched => look.is_worked_on(),
    })
}

/// The first of those that wait, by the time at which they expire. All are looked at, and no more
/// are kept than are shown.
async fn soonest(store: &dyn Store, look: &Look) -> Result<Vec<ReportRow>, Failure> {
    let mut first = BTreeMap::new();
    let mut after = 0;
    loop {
        let page = store.rows_of(look.batch.id, &[Outcome::AwaitingOtp], after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = last.payout.row;
        for record in page {
            let row = ReportRow::from(record);
            let expires = row.otp_expires_at.unwrap_or(Timestamp::MAX);
            first.insert((expires, row.row), row);
            if first.len() > LISTED {
                first.pop_last();
            }
        }
    }
    Ok(first.into_values().collect())
}

fn entry(row: &ReportRow) -> Value {
    let link = row.otp_url.as_deref();
    context! {
        row => row.row,
        reference => &row.reference,
        payee => row.payee.as_ref().map(|payee| payee.expected_holder()),
        account => row.masked_account(),
        amount => grouped(&plain(row.money.amount(), row.money.currency())),
        currency => row.money.currency().as_str(),
        link => link.filter(|link| is_web_address(link)),
        has_link => link.is_some(),
        order => &row.out_trade_no,
        expires => row.otp_expires_at.map(moment),
    }
}

/// `GET /batches/{name}/otp/{row}/qr.svg`
pub(super) async fn code(
    _visitor: Visitor,
    State(site): State<Arc<Site>>,
    Path((name, row)): Path<(String, u64)>,
) -> Result<Response, Failure> {
    let batch = site.store.batch(Some(&name)).await?;
    let found = site.store.rows(batch.id, row.saturating_sub(1), 1).await?;
    let found = found.into_iter().map(ReportRow::from).find(|it| it.row == row);
    let link = found.and_then(|row| row.otp_url).filter(|link| is_web_address(link));
    let code = link.and_then(|link| qr::svg(&link)).ok_or(Failure::NotFound)?;
    Ok((StatusCode::OK, [(header::CONTENT_TYPE, "image/svg+xml")], code).into_response())
}
