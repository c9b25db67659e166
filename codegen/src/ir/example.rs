//! Samples, as the emitters see them.

/// A sample.
#[derive(Debug)]
pub(crate) struct Example {
    /// Path inside the folder of the spec: `examples/withdraw.documented.request.json`.
    pub(crate) path: String,
    pub(crate) case: String,
    pub(crate) side: Side,
    /// As it stands in the file, digits and order included.
    pub(crate) text: String,
    /// The same, parsed; keys are sorted.
    pub(crate) json: serde_json::Value,
    /// Errors only: how a client should read it.
    pub(crate) expect: Option<Expect>,
}

/// How a sample of an error should be read.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expect {
    pub(crate) kind: ExpectedKind,
    pub(crate) code: Option<String>,
    pub(crate) message: Option<String>,
    pub(crate) outcome: Outcome,
}

/// The kinds that an answer can be read as; their names are those of the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ExpectedKind {
    Authentication,
    Decode,
    Duplicate,
    Expired,
    Failed,
    Forbidden,
    NotFound,
    RateLimited,
    Refused,
    Unavailable,
}

/// Whether the call may have had its effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    Answered,
    Unknown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Side {
    Request,
    Reply,
    /// A reply together with its HTTP status and content type.
    Error,
}
