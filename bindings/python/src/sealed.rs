//! `kesspay.Sealed`: an encrypted customer or card, which goes into one kind of field.

use std::any::Any;

use kess_gateway::{Client, Sealable, Sealed, objects};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

use crate::error;
use crate::record::Home;
use crate::value::{Context, FromPython, type_name};

/// An encrypted object: what `Client.seal` gives, and what fields such as `customer` take.
///
/// It can be sent any number of times, and nobody but the gateway can open it.
#[pyclass(name = "Sealed", module = "kesspay._native", frozen)]
pub(crate) struct PySealed {
    /// The class of the record inside.
    name: &'static str,
    /// A `Sealed<T>`.
    sealed: Box<dyn Any + Send + Sync>,
    hex: Box<str>,
}

#[pymethods]
impl PySealed {
    /// The class of the record that was sealed, such as ``Customer``.
    #[getter]
    fn kind(&self) -> &'static str {
        self.name
    }

    /// The encrypted block in lower-case hex, as it is sent.
    #[getter]
    fn hex(&self) -> &str {
        &self.hex
    }

    fn __repr__(&self) -> String {
        format!("<Sealed {}, {} hex digits>", self.name, self.hex.len())
    }
}

/// The name in Python of what can be sealed.
pub(crate) trait SealableRecord: Sealable + FromPython + 'static {
    const CLASS: &'static str;
}

impl SealableRecord for objects::Customer {
    const CLASS: &'static str = "Customer";
}

impl SealableRecord for objects::Card {
    const CLASS: &'static str = "Card";
}

impl<T: SealableRecord> FromPython for Sealed<T> {
    /// Takes what is sealed, and seals what is not.
    fn from_python(value: &Bound<'_, PyAny>, context: &Context<'_>) -> PyResult<Self> {
        let class = T::CLASS;
        if let Ok(sealed) = value.cast::<PySealed>() {
            let sealed = sealed.get();
            return sealed.sealed.downcast_ref::<Sealed<T>>().cloned().ok_or_else(|| {
                let found = sealed.name;
                PyTypeError::new_err(format!("a sealed {class} is needed, not a sealed {found}"))
            });
        }
        let py = value.py();
        if !value.is_instance(&Home::Records.class(py, class)?)? {
            let found = type_name(value);
            return Err(PyTypeError::new_err(format!(
                "a {class} or Sealed is needed, not {found}"
            )));
        }
        let object = T::from_python(value, context)?;
        context.client()?.seal(&object).map_err(|error| error::of_setup(py, &error))
    }
}

/// Seals a record of one of the classes that can be.
pub(crate) fn seal(client: &Client, record: &Bound<'_, PyAny>) -> PyResult<PySealed> {
    for seal in [seal_as::<objects::Customer>, seal_as::<objects::Card>] {
        if let Some(sealed) = seal(client, record)? {
            return Ok(sealed);
        }
    }
    let found = type_name(record);
    Err(PyTypeError::new_err(format!("a Customer or a Card can be sealed, not {found}")))
}

fn seal_as<T: SealableRecord>(
    client: &Client,
    record: &Bound<'_, PyAny>,
) -> PyResult<Option<PySealed>> {
    if !record.is_instance(&Home::Records.class(record.py(), T::CLASS)?)? {
        return Ok(None);
    }
    let sealed = Sealed::<T>::from_python(record, &Context::with(client))?;
    let hex = sealed.as_hex().into();
    Ok(Some(PySealed { name: T::CLASS, sealed: Box::new(sealed), hex }))
}
