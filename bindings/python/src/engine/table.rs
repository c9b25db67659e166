//! The rows of a report, and findings, as Arrow: what `Report` and `Check` hand to pandas, polars
//! and pyarrow.
//!
//! Amounts are decimals with two places, which is exact for every currency that intake accepts.
//! Account numbers are masked.

use std::sync::Arc;

use arrow_array::builder::{
    Decimal128Builder, StringBuilder, TimestampMicrosecondBuilder, UInt32Builder, UInt64Builder,
};
use arrow_array::{ArrayRef, RecordBatch, StructArray};
use arrow_schema::{ArrowError, DataType, Field, FieldRef, Fields, Schema, SchemaRef, TimeUnit};
use jiff::Timestamp;
use kess_gateway::Amount;
use payout_engine::intake::Finding;
use payout_engine::report::ReportRow;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyCapsule;
use pyo3_arrow::ffi::{ArrayIterator, to_stream_pycapsule};

/// Digits of an amount, and how many of them stand behind the point.
const AMOUNT: (u8, i8) = (38, 2);

/// Rows that can be handed out as an Arrow stream any number of times.
#[pyclass(frozen, module = "kesspay._native")]
pub(crate) struct Table {
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
}

#[pymethods]
impl Table {
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyCapsule>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        let rows = DataType::Struct(self.schema.fields().clone());
        let field: FieldRef = Arc::new(Field::new("", rows, false));
        let batches = self.batches.clone().into_iter();
        let arrays = batches.map(|batch| Ok(Arc::new(StructArray::from(batch)) as ArrayRef));
        let stream = Box::new(ArrayIterator::new(arrays, field));
        Ok(to_stream_pycapsule(py, stream, requested_schema)?)
    }
}

/// Builds a [`Table`] page by page.
pub(super) struct ReportTable {
    /// Headings of the columns that the engine does not know.
    extra: Vec<String>,
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
}

impl ReportTable {
    pub(super) fn new(extra: Vec<String>) -> Self {
        let text = |name: &str, nullable| Field::new(name, DataType::Utf8, nullable);
        let moment = || DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        let mut fields = vec![
            Field::new("row", DataType::UInt64, false),
            Field::new("line", DataType::UInt64, false),
            text("reference", false),
            text("status", false),
            text("out_trade_no", true),
            Field::new("amount", DataType::Decimal128(AMOUNT.0, AMOUNT.1), false),
            text("currency", false),
            text("bic", true),
            text("account", true),
            text("holder_name", true),
            text("transaction_id", true),
            text("otp_url", true),
            Field::new("otp_expires_at", moment(), true),
            Field::new("attempts", DataType::UInt32, false),
            text("error_code", true),
            text("error_message", true),
            text("warning", true),
            Field::new("updated_at", moment(), false),
        ];
        let own = fields.len();
        for name in &extra {
            // Two columns of one name would be one too many for most who read it.
            let is_taken = fields[..own].iter().any(|field| field.name() == name);
            fields
                .push(text(&if is_taken { format!("{name}_in_file") } else { name.clone() }, true));
        }
        Self { extra, schema: Arc::new(Schema::new(Fields::from(fields))), batches: Vec::new() }
    }

    /// Adds rows.
    pub(super) fn add(&mut self, rows: &[ReportRow]) -> Result<(), ArrowError> {
        let reason = |at: fn(&ReportRow) -> Option<&str>| texts(rows.iter().map(at));
        let mut columns: Vec<ArrayRef> = vec![
            numbers(rows.iter().map(|row| row.row)),
            numbers(rows.iter().map(|row| row.line)),
            texts(rows.iter().map(|row| Some(&row.reference))),
            texts(rows.iter().map(|row| Some(row.outcome.as_str()))),
            texts(rows.iter().map(|row| row.out_trade_no.as_ref())),
            amounts(rows.iter().map(|row| row.money.amount()))?,
            texts(rows.iter().map(|row| Some(row.money.currency().as_str()))),
            texts(rows.iter().map(|row| row.payee.as_ref().map(|payee| &payee.bic))),
            texts(rows.iter().map(|row| row.payee.as_ref().map(|_| row.masked_account()))),
            texts(rows.iter().map(|row| row.holder_name.as_ref())),
            texts(rows.iter().map(|row| row.transaction_id.as_ref())),
            texts(rows.iter().map(|row| row.otp_url.as_ref())),
            moments(rows.iter().map(|row| row.otp_expires_at)),
            small_numbers(rows.iter().map(|row| row.attempts)),
            reason(|row| row.error.as_ref().map(|reason| reason.code.as_str())),
            reason(|row| row.error.as_ref().map(|reason| reason.message.as_str())),
            reason(|row| row.warning.as_ref().map(|reason| reason.message.as_str())),
            moments(rows.iter().map(|row| Some(row.updated_at))),
        ];
        for name in &self.extra {
            let value = |row: &ReportRow| {
                let cell = row.extra.iter().find(|(heading, _)| heading == name);
                cell.map(|(_, value)| value.clone())
            };
            columns.push(texts(rows.iter().map(value)));
        }
        self.batches.push(RecordBatch::try_new(Arc::clone(&self.schema), columns)?);
        Ok(())
    }

