//! Values on their way in and out: [`FromPython`] and [`ToPython`].
//!
//! Strict on the way in: a text is a `str`, an amount never a float, a time knows its zone. What
//! has the wrong type is a `TypeError`, what has the right type and cannot be is a
//! `kesspay.ValidationError`; both without the value, which may be one that must not be seen.
//! [`crate::fields::Fields`] puts the name of the field before them.
//!
//! On the way out nothing is lost: amounts become `Decimal`, times become `datetime` in UTC where
//! the gateway's text has a known form, and the text itself where not.

use std::collections::BTreeMap;

use kess_gateway::{Amount, Client, Currency, Date, Page, Sensitive, Timestamp, Variable};
use pyo3::exceptions::{PyOverflowError, PyTypeError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{
    PyBool, PyDate, PyDateTime, PyDict, PyFloat, PyInt, PyList, PyMapping, PyString, PyTuple,
};

use crate::error;
use crate::record::Home;

pub(crate) mod json;

/// What some values can be made with only.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    client: Option<&'a Client>,
}

impl<'a> Context<'a> {
    /// With a client, whose key seals what has to be sealed.
    pub(crate) fn with(client: &'a Client) -> Context<'a> {
        Context { client: Some(client) }
    }

    /// Without one: nothing can be sealed.
    pub(crate) fn without_client() -> Context<'static> {
        Context { client: None }
    }

    /// The client.
    pub(crate) fn client(&self) -> PyResult<&'a Client> {
        self.client.ok_or_else(|| PyTypeError::new_err("a client is needed to seal this"))
    }
}

/// A Rust value out of a Python one.
pub(crate) trait FromPython: Sized {
    /// Reads the value.
    ///
    /// # Errors
    /// `TypeError` or `kesspay.ValidationError`, without the value and without the field's name.
    fn from_python(value: &Bound<'_, PyAny>, context: &Context<'_>) -> PyResult<Self>;
}

/// A Python value out of a Rust one.
pub(crate) trait ToPython {
    /// Makes the value.
    fn to_python<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>>;

    /// Makes the value where it is the whole answer of a call, behind which its reply is put.
    fn to_answer<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.to_python(py)
    }
}

/// The name of a value's type, for errors.
pub(crate) fn type_name(value: &Bound<'_, PyAny>) -> String {
    value.get_type().name().map_or_else(|_| "another type".to_owned(), |name| name.to_string())
}

/// A type that was not expected.
fn expected(what: &str, value: &Bound<'_, PyAny>) -> PyErr {
    PyTypeError::new_err(format!("{what} is needed, not {}", type_name(value)))
}

/// The text of a `str`, or of what is based on it, such as a member of an enumeration.
pub(crate) fn text_of(value: &Bound<'_, PyAny>) -> PyResult<String> {
    if let Ok(text) = value.cast::<PyString>() {
        return match text.to_str() {
            Ok(text) => Ok(text.to_owned()),
            Err(_) => {
                Err(error::invalid(value.py(), "the text holds characters that have no UTF-8 form"))
            }
        };
    }
    if is_number(value) {
        let text = "text is needed, not a number, which would lose its leading zeros: pass it in \
                    quotes, as str";
        return Err(PyTypeError::new_err(format!("{text} (it is {})", type_name(value))));
    }
    Err(expected("text (str)", value))
}

fn is_number(value: &Bound<'_, PyAny>) -> bool {
    value.is_instance_of::<PyInt>() || value.is_instance_of::<PyFloat>() || is_index(value)
}

/// Whether it is a whole number of some library, such as numpy's.
fn is_index(value: &Bound<'_, PyAny>) -> bool {
    value.hasattr("__index__").unwrap_or(false)
}

/// The whole number behind `__index__`, as an `int`; `None` for a bool and for what is none.
fn index_of<'py>(value: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
    if value.is_instance_of::<PyBool>() || !is_index(value) {
        return Ok(None);
    }
    if value.is_instance_of::<PyInt>() {
        return Ok(Some(value.clone()));
    }
    value.call_method0("__index__").map(Some)
}

impl FromPython for String {
    fn from_python(value: &Bound<'_, PyAny>, _: &Context<'_>) -> PyResult<Self> {
        text_of(value)
    }
}

impl FromPython for bool {
    fn from_python(value: &Bound<'_, PyAny>, _: &Context<'_>) -> PyResult<Self> {
        match value.cast::<PyBool>() {
            Ok(flag) => Ok(flag.is_true()),
            Err(_) => Err(expected("True or False", value)),
        }
    }
}

