//! `GatewayOperations.swift`: the operations of `Gateway`.

use super::comment::{Block, comment};
use super::face::Method;
use super::language::Language::Swift;
use crate::OutFile;
use crate::emit::client::services;
use crate::ir::Spec;

const TIMEOUT: &str = "How many seconds each attempt may take; the client's own limit otherwise.";

pub(super) fn emit(spec: &Spec, path: String) -> OutFile {
    let mut lines: Vec<String> =
        ["import Foundation", "", "extension Gateway {"].map(str::to_owned).into();
    for (index, operation) in services(spec).enumerate() {
        let method = Method::of(Swift, spec, operation);
        if index > 0 {
            lines.push(String::new());
        }
        lines.extend(call(&method));
        if let Some(row) = &method.row {
            lines.push(String::new());
            lines.extend(sequence(&method, row));
        }
    }
    lines.push("}".to_owned());
    OutFile { path, text: format!("{}\n{}\n", Swift.preamble(), lines.join("\n")) }
}

fn call(method: &Method<'_>) -> Vec<String> {
    let mut blocks = method.about();
    let mut tags = parameters(method);
    tags.push(("- Returns:".to_owned(), method.returns()));
    tags.push(throws(method));
    blocks.push(Block::Code(method.example("let answer = try await ", 80)));
    blocks.push(Block::Tags(tags));
    let mut lines = comment(Swift, 1, &blocks);
    let ending = format!(") async throws -> {} {{", method.answer);
    lines.extend(signature(method, &method.name, &ending));
    let request = if method.request.is_some() { "request: request, " } else { "" };
    let number = method.order_number().map(|number| format!(", {number}")).unwrap_or_default();
    let (through, wire) = (method.through(), Swift.text(&method.operation.name));
    lines.extend([
        format!("        try await {through}({wire}{number}, timeout) {{ [core] options in"),
        format!("            try await core.{}({request}options: options)", method.name),
        "        }".to_owned(),
        "    }".to_owned(),
    ]);
    lines
}

/// The rows of a list that comes in pieces.
fn sequence(method: &Method<'_>, row: &str) -> Vec<String> {
    let blocks = [Block::Prose(method.iteration()), Block::Tags(parameters(method))];
    let mut lines = comment(Swift, 1, &blocks);
    let name = format!("{}Sequence", method.name);
    lines.extend(signature(method, &name, &format!(") -> Rows<{row}> {{")));
    let request = if method.request.is_some() { "request: request, " } else { "" };
    let wire = Swift.text(&method.operation.name);
    lines.extend([
        format!("        rows({wire}, timeout) {{ [core] options in"),
        format!("            try core.{}Pages({request}options: options)", method.name),
        "        } next: { pages, options in".to_owned(),
        "            try await pages.next(options: options)".to_owned(),
        "        }".to_owned(),
        "    }".to_owned(),
    ]);
    lines
}

fn parameters(method: &Method<'_>) -> Vec<(String, String)> {
    let tag = |tag: &str, text: &str| (tag.to_owned(), text.to_owned());
    let mut tags = vec![tag("- Parameters:", "")];
    if method.request.is_some() {
        tags.push(tag("  - request:", "What the call takes."));
    }
    tags.push(tag("  - timeout:", TIMEOUT));
    tags
}

fn throws(method: &Method<'_>) -> (String, String) {
    ("- Throws:".to_owned(), format!("``GatewayError``. {}", method.errors()))
}

fn signature(method: &Method<'_>, name: &str, ending: &str) -> Vec<String> {
    let timeout = "timeout: TimeInterval? = nil";
    let Some(class) = &method.request else {
        return vec![format!("    public func {name}({timeout}{ending}")];
    };
    let default = if method.may_be_empty { format!(" = {class}()") } else { String::new() };
    vec![
        format!("    public func {name}("),
        format!("        _ request: {class}{default},"),
        format!("        {timeout}"),
        format!("    {ending}"),
    ]
}
