//! `records.rs`: a record for each object, with the conversion between the two.
//!
//! Those that are read become records of what the gateway answered; those that are given become
//! objects of a request. A request is given, too, and so `operation` makes it here.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use super::{doc, ffi_type};
use crate::OutFile;
use crate::emit::client::rust_type::is_collection;
use crate::emit::client::{given_objects, read_objects};
use crate::emit::docs::{self, Spelling};
use crate::emit::input::Input;
use crate::emit::rust;
use crate::ir::{Field, Object, ObjectId, Spec, Type};
use crate::name::{self, ident};

pub(super) fn emit(spec: &Spec) -> OutFile {
    let given = given_objects(spec).map(|object| given(spec, object));
    let read = read_objects(spec).map(|object| read(spec, object));
    let pages = page_items(spec).into_iter().map(|id| page(spec, id));
    let about = "The records that stand in requests and replies.\n\n\
                 Those of replies are made by the library, and grow with the gateway. Those of \
                 requests are made by name; what is optional may be left out.";
    // Its method is all that requests show of it, so no table of imports would find it.
    let items = quote! {
        use crate::convert::Native;

        #(#given)* #(#read)* #(#pages)*
    };
    super::file("records", about, &items)
}

fn read(spec: &Spec, object: &Object) -> TokenStream {
    let name = format_ident!("{}", name::pascal(&object.name));
    let about = doc(&docs::object(Spelling::Interface, object));
    let fields = object.fields.iter().map(|field| read_field(spec, field));
    let others = object.fields.iter().filter_map(|field| {
        let (name, other) = (ident(&field.snake), other(field)?);
        Some(quote!(let (#name, #other) = with_other(self.#name);))
    });
    let values = object.fields.iter().map(|field| {
        let name = ident(&field.snake);
        match other(field) {
            Some(other) => quote!(#name, #other),
            None => quote!(#name: self.#name.into_foreign()),
        }
    });
    quote! {
        #about
        #[derive(Debug, Clone, uniffi::Record)]
        pub struct #name {
            #(#fields)*
        }

        impl Foreign for objects::#name {
            type Foreign = #name;

            fn into_foreign(self) -> #name {
                #(#others)*
                #name { #(#values),* }
            }
        }
    }
}

/// A field of a reply; what may have another shape than the documented one is two.
fn read_field(spec: &Spec, field: &Field) -> TokenStream {
    let about = doc(&docs::field(Spelling::Interface, spec, field));
    let name = ident(&field.snake);
    let (Type::Variable(id), Some(other)) = (&field.ty, other(field)) else {
        let ty = ffi_type::read(spec, field);
        return quote!(#about pub #name: #ty,);
    };
    let known = ffi_type::record(spec, *id);
    let about_other =
        doc(&format!("`{}`, where it has another shape: as the gateway wrote it.", field.name));
    quote! {
        #about
        pub #name: Option<#known>,
        #about_other
        pub #other: Option<Json>,
    }
}

/// The name under which another shape of the field is kept.
fn other(field: &Field) -> Option<Ident> {
    matches!(field.ty, Type::Variable(_)).then(|| format_ident!("{}_other", field.snake))
}

fn given(spec: &Spec, object: &Object) -> TokenStream {
    let name = format_ident!("{}", name::pascal(&object.name));
    let about = doc(&docs::object(Spelling::Interface, object));
    let inputs = Input::of_object(&object.fields);
    let structure = structure(spec, &name, &about, &inputs);
    let made = made(&quote!(objects::#name), &inputs);
    quote! {
        #structure

        impl Native for #name {
            type Native = objects::#name;

            fn into_native(self, _: &'static str) -> Result<objects::#name, CallError> {
                #made
            }
        }
    }
}

/// A record that is given: what is required stands first.
pub(super) fn structure(
    spec: &Spec,
    name: &Ident,
    about: &TokenStream,
    inputs: &[Input<'_>],
) -> TokenStream {
    let mut inputs: Vec<&Input<'_>> = inputs.iter().collect();
    inputs.sort_by_key(|input| !input.required);
    let fields = inputs.into_iter().map(|input| {
        let about = doc(&docs::input(Spelling::Interface, spec, input));
        let (name, ty) = (ident(&input.field.snake), ffi_type::given(spec, input));
        let default = (!input.required).then(|| match input.field.ty {
            Type::List(_) => quote!(#[uniffi(default = [])]),
            Type::Map(_) => quote!(#[uniffi(default)]),
            _ => quote!(#[uniffi(default = None)]),
        });
        quote!(#about #default pub #name: #ty,)
    });
    quote! {
        #about
        #[derive(Debug, Clone, uniffi::Record)]
        pub struct #name {
            #(#fields)*
        }
    }
}

/// The client's own request or object, made with what is required, completed with what is there.
pub(super) fn made(ty: &TokenStream, inputs: &[Input<'_>]) -> TokenStream {
    let required = inputs.iter().filter(|input| input.required);
    let required = required.map(|input| {
        let name = ident(&input.field.snake);
        native(input.field, &quote!(self.#name))
    });
    let completed = inputs.iter().filter(|input| !input.required).map(|input| {
        let name = ident(&input.field.snake);
        let setter = format_ident!("set_{}", input.field.snake);
        if is_collection(&input.field.ty) {
            let value = native(input.field, &quote!(self.#name));
            return quote!(if !self.#name.is_empty() { made = made.#setter(#value); });
        }
        let value = native(input.field, &quote!(value));
        quote!(if let Some(value) = self.#name { made = made.#setter(#value); })
    });
    rust::made(ty, required, completed)
}

/// The value as the client has it. What is sealed is sealed here, with the gateway's own key.
fn native(field: &Field, value: &TokenStream) -> TokenStream {
    let name = &field.snake;
    match &field.ty {
        Type::Sealed(_) => quote!(core.seal(#value, #name)?),
        Type::Variable(_) => quote!(Variable::Known(#value.into_native(#name)?)),
        _ => quote!(#value.into_native(#name)?),
    }
}

/// Objects that come by page, each once.
fn page_items(spec: &Spec) -> Vec<ObjectId> {
    let mut items: Vec<ObjectId> = Vec::new();
    for operation in crate::emit::client::services(spec) {
        if let crate::ir::Reply::Page(page) = &operation.reply
            && !items.contains(&page.of)
        {
            items.push(page.of);
        }
    }
    items
}

/// The record of a page of an object.
pub(super) fn page_name(spec: &Spec, item: ObjectId) -> Ident {
    format_ident!("{}Page", name::pascal(&spec[item].name))
}

fn page(spec: &Spec, item: ObjectId) -> TokenStream {
    let (name, object) =
        (page_name(spec, item), format_ident!("{}", name::pascal(&spec[item].name)));
    let about = doc(&format!("One page of a list of `{object}`."));
    quote! {
        #about
        #[derive(Debug, Clone, uniffi::Record)]
        pub struct #name {
            #[doc = " The rows of this page."]
            pub items: Vec<#object>,
            #[doc = " The number of this page, from 1."]
            pub current_page: Option<i64>,
            #[doc = " The number of the last page."]
            pub last_page: Option<i64>,
            #[doc = " How many rows there are on all pages."]
            pub total: Option<i64>,
            #[doc = " How many rows a page has."]
            pub per_page: Option<i64>,
        }

        impl Foreign for Page<objects::#object> {
            type Foreign = #name;

            fn into_foreign(self) -> #name {
                #name {
                    items: self.items.into_foreign(),
                    current_page: self.current_page,
                    last_page: self.last_page,
                    total: self.total,
                    per_page: self.per_page,
                }
            }
        }
    }
}
