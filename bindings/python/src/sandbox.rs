//! `kesspay.Sandbox`: a gateway inside this process, for tests and for trying things out.
//!
//! It runs on threads of its own, and those log into Python. So the interpreter is released
//! wherever this waits for them or for what they hold, or each would wait for the other.

use std::sync::{Arc, Mutex, PoisonError};

use kess_sandbox::{
    Duplicates, FaultPlan, LedgerRow, NoticeState, OtpPolicy, Sandbox, SandboxError,
};
use payout_engine::with_causes;
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList};

use crate::engine::{Source, valid};
use crate::error::{self, IntoPyErr};
use crate::record::Home;
use crate::seconds::{self, seconds_if};
use crate::value::{Context, FromPython, ToPython, decimal};

/// A running sandbox.
#[pyclass(name = "Sandbox", module = "kesspay._native", frozen)]
pub(crate) struct PySandbox {
    /// Empty after `close`.
    sandbox: Mutex<Option<Arc<Sandbox>>>,
    /// The process that has its threads. A forked child may have used nothing else of kesspay, so
    /// the mark of `runtime` says nothing about it.
    process: u32,
}

impl PySandbox {
    /// The sandbox, for whatever works on it.
    pub(crate) fn sandbox(&self) -> PyResult<Arc<Sandbox>> {
        if self.is_elsewhere() {
            let text = "this process was forked from one that runs the sandbox; connect to it by \
                        its base_url";
            return Err(PyRuntimeError::new_err(text));
        }
        let sandbox = self.sandbox.lock().unwrap_or_else(PoisonError::into_inner);
        let text = "this sandbox is closed; start another one";
        sandbox.clone().ok_or_else(|| PyRuntimeError::new_err(text))
    }

    fn is_elsewhere(&self) -> bool {
        std::process::id() != self.process
    }

    fn stop(&self) {
        let sandbox = self.sandbox.lock().unwrap_or_else(PoisonError::into_inner).take();
        if self.is_elsewhere() {
            // It would wait for threads that are not here.
            std::mem::forget(sandbox);
            return;
        }
        // Waits for its threads, which may be about to log. Where the interpreter is about to end,
        // nobody can let go of it, and they end with the process.
        Python::try_attach(|py| py.detach(|| drop(sandbox)));
    }
}

