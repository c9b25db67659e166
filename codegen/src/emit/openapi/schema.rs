//! JSON Schemas (2020-12) of fields, objects and lists of values.
//!
//! A schema says what a table says. It allows more in three cases only: an optional field may be
//! null, what the decoder reads as absent is allowed where an object may be absent, and whatever
//! [`Observed`] saw in a sample is allowed where it was seen.

use super::observed::{Observed, Owner};
use crate::emit::json::Json;
use crate::emit::wording;
use crate::ir::{Charset, CurrencyOf, Enum, Field, Object, ObjectId, Spec, Type, Wire};
use crate::name::pascal;

/// What an exact number looks like where it comes as text.
const DECIMAL_TEXT: &str = r"^-?[0-9]+(\.[0-9]+)?$";
const INTEGER_TEXT: &str = "^-?[0-9]+$";

/// Makes schemas of the parts of one spec.
pub(super) struct Schemas<'a> {
    pub(super) spec: &'a Spec,
    pub(super) observed: Observed<'a>,
}

/// Refers to a schema among the components.
pub(super) fn component(name: &str) -> Json {
    Json::reference(&format!("#/components/schemas/{name}"))
}

impl<'a> Schemas<'a> {
    /// An object with all its fields. Replies grow, so other members are allowed.
    pub(super) fn object(&self, id: ObjectId) -> Json {
        let object: &Object = &self.spec[id];
        let owner = Owner::Object(id);
        Json::object([("type", "object".into())])
            .with_some("title", object.title.as_ref())
            .with("description", wording::one_line(&object.description))
            .with("properties", Json::Object(self.properties(owner, &object.fields)))
            .with_any("required", self.required(owner, &object.fields))
            .with("x-source", wording::source(&object.source))
            .with_any("x-quirks", wording::quirk_ids(self.spec, &object.quirks))
    }

    /// The known values; or, in a list that stays open, any other.
    pub(super) fn list_of_values(values: &Enum) -> Json {
        let known = |value: &crate::ir::EnumValue| {
            Json::object([("const", (&value.value).into())])
                .with_some("title", value.title.as_ref())
                .with("description", wording::one_line(&value.description))
                .with("x-source", wording::source(&value.source))
        };
        let other = Json::object([
            ("type", Json::list(["string", "number"])),
            ("description", "A value that is not known here.".into()),
        ]);
        let mut branches: Vec<Json> = values.values.iter().map(known).collect();
        if !values.closed {
            branches.push(other);
        }
        Json::object([
            ("description", wording::one_line(&values.description).into()),
            ("anyOf", branches.into()),
            ("x-source", wording::source(&values.source).into()),
        ])
    }

    /// The members of an object or a request.
    pub(super) fn properties(&self, owner: Owner<'a>, fields: &'a [Field]) -> Vec<(String, Json)> {
        fields.iter().map(|field| (field.name.clone(), self.field(owner, field))).collect()
    }

    /// The names of the members that are always there: required, and in every sample.
    pub(super) fn required(&self, owner: Owner<'a>, fields: &'a [Field]) -> Vec<Json> {
        fields
            .iter()
            .filter(|field| field.required && !self.observed.is_left_out(owner, &field.name))
            .map(|field| Json::from(&field.name))
            .collect()
    }

    /// A field: its type, its limits, and what is known about it.
    fn field(&self, owner: Owner<'a>, field: &'a Field) -> Json {
        let mut also = self.observed.shapes(owner, &field.name);
        if !field.required {
            also.push("null");
        }
        let is_request = matches!(owner, Owner::Request(_));
        let schema = self.of_type(&field.ty, &also, is_request);
        let limited = with_limits(schema, field);
        let limited = match &field.ty {
            Type::Money { currency, .. } => limited.with("x-currency", currency_of(currency)),
            Type::Sealed(id) => limited.with("x-sealed", component(&pascal(&self.spec[*id].name))),
            _ => limited,
        };
        let limited = if field.sensitive { limited.with("x-sensitive", true) } else { limited };
        limited
            .with("description", wording::of_field(field))
            .with_any(
                "examples",
                field.example.iter().map(|text| example(&field.ty, text)).collect(),
            )
            .with("x-source", wording::source(&field.source))
            .with_any("x-quirks", wording::quirk_ids(self.spec, &field.quirks))
    }

