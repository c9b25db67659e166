//! What the spec says, as documentation of the generated items.

use crate::emit::rust::prose;
use crate::ir::{
    Charset, CurrencyOf, Effect, Field, Idempotency, Limits, Operation, Source, Spec, Type,
};

/// Meaning, limits, example and source of a field.
pub(super) fn field(spec: &Spec, field: &Field) -> String {
    let mut parts = Vec::new();
    if !field.description.is_empty() {
        parts.push(prose(&field.description));
    }
    let facts = facts(spec, field);
    if !facts.is_empty() {
        parts.push(format!("{}.", capitalised(&facts.join("; "))));
    }
    parts.push(format!("Documentation: {}.", source(&field.source)));
    parts.join("\n\n")
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// Limits and example, without the meaning.
fn facts(spec: &Spec, field: &Field) -> Vec<String> {
    let mut facts = limits(&field.limits);
    match &field.ty {
        Type::Money { currency: CurrencyOf::Sibling(name), .. } => {
            facts.push(format!("in the currency of `{name}`"));
        }
        Type::Money { currency: CurrencyOf::Code(code), .. } => facts.push(format!("in {code}")),
        Type::Money { currency: CurrencyOf::Unstated, .. } => {
            facts.push("the documentation does not state the currency".to_owned());
        }
        Type::Enum(id) => {
            let values = spec[*id].values.iter().take(4).map(|value| format!("`{}`", value.value));
            facts.push(format!("values such as {}", values.collect::<Vec<_>>().join(", ")));
        }
        _ => {}
    }
    if let Some(condition) = &field.required_with {
        facts.push(format!("required when {}", prose(condition)));
    }
    // An example of what must not be shown would be copied into logs and tickets.
    // What stands in braces stands for a value and is none.
    let shown = field.example.as_ref().filter(|text| !field.sensitive && !text.starts_with('{'));
    if let Some(example) = shown {
        facts.push(format!("for example `{}`", example.replace('`', "'")));
    }
    facts
}

pub(super) fn limits(limits: &Limits) -> Vec<String> {
    let mut facts = Vec::new();
    if let Some(max) = limits.max_length {
        facts.push(format!("at most {max} characters"));
    }
    facts.extend(limits.charset.map(|charset| {
        let text = match charset {
            Charset::AlnumDash => "letters, digits and dashes",
            Charset::Digits => "digits",
            Charset::Hex => "hexadecimal digits",
        };
        format!("{text} only")
    }));
    match (limits.min, limits.max) {
        (Some(min), Some(max)) => facts.push(format!("from {min} to {max}")),
        (Some(min), None) => facts.push(format!("at least {min}")),
        (None, Some(max)) => facts.push(format!("at most {max}")),
        (None, None) => {}
    }
    facts
}

pub(super) fn source(source: &Source) -> String {
    match source {
        Source::Heading(heading) => format!("\"{}\"", prose(heading)),
        Source::Sample(heading) => format!("only in the sample of \"{}\"", prose(heading)),
        Source::Field => "none, seen in the field".to_owned(),
    }
}

/// What the call does and costs, and what its errors mean.
pub(super) fn operation(spec: &Spec, operation: &Operation) -> String {
    let mut parts = vec![prose(&operation.summary)];
    if !operation.description.is_empty() {
        parts.push(prose(&operation.description));
    }
    parts.push(format!(
        "Service `{}`, documentation: {}. {}",
        operation.service().unwrap_or_default(),
        source(&operation.source),
        effect(operation),
    ));
    for &quirk in &operation.quirks {
        let quirk = &spec[quirk];
        parts.push(format!("Quirk `{}`: {}", quirk.id, prose(&quirk.decision)));
    }
    parts.join("\n\n")
}

fn effect(operation: &Operation) -> &'static str {
    match (operation.effect, operation.idempotency) {
        (Effect::Read, _) => "It reads only, so the client repeats it where that may help.",
        (Effect::Write, _) => {
            "It changes something but moves no money: the client repeats it only where it \
             certainly did not arrive."
        }
        (Effect::Money, Idempotency::OutTradeNo) => {
            "It moves money under `out_trade_no`: the client repeats it only where it certainly \
             did not arrive."
        }
        (Effect::Money, Idempotency::None) => {
            "It moves money and has no idempotency key: the client never repeats it."
        }
    }
}

/// The section `# Errors`.
pub(super) fn errors(operation: &Operation) -> &'static str {
    match operation.effect {
        Effect::Read | Effect::Write => {
            "# Errors\n[`ErrorKind`](crate::ErrorKind) says what went wrong: a request that \
             breaks a limit is not sent, and a record that is missing is `NotFound`."
        }
        Effect::Money => {
            "# Errors\nAsk [`Error::outcome`](crate::Error::outcome) first: after \
             [`Outcome::Unknown`](crate::Outcome::Unknown) the money may have moved, and only a \
             query can tell."
        }
    }
}
