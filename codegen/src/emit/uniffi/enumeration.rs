//! `enums.rs`: the open enumerations, with a variant that keeps what is not listed.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use super::doc;
use crate::OutFile;
use crate::emit::client::enumeration::variants;
use crate::emit::client::enums_in_use;
use crate::emit::docs::{self, Spelling};
use crate::ir::{Enum, Spec};
use crate::name;

pub(super) fn emit(spec: &Spec) -> OutFile {
    let enums = enums_in_use(spec);
    let enums = enums.iter().map(|id| one(&spec[*id]));
    let about = "Lists of values to which the gateway may add: every one of them is open.\n\n\
                 A value that is not listed is kept in `Unknown` and goes out as it came.";
    super::file("enums", about, &quote!(#(#enums)*))
}

fn one(item: &Enum) -> TokenStream {
    let name = format_ident!("{}", name::pascal(&item.name));
    let about = doc(&docs::enumeration(Spelling::Interface, item));
    let variants = variants(&item.values);
    let docs = item.values.iter().map(|value| doc(&docs::value(Spelling::Interface, value)));
    let titled = item.values.iter().any(|value| value.title.is_some());
    let title = titled.then(|| {
        quote! {
            #[uniffi::export]
            impl #name {
                #[doc = " The name for people, where the documentation has one."]
                pub fn display_name(&self) -> Option<String> {
                    self.native().title().map(str::to_owned)
                }
            }
        }
    });
    quote! {
        #about
        #[derive(Debug, Clone, PartialEq, Eq, Hash, uniffi::Enum)]
        #[uniffi::export(Display)]
        pub enum #name {
            #(#docs #variants,)*
            #[doc = " A value that this version does not know."]
            Unknown {
                #[doc = " As the gateway wrote it, or as it is to be sent."]
                value: String,
            },
        }

        open_enum!(#name: #(#variants),*);

        #title
    }
}
