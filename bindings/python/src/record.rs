//! Making Python objects of the package's own classes: records, members of enumerations, replies.
//!
//! What users see is Python (`kesspay/records.py`, `enums.py`, ...); the compiled module only calls
//! those classes. A class is found by its name in the module that defines it, each time it is
//! needed: a lookup in a dictionary, and a test may replace it.

use kess_gateway::{SignatureReading, SignatureVerdict};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyTuple};

/// A module of the package that defines classes for us.
#[derive(Clone, Copy)]
pub(crate) enum Home {
    /// `kesspay.records`, emitted from the specification.
    Records,
    /// `kesspay.enums`, emitted from the specification.
    Enums,
    /// `kesspay.record`: what records are based on, and pages, rows, replies.
    Record,
    /// `kesspay.currency`.
    Currency,
    /// `kesspay.errors`.
    Errors,
    /// `kesspay.batch`: how a batch stands.
    Batch,
    /// `kesspay.events`: what happens in a run.
    Events,
    /// `kesspay.check`: what was found in a file.
    Check,
    /// `kesspay.report`: the rows of a batch.
    Report,
    /// `kesspay.reconciliation`.
    Reconciliation,
    /// `kesspay.khqr`.
    Khqr,
    /// `kesspay.redirect`.
    Redirect,
    /// `kesspay.ledger`: what a sandbox tells of the money that moved.
    Ledger,
}

static MODULES: [PyOnceLock<Py<PyModule>>; 13] = [const { PyOnceLock::new() }; 13];

impl Home {
    fn name(self) -> &'static str {
        match self {
            Home::Records => "kesspay.records",
            Home::Enums => "kesspay.enums",
            Home::Record => "kesspay.record",
            Home::Currency => "kesspay.currency",
            Home::Errors => "kesspay.errors",
            Home::Batch => "kesspay.batch",
            Home::Events => "kesspay.events",
            Home::Check => "kesspay.check",
            Home::Report => "kesspay.report",
            Home::Reconciliation => "kesspay.reconciliation",
            Home::Khqr => "kesspay.khqr",
            Home::Redirect => "kesspay.redirect",
            Home::Ledger => "kesspay.ledger",
        }
    }

    /// A class of this module.
    pub(crate) fn class<'py>(self, py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
        let module = MODULES[self as usize]
            .get_or_try_init(py, || py.import(self.name()).map(Bound::unbind))?;
        module.bind(py).getattr(name)
    }

    /// An object of a class of this module, of the values of its fields by position.
    pub(crate) fn make<'py, const N: usize>(
        self,
        py: Python<'py>,
        class: &str,
        values: [Bound<'py, PyAny>; N],
    ) -> PyResult<Bound<'py, PyAny>> {
        self.class(py, class)?.call1(PyTuple::new(py, values)?)
    }
}

/// `kesspay.records.<class>(*values)`: the values of a reply's object, in the order of its fields.
pub(crate) fn record<'py, const N: usize>(
    py: Python<'py>,
    class: &'static str,
    values: [Bound<'py, PyAny>; N],
) -> PyResult<Bound<'py, PyAny>> {
    Home::Records.make(py, class, values)
}

/// `kesspay.enums.<class>(value)`: a member, or a stand-in for a value that is not listed.
pub(crate) fn member<'py>(
    py: Python<'py>,
    class: &'static str,
    value: &str,
) -> PyResult<Bound<'py, PyAny>> {
    Home::Enums.class(py, class)?.call1((value,))
}

/// Puts the reply behind the answer that was read from it. Records are frozen for everybody else.
pub(crate) fn attach_reply<'py>(
    answer: &Bound<'py, PyAny>,
    status: u16,
    body: &[u8],
    signature: SignatureVerdict,
    request_id: Option<&str>,
) -> PyResult<()> {
    let py = answer.py();
    let body = PyBytes::new(py, body);
    let signature = verdict(signature);
    let reply = Home::Record.class(py, "Reply")?.call1((status, body, signature, request_id))?;
    let object = py.get_type::<PyAny>();
    object.call_method1("__setattr__", (answer, "_reply", reply))?;
    Ok(())
}

/// The words of `kesspay.Reply.signature`.
fn verdict(signature: SignatureVerdict) -> &'static str {
    match signature {
        SignatureVerdict::Unchecked => "unchecked",
        SignatureVerdict::Absent => "absent",
        SignatureVerdict::Mismatched => "mismatched",
        SignatureVerdict::Matched(SignatureReading::Data) => "data",
        SignatureVerdict::Matched(SignatureReading::DataAndSignType) => "data_and_sign_type",
        SignatureVerdict::Matched(SignatureReading::Envelope) => "envelope",
    }
}
