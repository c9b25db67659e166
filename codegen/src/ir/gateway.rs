//! What holds for every call, as the emitters see it.

use super::{Field, ObjectId, QuirkId, Source};

/// What is true of every call.
#[derive(Debug)]
pub(crate) struct Gateway {
    pub(crate) hosts: Vec<Host>,
    pub(crate) endpoints: Vec<Endpoint>,
    /// `service`, `sign_type`, `sign`: part of every request, listed in none.
    pub(crate) request_fields: Vec<Field>,
    /// The envelope of every reply.
    pub(crate) reply_fields: Vec<Field>,
    pub(crate) headers: Vec<Fact>,
    /// How long tokens live.
    pub(crate) tokens: Vec<Fact>,
    /// Where an error's text and code stand.
    pub(crate) error_keys: Vec<Fact>,
    pub(crate) signing: Vec<Fact>,
    pub(crate) sealing: Vec<Fact>,
    pub(crate) envelope: Vec<Fact>,
    /// What the signature of a reply may cover.
    pub(crate) reply_signature: Vec<Fact>,
    pub(crate) links: Vec<Link>,
    /// Objects that no operation leads to: notices, redirects.
    pub(crate) roots: Vec<Root>,
}

/// A host that the gateway is known to live on.
#[derive(Debug)]
pub(crate) struct Host {
    pub(crate) name: String,
    pub(crate) url: String,
    pub(crate) source: Source,
    pub(crate) description: String,
}

#[derive(Debug)]
pub(crate) struct Endpoint {
    pub(crate) name: String,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) authenticated: bool,
    pub(crate) source: Source,
    pub(crate) description: String,
}

/// A rule in words.
#[derive(Debug)]
pub(crate) struct Fact {
    pub(crate) text: String,
    pub(crate) source: Source,
}

/// A URL that is built or opened, not called.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) name: String,
    /// With `{parameter}` in places, each of which is listed.
    pub(crate) template: String,
    pub(crate) source: Source,
    pub(crate) quirks: Vec<QuirkId>,
    pub(crate) description: String,
    pub(crate) parameters: Vec<LinkParameter>,
}

#[derive(Debug)]
pub(crate) struct LinkParameter {
    pub(crate) name: String,
    pub(crate) sensitive: bool,
    pub(crate) source: Source,
    pub(crate) description: String,
}

#[derive(Debug)]
pub(crate) struct Root {
    pub(crate) object: ObjectId,
    /// It comes in the query of a URL, so it is not read like a reply.
    pub(crate) in_query: bool,
    pub(crate) source: Source,
    pub(crate) description: String,
}
