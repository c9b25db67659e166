//! Where the rows of a batch come from: a file, or a frame that was turned into one.

use std::path::PathBuf;
use std::sync::Arc;

use kess_gateway::PublicKey;
use payout_engine::desk::Rows;
use payout_engine::intake::{self, Checked, SEALED_BYTES};
use payout_engine::{Error, NewPayout};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyCapsule;
use pyo3_arrow::PyRecordBatchReader;

use super::{frame, table, words};
use crate::error;
use crate::pending::Pending;

/// Where rows come from.
#[pyclass(frozen, module = "kesspay._native")]
pub(crate) struct Source(pub(crate) Rows);

/// The rows that can be paid, all of them.
pub(crate) fn valid(rows: &Rows) -> Result<Vec<NewPayout>, Error> {
    let checked = rows.check_here(SEALED_BYTES)?;
    let rows = intake::load(&checked)?
        .filter(|row| row.as_ref().map_or(true, |payout| payout.invalid.is_none()));
    rows.collect()
}

/// A path, or whatever speaks the Arrow PyCapsule interface.
#[pyfunction]
#[pyo3(name = "source")]
pub(crate) fn read_source(py: Python<'_>, source: &Bound<'_, PyAny>) -> PyResult<Source> {
    if source.hasattr("__arrow_c_stream__")? {
        let stream = source.call_method0("__arrow_c_stream__")?;
        let reader = PyRecordBatchReader::from_arrow_pycapsule(stream.cast::<PyCapsule>()?);
        // What cannot be read as a table is one column, such as a Series.
        let reader = reader.and_then(PyRecordBatchReader::into_reader).map_err(|_| {
            PyTypeError::new_err("rows come from a frame with named columns, not from one column")
        })?;
        let bytes = py.detach(|| frame::to_csv(reader))?;
        let (name, bytes) = ("frame".to_owned(), bytes.into());
        return Ok(Source(Rows::Bytes { name, bytes }));
    }
    if let Ok(path) = source.extract::<PathBuf>() {
        return Ok(Source(Rows::File(path.into())));
    }
    let class = source.get_type().name()?;
    let hint = match source.get_type().module()?.to_cow()?.as_ref() {
        // Frames of these speak Arrow since 2.2, and need pyarrow for it.
        module if module.starts_with("pandas") => {
            "; this pandas is too old, it must be 2.2 or newer"
        }
        _ => "",
    };
    Err(PyTypeError::new_err(format!(
        "rows come from a path (str or os.PathLike) or from a frame that speaks Arrow \
         (__arrow_c_stream__), not from {class}{hint}"
    )))
}

/// A source that was checked: what is found in it can be had as Arrow, too.
#[pyclass(frozen, module = "kesspay._native")]
pub(crate) struct CheckedSource(Arc<Checked>);

#[pymethods]
impl CheckedSource {
    /// The findings, problems before warnings.
    fn findings(&self) -> PyResult<table::Table> {
        table::findings(&self.0.problems, &self.0.warnings)
    }
}

/// `kesspay.check.Check` of what was checked.
pub(super) fn check_object(py: Python<'_>, checked: Checked) -> PyResult<Bound<'_, PyAny>> {
    let checked = Arc::new(checked);
    words::check(py, &checked, CheckedSource(Arc::clone(&checked)))
}

/// Checks a source without network. `public_key` says how much a sealed block holds.
#[pyfunction]
#[pyo3(signature = (source, public_key))]
pub(crate) fn check(
    py: Python<'_>,
    source: &Source,
    public_key: Option<&str>,
) -> PyResult<Pending> {
    let capacity = match public_key {
        Some(pem) => {
            PublicKey::from_pem(pem).map_err(|error| error::of_setup(py, &error))?.capacity()
        }
        None => SEALED_BYTES,
    };
    let rows = source.0.clone();
    let work = async move { rows.check(capacity).await };
    Ok(Pending::new(work, |py, checked| Ok(check_object(py, checked)?.unbind())))
}
