//! What is wrong with the spec, where, and what to do about it.
//!
//! A finding is one line, `file:line: message, hint`, and a run reports every finding it can see at
//! once, sorted by file and line. There are no warnings: what is worth saying is worth refusing.

use std::fmt;
use std::rc::Rc;

/// A line of a file of the spec. Files of one run share their name, so a place is cheap to copy
/// around.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) file: Rc<str>,
    /// Counted from 1.
    pub(crate) line: u64,
}

/// One finding.
///
/// Its `Display` is the line that people and editors read: `file:line: message, hint`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Diagnostic {
    place: Place,
    message: String,
    hint: String,
}

impl Diagnostic {
    /// The path of the file, as it was given to [`generate`](crate::generate).
    pub fn file(&self) -> &str {
        &self.place.file
    }

    /// The line in that file, counted from 1.
    pub fn line(&self) -> u64 {
        self.place.line
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, message, hint } = self;
        write!(f, "{}:{}: {message}, {hint}", place.file, place.line)
    }
}

/// Every finding of a run, sorted by file and line; never empty.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Diagnostics {
    /// The findings, sorted by file and line.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.0.iter()
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, finding) in self.0.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{finding}")?;
        }
        Ok(())
    }
}

/// Collects findings while the stages run on.
#[derive(Debug, Default)]
pub(crate) struct Findings(Vec<Diagnostic>);

impl Findings {
    pub(crate) fn add(&mut self, at: &Place, message: impl Into<String>, hint: impl Into<String>) {
        let (message, hint) = (message.into(), hint.into());
        self.0.push(Diagnostic { place: at.clone(), message, hint });
    }

    /// `Ok` where nothing was found.
    pub(crate) fn into_result(mut self) -> Result<(), Diagnostics> {
        if self.0.is_empty() {
            return Ok(());
        }
        self.0.sort();
        self.0.dedup();
        Err(Diagnostics(self.0))
    }
}
