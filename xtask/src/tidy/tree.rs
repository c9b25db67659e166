//! The files that the rules look at: what git tracks or would track.

use std::path::Path;

use crate::process;

/// The files of the repository, in the order of their paths.
#[derive(Debug)]
pub(super) struct Tree {
    pub(super) files: Vec<SourceFile>,
}

/// A text file of the repository.
#[derive(Debug)]
pub(super) struct SourceFile {
    /// Relative to the root, with `/`.
    pub(super) path: String,
    pub(super) text: String,
}

/// The words by which a generated file is known; the generator writes them into its first lines.
const GENERATED: &str = "enerated by `cargo xtask codegen`";

impl Tree {
    /// Reads every text file that git tracks, and those it would track: a rule that is broken
    /// should be known before the commit. Binary files are left out.
    pub(super) fn read(root: &Path) -> Result<Self, String> {
        let listing = process::output(process::at_root("git").args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ]))?;
        let mut paths: Vec<&str> = listing.split_terminator('\0').collect();
        paths.sort_unstable();
        paths.dedup();
        let read = |path: &&str| {
            let text = std::fs::read_to_string(root.join(path)).ok()?;
            Some(SourceFile { path: (*path).to_owned(), text })
        };
        Ok(Self { files: paths.iter().filter_map(read).collect() })
    }

    /// The file at `path`.
    pub(super) fn file(&self, path: &str) -> Option<&SourceFile> {
        self.files.iter().find(|file| file.path == path)
    }

    /// Whether `path` is a file or a folder of the repository.
    pub(super) fn contains(&self, path: &str) -> bool {
        let folder = format!("{path}/");
        self.files.iter().any(|file| file.path == path || file.path.starts_with(&folder))
    }

    /// The Rust files that people write.
    pub(super) fn rust(&self) -> impl Iterator<Item = &SourceFile> {
        self.files.iter().filter(|file| file.has_ending(&["rs"]) && !file.is_generated())
    }

    /// All files that people write.
    pub(super) fn written(&self) -> impl Iterator<Item = &SourceFile> {
        self.files.iter().filter(|file| !file.is_generated() && file.path != "Cargo.lock")
    }
}

impl SourceFile {
    /// Whether the path ends in one of these endings.
    pub(super) fn has_ending(&self, endings: &[&str]) -> bool {
        self.path.rsplit_once('.').is_some_and(|(_, ending)| endings.contains(&ending))
    }

    /// Whether the file says of itself that it is generated. The JSON document cannot say so.
    pub(super) fn is_generated(&self) -> bool {
        self.path == "spec/openapi.json"
            || self.text.lines().take(8).any(|line| line.contains(GENERATED))
    }

    /// The lines, counted from 1.
    pub(super) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.split('\n').enumerate().map(|(index, line)| (index + 1, line))
    }
}
