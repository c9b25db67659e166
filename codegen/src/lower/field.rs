//! Lowers fields: inclusion, inheritance of the source, and the little language of types.

use std::collections::HashSet;

use serde_saphyr::Spanned;

use crate::diagnostic::{Findings, Place};
use crate::ir::{Charset, CurrencyOf, Field, Limits, Source, Type, Wire};
use crate::lower::{Names, source, twice, unknown};
use crate::name;
use crate::raw::{self, Parsed};

/// What a field belongs to, and the source that it inherits from there.
pub(super) struct Owner<'a> {
    kind: &'static str,
    name: &'a str,
    source: Option<&'a str>,
}

impl<'a> Owner<'a> {
    pub(super) fn new(kind: &'static str, name: &'a str, source: Option<&'a str>) -> Self {
        Self { kind, name, source }
    }

    /// The item's own source or the inherited one; neither is a finding.
    pub(super) fn source(
        &self,
        own: Option<&str>,
        at: &Place,
        what: &str,
        name: &str,
        findings: &mut Findings,
    ) -> Source {
        if let Some(text) = own.or(self.source) {
            return source(text);
        }
        let hint = if what == self.kind {
            "add `source:` with the heading of the documentation".to_owned()
        } else {
            format!("add `source:` to it or to the {} `{}`", self.kind, self.name)
        };
        findings.add(at, format!("the {what} `{name}` has no source"), hint);
        Source::Field
    }
}

impl Names<'_> {
    /// Included fields first, in the order of the inclusion; an own field of the same name takes
    /// the place of the included one, so that it keeps its position among the others.
    pub(super) fn fields<F>(
        &self,
        file: &Parsed<F>,
        owner: &Owner<'_>,
        include: &[Spanned<String>],
        own: &[Spanned<raw::Field>],
        findings: &mut Findings,
    ) -> Vec<Field> {
        let mut fields = Vec::new();
        for name in include {
            let Some(id) = self.object(file, name, findings) else { continue };
            let (_, home, object) = &self.raw_objects[id.0];
            if !object.include.is_empty() {
                findings.add(
                    &file.at(name),
                    format!("the included object `{}` includes others itself", name.value),
                    "move the fields that are meant into an object without `include`, \
                     and include that",
                );
            }
            let from = Owner::new("object", &object.name.value, object.source.as_deref());
            for field in &object.fields {
                // The object's own lowering reports what is wrong with its fields.
                fields.push(self.field(home, &from, field, &mut Findings::default()));
            }
        }
        let included = fields.len();
        let mut seen = HashSet::new();
        for field in own {
            let lowered = self.field(file, owner, field, findings);
            if !seen.insert(field.value.name.as_str()) {
                twice(findings, &lowered.at, "field", &lowered.name);
                continue;
            }
            match fields[..included].iter().position(|field| field.name == lowered.name) {
                Some(index) => fields[index] = lowered,
                None => fields.push(lowered),
            }
        }
        check_siblings(&fields, findings);
        fields
    }

    fn field<F>(
        &self,
        file: &Parsed<F>,
        owner: &Owner<'_>,
        field: &Spanned<raw::Field>,
        findings: &mut Findings,
    ) -> Field {
        let at = file.at(field);
        let field = &field.value;
        let ty = self.ty(file, field, findings);
        if let Some(ty) = &ty {
            check_limits(field, ty, &at, findings);
        }
        Field {
            name: field.name.clone(),
            snake: field.rust.clone().unwrap_or_else(|| name::snake(&field.name)),
            required: field.presence == raw::Presence::Required,
            limits: Limits {
                max_length: field.max_length,
                min: field.min,
                max: field.max,
                charset: field.charset.map(charset),
            },
            required_with: field.required_with.clone(),
            sensitive: field.sensitive,
            example: field.example.clone(),
            source: owner.source(field.source.as_deref(), &at, "field", &field.name, findings),
            quirks: self.quirks(file, &field.quirks, findings),
            description: field.description.trim().to_owned(),
            // The stand-in that no other check has anything to say about.
            ty: ty.unwrap_or(Type::Flag(Wire::Number)),
            at,
        }
    }

    /// The type; `None`, with a finding, where it cannot be read.
    fn ty<F>(&self, file: &Parsed<F>, field: &raw::Field, findings: &mut Findings) -> Option<Type> {
        let at = file.at(&field.ty);
        let ty = self.parse_type(&field.ty.value, field, &at, findings)?;
        if field.currency.is_some() && !matches!(ty.innermost(), Type::Money { .. }) {
            findings.add(
                &at,
                format!("`{}` has a currency but is no money", field.name),
                "remove `currency:` or write `type: money`",
            );
        }
        Some(ty)
    }

    /// Reads `text`, `enum:NAME`, `list:TYPE`...
    fn parse_type(
        &self,
        text: &str,
        field: &raw::Field,
        at: &Place,
        findings: &mut Findings,
    ) -> Option<Type> {
        let Some((kind, of)) = text.split_once(':') else {
            return simple_type(text, field, at, findings);
        };
        let object = |findings: &mut Findings| {
            let id = self.objects.get(of).copied();
            if id.is_none() {
                unknown(findings, at, "object", of, "spec/objects");
            }
            id
        };
        match kind {
            "object" => object(findings).map(Type::Object),
            "variable" => object(findings).map(Type::Variable),
            "sealed" => object(findings).map(Type::Sealed),
            "enum" => {
                let id = self.enums.get(of).copied();
                if id.is_none() {
                    unknown(findings, at, "enum", of, "spec/enums.yaml");
                }
                id.map(Type::Enum)
            }
            "list" => Some(Type::List(Box::new(self.parse_type(of, field, at, findings)?))),
            "map" => Some(Type::Map(Box::new(self.parse_type(of, field, at, findings)?))),
            _ => no_such_type(text, at, findings),
        }
    }
}

