//! `_operations.py`: every operation as a method, for callers that wait and for those that await.
//!
//! The two classes have the same methods; what they forward to is made by hand.

use super::argument::{self, Argument};
use super::source::{Block, Source, exports, literal, spread};
use super::{annotation, record};
use crate::OutFile;
use crate::emit::client::services;
use crate::emit::docs::{self, Spelling};
use crate::emit::input::Input;
use crate::ir::{Operation, Reply, Spec, Type};
use crate::name;

/// How the caller gets the answer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Style {
    Waits,
    Awaits,
}

const STYLES: [Style; 2] = [Style::Waits, Style::Awaits];

const TIMEOUT: &str =
    "timeout: How many seconds the call may take; the client's own limit otherwise.";

pub(super) fn emit(spec: &Spec, path: String) -> OutFile {
    let mut source = Source::default();
    exports(&mut source, STYLES.map(|style| style.class().to_owned()).into());
    for style in STYLES {
        begin(&mut source, style);
        for operation in services(spec) {
            method(&mut source, spec, operation, style);
            iteration(&mut source, spec, operation, style);
        }
    }
    let about = "Every operation of the gateway, as a method with typed keywords.\n\n\
                 The clients are based on these classes; how a call is made is theirs.";
    let own =
        [("kesspay.enums", record::enum_classes(spec)), ("kesspay.records", record::classes(spec))];
    source.file(path, about, &own)
}

impl Style {
    fn class(self) -> &'static str {
        match self {
            Self::Waits => "Operations",
            Self::Awaits => "AsyncOperations",
        }
    }

    /// What stands before a call.
    fn awaits(self) -> &'static str {
        match self {
            Self::Waits => "",
            Self::Awaits => "await ",
        }
    }

    /// The annotation of what gives row after row.
    fn iterator(self, row: &str) -> String {
        match self {
            Self::Waits => format!("Iterator[{row}]"),
            Self::Awaits => format!("AsyncIterator[{row}]"),
        }
    }
}

/// The class, and what it forwards to.
fn begin(source: &mut Source, style: Style) {
    let (about, answer) = match style {
        Style::Waits => ("Every operation; a call returns when the gateway has answered.", "Any"),
        Style::Awaits => ("Every operation; a call is awaited.", "Awaitable[Any]"),
    };
    source.blank(2);
    source.line(0, &format!("class {}:", style.class()));
    source.docstring(1, &[Block::Prose(about.into())]);
    source.blank(1);
    source.line(1, "__slots__ = ()");
    let rows = style.iterator("Any");
    let forwards = [
        ("_call", answer, "Sends a call and gives what it answers."),
        ("_iter", rows.as_str(), "Goes through the rows of a list that comes in pieces."),
    ];
    for (name, answer, about) in forwards {
        let parameters =
            ["self", "operation: str", "fields: dict[str, object]", "timeout: float | None"];
        let parameters = parameters.map(str::to_owned);
        let head = format!("def {name}(");
        source.blank(1);
        source.lines(1, &spread(1, &head, &parameters, &format!(") -> {answer}:")));
        source.docstring(2, &[Block::Prose(about.into())]);
        source.line(2, "raise NotImplementedError");
    }
}

fn method(source: &mut Source, spec: &Spec, operation: &Operation, style: Style) {
    let arguments = argument::of(spec, &Input::of_request(&operation.request.fields));
    let name = name::python(&operation.name);
    let answer = annotation::answer(spec, &operation.reply);
    let def = if style == Style::Awaits { "async def" } else { "def" };
    let declared: Vec<String> = arguments.iter().map(Argument::declared).collect();
    signature(source, &format!("{def} {name}"), declared, &answer);
    let example = example(operation, &arguments, style);
    let mut blocks = vec![Block::Prose(docs::operation(Spelling::Python, spec, operation))];
    if !operation.request.one_of.is_empty() {
        blocks.push(Block::Prose(docs::one_of(operation)));
    }
    let about = arguments.iter().map(|it| format!("{}: {}", it.name, it.about));
    let items = about.chain([TIMEOUT.to_owned()]).collect();
    blocks.extend([
        Block::Section("Args", items),
        Block::Headed("Returns", docs::answer(Spelling::Python, spec, &operation.reply)),
        raises(operation),
        Block::Code("Example", example),
    ]);
    source.docstring(2, &blocks);
    let head = format!("answer: {answer} = {}self._call(", style.awaits());
    source.lines(2, &spread(2, &head, &forwarded(operation, &arguments), ")"));
    source.line(2, "return answer");
}

