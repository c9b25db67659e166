//! The files of the spec as they stand: one struct for each shape that `spec/README.md` describes.
//!
//! Nothing is checked here but the shape (an unknown or missing key, a value of another kind);
//! references are still text. What may be pointed at in a finding keeps its line.

mod gateway;

use std::rc::Rc;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_saphyr::{Error, Spanned};

use crate::SourceFile;
use crate::diagnostic::{Findings, Place};
pub(crate) use gateway::{Carrier, GatewayFile, Host};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OperationsFile {
    pub(crate) section: String,
    pub(crate) operations: Vec<Spanned<Operation>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Operation {
    pub(crate) service: Option<Spanned<String>>,
    pub(crate) path: Option<String>,
    pub(crate) name: Spanned<String>,
    pub(crate) title: String,
    pub(crate) source: Option<String>,
    #[serde(default = "yes")]
    pub(crate) documented: bool,
    pub(crate) summary: String,
    #[serde(default)]
    pub(crate) description: String,
    pub(crate) effect: Effect,
    #[serde(default)]
    pub(crate) idempotency: Idempotency,
    #[serde(default)]
    pub(crate) quirks: Vec<Spanned<String>>,
    pub(crate) request: Request,
    pub(crate) reply: Spanned<Reply>,
}

/// An operation stands in the documentation unless it says otherwise.
fn yes() -> bool {
    true
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Effect {
    Read,
    Write,
    Money,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Idempotency {
    #[default]
    None,
    OutTradeNo,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Request {
    #[serde(default)]
    pub(crate) include: Vec<Spanned<String>>,
    #[serde(default)]
    pub(crate) fields: Vec<Spanned<Field>>,
    #[serde(default)]
    pub(crate) one_of: Vec<Spanned<Vec<String>>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reply {
    pub(crate) shape: Shape,
    #[serde(rename = "type")]
    pub(crate) object: Option<Spanned<String>>,
    pub(crate) items: Option<Spanned<String>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Shape {
    Object,
    List,
    Page,
    Range,
    Any,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) rust: Option<String>,
    #[serde(rename = "type")]
    pub(crate) ty: Spanned<String>,
    pub(crate) currency: Option<Spanned<String>>,
    #[serde(default)]
    pub(crate) wire: Wire,
    pub(crate) presence: Presence,
    pub(crate) max_length: Option<usize>,
    pub(crate) min: Option<i64>,
    pub(crate) max: Option<i64>,
    pub(crate) charset: Option<Charset>,
    pub(crate) required_with: Option<String>,
    #[serde(default)]
    pub(crate) sensitive: bool,
    pub(crate) example: Option<String>,
    pub(crate) source: Option<String>,
    #[serde(default)]
    pub(crate) quirks: Vec<Spanned<String>>,
    #[serde(default)]
    pub(crate) description: String,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Wire {
    #[default]
    Number,
    Text,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Presence {
    Required,
    Optional,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Charset {
    AlnumDash,
    Digits,
    Hex,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ObjectsFile {
    pub(crate) objects: Vec<Spanned<Object>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Object {
    pub(crate) name: Spanned<String>,
    pub(crate) title: Option<String>,
    pub(crate) source: Option<String>,
    #[serde(default)]
    pub(crate) description: String,
    #[serde(default)]
    pub(crate) quirks: Vec<Spanned<String>>,
    #[serde(default)]
    pub(crate) include: Vec<Spanned<String>>,
    pub(crate) fields: Vec<Spanned<Field>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EnumsFile {
    pub(crate) enums: Vec<Spanned<Enum>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Enum {
    pub(crate) name: Spanned<String>,
    pub(crate) source: Option<String>,
    #[serde(default)]
    pub(crate) description: String,
    #[serde(default)]
    pub(crate) closed: bool,
    #[serde(default)]
    pub(crate) quirks: Vec<Spanned<String>>,
    pub(crate) values: Vec<Spanned<EnumValue>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EnumValue {
    pub(crate) value: String,
    #[serde(default)]
    pub(crate) description: String,
    pub(crate) source: Option<String>,
    pub(crate) title: Option<String>,
    pub(crate) id: Option<i64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ErrorsFile {
    pub(crate) errors: Vec<Spanned<ErrorRow>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ErrorRow {
    pub(crate) status: u16,
    pub(crate) code: Option<String>,
    pub(crate) endpoint: Option<Spanned<String>>,
    pub(crate) meaning: String,
    pub(crate) kind: ErrorKind,
    pub(crate) moved_money: MovedMoney,
    pub(crate) source: String,
    #[serde(default)]
    pub(crate) quirks: Vec<Spanned<String>>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ErrorKind {
    Refused,
    Unauthenticated,
    Forbidden,
    NotFound,
    Duplicate,
    Expired,
    RateLimited,
    Unavailable,
    Unknown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum MovedMoney {
    No,
    Unknown,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct QuirksFile {
    pub(crate) quirks: Vec<Spanned<Quirk>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Quirk {
    pub(crate) id: String,
    #[serde(rename = "where")]
    pub(crate) places: Vec<String>,
    pub(crate) readings: Vec<String>,
    pub(crate) decision: String,
    pub(crate) why: String,
    pub(crate) source: String,
}

/// A file that had the shape it should have.
#[derive(Debug)]
pub(crate) struct Parsed<T> {
    pub(crate) file: Rc<str>,
    pub(crate) content: T,
}

impl<T> Parsed<T> {
    /// The place in this file where `node` begins.
    pub(crate) fn at<N>(&self, node: &Spanned<N>) -> Place {
        Place { file: Rc::clone(&self.file), line: node.defined.line() }
    }
}

/// Reads one file; a shape that is not the described one becomes a finding.
pub(crate) fn parse<T: DeserializeOwned>(
    source: &SourceFile,
    findings: &mut Findings,
) -> Option<Parsed<T>> {
    let file: Rc<str> = Rc::from(source.path.as_str());
    match serde_saphyr::from_str(&source.text) {
        Ok(content) => Some(Parsed { file, content }),
        Err(error) => {
            let line = error.location().map_or(1, |location| location.line());
            let (message, hint) = explain(error.without_snippet());
            findings.add(&Place { file, line }, message, hint);
            None
        }
    }
}

/// Our words for what people get wrong most; the parser's for the rest.
fn explain(error: &Error) -> (String, String) {
    match error {
        Error::SerdeUnknownField { field, expected, .. } => (
            format!("there is no key `{field}` here"),
            format!("the keys are {}", listed(expected)),
        ),
        Error::SerdeMissingField { field, .. } => (
            format!("the key `{field}` is missing"),
            "add it; spec/README.md says what it holds".into(),
        ),
        Error::SerdeUnknownVariant { variant, expected, .. } => (
            format!("`{variant}` is no value of this key"),
            format!("write one of {}", listed(expected)),
        ),
        Error::DuplicateMappingKey { key: Some(key), .. } => {
            (format!("the key `{key}` stands here twice"), "remove one of them".into())
        }
        other => {
            let text = other.to_string();
            // The place stands in front of every finding already.
            let what = text.split(" at line ").next().unwrap_or(&text).trim();
            (what.to_owned(), "compare it with the shapes in spec/README.md".into())
        }
    }
}

fn listed(names: &[&'static str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
