//! What the spec says, as documentation of the generated items, in whichever language.
//!
//! The words are the same everywhere; a [`Spelling`] says what differs: how prose is escaped, and
//! what the items are called that every caller meets. What is answered is paragraphs of Markdown;
//! folding and indenting them is the language's part.

use super::input::Input;
use super::rust;
use crate::ir::{
    Charset, CurrencyOf, Effect, Enum, EnumValue, Field, Idempotency, Limits, Object, ObjectId,
    Operation, Reply, Source, Spec, Type,
};

/// Whose documentation it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spelling {
    /// Rustdoc: brackets would be links, and items are linked to.
    Rust,
    /// Docstrings, which nothing interprets.
    Python,
    /// Rustdoc of the interface, which UniFFI copies into Kotlin and Swift: it is read as KDoc and
    /// as DocC, and names nothing that one of the languages does not have.
    Interface,
    /// KDoc.
    Kotlin,
    /// DocC.
    Swift,
}

impl Spelling {
    /// Text from the spec, so that it reads as it was written.
    pub(super) fn prose(self, text: &str) -> String {
        match self {
            Self::Rust | Self::Interface | Self::Kotlin | Self::Swift => rust::prose(text),
            Self::Python => text.trim().to_owned(),
        }
    }
}

/// What a caller gives: the field, and where it comes from otherwise.
pub(super) fn input(spelling: Spelling, spec: &Spec, input: &Input<'_>) -> String {
    let mut text = field(spelling, spec, input.field);
    if input.configured {
        text.push_str("\n\nOnly where it differs from the client's configuration.");
    }
    text
}

