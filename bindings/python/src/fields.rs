//! [`Fields`]: the keyword arguments of a call, or the attributes of a record, read by name.
//!
//! Absent and `None` are the same. Every error names the field. What nobody has asked for when all
//! is read is refused by [`Fields::finish`]: a misspelled name must not be a value left out.

use std::cell::RefCell;

use kess_gateway::{Amount, Currency, Money};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString};

use crate::error;
use crate::record::Home;
use crate::value::{Context, FromPython, type_name};

/// Named values from Python.
pub(crate) struct Fields<'a, 'py> {
    source: Source<'a, 'py>,
    context: &'a Context<'a>,
    asked: RefCell<Vec<&'static str>>,
}

enum Source<'a, 'py> {
    Keywords { of: &'a str, values: &'a Bound<'py, PyDict> },
    Record { class: &'static str, record: &'a Bound<'py, PyAny> },
}

impl<'a, 'py> Fields<'a, 'py> {
    /// The keyword arguments of `function`.
    pub(crate) fn of_keywords(
        function: &'a str,
        values: &'a Bound<'py, PyDict>,
        context: &'a Context<'a>,
    ) -> Fields<'a, 'py> {
        let source = Source::Keywords { of: function, values };
        Fields { source, context, asked: RefCell::default() }
    }

    /// The attributes of a record of the class `kesspay.records.<class>`.
    ///
    /// # Errors
    /// `TypeError` where it is something else.
    pub(crate) fn of_record(
        record: &'a Bound<'py, PyAny>,
        class: &'static str,
        context: &'a Context<'a>,
    ) -> PyResult<Fields<'a, 'py>> {
        if !record.is_instance(&Home::Records.class(record.py(), class)?)? {
            let found = type_name(record);
            return Err(PyTypeError::new_err(format!("a {class} is needed, not {found}")));
        }
        let source = Source::Record { class, record };
        Ok(Fields { source, context, asked: RefCell::default() })
    }

    /// A field that must be there.
    pub(crate) fn required<T: FromPython>(&self, name: &'static str) -> PyResult<T> {
        self.optional(name)?.ok_or_else(|| self.missing(name))
    }

    /// A field that may be left out.
    pub(crate) fn optional<T: FromPython>(&self, name: &'static str) -> PyResult<Option<T>> {
        let Some(value) = self.get(name)? else { return Ok(None) };
        let read = T::from_python(&value, self.context);
        read.map(Some).map_err(|wrong| error::before(value.py(), &format!("`{name}`: "), wrong))
    }

    /// An amount with its currency, both of which must be there.
    pub(crate) fn money(&self, amount: &'static str, currency: &'static str) -> PyResult<Money> {
        let (value, of) = (self.required(amount)?, self.required(currency)?);
        self.joined(amount, value, of)
    }

    /// An amount with its currency, which are there or left out together.
    pub(crate) fn optional_money(
        &self,
        amount: &'static str,
        currency: &'static str,
    ) -> PyResult<Option<Money>> {
        match (self.optional(amount)?, self.optional(currency)?) {
            (Some(value), Some(of)) => self.joined(amount, value, of).map(Some),
            (None, None) => Ok(None),
            (Some(_), None) => Err(PyTypeError::new_err(format!(
                "`{currency}` is missing: `{amount}` is an amount of it"
            ))),
            (None, Some(_)) => Err(PyTypeError::new_err(format!(
                "`{amount}` is missing: `{currency}` is its currency"
            ))),
        }
    }

    /// Refuses what nobody has asked for.
    ///
    /// # Errors
    /// `TypeError` that names the argument, and the one that is spelled most like it.
    pub(crate) fn finish(self) -> PyResult<()> {
        let Source::Keywords { of, values } = self.source else { return Ok(()) };
        let asked = self.asked.into_inner();
        for key in values.keys() {
            let known = |text: &str| asked.contains(&text);
            if key.cast::<PyString>().is_ok_and(|text| text.to_str().is_ok_and(known)) {
                continue;
            }
            let hint = closest(&key, PyList::new(values.py(), &asked)?);
            return Err(PyTypeError::new_err(format!("{of}() has no argument `{key}`{hint}")));
        }
        Ok(())
    }

    fn py(&self) -> Python<'py> {
        match self.source {
            Source::Keywords { values, .. } => values.py(),
            Source::Record { record, .. } => record.py(),
        }
    }

    fn get(&self, name: &'static str) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.asked.borrow_mut().push(name);
        let value = match self.source {
            Source::Keywords { values, .. } => values.get_item(name)?,
            Source::Record { record, .. } => Some(record.getattr(name)?),
        };
        Ok(value.filter(|value| !value.is_none()))
    }

    fn joined(&self, name: &str, amount: Amount, currency: Currency) -> PyResult<Money> {
        Money::new(amount, currency)
            .map_err(|wrong| error::invalid(self.py(), &format!("`{name}`: {}", wrong.message())))
    }

    fn missing(&self, name: &'static str) -> PyErr {
        match self.source {
            Source::Keywords { of, values } => {
                let name_of = PyString::new(values.py(), name).into_any();
                // Where it was given as `None`, the likest name is its own.
                let given = values.contains(name).unwrap_or(false);
                let hint = if given { String::new() } else { closest(&name_of, values.keys()) };
                PyTypeError::new_err(format!("{of}() needs the argument `{name}`{hint}"))
            }
            Source::Record { class, .. } => {
                PyTypeError::new_err(format!("`{name}` of {class} is missing"))
            }
        }
    }
}

/// `; did you mean ...?` with the name that is most like the given one, if any is.
fn closest(name: &Bound<'_, PyAny>, names: Bound<'_, PyList>) -> String {
    let found = || -> PyResult<Option<String>> {
        let matches = name.py().import("difflib")?.getattr("get_close_matches")?;
        let matches = matches.call1((name.str()?, names, 1))?;
        Ok(matches.extract::<Vec<String>>()?.into_iter().next())
    };
    match found() {
        Ok(Some(other)) => format!("; did you mean `{other}`?"),
        _ => String::new(),
    }
}
