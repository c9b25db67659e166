//! The payout engine's half of the binding: batches on a store, with the gateway's client.
//!
//! Each method hands out [`Pending`] work; the Python package waits for it in either style. What is
//! decided here is nothing: a file is admitted by [`payout_engine::admission`], as the command
//! admits it, and paid by [`payout_engine::Engine`].
//!
//! A store is opened for each piece of work and closed after it, so that purging finds no other
//! reader, and a look at a store never keeps it open.

mod failure;
mod frame;
mod order;
mod reports;
mod run;
mod source;
mod table;
mod task;
mod words;

use std::sync::Arc;

use futures_util::future::{BoxFuture, FutureExt};
use kess_gateway::Client;
use payout_engine::report::ReportRow;
use payout_engine::{
    Batch, BatchSummary, Cancel, EngineEvent, Error, Gateway, KessGateway, Observer, Policy,
    Ruling, Store, awaiting_otp, host_name, open_store, reconcile,
};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

pub(crate) use reports::ReportSource;
pub(crate) use run::Run;
pub(crate) use source::{CheckedSource, Source, check, read_source};
pub(crate) use table::Table;

use crate::error::IntoPyErr;
use crate::pending::Pending;
use crate::runtime::Guarded;
use order::Order;
use run::{Live, Started};
use task::Task;

/// Batches on one store.
#[pyclass(frozen, module = "kesspay._native")]
pub(crate) struct Engine {
    store: Arc<str>,
    client: Option<Guarded<Client>>,
    policy: Policy,
}

/// What one piece of work needs of an engine.
#[derive(Clone)]
struct Desk {
    url: Arc<str>,
    policy: Policy,
}

impl Desk {
    async fn store(&self) -> Result<Arc<dyn Store>, Error> {
        open_store(&self.url).await
    }

    /// An engine on the store, with somebody watching.
    fn engine(
        &self,
        store: Arc<dyn Store>,
        doing: &str,
        observer: Arc<dyn Observer>,
    ) -> payout_engine::Engine {
        let runner = format!("kesspay {doing}, process {} on {}", std::process::id(), host_name());
        payout_engine::Engine::new(store)
            .with_policy(self.policy.clone())
            .with_observer(observer)
            .with_runner(runner)
    }
}

/// The batch of that name, or the newest one, finished or not.
async fn named_or_newest(store: &dyn Store, name: Option<&str>) -> Result<Batch, Error> {
    match name {
        Some(name) => store.batch(Some(name)).await,
        None => store.newest().await,
    }
}

/// The batch as it is in the store after `work`.
async fn afterwards(
    store: Arc<dyn Store>,
    batch: Batch,
    work: impl Future<Output = Result<BatchSummary, Error>>,
) -> Result<(Batch, BatchSummary), Error> {
    let summary = work.await?;
    Ok((store.batch(Some(&batch.name)).await?, summary))
}

/// Finds the batch that a run is to be of.
type Find = for<'a> fn(&'a dyn Store, Option<&'a str>) -> BoxFuture<'a, Result<Batch, Error>>;

fn newest_unfinished<'a>(
    store: &'a dyn Store,
    name: Option<&'a str>,
) -> BoxFuture<'a, Result<Batch, Error>> {
    store.batch(name)
}

fn newest<'a>(store: &'a dyn Store, name: Option<&'a str>) -> BoxFuture<'a, Result<Batch, Error>> {
    named_or_newest(store, name).boxed()
}

impl Engine {
    pub(crate) fn of(store: String, client: Option<Client>, policy: Policy) -> Self {
        Self { store: store.into(), client: client.map(Guarded::new), policy }
    }

    fn desk(&self) -> Desk {
        Desk { url: Arc::clone(&self.store), policy: self.policy.clone() }
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

    /// A run of a batch that is in the store.
    fn go_on(
        &self,
        py: Python<'_>,
        (find, name): (Find, Option<String>),
        task: Task,
        is_read: bool,
    ) -> PyResult<Pending> {
        let (desk, gateway) = (self.desk(), self.gateway(py)?);
        let begin = async move {
            let store = desk.store().await?;
            let batch = find(&*store, name.as_deref()).await?;
            desk.run(store, batch, gateway, task, is_read).await
        };
        Ok(Pending::new(begin, |py, run| run.into_python(py)))
    }

    /// Reads something of a batch that is in the store.
    fn look<T, W>(
        &self,
        name: Option<String>,
        work: impl FnOnce(Arc<dyn Store>, Batch) -> W + Send + 'static,
        into_python: impl FnOnce(Python<'_>, T) -> PyResult<Py<PyAny>> + Send + 'static,
    ) -> Pending
    where
        T: Send + 'static,
        W: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let desk = self.desk();
        let looking = async move {
            let store = desk.store().await?;
            let batch = named_or_newest(&*store, name.as_deref()).await?;
            work(store, batch).await
        };
        Pending::new(looking, into_python)
    }
}

impl Desk {
    /// Sends a run of the batch on its way.
    async fn run(
        &self,
        store: Arc<dyn Store>,
        batch: Batch,
        gateway: Arc<dyn Gateway>,
        task: Task,
        is_read: bool,
    ) -> Result<Started, Error> {
        let live = Live::new(store.summary(batch.id).await?, is_read);
        let engine = self.engine(Arc::clone(&store), task.doing, live.clone());
        let cancel = Cancel::new();
        let work = (task.work)(engine, batch.clone(), gateway, cancel.clone());
        let work = afterwards(store, batch.clone(), work);
        Ok(Started::new(Run::start(batch, live, cancel, work)))
    }
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
        Ok(Self::of(store, client, policy))
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
        let order = Order::new(source.0.clone(), options)?;
        let begin = order.begin(self.desk(), self.client(py)?.clone(), is_read);
        Ok(Pending::new(begin, |py, run| run.into_python(py)))
    }

