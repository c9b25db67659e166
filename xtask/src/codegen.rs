//! `cargo xtask codegen`: the only thing that writes generated files.
//!
//! Reads `spec/`, asks the pure generator for the files, and then writes them, compares them with
//! what is checked in, or prints them. A file in a generated folder that the generator does not
//! answer is an orphan: `codegen` removes it, `codegen --check` fails on it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use kess_codegen::{GENERATED_FOLDERS, OutFile, SourceFile};
use similar::TextDiff;

use crate::console;

/// What to do with the generated files; without an option they are written.
#[derive(Args)]
pub(crate) struct Options {
    /// Write nothing; show what differs, and fail if anything does
    #[arg(long, conflicts_with = "print")]
    check: bool,
    /// Write nothing; print every generated file
    #[arg(long)]
    print: bool,
}

pub(crate) fn run(options: &Options) -> Result<(), String> {
    let root = crate::root();
    let files = generate(&root)?;
    if options.print {
        for file in &files {
            console::say(&format!("==> {}\n{}", file.path, file.text));
        }
        return Ok(());
    }
    let orphans = orphans(&root, &files)?;
    if options.check { check(&root, &files, &orphans) } else { write(&root, &files, &orphans) }
}

fn generate(root: &Path) -> Result<Vec<OutFile>, String> {
    let mut sources = Vec::new();
    for path in walk(&root.join("spec"))? {
        let relative = relative(root, &path);
        let sample = relative.starts_with("spec/examples/") && relative.ends_with(".json");
        if sample || relative.ends_with(".yaml") {
            sources.push(SourceFile { text: read(&path)?, path: relative });
        }
    }
    kess_codegen::generate(&sources).map_err(|diagnostics| {
        let count = diagnostics.iter().count();
        let noun = if count == 1 { "finding" } else { "findings" };
        format!("the spec has {count} {noun}, so nothing was generated\n{diagnostics}")
    })
}

fn write(root: &Path, files: &[OutFile], orphans: &[String]) -> Result<(), String> {
    let mut written = 0;
    for file in files {
        let path = root.join(&file.path);
        // An untouched file keeps its time stamp, so cargo does not build it again.
        if fs::read_to_string(&path).is_ok_and(|text| text == file.text) {
            continue;
        }
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|error| failed("make", folder, &error))?;
        }
        fs::write(&path, &file.text).map_err(|error| failed("write", &path, &error))?;
        console::say(&format!("wrote {}", file.path));
        written += 1;
    }
    for orphan in orphans {
        let path = root.join(orphan);
        fs::remove_file(&path).map_err(|error| failed("remove", &path, &error))?;
        console::say(&format!("removed {orphan}"));
    }
    console::say(&format!("{} generated files, {written} of them changed", files.len()));
    Ok(())
}

fn check(root: &Path, files: &[OutFile], orphans: &[String]) -> Result<(), String> {
    let mut stale = 0;
    for file in files {
        let found = fs::read_to_string(root.join(&file.path)).unwrap_or_default();
        if found == file.text {
            continue;
        }
        stale += 1;
        let diff = TextDiff::from_lines(&found, &file.text);
        let (checked_in, generated) = (format!("{} (checked in)", file.path), "generated");
        console::say(&diff.unified_diff().header(&checked_in, generated).to_string());
    }
    for orphan in orphans {
        console::say(&format!("{orphan} is in a generated folder, but nothing generates it"));
    }
    if stale == 0 && orphans.is_empty() {
        console::say(&format!("{} generated files are up to date", files.len()));
        return Ok(());
    }
    Err(format!("{stale} stale and {} orphaned files; run `cargo xtask codegen`", orphans.len()))
}

/// Files in the generated folders that the generator does not know.
fn orphans(root: &Path, files: &[OutFile]) -> Result<Vec<String>, String> {
    let known: BTreeSet<&str> = files.iter().map(|file| file.path.as_str()).collect();
    let mut orphans = Vec::new();
    for folder in GENERATED_FOLDERS {
        for path in walk(&root.join(folder))? {
            let relative = relative(root, &path);
            if !known.contains(relative.as_str()) {
                orphans.push(relative);
            }
        }
    }
    Ok(orphans)
}

/// Every file below `folder`, sorted; none where there is no such folder.
fn walk(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        if !folder.is_dir() {
            continue;
        }
        for entry in fs::read_dir(&folder).map_err(|error| failed("list", &folder, &error))? {
            let path = entry.map_err(|error| failed("list", &folder, &error))?.path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    Ok(files)
}

fn relative(root: &Path, path: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).to_string_lossy().replace('\\', "/")
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| failed("read", path, &error))
}

fn failed(what: &str, path: &Path, error: &std::io::Error) -> String {
    format!("cannot {what} {}: {error}", path.display())
}
