//! A frame, become the bytes of a batch file: what speaks Arrow is written as CSV and then passes
//! the same rules as a file, by the same code.
//!
//! What a frame can get wrong that a file cannot is its types, and types are refused here, before
//! anything is read: an account number that is an integer has lost its leading zeros, an amount
//! that is a binary float has lost its decimals, and neither can be repaired.
//!
//! Invariant: a value goes into the text exactly or not at all.

use arrow_array::{Array, RecordBatch, RecordBatchReader};
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use arrow_schema::{ArrowError, DataType, Field, Schema};
use payout_engine::intake;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;

/// Columns in which an integer has lost something: its leading zeros.
const DIGITS: [&str; 3] = ["bank_account_number", "phone_number", "postcode"];

/// Writes all rows of `reader` as CSV with a heading.
///
/// # Errors
/// `TypeError` for a column of a type in which something was lost; `ValueError` where the frame
/// itself cannot be read.
pub(super) fn to_csv(reader: Box<dyn RecordBatchReader + Send>) -> PyResult<Vec<u8>> {
    let schema = reader.schema();
    let columns = columns(&schema)?;
    let mut csv = csv::Writer::from_writer(Vec::new());
    let headings = columns.iter().map(|&at| schema.field(at).name());
    csv.write_record(headings).map_err(unwritable)?;
    for batch in reader {
        let batch = batch.map_err(|error| unreadable(&error))?;
        write(&mut csv, &batch, &columns)?;
    }
    csv.into_inner().map_err(|error| unwritable(error.into_error()))
}

/// The columns that are rows' own, each of a type that can be told exactly.
fn columns(schema: &Schema) -> PyResult<Vec<usize>> {
    let mut columns = Vec::with_capacity(schema.fields().len());
    for (at, field) in schema.fields().iter().enumerate() {
        // Where rows were filtered, pandas hands out its index as one more column.
        if field.name().starts_with("__index_level_") {
            continue;
        }
        check_type(field)?;
        columns.push(at);
    }
    Ok(columns)
}

fn check_type(field: &Field) -> PyResult<()> {
    let ty = field.data_type();
    if is_text(ty) || *ty == DataType::Null {
        return Ok(());
    }
    let wrong = |why: &str| {
        let name = field.name();
        Err(PyTypeError::new_err(format!("column `{name}` holds {}: {why}", words(ty))))
    };
    match intake::column_named(field.name()) {
        Some(name) if DIGITS.contains(&name) => wrong(
            "these digits must be text, because a number has no leading zeros and they are lost \
             by now; read the column as text from the start (pandas: dtype=str, polars: \
             schema_overrides={...: pl.String})",
        ),
        Some("amount") if ty.is_integer() || is_decimal(ty) => Ok(()),
        Some("amount") => wrong(
            "amounts are exact and a binary float is not; use decimal.Decimal, integers or text \
             (pandas: frame[column].map(decimal.Decimal) on text, polars: \
             .cast(pl.Decimal(scale=2)))",
        ),
        Some("reference") if ty.is_integer() => Ok(()),
        Some(_) => wrong("it must be text"),
        None if ty.is_nested() || ty.is_binary() => {
            wrong("a column that comes back in the report must hold single values; drop it")
        }
        None => Ok(()),
    }
}

fn is_text(ty: &DataType) -> bool {
    match ty {
        DataType::Dictionary(_, value) => is_text(value),
        _ => ty.is_string(),
    }
}

fn is_decimal(ty: &DataType) -> bool {
    matches!(
        ty,
        DataType::Decimal32(..)
            | DataType::Decimal64(..)
            | DataType::Decimal128(..)
            | DataType::Decimal256(..)
    )
}

/// A type as a data team calls it.
fn words(ty: &DataType) -> String {
    match ty {
        _ if ty.is_integer() => "integers".to_owned(),
        _ if ty.is_floating() => "binary floats".to_owned(),
        DataType::Boolean => "yes and no".to_owned(),
        _ => format!("values of type {ty}"),
    }
}

fn write(csv: &mut csv::Writer<Vec<u8>>, batch: &RecordBatch, columns: &[usize]) -> PyResult<()> {
    let options = FormatOptions::new().with_null("");
    let arrays = columns.iter().map(|&at| ArrayFormatter::try_new(batch.column(at), &options));
    let arrays = arrays.collect::<Result<Vec<_>, _>>().map_err(|error| unreadable(&error))?;
    let mut cell = String::new();
    for row in 0..batch.num_rows() {
        for (array, &at) in arrays.iter().zip(columns) {
            cell.clear();
            array.value(row).write(&mut cell).map_err(|error| unreadable(&error))?;
            let is_decimal = is_decimal(batch.column(at).data_type());
            csv.write_field(if is_decimal { shortest(&cell) } else { &cell })
                .map_err(unwritable)?;
        }
        // The end of the record.
        csv.write_record(None::<&[u8]>).map_err(unwritable)?;
    }
    Ok(())
}

/// A decimal without the zeros that its column gave it: all of a column have the places of the one
/// that needs most, and riel have none.
fn shortest(decimal: &str) -> &str {
    match decimal.contains('.') {
        true => decimal.trim_end_matches('0').trim_end_matches('.'),
        false => decimal,
    }
}

fn unreadable(error: &ArrowError) -> PyErr {
    // The message of Arrow itself may repeat a value.
    let kind = match error {
        ArrowError::CDataInterface(_) => "it does not keep to the Arrow interface",
        ArrowError::ExternalError(_) => "whoever made it reports an error",
        _ => "a column cannot be told as text",
    };
    PyValueError::new_err(format!("the frame cannot be read: {kind}"))
}

fn unwritable(error: impl std::fmt::Display) -> PyErr {
    PyValueError::new_err(format!("the frame cannot be written as CSV: {error}"))
}
