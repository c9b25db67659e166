//! A batch's report, streamed: the next rows are read when the browser took the ones before.
//!
//! Invariant: a report that could not be read to its end is a download that breaks off, never half
//! a report that looks like a whole one.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use futures_util::stream::unfold;
use http::header;
use jiff::Timestamp;
use tokio::sync::mpsc;

use super::view::{Failure, Visitor, segment};
use crate::{
    batch::Batch,
    pages::pages,
    report::{Format, Report, ReportRow, unknown_columns},
    serve::Site,
    store::Store,
};

/// Parts of the report that wait for the browser.
const AHEAD: usize = 2;

/// `GET /batches/{name}/report/{format}`
pub(super) async fn report(
    _visitor: Visitor,
    State(site): State<Arc<Site>>,
    Path((name, format)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let (format, kind) = match format.as_str() {
        "csv" => (Format::Csv, "text/csv; charset=utf-8"),
        "json" => (Format::Json, "application/json"),
        "html" => (Format::Html, "text/html; charset=utf-8"),
        _ => return Err(Failure::NotFound),
    };
    let batch = site.store.batch(Some(&name)).await?;
    let ending = match format {
        Format::Csv => "csv",
        Format::Json => "json",
        Format::Html => "html",
    };
    let file = segment(&format!("{name}.{ending}"));
    let (sender, receiver) = mpsc::channel(AHEAD);
    tokio::spawn(send(Arc::clone(&site.store), batch, format, sender));
    let parts = unfold(receiver, |mut receiver| async {
        let part: io::Result<Bytes> = receiver.recv().await?;
        Some((part, receiver))
    });
    let disposition = format!("attachment; filename*=UTF-8''{file}");
    let headers =
        [(header::CONTENT_TYPE, kind.to_owned()), (header::CONTENT_DISPOSITION, disposition)];
    Ok((headers, Body::from_stream(parts)).into_response())
}

/// Gives the report to whoever downloads it, part by part; ends where they left.
async fn send(
    store: Arc<dyn Store>,
    batch: Batch,
    format: Format,
    parts: mpsc::Sender<io::Result<Bytes>>,
) {
    if let Err(error) = write(&*store, &batch, format, &parts).await {
        tracing::error!("a report of batch {} broke off: {error}", batch.name);
        // Whoever is not there any more is not told.
        let _ = parts.send(Err(error)).await;
    }
}

async fn write(
    store: &dyn Store,
    batch: &Batch,
    format: Format,
    parts: &mpsc::Sender<io::Result<Bytes>>,
) -> io::Result<()> {
    let summary = store.summary(batch.id).await.map_err(io::Error::other)?;
    let first = pages(store, batch.id).next().await.map_err(io::Error::other)?;
    let extra = unknown_columns(&first.unwrap_or_default());
    let out = Part::default();
    let mut report = Report::begin(format, out.clone(), &summary, &extra, Timestamp::now())?;
    let mut pages = pages(store, batch.id);
    while let Some(page) = pages.next().await.map_err(io::Error::other)? {
        for record in page {
            report.row(&ReportRow::from(record))?;
        }
        if parts.send(Ok(out.take())).await.is_err() {
            return Ok(());
        }
    }
    report.end()?;
    // Whoever left does not need the end.
    let _ = parts.send(Ok(out.take())).await;
    Ok(())
}

/// What was written since it was last taken.
#[derive(Clone, Default)]
struct Part(Arc<Mutex<Vec<u8>>>);

impl Part {
    fn take(&self) -> Bytes {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner)).into()
    }
}

impl Write for Part {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
