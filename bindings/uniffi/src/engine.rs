//! [`PayoutEngine`]: batches, in a file of the app's or in storage that the app gives.
//!
//! Every method is one question to [`payout_engine::desk`], which Python asks, too; what crosses is
//! in [`batch`], [`check`], [`event`], [`report`]. Nothing is decided here.
//!
//! What takes long can be given up: a coroutine that is cancelled drops it, a task of Swift hands a
//! [`Cancellation`]. Giving a *look* up changes nothing. A run is ended by [`PayoutRun::stop`].

mod batch;
mod check;
mod error;
mod event;
mod options;
mod report;
mod run;
mod source;
mod storage;

use std::path::Path;
use std::sync::Arc;

use payout_engine::desk::{Desk, Order, Started, Watch};
use payout_engine::intake::SEALED_BYTES;
use payout_engine::{Gateway, KessGateway, Ruling};

use crate::call::Cancellation;
use crate::gateway::GatewayCore;
use crate::runtime;
use batch::BatchStatus;
use check::CheckReport;
use error::EngineError;
use options::RunOptions;
use report::{OtpWaiting, Reconciliation, ReportRow};
use run::PayoutRun;
use source::Source;
use storage::{Place, Storage};

/// Batches: checks files, pays them, goes on after whatever happened, and reports.
#[derive(uniffi::Object)]
pub struct PayoutEngine {
    place: Arc<Place>,
    gateway: Option<Arc<GatewayCore>>,
}

impl PayoutEngine {
    async fn desk(&self) -> Result<Desk, EngineError> {
        let place = Arc::clone(&self.place);
        runtime::run(async move { place.desk().await }).await
    }

    fn gateway(&self) -> Result<Arc<dyn Gateway>, EngineError> {
        Ok(Arc::new(KessGateway::new(self.core()?.client().clone())))
    }

    fn core(&self) -> Result<&GatewayCore, EngineError> {
        self.gateway.as_deref().ok_or_else(|| {
            let text = "this engine has no gateway to pay with; give it one when it is made";
            EngineError::Configuration(text.to_owned())
        })
    }
}

fn watch(events: bool) -> Watch {
    if events { Watch::Events } else { Watch::Numbers }
}

fn in_hand(started: Started) -> Arc<PayoutRun> {
    Arc::new(PayoutRun::new(started.claim()))
}

#[uniffi::export]
impl PayoutEngine {
    /// An engine on a store. Without a gateway it can check, look and report, and pay nothing.
    /// `policy` is a JSON object of the settings of `[policy]` in the manual, for whoever wants
    /// other pauses than the usual ones.
    #[uniffi::constructor(default(policy = None))]
    pub fn new(
        gateway: Option<Arc<GatewayCore>>,
        storage: Storage,
        policy: Option<String>,
    ) -> Result<Arc<Self>, EngineError> {
        let place = Arc::new(Place::new(storage, options::policy(policy)?));
        Ok(Arc::new(Self { place, gateway }))
    }

    /// Checks rows without network: every problem, in one go.
    pub async fn check(&self, source: Source) -> Result<CheckReport, EngineError> {
        let capacity = self.gateway.as_ref().and_then(|core| core.client().sealed_capacity());
        let rows = source.rows()?;
        let checked =
            runtime::run(async move { rows.check(capacity.unwrap_or(SEALED_BYTES)).await });
        Ok(CheckReport::from(&checked.await?))
    }

    /// Checks rows, takes them in as a batch, and begins to pay it. Returns once the batch is in
    /// the store; it goes on by itself, and [`PayoutRun`] tells how.
    pub async fn run(
        &self,
        source: Source,
        options: RunOptions,
    ) -> Result<Arc<PayoutRun>, EngineError> {
        let (desk, client) = (self.desk().await?, self.core()?.client().clone());
        let watch = watch(options.events);
        let order = options.order(source.rows()?)?;
        let begun = runtime::run(async move { begin(desk, order, client, watch).await });
        begun.await.map(in_hand)
    }

    /// Goes on with a batch; without a name, with the newest unfinished one. Rows whose outcome is
    /// not known are asked about before anything is sent.
    #[uniffi::method(default(batch = None, events = true))]
    pub async fn resume(
        &self,
        batch: Option<String>,
        events: bool,
    ) -> Result<Arc<PayoutRun>, EngineError> {
        let (desk, gateway) = (self.desk().await?, self.gateway()?);
        let begun =
            runtime::run(
                async move { desk.resume(batch.as_deref(), gateway, watch(events)).await },
            );
        Ok(in_hand(begun.await?))
    }

    /// New attempts, under new order numbers, for rows that certainly moved no money.
    #[uniffi::method(default(batch = None, events = true))]
    pub async fn retry(
        &self,
        batch: Option<String>,
        events: bool,
    ) -> Result<Arc<PayoutRun>, EngineError> {
        let (desk, gateway) = (self.desk().await?, self.gateway()?);
        let begun =
            runtime::run(async move { desk.retry(batch.as_deref(), gateway, watch(events)).await });
        Ok(in_hand(begun.await?))
    }

