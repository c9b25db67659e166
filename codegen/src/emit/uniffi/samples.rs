//! Requests with values from the examples of the spec: for documentation, and for tests that go
//! through every operation.

use serde_json::Value;

use super::language::Language;
use crate::emit::client::enumeration::variants;
use crate::emit::client::operation::request_name;
use crate::emit::input::Input;
use crate::ir::{Charset, EnumId, Field, Object, Operation, Spec, Type};
use crate::name;

/// How much is given.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// What is required, and of each group the first.
    Required,
    /// Every field.
    Complete,
}

/// Writes values out.
#[derive(Clone, Copy)]
pub(super) struct Samples<'a> {
    pub(super) language: Language,
    pub(super) spec: &'a Spec,
    pub(super) extent: Extent,
}

impl Samples<'_> {
    /// `WithdrawRequest(outTradeNo = "TR-1234567890", ...)`, with room for that many columns.
    pub(super) fn request(self, operation: &Operation, columns: usize) -> Vec<String> {
        let class = request_name(operation).to_string();
        let firsts: Vec<&String> =
            operation.request.one_of.iter().filter_map(|group| group.first()).collect();
        let inputs = Input::of_request(&operation.request.fields);
        let first = |input: &Input<'_>| firsts.contains(&&input.field.name);
        self.record(&class, &inputs, first, columns)
    }

    /// A record with its fields by name, the required ones first, as it declares them.
    fn record(
        self,
        class: &str,
        inputs: &[Input<'_>],
        besides: impl Fn(&Input<'_>) -> bool,
        columns: usize,
    ) -> Vec<String> {
        let given = |input: &&Input<'_>| {
            self.extent == Extent::Complete || input.required || besides(input)
        };
        let mut inputs: Vec<&Input<'_>> = inputs.iter().filter(given).collect();
        inputs.sort_by_key(|input| !input.required);
        let fields = inputs.iter().map(|input| {
            let name = input.field.snake.clone();
            // It stands a level deeper, behind its name.
            let room = columns.saturating_sub(name.chars().count() + 8);
            let value = self.input(input, room);
            (name, value)
        });
        let fields: Vec<(String, String)> = fields.collect();
        self.language.record(columns, class, &fields)
    }

    fn input(self, input: &Input<'_>, columns: usize) -> String {
        let field = input.field;
        let Some(currency) = input.currency else {
            return self.field(field, columns);
        };
        let amount = field.example.as_deref().unwrap_or("10");
        self.language.money(amount, currency.example.as_deref().unwrap_or("USD"))
    }

    fn field(self, field: &Field, columns: usize) -> String {
        let example = field.example.as_deref();
        if field.sensitive && field.ty.object().is_none() {
            let text = example.map_or_else(|| fallback(field).to_owned(), str::to_owned);
            return format!("Sensitive({})", self.language.text(&text));
        }
        self.value(field, &field.ty, example, columns)
    }

    /// The example of a field as an expression, or whatever its limits allow.
    fn value(self, field: &Field, ty: &Type, example: Option<&str>, columns: usize) -> String {
        let language = self.language;
        let text = |otherwise: &str| language.text(example.unwrap_or(otherwise));
        match ty {
            Type::Text | Type::Digits => text(fallback(field)),
            Type::Url => text("https://example.com/"),
            Type::Currency => text("USD"),
            Type::Enum(id) => self.variant(*id, example),
            Type::Integer(_) => {
                let number = example.and_then(|text| text.parse::<i64>().ok());
                number.or(field.limits.min).unwrap_or(1).to_string()
            }
            Type::Flag(_) => matches!(example, None | Some("1" | "true")).to_string(),
            Type::Money { .. } | Type::Decimal => language.amount(example.unwrap_or("10")),
            Type::Date => language.day(example.and_then(calendar_day).unwrap_or([2022, 1, 15])),
            Type::DateTime => language.moment().to_owned(),
            Type::Any => format!("Json({})", text("null")),
            Type::Object(id) | Type::Variable(id) | Type::Sealed(id) => {
                self.object(&self.spec[*id], columns)
            }
            Type::List(of) => {
                let first = example.and_then(first_of_list);
                language.list(&self.value(field, of, first.as_deref(), columns))
            }
            Type::Map(of) => language.map(&self.value(field, of, None, columns)),
        }
    }

    fn object(self, object: &Object, columns: usize) -> String {
        let inputs = Input::of_object(&object.fields);
        self.record(&name::pascal(&object.name), &inputs, |_| false, columns).join("\n")
    }

    /// The listed value that the example names, or else the example as it is.
    fn variant(self, id: EnumId, example: Option<&str>) -> String {
        let item = &self.spec[id];
        let class = name::pascal(&item.name);
        let example = example.or(item.values.first().map(|value| value.value.as_str()));
        let example = example.unwrap_or("example");
        if item.closed {
            return self.language.text(example);
        }
        match item.values.iter().position(|value| value.value == example) {
            Some(at) => self.language.variant(&class, &variants(&item.values)[at].to_string()),
            None => self.language.unlisted(&class, example),
        }
    }
}

/// A text that the limits allow.
fn fallback(field: &Field) -> &'static str {
    match (field.limits.charset, &field.ty) {
        (Some(Charset::Hex), _) => "00",
        (Some(Charset::Digits), _) | (_, Type::Digits) => "0",
        _ => "example",
    }
}

fn calendar_day(text: &str) -> Option<[u16; 3]> {
    let numbers: Result<Vec<u16>, _> = text.split('-').map(str::parse::<u16>).collect();
    numbers.ok()?.try_into().ok()
}

/// The first item of a list that is written as JSON.
fn first_of_list(json: &str) -> Option<String> {
    match serde_json::from_str::<Vec<Value>>(json).ok()?.into_iter().next()? {
        Value::String(text) => Some(text),
        other => Some(other.to_string()),
    }
}
