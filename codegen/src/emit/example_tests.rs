//! A test for every sample: requests are built through the public client from the sample's values,
//! replies and errors are read through it. The comparisons are written by hand, in
//! `gateway-rs/tests/it/exchange.rs`.

mod call;

use proc_macro2::{Ident, Literal, TokenStream};
use quote::{format_ident, quote};
use serde_json::Value;

use super::client::{self, errors};
use super::rust;
use crate::OutFile;
use crate::ir::{Example, Expect, Operation, Reply, Side, Spec};
use crate::name;

const PATH: &str = "gateway-rs/tests/it/generated_examples.rs";

/// What the tests may need; the comparisons are imported with the client's items.
const IMPORTS: rust::Imports = &[
    (
        "kess_gateway",
        &[
            "Client",
            "Date",
            "ErrorKind",
            "Outcome",
            "RawJson",
            "Sealed",
            "SignType",
            "Timestamp",
            "errors",
            "objects",
        ],
    ),
    (
        "crate::exchange",
        &[
            "Differences",
            "Expected",
            "amount",
            "answering",
            "assert_documented",
            "assert_error",
            "assert_reply",
            "assert_request",
            "client",
            "money",
        ],
    ),
];

pub(super) fn emit(spec: &Spec) -> Vec<OutFile> {
    let operations = client::services(spec).map(|operation| of_operation(spec, operation));
    let shapes = spec.error_examples.iter().map(of_shape);
    let sealed = call::sealed_objects(spec);
    let table = table_of_errors(spec);
    let items = quote! {
        #(#sealed)*
        #(#operations)*
        #(#shapes)*
        #table
    };
    let about = "Every sample of spec/examples, through the client and back.";
    vec![rust::file(PATH, about, &rust::with_imports(IMPORTS, &items))]
}

fn of_operation(spec: &Spec, operation: &Operation) -> TokenStream {
    let tests = operation.examples.iter().map(|example| match example.side {
        Side::Request => Some(request_test(spec, operation, example)),
        Side::Reply => Some(reply_test(spec, operation, example)),
        Side::Error => {
            let call = call::with_examples(spec, operation);
            error_test(&test_name(&operation.name, example), example, &call)
        }
    });
    quote!(#(#tests)*)
}

/// `withdraw_documented_request`.
fn test_name(owner: &str, example: &Example) -> Ident {
    let side = match example.side {
        Side::Request => "request",
        Side::Reply => "reply",
        Side::Error => "error",
    };
    format_ident!("{}_{}_{side}", owner, name::snake(&example.case))
}

fn sample(example: &Example) -> TokenStream {
    let path = format!("../../../spec/{}", example.path);
    quote!(include_str!(#path))
}

/// Builds the request from the sample's values and compares the body with the sample.
fn request_test(spec: &Spec, operation: &Operation, example: &Example) -> TokenStream {
    let name = test_name(&operation.name, example);
    let sample_text = sample(example);
    let built = call::from_sample(spec, operation, &example.json);
    let call = built.call;
    let sign_type = match example.json.get("sign_type").and_then(Value::as_str) {
        Some("MD5") => quote!(SignType::Md5),
        _ => quote!(SignType::HmacSha256),
    };
    let (added, sealed, respelled) = (built.added, built.sealed, built.respelled);
    quote! {
        #[test]
        fn #name() {
            let client = client(#sign_type);
            let body = #call.body().unwrap();
            let differences = Differences {
                added: &[#(#added),*],
                sealed: &[#(#sealed),*],
                respelled: &[#(#respelled),*],
            };
            assert_request(&body, #sample_text, &differences);
        }
    }
}

/// Reads the sample through the client, writes what was read, and compares.
fn reply_test(spec: &Spec, operation: &Operation, example: &Example) -> TokenStream {
    let name = test_name(&operation.name, example);
    let sample = sample(example);
    let call = call::with_examples(spec, operation);
    let items = match &operation.reply {
        Reply::Page(page) => {
            let key = &page.key;
            quote!(Some(#key))
        }
        _ => quote!(None),
    };
    quote! {
        #[tokio::test]
        async fn #name() {
            let sample = #sample;
            let client = answering(200, "application/json", sample);
            let reply = #call.send().await.unwrap();
            assert_reply(&reply.into_inner(), sample, #items);
        }
    }
}

/// Shapes are tried on a call that moves money, where the outcome matters most.
fn of_shape(example: &Example) -> Option<TokenStream> {
    let name = test_name("shape", example);
    let call = quote!(client.pay_khqr(money("2", "USD"), "KHQR"));
    error_test(&name, example, &call)
}

fn error_test(name: &Ident, example: &Example, call: &TokenStream) -> Option<TokenStream> {
    let text = |key: &str| example.json.get(key).and_then(Value::as_str).unwrap_or_default();
    let status = example.json.get("http_status").and_then(Value::as_u64).unwrap_or_default();
    let status = Literal::u64_unsuffixed(status);
    let body = match example.json.get("body") {
        // A text is the body itself: HTML, or JSON that is cut off.
        Some(Value::String(text)) => text.clone(),
        Some(json) => json.to_string(),
        None => String::new(),
    };
    let content_type = text("content_type");
    let expected = expected(example.expect.as_ref()?, &status);
    Some(quote! {
        #[tokio::test]
        async fn #name() {
            let body = #body;
            let client = answering(#status, #content_type, body);
            let error = #call.send().await.unwrap_err();
            let expected = #expected;
            assert_error(&error, &expected, body);
        }
    })
}

/// What the sample itself says it should be read as.
fn expected(expect: &Expect, status: &Literal) -> TokenStream {
    let optional = |text: Option<&str>| match text {
        Some(text) => quote!(Some(#text)),
        None => quote!(None),
    };
    let kind = name::ident(&format!("{:?}", expect.kind));
    let outcome = name::ident(&format!("{:?}", expect.outcome));
    let (code, message) = (optional(expect.code.as_deref()), optional(expect.message.as_deref()));
    quote! {
        Expected {
            kind: ErrorKind::#kind,
            code: #code,
            message: #message,
            outcome: Outcome::#outcome,
            status: #status,
        }
    }
}

/// The client's reading of each row, against the row.
fn table_of_errors(spec: &Spec) -> TokenStream {
    let kinds = spec.errors.iter().map(|row| format_ident!("{}", errors::kind(row.kind)));
    quote! {
        #[tokio::test]
        async fn errors_are_read_as_the_table_says() {
            let kinds = [#(ErrorKind::#kinds),*];
            for (row, kind) in errors::DOCUMENTED.iter().zip(kinds) {
                assert_eq!(row.kind, kind);
                assert_documented(row).await;
            }
        }
    }
}
