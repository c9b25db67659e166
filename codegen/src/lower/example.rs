//! Attaches the samples to their operations, by the names of their files.

use std::rc::Rc;

use serde::Deserialize as _;

use crate::SourceFile;
use crate::diagnostic::{Findings, Place};
use crate::ir::{Example, Expect, Operation, Side};

/// Gives each operation its samples; answers those that belong to no operation.
pub(super) fn attach(
    files: &[&SourceFile],
    operations: &mut [Operation],
    findings: &mut Findings,
) -> Vec<Example> {
    let mut shapes = Vec::new();
    for file in files {
        let path = file.path.strip_prefix("spec/").unwrap_or(&file.path);
        let stem = path.trim_start_matches("examples/").trim_end_matches(".json");
        let at = Place { file: Rc::from(file.path.as_str()), line: 1 };
        let Some((owner, case, side)) = parts(stem) else {
            findings.add(
                &at,
                "the file's name does not say what it is a sample of",
                "name it `<operation>.<case>.<request|reply|error>.json`",
            );
            continue;
        };
        let Some(json) = parse(file, &at, findings) else { continue };
        let expect = (side == Side::Error).then(|| expect(&json, &at, findings)).flatten();
        let (case, text) = (case.to_owned(), file.text.clone());
        let example = Example { path: path.to_owned(), case, side, text, json, expect };
        match owner {
            None => shapes.push(example),
            Some(owner) => match operations.iter_mut().find(|operation| operation.name == owner) {
                Some(operation) => operation.examples.push(example),
                None => findings.add(
                    &at,
                    format!("there is no operation `{owner}` for this sample"),
                    "rename the file or write the operation",
                ),
            },
        }
    }
    for operation in operations {
        operation.examples.sort_by(|a, b| (a.side, &a.case).cmp(&(b.side, &b.case)));
    }
    shapes
}

/// `withdraw.documented.request` or `errors/html-502.error`.
fn parts(stem: &str) -> Option<(Option<&str>, &str, Side)> {
    if let Some(shape) = stem.strip_prefix("errors/") {
        return Some((None, shape.strip_suffix(".error")?, Side::Error));
    }
    let mut parts = stem.split('.');
    let (owner, case, side) = (parts.next()?, parts.next()?, parts.next()?);
    let side = match side {
        "request" => Side::Request,
        "reply" => Side::Reply,
        "error" => Side::Error,
        _ => return None,
    };
    parts.next().is_none().then_some((Some(owner), case, side))
}

fn parse(file: &SourceFile, at: &Place, findings: &mut Findings) -> Option<serde_json::Value> {
    match serde_json::from_str(&file.text) {
        Ok(json) => Some(json),
        Err(error) => {
            let at = Place { line: error.line().max(1) as u64, ..at.clone() };
            findings.add(
                &at,
                "this is not JSON",
                "correct the sample; a quirk says what was changed",
            );
            None
        }
    }
}

/// An error is more than its body: without the status nothing can be said about it.
fn expect(json: &serde_json::Value, at: &Place, findings: &mut Findings) -> Option<Expect> {
    let whole = json.get("http_status").is_some_and(serde_json::Value::is_u64)
        && json.get("content_type").is_some_and(serde_json::Value::is_string)
        && json.get("body").is_some();
    if !whole {
        findings.add(
            at,
            "the sample of an error lacks `http_status`, `content_type` or `body`",
            "write all three",
        );
    }
    let expect = json.get("expect").and_then(|expect| Expect::deserialize(expect).ok());
    if expect.is_none() {
        findings.add(
            at,
            "the sample of an error does not say how it should be read",
            "add `expect` with `kind` and `outcome`, as spec/README.md says",
        );
    }
    expect
}
