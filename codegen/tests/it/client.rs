//! The emitted client and its example tests, for a spec with a field of each kind.
//!
//! As in `documents`, the expected files are compared byte for byte; `KESS_BLESS=1` writes them
//! anew. They end in `.txt`, so that no tool takes them for Rust.

use std::path::{Path, PathBuf};

use kess_codegen::{OutFile, SourceFile, generate};

use crate::documents;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/client")
}

/// The fixture of `documents` for what every spec must have, and an operation with each kind.
pub(crate) fn spec() -> Vec<SourceFile> {
    let mut files = documents::spec();
    documents::read(&folder().join("spec"), "spec", &mut files).expect("the fixture can be read");
    files
}

fn generated() -> Vec<OutFile> {
    generate(&spec()).unwrap_or_else(|findings| panic!("{findings}"))
}

fn check(path: &str, expected: &str) {
    documents::compare(&generated(), path, &folder().join("expected").join(expected));
}

#[test]
fn root() {
    check("gateway-rs/src/generated.rs", "root.txt");
}

#[test]
fn operations() {
    check("gateway-rs/src/generated/operations/every.rs", "operations.txt");
}

#[test]
fn objects() {
    check("gateway-rs/src/generated/objects.rs", "objects.txt");
}

#[test]
fn enums() {
    check("gateway-rs/src/generated/enums.rs", "enums.txt");
}

#[test]
fn errors() {
    check("gateway-rs/src/generated/errors.rs", "errors.txt");
}

#[test]
fn example_tests() {
    check("gateway-rs/tests/it/generated_examples.rs", "example_tests.txt");
}

#[test]
fn the_order_of_the_files_does_not_matter() {
    let mut files = spec();
    let first = generate(&files).expect("the fixture is good");
    for _ in 0..files.len() {
        files.rotate_left(1);
        assert_eq!(generate(&files).expect("the fixture is good"), first);
    }
    files.reverse();
    assert_eq!(generate(&files).expect("the fixture is good"), first);
}
