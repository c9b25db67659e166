//! The emitted documents and the sandbox's table, for a spec of one operation of each kind.
//!
//! The expected files are compared byte for byte. After an intended change, write them anew with
//! `KESS_BLESS=1 cargo test -p kess-codegen documents` and read the difference.

use std::fs;
use std::path::{Path, PathBuf};

use kess_codegen::{OutFile, SourceFile, generate};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/documents")
}

/// The fixture's files, with the paths that they would have in the repository.
pub(crate) fn spec() -> Vec<SourceFile> {
    let mut files = Vec::new();
    read(&folder().join("spec"), "spec", &mut files).expect("the fixture can be read");
    files
}

/// Every file below `folder`, with the paths that they would have below `as_path`.
pub(crate) fn read(
    folder: &Path,
    as_path: &str,
    into: &mut Vec<SourceFile>,
) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = format!("{as_path}/{}", entry.file_name().display());
        if entry.file_type()?.is_dir() {
            read(&entry.path(), &path, into)?;
        } else {
            into.push(SourceFile { text: fs::read_to_string(entry.path())?, path });
        }
    }
    Ok(())
}

/// Compares one generated file with the expected one beside the fixture.
fn check(generated: &str, expected: &str) {
    let files = generate(&spec()).unwrap_or_else(|findings| panic!("{findings}"));
    compare(&files, generated, &folder().join("expected").join(expected));
}

/// Compares one of the generated files with the text in `expected`.
pub(crate) fn compare(files: &[OutFile], generated: &str, expected: &Path) {
    let file = files.iter().find(|file| file.path == generated);
    let text = &file.unwrap_or_else(|| panic!("{generated} is not generated")).text;
    if std::env::var_os("KESS_BLESS").is_some() {
        fs::write(expected, text).expect("the expected file can be written");
    }
    let wanted = fs::read_to_string(expected).unwrap_or_default();
    assert_eq!(*text, wanted, "{generated} is not what {} says", expected.display());
}

#[test]
fn openapi() {
    check("spec/openapi.json", "openapi.json");
}

#[test]
fn coverage() {
    check("spec/COVERAGE.md", "COVERAGE.md");
}

#[test]
fn reference() {
    check("docs/reference.md", "reference.md");
}

#[test]
fn sandbox() {
    check("gateway-rs/sandbox/src/generated.rs", "sandbox.txt");
}
