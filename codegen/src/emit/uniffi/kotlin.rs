//! `GatewayOperations.kt`: what `Gateway` is based on.

use super::comment::{Block, comment};
use super::face::Method;
use super::language::Language::Kotlin;
use super::language::assigned;
use crate::OutFile;
use crate::emit::client::services;
use crate::ir::Spec;

const TIMEOUT: &str = "How long each attempt may take; the client's own limit otherwise.";

pub(super) fn emit(spec: &Spec, path: String) -> OutFile {
    let methods: Vec<Method<'_>> =
        services(spec).map(|operation| Method::of(Kotlin, spec, operation)).collect();
    let mut lines = vec![
        "package io.kesspay".to_owned(),
        String::new(),
        "import kotlinx.coroutines.flow.Flow".to_owned(),
        "import java.time.Duration".to_owned(),
        String::new(),
    ];
    if methods.iter().all(|method| method.row.is_none()) {
        lines.retain(|line| !line.ends_with("Flow"));
    }
    let about = "Every operation of the gateway. How a call is made is up to [Gateway].";
    lines.extend(comment(Kotlin, 0, &[Block::Prose(about.to_owned())]));
    lines.push("public abstract class GatewayOperations internal constructor(".to_owned());
    lines.push("    internal val core: GatewayCore,".to_owned());
    lines.push(") {".to_owned());
    for (index, method) in methods.iter().enumerate() {
        if index > 0 {
            lines.push(String::new());
        }
        lines.extend(call(method));
        if let Some(row) = &method.row {
            lines.push(String::new());
            lines.extend(flow(method, row));
        }
    }
    lines.push("}".to_owned());
    OutFile { path, text: format!("{}\n{}\n", Kotlin.preamble(), lines.join("\n")) }
}

fn call(method: &Method<'_>) -> Vec<String> {
    let mut blocks = method.about();
    let mut tags = parameters(method);
    tags.push(("@return".to_owned(), method.returns()));
    tags.push(throws(method));
    blocks.push(Block::Code(example(method)));
    blocks.push(Block::Tags(tags));
    let mut lines = comment(Kotlin, 1, &blocks);
    lines.extend(signature(method, "suspend fun ", &method.name, &method.answer));
    let request = if method.request.is_some() { "request, " } else { "" };
    let number = method.order_number().map(|number| format!(", {number}")).unwrap_or_default();
    let wire = Kotlin.text(&method.operation.name);
    lines.push(format!("        {}({wire}{number}) {{", method.through()));
    lines.push(format!("            core.{}({request}CallOptions(timeout))", method.name));
    lines.push("        }".to_owned());
    lines
}

fn example(method: &Method<'_>) -> Vec<String> {
    let call = method.example("", 76).join("\n");
    assigned("val answer", &call).lines().map(str::to_owned).collect()
}

/// The rows of a list that comes in pieces.
fn flow(method: &Method<'_>, row: &str) -> Vec<String> {
    let mut tags = parameters(method);
    tags.push(throws(method));
    let blocks = [Block::Prose(method.iteration()), Block::Tags(tags)];
    let mut lines = comment(Kotlin, 1, &blocks);
    let name = format!("{}Flow", method.name);
    lines.extend(signature(method, "fun ", &name, &format!("Flow<{row}>")));
    let request = if method.request.is_some() { "request, " } else { "" };
    lines.extend([
        "        rows(".to_owned(),
        format!("            {},", Kotlin.text(&method.operation.name)),
        format!("            {{ core.{}Pages({request}CallOptions(timeout)) }},", method.name),
        "            { pages -> pages.next(CallOptions()) },".to_owned(),
        "        )".to_owned(),
    ]);
    lines
}

fn parameters(method: &Method<'_>) -> Vec<(String, String)> {
    let request = method.request.is_some();
    let request = request.then(|| ("@param request".to_owned(), "What the call takes.".to_owned()));
    request.into_iter().chain([("@param timeout".to_owned(), TIMEOUT.to_owned())]).collect()
}

fn throws(method: &Method<'_>) -> (String, String) {
    ("@throws GatewayException".to_owned(), method.errors().to_owned())
}

/// `public suspend fun name(request: ..., timeout: ...): Answer =`
fn signature(method: &Method<'_>, kind: &str, name: &str, answer: &str) -> Vec<String> {
    let timeout = "timeout: Duration? = null";
    let Some(class) = &method.request else {
        return vec![format!("    public {kind}{name}({timeout}): {answer} =")];
    };
    let default = if method.may_be_empty { format!(" = {class}()") } else { String::new() };
    vec![
        format!("    public {kind}{name}("),
        format!("        request: {class}{default},"),
        format!("        {timeout},"),
        format!("    ): {answer} ="),
    ]
}
