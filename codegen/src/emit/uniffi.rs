//! Kotlin and Swift through UniFFI: the records, enumerations and operations of the library's
//! interface.
//!
//! Everything here says what the client of `emit::client` says, with the same names; only the types
//! are those that both languages have. As there, what is generated is data and one-line forwarding:
//! the hand-written modules of `bindings/uniffi` do the rest.

mod calls;
mod comment;
mod enumeration;
mod face;
mod ffi_type;
mod kotlin;
mod language;
mod operation;
mod record;
mod samples;
mod swift;

use proc_macro2::TokenStream;

use super::rust::{self, Imports};
use crate::OutFile;
use crate::ir::Spec;

/// The folder of the modules.
const ROOT: &str = "bindings/uniffi/src/generated";

/// Where the Kotlin package has its sources.
const KOTLIN: &str = "bindings/uniffi/kotlin/src";

/// The Swift package.
const SWIFT: &str = "bindings/uniffi/swift";

const IMPORTS: Imports = &[
    ("std::collections", &["HashMap"]),
    ("std::sync", &["Arc"]),
    ("std::time", &["SystemTime"]),
    ("kess_gateway", &["Amount", "Page", "Variable", "objects", "operations"]),
    ("crate::call", &["CallOptions", "Pieces", "pages"]),
    (
        "crate::convert",
        &[
            "Foreign",
            "GatewayTime",
            "Json",
            "LocalDate",
            "Money",
            "Sensitive",
            "open_enum",
            "with_other",
        ],
    ),
    ("crate::failure", &["CallError"]),
    ("crate::gateway", &["GatewayCore"]),
    ("crate::generated", &["enums", "records"]),
];

pub(super) fn emit(spec: &Spec) -> Vec<OutFile> {
    vec![
        enumeration::emit(spec),
        record::emit(spec),
        operation::emit(spec),
        kotlin::emit(spec, format!("{KOTLIN}/main/kotlin/io/kesspay/GatewayOperations.kt")),
        calls::kotlin(spec, format!("{KOTLIN}/test/kotlin/io/kesspay/GeneratedOperations.kt")),
        swift::emit(spec, format!("{SWIFT}/Sources/KessPay/GatewayOperations.swift")),
        calls::swift(spec, format!("{SWIFT}/Tests/KessPayTests/GeneratedOperations.swift")),
    ]
}

fn file(name: &str, about: &str, items: &TokenStream) -> OutFile {
    rust::file(format!("{ROOT}/{name}.rs"), about, &rust::with_imports(IMPORTS, items))
}

/// A comment of the interface, which UniFFI copies into a block comment of each language.
fn doc(text: &str) -> TokenStream {
    rust::doc(&comment::harmless(text))
}
