//! The rows of a batch, for reports: page by page, as Arrow, or in a file.

use std::path::PathBuf;

use payout_engine::report::{self, Format, ReportRow, unknown_columns};
use payout_engine::{Error, pages};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyList;

use super::table::ReportTable;
use super::{Desk, named_or_newest, words};
use crate::pending::Pending;

/// Rows handed to Python at once.
const PAGE: usize = 1_000;

/// Where the rows of a batch's report come from. The store is read anew each time.
#[pyclass(frozen, module = "kesspay._native")]
pub(crate) struct ReportSource {
    desk: Desk,
    batch: String,
}

impl ReportSource {
    pub(super) fn new(desk: Desk, batch: String) -> Self {
        Self { desk, batch }
    }
}

#[pymethods]
impl ReportSource {
    /// The rows after row `after`, a page of them; an empty list behind the last.
    fn rows(&self, after: u64) -> Pending {
        let (desk, name) = (self.desk.clone(), self.batch.clone());
        let work = async move {
            let store = desk.store().await?;
            let batch = named_or_newest(&*store, Some(&name)).await?;
            let page = store.rows(batch.id, after, PAGE).await?;
            Ok::<_, Error>(page.into_iter().map(ReportRow::from).collect::<Vec<_>>())
        };
        Pending::new(work, |py, rows| {
            let rows = rows.iter().map(|row| words::row(py, row));
            let rows = rows.collect::<PyResult<Vec<_>>>()?;
            Ok(PyList::new(py, rows)?.into_any().unbind())
        })
    }

    /// All rows, as Arrow.
    fn table(&self) -> Pending {
        let (desk, name) = (self.desk.clone(), self.batch.clone());
        let work = async move {
            let store = desk.store().await?;
            let batch = named_or_newest(&*store, Some(&name)).await?;
            let mut pages = pages(&*store, batch.id);
            let mut table: Option<ReportTable> = None;
            while let Some(page) = pages.next().await? {
                let table = table.get_or_insert_with(|| ReportTable::new(unknown_columns(&page)));
                let rows: Vec<_> = page.into_iter().map(ReportRow::from).collect();
                table.add(&rows).map_err(|error| Error::store("show a row as Arrow", error))?;
            }
            Ok::<_, Error>(table.unwrap_or_else(|| ReportTable::new(Vec::new())).finish())
        };
        Pending::new(work, |py, table| Ok(Py::new(py, table)?.into_any()))
    }

    /// Writes the report; the ending of the file's name says how.
    fn save(&self, path: PathBuf) -> PyResult<Pending> {
        let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase());
        let format = match ending.as_deref() {
            Some("csv") => Format::Csv,
            Some("json") => Format::Json,
            Some("html") => Format::Html,
            _ => {
                let text = "the name of a report ends in .csv, .json or .html";
                return Err(PyValueError::new_err(text));
            }
        };
        let (desk, name) = (self.desk.clone(), self.batch.clone());
        let work = async move {
            let store = desk.store().await?;
            let batch = named_or_newest(&*store, Some(&name)).await?;
            report::save(&*store, &batch, format, &path).await
        };
        Ok(Pending::new(work, |py, _rows| Ok(py.None())))
    }
}
