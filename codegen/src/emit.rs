//! The emitters: each takes the whole spec and answers the files of one output.
//!
//! An emitter decides nothing about the gateway; it only spells what the IR holds in the language of
//! its output, in the IR's order, so that the same spec always gives the same bytes.

mod client;
mod rust;

use crate::OutFile;
use crate::ir::Spec;

/// Every file of every output, sorted by path.
pub(crate) fn all(spec: &Spec) -> Vec<OutFile> {
    let mut files: Vec<OutFile> = client::emit(spec);
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}