    /// Goes on with a batch; without a name, the newest unfinished one.
    fn resume(&self, py: Python<'_>, batch: Option<String>, is_read: bool) -> PyResult<Pending> {
        self.go_on(py, (newest_unfinished, batch), Task::pay("resume"), is_read)
    }

    /// New attempts for rows that certainly moved no money.
    fn retry(&self, py: Python<'_>, batch: Option<String>) -> PyResult<Pending> {
        self.go_on(py, (newest, batch), Task::retry(), false)
    }

    /// Sends nothing more of a batch, for good, and closes what waits for a password.
    fn cancel(
        &self,
        py: Python<'_>,
        batch: Option<String>,
        by: String,
        reason: Option<String>,
    ) -> PyResult<Pending> {
        self.go_on(py, (newest, batch), Task::cancel(by, reason), false)
    }

    /// How a batch stands; without a name, the newest.
    fn status(&self, batch: Option<String>) -> Pending {
        let summed = |store: Arc<dyn Store>, batch: Batch| async move {
            let summary = store.summary(batch.id).await?;
            Ok((batch, summary))
        };
        self.look(batch, summed, |py, (batch, summary)| {
            Ok(words::status(py, &batch, &summary)?.unbind())
        })
    }

    /// How every batch in the store stands, newest first.
    fn batches(&self) -> Pending {
        let desk = self.desk();
        let work = async move {
            let store = desk.store().await?;
            let mut all = Vec::new();
            for batch in store.batches().await? {
                let summary = store.summary(batch.id).await?;
                all.push((batch, summary));
            }
            Ok::<_, Error>(all)
        };
        Pending::new(work, |py, all| {
            let all = all.iter().map(|(batch, summary)| words::status(py, batch, summary));
            Ok(PyList::new(py, all.collect::<PyResult<Vec<_>>>()?)?.into_any().unbind())
        })
    }

    /// The withdrawals that wait for a one-time password.
    fn otp(&self, batch: Option<String>) -> Pending {
        let waiting = |store: Arc<dyn Store>, batch: Batch| async move {
            awaiting_otp(&*store, &batch).await
        };
        self.look(batch, waiting, |py, rows| {
            let rows = rows.iter().map(|row| words::otp_waiting(py, row));
            Ok(PyList::new(py, rows.collect::<PyResult<Vec<_>>>()?)?.into_any().unbind())
        })
    }

    /// Where the rows of a batch's report come from.
    fn rows_of(&self, batch: String) -> ReportSource {
        ReportSource::new(self.desk(), batch)
    }

    /// Compares the store with the gateway's ledger.
    fn reconcile(&self, py: Python<'_>, batch: Option<String>) -> PyResult<Pending> {
        let (gateway, policy) = (self.gateway(py)?, self.policy.clone());
        let compare = |store: Arc<dyn Store>, batch: Batch| async move {
            let nobody_stops_it = Cancel::new();
            let compared = reconcile(&*store, &batch, &*gateway, &policy, &nobody_stops_it).await?;
            Ok((batch.name, compared))
        };
        Ok(self.look(batch, compare, |py, (name, compared)| {
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
        let desk = self.desk();
        let ruling = if release { Ruling::Released } else { Ruling::Rejected };
        let decide = move |store: Arc<dyn Store>, batch: Batch| async move {
            let engine = desk.engine(store, "decision", nobody());
            let row = engine.decide(&batch, &reference, ruling, &by, &reason).await?;
            Ok(ReportRow::from(row))
        };
        self.look(batch, decide, |py, row| Ok(words::row(py, &row)?.unbind()))
    }

    /// Removes personal data from a finished batch.
    fn purge(&self, batch: String) -> Pending {
        let desk = self.desk();
        let purge = move |store: Arc<dyn Store>, batch: Batch| async move {
            let batch = desk.engine(Arc::clone(&store), "purge", nobody()).purge(&batch).await?;
            let summary = store.summary(batch.id).await?;
            Ok((batch, summary))
        };
        self.look(Some(batch), purge, |py, (batch, summary)| {
            Ok(words::status(py, &batch, &summary)?.unbind())
        })
    }
}

/// An observer for work that makes no events.
fn nobody() -> Arc<dyn Observer> {
    Arc::new(|_: &EngineEvent| {})
}
