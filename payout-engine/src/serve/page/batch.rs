//! One batch: how it stands, live, and the buttons.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use axum::{Extension, response::Html};
use minijinja::{Value, context};
use serde::Deserialize;

use super::{
    Shared, chart,
    live::{Pace, look},
    standing::Look,
    view::{self, Failure, Visitor, moment, segment},
    words::Language,
};
use crate::{
    payout::{BatchSummary, Outcome, Total},
    report::{grouped, plain},
    serve::Site,
};

/// What a page is told that somebody was led to by a button.
#[derive(Deserialize)]
pub(super) struct Told {
    /// A key below `done`, or `released` and the like.
    done: Option<String>,
    /// A row that it is about.
    row: Option<u64>,
}

/// What may be said, and the key of the words for it.
const SAID: [(&str, &str); 10] = [
    ("started", "done.started"),
    ("paused", "done.paused"),
    ("resumed", "done.resumed"),
    ("cancelled", "done.cancelled"),
    ("retried", "done.retried"),
    ("created", "done.created"),
    ("released", "held.released"),
    ("released_running", "held.released_running"),
    ("rejected", "held.rejected"),
    ("dropped", "checked.dropped"),
];

impl Told {
    /// What was done, in words. What an address says is not shown, only what it chooses.
    pub(super) fn words(&self, language: Language) -> Option<String> {
        let done = self.done.as_deref()?;
        let (_, key) = SAID.iter().find(|(name, _)| *name == done)?;
        let row = self.row.unwrap_or_default().to_string();
        let row = language.fill("rowlist.row_number", &[("row", &row)]);
        Some(language.fill(key, &[("reference", &row)]))
    }
}

/// `GET /batches/{name}`
pub(super) async fn overview(
    visitor: Visitor,
    State(site): State<Arc<Site>>,
    Extension(shared): Extension<Arc<Shared>>,
    Path(name): Path<String>,
    Query(told): Query<Told>,
) -> Result<Response, Failure> {
    let look = look(&*site.store, &name).await?;
    let pace = shared.live.pace(look.batch.id);
    let language = visitor.language;
    let values = context! {
        told => told.words(language),
        chart => chart::over_time(&*site.store, &look.batch, language).await?,
        about => about(&look, language),
        ..context! { ..numbers(&look, pace, language), ..head(&site, &look, "overview") }
    };
    visitor.page(&site, "batch.html", values)
}

/// `GET /batches/{name}/chart`, for the script to put in place.
pub(super) async fn chart(
    visitor: Visitor,
    State(site): State<Arc<Site>>,
    Path(name): Path<String>,
) -> Result<Response, Failure> {
    let batch = site.store.batch(Some(&name)).await?;
    let chart = chart::over_time(&*site.store, &batch, visitor.language).await?;
    let part = visitor.part(&site, "chart.html", context! { chart })?;
    Ok(Html(part).into_response())
}

/// What every page of a batch shows above its contents.
pub(super) fn head(site: &Site, look: &Look, tab: &str) -> Value {
    let count = |outcome| look.summary.count(outcome);
    let problems: u64 = super::problems::OUTCOMES.iter().map(|it| count(*it)).sum();
    let (batch, brakes) = (&look.batch, &look.brakes);
    context! {
        name => &batch.name,
        base => format!("/batches/{}", segment(&batch.name)),
        tab,
        otp => count(Outcome::AwaitingOtp),
        held => count(Outcome::Held),
        problems,
        standing => look.standing().as_str(),
        stop => stop(look),
        problem => site.runs.problem(batch.id).filter(|_| !look.is_worked_on()),
        pause => brakes.pause.as_ref().map(|it| context! { by => &it.by, at => moment(it.at) }),
        cancel => brakes.cancel.as_ref().map(|it| {
            context! { by => &it.by, at => moment(it.at), reason => &it.reason }
        }),
        is_dry_run => batch.options.dry_run,
        can => context! {
            start => look.can_start(),
            pause => look.can_pause(),
            resume => look.can_resume(),
            cancel => look.can_cancel(),
            retry => look.can_retry(),
        },
    }
}

/// The cause for which a batch stopped: the key of the words, and what the engine said.
fn stop(look: &Look) -> Option<Value> {
    let stopped = look.summary.stopped.as_ref().filter(|_| !look.is_worked_on())?;
    (look.brakes.cancel.is_none()).then(|| {
        context! { cause => stopped.cause.as_str(), message => &stopped.message }
    })
}

/// The numbers of a batch, as `live.html` shows them.
pub(super) fn numbers(look: &Look, pace: Option<Pace>, language: Language) -> Value {
    let summary = &look.summary;
    let done = look.done();
    let outcomes = chart::ORDER.iter().filter(|it| summary.count(**it) > 0);
    let outcomes = outcomes.map(|outcome| {
        context! {
            outcome => outcome.as_str(),
            count => grouped(&summary.count(*outcome).to_string()),
        }
    });
    let left = pace.and_then(|pace| pace.seconds_left);
    context! {
        rows => grouped(&summary.rows.to_string()),
        done => grouped(&done.to_string()),
        percent => done * 100 / summary.rows.max(1),
        pieces => chart::pieces(summary),
        outcomes => outcomes.collect::<Vec<_>>(),
        totals => totals(summary),
        rate => pace.map(|pace| grouped(&pace.a_minute.to_string())),
        is_moving => pace.is_some_and(|pace| pace.a_minute > 0),
        left => left.map(|seconds| view::duration(language, seconds)),
        is_running => look.is_worked_on(),
        elapsed => view::duration(language, summary.elapsed.as_secs()),
        runners => look.runners.iter().map(|it| it.runner.clone()).collect::<Vec<_>>(),
    }
}

/// The sums of every currency, by what became of them.
pub(super) fn totals(summary: &BatchSummary) -> Vec<Value> {
    let totals = summary.totals.iter().map(|(currency, total)| {
        let (open, unpaid) = (sum(total, |it| !it.is_final()), sum(total, is_unpaid));
        let text = |amount| grouped(&plain(amount, currency));
        context! {
            currency => currency.as_str(),
            requested => text(total.requested),
            paid => text(total.of(Outcome::Paid)),
            open => text(open),
            unpaid => text(unpaid),
        }
    });
    totals.collect()
}

fn is_unpaid(outcome: Outcome) -> bool {
    outcome.is_final() && outcome != Outcome::Paid
}

fn sum(total: &Total, counts: impl Fn(Outcome) -> bool) -> kess_gateway::Amount {
    let parts = total.by_outcome.iter().filter(|(outcome, _)| counts(**outcome));
    // A part of a sum that fits.
    parts.fold(kess_gateway::Amount::default(), |sum, (_, part)| {
        sum.checked_add(*part).unwrap_or(sum)
    })
}

/// What a batch was told when it was made.
fn about(look: &Look, language: Language) -> Value {
    let batch = &look.batch;
    let expiry = batch.options.expires_in.map(|it| view::duration(language, u64::from(it)));
    context! {
        created => moment(batch.created_at),
        source => &batch.source,
        gateway => batch.gateway.to_string(),
        concurrency => batch.options.concurrency,
        limit => batch.options.rate,
        name_match => batch.options.name_match.as_str(),
        expiry,
        duplicates => &batch.options.allow_duplicate,
        purged => batch.purged_at.map(moment),
    }
}
