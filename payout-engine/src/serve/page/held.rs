//! Rows that wait for a person: why, the two names side by side, and the decision.
//!
//! The decision is [`crate::Engine::decide`]'s, with the name of whoever is signed in.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use minijinja::{Value, context};
use serde::Deserialize;

use super::{
    batch::{Told, head},
    compare,
    live::look,
    rows,
    standing::Look,
    view::{Failure, Visitor, outcome, segment},
    why,
    words::Language,
};
use crate::{
    decision::{HOLDER_NAME, Ruling, reason_line},
    error::{Error, ErrorKind},
    payout::Outcome,
    report::{grouped, plain},
    serve::{Form, Operator, Site},
    store::PayoutRecord,
};

/// Rows on a page.
const PAGE: usize = 25;

#[derive(Deserialize)]
pub(super) struct Wanted {
    #[serde(default)]
    after: u64,
}

/// A person's word.
#[derive(Deserialize)]
pub(super) struct Decided {
    reference: String,
    row: u64,
    ruling: Ruling,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    after: u64,
}

/// What a decision that was not taken leaves in the form.
struct Undone {
    row: u64,
    reason: String,
    message: String,
}

/// `GET /batches/{name}/held`
pub(super) async fn list(
    visitor: Visitor,
    State(site): State<Arc<Site>>,
    Path(name): Path<String>,
    Query(wanted): Query<Wanted>,
    Query(told): Query<Told>,
) -> Result<Response, Failure> {
    let told = told.words(visitor.language);
    page(&visitor, &site, &name, wanted.after, told, None).await
}

/// `POST /batches/{name}/held`
pub(super) async fn decide(
    visitor: Visitor,
    Operator(person): Operator,
    State(site): State<Arc<Site>>,
    Path(name): Path<String>,
    Form(given): Form<Decided>,
) -> Result<Response, Failure> {
    let Decided { reference, row, ruling, reason, after } = given;
    let batch = site.store.batch(Some(&name)).await?;
    let Ok(line) = reason_line(&reason) else {
        let message = visitor.language.words("error.bad_reason").to_owned();
        let undone = Undone { row, reason, message };
        return page(&visitor, &site, &name, after, None, Some(undone)).await;
    };
    match site.runs.decide(&name, &reference, ruling, &person.name, &line).await {
        Ok(_) => {
            let done = match ruling {
                Ruling::Released if site.runs.is_running(batch.id) => "released_running",
                Ruling::Released => "released",
                Ruling::Rejected => "rejected",
            };
            let base = segment(&name);
            let to = format!("/batches/{base}/held?after={after}&done={done}&row={row}");
            Ok(Redirect::to(&to).into_response())
        }
        Err(error) if error.kind() == ErrorKind::Locked => {
            let message = busy(&error, visitor.language);
            let undone = Undone { row, reason, message };
            page(&visitor, &site, &name, after, None, Some(undone)).await
        }
        Err(error) => Err(error.into()),
    }
}

/// Somebody else has the store: nothing was recorded, and what was typed is kept.
fn busy(error: &Error, language: Language) -> String {
    language.fill("held.locked", &[("message", &error.to_string())])
}

async fn page(
    visitor: &Visitor,
    site: &Site,
    name: &str,
    after: u64,
    told: Option<String>,
    undone: Option<Undone>,
) -> Result<Response, Failure> {
    let look = look(&*site.store, name).await?;
    let found = site.store.rows_of(look.batch.id, &[Outcome::Held], after, PAGE + 1).await?;
    let next = found.get(PAGE - 1).filter(|_| found.len() > PAGE).map(|it| it.payout.row);
    let mut held = Vec::new();
    for record in found.into_iter().take(PAGE) {
        held.push(entry(site, &look, record, visitor.language).await?);
    }
    let status = if undone.is_some() { StatusCode::CONFLICT } else { StatusCode::OK };
    let undone = undone.map(|it| {
        context! { row => it.row, reason => it.reason, message => it.message }
    });
    let values = context! { cards => held, next, after, told, undone, ..head(site, &look, "held") };
    Ok((status, visitor.page(site, "held.html", values)?).into_response())
}

async fn entry(
    site: &Site,
    look: &Look,
    record: PayoutRecord,
    language: Language,
) -> Result<Value, Failure> {
    let payout = &record.payout;
    let reason = payout.reason.clone();
    let code = reason.as_ref().map_or("", |reason| reason.code.as_str());
    let expected = record.payee.as_ref().map(|payee| payee.expected_holder()).unwrap_or_default();
    let verified = payout.holder_name.as_ref().map(|name| name.expose().as_str()).unwrap_or("");
    // Names are compared where they are the matter, or where both are there to be looked at.
    let is_name = code.starts_with(HOLDER_NAME);
    let names = (is_name || !verified.is_empty()).then(|| {
        context! {
            expected => marked(&expected, verified),
            verified => marked(verified, &expected),
        }
    });
    let others = if code == "duplicate" {
        let references = [record.reference.as_str()];
        site.store.conflicts(&references, Some(look.batch.id)).await?
    } else {
        Vec::new()
    };
    let others = others.iter().map(|it| {
        let amount = grouped(&plain(it.money.amount(), it.money.currency()));
        let row = it.row.to_string();
        context! {
            href => format!("/batches/{}/rows?row={row}", segment(&it.batch)),
            text => language.fill("held.other_batch", &[
                ("batch", &it.batch),
                ("row", &row),
                ("outcome", outcome(language, it.outcome)),
                ("amount", &format!("{amount} {}", it.money.currency())),
            ]),
        }
    });
    let others = others.collect::<Vec<_>>();
    let decisions = payout.decisions.iter().map(|it| {
        context! { by => &it.by, about => &it.about, reason => &it.reason }
    });
    let decisions = decisions.collect::<Vec<_>>();
    let why = reason.as_ref().map(|it| why::key(it, Outcome::Held));
    let said = reason.map(|reason| reason.message);
    Ok(context! { names, others, decisions, why, said, ..rows::entry(record) })
}

/// The words of a name, with those marked that have no match in the other.
fn marked(name: &str, other: &str) -> Vec<Value> {
    let words = compare::words(name, other).into_iter();
    words.map(|word| context! { text => word.text, tone => word.tone }).collect()
}
