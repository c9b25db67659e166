//! Which Rust type holds a field.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use crate::ir::{Field, Spec, Type};
use crate::name;

/// The type of the value itself, whether it is there or not.
pub(in crate::emit) fn of(spec: &Spec, ty: &Type) -> TokenStream {
    match ty {
        Type::Text | Type::Digits | Type::Url => quote!(String),
        Type::Integer(_) => quote!(i64),
        Type::Flag(_) => quote!(bool),
        Type::Money { .. } | Type::Decimal => quote!(Amount),
        Type::DateTime => quote!(Timestamp),
        Type::Date => quote!(Date),
        Type::Currency => quote!(Currency),
        Type::Any => quote!(RawJson),
        // The runtime has a type for it, which has no place for a value that is not listed.
        Type::Enum(id) if spec[*id].closed => quote!(String),
        Type::Enum(id) => {
            let name = format_ident!("{}", name::pascal(&spec[*id].name));
            quote!(enums::#name)
        }
        Type::Object(id) => {
            let name = format_ident!("{}", name::pascal(&spec[*id].name));
            quote!(objects::#name)
        }
        Type::Variable(id) => {
            let name = format_ident!("{}", name::pascal(&spec[*id].name));
            quote!(Variable<objects::#name>)
        }
        Type::Sealed(id) => {
            let name = format_ident!("{}", name::pascal(&spec[*id].name));
            quote!(Sealed<objects::#name>)
        }
        Type::List(of) => {
            let of = self::of(spec, of);
            quote!(Vec<#of>)
        }
        Type::Map(of) => {
            let of = self::of(spec, of);
            quote!(BTreeMap<String, #of>)
        }
    }
}

/// The type of the value, masked where it is sensitive. What is sealed masks itself.
pub(super) fn masked(spec: &Spec, field: &Field) -> TokenStream {
    let of = of(spec, &field.ty);
    match field.ty {
        Type::Sealed(_) => of,
        _ if field.sensitive => quote!(Sensitive<#of>),
        _ => of,
    }
}

/// The type of the field: an optional one is an `Option`, but for lists and maps, which are empty.
pub(super) fn stored(spec: &Spec, field: &Field) -> TokenStream {
    let of = masked(spec, field);
    if field.required || is_collection(&field.ty) { of } else { quote!(Option<#of>) }
}

pub(in crate::emit) fn is_collection(ty: &Type) -> bool {
    matches!(ty, Type::List(_) | Type::Map(_))
}

/// Sent, but not signed.
pub(super) fn is_compound(ty: &Type) -> bool {
    matches!(ty, Type::List(_) | Type::Map(_) | Type::Object(_) | Type::Variable(_) | Type::Any)
}

/// The type of an argument, as wide as a caller may wish.
pub(super) fn argument(spec: &Spec, field: &Field) -> TokenStream {
    let of = masked(spec, field);
    match field.ty {
        Type::Text | Type::Digits | Type::Url | Type::Enum(_) | Type::Currency => {
            quote!(impl Into<#of>)
        }
        _ if field.sensitive && !matches!(field.ty, Type::Sealed(_)) => quote!(impl Into<#of>),
        _ => of,
    }
}

/// Turns the argument `value` into the stored value.
pub(super) fn convert(field: &Field, value: &TokenStream) -> TokenStream {
    let wide =
        matches!(field.ty, Type::Text | Type::Digits | Type::Url | Type::Enum(_) | Type::Currency);
    let masks = field.sensitive && !matches!(field.ty, Type::Sealed(_));
    if wide || masks { quote!(#value.into()) } else { value.clone() }
}
