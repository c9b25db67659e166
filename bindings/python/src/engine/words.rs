//! The engine's values as the Python package words them: `kesspay.batch`, `.events`, `.check`,
//! `.report`, `.reconciliation`.
//!
//! Each function makes one Python object, its arguments in the order in which the class has its
//! fields. The tests compare every field with what the store holds.

use std::collections::BTreeMap;

use kess_gateway::{Amount, Currency};
use payout_engine::intake::{Checked, Finding};
use payout_engine::report::{ReportRow, plain};
use payout_engine::{
    Batch, BatchSummary, Difference, EngineEvent, Outcome, Reason, Reconciliation, Stopped, Total,
};
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::record::Home;
use crate::value::decimal;

type Object<'py> = Bound<'py, PyAny>;

/// `kesspay.batch.Status`.
pub(super) fn status<'py>(
    py: Python<'py>,
    batch: &Batch,
    summary: &BatchSummary,
) -> PyResult<Object<'py>> {
    let counts = PyDict::new(py);
    for &of in Outcome::ALL {
        counts.set_item(outcome(py, of)?, summary.count(of))?;
    }
    let totals = PyDict::new(py);
    for (currency, sums) in &summary.totals {
        totals.set_item(currency.as_str(), total(py, currency, sums)?)?;
    }
    let stopped = summary.stopped.as_ref().map(|it| self::stopped(py, it)).transpose()?;
    let cancelled = summary.cancelled.as_ref().map(ToString::to_string);
    let fields = [
        object(py, &summary.batch)?,
        word(py, Home::Batch, "BatchState", batch.state.as_str())?,
        object(py, summary.rows)?,
        counts.into_any(),
        totals.into_any(),
        object(py, summary.elapsed)?,
        object(py, stopped)?,
        object(py, summary.interrupted)?,
        object(py, cancelled)?,
        object(py, batch.options.dry_run)?,
        object(py, &batch.source)?,
        object(py, batch.created_at)?,
        object(py, batch.purged_at)?,
    ];
    Home::Batch.make(py, "Status", fields)
}

/// A list of what `word` makes of each.
pub(super) fn list<T>(
    py: Python<'_>,
    all: &[T],
    word: impl for<'py> Fn(Python<'py>, &T) -> PyResult<Object<'py>>,
) -> PyResult<Py<PyAny>> {
    let all = all.iter().map(|one| word(py, one)).collect::<PyResult<Vec<_>>>()?;
    Ok(PyList::new(py, all)?.into_any().unbind())
}

fn total<'py>(py: Python<'py>, currency: &Currency, total: &Total) -> PyResult<Object<'py>> {
    let by_outcome = PyDict::new(py);
    for &of in Outcome::ALL {
        by_outcome.set_item(outcome(py, of)?, money(py, total.of(of), currency)?)?;
    }
    Home::Batch.make(py, "Total", [money(py, total.requested, currency)?, by_outcome.into_any()])
}

/// An amount with the decimals of its currency, so that a frame shows `10.50` and not `10.5`.
fn money<'py>(py: Python<'py>, amount: Amount, currency: &Currency) -> PyResult<Object<'py>> {
    decimal(py, &plain(amount, currency))
}

fn outcome(py: Python<'_>, outcome: Outcome) -> PyResult<Object<'_>> {
    word(py, Home::Batch, "Outcome", outcome.as_str())
}

fn reason<'py>(py: Python<'py>, reason: &Reason) -> PyResult<Object<'py>> {
    Home::Batch.make(py, "Reason", [object(py, &reason.code)?, object(py, &reason.message)?])
}

fn optional_reason<'py>(py: Python<'py>, reason: Option<&Reason>) -> PyResult<Option<Object<'py>>> {
    reason.map(|reason| self::reason(py, reason)).transpose()
}

fn stopped<'py>(py: Python<'py>, stopped: &Stopped) -> PyResult<Object<'py>> {
    let cause = word(py, Home::Batch, "StopCause", stopped.cause.as_str())?;
    Home::Batch.make(py, "Stopped", [cause, object(py, &stopped.message)?])
}

/// Sums by currency.
fn sums<'py>(py: Python<'py>, sums: &BTreeMap<Currency, Amount>) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    for (currency, amount) in sums {
        dict.set_item(currency.as_str(), money(py, *amount, currency)?)?;
    }
    Ok(dict)
}

