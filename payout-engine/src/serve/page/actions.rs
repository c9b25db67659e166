//! Buttons that change a batch, and the pages that ask before they do.
//!
//! Whatever moves money or ends for good is a page of its own that shows the sums again; pausing
//! and going on are one click. What is allowed the engine decides, once more, when it is asked.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use kess_gateway::{Amount, Currency};
use minijinja::context;
use serde::Deserialize;

use super::{
    batch::{head, totals},
    live::look,
    view::{Failure, Visitor, segment},
};
use crate::{
    decision::reason_line,
    payout::Total,
    report::{grouped, plain},
    serve::{Form, Operator, Site},
    worklist::retriable,
};

/// A form with nothing in it but its token.
#[derive(Deserialize)]
pub(super) struct Nothing {}

/// Why a batch is cancelled, and that somebody is sure.
#[derive(Deserialize)]
pub(super) struct Cancelled {
    #[serde(default)]
    reason: String,
    #[serde(default)]
    sure: Option<String>,
}

/// Sums as one line: `1,200.00 USD, 400,000 KHR`.
fn line<'a>(sums: impl Iterator<Item = (&'a Currency, Amount)>) -> String {
    let texts =
        sums.map(|(currency, amount)| format!("{} {currency}", grouped(&plain(amount, currency))));
    texts.collect::<Vec<_>>().join(", ")
}

fn back(name: &str, done: &str) -> Response {
    Redirect::to(&format!("/batches/{}?done={done}", segment(name))).into_response()
}

/// `GET /batches/{name}/start`: the sums once more.
pub(super) async fn ask_start(
    visitor: Visitor,
    _operator: Operator,
    State(site): State<Arc<Site>>,
    Path(name): Path<String>,
) -> Result<Response, Failure> {
    let look = look(&*site.store, &name).await?;
    if !look.can_start() {
        return Ok(Redirect::to(&format!("/batches/{}", segment(&name))).into_response());
    }
    let summary = &look.summary;
    let payable = |total: &Total| total.of(crate::payout::Outcome::Pending);
    let sums = line(summary.totals.iter().map(|(currency, total)| (currency, payable(total))));
    let values = context! {
        sums,
        rows => summary.count(crate::payout::Outcome::Pending),
        totals => totals(summary),
        ..head(&site, &look, "start")
    };
    visitor.page(&site, "start.html", values)
}

/// `POST /batches/{name}/start`
pub(super) async fn start(
    Operator(person): Operator,
    State(site): State<Arc<Site>>,
    Path(name): Path<String>,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Response, Failure> {
    site.runs.start(&name, &person.name).await?;
    Ok(back(&name, "started"))
}

/// `POST /batches/{name}/pause`
pub(super) async fn pause(
    Operator(person): Operator,
    State(site): State<Arc<Site>>,
    Path(name): Path<String>,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Response, Failure> {
    site.runs.pause(&name, &person.name).await?;
    Ok(back(&name, "paused"))
}

/// `POST /batches/{name}/resume`
pub(super) async fn resume(
    Operator(person): Operator,
    State(site): State<Arc<Site>>,
    Path(name): Path<String>,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Response, Failure> {
    site.runs.start(&name, &person.name).await?;
    Ok(back(&name, "resumed"))
}

/// `GET /batches/{name}/cancel`
pub(super) async fn ask_cancel(
    visitor: Visitor,
    _operator: Operator,
    State(site): State<Arc<Site>>,
    Path(name): Path<String>,
) -> Result<Response, Failure> {
    cancel_page(&visitor, &site, &name, "", None).await
}

async fn cancel_page(
    visitor: &Visitor,
    site: &Site,
    name: &str,
    reason: &str,
    problem: Option<&str>,
) -> Result<Response, Failure> {
    let look = look(&*site.store, name).await?;
    if !look.can_cancel() {
        return Ok(Redirect::to(&format!("/batches/{}", segment(name))).into_response());
    }
    let values = context! {
        reason, problem, totals => totals(&look.summary), ..head(site, &look, "cancel")
    };
    let status = problem.map_or(StatusCode::OK, |_| StatusCode::UNPROCESSABLE_ENTITY);
    Ok((status, visitor.page(site, "cancel.html", values)?).into_response())
}

/// `POST /batches/{name}/cancel`
pub(super) async fn cancel(
    visitor: Visitor,
    Operator(person): Operator,
    State(site): State<Arc<Site>>,
    Path(name): Path<String>,
    Form(given): Form<Cancelled>,
) -> Result<Response, Failure> {
    let Ok(reason) = reason_line(&given.reason) else {
        return cancel_page(&visitor, &site, &name, &given.reason, Some("error.bad_reason")).await;
    };
    if given.sure.is_none() {
        return cancel_page(&visitor, &site, &name, &reason, Some("error.not_sure")).await;
    }
    site.runs.cancel(&name, &person.name, Some(&reason)).await?;
    Ok(back(&name, "cancelled"))
}

/// `GET /batches/{name}/retry`: which rows, and what they come to.
pub(super) async fn ask_retry(
    visitor: Visitor,
    _operator: Operator,
    State(site): State<Arc<Site>>,
    Path(name): Path<String>,
) -> Result<Response, Failure> {
    let look = look(&*site.store, &name).await?;
    let tally = retriable(&*site.store, &look.batch).await?;
    let sums: &BTreeMap<_, _> = &tally.totals;
    let sums = line(sums.iter().map(|(currency, amount)| (currency, *amount)));
    let values = context! { rows => tally.rows, sums, ..head(&site, &look, "retry") };
    visitor.page(&site, "retry.html", values)
}

/// `POST /batches/{name}/retry`
pub(super) async fn retry(
    Operator(person): Operator,
    State(site): State<Arc<Site>>,
    Path(name): Path<String>,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Response, Failure> {
    site.runs.retry(&name, &person.name).await?;
    Ok(back(&name, "retried"))
}
