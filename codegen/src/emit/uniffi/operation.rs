//! `operations.rs`: a request for each operation, and a method of the core that sends it.
//!
//! The core is not what users call: the methods that they see are those of `kotlin` and `swift`,
//! and stand with their documentation there.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use super::{doc, ffi_type, record};
use crate::OutFile;
use crate::emit::client::operation::request_name;
use crate::emit::client::services;
use crate::emit::docs;
use crate::emit::input::Input;
use crate::ir::{ObjectId, Operation, Reply, Spec, Type};
use crate::name::{self, ident};

pub(super) fn emit(spec: &Spec) -> OutFile {
    let requests = services(spec).map(|operation| request(spec, operation));
    let pages = services(spec).map(|operation| pages(spec, operation));
    let methods = services(spec).map(|operation| method(spec, operation));
    let items = quote! {
        use crate::convert::Native;

        #(#requests)*

        #(#pages)*

        #[uniffi::export]
        impl GatewayCore {
            #(#methods)*
        }
    };
    super::file("operations", "The requests, and the methods that send them.", &items)
}

/// Whether there is anything to say in a request.
pub(super) fn has_request(operation: &Operation) -> bool {
    !operation.request.fields.is_empty()
}

/// The request of an operation that takes something; the client's own one where it takes nothing.
fn request(spec: &Spec, operation: &Operation) -> Option<TokenStream> {
    if !has_request(operation) {
        return None;
    }
    let name = request_name(operation);
    let inputs = Input::of_request(&operation.request.fields);
    let mut about = format!("What `{}` takes.", operation.name);
    if !operation.request.one_of.is_empty() {
        about.push_str(&format!("\n\n{}", docs::one_of(operation)));
    }
    let structure = record::structure(spec, &name, &doc(&about), &inputs);
    let made = record::made(&quote!(operations::#name), &inputs);
    let seals = inputs.iter().any(|input| matches!(input.field.ty, Type::Sealed(_)));
    let core = if seals { quote!(core) } else { quote!(_) };
    Some(quote! {
        #structure

        impl #name {
            fn into_operation(self, #core: &GatewayCore) -> Result<operations::#name, CallError> {
                #made
            }
        }
    })
}

fn method(spec: &Spec, operation: &Operation) -> TokenStream {
    let (method, answer) = (ident(&operation.name), answer(spec, &operation.reply));
    let about = doc(&operation.summary);
    let (argument, request) = passed(operation);
    let sends = quote! {
        #about
        pub async fn #method(
            &self,
            #argument
            options: CallOptions,
        ) -> Result<#answer, CallError> {
            self.send(#request, options).await
        }
    };
    match row(&operation.reply) {
        Some(_) => {
            let pages = pages_method(operation, &argument, &request);
            quote!(#sends #pages)
        }
        None => sends,
    }
}

/// The parameter of the request, and the request as the client takes it.
fn passed(operation: &Operation) -> (Option<TokenStream>, TokenStream) {
    let name = request_name(operation);
    if has_request(operation) {
        (Some(quote!(request: #name,)), quote!(request.into_operation(self)?))
    } else {
        (None, quote!(operations::#name::new()))
    }
}

fn pages_method(
    operation: &Operation,
    argument: &Option<TokenStream>,
    request: &TokenStream,
) -> TokenStream {
    let (method, name) = (format_ident!("{}_pages", operation.name), pages_name(operation));
    let about =
        doc(&format!("Goes through the rows of `{}`; nothing is sent yet.", operation.name));
    let by = match operation.reply {
        Reply::Range(_) => quote!(by_range),
        _ => quote!(by_page),
    };
    quote! {
        #about
        pub fn #method(
            &self,
            #argument
            options: CallOptions,
        ) -> Result<Arc<#name>, CallError> {
            let pieces = Pieces::#by(self.client(), #request, &options);
            Ok(Arc::new(#name(pieces)))
        }
    }
}

/// The object that goes through a list that comes in pieces.
fn pages(spec: &Spec, operation: &Operation) -> Option<TokenStream> {
    let item = format_ident!("{}", name::pascal(&spec[row(&operation.reply)?].name));
    let name = pages_name(operation);
    let about = doc(&format!("Goes through the rows of `{}`.", operation.name));
    Some(quote!(pages! { #about #name of #item }))
}

fn pages_name(operation: &Operation) -> Ident {
    format_ident!("{}Pages", name::pascal(&operation.name))
}

/// What a row of a list is that comes in pieces.
pub(super) fn row(reply: &Reply) -> Option<ObjectId> {
    match reply {
        Reply::Page(page) => Some(page.of),
        Reply::Range(range) => Some(range.of),
        Reply::Object(_) | Reply::List(_) | Reply::Any => None,
    }
}

fn answer(spec: &Spec, reply: &Reply) -> TokenStream {
    match reply {
        Reply::Object(id) => ffi_type::record(spec, *id),
        Reply::List(id) => {
            let item = ffi_type::record(spec, *id);
            quote!(Vec<#item>)
        }
        Reply::Page(page) => {
            let name = record::page_name(spec, page.of);
            quote!(records::#name)
        }
        Reply::Range(range) => ffi_type::record(spec, range.object),
        Reply::Any => quote!(Json),
    }
}
