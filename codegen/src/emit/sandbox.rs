//! `gateway-rs/sandbox/src/generated.rs`: what each service takes, as one table of constants.
//!
//! The table is in the types of the sandbox's own `rules.rs`. It holds no code and names nothing of
//! the client. Sealed objects and lists of values stand once each and are referred to.

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{ToTokens as _, quote};

use super::rust;
use crate::OutFile;
use crate::ir::{Charset, Effect, Enum, Field, Object, Operation, Spec, Type};

/// The file.
pub(super) fn emit(spec: &Spec) -> OutFile {
    let services = spec.operations.iter().filter_map(|operation| service(spec, operation));
    let sealed = used(spec, |ty| if let Type::Sealed(id) = ty { Some(*id) } else { None });
    let sealed = sealed.into_iter().map(|id| sealed_object(spec, &spec[id]));
    let enums = used(spec, |ty| if let Type::Enum(id) = ty { Some(*id) } else { None });
    let enums = enums.into_iter().map(|id| list_of_values(&spec[id]));
    let tokens = quote! {
        use crate::rules::{Charset, Field, Kind, Service};

        #[doc = " Every service, in the order of the documentation's sections."]
        pub(crate) static SERVICES: &[Service] = &[#(#services),*];
        #(#sealed)*
        #(#enums)*
    };
    rust::file("gateway-rs/sandbox/src/generated.rs", "What each service takes.", &tokens)
}

fn service(spec: &Spec, operation: &Operation) -> Option<TokenStream> {
    let service = operation.service()?;
    let (name, documented) = (&operation.name, operation.documented);
    let moves_money = operation.effect == Effect::Money;
    let required = |field: &&Field| field.name == "seller_code" && field.required;
    let seller_code = operation.request.fields.iter().any(|field| required(&field));
    let own = operation.request.fields.iter().filter(|field| field.name != "seller_code");
    let fields = own.map(|field| self::field(spec, field));
    let one_of = operation.request.one_of.iter().map(|group| quote!(&[#(#group),*]));
    Some(quote! {
        Service {
            service: #service,
            name: #name,
            documented: #documented,
            moves_money: #moves_money,
            seller_code: #seller_code,
            fields: &[#(#fields),*],
            one_of: &[#(#one_of),*],
        }
    })
}

fn field(spec: &Spec, field: &Field) -> TokenStream {
    let (name, required, limits) = (&field.name, field.required, &field.limits);
    let kind = kind(spec, &field.ty);
    // Without a suffix: the sandbox's types say what each number is.
    let max_chars =
        option(limits.max_length.map(|n| Literal::usize_unsuffixed(n).into_token_stream()));
    let min = option(limits.min.map(|n| Literal::i64_unsuffixed(n).into_token_stream()));
    let max = option(limits.max.map(|n| Literal::i64_unsuffixed(n).into_token_stream()));
    let charset = option(limits.charset.map(charset));
    let sealed = match &field.ty {
        Type::Sealed(id) => {
            let object = constant("SEALED", &spec[*id].name);
            quote!(Some(#object))
        }
        _ => quote!(None),
    };
    quote! {
        Field {
            name: #name,
            kind: #kind,
            required: #required,
            max_chars: #max_chars,
            min: #min,
            max: #max,
            charset: #charset,
            sealed: #sealed,
        }
    }
}

fn kind(spec: &Spec, ty: &Type) -> TokenStream {
    match ty {
        Type::Text | Type::Currency => quote!(Kind::Text),
        Type::Digits => quote!(Kind::Digits),
        Type::Integer(_) => quote!(Kind::Integer),
        Type::Flag(_) => quote!(Kind::Flag),
        Type::Money { .. } => quote!(Kind::Money),
        Type::Decimal => quote!(Kind::Decimal),
        Type::Date => quote!(Kind::Date),
        Type::DateTime => quote!(Kind::DateTime),
        Type::Url => quote!(Kind::Url),
        Type::Enum(id) => {
            let values = constant("VALUES", &spec[*id].name);
            quote!(Kind::Enum(#values))
        }
        Type::Object(_) => quote!(Kind::Object),
        Type::List(_) => quote!(Kind::List),
        Type::Map(_) => quote!(Kind::Map),
        Type::Any | Type::Variable(_) => quote!(Kind::Any),
        Type::Sealed(_) => quote!(Kind::Sealed),
    }
}

fn charset(charset: Charset) -> TokenStream {
    match charset {
        Charset::AlnumDash => quote!(Charset::AlnumDash),
        Charset::Digits => quote!(Charset::Digits),
        Charset::Hex => quote!(Charset::Hex),
    }
}

fn option(value: Option<TokenStream>) -> TokenStream {
    value.map_or_else(|| quote!(None), |value| quote!(Some(#value)))
}

fn sealed_object(spec: &Spec, object: &Object) -> TokenStream {
    let constant = constant("SEALED", &object.name);
    let docs = format!(" What stands inside a sealed `{}`.", object.name);
    let fields = object.fields.iter().map(|field| self::field(spec, field));
    quote! {
        #[doc = #docs]
        const #constant: &[Field] = &[#(#fields),*];
    }
}

fn list_of_values(values: &Enum) -> TokenStream {
    let constant = constant("VALUES", &values.name);
    let docs = format!(" The known values of `{}`; the list stays open.", values.name);
    let known = values.values.iter().map(|value| &value.value);
    quote! {
        #[doc = #docs]
        const #constant: &[&str] = &[#(#known),*];
    }
}

/// What the fields of the services' requests, and those inside their sealed objects, refer to.
fn used<Id: Ord>(spec: &Spec, refers_to: fn(&Type) -> Option<Id>) -> Vec<Id> {
    let mut used = Vec::new();
    for operation in spec.operations.iter().filter(|operation| operation.service().is_some()) {
        for field in &operation.request.fields {
            used.extend(refers_to(&field.ty));
            if let Type::Sealed(id) = field.ty {
                used.extend(spec[id].fields.iter().filter_map(|inner| refers_to(&inner.ty)));
            }
        }
    }
    used.sort_unstable();
    used.dedup();
    used
}

fn constant(kind: &str, name: &str) -> Ident {
    Ident::new(&format!("{kind}_{}", name.to_uppercase()), Span::call_site())
}
