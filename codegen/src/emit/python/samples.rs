//! `generated_operations.py`: calls with arguments from the examples of the spec, and the samples
//! of replies, so that tests written by hand can go through every operation.

use serde_json::{Map, Value};

use super::source::{Source, exports, literal, spread};
use crate::OutFile;
use crate::emit::client::services;
use crate::emit::input::Input;
use crate::ir::{Charset, Field, Object, Operation, Side, Spec, Type};
use crate::name;

/// How much is given.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Extent {
    /// What is required, and of each group the first.
    Required,
    /// Every field.
    Complete,
}

pub(super) fn emit(spec: &Spec, path: String) -> OutFile {
    let mut source = Source::default();
    let names = ["REQUIRED", "COMPLETE", "ITERATED", "REPLIES"];
    exports(&mut source, names.map(str::to_owned).into());
    for (name, extent, about) in [
        ("REQUIRED", Extent::Required, "What each operation needs."),
        ("COMPLETE", Extent::Complete, "Every field that each operation takes."),
    ] {
        let calls = services(spec).map(|operation| {
            let arguments = arguments(spec, operation, extent);
            spread(1, &format!("{}: {{", literal(&operation.name)), &arguments, "}").join("\n")
        });
        let annotation = "Final[dict[str, dict[str, object]]]";
        table(&mut source, name, annotation, ["{", "}"], calls.collect(), about);
    }
    let iterated = services(spec).filter(|it| super::annotation::row(spec, &it.reply).is_some());
    let iterated = iterated.map(|operation| literal(&operation.name)).collect();
    let about = "The operations that have an `iter_...`.";
    table(&mut source, "ITERATED", "Final[list[str]]", ["[", "]"], iterated, about);
    let about = "Samples of replies: the operation, and the file below spec/examples.";
    let annotation = "Final[list[tuple[str, str]]]";
    table(&mut source, "REPLIES", annotation, ["[", "]"], replies(spec), about);
    let about = "Calls of every operation, and the samples of their replies.";
    source.file(path, about, &[])
}

/// A constant with its items, one in a line.
fn table(
    source: &mut Source,
    name: &str,
    annotation: &str,
    brackets: [&str; 2],
    items: Vec<String>,
    about: &str,
) {
    source.blank(1);
    let [open, close] = brackets;
    if items.is_empty() {
        source.line(0, &format!("{name}: {annotation} = {open}{close}"));
    } else {
        source.line(0, &format!("{name}: {annotation} = {open}"));
        for item in items {
            let lines: Vec<String> = format!("{item},").lines().map(str::to_owned).collect();
            source.lines(1, &lines);
        }
        source.line(0, close);
    }
    source.docstring(0, &[super::source::Block::Prose(about.to_owned())]);
}

fn replies(spec: &Spec) -> Vec<String> {
    let samples = services(spec).flat_map(|operation| {
        let replies = operation.examples.iter().filter(|example| example.side == Side::Reply);
        replies.map(|example| {
            let file = example.path.trim_start_matches("examples/");
            format!("({}, {})", literal(&operation.name), literal(file))
        })
    });
    samples.collect()
}

/// `"name": value` for each keyword.
fn arguments(spec: &Spec, operation: &Operation, extent: Extent) -> Vec<String> {
    let firsts: Vec<&String> =
        operation.request.one_of.iter().filter_map(|group| group.first()).collect();
    let given = |input: &&Input<'_>| {
        extent == Extent::Complete || input.required || firsts.contains(&&input.field.name)
    };
    let inputs = Input::of_request(&operation.request.fields);
    let pairs = inputs.iter().filter(given).flat_map(|input| pairs(spec, input, extent));
    pairs.map(|(name, value)| format!("{}: {value}", literal(&name))).collect()
}

