//! The rows of a batch, for reports: page by page, as Arrow, or in a file.

use std::path::PathBuf;

use payout_engine::desk::Desk;
use payout_engine::report::{Format, ReportRow, unknown_columns};
use payout_engine::{Error, pages};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use super::table::ReportTable;
use super::words;
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
        let work = async move { desk.rows(Some(&name), after, PAGE).await };
        Pending::new(work, |py, rows| words::list(py, &rows, words::row))
    }

    /// All rows, as Arrow.
    fn table(&self) -> Pending {
        let (desk, name) = (self.desk.clone(), self.batch.clone());
        let work = async move {
            let (store, batch) = desk.find(Some(&name)).await?;
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
        Format::of_file(&path).map_err(|error| PyValueError::new_err(error.to_string()))?;
        let (desk, name) = (self.desk.clone(), self.batch.clone());
        let work = async move { desk.save_report(Some(&name), &path).await };
        Ok(Pending::new(work, |py, _rows| Ok(py.None())))
    }
}
