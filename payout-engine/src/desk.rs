//! The desk: batches on one store, for a front end that is a library.
//!
//! Python, Kotlin and Swift ask for the same things in the same order: check a file, pay it, look
//! at the run while it is on, go on with it later, read the report. They ask here, so that a
//! binding only converts. Nothing about money is decided here: a file is admitted by
//! [`crate::admission`], as the command admits it, and paid by [`Engine`].
//!
//! A batch is found by its name. Without one, [`Desk::resume`] takes the newest unfinished batch,
//! and everything else the newest, finished or not.
//!
//! Invariant: a desk at a URL opens the store for each piece of work and closes it after, so that a
//! look never keeps it open, and purging finds no other reader.
//!
//! ```
//! # async fn pay(client: kess_gateway::Client) -> Result<(), Box<dyn std::error::Error>> {
//! use payout_engine::desk::{Desk, Order, Rows, Watch};
//!
//! let desk = Desk::new("sqlite://payout.db", "payroll")?;
//! let rows = Rows::File(std::path::Path::new("june.csv").into());
//! let run = desk.begin(Order::new(rows), &client, Watch::Numbers).await?.claim();
//! run.ended().await;
//! if let Some((batch, summary)) = run.result()? {
//!     assert_eq!(summary.rows, batch.rows);
//! }
//! desk.save_report(Some(run.name()), "june-report.csv".as_ref()).await?;
//! # Ok(())
//! # }
//! ```

mod order;
mod rows;
mod run;
mod task;

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use kess_gateway::Client;

pub use order::{Order, Refused};
pub use rows::Rows;
pub use run::{Run, Started, Watch};

use crate::{
    batch::Batch,
    cancel::Cancel,
    decision::Ruling,
    engine::Engine,
    error::Error,
    event::{EngineEvent, Observer},
    gateway::Gateway,
    host::runner_name,
    payout::BatchSummary,
    policy::Policy,
    reconcile::{Reconciliation, reconcile},
    report::{self, Format, ReportRow, WriteError},
    store::{Store, url::StoreUrl},
    worklist::awaiting_otp,
};
use run::Live;
use task::Task;

/// Batches on one store. Clones are the same desk.
#[derive(Clone)]
pub struct Desk {
    place: Place,
    program: Arc<str>,
    policy: Policy,
}

/// Where the batches are.
#[derive(Clone)]
enum Place {
    At(StoreUrl),
    Open(Arc<dyn Store>),
}

impl Desk {
    /// A desk on the store at `url`, which is made when it is first needed. `program` is what
    /// people are told who find the store in use, for example `kesspay`.
    ///
    /// # Errors
    /// A kind of store that this version does not know.
    pub fn new(url: &str, program: impl Into<Arc<str>>) -> Result<Self, Error> {
        Ok(Self::at(Place::At(url.parse()?), program.into()))
    }

    /// A desk on a store that is open, and stays so as long as the desk and its runs. Purge with a
    /// desk that nothing runs on: somebody who reads the store keeps old pages in its log.
    pub fn on(store: Arc<dyn Store>, program: impl Into<Arc<str>>) -> Self {
        Self::at(Place::Open(store), program.into())
    }

    fn at(place: Place, program: Arc<str>) -> Self {
        Self { place, program, policy: Policy::default() }
    }

    /// Sets pauses and limits.
    #[must_use]
    pub fn with_policy(self, policy: Policy) -> Self {
        Self { policy, ..self }
    }

    /// The store, opened.
    ///
    /// # Errors
    /// Where it cannot be opened.
    pub async fn store(&self) -> Result<Arc<dyn Store>, Error> {
        match &self.place {
            Place::At(url) => url.open().await,
            Place::Open(store) => Ok(Arc::clone(store)),
        }
    }

    /// A batch, and the store that it is in.
    ///
    /// # Errors
    /// There is no such batch; the store cannot be read.
    pub async fn find(&self, name: Option<&str>) -> Result<(Arc<dyn Store>, Batch), Error> {
        let store = self.store().await?;
        let batch = named_or_newest(&*store, name).await?;
        Ok((store, batch))
    }