/// Reads a whole number that fits the Rust type.
fn whole_number<T>(value: &Bound<'_, PyAny>) -> PyResult<T>
where
    T: for<'a, 'py> FromPyObject<'a, 'py, Error = PyErr>,
{
    let Some(number) = index_of(value)? else { return Err(expected("a whole number", value)) };
    let py = value.py();
    number.extract::<T>().map_err(|error| {
        let too_large = error.is_instance_of::<PyOverflowError>(py);
        if too_large { error::invalid(py, "the number is out of range") } else { error }
    })
}

impl FromPython for i64 {
    fn from_python(value: &Bound<'_, PyAny>, _: &Context<'_>) -> PyResult<Self> {
        whole_number(value)
    }
}

impl FromPython for u32 {
    fn from_python(value: &Bound<'_, PyAny>, _: &Context<'_>) -> PyResult<Self> {
        whole_number(value)
    }
}

/// `decimal.Decimal`.
fn decimal_class<'py>(py: Python<'py>) -> PyResult<&'py Bound<'py, PyAny>> {
    static DECIMAL: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let class = DECIMAL
        .get_or_try_init(py, || py.import("decimal")?.getattr("Decimal").map(Bound::unbind))?;
    Ok(class.bind(py))
}

impl FromPython for Amount {
    /// A `Decimal`, a whole number or a text; never a float, because `0.1 + 0.2` is not `0.3`.
    fn from_python(value: &Bound<'_, PyAny>, _: &Context<'_>) -> PyResult<Self> {
        let py = value.py();
        let is_decimal = value.is_instance(decimal_class(py)?)?;
        if !is_decimal && value.hasattr("__float__")? && index_of(value)?.is_none() {
            return Err(PyTypeError::new_err(format!(
                "amounts are exact; pass decimal.Decimal(\"10.50\") or the text \"10.50\", not {}",
                if value.is_instance_of::<PyFloat>() { "a float" } else { "this type" }
            )));
        }
        let text = if is_decimal {
            if !value.call_method0("is_finite")?.extract::<bool>()? {
                return Err(error::invalid(py, "an amount is a finite number"));
            }
            value.str()?.to_string()
        } else if let Ok(text) = value.cast::<PyString>() {
            text.to_string()
        } else if let Some(number) = index_of(value)? {
            // `int` refuses to write a number of thousands of digits; no amount is near that.
            let digits = number.call_method0("bit_length")?.extract::<u64>()? <= 128;
            if digits { number.str()?.to_string() } else { String::new() }
        } else {
            return Err(expected("an amount (Decimal, int or str)", value));
        };
        text.parse().map_err(|_| {
            let text = "an amount is a plain decimal such as 10.50, of at most 28 digits";
            error::invalid(py, text)
        })
    }
}

impl FromPython for Currency {
    fn from_python(value: &Bound<'_, PyAny>, _: &Context<'_>) -> PyResult<Self> {
        text_of(value).map(|text| Currency::from(text.as_str()))
    }
}

impl FromPython for Timestamp {
    /// A `datetime` that knows its zone.
    fn from_python(value: &Bound<'_, PyAny>, _: &Context<'_>) -> PyResult<Self> {
        if !value.is_instance_of::<PyDateTime>() {
            return Err(expected("a datetime", value));
        }
        let offset = value.call_method0("utcoffset")?;
        if offset.is_none() {
            let text = "a datetime without a zone could be any of several moments; pass one that \
                        has tzinfo, such as datetime.now(timezone.utc)";
            return Err(PyTypeError::new_err(text));
        }
        let utc = value.py().import("datetime")?.getattr("timezone")?.getattr("utc")?;
        let in_utc = value.call_method1("astimezone", (utc,))?;
        Ok(Timestamp::from(in_utc.extract::<jiff::Timestamp>()?))
    }
}

impl FromPython for Date {
    /// A `date`, and not a `datetime`, which is a day only together with a zone.
    fn from_python(value: &Bound<'_, PyAny>, _: &Context<'_>) -> PyResult<Self> {
        if value.is_instance_of::<PyDateTime>() || !value.is_instance_of::<PyDate>() {
            return Err(expected("a date", value));
        }
        Ok(Date::from(value.extract::<jiff::civil::Date>()?))
    }
}

impl<T: FromPython> FromPython for Sensitive<T> {
    fn from_python(value: &Bound<'_, PyAny>, context: &Context<'_>) -> PyResult<Self> {
        T::from_python(value, context).map(Sensitive::from)
    }
}

impl<T: FromPython> FromPython for Vec<T> {
    fn from_python(value: &Bound<'_, PyAny>, context: &Context<'_>) -> PyResult<Self> {
        if !value.is_instance_of::<PyList>() && !value.is_instance_of::<PyTuple>() {
            return Err(expected("a list", value));
        }
        let items = value.try_iter()?.enumerate();
        let read = |(at, item): (usize, PyResult<Bound<'_, PyAny>>)| {
            let item = item?;
            T::from_python(&item, context)
                .map_err(|wrong| error::before(item.py(), &format!("[{at}]: "), wrong))
        };
        items.map(read).collect()
    }
}

