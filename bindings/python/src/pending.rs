//! Work that has not begun: `wait()` does it and blocks, `await` does it on the event loop.
//!
//! Everything that takes time is handed to Python as a [`Pending`], so that each capability exists
//! once and the two styles differ in one word.

use std::sync::{Mutex, PoisonError};

use futures_util::future::BoxFuture;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

use crate::delivery::{self, Answer};
use crate::error::{self, IntoPyErr};
use crate::runtime;

/// Work that has not begun. It is done once.
#[pyclass(frozen, module = "kesspay._native")]
pub(crate) struct Pending {
    work: Mutex<Option<BoxFuture<'static, Answer>>>,
    doubt: Option<String>,
}

impl Pending {
    /// Work, and how its result looks in Python.
    pub(crate) fn new<T, E>(
        work: impl Future<Output = Result<T, E>> + Send + 'static,
        into_python: impl FnOnce(Python<'_>, T) -> PyResult<Py<PyAny>> + Send + 'static,
    ) -> Self
    where
        T: Send + 'static,
        E: IntoPyErr + Send + 'static,
    {
        let work = async move {
            let result = work.await;
            let answer: Answer = Box::new(move |py| match result {
                Ok(value) => into_python(py, value),
                Err(error) => Err(error.into_py_err(py)),
            });
            answer
        };
        Self { work: Mutex::new(Some(Box::pin(work))), doubt: None }
    }

    /// What to say to whoever gives the work up before its end.
    pub(crate) fn with_doubt(mut self, doubt: Option<String>) -> Self {
        self.doubt = doubt;
        self
    }

    fn take(&self) -> PyResult<BoxFuture<'static, Answer>> {
        let work = self.work.lock().unwrap_or_else(PoisonError::into_inner).take();
        work.ok_or_else(|| PyRuntimeError::new_err("this was waited for before"))
    }
}

#[pymethods]
impl Pending {
    /// Does the work, with the interpreter released. An interrupt gives the work up.
    fn wait(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let answer = runtime::wait(py, self.take()?).inspect_err(|raised| {
            if let Some(doubt) = &self.doubt {
                error::add_note(py, raised, doubt);
            }
        })?;
        answer(py)
    }

    /// What whoever gives the work up before its end has to know, if anything.
    #[getter]
    fn doubt(&self) -> Option<&str> {
        self.doubt.as_deref()
    }

    /// Does the work on the event loop that runs.
    fn __await__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        delivery::awaitable(py, self.take()?)?.call_method0("__await__")
    }
}
