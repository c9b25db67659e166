//! The interface of the Kotlin and Swift packages and their faces, for the fixture of `python` and
//! for what is odd only there: marks of comments, names that Kotlin keeps for itself, values that
//! would be interpreted inside a literal.
//!
//! As in `documents`, the expected files are compared byte for byte; `KESS_BLESS=1` writes them
//! anew. That the whole spec compiles in both languages is checked with the packages.

use std::path::{Path, PathBuf};

use kess_codegen::{OutFile, SourceFile, generate};

use crate::{documents, python};

const ROOT: &str = "bindings/uniffi";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/uniffi")
}

fn spec() -> Vec<SourceFile> {
    let mut files = python::spec();
    documents::read(&folder().join("spec"), "spec", &mut files).expect("the fixture can be read");
    files
}

fn generated() -> Vec<OutFile> {
    generate(&spec()).unwrap_or_else(|findings| panic!("{findings}"))
}

fn check(path: &str, expected: &str) {
    let path = format!("{ROOT}/{path}");
    documents::compare(&generated(), &path, &folder().join("expected").join(expected));
}

#[test]
fn enums() {
    check("src/generated/enums.rs", "enums.txt");
}

#[test]
fn records() {
    check("src/generated/records.rs", "records.txt");
}

#[test]
fn operations() {
    check("src/generated/operations.rs", "operations.txt");
}

#[test]
fn kotlin() {
    let path = "kotlin/src/main/kotlin/io/kesspay/GatewayOperations.kt";
    check(path, "kotlin.txt");
}

#[test]
fn swift() {
    check("swift/Sources/KessPay/GatewayOperations.swift", "swift.txt");
}

#[test]
fn calls_for_tests_of_kotlin() {
    let path = "kotlin/src/test/kotlin/io/kesspay/GeneratedOperations.kt";
    check(path, "kotlin_calls.txt");
}

#[test]
fn calls_for_tests_of_swift() {
    let path = "swift/Tests/KessPayTests/GeneratedOperations.swift";
    check(path, "swift_calls.txt");
}

/// UniFFI puts the documentation of the interface into block comments, which nest.
#[test]
fn nothing_inside_a_comment_begins_or_ends_one() {
    let marks = |text: &str| text.matches("/*").count() + text.matches("*/").count();
    for file in generated().iter().filter(|file| file.path.starts_with(ROOT)) {
        for line in file.text.lines().map(str::trim) {
            let documents = line.starts_with("///") && file.path.ends_with(".rs");
            let inside = line.starts_with("* ") || line == "*";
            if documents || inside {
                assert_eq!(marks(line), 0, "{}: {line}", file.path);
            }
        }
        let (begins, ends) = (file.text.matches("/**").count(), file.text.matches("*/").count());
        assert!(!file.path.ends_with(".kt") || begins == ends, "{}", file.path);
    }
}