fn raises(operation: &Operation) -> Block {
    Block::Section("Raises", vec![format!("Error: {}", docs::errors(Spelling::Python, operation))])
}

/// `def name(self, *, ..., timeout) -> answer:`
fn signature(source: &mut Source, def: &str, declared: Vec<String>, answer: &str) {
    let first = ["self".to_owned(), "*".to_owned()];
    let last = ["timeout: float | None = None".to_owned()];
    let parameters: Vec<String> = first.into_iter().chain(declared).chain(last).collect();
    source.blank(1);
    source.lines(1, &spread(1, &format!("{def}("), &parameters, &format!(") -> {answer}:")));
}

/// What `_call` and `_iter` are given.
fn forwarded(operation: &Operation, arguments: &[Argument<'_>]) -> Vec<String> {
    let fields = arguments.iter().map(|it| format!("{}: {}", literal(&it.name), it.name));
    let fields: Vec<String> = fields.collect();
    // It stands two levels below the method's name, and once more where the call is spread.
    let fields = spread(3, "{", &fields, "}").join("\n");
    vec![literal(&operation.name), fields, "timeout".to_owned()]
}

/// `iter_...`, where the answer comes in pieces.
fn iteration(source: &mut Source, spec: &Spec, operation: &Operation, style: Style) {
    let Some(row) = annotation::row(spec, &operation.reply) else { return };
    let arguments = argument::of(spec, &Input::of_request(&operation.request.fields));
    let pages = matches!(operation.reply, Reply::Page(_));
    let mut declared: Vec<String> = arguments.iter().map(Argument::declared).collect();
    if pages {
        let page = |text: &mut String| {
            if text == "page: int" {
                text.push_str(" = 1")
            }
        };
        declared.iter_mut().for_each(page);
        // With its default it stands among those that may be left out.
        declared.sort_by_key(|text| text.contains(" = "));
    }
    let rows = style.iterator(&row);
    signature(source, &format!("def iter_{}", operation.name), declared, &rows);
    let prose = docs::iteration(&operation.name, &operation.reply);
    source.docstring(2, &[Block::Prose(prose), raises(operation)]);
    let items = forwarded(operation, &arguments);
    source.lines(2, &spread(2, "return self._iter(", &items, ")"));
}

/// A call with what is required. What cannot be written in a word is taken as given.
fn example(operation: &Operation, arguments: &[Argument<'_>], style: Style) -> Vec<String> {
    let required = arguments.iter().filter(|argument| argument.required);
    let passed = required.map(|it| match word(it) {
        Some(word) => format!("{}={word}", it.name),
        None => format!("{0}={0}", it.name),
    });
    let passed: Vec<String> = passed.collect();
    let head = format!("answer = {}client.{}(", style.awaits(), name::python(&operation.name));
    spread(3, &head, &passed, ")")
}

/// The argument as it would be written.
fn word(argument: &Argument<'_>) -> Option<String> {
    let example = argument.field.example.as_deref();
    match &argument.field.ty {
        Type::Text | Type::Digits | Type::Url | Type::Enum(_) => {
            Some(literal(example.unwrap_or("...")))
        }
        Type::Currency => Some(literal(example.unwrap_or("USD"))),
        Type::Integer(_) => Some(example.filter(|text| text.parse::<i64>().is_ok())?.to_owned()),
        Type::Money { .. } | Type::Decimal => {
            let example = example.filter(|text| text.parse::<rust_decimal::Decimal>().is_ok());
            Some(literal(example.unwrap_or("10.50")))
        }
        Type::Date => super::samples::day(example?),
        _ => None,
    }
}
