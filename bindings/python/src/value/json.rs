//! JSON that nobody has described: [`RawJson`], both ways, without a binary float on the way.

use std::fmt::Write as _;

use kess_gateway::RawJson;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyInt, PyList, PyString, PyTuple};

use super::{Context, FromPython, ToPython, decimal_class, text_of, type_name};
use crate::error;
use crate::record::Home;

/// How deep lists and dicts may lie within each other.
const DEEPEST: usize = 100;

impl ToPython for RawJson {
    /// Whole numbers become `int`, all others `Decimal`.
    fn to_python<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let loads = py.import("json")?.getattr("loads")?;
        let options = PyDict::new(py);
        options.set_item("parse_float", decimal_class(py)?)?;
        match loads.call((self.get(),), Some(&options)) {
            // `int` refuses thousands of digits, `Decimal` does not.
            Err(error) if error.is_instance_of::<PyValueError>(py) => {
                options.set_item("parse_int", decimal_class(py)?)?;
                loads.call((self.get(),), Some(&options))
            }
            read => read,
        }
    }

    /// An `Untyped`, which has a reply.
    fn to_answer<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Home::Record.make(py, "Untyped", [self.to_python(py)?])
    }
}

impl FromPython for RawJson {
    fn from_python(value: &Bound<'_, PyAny>, _: &Context<'_>) -> PyResult<Self> {
        let mut json = String::new();
        write(&mut json, value, DEEPEST)?;
        RawJson::parse(json).map_err(|_| error::invalid(value.py(), "this has no JSON form"))
    }
}

/// Writes a value that has a JSON form.
fn write(json: &mut String, value: &Bound<'_, PyAny>, depth: usize) -> PyResult<()> {
    let py = value.py();
    let Some(deeper) = depth.checked_sub(1) else {
        return Err(error::invalid(py, "lists and dicts lie too deep within each other"));
    };
    if value.is_none() {
        json.push_str("null");
    } else if let Ok(flag) = value.cast::<PyBool>() {
        json.push_str(if flag.is_true() { "true" } else { "false" });
    } else if value.is_instance_of::<PyString>() {
        write_text(json, &text_of(value)?);
    } else if value.is_instance_of::<PyInt>() {
        let _ = write!(json, "{}", value.str()?);
    } else if value.is_instance(decimal_class(py)?)? {
        if !value.call_method0("is_finite")?.extract::<bool>()? {
            return Err(error::invalid(py, "JSON has finite numbers only"));
        }
        let _ = write!(json, "{}", value.str()?);
    } else if let Ok(dict) = value.cast::<PyDict>() {
        json.push('{');
        for (at, (key, item)) in dict.iter().enumerate() {
            json.push_str(if at == 0 { "" } else { "," });
            write_text(json, &text_of(&key)?);
            json.push(':');
            write(json, &item, deeper)?;
        }
        json.push('}');
    } else if value.is_instance_of::<PyList>() || value.is_instance_of::<PyTuple>() {
        json.push('[');
        for (at, item) in value.try_iter()?.enumerate() {
            json.push_str(if at == 0 { "" } else { "," });
            write(json, &item?, deeper)?;
        }
        json.push(']');
    } else {
        return Err(PyTypeError::new_err(format!(
            "JSON of str, int, Decimal, bool, None, list and dict is needed, not {}",
            type_name(value)
        )));
    }
    Ok(())
}

fn write_text(json: &mut String, text: &str) {
    // A text always has a JSON form.
    json.push_str(&serde_json::to_string(text).unwrap_or_default());
}
