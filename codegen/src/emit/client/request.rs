//! What requests and the objects inside them have in common: a constructor with what is required,
//! setters for the rest, the table of the fields, and the calls that write them.

use proc_macro2::{Ident, Literal, TokenStream};
use quote::quote;

use super::rust_type;
use crate::emit::docs::{self, Spelling};
use crate::emit::input::Input;
use crate::emit::rust::doc;
use crate::ir::{Charset, Field, Spec, Type, Wire};
use crate::name::ident;

/// A member of the struct: a field of the wire, or an amount together with its currency.
pub(in crate::emit) struct Member<'a> {
    pub(in crate::emit) name: Ident,
    pub(in crate::emit) field: &'a Field,
    /// The field of the wire that carries the currency of this amount.
    pub(in crate::emit) currency: Option<&'a Field>,
    pub(in crate::emit) required: bool,
    /// The type that is stored, without `Option`.
    ty: TokenStream,
    argument: TokenStream,
    /// What the setters and the constructor do with the argument.
    converted: TokenStream,
    pub(in crate::emit) about: String,
}

impl<'a> Member<'a> {
    /// The members of a request.
    pub(in crate::emit) fn of_request(spec: &Spec, fields: &'a [Field]) -> Vec<Self> {
        Input::of_request(fields).into_iter().map(|input| Self::new(spec, input)).collect()
    }

    /// The members of an object inside a request.
    pub(in crate::emit) fn of_object(spec: &Spec, fields: &'a [Field]) -> Vec<Self> {
        Input::of_object(fields).into_iter().map(|input| Self::new(spec, input)).collect()
    }