    /// Checks a source, admits it, writes the batch to the store, and begins to pay it.
    ///
    /// # Errors
    /// [`Refused::File`] where the source may not be paid: nothing was written or sent.
    /// [`Refused::Engine`] for everything else.
    pub async fn begin(
        &self,
        order: Order,
        client: &Client,
        watch: Watch,
    ) -> Result<Started, Refused> {
        order.begin(self, client, watch).await
    }

    /// Goes on with a batch, paused or not; without a name, with the newest unfinished one.
    ///
    /// # Errors
    /// There is no such batch; the store cannot be read. What goes wrong in the run itself is told
    /// by [`Run::result`].
    pub async fn resume(
        &self,
        name: Option<&str>,
        gateway: Arc<dyn Gateway>,
        watch: Watch,
    ) -> Result<Started, Error> {
        let store = self.store().await?;
        let batch = store.batch(name).await?;
        store.lift_pause(&batch, &self.program, Timestamp::now()).await?;
        self.run(store, batch, gateway, Task::pay("resume"), watch).await
    }

    /// New attempts, under new order numbers, for rows that certainly moved no money.
    ///
    /// # Errors
    /// As [`Desk::resume`].
    pub async fn retry(
        &self,
        name: Option<&str>,
        gateway: Arc<dyn Gateway>,
        watch: Watch,
    ) -> Result<Started, Error> {
        let (store, batch) = self.find(name).await?;
        store.lift_pause(&batch, &self.program, Timestamp::now()).await?;
        self.run(store, batch, gateway, Task::retry(), watch).await
    }

    /// Sends nothing more of a batch, for good, and closes what waits for a password. `by` and
    /// `reason` are kept with the batch.
    ///
    /// # Errors
    /// As [`Desk::resume`].
    pub async fn cancel(
        &self,
        name: Option<&str>,
        by: impl Into<String>,
        reason: Option<String>,
        gateway: Arc<dyn Gateway>,
        watch: Watch,
    ) -> Result<Started, Error> {
        let (store, batch) = self.find(name).await?;
        self.run(store, batch, gateway, Task::cancel(by.into(), reason), watch).await
    }

    /// How a batch stands.
    ///
    /// # Errors
    /// There is no such batch; the store cannot be read. So for everything that looks at a batch.
    pub async fn status(&self, name: Option<&str>) -> Result<(Batch, BatchSummary), Error> {
        let (store, batch) = self.find(name).await?;
        let summary = store.summary(batch.id).await?;
        Ok((batch, summary))
    }

