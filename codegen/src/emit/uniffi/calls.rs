//! `GeneratedOperations` of the tests: calls of every operation with values from the examples of
//! the spec, so that tests written by hand can go through all of them.

use super::comment::{Block, comment};
use super::face::Method;
use super::language::Language;
use super::samples::{Extent, Samples};
use crate::OutFile;
use crate::emit::client::services;
use crate::ir::Spec;

const COLUMNS: usize = 100;

const ABOUT_REQUIRED: &str = "Every operation with what it needs.";
const ABOUT_COMPLETE: &str = "Every operation with every field that it takes.";
const ABOUT_ROWS: &str = "The rows of every list that comes in pieces.";

pub(super) fn kotlin(spec: &Spec, path: String) -> OutFile {
    let lines = [
        "package io.kesspay",
        "",
        "import kotlinx.coroutines.flow.Flow",
        "import java.math.BigDecimal",
        "import java.time.Instant",
        "import java.time.LocalDate",
        "",
        "/** A call of an operation, by the operation's name. */",
        "internal class GeneratedCall(",
        "    val operation: String,",
        "    val send: suspend (Gateway) -> Any,",
        ")",
        "",
        "/** The rows of an operation's list, by the operation's name. */",
        "internal class GeneratedRows(",
        "    val operation: String,",
        "    val flow: (Gateway) -> Flow<Any>,",
        ")",
        "",
        "internal object GeneratedOperations {",
    ];
    file(Language::Kotlin, spec, path, &lines)
}

pub(super) fn swift(spec: &Spec, path: String) -> OutFile {
    let lines = [
        "import Foundation",
        "import KessPay",
        "",
        "/// A call of an operation, by the operation's name.",
        "struct GeneratedCall: Sendable {",
        "    let operation: String",
        "    let send: @Sendable (Gateway) async throws -> Void",
        "}",
        "",
        "/// The rows of an operation's list, by the operation's name.",
        "struct GeneratedRows: Sendable {",
        "    let operation: String",
        "    let count: @Sendable (Gateway) async throws -> Int",
        "}",
        "",
        "enum GeneratedOperations {",
    ];
    file(Language::Swift, spec, path, &lines)
}

fn file(language: Language, spec: &Spec, path: String, head: &[&str]) -> OutFile {
    let mut lines: Vec<String> = head.iter().map(|line| (*line).to_owned()).collect();
    for (name, extent, about) in [
        ("required", Extent::Required, ABOUT_REQUIRED),
        ("complete", Extent::Complete, ABOUT_COMPLETE),
    ] {
        let samples = Samples { language, spec, extent };
        let calls = services(spec).map(|it| call(samples, &Method::of(language, spec, it)));
        lines.extend(list(language, name, "GeneratedCall", about, calls.collect()));
        lines.push(String::new());
    }
    let samples = Samples { language, spec, extent: Extent::Required };
    let methods = services(spec).map(|operation| Method::of(language, spec, operation));
    let rows = methods.filter(|method| method.row.is_some()).map(|method| rows(samples, &method));
    lines.extend(list(language, "rows", "GeneratedRows", ABOUT_ROWS, rows.collect()));
    lines.push("}".to_owned());
    let text = lines.join("\n");
    let used = |import: &str| match import.rsplit_once('.') {
        Some((_, class)) if import.starts_with("import ") => text.matches(class).count() > 1,
        _ => true,
    };
    let lines: Vec<&str> = text.lines().filter(|line| used(line)).collect();
    OutFile { path, text: format!("{}\n{}\n", language.preamble(), lines.join("\n")) }
}

/// A constant that lists the items, which are several lines each.
fn list(
    language: Language,
    name: &str,
    class: &str,
    about: &str,
    items: Vec<Vec<String>>,
) -> Vec<String> {
    let mut lines = comment(language, 1, &[Block::Prose(about.to_owned())]);
    let (depth, close) = match language {
        Language::Kotlin => {
            lines.push(format!("    val {name}: List<{class}> ="));
            lines.push("        listOf(".to_owned());
            (12, "        )")
        }
        Language::Swift => {
            lines.push(format!("    static let {name}: [{class}] = ["));
            (8, "    ]")
        }
    };
    for item in items {
        lines.extend(item.iter().map(|line| format!("{}{line}", " ".repeat(depth))));
        if let Some(last) = lines.last_mut() {
            last.push(',');
        }
    }
    lines.push(close.to_owned());
    lines
}

/// `GeneratedCall("withdraw") { gateway -> ... }`
fn call(samples: Samples<'_>, method: &Method<'_>) -> Vec<String> {
    let wire = samples.language.text(&method.operation.name);
    let (head, before) = match samples.language {
        Language::Kotlin => (format!("GeneratedCall({wire}) {{ gateway ->"), ""),
        Language::Swift => {
            (format!("GeneratedCall(operation: {wire}) {{ gateway in"), "_ = try await ")
        }
    };
    let call = passed(samples, method, &format!("{before}gateway.{}(", method.name), ")");
    closure(head, call)
}

fn rows(samples: Samples<'_>, method: &Method<'_>) -> Vec<String> {
    let wire = samples.language.text(&method.operation.name);
    let name = &method.name;
    match samples.language {
        Language::Kotlin => {
            let call = passed(samples, method, &format!("gateway.{name}Flow("), ")");
            closure(format!("GeneratedRows({wire}) {{ gateway ->"), call)
        }
        Language::Swift => {
            let head = format!("let rows = gateway.{name}Sequence(");
            let mut body = passed(samples, method, &head, ")");
            body.push("return try await rows.reduce(0) { count, _ in count + 1 }".to_owned());
            closure(format!("GeneratedRows(operation: {wire}) {{ gateway in"), body)
        }
    }
}

fn closure(head: String, body: Vec<String>) -> Vec<String> {
    let body = body.into_iter().map(|line| format!("    {line}"));
    std::iter::once(head).chain(body).chain(["}".to_owned()]).collect()
}

/// The call with its request, where it takes one.
fn passed(samples: Samples<'_>, method: &Method<'_>, head: &str, tail: &str) -> Vec<String> {
    if method.request.is_none() {
        return vec![format!("{head}{tail}")];
    }
    // It stands four levels deep, and the request one deeper.
    let request = samples.request(method.operation, COLUMNS - 20).join("\n");
    samples.language.spread(COLUMNS - 16, head, &[request], tail)
}
