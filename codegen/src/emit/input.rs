//! What a caller gives to a request, or to an object inside one: fields of the wire, but for an
//! amount and its currency, which are given together because neither means anything alone.

use crate::ir::{CurrencyOf, Field, Type};

/// A field of the wire, or an amount together with its currency.
#[derive(Debug, Clone, Copy)]
pub(super) struct Input<'a> {
    pub(super) field: &'a Field,
    /// The field of the wire that carries the currency of this amount.
    pub(super) currency: Option<&'a Field>,
    pub(super) required: bool,
    /// The client's configuration has a value for it.
    pub(super) configured: bool,
}

impl<'a> Input<'a> {
    /// The inputs of a request. `seller_code` is one, though optional: the client's configuration
    /// has a value for it.
    pub(super) fn of_request(fields: &'a [Field]) -> Vec<Self> {
        let mut inputs = Self::of_object(fields);
        for input in &mut inputs {
            input.configured = input.field.name == "seller_code";
            input.required &= !input.configured;
        }
        inputs
    }

    /// The inputs of an object inside a request. Of several amounts in one currency, the first
    /// makes the pair.
    pub(super) fn of_object(fields: &'a [Field]) -> Vec<Self> {
        let mut inputs = Vec::new();
        let mut paired: Vec<&str> = Vec::new();
        for field in fields {
            let currency = currency_of(field, fields)
                .filter(|currency| !paired.contains(&currency.name.as_str()));
            paired.extend(currency.map(|currency| currency.name.as_str()));
            inputs.push(Self { field, currency, required: field.required, configured: false });
        }
        inputs.retain(|input| !paired.contains(&input.field.name.as_str()));
        inputs
    }
}

/// The sibling that carries the currency, where it comes and goes with the amount.
fn currency_of<'a>(field: &Field, siblings: &'a [Field]) -> Option<&'a Field> {
    let Type::Money { currency: CurrencyOf::Sibling(name), .. } = &field.ty else { return None };
    let sibling = siblings.iter().find(|sibling| sibling.name == *name);
    sibling.filter(|sibling| sibling.required == field.required)
}
