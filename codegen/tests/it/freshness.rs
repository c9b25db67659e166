//! What is checked in is what the spec generates. `cargo xtask codegen` mends a failure.

use std::fs;
use std::path::{Path, PathBuf};

use kess_codegen::{GENERATED_FOLDERS, SourceFile, generate};

use crate::documents::read;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn spec() -> Vec<SourceFile> {
    let mut files = Vec::new();
    read(&root().join("spec"), "spec", &mut files).expect("the spec can be read");
    let sample = |path: &str| path.starts_with("spec/examples/") && path.ends_with(".json");
    files.retain(|file| file.path.ends_with(".yaml") || sample(&file.path));
    files
}

#[test]
fn checked_in_files_are_what_the_spec_generates() {
    let generated = generate(&spec()).unwrap_or_else(|findings| panic!("{findings}"));
    for file in &generated {
        let text = fs::read_to_string(root().join(&file.path)).unwrap_or_default();
        assert!(text == file.text, "{} is stale; run `cargo xtask codegen`", file.path);
    }
    for folder in GENERATED_FOLDERS {
        let mut found = Vec::new();
        read(&root().join(folder), folder, &mut found).expect("the folder can be read");
        for orphan in found {
            let known = generated.iter().any(|file| file.path == orphan.path);
            assert!(known, "{} is an orphan; run `cargo xtask codegen`", orphan.path);
        }
    }
}

#[test]
fn two_runs_give_the_same_bytes() {
    let files = spec();
    assert_eq!(generate(&files), generate(&files));
}
