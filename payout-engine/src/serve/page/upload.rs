//! A new payroll: a file is checked, its findings are shown, and a batch is made of it, paused.

use std::str::FromStr;
use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use kess_gateway::{Amount, Currency};
use minijinja::{Value, context};
use serde::Deserialize;

use super::{
    Shared,
    checked::{self, Elsewhere},
    uploads::Kept,
    view::{Failure, Visitor, segment},
};
use crate::{
    admission::{Conditions, Refusal, batch_name},
    batch::{BatchOptions, NameCheck, OtpMode},
    desk::Rows,
    error::{Error, ErrorKind},
    intake::SEALED_BYTES,
    report::plain,
    serve::{Form, Operator, Site, UPLOAD_BYTES, Upload},
};

/// What somebody wants to be made of a file. Numbers are texts, as they were typed.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wanted {
    name: String,
    expect_rows: String,
    expect_usd: String,
    expect_khr: String,
    concurrency: String,
    rate: String,
    name_match: String,
    expires: String,
    skip_invalid: Option<String>,
    dry_run: Option<String>,
    allow_duplicate: String,
}

/// `GET /upload`
pub(super) async fn choose(
    visitor: Visitor,
    _operator: Operator,
    State(site): State<Arc<Site>>,
) -> Result<Response, Failure> {
    choose_again(&visitor, &site, None)
}

fn choose_again(
    visitor: &Visitor,
    site: &Site,
    problem: Option<&str>,
) -> Result<Response, Failure> {
    let limit = format!("{} MB", UPLOAD_BYTES / 1024 / 1024);
    let status = problem.map_or(StatusCode::OK, |_| StatusCode::UNPROCESSABLE_ENTITY);
    let page = visitor.page(site, "upload.html", context! { limit, problem })?;
    Ok((status, page).into_response())
}

/// `POST /upload`
pub(super) async fn receive(
    visitor: Visitor,
    Operator(person): Operator,
    State(site): State<Arc<Site>>,
    Extension(shared): Extension<Arc<Shared>>,
    upload: Upload,
) -> Result<Response, Failure> {
    let Some((name, bytes)) = upload.file else {
        return choose_again(&visitor, &site, Some("error.no_file"));
    };
    let size = bytes.len();
    let rows = Rows::Bytes { name: name.clone(), bytes: Arc::from(&bytes[..]) };
    let capacity = site.client.as_ref().and_then(|client| client.sealed_capacity());
    let checked = rows.check(capacity.unwrap_or(SEALED_BYTES)).await?;
    let id = shared.uploads.keep(&person, name, checked, size);
    Ok(Redirect::to(&format!("/upload/{id}")).into_response())
}

/// `GET /upload/{id}`
pub(super) async fn show(
    visitor: Visitor,
    Operator(person): Operator,
    State(site): State<Arc<Site>>,
    Extension(shared): Extension<Arc<Shared>>,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let kept = shared.uploads.find(&person, &id).ok_or_else(gone)?;
    let options = site.settings.run.clone().options(OtpMode::Wait);
    let wanted = Wanted {
        concurrency: options.concurrency.to_string(),
        rate: options.rate.map_or_else(String::new, |rate| rate.to_string()),
        name_match: options.name_match.as_str().to_owned(),
        expires: options.expires_in.map_or_else(String::new, |it| (it / 60).to_string()),
        ..Wanted::default()
    };
    page(&visitor, &site, &id, &kept, &wanted, None).await
}

/// `POST /upload/{id}/discard`
pub(super) async fn discard(
    Operator(person): Operator,
    Extension(shared): Extension<Arc<Shared>>,
    Path(id): Path<String>,
    Form(_nothing): Form<super::actions::Nothing>,
) -> Response {
    shared.uploads.remove(&person, &id);
    Redirect::to("/?done=dropped").into_response()
}

/// `POST /upload/{id}`: makes the batch.
pub(super) async fn make(
    visitor: Visitor,
    Operator(person): Operator,
    State(site): State<Arc<Site>>,
    Extension(shared): Extension<Arc<Shared>>,
    Path(id): Path<String>,
    Form(wanted): Form<Wanted>,
) -> Result<Response, Failure> {
    // From here on nobody else can make a batch of it.
    let kept = shared.uploads.remove(&person, &id).ok_or_else(gone)?;
    match wanted.make(&site, &kept, &person.name).await {
        Ok(name) => {
            let to = format!("/batches/{}?done=created", segment(&name));
            Ok(Redirect::to(&to).into_response())
        }
        Err(problem) => {
            shared.uploads.put_back(id.clone(), kept.clone());
            page(&visitor, &site, &id, &kept, &wanted, Some(problem)).await
        }
    }
}

fn gone() -> Failure {
    Failure::Told(StatusCode::GONE, "checked.gone", Vec::new())
}

async fn page(
    visitor: &Visitor,
    site: &Site,
    id: &str,
    kept: &Kept,
    wanted: &Wanted,
    problem: Option<Failure>,
) -> Result<Response, Failure> {
    let elsewhere = Elsewhere::of(site, &kept.checked).await?;
    let status = problem.as_ref().map_or(StatusCode::OK, |_| StatusCode::UNPROCESSABLE_ENTITY);
    let values = context! {
        id,
        problem => problem.map(|problem| problem.in_words(visitor.language)),
        wanted => wanted.shown(),
        ..checked::values(&kept.name, &kept.checked, &elsewhere, visitor.language)
    };
    let page = visitor.page(site, "checked.html", values)?;
    Ok((status, page).into_response())
}

