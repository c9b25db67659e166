//! A call of the client, written out: from the values of a sample, or from the examples of the
//! spec.

use proc_macro2::{Ident, Literal, TokenStream};
use quote::{format_ident, quote};
use serde_json::{Map, Value};

use crate::emit::client::request::Member;
use crate::ir::{Field, Object, ObjectId, Operation, Spec, Type};
use crate::name::{self, ident};

/// A call built from a sample, and how its body differs from it.
pub(super) struct Built {
    pub(super) call: TokenStream,
    pub(super) added: Vec<String>,
    pub(super) sealed: Vec<String>,
    pub(super) respelled: Vec<String>,
}

/// `client.withdraw(...).set_expires_in(300)` with the values of the sample. A required field that
/// the sample lacks gets the example of the spec, and is noted.
pub(super) fn from_sample(spec: &Spec, operation: &Operation, sample: &Value) -> Built {
    let empty = Map::new();
    let values = sample.as_object().unwrap_or(&empty);
    let members = Member::of_request(spec, &operation.request.fields);
    let method = ident(&operation.name);
    let arguments = members.iter().filter(|m| m.required).map(|m| argument(spec, m, values));
    let setters = members.iter().filter(|m| !m.required && values.contains_key(&m.field.name));
    let setters = setters.map(|member| {
        let (setter, value) = (member.setter_name(), argument(spec, member, values));
        quote!(.#setter(#value))
    });
    let call = quote!(client.#method(#(#arguments),*) #(#setters)*);
    let fields = &operation.request.fields;
    let always = |field: &&Field| field.required || field.name == "seller_code";
    let mut added: Vec<String> = fields
        .iter()
        .filter(|field| always(field) && !values.contains_key(&field.name))
        .map(|field| field.name.clone())
        .collect();
    added.extend(["sign", "sign_type"].map(str::to_owned));
    added.retain(|name| !values.contains_key(name));
    let sealed = fields.iter().filter(|field| matches!(field.ty, Type::Sealed(_)));
    let respelled = values.get("service").and_then(Value::as_str) != operation.service();
    Built {
        call,
        added,
        sealed: sealed.map(|field| field.name.clone()).collect(),
        respelled: respelled.then(|| "service".to_owned()).into_iter().collect(),
    }
}

/// The call with what is required, from the examples of the spec.
pub(super) fn with_examples(spec: &Spec, operation: &Operation) -> TokenStream {
    let members = Member::of_request(spec, &operation.request.fields);
    let (method, none) = (ident(&operation.name), Map::new());
    let arguments = members.iter().filter(|m| m.required).map(|m| argument(spec, m, &none));
    // Of each group, the first will do.
    let firsts = operation.request.one_of.iter().filter_map(|group| {
        members.iter().find(|member| Some(&member.field.name) == group.first())
    });
    let setters = firsts.map(|member| {
        let (setter, value) = (member.setter_name(), argument(spec, member, &none));
        quote!(.#setter(#value))
    });
    quote!(client.#method(#(#arguments),*) #(#setters)*)
}

/// A function for each object that is sealed, made of the examples of its fields.
pub(super) fn sealed_objects(spec: &Spec) -> Vec<TokenStream> {
    let mut used: Vec<ObjectId> = Vec::new();
    for operation in crate::emit::client::services(spec) {
        for field in &operation.request.fields {
            if let Type::Sealed(id) = field.ty
                && !used.contains(&id)
            {
                used.push(id);
            }
        }
    }
    used.sort();
    let functions = used.into_iter().map(|id| {
        let object = &spec[id];
        let (function, ty) = (sealed_function(object), type_name(object));
        let value = object_value(spec, object, &Map::new());
        let about = format!(" The example of `{}`, sealed.", object.name);
        quote! {
            #[doc = #about]
            fn #function(client: &Client) -> Sealed<objects::#ty> {
                client.seal(&#value).unwrap()
            }
        }
    });
    functions.collect()
}

fn sealed_function(object: &Object) -> Ident {
    format_ident!("sealed_{}", object.name)
}

fn type_name(object: &Object) -> Ident {
    format_ident!("{}", name::pascal(&object.name))
}

/// The argument for a member, from the sample or else from the example of the spec.
fn argument(spec: &Spec, member: &Member<'_>, values: &Map<String, Value>) -> TokenStream {
    let value = values.get(&member.field.name);
    match member.currency {
        Some(currency) => {
            let amount = text(member.field, value, "10");
            let currency = text(currency, values.get(&currency.name), "USD");
            quote!(money(#amount, #currency))
        }
        None => expression(spec, member.field, &member.field.ty, value),
    }
}

/// The value as text: from the sample, or the example of the spec, or anything.
fn text(field: &Field, value: Option<&Value>, fallback: &str) -> String {
    match value {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => field.example.clone().unwrap_or_else(|| fallback.to_owned()),
    }
}

fn expression(spec: &Spec, field: &Field, ty: &Type, value: Option<&Value>) -> TokenStream {
    match ty {
        Type::Text | Type::Url | Type::Enum(_) | Type::Currency => {
            let text = text(field, value, "example");
            quote!(#text)
        }
        Type::Digits => {
            let text = text(field, value, "0");
            quote!(#text)
        }
        Type::Integer(_) => {
            let number = text(field, value, "1").parse::<i64>().unwrap_or(1);
            let number = Literal::i64_unsuffixed(number);
            quote!(#number)
        }
        Type::Flag(_) => {
            let flag = matches!(text(field, value, "1").as_str(), "1" | "true");
            quote!(#flag)
        }
        Type::Money { .. } | Type::Decimal => {
            let text = text(field, value, "10");
            quote!(amount(#text))
        }
        Type::Date => {
            let text = text(field, value, "2022-01-15");
            quote!(#text.parse::<Date>().unwrap())
        }
        Type::DateTime => {
            let text = text(field, value, "2022-01-15T00:00:00Z");
            quote!(Timestamp::from(#text))
        }
        Type::Sealed(id) => {
            let function = sealed_function(&spec[*id]);
            quote!(#function(&client))
        }
        Type::Object(id) | Type::Variable(id) => {
            let empty = Map::new();
            let values = value.and_then(Value::as_object).unwrap_or(&empty);
            object_value(spec, &spec[*id], values)
        }
        Type::Any => {
            let json = value.map_or_else(|| "null".to_owned(), Value::to_string);
            quote!(RawJson::parse(#json).unwrap())
        }
        Type::List(of) => {
            let values = value.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
            let items = values.iter().map(|value| expression(spec, field, of, Some(value)));
            quote!(vec![#(#items.into()),*])
        }
        Type::Map(of) => {
            let empty = Map::new();
            let values = value.and_then(Value::as_object).unwrap_or(&empty);
            let entries = values.iter().map(|(key, value)| {
                let value = expression(spec, field, of, Some(value));
                quote!((#key.to_owned(), #value.into()))
            });
            quote!(std::collections::BTreeMap::from([#(#entries),*]))
        }
    }
}

/// `objects::Customer::new(...).set_...(...)`.
fn object_value(spec: &Spec, object: &Object, values: &Map<String, Value>) -> TokenStream {
    let ty = type_name(object);
    let members = Member::of_object(spec, &object.fields);
    let arguments = members.iter().filter(|m| m.required).map(|m| argument(spec, m, values));
    let setters = members.iter().filter(|m| !m.required && values.contains_key(&m.field.name));
    let setters = setters.map(|member| {
        let (setter, value) = (member.setter_name(), argument(spec, member, values));
        quote!(.#setter(#value))
    });
    quote!(objects::#ty::new(#(#arguments),*) #(#setters)*)
}
