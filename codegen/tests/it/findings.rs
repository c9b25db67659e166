//! What is said about a bad spec: the exact text, `file:line: message, hint`.
//!
//! The cases are data, in `findings.txt`. A new lint or a new check of the lowering needs one
//! there.

use kess_codegen::{SourceFile, generate};

use crate::documents::spec;

const CASES: &str = include_str!("findings.txt");

/// Applies a case to the fixture and answers the findings that it expects.
fn apply(case: &str, files: &mut Vec<SourceFile>) -> String {
    let (mut path, mut good, mut findings) = ("", None, Vec::new());
    for line in case.lines() {
        let (sign, text) = line.split_once(' ').unwrap_or((line, ""));
        let text_of_file = text.replace("\\n", "\n");
        match sign {
            "in" => path = text,
            "new" => files.push(SourceFile { path: text.to_owned(), text: String::new() }),
            "without" => files.retain(|file| file.path != text),
            "-" => good = Some(text_of_file),
            "+" => spoil(files, path, good.take(), &text_of_file),
            "=" => findings.push(text),
            _ => panic!("no sign `{sign}` in {case}"),
        }
    }
    findings.join("\n")
}

/// Replaces `good` in the file, or fills the file that was added last.
fn spoil(files: &mut [SourceFile], path: &str, good: Option<String>, bad: &str) {
    let Some(good) = good else {
        let added = files.last_mut().expect("the fixture has files");
        added.text = bad.to_owned();
        return;
    };
    let file = files.iter_mut().find(|file| file.path == path);
    let file = file.unwrap_or_else(|| panic!("the fixture has no file {path}"));
    let spoilt = file.text.replacen(&good, bad, 1);
    assert_ne!(file.text, spoilt, "`{good}` does not stand in {path}");
    file.text = spoilt;
}

#[test]
fn bad_specs_are_told_exactly() {
    let rules = CASES.lines().skip_while(|line| line.starts_with('#'));
    let text = rules.collect::<Vec<_>>().join("\n");
    let cases: Vec<&str> = text.split("\n\n").filter(|case| !case.trim().is_empty()).collect();
    assert!(cases.len() > 40, "the cases are read");
    for case in cases {
        let case = case.trim_start_matches('\n');
        let mut files = spec();
        let expected = apply(case, &mut files);
        let found = match generate(&files) {
            Ok(_) => String::new(),
            Err(findings) => findings.to_string(),
        };
        assert_eq!(found, expected, "\n{case}");
    }
}

#[test]
fn findings_are_sorted_by_file_and_line() {
    let mut files = spec();
    for file in &mut files {
        file.text =
            file.text.replace("sensitive: true, ", "").replace("type: currency", "type: text");
    }
    let findings = generate(&files).expect_err("three things are wrong");
    let places: Vec<(String, u64)> =
        findings.iter().map(|finding| (finding.file().to_owned(), finding.line())).collect();
    let mut sorted = places.clone();
    sorted.sort();
    assert_eq!(places, sorted);
    assert!(places.len() > 2, "{findings}");
}
