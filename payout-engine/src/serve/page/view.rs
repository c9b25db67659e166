//! From numbers to HTML: templates, who looks at them, and what went wrong on the way.
//!
//! Every value is escaped by the template engine. Only [`super::qr`] and the templates themselves
//! write markup.

use std::fmt::Write as _;
use std::sync::{Arc, LazyLock};

use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use http::{HeaderMap, StatusCode, request::Parts};
use jiff::Timestamp;
use minijinja::value::Kwargs;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value, context};

use super::{assets, pieces, words::Language};
use crate::{
    error::{Error, ErrorKind},
    payout::Outcome,
    serve::{Denied, Person, Site},
};

/// Name and text of every template.
pub(super) const TEMPLATES: &[(&str, &str)] = &[
    ("ask.html", include_str!("templates/ask.html")),
    ("base.html", include_str!("templates/base.html")),
    ("batch.html", include_str!("templates/batch.html")),
    ("batches.html", include_str!("templates/batches.html")),
    ("cancel.html", include_str!("templates/cancel.html")),
    ("chart.html", include_str!("templates/chart.html")),
    ("checked.html", include_str!("templates/checked.html")),
    ("failure.html", include_str!("templates/failure.html")),
    ("findings.html", include_str!("templates/findings.html")),
    ("frame.html", include_str!("templates/frame.html")),
    ("held.html", include_str!("templates/held.html")),
    ("inside.html", include_str!("templates/inside.html")),
    ("live.html", include_str!("templates/live.html")),
    ("otp.html", include_str!("templates/otp.html")),
    ("otp-list.html", include_str!("templates/otp-list.html")),
    ("problems.html", include_str!("templates/problems.html")),
    ("retry.html", include_str!("templates/retry.html")),
    ("rows.html", include_str!("templates/rows.html")),
    ("shapes.html", include_str!("templates/shapes.html")),
    ("sign-in.html", include_str!("templates/sign-in.html")),
    ("standing.html", include_str!("templates/standing.html")),
    ("start.html", include_str!("templates/start.html")),
    ("sums.html", include_str!("templates/sums.html")),
    ("tabs.html", include_str!("templates/tabs.html")),
    ("upload.html", include_str!("templates/upload.html")),
];

/// The templates, which speak one language each.
fn templates(language: Language) -> &'static Environment<'static> {
    static BY_LANGUAGE: LazyLock<[Environment<'static>; 2]> =
        LazyLock::new(|| Language::ALL.map(environment));
    match language {
        Language::English => &BY_LANGUAGE[0],
        Language::Khmer => &BY_LANGUAGE[1],
    }
}

fn environment(language: Language) -> Environment<'static> {
    let mut templates = Environment::new();
    templates.set_auto_escape_callback(|_| AutoEscape::Html);
    templates.set_undefined_behavior(UndefinedBehavior::SemiStrict);
    templates.add_function("t", move |key: &str, values: Kwargs| {
        let mut texts = Vec::new();
        for name in values.args() {
            texts.push((name, values.get::<Value>(name)?.to_string()));
        }
        let texts: Vec<_> = texts.iter().map(|(name, text)| (*name, text.as_str())).collect();
        Ok::<_, minijinja::Error>(language.fill(key, &texts))
    });
    templates.add_function("n", move |key: &str, count: u64| language.count(key, count));
    pieces::add(&mut templates, language);
    templates.add_global("lang", language.code());
    templates.add_global("other_lang", language.other().code());
    templates.add_global("style", assets::STYLE.address());
    templates.add_global("script", assets::SCRIPT.address());
    templates.add_global("icon", assets::ICON.address());
    for (name, text) in TEMPLATES {
        if let Err(error) = templates.add_template(name, text) {
            tracing::error!("the template {name} is broken: {error}");
        }
    }
    templates
}

/// A template with values, as text.
pub(super) fn render(language: Language, name: &str, values: Value) -> Result<String, Failure> {
    let rendered = templates(language).get_template(name).and_then(|it| it.render(values));
    rendered.map_err(|error| {
        tracing::error!("the page {name} could not be made: {error:#}");
        Failure::Broken
    })
}

/// Who looks at a page, and in which language.
#[derive(Debug, Clone)]
pub(super) struct Visitor {
    pub(super) person: Person,
    pub(super) language: Language,
    path: String,
}

impl FromRequestParts<Arc<Site>> for Visitor {
    type Rejection = Denied;

    async fn from_request_parts(parts: &mut Parts, site: &Arc<Site>) -> Result<Self, Denied> {
        let person = Person::from_request_parts(parts, site).await?;
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        Ok(Self { person, language: Language::wanted(&parts.headers), path })
    }
}

impl Visitor {
    /// What every page shows around its contents.
    fn frame(&self, site: &Site) -> Value {
        context! {
            person => &self.person.name,
            is_operator => self.person.is_operator(),
            csrf => self.person.csrf(),
            is_rehearsal => site.settings.is_rehearsal,
            back => form_urlencoded::byte_serialize(self.path.as_bytes()).collect::<String>(),
        }
    }

    /// A whole page.
    pub(super) fn page(&self, site: &Site, name: &str, values: Value) -> Result<Response, Failure> {
        let values = context! { ..values, ..context! { frame => self.frame(site) } };
        render(self.language, name, values).map(|page| Html(page).into_response())
    }

