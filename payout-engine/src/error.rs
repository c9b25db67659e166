//! The one error type of the library.
//!
//! A row that fails is no error: it is an [`crate::Outcome`]. An [`Error`] means that the engine
//! could not do what it was asked: the store, the lock, the configuration, the identity of the
//! gateway.
//!
//! Invariant: no message holds personal data or a secret, and each says what to do next where there
//! is something to do, itself or by its [`Error::hint`].

use std::{fmt, path::Path};

use crate::admission::{Refusal, Terms};

/// What the engine could not do. `Display` is one line, but for a [`Refusal`]; the cause, if any,
/// is the `source`.
#[derive(Debug)]
pub struct Error {
    problem: Box<Problem>,
    hint: Option<Box<str>>,
}

/// The kinds of [`Error`], for callers that act on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Options or settings that make no sense.
    Config,
    /// There is no such batch, or no unfinished one.
    NoSuchBatch,
    /// The batch exists already, or is in a state that does not allow this.
    BatchState,
    /// The batch or the row stands so that this cannot be asked of it: it was cancelled, or it is
    /// not held, or it is not there.
    NotAllowed,
    /// Another runner holds the store.
    Locked,
    /// Another runner took the batch over; this one must not write any more.
    Fenced,
    /// The batch belongs to another gateway or seller.
    OtherGateway,
    /// The store could not be read or written.
    Store,
    /// The store holds what the engine never writes, or sums that do not add up.
    Books,
    /// Rows came in a shape that the store refuses.
    Intake,
    /// The file may not be paid, and nothing of it was: [`Error::refusal`] says why.
    Refused,
}