impl Wanted {
    /// What was typed, for the form to show it again.
    fn shown(&self) -> Value {
        context! {
            name => &self.name,
            expect_rows => &self.expect_rows,
            expect_total => context! { USD => &self.expect_usd, KHR => &self.expect_khr },
            concurrency => &self.concurrency,
            rate => &self.rate,
            name_match => &self.name_match,
            expires => &self.expires,
            skip_invalid => self.skip_invalid.is_some(),
            dry_run => self.dry_run.is_some(),
            allow_duplicate => &self.allow_duplicate,
        }
    }

    /// Makes the batch, paused, and returns its name.
    async fn make(&self, site: &Site, kept: &Kept, by: &str) -> Result<String, Failure> {
        let conditions = self.conditions(site, by)?;
        let options = self.options(site)?;
        let name = self.name.trim();
        let name = if name.is_empty() { None } else { Some(name) };
        let name = name.map(batch_name).transpose();
        let name = name.map_err(|_| Failure::input("error.bad_name"))?;
        if site.client.is_none() {
            return Err(Failure::input("error.no_gateway"));
        }
        let checked = &kept.checked;
        conditions.check_file(checked).map_err(refused)?;
        if !site.settings.is_repeatable {
            conditions.check_elsewhere(&*site.store, checked).await.map_err(refused)?;
        }
        let made = site.runs.take_in(&conditions, checked, &kept.name, name.as_deref(), options);
        Ok(made.await.map_err(refused)?.name)
    }

    /// What has to hold of the file. The numbers are a person's own, so that a wrong file is found
    /// out before it is a batch.
    fn conditions(&self, site: &Site, by: &str) -> Result<Conditions, Failure> {
        let sums = [(Currency::Usd, &self.expect_usd), (Currency::Khr, &self.expect_khr)];
        let mut expect_total = Vec::new();
        for (currency, text) in sums {
            let field = "checked.expect_total";
            if let Some(amount) = number::<Amount>(text, field)? {
                expect_total.push((currency, amount));
            }
        }
        let reason = crate::decision::reason_line(&self.allow_duplicate).ok();
        if reason.is_none() && !self.allow_duplicate.trim().is_empty() {
            return Err(Failure::input("error.bad_reason"));
        }
        let rehearsal = "a rehearsal against the sandbox".to_owned();
        Ok(Conditions {
            skip_invalid: self.skip_invalid.is_some(),
            expect_rows: number(&self.expect_rows, "checked.expect_rows")?,
            expect_total,
            dry_run: self.dry_run.is_some(),
            allow_duplicate: reason.or_else(|| site.settings.is_repeatable.then_some(rehearsal)),
            paused_by: Some(by.to_owned()),
        })
    }

    fn options(&self, site: &Site) -> Result<BatchOptions, Failure> {
        let usual = site.settings.run.clone().options(OtpMode::Wait);
        let concurrency = number::<usize>(&self.concurrency, "checked.concurrency")?;
        let rate = number::<u32>(&self.rate, "checked.rate")?;
        let minutes = number::<u32>(&self.expires, "checked.expires")?;
        let seconds = minutes.map(|minutes| minutes.saturating_mul(60));
        let name_match = self.name_match.parse::<NameCheck>();
        Ok(BatchOptions {
            concurrency: concurrency.unwrap_or(usual.concurrency).clamp(1, 1_000),
            rate: rate.filter(|rate| *rate > 0),
            name_match: name_match.unwrap_or(usual.name_match),
            expires_in: seconds.filter(|seconds| *seconds > 0),
            ..usual
        })
    }
}

/// A number as it was typed; nothing where nothing was. Commas between thousands are no part of
/// it, blanks around it are.
fn number<T: FromStr>(text: &str, field: &'static str) -> Result<Option<T>, Failure> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let plain: String = text.chars().filter(|c| *c != ',' && *c != ' ').collect();
    plain.parse().map(Some).map_err(|_| {
        let shown = text.chars().take(40).collect();
        let values = vec![("value", shown), ("field", field.to_owned())];
        Failure::Told(StatusCode::UNPROCESSABLE_ENTITY, "error.bad_number", values)
    })
}

/// Why no batch was made, in the reader's own language.
fn refused(error: Error) -> Failure {
    let told = |key, values| Failure::Told(StatusCode::UNPROCESSABLE_ENTITY, key, values);
    let Some(refusal) = error.refusal() else {
        return match error.kind() {
            ErrorKind::BatchState => Failure::input("error.name_taken"),
            _ => error.into(),
        };
    };
    match refusal {
        Refusal::Invalid { .. } => told("refused.invalid", vec![]),
        Refusal::BeyondRows { line, .. } => {
            told("refused.beyond", vec![("line", line.to_string())])
        }
        Refusal::NoValidRow => told("refused.none_valid", vec![]),
        Refusal::Rows { found, expected } => {
            let values = vec![("found", found.to_string()), ("expected", expected.to_string())];
            told("refused.rows", values)
        }
        Refusal::Total { currency, found, expected } => {
            let values = vec![
                ("found", plain(*found, currency)),
                ("expected", plain(*expected, currency)),
                ("currency", currency.to_string()),
            ];
            told("refused.total", values)
        }
        Refusal::PaidElsewhere { .. } => told("refused.elsewhere", vec![]),
    }
}
