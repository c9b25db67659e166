//! Requests: the struct, its [`Operation`] impl, the method of the client, the setters of the call.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use super::request::{self, Member};
use super::{page, rust_type};
use crate::OutFile;
use crate::emit::docs::{self, Spelling};
use crate::emit::rust::{self, doc, prose};
use crate::ir::{Effect, Field, Idempotency, Operation, Reply, Spec, Type};
use crate::name::{self, ident};

/// One section of the documentation.
pub(super) fn emit(spec: &Spec, operations: &[&Operation], path: String) -> OutFile {
    let items = operations.iter().map(|operation| one(spec, operation));
    let items = rust::with_imports(rust::CLIENT_IMPORTS, &quote!(#(#items)*));
    let section = operations.first().map_or("", |operation| operation.section.as_str());
    let about = format!("Requests of the documentation's section \"{}\".", prose(section));
    rust::file(path, &about, &items)
}

/// `WithdrawRequest`.
pub(in crate::emit) fn request_name(operation: &Operation) -> Ident {
    format_ident!("{}Request", name::pascal(&operation.name))
}

fn one(spec: &Spec, operation: &Operation) -> TokenStream {
    let name = request_name(operation);
    let members = Member::of_request(spec, &operation.request.fields);
    let about = doc(&format!(
        "{}\n\n[`Client::{}`](crate::Client::{}) makes it.",
        docs::operation(Spelling::Rust, spec, operation),
        operation.name,
        operation.name
    ));
    let structure = request::structure(&name, &about, &members);
    let implementation = implementation(spec, operation, &name, &members);
    let method = method(spec, operation, &name, &members);
    let setters = call_setters(&name, &members);
    let pages = page::emit(spec, operation, &name);
    quote! {
        #structure
        #implementation
        #method
        #setters
        #pages
    }
}

/// The keys of a body in byte order, `service` and `sign_type` among them.
enum Key<'a> {
    Service,
    SignType,
    SellerCode(&'a Field),
    /// With its place in the table.
    Field(usize),
}

fn implementation(
    spec: &Spec,
    operation: &Operation,
    name: &Ident,
    members: &[Member<'_>],
) -> TokenStream {
    let mut fields: Vec<&Field> =
        operation.request.fields.iter().filter(|field| field.name != "seller_code").collect();
    fields.sort_by(|a, b| a.name.as_bytes().cmp(b.name.as_bytes()));
    let specs = request::field_specs(&fields);
    let writes = request::writes(members, &fields);
    let calls = keys(operation, &fields).into_iter().map(|key| match key {
        Key::Service => quote!(out.service();),
        Key::SignType => quote!(out.sign_type();),
        Key::SellerCode(field) => {
            let name = ident(&field.snake);
            quote!(out.seller_code(self.#name.as_deref());)
        }
        Key::Field(index) => writes[index].clone(),
    });
    let (reply, meta) = (reply(spec, operation), meta(operation));
    let table = (!specs.is_empty())
        .then(|| quote!(impl #name { const FIELDS: &'static [FieldSpec] = &[#(#specs),*]; }));
    quote! {
        #table

        impl Operation for #name {
            type Reply = #reply;

            const META: OperationMeta = #meta;

            fn encode(&self, out: &mut Encoder<'_>) {
                #(#calls)*
            }
        }
    }
}

fn keys<'a>(operation: &'a Operation, fields: &[&Field]) -> Vec<Key<'a>> {
    let mut keys: Vec<(&str, Key<'a>)> =
        vec![("service", Key::Service), ("sign_type", Key::SignType)];
    for field in &operation.request.fields {
        let key = match fields.iter().position(|other| other.name == field.name) {
            Some(index) => Key::Field(index),
            None => Key::SellerCode(field),
        };
        keys.push((&field.name, key));
    }
    keys.sort_by(|a, b| a.0.as_bytes().cmp(b.0.as_bytes()));
    keys.into_iter().map(|(_, key)| key).collect()
}

fn meta(operation: &Operation) -> TokenStream {
    let service = operation.service().unwrap_or_default();
    let name = &operation.name;
    let effect = match operation.effect {
        Effect::Read => quote!(Effect::Read),
        Effect::Write => quote!(Effect::Write),
        Effect::Money => quote!(Effect::Money),
    };
    let idempotency = match operation.idempotency {
        Idempotency::None => quote!(Idempotency::None),
        Idempotency::OutTradeNo => quote!(Idempotency::OutTradeNo),
    };
    let groups = operation.request.one_of.iter().map(|group| quote!(&[#(#group),*]));
    quote! {
        OperationMeta {
            service: #service,
            name: #name,
            effect: #effect,
            idempotency: #idempotency,
            one_of: &[#(#groups),*],
        }
    }
}

fn reply(spec: &Spec, operation: &Operation) -> TokenStream {
    match &operation.reply {
        Reply::Object(id) => rust_type::of(spec, &Type::Object(*id)),
        Reply::List(id) => rust_type::of(spec, &Type::List(Box::new(Type::Object(*id)))),
        Reply::Page(page) => {
            let item = rust_type::of(spec, &Type::Object(page.of));
            quote!(Page<#item>)
        }
        Reply::Range(range) => rust_type::of(spec, &Type::Object(range.object)),
        Reply::Any => quote!(RawJson),
    }
}

fn method(spec: &Spec, operation: &Operation, name: &Ident, members: &[Member<'_>]) -> TokenStream {
    let method = ident(&operation.name);
    let required: Vec<&Member<'_>> = members.iter().filter(|member| member.required).collect();
    let arguments = required.iter().map(|member| member.argument());
    let names = required.iter().map(|member| &member.name);
    let lints = request::argument_lints(members, 1);
    let about = doc(&method_doc(spec, operation, members));
    quote! {
        impl Client {
            #about
            #lints
            pub fn #method(&self, #(#arguments),*) -> Call<'_, #name> {
                Call::new(self, #name::new(#(#names),*))
            }
        }
    }
}

fn method_doc(spec: &Spec, operation: &Operation, members: &[Member<'_>]) -> String {
    let mut text = docs::operation(Spelling::Rust, spec, operation);
    let (required, optional): (Vec<_>, Vec<_>) = members.iter().partition(|member| member.required);
    if !required.is_empty() {
        text.push_str("\n\n# Arguments");
        for member in required {
            text.push('\n');
            text.push_str(&request::argument_doc(member));
        }
    }
    if !optional.is_empty() {
        let request = request_name(operation);
        let links = optional.iter().map(|member| {
            let setter = member.setter_name();
            format!("[`{setter}`](crate::operations::{request}::{setter})")
        });
        let links: Vec<String> = links.collect();
        text.push_str(&format!("\n\nOptional: {}.", links.join(", ")));
    }
    if !operation.request.one_of.is_empty() {
        text.push_str(&format!(" {}", docs::one_of(operation)));
    }
    let errors = docs::errors(Spelling::Rust, operation);
    format!("{text}\n\n# Errors\n{errors}\n\n{}", example(spec, operation, members))
}

/// A call that compiles. Its arguments are taken as given, so that none of them is made up.
fn example(spec: &Spec, operation: &Operation, members: &[Member<'_>]) -> String {
    let required: Vec<&Member<'_>> = members.iter().filter(|member| member.required).collect();
    let mut given = String::new();
    let mut passed = Vec::new();
    for member in required {
        passed.push(match literal(member) {
            Some(literal) => literal,
            None => {
                let (name, ty) = (&member.name, stored_type(spec, member));
                given.push_str(&format!(", {name}: {ty}"));
                name.to_string()
            }
        });
    }
    let (method, passed) = (ident(&operation.name), passed.join(", "));
    let lines = [
        "# Example",
        "```no_run",
        "# use kess_gateway::*;",
        &format!("# async fn example(client: Client{given}) -> Result<(), Error> {{"),
        &format!("let reply = client.{method}({passed}).send().await?;"),
        "# Ok(())",
        "# }",
        "```",
    ];
    lines.join("\n")
}

/// The argument as it would be written; `None` for what cannot be written in a word.
fn literal(member: &Member<'_>) -> Option<String> {
    let example = member.field.example.as_deref();
    if member.currency.is_some() {
        let example = example.filter(|text| text.parse::<rust_decimal::Decimal>().is_ok());
        return Some(format!("Money::usd({:?})?", example.unwrap_or("10.50")));
    }
    match &member.field.ty {
        Type::Text | Type::Digits | Type::Url | Type::Enum(_) | Type::Currency => {
            Some(format!("{:?}", example.unwrap_or("...")))
        }
        Type::Integer(_) => Some(example.filter(|text| text.parse::<i64>().is_ok())?.to_owned()),
        Type::Date => Some(format!("{:?}.parse()?", example?)),
        Type::Money { .. } | Type::Decimal => Some(format!("{:?}.parse()?", example?)),
        _ => None,
    }
}

/// The type of an argument that the example takes as given.
fn stored_type(spec: &Spec, member: &Member<'_>) -> String {
    rust_type::masked(spec, member.field).to_string().replace(' ', "")
}

/// `set_*` of the call, which forward to those of the request.
fn call_setters(name: &Ident, members: &[Member<'_>]) -> Option<TokenStream> {
    let optional: Vec<&Member<'_>> = members.iter().filter(|member| !member.required).collect();
    let setters = optional.iter().map(|member| {
        let (about, setter) = (doc(&member.about), member.setter_name());
        let (argument, value) = (member.argument(), &member.name);
        quote! {
            #about
            pub fn #setter(self, #argument) -> Self {
                self.map(|request| request.#setter(#value))
            }
        }
    });
    let setters: Vec<TokenStream> = setters.collect();
    (!setters.is_empty()).then(|| quote!(impl Call<'_, #name> { #(#setters)* }))
}
