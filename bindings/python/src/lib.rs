//! The compiled module `kesspay._native`: the client and the payout engine, for Python.
//!
//! It converts and carries, and holds nothing that users see: classes, signatures, docstrings and
//! records are Python (`python/kesspay/`). What is emitted from the specification is in
//! `generated`; it holds data, and no control flow.

use pyo3::prelude::*;

mod call;
mod client;
mod delivery;
mod engine;
mod environment;
mod error;
mod fields;
// Written by the generator, in its own layout.
#[rustfmt::skip]
mod generated;
mod logging;
mod offline;
mod pages;
mod pending;
mod record;
mod runtime;
mod sandbox;
mod sealed;
mod seconds;
mod value;

/// The compiled half of kesspay. Use the package `kesspay` instead.
#[pymodule(gil_used = false)]
mod _native {
    #[pymodule_export]
    use super::client::Gateway;
    #[pymodule_export]
    use super::engine::{
        CheckedSource, Engine, ReportSource, Run, Source, Table, check, read_source,
    };
    #[pymodule_export]
    use super::environment::{client_from_env, engine_from_env};
    #[pymodule_export]
    use super::offline::{crc_holds, khqr_md5, parse_khqr, parse_redirect, sign_form, sign_json};
    #[pymodule_export]
    use super::pages::Pages;
    #[pymodule_export]
    use super::pending::Pending;
    #[pymodule_export]
    use super::sandbox::PySandbox;
    #[pymodule_export]
    use super::sealed::PySealed;

    use pyo3::types::PyModuleMethods as _;

    use super::{Bound, PyModule, PyResult, Python, pyfunction};

    /// The `payout` command, with its arguments; the exit code.
    #[pyfunction]
    fn command(py: Python<'_>, arguments: Vec<std::ffi::OsString>) -> u8 {
        py.detach(|| payout_engine::command::run(arguments))
    }

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        super::logging::install(module.py())?;
        super::runtime::install(module)
    }
}
