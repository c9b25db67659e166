//! Objects: read from replies, or written into requests.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use super::request::{self, Member};
use super::rust_type;
use crate::OutFile;
use crate::emit::docs::{self, Spelling};
use crate::emit::rust::{self, doc};
use crate::ir::{Field, Object, Spec};
use crate::name::{self, ident};

pub(super) fn emit(spec: &Spec, path: String) -> OutFile {
    let objects = spec.objects.iter().filter_map(|object| match object.role {
        role if role.reply => Some(read(spec, object)),
        role if role.request || role.sealed => Some(written(spec, object)),
        _ => None,
    });
    let items = rust::with_imports(rust::CLIENT_IMPORTS, &quote!(#(#objects)*));
    let about = "The objects that stand in requests and replies.\n\n\
                 Those of replies have public fields and grow with the gateway. Those of requests \
                 are made by `new` with what is required, and completed by `set_*`.";
    rust::file(path, about, &items)
}

fn about(object: &Object) -> TokenStream {
    doc(&docs::object(Spelling::Rust, object))
}

/// An object of a reply: public fields, read leniently.
fn read(spec: &Spec, object: &Object) -> TokenStream {
    let name = format_ident!("{}", name::pascal(&object.name));
    let (about, title) = (about(object), &object.name);
    let fields = object.fields.iter().map(|field| read_field(spec, field));
    quote! {
        #about
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[non_exhaustive]
        pub struct #name {
            #(#fields)*
        }

        impl ReplyObject for #name {
            const NAME: &'static str = #title;
        }
    }
}

/// A field of a reply.
fn read_field(spec: &Spec, field: &Field) -> TokenStream {
    let about = doc(&docs::field(Spelling::Rust, spec, field));
    let (name, ty) = (ident(&field.snake), rust_type::stored(spec, field));
    let rename = (field.snake != field.name).then(|| {
        let wire = &field.name;
        quote!(rename = #wire,)
    });
    let absent = (!field.required || rust_type::is_collection(&field.ty)).then(|| quote!(default,));
    quote! {
        #about
        #[serde(#rename #absent deserialize_with = "crate::decode::field")]
        pub #name: #ty,
    }
}

/// An object of a request, in plain JSON or sealed.
fn written(spec: &Spec, object: &Object) -> TokenStream {
    let name = format_ident!("{}", name::pascal(&object.name));
    let (about, title) = (about(object), &object.name);
    let members = Member::of_object(spec, &object.fields);
    let sealable = object.role.sealed.then(|| quote!(impl Sealable for #name {}));
    let body = request::structure(&name, &about, &members);
    // Documented order: nothing here is signed by itself.
    let order: Vec<&Field> = object.fields.iter().collect();
    let specs = request::field_specs(&order);
    let writes = request::writes(&members, &order);
    quote! {
        #body

        impl #name {
            const FIELDS: &'static [FieldSpec] = &[#(#specs),*];
        }

        impl WireObject for #name {
            const NAME: &'static str = #title;

            fn encode(&self, out: &mut Encoder<'_>) {
                #(#writes)*
            }
        }

        #sealable
    }
}
