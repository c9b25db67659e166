//! The one runtime behind everything, and how to [`wait`] for it; how to await it is in
//! [`crate::delivery`].
//!
//! - **Waiting never holds the interpreter.** [`wait`] releases it, so other threads and the
//!   logging of our own threads go on, and looks at signals every 100 ms, so Ctrl-C and Jupyter's
//!   stop button work. It may be called from any thread, also inside a running event loop, which
//!   it blocks.
//! - **Dropping is cancelling.** Where a signal handler raises, the future is dropped and the
//!   exception goes on. A cancelled task of asyncio drops the future likewise.
//! - **A fork is a dead end.** Threads do not survive `os.fork()`, so a child that waited for them
//!   would hang for ever. [`ready`] refuses at once, and what holds threads or connections is
//!   forgotten there instead of being dropped ([`Guarded`]).
//! - **The end of the interpreter** finds threads that wait for calls; they end with the process.
//!   From `atexit` on no thread of ours goes into it any more, and it waits for those that are in
//!   ([`in_python`]).

use std::future::Future;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use tokio::runtime::{Builder, Handle, Runtime};

use crate::{error, logging};

/// How long a signal may wait until it is looked at.
const SIGNALS: Duration = Duration::from_millis(100);

static RUNTIME: OnceLock<Runtime> = OnceLock::new();
static FORKED: AtomicBool = AtomicBool::new(false);
static LEAVING: AtomicBool = AtomicBool::new(false);

/// How many threads of ours are in the interpreter, or want to be.
static INSIDE: AtomicUsize = AtomicUsize::new(0);

/// How long the end of the interpreter waits for them.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// What `os.register_at_fork` calls in a child.
#[pyfunction]
pub(crate) fn _after_fork() {
    FORKED.store(RUNTIME.get().is_some(), Ordering::Release);
}

/// What `atexit` calls. A thread that wants the interpreter back from one that is gone would take
/// the process down, so those that are in it are waited for.
#[pyfunction]
pub(crate) fn _at_exit(py: Python<'_>) {
    LEAVING.store(true, Ordering::SeqCst);
    let end = Instant::now() + LAST_WORDS;
    while INSIDE.load(Ordering::SeqCst) > 0 && Instant::now() < end {
        py.detach(|| thread::sleep(Duration::from_millis(5)));
    }
}

/// Registers the two above.
pub(crate) fn install(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    let os = py.import("os")?;
    // Windows has no fork.
    if os.hasattr("register_at_fork")? {
        let hook = wrap_pyfunction!(_after_fork, module)?;
        let keywords = pyo3::types::PyDict::new(py);
        keywords.set_item("after_in_child", hook)?;
        os.getattr("register_at_fork")?.call((), Some(&keywords))?;
    }
    py.import("atexit")?.call_method1("register", (wrap_pyfunction!(_at_exit, module)?,))?;
    Ok(())
}

/// Whether this process was forked from one whose threads it lacks.
pub(crate) fn is_forked() -> bool {
    FORKED.load(Ordering::Acquire)
}

/// The runtime, made when it is first needed. Whoever comes for it looks at the log's levels, too.
///
/// # Errors
/// `ForkedError` in a child of a process that has one.
pub(crate) fn ready(py: Python<'_>) -> PyResult<&'static Runtime> {
    if is_forked() {
        let text = "this process was forked from one that used kesspay, whose threads and \
                    connections it lacks: start workers with multiprocessing's \"spawn\" method, \
                    or use kesspay for the first time after the fork";
        return Err(error::raise(py, "ForkedError", text, |_| Ok(())));
    }
    logging::look(py)?;
    if let Some(runtime) = RUNTIME.get() {
        return Ok(runtime);
    }
    let made = Builder::new_multi_thread().thread_name("kesspay").enable_all().build();
    let made = made.map_err(|error| {
        PyRuntimeError::new_err(format!("kesspay cannot start its threads: {error}"))
    })?;
    // The interpreter is held, so nobody forks in between.
    Ok(RUNTIME.get_or_init(|| made))
}

/// Waits for a future on this thread.
///
/// # Errors
/// What a signal handler raised, such as `KeyboardInterrupt`: the future was dropped then, and what
/// it was about may or may not have happened. Before anything began: `ForkedError`, or
/// `RuntimeError` on one of our own threads.
pub(crate) fn wait<T: Send>(py: Python<'_>, future: impl Future<Output = T> + Send) -> PyResult<T> {
    let runtime = ready(py)?;
    if Handle::try_current().is_ok() {
        let text = "kesspay was called from one of its own threads, which must not wait: hand the \
                    work to a thread of yours";
        return Err(PyRuntimeError::new_err(text));
    }
    let mut future = Box::pin(future);
    loop {
        let step = async { tokio::time::timeout(SIGNALS, future.as_mut()).await };
        if let Ok(done) = py.detach(|| runtime.block_on(step)) {
            return Ok(done);
        }
        if let Err(raised) = py.check_signals().and_then(|()| logging::look(py)) {
            // What is dropped may want to hand its rest to the runtime.
            let _inside = runtime.enter();
            drop(future);
            return Err(raised);
        }
    }
}

/// Runs something on a thread of ours that needs the interpreter. `None` where that is about to
/// end, or is not there any more: nobody is left to care.
pub(crate) fn in_python<T>(work: impl FnOnce(Python<'_>) -> T) -> Option<T> {
    let _inside = Inside::enter()?;
    Python::try_attach(work)
}

/// Keeps the interpreter from ending while a thread of ours is in it.
struct Inside;

impl Inside {
    fn enter() -> Option<Inside> {
        INSIDE.fetch_add(1, Ordering::SeqCst);
        // Counted first: whoever leaves either sees us, or we see it leave.
        let inside = Inside;
        (!LEAVING.load(Ordering::SeqCst)).then_some(inside)
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        INSIDE.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A value that must not be dropped in a forked child, because it would wait for lost threads or
/// for locks that nobody holds any more.
pub(crate) struct Guarded<T>(Option<T>);

impl<T> Guarded<T> {
    pub(crate) fn new(value: T) -> Guarded<T> {
        Guarded(Some(value))
    }

    pub(crate) fn get(&self) -> Option<&T> {
        self.0.as_ref()
    }

    pub(crate) fn take(&mut self) -> Option<T> {
        self.0.take()
    }
}

impl<T> Drop for Guarded<T> {
    fn drop(&mut self) {
        if is_forked() {
            std::mem::forget(self.0.take());
        }
    }
}
