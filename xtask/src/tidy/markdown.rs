//! Rules about the pages for people: links lead somewhere, the map is complete.

use super::Finding;
use super::tree::{SourceFile, Tree};

pub(super) fn links(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.files.iter().filter(|file| file.has_ending(&["md"])) {
        let mut in_code = false;
        for (number, line) in file.lines() {
            if line.trim_start().starts_with("```") {
                in_code = !in_code;
            }
            if in_code {
                continue;
            }
            for target in targets(line) {
                if let Some(message) = broken(tree, file, target) {
                    findings.push(Finding::new(&file.path, number, message));
                }
            }
        }
    }
    findings
}

/// The targets of the inline links of a line: `[text](target)`, and `src="target"`.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    let inline = line.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next());
    let html = line.split("src=\"").skip(1).filter_map(|rest| rest.split('"').next());
    inline.chain(html)
}

/// What is wrong with a link, if anything. Links to other sites are not followed.
fn broken(tree: &Tree, from: &SourceFile, target: &str) -> Option<String> {
    if target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
    let page = if path.is_empty() { from.path.clone() } else { resolve(&from.path, path)? };
    if !page.is_empty() && !tree.contains(&page) {
        return Some(format!("`{target}` leads nowhere"));
    }
    let headings =
        tree.file(&page).filter(|page| !anchor.is_empty() && page.has_ending(&["md"]))?;
    let found = headings.lines().any(|(_, line)| line.starts_with('#') && slug(line) == anchor);
    (!found).then(|| format!("`{target}`: {page} has no such heading"))
}

/// A relative path as seen from the root; `None` where it leaves the repository.
fn resolve(from: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// The anchor that a heading gets: lower case, blanks as dashes, no punctuation.
fn slug(heading: &str) -> String {
    let kept = |c: char| match c {
        ' ' => Some('-'),
        '-' | '_' => Some(c),
        c if c.is_alphanumeric() => Some(c),
        _ => None,
    };
    heading.trim_start_matches('#').trim().to_lowercase().chars().filter_map(kept).collect()
}

pub(super) fn map(tree: &Tree) -> Vec<Finding> {
    let Some(readme) = tree.file("README.md") else {
        return vec![Finding::new("README.md", 0, "is missing")];
    };
    let mut folders: Vec<&str> =
        tree.files.iter().filter_map(|file| Some(file.path.split_once('/')?.0)).collect();
    folders.dedup();
    folders
        .into_iter()
        .filter(|folder| !folder.starts_with('.'))
        .filter(|folder| !readme.text.contains(&format!("{folder}/")))
        .map(|folder| Finding::new("README.md", 0, format!("the map does not name {folder}/")))
        .collect()
}
