//! The Rust client: requests and their operations, objects, open enumerations, the table of errors.
//!
//! What is generated is data and one-line forwarding; the runtime in `gateway-rs/src` does the
//! rest. The token endpoint has no generated client: the runtime asks for tokens by itself.

pub(super) mod enumeration;
pub(super) mod errors;
mod object;
pub(super) mod operation;
mod page;
pub(super) mod request;
pub(super) mod rust_type;

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::TokenStream;
use quote::quote;

use super::rust;
use crate::OutFile;
use crate::ir::{EnumId, Field, Object, Operation, Route, Spec, Type};
use crate::name::ident;

/// The folder of the modules, and the stem of the file that declares them.
const ROOT: &str = "gateway-rs/src/generated";

pub(super) fn emit(spec: &Spec) -> Vec<OutFile> {
    let mut sections: BTreeMap<&str, Vec<&Operation>> = BTreeMap::new();
    for operation in services(spec) {
        sections.entry(&operation.module).or_default().push(operation);
    }
    let mut files = vec![
        root(&sections),
        object::emit(spec, format!("{ROOT}/objects.rs")),
        enumeration::emit(spec, &enums_in_use(spec), format!("{ROOT}/enums.rs")),
        errors::emit(spec, format!("{ROOT}/errors.rs")),
    ];
    for (module, operations) in &sections {
        let path = format!("{ROOT}/operations/{module}.rs");
        files.push(operation::emit(spec, operations, path));
    }
    files
}

/// The operations that the client has: all behind the gateway's endpoint.
pub(super) fn services(spec: &Spec) -> impl Iterator<Item = &Operation> {
    spec.operations.iter().filter(|operation| matches!(operation.route, Route::Service(_)))
}

/// Objects that are read: in replies and notices.
pub(super) fn read_objects(spec: &Spec) -> impl Iterator<Item = &Object> {
    spec.objects.iter().filter(|object| object.role.reply)
}

/// Objects that are given: in requests, in plain JSON or sealed. None is both, a lint sees to it.
pub(super) fn given_objects(spec: &Spec) -> impl Iterator<Item = &Object> {
    spec.objects.iter().filter(|object| object.role.request || object.role.sealed)
}

fn root(sections: &BTreeMap<&str, Vec<&Operation>>) -> OutFile {
    let modules = sections.keys().map(|module| ident(module));
    let exports = sections.keys().map(|module| ident(module));
    let items: TokenStream = quote! {
        pub mod enums;
        pub mod errors;
        pub mod objects;

        #[doc = " The requests, one for each service."]
        pub mod operations {
            #(mod #modules;)*
            #(pub use #exports::*;)*
        }
    };
    let about = "Everything in the client that comes from the spec.";
    rust::file(format!("{ROOT}.rs"), about, &items)
}

/// The open enums that some request or generated object holds. The others stand for what the
/// runtime has by hand, such as the kinds of signature.
pub(super) fn enums_in_use(spec: &Spec) -> BTreeSet<EnumId> {
    let requests = services(spec).flat_map(|operation| &operation.request.fields);
    let objects = spec.objects.iter().filter(|object| object.role != Default::default());
    let fields = requests.chain(objects.flat_map(|object| &object.fields));
    fields.filter_map(enum_of).filter(|id| !spec[*id].closed).collect()
}

fn enum_of(field: &Field) -> Option<EnumId> {
    match field.ty.innermost() {
        Type::Enum(id) => Some(*id),
        _ => None,
    }
}
