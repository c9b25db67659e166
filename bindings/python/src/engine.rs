//! The payout engine's half of the binding: batches on a store, with the gateway's client.
//!
//! Each method hands out [`Pending`] work; the Python package waits for it in either style. What is
//! done and decided, [`payout_engine::desk`] does and decides; here it is put into Python's words.

mod failure;
mod frame;
mod order;
mod reports;
mod run;
mod source;
mod table;
mod words;

use std::sync::Arc;

use kess_gateway::Client;
use payout_engine::desk::{Desk, Watch};
use payout_engine::{Batch, BatchSummary, Error, Gateway, KessGateway, Policy, Ruling};
use pyo3::prelude::*;
use pyo3::types::PyDict;

pub(crate) use reports::ReportSource;
pub(crate) use run::Run;
pub(crate) use source::{CheckedSource, Source, check, read_source, valid};
pub(crate) use table::Table;

use crate::error::IntoPyErr;
use crate::pending::Pending;
use crate::runtime::Guarded;

/// Batches on one store.
#[pyclass(frozen, module = "kesspay._native")]
pub(crate) struct Engine {
    store: String,
    client: Option<Guarded<Client>>,
    desk: Desk,
}

impl Engine {
    pub(crate) fn of(store: String, client: Option<Client>, policy: Policy) -> Result<Self, Error> {
        let desk = Desk::new(&store, "kesspay")?.with_policy(policy);
        Ok(Self { store, client: client.map(Guarded::new), desk })
    }

    fn client(&self, py: Python<'_>) -> PyResult<&Client> {
        self.client.as_ref().and_then(Guarded::get).ok_or_else(|| {
            let message = "this engine has no client to reach the gateway with; give it one: \
                           PayoutEngine(store, client)";
            Error::config(message).into_py_err(py)
        })
    }

    fn gateway(&self, py: Python<'_>) -> PyResult<Arc<dyn Gateway>> {
        Ok(Arc::new(KessGateway::new(self.client(py)?.clone())))
    }

    /// What the desk is asked, and how the answer looks in Python.
    fn ask<T, W>(
        &self,
        work: impl FnOnce(Desk) -> W,
        into_python: impl FnOnce(Python<'_>, T) -> PyResult<Py<PyAny>> + Send + 'static,
    ) -> Pending
    where
        T: Send + 'static,
        W: Future<Output = Result<T, Error>> + Send + 'static,
    {
        Pending::new(work(self.desk.clone()), into_python)
    }
}

/// Whether somebody reads a run's events.
fn watch(is_read: bool) -> Watch {
    if is_read { Watch::Events } else { Watch::Numbers }
}

fn status(py: Python<'_>, (batch, summary): (Batch, BatchSummary)) -> PyResult<Py<PyAny>> {
    Ok(words::status(py, &batch, &summary)?.unbind())
}

#[pymethods]
impl Engine {
    /// `policy` is JSON: the settings of `[policy]` in payout.toml.
    #[new]
    fn new(
        py: Python<'_>,
        store: String,
        gateway: Option<&crate::client::Gateway>,
        policy: &str,
    ) -> PyResult<Self> {
        let client = gateway.map(|gateway| gateway.client(py)).transpose()?;
        let policy = serde_json::from_str(policy)
            .map_err(|error| Error::config(format!("policy: {error}")).into_py_err(py))?;
        Self::of(store, client, policy).map_err(|error| error.into_py_err(py))
    }

    /// Where batches are kept.
    #[getter]
    fn store(&self) -> &str {
        &self.store
    }

    /// Checks a source, admits it, writes the batch to the store, and begins to pay it. `options`
    /// are those of `kesspay.RunOptions`, all of them. Events are kept only if they are read.
    fn begin(
        &self,
        py: Python<'_>,
        source: &Source,
        options: &Bound<'_, PyDict>,
        is_read: bool,
    ) -> PyResult<Pending> {
        let order = order::order(source.0.clone(), options)?;
        let (desk, client) = (self.desk.clone(), self.client(py)?.clone());
        let begin = async move { desk.begin(order, &client, watch(is_read)).await };
        Ok(Pending::new(begin, Run::claim))
    }

    /// Goes on with a batch; without a name, the newest unfinished one.
    fn resume(&self, py: Python<'_>, batch: Option<String>, is_read: bool) -> PyResult<Pending> {
        let gateway = self.gateway(py)?;
        let resume = |desk: Desk| async move {
            desk.resume(batch.as_deref(), gateway, watch(is_read)).await
        };
        Ok(self.ask(resume, Run::claim))
    }

    /// New attempts for rows that certainly moved no money.
    fn retry(&self, py: Python<'_>, batch: Option<String>) -> PyResult<Pending> {
        let gateway = self.gateway(py)?;
        let retry =
            |desk: Desk| async move { desk.retry(batch.as_deref(), gateway, Watch::Numbers).await };
        Ok(self.ask(retry, Run::claim))
    }

    /// Sends nothing more of a batch, for good, and closes what waits for a password.
    fn cancel(
        &self,
        py: Python<'_>,
        batch: Option<String>,
        by: String,
        reason: Option<String>,
    ) -> PyResult<Pending> {
        let gateway = self.gateway(py)?;
        let cancel = |desk: Desk| async move {
            desk.cancel(batch.as_deref(), by, reason, gateway, Watch::Numbers).await
        };
        Ok(self.ask(cancel, Run::claim))
    }

    /// How a batch stands; without a name, the newest.
    fn status(&self, batch: Option<String>) -> Pending {
        self.ask(|desk| async move { desk.status(batch.as_deref()).await }, status)
    }

    /// How every batch in the store stands, newest first.
    fn batches(&self) -> Pending {
        self.ask(
            |desk| async move { desk.batches().await },
            |py, all| words::list(py, &all, |py, (batch, sum)| words::status(py, batch, sum)),
        )
    }

    /// The withdrawals that wait for a one-time password.
    fn otp(&self, batch: Option<String>) -> Pending {
        self.ask(
            |desk| async move { desk.otp(batch.as_deref()).await },
            |py, rows| words::list(py, &rows, words::otp_waiting),
        )
    }

    /// Where the rows of a batch's report come from.
    fn rows_of(&self, batch: String) -> ReportSource {
        ReportSource::new(self.desk.clone(), batch)
    }

    /// Compares the store with the gateway's ledger.
    fn reconcile(&self, py: Python<'_>, batch: Option<String>) -> PyResult<Pending> {
        let gateway = self.gateway(py)?;
        let compare = |desk: Desk| async move { desk.reconcile(batch.as_deref(), &*gateway).await };
        Ok(self.ask(compare, |py, (name, compared)| {
            Ok(words::reconciliation(py, &name, &compared)?.unbind())
        }))
    }

    /// Releases or rejects a held row.
    fn decide(
        &self,
        batch: Option<String>,
        reference: String,
        release: bool,
        by: String,
        reason: String,
    ) -> Pending {
        let ruling = if release { Ruling::Released } else { Ruling::Rejected };
        let decide = |desk: Desk| async move {
            desk.decide(batch.as_deref(), &reference, ruling, &by, &reason).await
        };
        self.ask(decide, |py, row| Ok(words::row(py, &row)?.unbind()))
    }

    /// Removes personal data from a finished batch.
    fn purge(&self, batch: String) -> Pending {
        self.ask(|desk| async move { desk.purge(Some(&batch)).await }, status)
    }
}
