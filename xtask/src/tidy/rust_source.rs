//! Rules about hand-written Rust files.

use super::Finding;
use super::tree::{SourceFile, Tree};

const LINES_AIM: usize = 400;
const LINES_LIMIT: usize = 600;
const COLUMNS_LIMIT: usize = 100;

/// Where binary floating point is allowed, and why. Money is never among them.
const FLOATS: &[(&str, &str)] = &[
    ("bindings/python/src/seconds.rs", "Python counts seconds in floats; times, never money"),
    ("gateway-rs/sandbox/src/php.rs", "PHP signs the rounding of its floats; repeated exactly"),
    ("gateway-rs/src/decode/scalar.rs", "serde hands over other numbers so; never an amount"),
    ("gateway-rs/src/decode/shape.rs", "serde hands over other numbers so; they are refused"),
    ("gateway-rs/src/sign.rs", "PHP signs the rounding of its floats; repeated exactly"),
];

pub(super) fn length(tree: &Tree) -> Vec<Finding> {
    let judge = |file: &SourceFile| match file.text.lines().count() {
        lines if lines > LINES_LIMIT => {
            let message = format!("{lines} lines; split it along its concerns");
            Some(Finding::new(&file.path, 0, message))
        }
        lines if lines > LINES_AIM => {
            Some(Finding::advice(&file.path, format!("{lines} lines; can it be split?")))
        }
        _ => None,
    };
    tree.rust().filter_map(judge).collect()
}

pub(super) fn columns(tree: &Tree) -> Vec<Finding> {
    let code = |file: &&SourceFile| file.has_ending(&["rs", "py", "sh", "php"]);
    let mut findings = Vec::new();
    for file in tree.written().filter(code) {
        for (number, line) in file.lines() {
            let columns = line.chars().count();
            if columns > COLUMNS_LIMIT && !cannot_be_folded(file, line) {
                findings.push(Finding::new(&file.path, number, format!("{columns} columns")));
            }
        }
    }
    findings
}

/// A row of a table in a comment, and a text in a test, which is clearer whole.
fn cannot_be_folded(file: &SourceFile, line: &str) -> bool {
    let row = ["//! |", "/// |"].iter().any(|start| line.trim_start().starts_with(start));
    row || (file.path.contains("/tests/") && line.contains('"'))
}

pub(super) fn module_docs(tree: &Tree) -> Vec<Finding> {
    tree.rust()
        .filter(|file| !file.text.starts_with("//!"))
        .map(|file| Finding::new(&file.path, 1, "begin with `//! What this module is.`"))
        .collect()
}

pub(super) fn floats(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    let allowed = |path: &str| FLOATS.iter().any(|(file, _reason)| *file == path);
    for file in tree.rust().filter(|file| !allowed(&file.path)) {
        for (number, line) in file.lines() {
            let code = line.split("//").next().unwrap_or_default();
            if let Some(word) = words(code).find(|word| FLOAT_NAMES.contains(word)) {
                let message =
                    format!("{word}: use rust_decimal, or give the file a reason in the list");
                findings.push(Finding::new(&file.path, number, message));
            }
        }
    }
    // A part of the repository, as the samples are, need not have every file.
    let whole = tree.file("Cargo.lock").is_some();
    for (path, reason) in FLOATS.iter().filter(|(path, _)| whole && tree.file(path).is_none()) {
        let message = format!("in the list of floats ({reason}), but there is no such file");
        findings.push(Finding::new(path, 0, message));
    }
    findings
}

const FLOAT_NAMES: [&str; 2] = [concat!("f", "64"), concat!("f", "32")];

/// The identifiers of a line of code.
fn words(code: &str) -> impl Iterator<Item = &str> {
    code.split(|c: char| !c.is_alphanumeric() && c != '_')
}
