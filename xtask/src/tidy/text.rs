//! Rules about every text file: notes, blanks, machine paths, secrets.
//!
//! The patterns are put together with `concat!`, so that this file does not break its own rules.

use super::Finding;
use super::tree::{SourceFile, Tree};

const NOTES: &[&str] = &[concat!("TO", "DO"), concat!("FIX", "ME"), concat!("X", "XX")];

const THIS_MACHINE: &[&str] = &[
    concat!("/wo", "rk/"),
    concat!("/tmp", "/wt"),
    concat!("/ro", "ot/"),
    concat!("/ho", "me/"),
    concat!("/Use", "rs/"),
    concat!("../sha", "red"),
    concat!("index.cra", "tes.io"),
    concat!("static.cra", "tes.io"),
    concat!("registry.npm", "js.org"),
    concat!("py", "pi.org"),
    concat!("pythonho", "sted.org"),
    concat!("deb.deb", "ian.org"),
    concat!("proxy.gol", "ang.org"),
];

const PRIVATE_KEY: &str = concat!("PRIVATE ", "KEY-----");

const SECRETS: &[&str] =
    &[concat!("ghp", "_"), concat!("github", "_pat_"), concat!("xox", "b-"), concat!("AKI", "A")];

pub(super) fn notes_to_self(tree: &Tree) -> Vec<Finding> {
    let prose_or_code =
        |file: &&SourceFile| file.has_ending(&["rs", "py", "sh", "toml", "md", "yaml", "php"]);
    let mut findings = Vec::new();
    for file in tree.written().filter(prose_or_code) {
        for (number, line) in file.lines() {
            let mut words = line.split(|c: char| !c.is_alphanumeric() && c != '-' && c != '_');
            if let Some(note) = words.find(|word| NOTES.contains(word)) {
                findings.push(Finding::new(&file.path, number, format!("{note}: do it now")));
            }
        }
    }
    findings
}

pub(super) fn blanks(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    // Bad input for tests, and what is expected of it, must stay as it is.
    let kept_as_is = |file: &SourceFile| {
        file.path.contains("/fixtures/")
            || file.path.starts_with("fuzz/corpus/")
            || (file.path.contains("/tests/") && file.has_ending(&["txt", "csv"]))
    };
    for file in tree.files.iter().filter(|file| !kept_as_is(file) && !file.text.is_empty()) {
        for (number, line) in file.lines() {
            if line.trim_end_matches('\r').ends_with([' ', '\t']) {
                findings.push(Finding::new(&file.path, number, "blanks at the end of the line"));
            }
        }
        if !file.text.ends_with('\n') || file.text.ends_with("\n\n") {
            findings.push(Finding::new(&file.path, 0, "end the file with one newline"));
        }
    }
    findings
}

pub(super) fn this_machine(tree: &Tree) -> Vec<Finding> {
    containing(tree, THIS_MACHINE, "means nothing on another machine")
}

pub(super) fn secrets(tree: &Tree) -> Vec<Finding> {
    const MESSAGE: &str = "looks like a secret; generate it when the test runs";
    let mut findings = containing(tree, SECRETS, MESSAGE);
    for file in &tree.files {
        let mut lines = file.lines().peekable();
        while let Some((number, line)) = lines.next() {
            // The heading alone may stand in a test or a message; a key has a body.
            let body = lines.peek().is_some_and(|(_, next)| looks_like_base64(next.trim()));
            if body && line.contains(PRIVATE_KEY) {
                let message = format!("`{PRIVATE_KEY}` {MESSAGE}");
                findings.push(Finding::new(&file.path, number, message));
            }
        }
    }
    findings
}

fn looks_like_base64(line: &str) -> bool {
    let base64 = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=');
    line.len() >= 40 && line.bytes().all(base64)
}

/// The lines outside Cargo.lock that contain one of the patterns.
fn containing(tree: &Tree, patterns: &[&str], message: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.files.iter().filter(|file| file.path != "Cargo.lock") {
        for (number, line) in file.lines() {
            if let Some(pattern) = patterns.iter().find(|pattern| line.contains(**pattern)) {
                findings.push(Finding::new(&file.path, number, format!("`{pattern}` {message}")));
            }
        }
    }
    findings
}
