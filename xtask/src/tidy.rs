//! `cargo xtask tidy`: the house rules that no compiler checks.
//!
//! Every rule is a row of [`RULES`]: a name, a sentence, a function over the files of the
//! repository. The same rules run as an ordinary test, so that `cargo test` finds a breach too.
//! Generated files are exempt where a rule is about style: they are judged by what they generate.

mod layout;
mod manifest;
mod markdown;
mod rust_source;
mod text;
mod tree;

#[cfg(test)]
mod samples;

use crate::{console, process, root};
use tree::Tree;

/// Something that breaks a rule.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    /// The file, relative to the root.
    path: String,
    /// The line, counted from 1; 0 where the finding is about the file as a whole.
    line: usize,
    /// What is wrong, and what to do.
    message: String,
    /// Worth knowing, but no breach.
    advice: bool,
}

impl Finding {
    fn new(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, message: message.into(), advice: false }
    }

    fn advice(path: &str, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line: 0, message: message.into(), advice: true }
    }
}

/// A rule of the house.
struct Rule {
    name: &'static str,
    /// The rule as a sentence, printed once above its findings.
    says: &'static str,
    check: fn(&Tree) -> Vec<Finding>,
}

const RULES: &[Rule] = &[
    Rule {
        name: "file-length",
        says: "a hand-written Rust file has at most 600 lines, better 400",
        check: rust_source::length,
    },
    Rule {
        name: "columns",
        says: "a line of code has at most 100 columns",
        check: rust_source::columns,
    },
    Rule {
        name: "module-docs",
        says: "a Rust file starts with `//!`: what it is and which invariant holds",
        check: rust_source::module_docs,
    },
    Rule {
        name: "no-floats",
        says: "no binary floating point outside the list in tidy/rust_source.rs",
        check: rust_source::floats,
    },
    Rule {
        name: "layout",
        says: "foo.rs + foo/, no mod.rs, no catch-all names, one integration-test binary a crate",
        check: layout::check,
    },
    Rule {
        name: "no-notes-to-self",
        says: "what is left to do is done, or an issue, not a note in the code",
        check: text::notes_to_self,
    },
    Rule {
        name: "blanks",
        says: "no blanks at the end of a line, one newline at the end of a file",
        check: text::blanks,
    },
    Rule {
        name: "this-machine",
        says: "no path of one machine and no host of a package registry",
        check: text::this_machine,
    },
    Rule {
        name: "secrets",
        says: "nothing that looks like a private key or an access token",
        check: text::secrets,
    },
    Rule {
        name: "dependencies",
        says: "each dependency stands once in the root Cargo.toml, with a reason, and is used",
        check: manifest::dependencies,
    },
    Rule {
        name: "arrows",
        says: "the crates depend on each other as ARCHITECTURE.md says",
        check: manifest::arrows,
    },
    Rule {
        name: "links",
        says: "a link between our pages leads somewhere",
        check: markdown::links,
    },
    Rule {
        name: "map",
        says: "the README's map names every top-level folder",
        check: markdown::map,
    },
];

/// Checks every rule, and the formatting.
pub(crate) fn run() -> Result<(), String> {
    let tree = Tree::read(&root())?;
    let mut breaches = 0_usize;
    for rule in RULES {
        let findings = (rule.check)(&tree);
        breaches += findings.iter().filter(|finding| !finding.advice).count();
        print(rule, &findings);
    }
    let formatted = process::run(process::cargo().args(["fmt", "--all", "--check"]));
    match (breaches, formatted) {
        (0, Ok(())) => {
            console::say(&format!("tidy: {} files, {} rules", tree.files.len(), RULES.len()));
            Ok(())
        }
        (0, Err(_)) => Err("not formatted; run cargo fmt --all".into()),
        (count, _) => Err(format!("{count} breaches of the house rules")),
    }
}

fn print(rule: &Rule, findings: &[Finding]) {
    if findings.is_empty() {
        return;
    }
    console::say(&format!("{}: {}", rule.name, rule.says));
    for finding in findings {
        let grade = if finding.advice { "advice" } else { "breach" };
        let line = if finding.line == 0 { String::new() } else { format!(":{}", finding.line) };
        console::say(&format!("  {grade} {}{line}: {}", finding.path, finding.message));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_repository_is_tidy() {
        let tree = Tree::read(&root()).unwrap();
        let breaches: Vec<String> = RULES
            .iter()
            .flat_map(|rule| (rule.check)(&tree).into_iter().map(move |finding| (rule, finding)))
            .filter(|(_, finding)| !finding.advice)
            .map(|(rule, f)| format!("{}: {}:{}: {}", rule.name, f.path, f.line, f.message))
            .collect();
        assert!(breaches.is_empty(), "\n{}", breaches.join("\n"));
    }
}
