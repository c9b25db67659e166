//! What `run` was told: a source, the options of a run, and the conditions on which it is paid.

use kess_gateway::{Amount, Currency};
use payout_engine::admission::Conditions;
use payout_engine::desk::{Order, Refused, Rows};
use payout_engine::{BatchOptions, Error};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyMapping};

use super::source::check_object;
use crate::error::{self, IntoPyErr};
use crate::value::{Context, FromPython, text_of};

impl IntoPyErr for Refused {
    fn into_py_err(self, py: Python<'_>) -> PyErr {
        match self {
            Self::Engine(error) => error.into_py_err(py),
            Self::File(error, checked) => match check_object(py, *checked) {
                Ok(check) => {
                    let raised = error.into_py_err(py);
                    // Frozen for nobody: exceptions carry what is put on them.
                    let set = raised.value(py).setattr("check", check);
                    set.err().unwrap_or(raised)
                }
                Err(error) => error,
            },
        }
    }
}

/// Reads the options, which are those of `kesspay.RunOptions`, all of them.
pub(super) fn order(rows: Rows, options: &Bound<'_, PyDict>) -> PyResult<Order> {
    let options = Options(options);
    let dry_run = options.required("dry_run")?;
    let allow_duplicate: Option<String> = options.optional("allow_duplicate")?;
    Ok(Order {
        rows,
        name: options.optional("batch")?,
        options: BatchOptions {
            route: options.word("route")?,
            name_match: options.word("name_match")?,
            otp: options.word("otp")?,
            concurrency: options.required::<u32>("concurrency")?.max(1) as usize,
            rate: options.optional("rate")?,
            expires_in: options.optional("expires_in")?,
            notify_url: options.optional("notify_url")?,
            dry_run,
            allow_duplicate: allow_duplicate.clone(),
        },
        conditions: Conditions {
            skip_invalid: options.required("skip_invalid")?,
            expect_rows: options.optional::<u32>("expect_rows")?.map(u64::from),
            expect_total: options.sums("expect_total")?,
            dry_run,
            allow_duplicate,
            paused_by: None,
        },
    })
}

/// The options as Python gave them.
struct Options<'a, 'py>(&'a Bound<'py, PyDict>);

impl Options<'_, '_> {
    fn optional<T: FromPython>(&self, name: &str) -> PyResult<Option<T>> {
        let value = self.0.get_item(name)?.filter(|value| !value.is_none());
        let read = value.map(|value| T::from_python(&value, &Context::without_client()));
        read.transpose().map_err(|error| error::before(self.0.py(), &format!("{name}: "), error))
    }

    fn required<T: FromPython>(&self, name: &str) -> PyResult<T> {
        let value = self.optional(name)?;
        value.ok_or_else(|| PyTypeError::new_err(format!("{name}: a value is needed, not None")))
    }

    /// One of a list of words.
    fn word<T: std::str::FromStr<Err = Error>>(&self, name: &str) -> PyResult<T> {
        let text: String = self.required(name)?;
        text.parse().map_err(|error: Error| error.into_py_err(self.0.py()))
    }

    /// Sums by currency.
    fn sums(&self, name: &str) -> PyResult<Vec<(Currency, Amount)>> {
        let Some(value) = self.0.get_item(name)?.filter(|value| !value.is_none()) else {
            return Ok(Vec::new());
        };
        let context = Context::without_client();
        let mut sums = Vec::new();
        let Ok(mapping) = value.cast::<PyMapping>() else {
            let text =
                format!("{name}: sums by currency are needed, such as {{\"USD\": \"10.50\"}}");
            return Err(PyTypeError::new_err(text));
        };
        for item in mapping.items()? {
            let (currency, sum) = item.extract::<(Bound<'_, PyAny>, Bound<'_, PyAny>)>()?;
            let named = |error| error::before(self.0.py(), &format!("{name}: "), error);
            let currency = text_of(&currency).map_err(named)?;
            let sum = Amount::from_python(&sum, &context).map_err(named)?;
            sums.push((Currency::from(currency.as_str()), sum));
        }
        Ok(sums)
    }
}