    /// A part of a page, for the script to put in place.
    pub(super) fn part(&self, site: &Site, name: &str, values: Value) -> Result<String, Failure> {
        let values = context! { ..values, ..context! { frame => self.frame(site) } };
        render(self.language, name, values)
    }
}

/// Why there is no page.
#[derive(Debug, Clone)]
pub(super) enum Failure {
    /// There is no such batch, row or file.
    NotFound,
    /// Something that a person can put right; the key of the words for it, and their values.
    Told(StatusCode, &'static str, Vec<(&'static str, String)>),
    /// A bug of ours; the log says more.
    Broken,
}

impl Failure {
    /// What a person gave makes no sense.
    pub(super) fn input(key: &'static str) -> Self {
        Self::Told(StatusCode::UNPROCESSABLE_ENTITY, key, Vec::new())
    }

    /// What to tell a person, in their language.
    pub(super) fn in_words(&self, language: Language) -> String {
        match self {
            Self::NotFound => language.words("error.not_found").to_owned(),
            Self::Told(_, key, values) => {
                // Which field it is about is a key itself.
                let word = |name: &str, it: &str| match name {
                    "field" => language.words(it).to_owned(),
                    _ => it.to_owned(),
                };
                let values: Vec<_> =
                    values.iter().map(|(name, it)| (*name, word(name, it))).collect();
                let values: Vec<_> = values.iter().map(|(name, it)| (*name, it.as_str())).collect();
                language.fill(key, &values)
            }
            Self::Broken => language.words("error.store").to_owned(),
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Told(status, ..) => *status,
            Self::Broken => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let conflict = StatusCode::CONFLICT;
        let told = |status, key| Self::Told(status, key, Vec::new());
        let in_full = || vec![("message", error.in_full())];
        match error.kind() {
            ErrorKind::NoSuchBatch => Self::NotFound,
            ErrorKind::BatchState | ErrorKind::NotAllowed | ErrorKind::Fenced => {
                Self::Told(conflict, "error.refused", in_full())
            }
            ErrorKind::Locked => Self::Told(conflict, "error.locked", in_full()),
            ErrorKind::OtherGateway => told(conflict, "error.other_gateway"),
            ErrorKind::Intake => told(conflict, "error.changed"),
            ErrorKind::Config | ErrorKind::Refused => {
                Self::Told(StatusCode::UNPROCESSABLE_ENTITY, "error.refused", in_full())
            }
            ErrorKind::Store | ErrorKind::Books => {
                tracing::error!("a page could not be made: {}", error.in_full());
                told(StatusCode::INTERNAL_SERVER_ERROR, "error.store")
            }
        }
    }
}

impl IntoResponse for Failure {
    /// Without words: those are put in by [`explain`], which knows who asked.
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Makes a page of every failure, in the language of whoever asked.
pub(super) async fn explain(
    State(site): State<Arc<Site>>,
    request: Request,
    next: Next,
) -> Response {
    let (mut parts, body) = request.into_parts();
    let visitor = Visitor::from_request_parts(&mut parts, &site).await.ok();
    let response = next.run(Request::from_parts(parts, body)).await;
    let (Some(failure), Some(visitor)) = (response.extensions().get::<Failure>(), visitor) else {
        return response;
    };
    let values = context! {
        is_missing => matches!(failure, Failure::NotFound),
        message => failure.in_words(visitor.language),
    };
    match visitor.page(&site, "failure.html", values) {
        Ok(page) => (failure.status(), page).into_response(),
        Err(_) => failure.status().into_response(),
    }
}

/// The page on which somebody signs in, which nobody is known for yet.
pub(super) fn sign_in(headers: &HeaderMap, next: &str, problem: Option<&str>) -> Response {
    let values = context! { next, problem };
    match render(Language::wanted(headers), "sign-in.html", values) {
        Ok(page) => Html(page).into_response(),
        Err(failure) => failure.into_response(),
    }
}

/// A moment for `<time>`: for programs, and for people whose browser runs no script.
pub(super) fn moment(at: Timestamp) -> Value {
    context! {
        iso => at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        text => at.strftime("%Y-%m-%d %H:%M UTC").to_string(),
    }
}

/// A length of time in words, in its two largest units.
pub(super) fn duration(language: Language, seconds: u64) -> String {
    let fill = |key, values: &[(&str, u64)]| {
        let texts: Vec<_> = values.iter().map(|(name, it)| (*name, it.to_string())).collect();
        let texts: Vec<_> = texts.iter().map(|(name, it)| (*name, it.as_str())).collect();
        language.fill(key, &texts)
    };
    match seconds {
        0..60 => fill("time.seconds", &[("count", seconds)]),
        60..3_600 => fill("time.minutes", &[("count", seconds / 60)]),
        3_600..86_400 => {
            fill("time.hours", &[("hours", seconds / 3_600), ("minutes", seconds % 3_600 / 60)])
        }
        _ => fill("time.days", &[("days", seconds / 86_400), ("hours", seconds % 86_400 / 3_600)]),
    }
}

/// An outcome in plain words.
pub(super) fn outcome(language: Language, outcome: Outcome) -> &'static str {
    language.words(&format!("outcome.{outcome}"))
}

/// A text as one segment of a path.
pub(super) fn segment(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for &byte in text.as_bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// Whether a link from a reply may be a link of ours: escaping does not stop `javascript:`.
pub(super) fn is_web_address(link: &str) -> bool {
    url::Url::parse(link).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
}
