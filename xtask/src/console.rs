//! What a chore says: results on stdout, everything else on stderr.
//!
//! A closed pipe (`cargo xtask tidy | head`) is not an error, so results of writing are dropped.

use std::io::Write as _;

/// A line of the chore's result.
pub(crate) fn say(line: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

/// A line about the work: progress, warnings, errors.
pub(crate) fn warn(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// Announces a step that may take a while.
pub(crate) fn step(title: &str) {
    warn(&format!("\n==> {title}"));
}