/// Reads a type that names nothing else.
fn simple_type(
    text: &str,
    field: &raw::Field,
    at: &Place,
    findings: &mut Findings,
) -> Option<Type> {
    let wire = match field.wire {
        raw::Wire::Number => Wire::Number,
        raw::Wire::Text => Wire::Text,
    };
    Some(match text {
        "text" => Type::Text,
        "digits" => Type::Digits,
        "integer" => Type::Integer(wire),
        "flag" => Type::Flag(wire),
        "money" => Type::Money { currency: currency(field, at, findings), wire },
        "currency" => Type::Currency,
        "decimal" => Type::Decimal,
        "datetime" => Type::DateTime,
        "date" => Type::Date,
        "url" => Type::Url,
        "any" => Type::Any,
        _ => return no_such_type(text, at, findings),
    })
}

fn no_such_type(text: &str, at: &Place, findings: &mut Findings) -> Option<Type> {
    findings.add(at, format!("there is no type `{text}`"), "spec/README.md lists the types");
    None
}

/// A currency's code has three capitals; anything else but `unstated` names a sibling.
fn currency(field: &raw::Field, at: &Place, findings: &mut Findings) -> CurrencyOf {
    match field.currency.as_ref().map(|text| text.value.as_str()) {
        Some("unstated") => CurrencyOf::Unstated,
        Some(code) if code.len() == 3 && code.bytes().all(|b| b.is_ascii_uppercase()) => {
            CurrencyOf::Code(code.to_owned())
        }
        Some(sibling) => CurrencyOf::Sibling(sibling.to_owned()),
        None => {
            findings.add(
                at,
                format!("`{}` is money without a currency", field.name),
                "add `currency:` with a sibling field, a code such as USD, or `unstated`",
            );
            CurrencyOf::Unstated
        }
    }
}

fn charset(charset: raw::Charset) -> Charset {
    match charset {
        raw::Charset::AlnumDash => Charset::AlnumDash,
        raw::Charset::Digits => Charset::Digits,
        raw::Charset::Hex => Charset::Hex,
    }
}

/// A limit that its type cannot have would be dropped silently; so it is refused.
fn check_limits(field: &raw::Field, ty: &Type, at: &Place, findings: &mut Findings) {
    let name = &field.name;
    let textual = matches!(
        ty,
        Type::Text
            | Type::Digits
            | Type::Url
            | Type::Date
            | Type::DateTime
            | Type::Enum(_)
            | Type::Currency
    );
    if !textual && (field.max_length.is_some() || field.charset.is_some()) {
        findings.add(
            at,
            format!("`{name}` is no text but has `max_length` or `charset`"),
            "remove the limit or change the type",
        );
    }
    let integer = matches!(ty, Type::Integer(_));
    if !integer && (field.min.is_some() || field.max.is_some()) {
        findings.add(
            at,
            format!("`{name}` is no integer but has `min` or `max`"),
            "remove the limit or change the type",
        );
    }
    if let (Some(min), Some(max)) = (field.min, field.max)
        && min > max
    {
        findings.add(
            at,
            format!("`{name}` allows nothing: min {min} is above max {max}"),
            "swap the two",
        );
    }
    let travels = matches!(ty, Type::Integer(_) | Type::Flag(_) | Type::Money { .. });
    if !travels && matches!(field.wire, raw::Wire::Text) {
        findings.add(
            at,
            format!("`{name}` is always text, so `wire` says nothing"),
            "remove `wire:`",
        );
    }
}

/// What can only be said of fields side by side.
fn check_siblings(fields: &[Field], findings: &mut Findings) {
    let mut snakes = HashSet::new();
    for field in fields {
        if !snakes.insert(field.snake.as_str()) {
            findings.add(
                &field.at,
                format!("two fields would both be called `{}`", field.snake),
                "give one of them a name of its own with `rust:`",
            );
        }
        let Type::Money { currency: CurrencyOf::Sibling(sibling), .. } = &field.ty else {
            continue;
        };
        match fields.iter().find(|other| other.name == *sibling) {
            None => findings.add(
                &field.at,
                format!(
                    "the currency of `{}` should stand in `{sibling}`, which is no field here",
                    field.name
                ),
                "name a sibling field, a code such as USD, or `unstated`",
            ),
            Some(other) if other.ty != Type::Currency => findings.add(
                &other.at,
                format!("`{sibling}` is the currency of `{}` but has another type", field.name),
                "write `type: currency`",
            ),
            Some(_) => {}
        }
    }
}