#[derive(Debug, thiserror::Error)]
enum Problem {
    #[error("{0}")]
    Config(String),
    #[error("the configuration lacks {}", .0.join(", "))]
    Incomplete(Vec<&'static str>),
    #[error("no batch named `{0}` in the store; `payout list` shows those there are")]
    NoSuchBatch(String),
    #[error("no unfinished batch in the store; `payout list` shows those there are")]
    NoUnfinishedBatch,
    #[error("personal data of batch {batch} was removed")]
    Purged { batch: String },
    #[error("batch `{batch}` {problem}")]
    BatchState { batch: String, problem: String },
    #[error("{0}")]
    NotAllowed(String),
    #[error("the store is in use by {holder}; wait for it to end, or stop it first")]
    Locked { holder: String },
    #[error("another runner took over batch `{batch}`; this one stopped writing")]
    Fenced { batch: String },
    #[error(
        "an older copy of batch `{batch}` was put back while it ran; this runner stopped writing, \
         and `payout resume` asks about every order first"
    )]
    #[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "files have a witness"))]
    PutBack { batch: String },
    #[error(
        "batch `{batch}` belongs to gateway {stored}, but the configuration names {configured}; \
         resume it with the configuration it was started with"
    )]
    OtherGateway { batch: String, stored: String, configured: String },
    #[error("the store could not {doing}")]
    Store { doing: String, source: Box<dyn std::error::Error + Send + Sync> },
    #[error("the store holds {what} `{value}`, which this version cannot read")]
    Corrupt { what: &'static str, value: String },
    #[error("the books do not add up: {0}; nothing more was sent")]
    Books(String),
    #[error("`{text}` is no {what}: expected one of {expected}")]
    UnknownText { what: &'static str, text: String, expected: String },
    #[error("{path} cannot be read; check the name and the permissions")]
    File { path: String, source: std::io::Error },
    #[error("{path} changed while it was read; nothing was sent, start again when nobody edits it")]
    FileChanged { path: String },
    #[error("{0}")]
    Refused(Refusal),
    #[error("row {row}: {problem}")]
    Row { row: u64, problem: String },
    #[error("{0}")]
    Shared(std::sync::Arc<Error>),
}

impl Error {
    /// What kind of error it is.
    pub fn kind(&self) -> ErrorKind {
        match &*self.problem {
            Problem::Config(_) | Problem::Incomplete(_) | Problem::UnknownText { .. } => {
                ErrorKind::Config
            }
            Problem::NoSuchBatch(_) | Problem::NoUnfinishedBatch => ErrorKind::NoSuchBatch,
            Problem::BatchState { .. } | Problem::Purged { .. } => ErrorKind::BatchState,
            Problem::NotAllowed(_) => ErrorKind::NotAllowed,
            Problem::Locked { .. } => ErrorKind::Locked,
            Problem::Fenced { .. } | Problem::PutBack { .. } => ErrorKind::Fenced,
            Problem::OtherGateway { .. } => ErrorKind::OtherGateway,
            Problem::Store { .. } => ErrorKind::Store,
            Problem::Corrupt { .. } | Problem::Books(_) => ErrorKind::Books,
            Problem::Row { .. } | Problem::File { .. } | Problem::FileChanged { .. } => {
                ErrorKind::Intake
            }
            Problem::Refused(_) => ErrorKind::Refused,
            Problem::Shared(error) => error.kind(),
        }
    }

    /// What to do about it, where the message alone does not say so.
    pub fn hint(&self) -> Option<String> {
        match &*self.problem {
            Problem::Refused(refusal) => refusal.hint(&Terms::default()),
            Problem::Shared(error) => error.hint(),
            _ => self.hint.as_deref().map(str::to_owned),
        }
    }

    /// All that there is to say: the message, those of its causes, and what to do about it.
    pub fn in_full(&self) -> String {
        let mut text = with_causes(self);
        if let Some(hint) = self.hint() {
            text.push_str("; ");
            text.push_str(&hint);
        }
        text
    }

    /// Why a file was refused, if that is what happened.
    pub fn refusal(&self) -> Option<&Refusal> {
        match &*self.problem {
            Problem::Refused(refusal) => Some(refusal),
            Problem::Shared(error) => error.refusal(),
            _ => None,
        }
    }

    /// The variables that the configuration lacks, all of them, if that is what happened.
    pub fn missing(&self) -> &[&'static str] {
        match &*self.problem {
            Problem::Incomplete(missing) => missing,
            Problem::Shared(error) => error.missing(),
            _ => &[],
        }
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into().into_boxed_str());
        self
    }

    /// Settings that make no sense; `message` says which and what to write instead.
    pub fn config(message: impl Into<String>) -> Self {
        Problem::Config(message.into()).into()
    }

    /// A configuration that lacks these variables.
    pub fn incomplete(missing: Vec<&'static str>) -> Self {
        Problem::Incomplete(missing).into()
    }

    /// A row that the store cannot take.
    pub fn row(row: u64, problem: impl Into<String>) -> Self {
        Problem::Row { row, problem: problem.into() }.into()
    }

    /// A batch file that cannot be read.
    pub(crate) fn file(path: &Path, source: std::io::Error) -> Self {
        Problem::File { path: path.display().to_string(), source }.into()
    }

    /// A batch file that is no longer the one that was checked.
    pub(crate) fn file_changed(path: &Path) -> Self {
        Problem::FileChanged { path: path.display().to_string() }.into()
    }

    /// No batch of that name; without a name, no unfinished one.
    pub fn no_such_batch(name: Option<&str>) -> Self {
        match name {
            Some(name) => Problem::NoSuchBatch(name.to_owned()).into(),
            None => Problem::NoUnfinishedBatch.into(),
        }
    }

    /// A batch that exists already, or is in a state that does not allow this; `problem` goes on
    /// where its name ends.
    pub fn batch_state(batch: &str, problem: impl Into<String>) -> Self {
        Problem::BatchState { batch: batch.to_owned(), problem: problem.into() }.into()
    }

    /// A batch that goes on in another store.
    pub(crate) fn moved(batch: &str, to: &str) -> Self {
        Self::batch_state(batch, format!("was moved to {to}"))
            .with_hint("it goes on there: name that store with --store")
    }

    /// What a cancelled batch does not take any more.
    pub(crate) fn cancelled(batch: &str) -> Self {
        Self::not_allowed(format!("batch `{batch}` was cancelled; pay its rows from a new file"))
    }

    /// What a batch or a row does not take as it stands.
    pub(crate) fn not_allowed(message: impl Into<String>) -> Self {
        Problem::NotAllowed(message.into()).into()
    }

    /// A batch of which nobody knows any more whom it pays.
    pub(crate) fn purged(batch: &str) -> Self {
        let error = Self::from(Problem::Purged { batch: batch.to_owned() });
        error.with_hint("pay its rows from a new file")
    }

    /// Another runner holds the store.
    pub fn locked(holder: impl Into<String>) -> Self {
        Problem::Locked { holder: holder.into() }.into()
    }

    /// Another runner took the batch over.
    pub fn fenced(batch: &str) -> Self {
        Problem::Fenced { batch: batch.to_owned() }.into()
    }

    /// The log of the batch does not hold any more what its runner wrote.
    #[cfg(feature = "postgres")]
    pub(crate) fn put_back(batch: &str) -> Self {
        Problem::PutBack { batch: batch.to_owned() }.into()
    }

    pub(crate) fn other_gateway(
        batch: &str,
        stored: impl fmt::Display,
        configured: impl fmt::Display,
    ) -> Self {
        Problem::OtherGateway {
            batch: batch.to_owned(),
            stored: stored.to_string(),
            configured: configured.to_string(),
        }
        .into()
    }

    /// The store could not do something: "the store could not {doing}".
    pub fn store(
        doing: impl Into<String>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Problem::Store { doing: doing.into(), source: source.into() }.into()
    }

    pub(crate) fn open(path: &Path, source: std::io::Error) -> Self {
        Self::store(format!("open {}", path.display()), source)
    }

    pub(crate) fn corrupt(what: &'static str, value: &str) -> Self {
        Problem::Corrupt { what, value: value.to_owned() }.into()
    }

    /// The books do not add up.
    pub fn books(problem: impl Into<String>) -> Self {
        Problem::Books(problem.into()).into()
    }

    pub(crate) fn unknown_text(what: &'static str, text: &str, expected: &[&str]) -> Self {
        Problem::UnknownText { what, text: text.to_owned(), expected: expected.join(", ") }.into()
    }

    /// One failed commit concerns every row that waited for it.
    pub(crate) fn shared(error: std::sync::Arc<Error>) -> Self {
        Problem::Shared(error).into()
    }
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self { problem: Box::new(problem), hint: None }
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Problem::Refused(refusal).into()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.problem.fmt(f)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &*self.problem {
            Problem::Shared(error) => std::error::Error::source(&**error),
            other => std::error::Error::source(other),
        }
    }
}

/// The message of an error and of what lies beneath it, in one line.
pub fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = causes(error).map_or_else(String::new, |causes| format!(": {causes}"));
    format!("{error}{causes}")
}

/// What lies beneath an error, in one line.
pub fn causes(error: &dyn std::error::Error) -> Option<String> {
    let mut texts: Vec<String> = Vec::new();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        // Some repeat their cause themselves.
        if !texts.last().is_some_and(|last| last.ends_with(&text)) {
            texts.push(text);
        }
        cause = error.source();
    }
    (!texts.is_empty()).then(|| texts.join(": "))
}