    /// How every batch in the store stands, newest first.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn batches(&self) -> Result<Vec<(Batch, BatchSummary)>, Error> {
        let store = self.store().await?;
        let mut all = Vec::new();
        for batch in store.batches().await? {
            let summary = store.summary(batch.id).await?;
            all.push((batch, summary));
        }
        Ok(all)
    }

    /// The withdrawals that wait for a one-time password, with the link where it is entered.
    ///
    /// # Errors
    /// As [`Desk::status`].
    pub async fn otp(&self, name: Option<&str>) -> Result<Vec<ReportRow>, Error> {
        let (store, batch) = self.find(name).await?;
        awaiting_otp(&*store, &batch).await
    }

    /// A page of a batch's report: rows after row `after`, at most `limit`, in the file's order.
    /// No rows are left behind an empty page.
    ///
    /// # Errors
    /// As [`Desk::status`].
    pub async fn rows(
        &self,
        name: Option<&str>,
        after: u64,
        limit: usize,
    ) -> Result<Vec<ReportRow>, Error> {
        let (store, batch) = self.find(name).await?;
        let page = store.rows(batch.id, after, limit).await?;
        Ok(page.into_iter().map(ReportRow::from).collect())
    }

    /// Writes a batch's report to a file and returns how many rows it has. The ending of the file's
    /// name says how, as in [`Format::of_file`]. A file that is there is replaced.
    ///
    /// # Errors
    /// Another ending; there is no such batch; the store cannot be read; the file cannot be
    /// written.
    pub async fn save_report(&self, name: Option<&str>, path: &Path) -> Result<u64, WriteError> {
        let format = Format::of_file(path)?;
        let (store, batch) = self.find(name).await?;
        report::save(&*store, &batch, format, path).await
    }

    /// Compares the store with the gateway's ledger, and changes nothing. Returns the batch's name,
    /// too.
    ///
    /// # Errors
    /// The batch belongs to another gateway; and those of [`Desk::status`].
    pub async fn reconcile(
        &self,
        name: Option<&str>,
        gateway: &dyn Gateway,
    ) -> Result<(String, Reconciliation), Error> {
        let (store, batch) = self.find(name).await?;
        let nobody_stops_it = Cancel::new();
        let compared = reconcile(&*store, &batch, gateway, &self.policy, &nobody_stops_it).await?;
        Ok((batch.name, compared))
    }

    /// A person's word on a held row. `by` and `reason` are kept with it. A released row is paid by
    /// the next [`Desk::resume`].
    ///
    /// # Errors
    /// There is no such row, or it is not held; another runner holds the store; it fails.
    pub async fn decide(
        &self,
        name: Option<&str>,
        reference: &str,
        ruling: Ruling,
        by: &str,
        reason: &str,
    ) -> Result<ReportRow, Error> {
        let (store, batch) = self.find(name).await?;
        let engine = self.engine(store, "decision", nobody());
        let row = engine.decide(&batch, reference, ruling, by, reason).await?;
        Ok(row.into())
    }

    /// Removes personal data from a finished batch, for good.
    ///
    /// # Errors
    /// The batch is not finished; another runner holds the store, or somebody reads it; it fails.
    pub async fn purge(&self, name: Option<&str>) -> Result<(Batch, BatchSummary), Error> {
        let (store, batch) = self.find(name).await?;
        let batch = self.engine(Arc::clone(&store), "purge", nobody()).purge(&batch).await?;
        let summary = store.summary(batch.id).await?;
        Ok((batch, summary))
    }

    /// An engine on the store, with somebody watching.
    fn engine(&self, store: Arc<dyn Store>, doing: &str, observer: Arc<dyn Observer>) -> Engine {
        Engine::new(store)
            .with_policy(self.policy.clone())
            .with_observer(observer)
            .with_runner(runner_name(&format!("{} {doing}", self.program)))
    }

    /// Sends a run of the batch on its way.
    async fn run(
        &self,
        store: Arc<dyn Store>,
        batch: Batch,
        gateway: Arc<dyn Gateway>,
        task: Task,
        watch: Watch,
    ) -> Result<Started, Error> {
        let live = Live::new(store.summary(batch.id).await?, watch);
        let engine = self.engine(Arc::clone(&store), task.doing, live.clone());
        let cancel = Cancel::new();
        let work = (task.work)(engine, batch.clone(), gateway, cancel.clone());
        let work = afterwards(store, batch.name.clone(), work);
        Ok(Started::new(Run::start(batch, live, cancel, work)))
    }
}

/// The batch of that name, or the newest one, finished or not.
///
/// # Errors
/// There is no such batch; the store cannot be read.
pub async fn named_or_newest(store: &dyn Store, name: Option<&str>) -> Result<Batch, Error> {
    match name {
        Some(name) => store.batch(Some(name)).await,
        None => store.newest().await,
    }
}

/// The batch as it is in the store after `work`.
async fn afterwards(
    store: Arc<dyn Store>,
    batch: String,
    work: impl Future<Output = Result<BatchSummary, Error>>,
) -> Result<(Batch, BatchSummary), Error> {
    let summary = work.await?;
    Ok((store.batch(Some(&batch)).await?, summary))
}

/// An observer for work that makes no events.
fn nobody() -> Arc<dyn Observer> {
    Arc::new(|_: &EngineEvent| {})
}
