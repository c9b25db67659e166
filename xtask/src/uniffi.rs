//! The library under Kotlin and Swift, and what UniFFI writes for it in each language.
//!
//! The library describes itself: UniFFI's generator reads it, so the two cannot drift apart. What
//! is written is never checked in; it belongs to the one library that it was read from.

use std::fs;
use std::path::{Path, PathBuf};

use crate::{process, root, target_folder};

/// The library's file.
fn file_name() -> String {
    format!("{}kesspay{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX)
}

/// What cargo built in the dev profile.
pub(crate) fn built(name: &str) -> PathBuf {
    target_folder().join("debug").join(name)
}

/// The library, the command and the generator for tests, built together with what the Rust tests
/// need, so that nothing is compiled twice.
pub(crate) fn build_for_tests(tested: &[&str]) -> Result<PathBuf, String> {
    let what = ["build", "--lib", "--bins", "--tests", "--examples"];
    process::run(process::cargo().args(what).args(tested))?;
    Ok(built(&file_name()))
}

/// Writes what belongs to the library in a language, into an empty folder.
///
/// `overlay` is laid over the crate's `uniffi.toml`. The library must not be stripped.
pub(crate) fn write(
    library: &Path,
    language: &str,
    overlay: Option<&Path>,
    folder: &Path,
) -> Result<(), String> {
    empty(folder)?;
    let program = format!("kesspay-bindgen{}", std::env::consts::EXE_SUFFIX);
    let mut generator = process::at_root(built(&program));
    generator.args(["generate", "--no-format", "--language", language, "--out-dir"]).arg(folder);
    if let Some(overlay) = overlay {
        generator.arg("--config").arg(root().join(overlay));
    }
    process::run(generator.arg(library))
}

/// Makes an empty folder.
pub(crate) fn empty(folder: &Path) -> Result<(), String> {
    let failed = |error| format!("cannot make {}: {error}", folder.display());
    if folder.is_dir() {
        fs::remove_dir_all(folder).map_err(failed)?;
    }
    fs::create_dir_all(folder).map_err(failed)
}
