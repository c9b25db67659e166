//! The emitted Python package, for the fixture of `client` and for what is odd only there: names
//! that Python keeps for itself, values that are no names, text that would end a docstring.
//!
//! As in `documents`, the expected files are compared byte for byte; `KESS_BLESS=1` writes them
//! anew. That the Python of the whole spec is clean for a type checker is checked with the package.

use std::path::{Path, PathBuf};
use std::process::Command;

use kess_codegen::{OutFile, SourceFile, generate};

use crate::{client, documents};

const PACKAGE: &str = "bindings/python/python/kesspay";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/python")
}

/// The fixture of `client`, with other lists of values, and with what is odd.
pub(crate) fn spec() -> Vec<SourceFile> {
    let mut files = client::spec();
    files.retain(|file| file.path != "spec/enums.yaml");
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
fn enums() {
    check(&format!("{PACKAGE}/enums.py"), "enums.txt");
}

#[test]
fn records() {
    check(&format!("{PACKAGE}/records.py"), "records.txt");
}

#[test]
fn operations() {
    check(&format!("{PACKAGE}/_operations.py"), "operations.txt");
}

#[test]
fn calls_for_tests() {
    check("bindings/python/tests/generated_operations.py", "calls.txt");
}

#[test]
fn native_enums() {
    check("bindings/python/src/generated/enums.rs", "native_enums.txt");
}

#[test]
fn native_objects() {
    check("bindings/python/src/generated/objects.rs", "native_objects.txt");
}

#[test]
fn native_operations() {
    check("bindings/python/src/generated/operations.rs", "native_operations.txt");
}

/// A docstring that ends too early, or a name that is none, would stop the package from loading.
#[test]
fn python_can_read_it() {
    let Ok(version) = Command::new("python3").arg("--version").output() else {
        println!("left out: there is no python3");
        return;
    };
    assert!(version.status.success());
    for file in generated().iter().filter(|file| file.path.ends_with(".py")) {
        let program = "import ast, sys; ast.parse(sys.argv[1])";
        let read = Command::new("python3").args(["-c", program, &file.text]).output();
        let read = read.expect("python3 can be started");
        assert!(read.status.success(), "{}: {}", file.path, String::from_utf8_lossy(&read.stderr));
    }
}
