//! Why a command could not do what it was asked, with its exit code and what to do next.

use std::fmt::Write as _;
use std::io;

use serde_json::json;

use crate::admission::Terms;
use crate::command::exit::Exit;
use crate::report::WriteError;
use crate::{Error, ErrorKind, with_causes};

/// What the command calls what a refusal of a file speaks of.
const TERMS: Terms = Terms {
    check: "payout check FILE",
    resume: "payout resume BATCH",
    skip_invalid: "--skip-invalid",
    expect_rows: "--expect-rows",
    expect_total: "--expect-total",
    allow_duplicate: "--allow-duplicate REASON",
};

/// A command that ended early.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    message: String,
    hint: Option<String>,
    is_broken_pipe: bool,
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), hint: None, is_broken_pipe: false }
    }

    /// The command line or the configuration makes no sense.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(crate) fn with_exit(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }

    /// Whether a reader of the output went away, which is not worth a word.
    pub(crate) fn is_broken_pipe(&self) -> bool {
        self.is_broken_pipe
    }

    /// What happened, without what to do about it.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// What to do about it.
    pub(crate) fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// The failure for people, without a line end.
    pub(crate) fn text(&self) -> String {
        let mut text = format!("error: {}", self.message);
        if let Some(hint) = &self.hint {
            let _ = write!(text, "\n  hint: {hint}");
        }
        text
    }

    /// The failure for programs.
    pub(crate) fn json(&self) -> String {
        let exit = self.exit as u8;
        json!({ "error": { "exit": exit, "message": self.message, "hint": self.hint } }).to_string()
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        if let Some(refusal) = error.refusal() {
            let hint = refusal.hint(&TERMS);
            return Self { hint, ..Self::new(Exit::FileRefused, refusal.message(&TERMS)) };
        }
        let exit = match error.kind() {
            ErrorKind::Config
            | ErrorKind::NoSuchBatch
            | ErrorKind::NotAllowed
            | ErrorKind::OtherGateway => Exit::Usage,
            _ => Exit::Other,
        };
        let mut hint = error.hint();
        if let Some(hint) = hint.as_mut().filter(|_| !error.missing().is_empty()) {
            hint.push_str("; `--sandbox` needs none of them");
        }
        Self { hint, ..Self::new(exit, with_causes(&error)) }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        let failure = Self::new(Exit::Other, format!("the output could not be written: {error}"));
        Self { is_broken_pipe: error.kind() == io::ErrorKind::BrokenPipe, ..failure }
    }
}

impl From<WriteError> for Failure {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Store(error) => error.into(),
            WriteError::Output(error) => error.into(),
        }
    }
}