    pub(super) fn finish(self) -> Table {
        Table { schema: self.schema, batches: self.batches }
    }
}

/// What was found in a file, problems before warnings.
pub(super) fn findings(problems: &[Finding], warnings: &[Finding]) -> PyResult<Table> {
    let text = |name: &str, nullable| Field::new(name, DataType::Utf8, nullable);
    let schema = Arc::new(Schema::new(vec![
        text("kind", false),
        Field::new("line", DataType::UInt64, false),
        Field::new("row", DataType::UInt64, true),
        text("column", true),
        text("code", false),
        text("value", true),
        text("message", false),
        text("hint", false),
    ]));
    let kinds = problems.iter().map(|_| Some("problem"));
    let all: Vec<&Finding> = problems.iter().chain(warnings).collect();
    let columns = vec![
        texts(kinds.chain(warnings.iter().map(|_| Some("warning")))),
        numbers(all.iter().map(|finding| finding.line)),
        optional_numbers(all.iter().map(|finding| finding.row)),
        texts(all.iter().map(|finding| finding.column.as_ref())),
        texts(all.iter().map(|finding| Some(finding.code.as_str()))),
        texts(all.iter().map(|finding| finding.value.as_ref())),
        texts(all.iter().map(|finding| Some(&finding.message))),
        texts(all.iter().map(|finding| Some(&finding.hint))),
    ];
    let batch = RecordBatch::try_new(Arc::clone(&schema), columns);
    let batch = batch.map_err(|error| PyValueError::new_err(error.to_string()))?;
    Ok(Table { schema, batches: vec![batch] })
}

fn texts<T: AsRef<str>>(values: impl Iterator<Item = Option<T>>) -> ArrayRef {
    let mut column = StringBuilder::new();
    values.for_each(|value| column.append_option(value));
    Arc::new(column.finish())
}

fn numbers(values: impl Iterator<Item = u64>) -> ArrayRef {
    optional_numbers(values.map(Some))
}

fn optional_numbers(values: impl Iterator<Item = Option<u64>>) -> ArrayRef {
    let mut column = UInt64Builder::new();
    values.for_each(|value| column.append_option(value));
    Arc::new(column.finish())
}

fn small_numbers(values: impl Iterator<Item = u32>) -> ArrayRef {
    let mut column = UInt32Builder::new();
    values.for_each(|value| column.append_value(value));
    Arc::new(column.finish())
}

fn moments(values: impl Iterator<Item = Option<Timestamp>>) -> ArrayRef {
    let mut column = TimestampMicrosecondBuilder::new().with_timezone("UTC");
    values.for_each(|value| column.append_option(value.map(|at| at.as_microsecond())));
    Arc::new(column.finish())
}

fn amounts(values: impl Iterator<Item = Amount>) -> Result<ArrayRef, ArrowError> {
    let mut column = Decimal128Builder::new().with_precision_and_scale(AMOUNT.0, AMOUNT.1)?;
    for value in values {
        column.append_value(in_hundredths(value)?);
    }
    Ok(Arc::new(column.finish()))
}

/// The amount as a whole number of hundredths, exactly.
fn in_hundredths(amount: Amount) -> Result<i128, ArrowError> {
    let mut decimal = amount.as_decimal();
    decimal.rescale(2);
    // Rescaling rounds; what does not come out the same had more places than any currency here.
    if Amount::from(decimal) == amount && decimal.scale() == 2 {
        return Ok(decimal.mantissa());
    }
    Err(ArrowError::InvalidArgumentError("an amount has more than two decimals".to_owned()))
}
