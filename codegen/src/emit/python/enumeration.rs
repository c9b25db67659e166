//! `enums.py`: a member for each listed value. The base class keeps any other.

use std::collections::BTreeSet;

use super::source::{Block, Source, exports, literal, spread};
use crate::OutFile;
use crate::emit::client::enums_in_use;
use crate::emit::docs::{self, Spelling};
use crate::ir::{Enum, EnumValue, Spec};
use crate::name;

pub(super) fn emit(spec: &Spec, path: String) -> OutFile {
    let enums: Vec<&Enum> = enums_in_use(spec).into_iter().map(|id| &spec[id]).collect();
    let mut source = Source::default();
    exports(&mut source, enums.iter().map(|item| class(item)).collect());
    for item in enums {
        one(&mut source, item);
    }
    let about = "Lists of values to which the gateway may add: every one of them is open.\n\n\
                 A value that is not listed is a member too, made when it is met: it has the text \
                 as its `value`, and `is_known` is false. Members are equal to their text.";
    source.file(path, about, &[])
}

/// The class of an enumeration.
pub(super) fn class(item: &Enum) -> String {
    name::pascal(&item.name)
}

fn one(source: &mut Source, item: &Enum) {
    let class = class(item);
    let members = members(&item.values);
    source.blank(2);
    source.line(0, &format!("class {class}(OpenEnum):"));
    source.docstring(1, &[Block::Prose(docs::enumeration(Spelling::Python, item))]);
    for (value, member) in item.values.iter().zip(&members) {
        source.blank(1);
        source.line(1, &format!("{member} = {}", literal(&value.value)));
        source.docstring(1, &[Block::Prose(docs::value(Spelling::Python, value))]);
    }
    titles(source, item);
}

/// The members' names; values that would get the same one are numbered.
fn members(values: &[EnumValue]) -> Vec<String> {
    let mut taken = BTreeSet::new();
    let mut names = Vec::with_capacity(values.len());
    for value in values {
        let base = name::constant(&value.value);
        let mut name = base.clone();
        let mut number = 2;
        while !taken.insert(name.clone()) {
            name = format!("{base}_{number}");
            number += 1;
        }
        names.push(name);
    }
    names
}

/// The names for people, where the documentation has them. Not `title`: every text has a method of
/// that name.
fn titles(source: &mut Source, item: &Enum) {
    let titled = item.values.iter().filter_map(|value| {
        let title = value.title.as_ref()?;
        Some(format!("{}: {}", literal(&value.value), literal(title)))
    });
    let titled: Vec<String> = titled.collect();
    if titled.is_empty() {
        return;
    }
    let table = format!("_{}_NAMES", item.name.to_uppercase());
    source.blank(1);
    source.line(1, "@property");
    source.line(1, "def display_name(self) -> str | None:");
    let about = "The name for people, where the documentation has one.";
    source.docstring(2, &[Block::Prose(about.into())]);
    source.line(2, &format!("return {table}.get(self.value)"));
    source.blank(2);
    let head = format!("{table}: Final[dict[str, str]] = {{");
    source.lines(0, &spread(0, &head, &titled, "}"));
}