/// `kesspay.check.Check`; `source` is what the check hands back for its findings as Arrow.
pub(super) fn check<'py>(
    py: Python<'py>,
    checked: &Checked,
    source: impl IntoPyObject<'py>,
) -> PyResult<Object<'py>> {
    let findings = |findings: &[Finding]| -> PyResult<Bound<'py, PyList>> {
        let found = findings.iter().map(|it| finding(py, it)).collect::<PyResult<Vec<_>>>()?;
        PyList::new(py, found)
    };
    let (problems, warnings) = (findings(&checked.problems)?, findings(&checked.warnings)?);
    let totals = sums(py, &checked.totals)?;
    let fields = [
        object(py, checked.rows)?,
        object(py, checked.valid)?,
        totals.into_any(),
        problems.into_any(),
        warnings.into_any(),
        object(py, source)?,
    ];
    Home::Check.make(py, "Check", fields)
}

fn finding<'py>(py: Python<'py>, finding: &Finding) -> PyResult<Object<'py>> {
    let Finding { line, row, column, code, value, message, hint } = finding;
    let fields = [
        object(py, *line)?,
        object(py, *row)?,
        object(py, column)?,
        object(py, code.as_str())?,
        object(py, value)?,
        object(py, message)?,
        object(py, hint)?,
    ];
    Home::Check.make(py, "Finding", fields)
}

/// `kesspay.report.ReportRow`.
pub(super) fn row<'py>(py: Python<'py>, row: &ReportRow) -> PyResult<Object<'py>> {
    let extra = PyDict::new(py);
    for (name, value) in &row.extra {
        extra.set_item(name, value)?;
    }
    let fields = [
        object(py, row.row)?,
        object(py, row.line)?,
        object(py, &row.reference)?,
        outcome(py, row.outcome)?,
        object(py, &row.out_trade_no)?,
        money(py, row.money.amount(), row.money.currency())?,
        object(py, row.money.currency().as_str())?,
        object(py, row.payee.as_ref().map(|payee| &payee.bic))?,
        object(py, row.payee.as_ref().map(|_| row.masked_account()))?,
        object(py, &row.holder_name)?,
        object(py, &row.transaction_id)?,
        object(py, &row.otp_url)?,
        object(py, row.otp_expires_at)?,
        object(py, row.attempts)?,
        object(py, optional_reason(py, row.error.as_ref())?)?,
        object(py, optional_reason(py, row.warning.as_ref())?)?,
        extra.into_any(),
        object(py, row.updated_at)?,
    ];
    Home::Report.make(py, "ReportRow", fields)
}

fn object<'py>(py: Python<'py>, value: impl IntoPyObject<'py>) -> PyResult<Object<'py>> {
    value.into_bound_py_any(py)
}

/// `kesspay.report.OtpWaiting`.
pub(super) fn otp_waiting<'py>(py: Python<'py>, row: &ReportRow) -> PyResult<Object<'py>> {
    let expires_at = row.otp_expires_at;
    let fields = [
        object(py, row.row)?,
        object(py, &row.reference)?,
        object(py, &row.out_trade_no)?,
        money(py, row.money.amount(), row.money.currency())?,
        object(py, row.money.currency().as_str())?,
        object(py, &row.otp_url)?,
        object(py, expires_at)?,
    ];
    Home::Report.make(py, "OtpWaiting", fields)
}

/// `kesspay.reconciliation.Reconciliation`.
pub(super) fn reconciliation<'py>(
    py: Python<'py>,
    batch: &str,
    compared: &Reconciliation,
) -> PyResult<Object<'py>> {
    let found = compared.differences.iter().map(|it| difference(py, it));
    let found = PyList::new(py, found.collect::<PyResult<Vec<_>>>()?)?;
    let stopped = compared.stopped.as_ref().map(|it| self::stopped(py, it)).transpose()?;
    let Reconciliation { rows, asked, listed, .. } = compared;
    let fields = [
        object(py, batch)?,
        object(py, *rows)?,
        object(py, *asked)?,
        object(py, *listed)?,
        found.into_any(),
        object(py, stopped)?,
    ];
    Home::Reconciliation.make(py, "Reconciliation", fields)
}