    /// A type, widened by the shapes in `also`.
    fn of_type(&self, ty: &'a Type, also: &[&'static str], is_request: bool) -> Json {
        match ty {
            Type::Text | Type::Digits | Type::DateTime | Type::Currency => plain(&["string"], also),
            Type::Date => plain(&["string"], also).with("format", "date"),
            // The samples of replies hold placeholders, which are no addresses.
            Type::Url if is_request => plain(&["string"], also).with("format", "uri"),
            Type::Url => plain(&["string"], also),
            Type::Sealed(_) => plain(&["string"], also).with("contentEncoding", "base16"),
            Type::Integer(Wire::Number) => plain(&["integer"], also),
            Type::Integer(Wire::Text) => {
                plain(&["integer", "string"], also).with("pattern", INTEGER_TEXT)
            }
            Type::Money { .. } | Type::Decimal => {
                plain(&["number", "string"], also).with("pattern", DECIMAL_TEXT)
            }
            Type::Flag(_) => or_null(component("Flag"), also),
            Type::Enum(id) => or_null(component(&pascal(&self.spec[*id].name)), also),
            Type::Object(id) if also.is_empty() || also == ["object"] => self.reference(*id),
            Type::Object(id) => any_of([self.reference(*id), component("Absent")]),
            Type::Variable(id) => any_of([self.reference(*id), component("OtherShape")]),
            Type::List(item) => {
                plain(&["array"], also).with("items", self.of_type(item, &[], is_request))
            }
            Type::Map(value) => any_of([
                Json::object([
                    ("type", "object".into()),
                    ("additionalProperties", self.of_type(value, &[], is_request)),
                ]),
                component("Absent"),
            ]),
            Type::Any => Json::object([]),
        }
    }

    /// Refers to an object.
    pub(super) fn reference(&self, id: ObjectId) -> Json {
        component(&pascal(&self.spec[id].name))
    }
}

/// `{"type": ...}` of some of JSON's types. A number covers whole numbers.
fn plain(types: &[&'static str], also: &[&'static str]) -> Json {
    let mut all: Vec<&str> = types.to_vec();
    for shape in also {
        if !all.contains(shape) {
            all.push(shape);
        }
    }
    if all.contains(&"number") {
        all.retain(|ty| *ty != "integer");
    }
    let ty = if let [one] = all.as_slice() { (*one).into() } else { Json::list(all) };
    Json::object([("type", ty)])
}

fn or_null(schema: Json, also: &[&'static str]) -> Json {
    if also.contains(&"null") {
        any_of([schema, Json::object([("type", "null".into())])])
    } else {
        schema
    }
}

fn any_of<const N: usize>(schemas: [Json; N]) -> Json {
    Json::object([("anyOf", schemas.to_vec().into())])
}

fn with_limits(schema: Json, field: &Field) -> Json {
    let limits = &field.limits;
    let pattern = match limits.charset {
        Some(Charset::AlnumDash) => Some("^[0-9A-Za-z-]*$"),
        Some(Charset::Digits) => Some("^[0-9]*$"),
        Some(Charset::Hex) => Some("^[0-9A-Fa-f]*$"),
        None => None,
    };
    let length = limits.max_length.and_then(|chars| i64::try_from(chars).ok());
    schema
        .with_some("maxLength", length)
        .with_some("minimum", limits.min)
        .with_some("maximum", limits.max)
        .with_some("pattern", pattern)
}

fn currency_of(currency: &CurrencyOf) -> Json {
    match currency {
        CurrencyOf::Sibling(name) => Json::object([("field", name.into())]),
        CurrencyOf::Code(code) => Json::object([("code", code.into())]),
        CurrencyOf::Unstated => "unstated".into(),
    }
}

/// The example of a field as it would stand in JSON.
fn example(ty: &Type, text: &str) -> Json {
    let is_json = match ty {
        Type::Integer(Wire::Number)
        | Type::Flag(Wire::Number)
        | Type::Money { wire: Wire::Number, .. } => {
            serde_json::from_str::<serde_json::Number>(text).is_ok()
        }
        Type::List(_) | Type::Map(_) | Type::Object(_) | Type::Any => {
            serde_json::from_str::<serde_json::Value>(text).is_ok()
        }
        _ => false,
    };
    if is_json { Json::Raw(text.to_owned()) } else { text.into() }
}
