//! Which annotation a field has: exact where it is read, wide where it is given.

use crate::emit::client::rust_type::is_collection;
use crate::ir::{Field, ObjectId, Reply, Spec, Type};
use crate::name::pascal;

/// The class of an object.
pub(super) fn class(spec: &Spec, id: ObjectId) -> String {
    pascal(&spec[id].name)
}

/// Of an attribute of a record that was read. Lists and maps are empty rather than absent.
pub(super) fn read(spec: &Spec, field: &Field) -> String {
    optional(read_type(spec, &field.ty), field.required || is_collection(&field.ty))
}

fn read_type(spec: &Spec, ty: &Type) -> String {
    match ty {
        Type::Text | Type::Digits | Type::Url => "str".into(),
        Type::Integer(_) => "int".into(),
        Type::Flag(_) => "bool".into(),
        Type::Money { .. } | Type::Decimal => "Decimal".into(),
        Type::DateTime => "Timestamp".into(),
        Type::Date => "Day".into(),
        Type::Currency => "Currency".into(),
        Type::Any => "JsonValue".into(),
        Type::Enum(id) if spec[*id].closed => "str".into(),
        Type::Enum(id) => pascal(&spec[*id].name),
        Type::Object(id) | Type::Sealed(id) => class(spec, *id),
        Type::Variable(id) => format!("{} | JsonValue", class(spec, *id)),
        Type::List(of) => format!("list[{}]", read_type(spec, of)),
        Type::Map(of) => format!("dict[str, {}]", read_type(spec, of)),
    }
}

/// Of an argument, or of an attribute of a record that is sent.
pub(super) fn given(spec: &Spec, ty: &Type, required: bool) -> String {
    optional(given_type(spec, ty), required)
}

fn given_type(spec: &Spec, ty: &Type) -> String {
    match ty {
        Type::Money { .. } | Type::Decimal => "Decimal | int | str".into(),
        Type::DateTime => "datetime".into(),
        Type::Date => "date".into(),
        Type::Currency => "Currency | str".into(),
        Type::Enum(id) if !spec[*id].closed => format!("{} | str", pascal(&spec[*id].name)),
        // What is sealed does not show what it is of; the compiled module knows, and checks.
        Type::Sealed(id) => format!("{} | Sealed", class(spec, *id)),
        // Of its elements, a `list` would take one type only.
        Type::List(of) => format!("Sequence[{}]", given_type(spec, of)),
        Type::Map(of) => format!("Mapping[str, {}]", given_type(spec, of)),
        _ => read_type(spec, ty),
    }
}

fn optional(annotation: String, required: bool) -> String {
    if required { annotation } else { format!("{annotation} | None") }
}

/// Of what a call answers.
pub(super) fn answer(spec: &Spec, reply: &Reply) -> String {
    match reply {
        Reply::Object(id) => class(spec, *id),
        Reply::List(id) => format!("Rows[{}]", class(spec, *id)),
        Reply::Page(page) => format!("Page[{}]", class(spec, page.of)),
        Reply::Range(range) => class(spec, range.object),
        Reply::Any => "Untyped".into(),
    }
}

/// Of the rows of an answer that comes in pieces.
pub(super) fn row(spec: &Spec, reply: &Reply) -> Option<String> {
    match reply {
        Reply::Page(page) => Some(class(spec, page.of)),
        Reply::Range(range) => Some(class(spec, range.of)),
        Reply::Object(_) | Reply::List(_) | Reply::Any => None,
    }
}
