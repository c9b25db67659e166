//! Rules about where Rust files lie and what they are called.

use super::Finding;
use super::tree::Tree;

/// Names that say nothing about what a module is for, and so collect everything.
const CATCH_ALL: &[&str] =
    &["util", "utils", "helper", "helpers", "common", "types", "manager", "misc"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.files.iter().filter(|file| file.has_ending(&["rs"])) {
        let parts: Vec<&str> = file.path.trim_end_matches(".rs").split('/').collect();
        if parts.last() == Some(&"mod") {
            let message = "write foo.rs + foo/ instead of foo/mod.rs";
            findings.push(Finding::new(&file.path, 0, message));
        }
        if let Some(name) = parts.iter().find(|part| CATCH_ALL.contains(part)) {
            let message = format!("`{name}` says nothing; name it after what it does");
            findings.push(Finding::new(&file.path, 0, message));
        }
        if is_test_binary(&parts) {
            let message = "a second test binary links everything again; make it a module of \
                           tests/it/main.rs";
            findings.push(Finding::new(&file.path, 0, message));
        }
    }
    findings
}

/// Whether cargo would make a test binary of this path, other than `tests/it/main.rs`.
fn is_test_binary(parts: &[&str]) -> bool {
    match parts {
        [.., "tests", _file] => true,
        [.., "tests", folder, "main"] => *folder != "it",
        _ => false,
    }
}
