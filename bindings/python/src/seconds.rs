//! Times in seconds, the one place where a binary float is read: no money is counted in it.

use std::time::Duration;

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;

/// A time above zero.
pub(crate) fn seconds(name: &str, given: &Bound<'_, PyAny>) -> PyResult<Duration> {
    let Ok(number) = given.extract::<f64>() else {
        return Err(PyTypeError::new_err(format!("`{name}`: a number of seconds is needed")));
    };
    let time = Duration::try_from_secs_f64(number).ok().filter(|time| !time.is_zero());
    time.ok_or_else(|| PyValueError::new_err(format!("`{name}`: a time in seconds above zero")))
}

/// A time above zero, where one is given.
pub(crate) fn seconds_if(
    name: &str,
    given: Option<&Bound<'_, PyAny>>,
) -> PyResult<Option<Duration>> {
    given.map(|given| seconds(name, given)).transpose()
}
