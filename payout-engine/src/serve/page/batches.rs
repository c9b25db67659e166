//! The list of batches.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::response::Response;
use minijinja::{Value, context};
use serde::Deserialize;

use super::{
    batch::Told,
    chart,
    live::look_at,
    standing::Look,
    view::{Failure, Visitor, moment, segment},
};
use crate::{
    payout::Outcome,
    report::{grouped, plain},
    serve::Site,
};

/// Batches on a page.
const PAGE: usize = 25;

#[derive(Deserialize)]
pub(super) struct Wanted {
    page: Option<usize>,
}

/// `GET /`
pub(super) async fn list(
    visitor: Visitor,
    State(site): State<Arc<Site>>,
    Query(wanted): Query<Wanted>,
    Query(told): Query<Told>,
) -> Result<Response, Failure> {
    let told = told.words(visitor.language);
    let all = site.store.batches().await?;
    let pages = all.len().div_ceil(PAGE).max(1);
    let page = wanted.page.unwrap_or(1).clamp(1, pages);
    let mut batches = Vec::new();
    for batch in all.into_iter().skip((page - 1) * PAGE).take(PAGE) {
        batches.push(entry(&look_at(&*site.store, batch).await?));
    }
    visitor.page(&site, "batches.html", context! { batches, page, pages, told })
}

fn entry(look: &Look) -> Value {
    let (batch, summary) = (&look.batch, &look.summary);
    let totals = summary.totals.iter().map(|(currency, total)| {
        context! {
            currency => currency.as_str(),
            requested => grouped(&plain(total.requested, currency)),
            paid => grouped(&plain(total.of(Outcome::Paid), currency)),
        }
    });
    context! {
        name => &batch.name,
        href => format!("/batches/{}", segment(&batch.name)),
        standing => look.standing().as_str(),
        rows => grouped(&summary.rows.to_string()),
        done => grouped(&look.done().to_string()),
        pieces => chart::pieces(summary),
        totals => totals.collect::<Vec<_>>(),
        runners => look.runners.iter().map(|it| it.runner.clone()).collect::<Vec<_>>(),
        created => moment(batch.created_at),
        is_dry_run => batch.options.dry_run,
    }
}
