//! `gateway.yaml` as it stands: what holds for every call.

use serde::Deserialize;
use serde_saphyr::Spanned;

use super::Field;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GatewayFile {
    pub(crate) hosts: Vec<Spanned<Host>>,
    pub(crate) endpoints: Vec<Spanned<Endpoint>>,
    pub(crate) headers: Vec<Spanned<Header>>,
    pub(crate) request_fields: Vec<Spanned<Field>>,
    pub(crate) reply_fields: Vec<Spanned<Field>>,
    pub(crate) error_keys: Vec<Spanned<ErrorKeys>>,
    pub(crate) tokens: Vec<Spanned<Token>>,
    pub(crate) signing: Vec<Spanned<Rule>>,
    pub(crate) sealing: Vec<Spanned<Rule>>,
    pub(crate) envelope: Vec<Spanned<Rule>>,
    pub(crate) reply_signature: Vec<Spanned<Reading>>,
    pub(crate) links: Vec<Spanned<Link>>,
    pub(crate) roots: Vec<Spanned<Root>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Host {
    pub(crate) name: String,
    pub(crate) url: String,
    pub(crate) source: String,
    pub(crate) description: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Endpoint {
    pub(crate) name: String,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) authenticated: bool,
    pub(crate) source: String,
    pub(crate) description: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Header {
    pub(crate) name: String,
    pub(crate) value: String,
    pub(crate) endpoints: Vec<String>,
    pub(crate) source: String,
    pub(crate) description: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ErrorKeys {
    pub(crate) name: String,
    pub(crate) keys: Vec<String>,
    pub(crate) source: String,
    pub(crate) description: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Token {
    pub(crate) name: String,
    pub(crate) seconds: u32,
    pub(crate) source: String,
    pub(crate) description: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rule {
    pub(crate) rule: String,
    pub(crate) source: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reading {
    pub(crate) name: String,
    pub(crate) source: String,
    pub(crate) description: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Link {
    pub(crate) name: String,
    pub(crate) template: String,
    pub(crate) source: String,
    #[serde(default)]
    pub(crate) quirks: Vec<Spanned<String>>,
    pub(crate) description: String,
    pub(crate) parameters: Vec<LinkParameter>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LinkParameter {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) sensitive: bool,
    pub(crate) source: String,
    pub(crate) description: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Root {
    pub(crate) object: Spanned<String>,
    #[serde(default)]
    pub(crate) carried_by: Carrier,
    pub(crate) source: String,
    pub(crate) description: String,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Carrier {
    #[default]
    Body,
    Query,
}
