//! The Python package: its typed face, the conversions behind it, and what its tests drive it with.
//!
//! Everything here says what the client of `emit::client` says, with the same names; only the
//! spelling is Python's. As there, what is generated is data and one-line forwarding: the
//! hand-written modules of `bindings/python` do the rest.

mod annotation;
mod argument;
mod enumeration;
mod native;
mod operation;
mod record;
mod samples;
mod source;

use crate::OutFile;
use crate::ir::Spec;

/// The folder of the package's modules.
const PACKAGE: &str = "bindings/python/python/kesspay";

pub(super) fn emit(spec: &Spec) -> Vec<OutFile> {
    let mut files = native::emit(spec);
    files.extend([
        enumeration::emit(spec, format!("{PACKAGE}/enums.py")),
        record::emit(spec, format!("{PACKAGE}/records.py")),
        operation::emit(spec, format!("{PACKAGE}/_operations.py")),
        samples::emit(spec, "bindings/python/tests/generated_operations.py".to_owned()),
    ]);
    files
}
