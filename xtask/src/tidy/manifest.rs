//! Rules about dependencies: one place, one reason each, and arrows that point one way.

use super::Finding;
use super::tree::{SourceFile, Tree};

/// Which of our own crates a crate may be built on. The sandbox may not know the client, so that
/// one mistake cannot cancel the other; tests may use more.
const ARROWS: &[(&str, &[&str])] = &[
    ("codegen/Cargo.toml", &[]),
    ("gateway-rs/Cargo.toml", &[]),
    ("gateway-rs/sandbox/Cargo.toml", &[]),
    ("payout-engine/Cargo.toml", &["kess-gateway", "kess-sandbox"]),
    ("xtask/Cargo.toml", &["kess-codegen"]),
    ("fuzz/targets/Cargo.toml", &["kess-gateway", "payout-engine"]),
    ("bindings/python/Cargo.toml", &["kess-gateway", "kess-sandbox", "payout-engine"]),
    ("benches/Cargo.toml", &["kess-gateway", "kess-sandbox", "payout-engine"]),
];

/// The one manifest outside the workspace: what libFuzzer needs, nobody else builds.
const OUTSIDE: &str = "fuzz/Cargo.toml";

/// A line `name = ...` or `name.workspace = true` of a table of dependencies.
#[derive(Debug)]
struct Entry<'a> {
    line: usize,
    name: &'a str,
    value: &'a str,
    table: &'a str,
    /// A comment stands above it, or above the dependencies it stands together with.
    has_reason: bool,
}

pub(super) fn dependencies(tree: &Tree) -> Vec<Finding> {
    let Some(root) = tree.file("Cargo.toml") else { return Vec::new() };
    let mut findings = Vec::new();
    let declared: Vec<Entry<'_>> = entries(root).collect();
    let members: Vec<&SourceFile> =
        tree.files.iter().filter(|file| is_member(&file.path)).collect();

    for entry in declared.iter().filter(|entry| !entry.value.contains("path =")) {
        if !entry.has_reason {
            let message = format!("say in a comment why {} is needed", entry.name);
            findings.push(Finding::new(&root.path, entry.line, message));
        }
        let used = |file: &&SourceFile| entries(file).any(|used| used.name == entry.name);
        if !members.iter().any(used) {
            let message = format!("no crate uses {}", entry.name);
            findings.push(Finding::new(&root.path, entry.line, message));
        }
    }
    for file in members {
        for entry in entries(file).filter(|entry| !entry.value.contains("workspace")) {
            let message = format!("declare {} in the root Cargo.toml", entry.name);
            findings.push(Finding::new(&file.path, entry.line, message));
        }
    }
    findings
}

fn is_member(path: &str) -> bool {
    path.ends_with("/Cargo.toml") && path != OUTSIDE
}

pub(super) fn arrows(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, allowed) in ARROWS {
        let Some(file) = tree.file(path) else { continue };
        let ours =
            |entry: &Entry<'_>| entry.name.starts_with("kess-") || entry.name == "payout-engine";
        for entry in entries(file).filter(|entry| entry.table == "dependencies" && ours(entry)) {
            if !allowed.contains(&entry.name) {
                let message = format!("must not be built on {}", entry.name);
                findings.push(Finding::new(path, entry.line, message));
            }
        }
    }
    findings
}

/// The dependencies that a manifest names, in order.
fn entries(file: &SourceFile) -> impl Iterator<Item = Entry<'_>> {
    let mut table = "";
    let mut has_reason = false;
    file.lines().filter_map(move |(line, text)| {
        let text = text.trim();
        if let Some(header) = text.strip_prefix('[') {
            table = header.trim_end_matches(']');
            has_reason = false;
        } else if text.is_empty() {
            has_reason = false;
        } else if text.starts_with('#') {
            has_reason = true;
        } else if table.ends_with("dependencies")
            && let Some((key, value)) = text.split_once('=')
        {
            let (name, rest) = key.trim().split_once('.').unwrap_or((key.trim(), ""));
            let value = if rest.is_empty() { value.trim() } else { rest };
            return Some(Entry { line, name, value, table, has_reason });
        }
        None
    })
}
