//! What `run` was told: a source, the options of a run, and the conditions on which it is paid.

use std::sync::Arc;

use kess_gateway::{Amount, Client, Currency};
use payout_engine::admission::{Conditions, batch_name};
use payout_engine::intake::{Checked, SEALED_BYTES};
use payout_engine::{BatchOptions, Error, GatewayIdentity, KessGateway};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyMapping};

use super::source::{Rows, check_object};
use super::task::Task;
use super::{Desk, Started, nobody};
use crate::error::{self, IntoPyErr};
use crate::value::{Context, FromPython, text_of};

/// Rows that are to be paid.
pub(super) struct Order {
    rows: Rows,
    name: Option<String>,
    options: BatchOptions,
    conditions: Conditions,
}

/// Why an order did not become a run.
pub(super) enum Refused {
    /// The file may not be paid.
    File(Error, Box<Checked>),
    /// The engine could not do what it was asked.
    Engine(Error),
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self::Engine(error)
    }
}

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

impl Order {
    /// Reads the options, which are those of `kesspay.RunOptions`, all of them.
    pub(super) fn new(rows: Rows, options: &Bound<'_, PyDict>) -> PyResult<Self> {
        let options = Options(options);
        let name = options.optional::<String>("batch")?;
        let py = options.0.py();
        let name = name.as_deref().map(batch_name).transpose();
        let dry_run = options.required("dry_run")?;
        let allow_duplicate: Option<String> = options.optional("allow_duplicate")?;
        Ok(Self {
            rows,
            name: name.map_err(|error| error.into_py_err(py))?,
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
            },
        })
    }

    /// Checks the source, admits it, writes the batch to the store, and begins to pay it.
    pub(super) async fn begin(
        self,
        desk: Desk,
        client: Client,
        is_read: bool,
    ) -> Result<Started, Refused> {
        let capacity = client.sealed_capacity().unwrap_or(SEALED_BYTES);
        let checked = self.rows.check(capacity).await?;
        if let Err(error) = self.conditions.check_file(&checked) {
            return Err(Refused::File(error, Box::new(checked)));
        }
        let store = desk.store().await?;
        match self.conditions.check_elsewhere(&*store, &checked).await {
            Ok(found) => found.warnings().for_each(|warning| tracing::warn!("{warning}")),
            Err(error) if error.refusal().is_some() => {
                return Err(Refused::File(error, Box::new(checked)));
            }
            Err(error) => return Err(error.into()),
        }
        let identity = GatewayIdentity::from(&client);
        let creator = desk.engine(Arc::clone(&store), "run", nobody());
        let (file, name) = (self.rows.name(), self.name.as_deref());
        let batch =
            self.conditions.take_in(&creator, &checked, &file, name, self.options, &identity);
        let batch = batch.await?;
        let gateway = Arc::new(KessGateway::new(client));
        Ok(desk.run(store, batch, gateway, Task::pay("run"), is_read).await?)
    }
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