    /// Sends nothing more of a batch, for good, and closes what waits for a password. Who wants it
    /// and why is kept with the batch.
    #[uniffi::method(default(batch = None, reason = None))]
    pub async fn cancel(
        &self,
        by: String,
        batch: Option<String>,
        reason: Option<String>,
    ) -> Result<Arc<PayoutRun>, EngineError> {
        let (desk, gateway) = (self.desk().await?, self.gateway()?);
        let begun = runtime::run(async move {
            desk.cancel(batch.as_deref(), by, reason, gateway, Watch::Numbers).await
        });
        Ok(in_hand(begun.await?))
    }

    /// How a batch stands; without a name, the newest.
    #[uniffi::method(default(batch = None))]
    pub async fn status(&self, batch: Option<String>) -> Result<BatchStatus, EngineError> {
        let desk = self.desk().await?;
        let (batch, summary) =
            runtime::run(async move { desk.status(batch.as_deref()).await }).await?;
        Ok(BatchStatus::of(&batch, &summary))
    }

    /// How every batch in the store stands, newest first.
    pub async fn batches(&self) -> Result<Vec<BatchStatus>, EngineError> {
        let desk = self.desk().await?;
        let all = runtime::run(async move { desk.batches().await }).await?;
        Ok(all.iter().map(|(batch, summary)| BatchStatus::of(batch, summary)).collect())
    }

    /// The withdrawals that wait for a one-time password, with the page where it is entered.
    #[uniffi::method(default(batch = None))]
    pub async fn otp(&self, batch: Option<String>) -> Result<Vec<OtpWaiting>, EngineError> {
        let desk = self.desk().await?;
        let rows = runtime::run(async move { desk.otp(batch.as_deref()).await }).await?;
        Ok(rows.into_iter().map(OtpWaiting::from).collect())
    }

    /// A page of a batch's report: the rows after row `after`, in the file's order. An empty page
    /// is behind the last row.
    #[uniffi::method(default(batch = None, after = 0, limit = 1000))]
    pub async fn rows(
        &self,
        batch: Option<String>,
        after: u64,
        limit: u32,
    ) -> Result<Vec<ReportRow>, EngineError> {
        let desk = self.desk().await?;
        let limit = limit as usize;
        let rows = runtime::run(async move { desk.rows(batch.as_deref(), after, limit).await });
        Ok(rows.await?.into_iter().map(ReportRow::from).collect())
    }

    /// Writes a batch's report to a file, and returns how many rows it has. The ending of the name
    /// says how: `.csv` or `.json`. The CSV holds account numbers in full.
    #[uniffi::method(default(batch = None))]
    pub async fn save_report(
        &self,
        path: String,
        batch: Option<String>,
    ) -> Result<u64, EngineError> {
        let desk = self.desk().await?;
        let saved =
            runtime::run(async move { desk.save_report(batch.as_deref(), Path::new(&path)).await });
        Ok(saved.await?)
    }

    /// Compares a batch with the gateway's ledger, and changes nothing.
    #[uniffi::method(default(batch = None, cancellation = None))]
    pub async fn reconcile(
        &self,
        batch: Option<String>,
        cancellation: Option<Arc<Cancellation>>,
    ) -> Result<Reconciliation, EngineError> {
        let (desk, gateway) = (self.desk().await?, self.gateway()?);
        let compared = error::unless_cancelled(cancellation, async move {
            Ok(desk.reconcile(batch.as_deref(), &*gateway).await?)
        });
        let (batch, compared) = compared.await?;
        Ok(Reconciliation::of(batch, compared))
    }

    /// A held row may be paid: the next [`PayoutEngine::resume`] does. Who says so and why is kept
    /// with the row.
    #[uniffi::method(default(batch = None))]
    pub async fn release(
        &self,
        reference: String,
        by: String,
        reason: String,
        batch: Option<String>,
    ) -> Result<ReportRow, EngineError> {
        self.decide(Ruling::Released, reference, by, reason, batch).await
    }

    /// A held row is not to be paid. Who says so and why is kept with the row.
    #[uniffi::method(default(batch = None))]
    pub async fn reject(
        &self,
        reference: String,
        by: String,
        reason: String,
        batch: Option<String>,
    ) -> Result<ReportRow, EngineError> {
        self.decide(Ruling::Rejected, reference, by, reason, batch).await
    }

    /// Removes personal data from a finished batch, for good.
    pub async fn purge(&self, batch: String) -> Result<BatchStatus, EngineError> {
        let desk = self.desk().await?;
        let (batch, summary) = runtime::run(async move { desk.purge(Some(&batch)).await }).await?;
        Ok(BatchStatus::of(&batch, &summary))
    }
}

impl PayoutEngine {
    async fn decide(
        &self,
        ruling: Ruling,
        reference: String,
        by: String,
        reason: String,
        batch: Option<String>,
    ) -> Result<ReportRow, EngineError> {
        let desk = self.desk().await?;
        let row = runtime::run(async move {
            desk.decide(batch.as_deref(), &reference, ruling, &by, &reason).await
        });
        Ok(ReportRow::from(row.await?))
    }
}

async fn begin(
    desk: Desk,
    order: Order,
    client: kess_gateway::Client,
    watch: Watch,
) -> Result<Started, EngineError> {
    Ok(desk.begin(order, &client, watch).await?)
}
