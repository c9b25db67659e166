//! A run that is on: where it stands, what happens in it, and how it is ended.
//!
//! It goes on by itself on the runtime's threads, whatever Python does meanwhile. Counts are kept
//! here from the engine's events, so that whoever shows progress looks ten times a second instead
//! of being called for every row.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use payout_engine::{Batch, BatchSummary, Cancel, EngineEvent, Error, Observer};
use pyo3::prelude::*;
use pyo3::types::PyList;
use tokio::sync::Notify;
use tokio::task::{AbortHandle, JoinHandle};
use tokio::time::timeout;

use super::words;
use crate::error::IntoPyErr;
use crate::pending::Pending;

/// Events handed to Python at once.
const EVENTS_A_TURN: usize = 1_024;

/// A run of a batch.
#[pyclass(frozen, module = "kesspay._native")]
pub(crate) struct Run {
    batch: Batch,
    live: Arc<Live>,
    cancel: Cancel,
    task: AbortHandle,
    ended: Arc<Ended>,
}

/// What the run's events make of the batch so far.
pub(super) struct Live {
    seen: Mutex<Seen>,
    /// Told of every event that is kept, and of the end.
    news: Notify,
    /// Whether somebody reads the events. Without a reader they are dropped: a batch of a million
    /// rows has some millions of them.
    is_read: bool,
}

struct Seen {
    summary: BatchSummary,
    verified: u64,
    events: VecDeque<EngineEvent>,
    is_over: bool,
}

/// How the run ended, once it has.
#[derive(Default)]
struct Ended {
    result: Mutex<Option<Result<(Batch, BatchSummary), Failure>>>,
    over: Notify,
}

/// Why a run has no result.
enum Failure {
    Engine(Error),
    /// Its task was given up, or broke.
    GivenUp,
}

impl Live {
    /// Begins with the batch as it stands.
    pub(super) fn new(summary: BatchSummary, is_read: bool) -> Arc<Self> {
        let seen = Seen { summary, verified: 0, events: VecDeque::new(), is_over: false };
        Arc::new(Self { seen: Mutex::new(seen), news: Notify::new(), is_read })
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self) {
        self.seen().is_over = true;
        self.news.notify_waiters();
    }

    /// The next events; `None` once the run is over and all were read.
    async fn next(&self) -> Option<Vec<EngineEvent>> {
        loop {
            let news = self.news.notified();
            {
                let mut seen = self.seen();
                let count = seen.events.len().min(EVENTS_A_TURN);
                if count > 0 {
                    return Some(seen.events.drain(..count).collect());
                }
                if seen.is_over {
                    return None;
                }
            }
            news.await;
        }
    }
}

impl Observer for Live {
    fn event(&self, event: &EngineEvent) {
        let mut seen = self.seen();
        match event {
            EngineEvent::Verified { .. } => seen.verified += 1,
            event => event.update(&mut seen.summary),
        }
        if self.is_read {
            seen.events.push_back(event.clone());
            drop(seen);
            self.news.notify_waiters();
        }
    }
}

impl Run {
    /// Sends `work` on its way.
    pub(super) fn start(
        batch: Batch,
        live: Arc<Live>,
        cancel: Cancel,
        work: impl Future<Output = Result<(Batch, BatchSummary), Error>> + Send + 'static,
    ) -> Self {
        let task = tokio::spawn(work);
        let (handle, ended) = (task.abort_handle(), Arc::new(Ended::default()));
        tokio::spawn(keep_result(task, Arc::clone(&ended), Arc::clone(&live)));
        Self { batch, live, cancel, task: handle, ended }
    }
}

/// A run that nobody has in hand yet. Whoever asked for it may be gone by now: what nobody claims
/// is asked to end.
pub(super) struct Started(Option<Run>);

impl Started {
    pub(super) fn new(run: Run) -> Self {
        Self(Some(run))
    }

    /// The run, as Python gets it.
    pub(super) fn into_python(mut self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        Ok(self.0.take().into_pyobject(py)?.unbind())
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        if let Some(run) = &self.0 {
            run.stop();
        }
    }
}

/// Waits for the run itself, so that its end is noticed although nobody in Python waits.
async fn keep_result(
    task: JoinHandle<Result<(Batch, BatchSummary), Error>>,
    ended: Arc<Ended>,
    live: Arc<Live>,
) {
    let result = match task.await {
        Ok(result) => result.map_err(Failure::Engine),
        Err(_) => Err(Failure::GivenUp),
    };
    *ended.lock() = Some(result);
    live.end();
    ended.over.notify_waiters();
}

impl Ended {
    fn lock(&self) -> MutexGuard<'_, Option<Result<(Batch, BatchSummary), Failure>>> {
        self.result.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn wait(&self) {
        loop {
            let over = self.over.notified();
            if self.lock().is_some() {
                return;
            }
            over.await;
        }
    }
}

#[pymethods]
impl Run {
    /// The batch's name.
    #[getter]
    fn batch(&self) -> &str {
        &self.batch.name
    }

    /// Rows that were verified, in a dry run.
    #[getter]
    fn verified(&self) -> u64 {
        self.live.seen().verified
    }

    /// How the batch stands, as far as the run's events tell.
    fn status<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let summary = self.live.seen().summary.clone();
        words::status(py, &self.batch, &summary)
    }

    /// Waits for the end, and no longer than this; whether it has come.
    fn ended(&self, milliseconds: u64) -> Pending {
        let patience = Duration::from_millis(milliseconds);
        let ended = Arc::clone(&self.ended);
        let work = async move { Ok::<_, PyErr>(timeout(patience, ended.wait()).await.is_ok()) };
        Pending::new(work, |py, over| Ok(over.into_pyobject(py)?.to_owned().into_any().unbind()))
    }

    /// The next events, as a list; None once the run is over.
    fn events(&self) -> Pending {
        let live = Arc::clone(&self.live);
        let batch = self.batch.clone();
        let work = async move { Ok::<_, PyErr>(live.next().await) };
        Pending::new(work, move |py, events| {
            let Some(events) = events else { return Ok(py.None()) };
            let list = PyList::empty(py);
            for event in &events {
                if let Some(event) = words::event(py, &batch, event)? {
                    list.append(event)?;
                }
            }
            Ok(list.into_any().unbind())
        })
    }

    /// Asks the run to end: calls in flight finish, nothing new starts.
    fn stop(&self) {
        self.cancel.cancel();
    }

    /// Gives the run up at once. What was sent is in the store, and `resume` asks about it.
    fn give_up(&self) {
        self.task.abort();
    }

    /// How the batch stands at the end of the run, which must have come.
    /// `None` where it was given up.
    fn result(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        let mut result = self.ended.lock();
        match &*result {
            Some(Ok((batch, summary))) => Ok(Some(words::status(py, batch, summary)?.unbind())),
            // An error is told once: it cannot be copied.
            Some(Err(Failure::Engine(_))) => match result.replace(Err(Failure::GivenUp)) {
                Some(Err(Failure::Engine(error))) => Err(error.into_py_err(py)),
                _ => Ok(None),
            },
            Some(Err(Failure::GivenUp)) | None => Ok(None),
        }
    }
}