/// Meaning, limits, example and source of a field.
pub(super) fn field(spelling: Spelling, spec: &Spec, field: &Field) -> String {
    let mut parts = Vec::new();
    if !field.description.is_empty() {
        parts.push(spelling.prose(&field.description));
    }
    let facts = facts(spelling, spec, field);
    if !facts.is_empty() {
        parts.push(format!("{}.", capitalised(&facts.join("; "))));
    }
    parts.push(format!("Documentation: {}.", source(spelling, &field.source)));
    parts.join("\n\n")
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// Limits and example, without the meaning.
fn facts(spelling: Spelling, spec: &Spec, field: &Field) -> Vec<String> {
    let mut facts = limits(&field.limits);
    match &field.ty {
        Type::Money { currency: CurrencyOf::Sibling(name), .. } => {
            facts.push(format!("in the currency of `{name}`"));
        }
        Type::Money { currency: CurrencyOf::Code(code), .. } => facts.push(format!("in {code}")),
        Type::Money { currency: CurrencyOf::Unstated, .. } => {
            facts.push("the documentation does not state the currency".to_owned());
        }
        // In Rust, the type says so.
        Type::Sealed(_) if spelling != Spelling::Rust => {
            facts.push("a record is sealed when it is sent".to_owned());
        }
        Type::Enum(id) => {
            let values = spec[*id].values.iter().take(4).map(|value| format!("`{}`", value.value));
            facts.push(format!("values such as {}", values.collect::<Vec<_>>().join(", ")));
        }
        _ => {}
    }
    if let Some(condition) = &field.required_with {
        facts.push(format!("required when {}", spelling.prose(condition)));
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

pub(super) fn source(spelling: Spelling, source: &Source) -> String {
    match source {
        Source::Heading(heading) => format!("\"{}\"", spelling.prose(heading)),
        Source::Sample(heading) => format!("only in the sample of \"{}\"", spelling.prose(heading)),
        Source::Field => "none, seen in the field".to_owned(),
    }
}

/// What the call does and costs, and what its errors mean.
pub(super) fn operation(spelling: Spelling, spec: &Spec, operation: &Operation) -> String {
    let mut parts = vec![spelling.prose(&operation.summary)];
    if !operation.description.is_empty() {
        parts.push(spelling.prose(&operation.description));
    }
    parts.push(format!(
        "Service `{}`, documentation: {}. {}",
        operation.service().unwrap_or_default(),
        source(spelling, &operation.source),
        effect(operation),
    ));
    for &quirk in &operation.quirks {
        let quirk = &spec[quirk];
        parts.push(format!("Quirk `{}`: {}", quirk.id, spelling.prose(&quirk.decision)));
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

/// Of each group, one has to be given; nothing where there is no group.
pub(super) fn one_of(operation: &Operation) -> String {
    let groups = operation.request.one_of.iter().map(|group| {
        let names: Vec<String> = group.iter().map(|name| format!("`{name}`")).collect();
        format!("At least one of {} is required.", names.join(", "))
    });
    groups.collect::<Vec<_>>().join(" ")
}

/// What a call answers.
pub(super) fn answer(spelling: Spelling, spec: &Spec, reply: &Reply) -> String {
    let about = |id: ObjectId| spelling.prose(&spec[id].description);
    match reply {
        Reply::Object(id) => about(*id),
        Reply::List(id) => {
            let behind = match spelling {
                Spelling::Rust | Spelling::Python => ", with the reply behind it",
                Spelling::Interface | Spelling::Kotlin | Spelling::Swift => "",
            };
            format!("A list{behind}. Each row: {}", about(*id))
        }
        Reply::Page(page) => format!("A page of a list. Each row: {}", about(page.of)),
        Reply::Range(range) => about(range.object),
        Reply::Any => "What the gateway answered, as it came: no shape is documented.".to_owned(),
    }
}

/// Going through a list that comes in pieces. `name` is that of the method that asks for one.
pub(super) fn iteration(name: &str, reply: &Reply) -> String {
    let piece = reply.piece();
    format!(
        "Goes through the rows of `{name}`, {piece} after {piece}.\n\nIt takes what `{name}` \
         takes, and begins with the {piece} that is asked for. The next {piece} is asked for when \
         the rows so far are used up; `timeout` is for each."
    )
}

/// What an object is, what the documentation calls it, and where it stands.
pub(super) fn object(spelling: Spelling, object: &Object) -> String {
    let mut text = spelling.prose(&object.description);
    if let Some(title) = &object.title {
        text.push_str(&format!("\n\nThe documentation calls it `{title}`."));
    }
    text.push_str(&format!("\n\nDocumentation: {}.", source(spelling, &object.source)));
    text
}

/// What a list of values is for, and where it stands.
pub(super) fn enumeration(spelling: Spelling, item: &Enum) -> String {
    let about = spelling.prose(&item.description);
    format!("{about}\n\nDocumentation: {}.", source(spelling, &item.source))
}

/// A value on the wire, its name for people, and what it means.
pub(super) fn value(spelling: Spelling, value: &EnumValue) -> String {
    let wire = format!("`{}`", value.value);
    let title = value.title.as_ref();
    let title = title.map(|title| format!(" ({})", spelling.prose(title))).unwrap_or_default();
    if value.description.is_empty() {
        format!("{wire}{title}")
    } else {
        format!("{wire}{title}: {}", spelling.prose(&value.description))
    }
}

/// What a failure of the call means, and what to look at first.
pub(super) fn errors(spelling: Spelling, operation: &Operation) -> &'static str {
    match (spelling, operation.effect) {
        (Spelling::Rust, Effect::Read | Effect::Write) => {
            "[`ErrorKind`](crate::ErrorKind) says what went wrong: a request that breaks a limit \
             is not sent, and a record that is missing is `NotFound`."
        }
        (Spelling::Rust, Effect::Money) => {
            "Ask [`Error::outcome`](crate::Error::outcome) first: after \
             [`Outcome::Unknown`](crate::Outcome::Unknown) the money may have moved, and only a \
             query can tell."
        }
        (Spelling::Python, Effect::Read) => {
            "Its class says what went wrong: a request that breaks a limit is not sent \
             (`ValidationError`), and a record that is missing is `NotFoundError`."
        }
        (Spelling::Python, Effect::Write) => {
            "Its class says what went wrong: a request that breaks a limit is not sent \
             (`ValidationError`), and a record that is missing is `NotFoundError`. After \
             `UnknownOutcomeError` the change may have been made."
        }
        (Spelling::Python, Effect::Money) => {
            "Look at its class first: after `UnknownOutcomeError` the money may have moved, and \
             only a query can tell."
        }
        (Spelling::Interface | Spelling::Kotlin, Effect::Read) => {
            "Its class says what went wrong: a request that breaks a limit is not sent \
             (`GatewayException.InvalidRequest`), and a record that is missing is \
             `GatewayException.NotFound`."
        }
        (Spelling::Interface | Spelling::Kotlin, Effect::Write) => {
            "Its class says what went wrong: a request that breaks a limit is not sent \
             (`GatewayException.InvalidRequest`), and a record that is missing is \
             `GatewayException.NotFound`. After `GatewayException.Unknown` the change may have \
             been made."
        }
        (Spelling::Interface | Spelling::Kotlin, Effect::Money) => {
            "Look at its class first: after `GatewayException.Unknown` the money may have moved, \
             and only a query can tell."
        }
        (Spelling::Swift, Effect::Read) => {
            "Its case says what went wrong: a request that breaks a limit is not sent \
             (`invalidRequest`), and a record that is missing is `notFound`."
        }
        (Spelling::Swift, Effect::Write) => {
            "Its case says what went wrong: a request that breaks a limit is not sent \
             (`invalidRequest`), and a record that is missing is `notFound`. After `unknown` the \
             change may have been made."
        }
        (Spelling::Swift, Effect::Money) => {
            "Look at its case first: after `unknown` the money may have moved, and only a query \
             can tell."
        }
    }
}
