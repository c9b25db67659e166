//! The emitters: each takes the whole spec and answers the files of one output.
//!
//! An emitter decides nothing about the gateway; it only spells what the IR holds in the language
//! of its output, in the IR's order, so that the same spec always gives the same bytes.

mod client;
mod coverage;
mod docs;
mod example_tests;
mod fold;
mod input;
mod json;
mod markdown;
mod openapi;
mod python;
mod reference;
mod rust;
mod sandbox;
mod uniffi;
mod wording;

use crate::OutFile;
use crate::ir::Spec;

/// Every file of every output, sorted by path.
pub(crate) fn all(spec: &Spec) -> Vec<OutFile> {
    let file = |path: &str, text: String| OutFile { path: path.to_owned(), text };
    let mut files = client::emit(spec);
    files.extend(example_tests::emit(spec));
    files.extend(python::emit(spec));
    files.extend(uniffi::emit(spec));
    files.extend([
        file("docs/reference.md", reference::emit(spec)),
        file("spec/COVERAGE.md", coverage::emit(spec)),
        file("spec/openapi.json", openapi::emit(spec)),
        sandbox::emit(spec),
    ]);
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}