impl<T: FromPython> FromPython for BTreeMap<String, T> {
    fn from_python(value: &Bound<'_, PyAny>, context: &Context<'_>) -> PyResult<Self> {
        let Ok(mapping) = value.cast::<PyMapping>() else {
            return Err(expected("a dict", value));
        };
        let mut map = BTreeMap::new();
        for pair in mapping.items()?.iter() {
            let (key, item) = pair.extract::<(Bound<'_, PyAny>, Bound<'_, PyAny>)>()?;
            map.insert(text_of(&key)?, T::from_python(&item, context)?);
        }
        Ok(map)
    }
}

impl ToPython for String {
    fn to_python<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Ok(PyString::new(py, self).into_any())
    }
}

impl ToPython for i64 {
    fn to_python<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Ok(self.into_pyobject(py)?.into_any())
    }
}

impl ToPython for bool {
    fn to_python<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Ok(PyBool::new(py, *self).to_owned().into_any())
    }
}

/// A `Decimal` of the digits of a text.
pub(crate) fn decimal<'py>(py: Python<'py>, digits: &str) -> PyResult<Bound<'py, PyAny>> {
    decimal_class(py)?.call1((digits,))
}

impl ToPython for Amount {
    fn to_python<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        decimal(py, &self.to_string())
    }
}

impl ToPython for Currency {
    fn to_python<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Home::Currency.class(py, "Currency")?.call1((self.as_str(),))
    }
}

impl ToPython for Timestamp {
    fn to_python<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        // Python's calendar is shorter than ours; beyond it the text tells more than an error.
        let moment = self.instant().and_then(|moment| moment.into_pyobject(py).ok());
        Ok(moment.map_or_else(|| PyString::new(py, self.as_str()).into_any(), Bound::into_any))
    }
}

impl ToPython for Date {
    fn to_python<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let day = self.day().and_then(|day| day.into_pyobject(py).ok());
        Ok(day.map_or_else(|| PyString::new(py, self.as_str()).into_any(), Bound::into_any))
    }
}

impl<T: ToPython> ToPython for Sensitive<T> {
    fn to_python<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.expose().to_python(py)
    }
}

impl<T: ToPython> ToPython for Variable<T> {
    fn to_python<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        match self {
            Variable::Known(value) => value.to_python(py),
            Variable::Other(json) => json.to_python(py),
        }
    }
}

impl<T: ToPython> ToPython for Option<T> {
    fn to_python<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        match self {
            Some(value) => value.to_python(py),
            None => Ok(py.None().into_bound(py)),
        }
    }
}

/// A list of values that are borrowed.
pub(crate) fn list<'py, T: ToPython>(py: Python<'py>, rows: &[T]) -> PyResult<Bound<'py, PyList>> {
    let list = PyList::empty(py);
    for row in rows {
        list.append(row.to_python(py)?)?;
    }
    Ok(list)
}

impl<T: ToPython> ToPython for Vec<T> {
    fn to_python<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        list(py, self).map(Bound::into_any)
    }

    /// A `Rows`: a list that has a reply.
    fn to_answer<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Home::Record.make(py, "Rows", [self.to_python(py)?])
    }
}

impl<T: ToPython> ToPython for BTreeMap<String, T> {
    fn to_python<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let dict = PyDict::new(py);
        for (key, value) in self {
            dict.set_item(key, value.to_python(py)?)?;
        }
        Ok(dict.into_any())
    }
}

impl<T: ToPython> ToPython for Page<T> {
    fn to_python<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let values = [
            self.items.to_python(py)?,
            self.current_page.to_python(py)?,
            self.last_page.to_python(py)?,
            self.total.to_python(py)?,
            self.per_page.to_python(py)?,
        ];
        Home::Record.make(py, "Page", values)
    }
}

/// An open enumeration, both ways: `kesspay.enums.<name>(value)` out, a `str` or a member in.
macro_rules! open_enum {
    ($name:ident) => {
        impl $crate::value::FromPython for kess_gateway::enums::$name {
            fn from_python(
                value: &pyo3::Bound<'_, pyo3::PyAny>,
                _: &$crate::value::Context<'_>,
            ) -> pyo3::PyResult<Self> {
                $crate::value::text_of(value).map(Self::from)
            }
        }

        impl $crate::value::ToPython for kess_gateway::enums::$name {
            fn to_python<'py>(
                &self,
                py: pyo3::Python<'py>,
            ) -> pyo3::PyResult<pyo3::Bound<'py, pyo3::PyAny>> {
                $crate::record::member(py, stringify!($name), self.as_str())
            }
        }
    };
}
pub(crate) use open_enum;