impl Drop for PySandbox {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A sandbox that could not start, or a plan of faults that makes no sense.
fn refused(py: Python<'_>, error: &SandboxError) -> PyErr {
    let text = with_causes(error);
    error::raise(py, "ConfigurationError", &text, |keywords| {
        keywords.set_item("kind", "configuration")
    })
}

fn otp_policy(text: &str) -> PyResult<OtpPolicy> {
    Ok(match text {
        "by_account" => OtpPolicy::ByAccount,
        "always" => OtpPolicy::Always,
        "never" => OtpPolicy::Never,
        _ => {
            let text = "`otp`: one of \"by_account\", \"always\" and \"never\"";
            return Err(PyValueError::new_err(text));
        }
    })
}

#[pymethods]
impl PySandbox {
    #[new]
    #[pyo3(signature = (*, faults=0, latency=None, otp="by_account", seed=1, port=None,
        state_file=None, book_again=false))]
    #[expect(clippy::too_many_arguments, reason = "keyword arguments of Python")]
    fn new(
        py: Python<'_>,
        faults: u32,
        latency: Option<&Bound<'_, PyAny>>,
        otp: &str,
        seed: u64,
        port: Option<u16>,
        state_file: Option<std::path::PathBuf>,
        book_again: bool,
    ) -> PyResult<PySandbox> {
        if faults > 1000 {
            return Err(PyValueError::new_err("`faults`: of a thousand calls, so 1000 at most"));
        }
        let latency = seconds_if("latency", latency)?;
        let mut builder = Sandbox::builder()
            .seed(seed)
            .otp(otp_policy(otp)?)
            .faults(FaultPlan::bad_day(faults, latency.unwrap_or_default()));
        if let Some(port) = port {
            builder = builder.port(port);
        }
        if let Some(path) = state_file {
            builder = builder.state_file(path);
        }
        if book_again {
            builder = builder.duplicates(Duplicates::BookAgain);
        }
        // A forked child has none of the threads, but may start its own sandbox.
        let started = py.detach(|| builder.start()).map_err(|error| refused(py, &error))?;
        let sandbox = Mutex::new(Some(Arc::new(started)));
        Ok(PySandbox { sandbox, process: std::process::id() })
    }

    /// Where it listens.
    #[getter]
    fn base_url(&self) -> PyResult<String> {
        Ok(self.sandbox()?.base_url().to_owned())
    }

    /// What a client needs besides the base URL. Made up; it opens nothing else.
    fn credentials<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let sandbox = self.sandbox()?;
        let given = sandbox.credentials();
        let values = PyDict::new(py);
        values.set_item("client_id", &given.client_id)?;
        values.set_item("client_secret", &given.client_secret)?;
        values.set_item("username", &given.username)?;
        values.set_item("password", &given.password)?;
        values.set_item("api_secret", &given.api_secret)?;
        values.set_item("seller_code", &given.seller_code)?;
        values.set_item("public_key", given.public_key_pem.trim())?;
        Ok(values)
    }

    /// Puts an account into the directory.
    fn add_account(
        &self,
        py: Python<'_>,
        number: &Bound<'_, PyAny>,
        bic: &Bound<'_, PyAny>,
        holder: &Bound<'_, PyAny>,
        currency: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let sandbox = self.sandbox()?;
        let text = |name: &str, value: &Bound<'_, PyAny>| {
            String::from_python(value, &Context::without_client())
                .map_err(|wrong| error::before(py, &format!("`{name}`: "), wrong))
        };
        let (number, bic) = (text("number", number)?, text("bic", bic)?);
        let (holder, currency) = (text("holder", holder)?, text("currency", currency)?);
        py.detach(|| sandbox.add_account(&number, &bic, &holder, &currency));
        Ok(())
    }

    /// Puts the accounts of a file or frame into the directory, and says how many there were.
    fn add_accounts(&self, py: Python<'_>, source: &Source) -> PyResult<usize> {
        let sandbox = self.sandbox()?;
        let rows = source.0.clone();
        let add = || {
            let mut count = 0;
            for row in valid(&rows)? {
                let (payout, currency) = (&row.payee, row.money.currency());
                let number = payout.bank_account_number.expose();
                let holder = payout.expected_holder();
                sandbox.add_account(number, &payout.bic, &holder, currency.as_str());
                count += 1;
            }
            Ok::<_, payout_engine::Error>(count)
        };
        py.detach(add).map_err(|error| error.into_py_err(py))
    }

    /// Adds faults, written as JSON.
    fn add_faults(&self, py: Python<'_>, rules: &str) -> PyResult<()> {
        let sandbox = self.sandbox()?;
        let plan = FaultPlan::from_json(rules).map_err(|error| refused(py, &error))?;
        py.detach(|| sandbox.add_faults(plan));
        Ok(())
    }

    /// Takes every fault away.
    fn clear_faults(&self, py: Python<'_>) -> PyResult<()> {
        let sandbox = self.sandbox()?;
        py.detach(|| sandbox.clear_faults());
        Ok(())
    }

    /// How often each fault struck.
    fn fault_hits<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let sandbox = self.sandbox()?;
        let hits = PyDict::new(py);
        for (name, count) in py.detach(|| sandbox.fault_hits()) {
            hits.set_item(name, count)?;
        }
        Ok(hits)
    }

    /// What money moved so far.
    fn ledger<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let sandbox = self.sandbox()?;
        let ledger = py.detach(|| sandbox.ledger());
        let rows = PyList::empty(py);
        for row in &ledger.rows {
            rows.append(ledger_row(py, row)?)?;
        }
        let balances = PyDict::new(py);
        for (currency, sum) in &ledger.balances {
            balances.set_item(currency, decimal(py, &sum.to_string())?)?;
        }
        Home::Ledger.make(py, "Ledger", [rows.into_any(), balances.into_any()])
    }

    /// The notices that were or will be sent, oldest first.
    fn notices<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let sandbox = self.sandbox()?;
        let notices = PyList::empty(py);
        for notice in py.detach(|| sandbox.notices()) {
            let state = match notice.state {
                NoticeState::Waiting => "waiting",
                NoticeState::Delivered => "delivered",
                NoticeState::GivenUp => "given_up",
                NoticeState::NotSent => "not_sent",
            };
            let values = [
                notice.url.to_python(py)?,
                PyBytes::new(py, notice.body.as_bytes()).into_any(),
                i64::from(notice.pushes).to_python(py)?,
                state.to_owned().to_python(py)?,
            ];
            notices.append(Home::Ledger.make(py, "Notice", values)?)?;
        }
        Ok(notices)
    }

    /// Moves the clock on by this many seconds.
    fn advance(&self, py: Python<'_>, seconds: &Bound<'_, PyAny>) -> PyResult<()> {
        let sandbox = self.sandbox()?;
        let by = seconds::seconds("seconds", seconds)?;
        py.detach(|| sandbox.advance(by));
        Ok(())
    }

    /// Stops listening and cuts every connection.
    fn close(&self) {
        self.stop();
    }

    fn __repr__(&self) -> String {
        match self.sandbox() {
            Ok(sandbox) => format!("<Sandbox {}>", sandbox.base_url()),
            Err(_) => "<Sandbox, closed>".to_owned(),
        }
    }
}

fn ledger_row<'py>(py: Python<'py>, row: &LedgerRow) -> PyResult<Bound<'py, PyAny>> {
    let values = [
        row.out_trade_no.to_python(py)?,
        decimal(py, &row.amount.to_string())?,
        kess_gateway::Currency::from(row.currency.as_str()).to_python(py)?,
        row.account.to_python(py)?,
        row.bic.to_python(py)?,
        row.status.to_python(py)?,
        i64::from(row.times_booked).to_python(py)?,
        i64::from(row.times_returned).to_python(py)?,
        decimal(py, &row.moved.to_string())?,
    ];
    Home::Ledger.make(py, "LedgerRow", values)
}
