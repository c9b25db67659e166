//! How stderr is written: as text for people, or as one JSON object a line for what collects logs.
//!
//! With `--log-format json` everything that goes to stderr once the command line was understood is
//! such a line: what is told, the progress of a run, errors, and what the libraries log. Nobody is
//! asked anything then.
//!
//! Invariant: no line holds more about a person than the text would, and none holds the link of a
//! one-time password, because whoever collects logs must not be able to confirm payments.

use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use crate::command::args::{Global, LogFormat};
use crate::serve::Traces;

/// There is one stderr, so this is the process's, too.
static AS_JSON: AtomicBool = AtomicBool::new(false);

/// Sets how stderr is written, and lets the libraries log to it. Nothing that is logged anywhere in
/// this workspace is secret or personal.
pub(crate) fn begin(global: &Global, traces: Option<&Traces>) {
    let as_json = global.log_format == LogFormat::Json;
    AS_JSON.store(as_json, Ordering::Relaxed);
    // What others log about HTTP would show whole requests.
    let filter = format!("{},hyper=warn,reqwest=warn,h2=warn,rustls=warn,sqlx=warn", level(global));
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(io::stderr)
        .with_ansi(!as_json && io::stderr().is_terminal())
        .with_target(false);
    let lines = match as_json {
        true => lines.event_format(Lines).boxed(),
        false => lines.boxed(),
    };
    // It fails where there is a subscriber already: then whoever called reads the logs elsewhere.
    let _ = tracing_subscriber::registry()
        .with(lines.with_filter(EnvFilter::new(filter)))
        .with(traces.map(Traces::layer))
        .try_init();
}

fn level(global: &Global) -> &'static str {
    match (global.quiet, global.verbose) {
        (true, _) => "error",
        (false, 0) => "warn",
        (false, 1) => "info",
        (false, 2) => "debug",
        (false, _) => "trace",
    }
}

/// Whether stderr is read by programs.
pub(crate) fn is_json() -> bool {
    AS_JSON.load(Ordering::Relaxed)
}

/// One line of the log.
#[derive(Serialize)]
pub(crate) struct Line {
    time: String,
    level: &'static str,
    message: String,
    #[serde(flatten)]
    fields: Map<String, Value>,
}

impl Line {
    pub(crate) fn new(level: Level, message: &str) -> Self {
        let level = match level {
            Level::ERROR => "error",
            Level::WARN => "warn",
            Level::INFO => "info",
            Level::DEBUG => "debug",
            Level::TRACE => "trace",
        };
        let message = message.trim().to_owned();
        let time = format!("{:.3}", Timestamp::now());
        Self { time, level, message, fields: Map::new() }
    }

    /// Adds fields; those that say nothing are left out.
    pub(crate) fn with(mut self, fields: Map<String, Value>) -> Self {
        self.fields.extend(fields.into_iter().filter(|(_, value)| !value.is_null()));
        self
    }

    /// Writes it in one piece, so that lines of several threads do not mix.
    pub(crate) fn write(&self) {
        // Nobody to tell is no reason to stop paying.
        let _ = io::stderr().lock().write_all(format!("{self}\n").as_bytes());
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| fmt::Error)?)
    }
}

/// Writes what libraries log in the shape of all the other lines.
struct Lines;

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut out: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut said = Said::default();
        event.record(&mut said);
        let spans = context.event_scope().into_iter().flat_map(|scope| scope.from_root());
        let within: Vec<_> = spans
            .map(|span| match span.extensions().get::<FormattedFields<N>>() {
                Some(fields) if !fields.is_empty() => format!("{}{{{fields}}}", span.name()),
                _ => span.name().to_owned(),
            })
            .collect();
        if !within.is_empty() {
            said.fields.insert("within".to_owned(), within.join(":").into());
        }
        writeln!(out, "{}", Line::new(*event.metadata().level(), &said.message).with(said.fields))
    }
}

/// What one event of a library says.
#[derive(Default)]
struct Said {
    message: String,
    fields: Map<String, Value>,
}

impl Said {
    fn take(&mut self, field: &Field, value: Value) {
        match (field.name(), value) {
            ("message", Value::String(text)) => self.message = text,
            // The names of a line's own parts are taken.
            (name @ ("time" | "level" | "message"), value) => {
                self.fields.insert(format!("{name}_"), value);
            }
            (name, value) => {
                self.fields.insert(name.to_owned(), value);
            }
        }
    }
}

impl Visit for Said {
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.take(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.take(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.take(field, value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.take(field, value.into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.take(field, format!("{value:?}").into());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex, PoisonError};

    use serde_json::json;
    use tracing_subscriber::fmt::MakeWriter;

    use super::*;

    /// What was written, for a test to read.
    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl Write for Page {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl<'a> MakeWriter<'a> for Page {
        type Writer = Self;

        fn make_writer(&'a self) -> Self {
            self.clone()
        }
    }

    fn parsed(text: &str) -> Value {
        let line = text.strip_suffix('\n').unwrap();
        assert!(!line.contains('\n'), "{line}");
        serde_json::from_str(line).unwrap()
    }

    #[test]
    fn what_libraries_log_is_a_line_like_any_other() {
        let page = Page::default();
        let log = tracing_subscriber::fmt()
            .with_max_level(Level::TRACE)
            .with_writer(page.clone())
            .with_ansi(false)
            .event_format(Lines)
            .finish();
        tracing::subscriber::with_default(log, || {
            let call = tracing::debug_span!("call", operation = "withdraw");
            let _within = call.enter();
            tracing::warn!(attempt = 2, late = true, level = "high", "two\nlines, a \"quote\"");
        });
        let text = String::from_utf8(page.0.lock().unwrap().clone()).unwrap();
        let line = parsed(&text);
        assert!(line["time"].as_str().unwrap().parse::<Timestamp>().is_ok(), "{line}");
        let mut rest = line.clone();
        rest.as_object_mut().unwrap().remove("time");
        assert_eq!(
            rest,
            json!({
                "level": "warn",
                "message": "two\nlines, a \"quote\"",
                "attempt": 2,
                "late": true,
                "level_": "high",
                "within": "call{operation=\"withdraw\"}",
            })
        );
    }

    #[test]
    fn a_line_begins_with_what_everybody_looks_for() {
        let fields = json!({ "batch": "june", "at": null, "rows": 2 });
        let line = Line::new(Level::INFO, "\npaid").with(fields.as_object().unwrap().clone());
        let text = line.to_string();
        let (_, rest) = text.split_once("Z\"").unwrap();
        assert_eq!(rest, ",\"level\":\"info\",\"message\":\"paid\",\"batch\":\"june\",\"rows\":2}");
    }
}
