//! Open enumerations: a variant for each listed value, and one that keeps any other.

use std::collections::BTreeSet;

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use crate::OutFile;
use crate::emit::docs::{self, Spelling};
use crate::emit::rust::{self, doc};
use crate::ir::{Enum, EnumId, EnumValue, Spec};
use crate::name;

pub(super) fn emit(spec: &Spec, used: &BTreeSet<EnumId>, path: String) -> OutFile {
    let enums = used.iter().map(|&id| one(&spec[id]));
    let items = quote! {
        use crate::open_enum::open_enum;

        #(#enums)*
    };
    let about = "Lists of values to which the gateway may add: every one of them is open.\n\n\
                 A value that is not listed is kept in `Unknown` and goes out as it came. Blanks \
                 around a value are trimmed, its case is kept.";
    rust::file(path, about, &items)
}

/// The variants' names; values that would get the same one are numbered.
pub(in crate::emit) fn variants(values: &[EnumValue]) -> Vec<Ident> {
    let mut taken = BTreeSet::from(["Unknown".to_owned()]);
    let mut names = Vec::with_capacity(values.len());
    for value in values {
        let base = name::pascal(&value.value);
        let mut name = base.clone();
        let mut number = 2;
        while !taken.insert(name.clone()) {
            name = format!("{base}{number}");
            number += 1;
        }
        names.push(format_ident!("{name}"));
    }
    names
}

fn one(item: &Enum) -> TokenStream {
    let name = format_ident!("{}", name::pascal(&item.name));
    let about = doc(&docs::enumeration(Spelling::Rust, item));
    let variants = variants(&item.values);
    let values: Vec<&str> = item.values.iter().map(|value| value.value.as_str()).collect();
    let docs = item.values.iter().map(|value| doc(&docs::value(Spelling::Rust, value)));
    let titles = titles(item, &variants);
    quote! {
        #about
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum #name {
            #(#docs #variants,)*
            #[doc = " A value that this version does not know, as the gateway wrote it."]
            Unknown(Box<str>),
        }

        impl #name {
            #[doc = " The listed values, in the order of the documentation."]
            pub const LISTED: &'static [Self] = &[#(Self::#variants),*];

            #[doc = " The value on the wire."]
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    #(Self::#variants => #values,)*
                    Self::Unknown(text) => text,
                }
            }

            #titles
        }

        impl From<&str> for #name {
            fn from(text: &str) -> Self {
                match text.trim() {
                    #(#values => Self::#variants,)*
                    other => Self::Unknown(other.into()),
                }
            }
        }

        open_enum!(#name);
    }
}

/// The names for people, where the documentation has them.
fn titles(item: &Enum, variants: &[Ident]) -> TokenStream {
    if item.values.iter().all(|value| value.title.is_none()) {
        return TokenStream::new();
    }
    let titled = item.values.iter().zip(variants);
    let arms = titled.filter_map(|(value, variant)| {
        let title = value.title.as_ref()?;
        Some(quote!(Self::#variant => Some(#title),))
    });
    quote! {
        #[doc = " The name for people, where the documentation has one."]
        #[must_use]
        pub fn title(&self) -> Option<&'static str> {
            match self {
                #(#arms)*
                _ => None,
            }
        }
    }
}
