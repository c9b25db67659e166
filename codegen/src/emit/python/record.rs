//! `records.py`: a dataclass for each object.
//!
//! Those that are read take their fields by position, in the order of the spec: so the compiled
//! module makes them. Those that are given take keywords.

use super::argument::{self, Argument};
use super::source::{Block, Source, exports, literal, spread};
use super::{annotation, enumeration};
use crate::OutFile;
use crate::emit::client::{enums_in_use, given_objects, read_objects};
use crate::emit::docs::{self, Spelling};
use crate::emit::input::Input;
use crate::ir::{Field, Object, Spec};
use crate::name;

pub(super) fn emit(spec: &Spec, path: String) -> OutFile {
    let mut source = Source::default();
    exports(&mut source, classes(spec));
    for object in &spec.objects {
        match object.role {
            role if role.reply => read(&mut source, spec, object),
            role if role.request || role.sealed => given(&mut source, spec, object),
            _ => {}
        }
    }
    let about = "The objects that stand in requests and replies.\n\n\
                 Those of replies are made by the client, and grow with the gateway. Those of \
                 requests are made by keyword.";
    source.file(path, about, &[("kesspay.enums", enum_classes(spec))])
}

/// The classes of all records, sorted.
pub(super) fn classes(spec: &Spec) -> Vec<String> {
    let objects = read_objects(spec).chain(given_objects(spec));
    let mut classes: Vec<String> = objects.map(|object| name::pascal(&object.name)).collect();
    classes.sort();
    classes
}

/// The classes of all enumerations, sorted.
pub(super) fn enum_classes(spec: &Spec) -> Vec<String> {
    let enums = enums_in_use(spec);
    let mut classes: Vec<String> = enums.iter().map(|id| enumeration::class(&spec[*id])).collect();
    classes.sort();
    classes
}

fn read(source: &mut Source, spec: &Spec, object: &Object) {
    let sensitive = object.fields.iter().filter(|field| field.sensitive);
    begin(source, object, "frozen=True, slots=True, repr=False", sensitive);
    for field in &object.fields {
        let name = name::python(&field.snake);
        source.blank(1);
        source.line(1, &format!("{name}: {}", annotation::read(spec, field)));
        source.docstring(1, &[Block::Prose(docs::field(Spelling::Python, spec, field))]);
    }
}

fn given(source: &mut Source, spec: &Spec, object: &Object) {
    let arguments = argument::of(spec, &Input::of_object(&object.fields));
    let sensitive = object.fields.iter().filter(|field| field.sensitive);
    begin(source, object, "frozen=True, slots=True, repr=False, kw_only=True", sensitive);
    for argument in &arguments {
        source.blank(1);
        source.line(1, &Argument::declared(argument));
        source.docstring(1, &[Block::Prose(argument.about.clone())]);
    }
}

fn begin<'a>(
    source: &mut Source,
    object: &Object,
    options: &str,
    sensitive: impl Iterator<Item = &'a Field>,
) {
    source.blank(2);
    source.line(0, &format!("@dataclass({options})"));
    source.line(0, &format!("class {}(Record):", name::pascal(&object.name)));
    source.docstring(1, &[Block::Prose(docs::object(Spelling::Python, object))]);
    let names: Vec<String> = sensitive.map(|field| literal(&name::python(&field.snake))).collect();
    if !names.is_empty() {
        source.blank(1);
        let head = "_sensitive: ClassVar[frozenset[str]] = frozenset({";
        let mut lines = spread(1, head, &names, "})");
        if lines.len() > 1 {
            lines = nested(&names);
        }
        source.lines(1, &lines);
    }
}

/// A set that does not fit into a line, as formatters write it.
fn nested(names: &[String]) -> Vec<String> {
    let mut lines = vec!["_sensitive: ClassVar[frozenset[str]] = frozenset(".to_owned()];
    lines.extend(spread(1, "{", names, "}").iter().map(|line| format!("    {line}")));
    lines.push(")".to_owned());
    lines
}
