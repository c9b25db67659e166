//! Answers on their way to an event loop of asyncio.
//!
//! Work is done on the runtime's threads; its answer becomes Python on the loop's thread, which has
//! the interpreter anyway. Answers that are ready together are delivered together: the loop is
//! woken for the first of them. So under load almost nobody asks for the interpreter.
//!
//! Invariant: a thread of the runtime never waits for the interpreter. Whoever holds it, for
//! however long, does not keep other calls from going on; waking is left to a thread that may wait.

use std::cell::RefCell;
use std::mem;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt;
use pyo3::exceptions::PyRuntimeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use tokio::task::AbortHandle;

use crate::runtime;

/// What work came to, to be turned into Python's values where the interpreter is held.
pub(crate) type Answer = Box<dyn FnOnce(Python<'_>) -> PyResult<Py<PyAny>> + Send>;

/// An `asyncio.Future` of the running loop for what `work` comes to. Cancelling it drops the work.
///
/// # Errors
/// `RuntimeError` outside of a running event loop, `ForkedError`.
pub(crate) fn awaitable<'py>(
    py: Python<'py>,
    work: impl Future<Output = Answer> + Send + 'static,
) -> PyResult<Bound<'py, PyAny>> {
    let runtime = runtime::ready(py)?;
    let (running, deliveries) = running_loop(py)?;
    let future = running.call_method0(intern!(py, "create_future"))?;
    let waiting = future.clone().unbind();
    let task = runtime.spawn(async move {
        // A panic has said on stderr what it is about.
        let answer = AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|_| {
            Box::new(|_| Err(PyRuntimeError::new_err("kesspay broke at this; it is a bug")))
        });
        deliveries.hand_in(waiting, answer);
    });
    let give_up = GiveUp(task.abort_handle());
    future.call_method1(intern!(py, "add_done_callback"), (give_up,))?;
    Ok(future)
}

/// What a future calls when it is done, which it also is when it was cancelled.
#[pyclass(frozen)]
struct GiveUp(AbortHandle);

#[pymethods]
impl GiveUp {
    fn __call__(&self, _future: &Bound<'_, PyAny>) {
        // The threads are not there in a forked child. A task that has ended is not aborted.
        if !runtime::is_forked() {
            self.0.abort();
        }
    }
}

/// What is ready for one event loop.
struct Deliveries {
    running: Py<PyAny>,
    ready: Mutex<Vec<(Py<PyAny>, Answer)>>,
}

thread_local! {
    /// The loop that ran last on this thread.
    static LAST: RefCell<Option<Arc<Deliveries>>> = const { RefCell::new(None) };
}

fn running_loop(py: Python<'_>) -> PyResult<(Bound<'_, PyAny>, Arc<Deliveries>)> {
    static GET: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let running = GET.import(py, "asyncio", "get_running_loop")?.call0()?;
    let known = LAST.with_borrow(|last| {
        last.clone().filter(|deliveries| deliveries.running.bind(py).is(&running))
    });
    let deliveries = known.unwrap_or_else(|| {
        let running = running.clone().unbind();
        let made = Arc::new(Deliveries { running, ready: Mutex::default() });
        // The loop before is let go of once the cell is not borrowed any more.
        drop(LAST.replace(Some(Arc::clone(&made))));
        made
    });
    Ok((running, deliveries))
}

impl Deliveries {
    fn ready(&self) -> MutexGuard<'_, Vec<(Py<PyAny>, Answer)>> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hand_in(self: Arc<Self>, waiting: Py<PyAny>, answer: Answer) {
        let mut ready = self.ready();
        ready.push((waiting, answer));
        let is_first = ready.len() == 1;
        drop(ready);
        if is_first {
            tokio::task::spawn_blocking(move || self.wake());
        }
    }

    /// Has the loop come for what is ready.
    fn wake(self: Arc<Self>) {
        // Where it does not come to this the interpreter is about to end, and nobody waits.
        runtime::in_python(|py| {
            let deliver = Deliver(Arc::clone(&self));
            let name = intern!(py, "call_soon_threadsafe");
            if self.running.bind(py).call_method1(name, (deliver,)).is_err() {
                // The loop is closed, and who awaited in it is gone.
                let unwanted = mem::take(&mut *self.ready());
                drop(unwanted);
            }
        });
    }
}

/// What the loop calls when it is woken.
#[pyclass(frozen)]
struct Deliver(Arc<Deliveries>);

#[pymethods]
impl Deliver {
    fn __call__(&self, py: Python<'_>) {
        let ready = mem::take(&mut *self.0.ready());
        for (waiting, answer) in ready {
            let waiting = waiting.bind(py);
            if let Err(error) = deliver(waiting, answer) {
                error.write_unraisable(py, Some(waiting));
            }
        }
    }
}

fn deliver(waiting: &Bound<'_, PyAny>, answer: Answer) -> PyResult<()> {
    let py = waiting.py();
    if waiting.call_method0(intern!(py, "done"))?.is_truthy()? {
        return Ok(());
    }
    match answer(py) {
        Ok(value) => waiting.call_method1(intern!(py, "set_result"), (value,))?,
        Err(error) => waiting.call_method1(intern!(py, "set_exception"), (error,))?,
    };
    Ok(())
}
