//! Rows that went wrong: what happened, whether it is safe to try again, and what to do.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::response::Response;
use minijinja::{Value, context};
use serde::Deserialize;

use super::{
    batch::head,
    live::look,
    rows,
    view::{Failure, Visitor},
    why,
};
use crate::{payout::Outcome, report::grouped, serve::Site, store::PayoutRecord};

/// What counts as a problem: everything that is not paid, on its way, or somebody's decision.
pub(super) const OUTCOMES: [Outcome; 6] = [
    Outcome::InDoubt,
    Outcome::Failed,
    Outcome::Expired,
    Outcome::Cancelled,
    Outcome::Reversed,
    Outcome::Invalid,
];

/// Rows on a page.
const PAGE: usize = 50;

#[derive(Deserialize)]
pub(super) struct Wanted {
    #[serde(default)]
    after: u64,
    #[serde(default)]
    outcome: String,
}

/// `GET /batches/{name}/problems`
pub(super) async fn list(
    visitor: Visitor,
    State(site): State<Arc<Site>>,
    Path(name): Path<String>,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Failure> {
    let look = look(&*site.store, &name).await?;
    let chosen = OUTCOMES.into_iter().find(|it| it.as_str() == wanted.outcome);
    let outcomes = chosen.map_or_else(|| OUTCOMES.to_vec(), |outcome| vec![outcome]);
    let found = site.store.rows_of(look.batch.id, &outcomes, wanted.after, PAGE + 1).await?;
    let next = found.get(PAGE - 1).filter(|_| found.len() > PAGE).map(|it| it.payout.row);
    let problems = found.into_iter().take(PAGE).map(entry).collect::<Vec<_>>();
    let counts = OUTCOMES.iter().filter(|it| look.summary.count(**it) > 0).map(|outcome| {
        let count = grouped(&look.summary.count(*outcome).to_string());
        context! { outcome => outcome.as_str(), count }
    });
    let values = context! {
        next,
        after => wanted.after,
        rows => problems,
        chosen => chosen.map(Outcome::as_str),
        counts => counts.collect::<Vec<_>>(),
        ..head(&site, &look, "problems")
    };
    visitor.page(&site, "problems.html", values)
}

fn entry(record: PayoutRecord) -> Value {
    let payout = &record.payout;
    let outcome = payout.outcome();
    let safety = why::safety(payout);
    let reason = payout.reason.clone();
    let said = reason.as_ref().map(|reason| {
        context! {
            key => why::key(reason, outcome),
            code => &reason.code,
            message => &reason.message,
            is_ours => why::is_ours(reason),
        }
    });
    context! { safety, said, ..rows::entry(record) }
}
