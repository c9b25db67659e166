//! Turns the YAML transcription of the gateway's documentation into source files.
//!
//! Pure: text in, text out. It reads no file, writes no file, and knows no clock, network or
//! environment, so the same spec always gives the same bytes. `xtask` does the reading and writing.
//!
//! The stages: `raw` (YAML as it stands, with lines) → `lower` (references resolved, names
//! unique) →
//! `ir` → `lint` (what is well-formed but wrong) → `emit` (one module for each output). Findings of
//! all stages are reported together, sorted by file and line.

mod diagnostic;
mod emit;
mod ir;
mod lint;
mod lower;
mod name;
mod raw;

use diagnostic::Findings;
pub use diagnostic::{Diagnostic, Diagnostics};

/// A file of the spec.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// From the root of the repository, with `/`: `spec/operations/withdraw.yaml`.
    pub path: String,
    /// What the file holds.
    pub text: String,
}

/// A file that was generated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutFile {
    /// From the root of the repository, with `/`: `gateway-rs/src/generated.rs`.
    pub path: String,
    /// What the file should hold.
    pub text: String,
}

/// Folders that hold generated files and nothing else: a file there that [`generate`] does not
/// answer is a leftover.
pub const GENERATED_FOLDERS: &[&str] =
    &["bindings/python/src/generated", "bindings/uniffi/src/generated", "gateway-rs/src/generated"];

/// Generates every output from the files of the spec: all `.yaml` below `spec/`, and all `.json`
/// below `spec/examples/`. The order of the files does not matter.
///
/// # Errors
/// Everything that is wrong with the spec. Nothing is generated from a spec with findings.
pub fn generate(files: &[SourceFile]) -> Result<Vec<OutFile>, Diagnostics> {
    let mut findings = Findings::default();
    let spec = lower::lower(files, &mut findings);
    if let Some(spec) = &spec {
        lint::run(spec, &mut findings);
    }
    findings.into_result()?;
    Ok(spec.as_ref().map(emit::all).unwrap_or_default())
}