fn difference<'py>(py: Python<'py>, difference: &Difference) -> PyResult<Object<'py>> {
    let paid = difference.money.as_ref();
    let seen = difference.seen.as_ref();
    let fields = [
        word(py, Home::Reconciliation, "DifferenceKind", difference.kind.as_str())?,
        object(py, difference.row)?,
        object(py, &difference.reference)?,
        object(py, difference.outcome.map(|it| outcome(py, it)).transpose()?)?,
        object(py, paid.map(|it| money(py, it.amount(), it.currency())).transpose()?)?,
        object(py, paid.map(|it| it.currency().as_str()))?,
        object(py, &difference.out_trade_no)?,
        object(py, seen.map(|seen| seen.status.trim()))?,
        object(py, seen.map(|seen| money(py, seen.amount, &seen.currency)).transpose()?)?,
        object(py, seen.map(|seen| seen.currency.as_str()))?,
        object(py, &difference.message)?,
    ];
    Home::Reconciliation.make(py, "Difference", fields)
}

/// An event; `None` for one that this version has no word for.
pub(super) fn event<'py>(
    py: Python<'py>,
    batch: &Batch,
    event: &EngineEvent,
) -> PyResult<Option<Object<'py>>> {
    let made = match event {
        EngineEvent::Loading { rows } => Home::Events.make(py, "Loading", [object(py, *rows)?]),
        EngineEvent::Started { summary } => {
            Home::Events.make(py, "Started", [status(py, batch, summary)?])
        }
        EngineEvent::Restored { since } => Home::Events.make(py, "Restored", [object(py, *since)?]),
        EngineEvent::Row { .. } => row_changed(py, event),
        EngineEvent::Verified { row } => Home::Events.make(py, "Verified", [object(py, *row)?]),
        EngineEvent::Warning { row, reference, reason } => {
            let (row, reference) = (object(py, *row)?, object(py, reference)?);
            Home::Events.make(py, "Warned", [row, reference, self::reason(py, reason)?])
        }
        EngineEvent::OtpRequired { row, reference, url, expires_at } => {
            let (row, reference) = (object(py, *row)?, object(py, reference)?);
            Home::Events.make(
                py,
                "OtpRequired",
                [row, reference, object(py, url)?, object(py, expires_at)?],
            )
        }
        EngineEvent::Paused { reason, pause } => {
            Home::Events.make(py, "Paused", [self::reason(py, reason)?, object(py, *pause)?])
        }
        EngineEvent::Concurrency { calls, reason } => {
            let reason = optional_reason(py, reason.as_ref())?;
            Home::Events.make(py, "Concurrency", [object(py, *calls)?, object(py, reason)?])
        }
        EngineEvent::Wallet { currency, balance, needed } => {
            let balance = balance.map(|it| money(py, it, currency)).transpose()?;
            let needed = money(py, *needed, currency)?;
            let currency = object(py, currency.as_str())?;
            Home::Events.make(py, "Wallet", [currency, object(py, balance)?, needed])
        }
        EngineEvent::Draining { in_flight } => {
            Home::Events.make(py, "Draining", [object(py, *in_flight)?])
        }
        EngineEvent::Stopped { stopped } => {
            Home::Events.make(py, "RunStopped", [self::stopped(py, stopped)?])
        }
        EngineEvent::Ended { summary } => {
            Home::Events.make(py, "Ended", [status(py, batch, summary)?])
        }
        _ => return Ok(None),
    };
    made.map(Some)
}

fn row_changed<'py>(py: Python<'py>, event: &EngineEvent) -> PyResult<Object<'py>> {
    let EngineEvent::Row { row, reference, from, to, money: paid, reason } = event else {
        unreachable!("called for changes of rows");
    };
    let fields = [
        object(py, *row)?,
        object(py, reference)?,
        outcome(py, *from)?,
        outcome(py, *to)?,
        money(py, paid.amount(), paid.currency())?,
        object(py, paid.currency().as_str())?,
        object(py, optional_reason(py, reason.as_ref())?)?,
    ];
    Home::Events.make(py, "RowChanged", fields)
}

/// A member of an enumeration.
fn word<'py>(
    py: Python<'py>,
    home: Home,
    class: &'static str,
    word: &str,
) -> PyResult<Object<'py>> {
    home.make(py, class, [object(py, word)?])
}
