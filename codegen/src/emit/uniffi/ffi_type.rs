//! Which type of the interface holds a field: exact where it is read, and whatever the languages
//! have of their own where it is given.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use crate::emit::client::rust_type::is_collection;
use crate::emit::input::Input;
use crate::ir::{Field, ObjectId, Spec, Type};
use crate::name;

/// Whether the values come from the gateway or from the caller.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Read,
    Given,
}

/// Of a field of a record that was read. Lists and maps are empty rather than absent.
pub(super) fn read(spec: &Spec, field: &Field) -> TokenStream {
    let of = masked(spec, field, Way::Read);
    if field.required || is_collection(&field.ty) { of } else { quote!(Option<#of>) }
}

/// Of what the caller gives: an amount stands together with its currency.
pub(super) fn given(spec: &Spec, input: &Input<'_>) -> TokenStream {
    let of = match input.currency {
        Some(_) => quote!(Money),
        None => masked(spec, input.field, Way::Given),
    };
    if input.required || is_collection(&input.field.ty) { of } else { quote!(Option<#of>) }
}

/// The record of an object. All records stand in one module, which operations name.
pub(super) fn record(spec: &Spec, id: ObjectId) -> TokenStream {
    let name = format_ident!("{}", name::pascal(&spec[id].name));
    quote!(records::#name)
}

/// What is sensitive is text that does not show itself; an object hides its own fields.
fn masked(spec: &Spec, field: &Field, way: Way) -> TokenStream {
    let hides = field.sensitive && field.ty.object().is_none();
    if hides { quote!(Sensitive) } else { of(spec, &field.ty, way) }
}

fn of(spec: &Spec, ty: &Type, way: Way) -> TokenStream {
    match ty {
        Type::Text | Type::Digits | Type::Url | Type::Currency => quote!(String),
        Type::Integer(_) => quote!(i64),
        Type::Flag(_) => quote!(bool),
        Type::Money { .. } | Type::Decimal => quote!(Amount),
        Type::DateTime if way == Way::Read => quote!(GatewayTime),
        Type::DateTime => quote!(SystemTime),
        // What the gateway calls a day may be none.
        Type::Date if way == Way::Read => quote!(String),
        Type::Date => quote!(LocalDate),
        Type::Any => quote!(Json),
        Type::Enum(id) if spec[*id].closed => quote!(String),
        Type::Enum(id) => {
            let name = format_ident!("{}", name::pascal(&spec[*id].name));
            quote!(enums::#name)
        }
        // Inside a list, what has another shape than the documented one is absent.
        Type::Variable(id) if way == Way::Read => {
            let record = record(spec, *id);
            quote!(Option<#record>)
        }
        Type::Object(id) | Type::Variable(id) | Type::Sealed(id) => record(spec, *id),
        Type::List(item) => {
            let item = of(spec, item, way);
            quote!(Vec<#item>)
        }
        Type::Map(value) => {
            let value = of(spec, value, way);
            quote!(HashMap<String, #value>)
        }
    }
}