/// The names of an input's keywords, each with its value.
fn pairs(spec: &Spec, input: &Input<'_>, extent: Extent) -> Vec<(String, String)> {
    let fields = std::iter::once(input.field).chain(input.currency);
    let pair = |field: &Field| {
        (
            name::python(&field.snake),
            value(spec, field, &field.ty, field.example.as_deref(), extent),
        )
    };
    fields.map(pair).collect()
}

/// The example of a field as an expression, or whatever its limits allow.
fn value(spec: &Spec, field: &Field, ty: &Type, example: Option<&str>, extent: Extent) -> String {
    let text = |fallback: &str| literal(example.unwrap_or(fallback));
    match ty {
        Type::Text if field.limits.charset == Some(Charset::Hex) => text("00"),
        Type::Text if field.limits.charset == Some(Charset::Digits) => text("0"),
        Type::Text => text("example"),
        Type::Digits => text("0"),
        Type::Url => text("https://example.com/"),
        Type::Enum(id) => {
            text(spec[*id].values.first().map_or("example", |value| value.value.as_str()))
        }
        Type::Currency => text("USD"),
        Type::Integer(_) => {
            let number = example.and_then(|text| text.parse::<i64>().ok());
            number.or(field.limits.min).unwrap_or(1).to_string()
        }
        Type::Flag(_) => python_flag(matches!(example, None | Some("1" | "true"))),
        Type::Money { .. } | Type::Decimal => format!("Decimal({})", text("10")),
        Type::Date => {
            day(example.unwrap_or_default()).unwrap_or_else(|| "date(2022, 1, 15)".into())
        }
        Type::DateTime => "datetime.fromisoformat(\"2022-01-15T00:00:00+00:00\")".to_owned(),
        Type::Object(id) | Type::Variable(id) | Type::Sealed(id) => {
            record(spec, &spec[*id], extent)
        }
        Type::Any => {
            json(&example.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default())
        }
        Type::List(of) => {
            let listed: Option<Vec<Value>> =
                example.and_then(|text| serde_json::from_str(text).ok());
            match listed {
                Some(values) => json(&Value::from(values)),
                None => format!("[{}]", value(spec, field, of, None, extent)),
            }
        }
        Type::Map(of) => format!("{{\"key\": {}}}", value(spec, field, of, None, extent)),
    }
}

/// `records.Customer(...)`.
fn record(spec: &Spec, object: &Object, extent: Extent) -> String {
    let inputs = Input::of_object(&object.fields);
    let given = inputs.iter().filter(|input| extent == Extent::Complete || input.required);
    let pairs = given.flat_map(|input| pairs(spec, input, extent));
    let arguments: Vec<String> = pairs.map(|(name, value)| format!("{name}={value}")).collect();
    let head = format!("records.{}(", name::pascal(&object.name));
    spread(3, &head, &arguments, ")").join("\n")
}

/// `date(2022, 1, 15)`, of a text of that form.
pub(super) fn day(text: &str) -> Option<String> {
    let numbers: Result<Vec<u16>, _> = text.split('-').map(str::parse::<u16>).collect();
    match numbers.ok()?.as_slice() {
        [year, month, day] => Some(format!("date({year}, {month}, {day})")),
        _ => None,
    }
}

fn python_flag(flag: bool) -> String {
    if flag { "True".into() } else { "False".into() }
}

/// JSON as an expression.
fn json(value: &Value) -> String {
    match value {
        Value::Null => "None".into(),
        Value::Bool(flag) => python_flag(*flag),
        Value::Number(number) => number.to_string(),
        Value::String(text) => literal(text),
        Value::Array(items) => {
            format!("[{}]", items.iter().map(json).collect::<Vec<_>>().join(", "))
        }
        Value::Object(members) => object(members),
    }
}

fn object(members: &Map<String, Value>) -> String {
    let members = members.iter().map(|(key, value)| format!("{}: {}", literal(key), json(value)));
    format!("{{{}}}", members.collect::<Vec<_>>().join(", "))
}
