//! Turns the YAML transcription of the gateway's documentation into source files.
//!
//! Pure: text in, text out. It reads no file, writes no file, and knows no clock, network or
//! environment, so the same spec always gives the same bytes. `xtask` does the reading and writing.
//!
//! The stages: `raw` (YAML as it stands, with lines) → `lower` (references resolved, names unique) →
//! `ir` → `lint` (what is well-formed but wrong) → `emit` (one module for each output). Findings of
//! all stages are reported together.

mod diagnostic;
mod ir;

pub use diagnostic::{Diagnostic, Diagnostics};
