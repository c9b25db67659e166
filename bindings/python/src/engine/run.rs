//! A run that is on, as Python holds it.

use std::sync::Arc;
use std::time::Duration;

use payout_engine::desk::{self, Started};
use pyo3::prelude::*;
use pyo3::types::PyList;
use tokio::time::timeout;

use super::words;
use crate::error::IntoPyErr;
use crate::pending::Pending;

/// A run of a batch.
#[pyclass(frozen, module = "kesspay._native")]
pub(crate) struct Run(Arc<desk::Run>);

impl Run {
    /// The run, as Python gets it.
    pub(super) fn claim(py: Python<'_>, started: Started) -> PyResult<Py<PyAny>> {
        let run = started.claim();
        run.warnings().iter().for_each(|warning| tracing::warn!("{warning}"));
        Ok(Self(Arc::new(run)).into_pyobject(py)?.into_any().unbind())
    }
}

#[pymethods]
impl Run {
    /// The batch's name.
    #[getter]
    fn batch(&self) -> &str {
        self.0.name()
    }

    /// Rows that were verified, in a dry run.
    #[getter]
    fn verified(&self) -> u64 {
        self.0.verified()
    }

    /// How the batch stands, as far as the run's events tell.
    fn status<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        words::status(py, self.0.batch(), &self.0.summary())
    }

    /// Waits for the end, and no longer than this; whether it has come.
    fn ended(&self, milliseconds: u64) -> Pending {
        let patience = Duration::from_millis(milliseconds);
        let run = Arc::clone(&self.0);
        let work = async move { Ok::<_, PyErr>(timeout(patience, run.ended()).await.is_ok()) };
        Pending::new(work, |py, over| Ok(over.into_pyobject(py)?.to_owned().into_any().unbind()))
    }

    /// The next events, as a list; None once the run is over.
    fn events(&self) -> Pending {
        let (run, reader) = (Arc::clone(&self.0), Arc::clone(&self.0));
        let work = async move { Ok::<_, PyErr>(reader.next_events().await) };
        Pending::new(work, move |py, events| {
            let Some(events) = events else { return Ok(py.None()) };
            let list = PyList::empty(py);
            for event in &events {
                if let Some(event) = words::event(py, run.batch(), event)? {
                    list.append(event)?;
                }
            }
            Ok(list.into_any().unbind())
        })
    }

    /// Asks the run to end: calls in flight finish, nothing new starts.
    fn stop(&self) {
        self.0.stop();
    }

    /// Gives the run up at once. What was sent is in the store, and `resume` asks about it.
    fn give_up(&self) {
        self.0.give_up();
    }

    /// How the batch stands at the end of the run, which must have come.
    /// `None` where it was given up.
    fn result(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        let end = self.0.result().map_err(|error| error.into_py_err(py))?;
        let status = end.map(|(batch, summary)| words::status(py, &batch, &summary));
        Ok(status.transpose()?.map(Bound::unbind))
    }
}
