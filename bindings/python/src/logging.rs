//! From Rust's log to Python's `logging`.
//!
//! | logger | of |
//! |---|---|
//! | `kesspay.client` | the client |
//! | `kesspay.engine` | the payout engine |
//! | `kesspay.sandbox` | the sandbox |
//!
//! The libraries beneath (HTTP, TLS, database) are heard from `WARNING` on, under names of their
//! own; what they say below it is about bytes, and would be asked of Python for every one of them.
//!
//! Whether anybody wants our own `DEBUG` is asked where the interpreter is held anyway ([`look`]):
//! at every call, and ten times a second while one is waited for. Asking for each record would have
//! the threads that pay wait for the interpreter three times a row. So `setLevel` on one of these
//! loggers, or on one above them, works at any time.

use log::{Level, LevelFilter, Log, Metadata, Record};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3_log::{Caching, Logger};

use crate::runtime;

/// Targets of ours, and what their loggers are called.
const OURS: [(&str, &str); 4] = [
    ("kess_gateway", "kesspay::client"),
    ("payout_engine", "kesspay::engine"),
    ("kess_sandbox", "kesspay::sandbox"),
    ("_native", "kesspay"),
];

struct Bridge(Logger);

/// Installs the bridge. A second interpreter in the same process keeps the first one's.
pub(crate) fn install(py: Python<'_>) -> PyResult<()> {
    let logger = Logger::new(py, Caching::Loggers)?;
    if log::set_boxed_logger(Box::new(Bridge(logger))).is_ok() {
        log::set_max_level(LevelFilter::Info);
    }
    Ok(())
}

/// Takes over what Python's loggers want to hear now.
pub(crate) fn look(py: Python<'_>) -> PyResult<()> {
    static LOGGERS: PyOnceLock<[Py<PyAny>; 3]> = PyOnceLock::new();
    let loggers = LOGGERS.get_or_try_init(py, || {
        let get = py.import("logging")?.getattr("getLogger")?;
        let named = |name| get.call1((name,)).map(Bound::unbind);
        PyResult::Ok([
            named("kesspay.client")?,
            named("kesspay.engine")?,
            named("kesspay.sandbox")?,
        ])
    })?;
    let mut wanted = LevelFilter::Info;
    for logger in loggers {
        // 10 is `logging.DEBUG`.
        let asked = logger.bind(py).call_method1(intern!(py, "isEnabledFor"), (10,))?;
        if asked.is_truthy()? {
            wanted = LevelFilter::Debug;
        }
    }
    log::set_max_level(wanted);
    Ok(())
}

/// The logger of a target; `None` for what is not heard.
fn name_of(metadata: &Metadata<'_>) -> Option<String> {
    let target = metadata.target();
    for (prefix, name) in OURS {
        match target.strip_prefix(prefix) {
            Some("") => return Some(name.to_owned()),
            Some(rest) if rest.starts_with("::") => return Some(name.to_owned()),
            _ => {}
        }
    }
    (metadata.level() <= Level::Warn).then(|| target.to_owned())
}

impl Log for Bridge {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        !runtime::is_forked() && name_of(metadata).is_some()
    }

    fn log(&self, record: &Record<'_>) {
        if runtime::is_forked() {
            return;
        }
        let Some(name) = name_of(record.metadata()) else { return };
        let renamed = Record::builder()
            .args(*record.args())
            .level(record.level())
            .target(&name)
            .file(record.file())
            .line(record.line())
            .module_path(record.module_path())
            .build();
        runtime::in_python(|_| self.0.log(&renamed));
    }

    fn flush(&self) {}
}