    fn new(spec: &Spec, input: Input<'a>) -> Self {
        let about = docs::input(Spelling::Rust, spec, &input);
        let Input { field, currency, required, .. } = input;
        let name = ident(&field.snake);
        if currency.is_some() {
            let (ty, converted) = (quote!(Money), quote!(#name));
            let argument = ty.clone();
            return Self { name, field, currency, required, ty, argument, converted, about };
        }
        let ty = rust_type::masked(spec, field);
        let argument = rust_type::argument(spec, field);
        let converted = rust_type::convert(field, &quote!(#name));
        Self { name, field, currency, required, ty, argument, converted, about }
    }

    fn converts(&self) -> bool {
        self.name != self.converted.to_string()
    }

    fn is_collection(&self) -> bool {
        rust_type::is_collection(&self.field.ty)
    }

    /// `name: Type` as an argument.
    pub(super) fn argument(&self) -> TokenStream {
        let (name, argument) = (&self.name, &self.argument);
        quote!(#name: #argument)
    }

    pub(in crate::emit) fn setter_name(&self) -> Ident {
        quote::format_ident!("set_{}", self.field.snake)
    }

    fn setter(&self) -> TokenStream {
        let (about, setter, argument) = (doc(&self.about), self.setter_name(), self.argument());
        let (name, converted) = (&self.name, &self.converted);
        let value =
            if self.is_collection() { quote!(#converted) } else { quote!(Some(#converted)) };
        quote! {
            #about
            #[must_use]
            pub fn #setter(mut self, #argument) -> Self {
                self.#name = #value;
                self
            }
        }
    }
}

/// The struct with its constructor and setters.
pub(super) fn structure(name: &Ident, about: &TokenStream, members: &[Member<'_>]) -> TokenStream {
    let stored = members.iter().map(|member| {
        let (name, ty) = (&member.name, &member.ty);
        if member.required || member.is_collection() {
            quote!(#name: #ty,)
        } else {
            quote!(#name: Option<#ty>,)
        }
    });
    let arguments = members.iter().filter(|member| member.required).map(Member::argument);
    let values = members.iter().map(|member| {
        let (name, converted) = (&member.name, &member.converted);
        match (member.required, member.is_collection()) {
            (true, _) if member.converts() => quote!(#name: #converted,),
            (true, _) => quote!(#name,),
            (false, true) => quote!(#name: Default::default(),),
            (false, false) => quote!(#name: None,),
        }
    });
    let setters = members.iter().filter(|member| !member.required).map(Member::setter);
    let constructor = constructor_doc(members);
    let lints = argument_lints(members, 0);
    let without_default = members.iter().all(|member| !member.required).then(|| {
        quote!(#[expect(clippy::new_without_default, reason = "`new` is how requests are made")])
    });
    quote! {
        #about
        #[derive(Debug, Clone)]
        pub struct #name {
            #(#stored)*
        }

        impl #name {
            #constructor
            #[must_use]
            #lints
            #without_default
            pub fn new(#(#arguments),*) -> Self {
                Self { #(#values)* }
            }

            #(#setters)*
        }
    }
}

/// An exception from the limit on arguments, where it is needed. `more` counts `self`.
pub(super) fn argument_lints(members: &[Member<'_>], more: usize) -> Option<TokenStream> {
    let count = members.iter().filter(|member| member.required).count() + more;
    (count > 7)
        .then(|| quote!(#[expect(clippy::too_many_arguments, reason = "each of them is required")]))
}

/// Says what each argument is.
fn constructor_doc(members: &[Member<'_>]) -> TokenStream {
    let mut text = String::from("With what is required.");
    for member in members.iter().filter(|member| member.required) {
        text.push_str("\n\n");
        text.push_str(&argument_doc(member));
    }
    doc(&text)
}

/// One item of a list of arguments.
pub(super) fn argument_doc(member: &Member<'_>) -> String {
    let text = member.about.replace("\n\n", " ").replace('\n', " ");
    format!("- `{}`: {text}", member.field.snake)
}

/// The rules of the fields, in the order of `fields`.
pub(super) fn field_specs(fields: &[&Field]) -> Vec<TokenStream> {
    fields.iter().map(|field| field_spec(field)).collect()
}

fn field_spec(field: &Field) -> TokenStream {
    let name = &field.name;
    let required = field.required.then(|| quote!(.required()));
    // Digits are digits without being told so.
    let charset = match (field.limits.charset, &field.ty) {
        (Some(Charset::AlnumDash), _) => Some(quote!(.charset(Charset::AlnumDash))),
        (Some(Charset::Hex), _) => Some(quote!(.charset(Charset::Hex))),
        (Some(Charset::Digits), _) | (None, Type::Digits) => {
            Some(quote!(.charset(Charset::Digits)))
        }
        (None, _) => None,
    };
    let max_chars = field.limits.max_length.map(|max| {
        let max = Literal::usize_unsuffixed(max);
        quote!(.max_chars(#max))
    });
    let min = field.limits.min.map(Literal::i64_unsuffixed).map(|min| quote!(.min(#min)));
    let max = field.limits.max.map(Literal::i64_unsuffixed).map(|max| quote!(.max(#max)));
    let as_text = is_written_as_text(&field.ty).then(|| quote!(.as_text()));
    quote!(FieldSpec::new(#name) #required #charset #max_chars #min #max #as_text)
}

fn is_written_as_text(ty: &Type) -> bool {
    matches!(
        ty,
        Type::Money { wire: Wire::Text, .. } | Type::Integer(Wire::Text) | Type::Flag(Wire::Text)
    )
}

/// The calls that write the fields, in the order of `fields`, which is that of the table.
pub(super) fn writes(members: &[Member<'_>], fields: &[&Field]) -> Vec<TokenStream> {
    let calls = fields.iter().enumerate().filter_map(|(index, field)| {
        let own = members.iter().find(|member| member.field.name == field.name);
        let paired = || members.iter().find(|m| m.currency.is_some_and(|c| c.name == field.name));
        let member = own.or_else(paired)?;
        let name = &member.name;
        let value = match (member.currency, own, member.required) {
            (Some(_), Some(_), true) => quote!(&self.#name.amount()),
            (Some(_), Some(_), false) => quote!(&self.#name.as_ref().map(Money::amount)),
            (Some(_), None, true) => quote!(self.#name.currency()),
            (Some(_), None, false) => quote!(&self.#name.as_ref().map(Money::currency)),
            (None, _, _) => quote!(&self.#name),
        };
        let index = Literal::usize_unsuffixed(index);
        let call = if rust_type::is_compound(&field.ty) { quote!(unsigned) } else { quote!(field) };
        Some(quote!(out.#call(&Self::FIELDS[#index], #value);))
    });
    calls.collect()
}
