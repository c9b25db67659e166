//! The store on PostgreSQL: any number of runners on any number of machines.
//!
//! Runners join a batch ([`lease`]) and take rows in hand ([`claim`]); whatever one of them writes
//! ([`write`]) is a [`work`], which locks the batch, proves that the runner is still in it, and
//! keeps the event log. [`load`] takes batches in, [`read`] and [`verify`] are everybody's,
//! [`asks`] is what anybody may ask for, [`purge`] forgets. [`news`] tells runners of each other,
//! [`pace`] is what their calls share, [`age`] finds out whether the database is an older copy,
//! [`transfer`] carries batches to other stores and takes them in, and [`patience`] bridges a
//! server that is away.
//!
//! Invariant: a commit is on the disk of the server when it returns (`synchronous_commit` is never
//! off on a connection of ours), and whether one landed is known even if its connection was lost.

use std::{
    path::PathBuf,
    sync::{Arc, OnceLock},
    time::Duration,
};

use jiff::Timestamp;
use sqlx::{
    ConnectOptions, PgConnection, PgPool, Postgres, Transaction,
    pool::PoolConnection,
    postgres::{PgConnectOptions, PgPoolOptions, PgRow},
};

use super::{
    Answer, Changes, Claim, Conflict, Lease, PayoutRecord, StateChange, Store, Stretch, Sum,
    Transition,
    changes::Bell,
    failed,
    transfer::{Cells, Parcel, Table, Transfer},
    witness::Memory,
};
use crate::{
    batch::{
        Batch, BatchId, Brakes, CancelRequest, GatewayIdentity, NewBatch, PauseRequest, RunnerLease,
    },
    chain::{LogHash, verify::LogAudit},
    dispatch::pace::Pace,
    error::Error,
    host::host_name,
    order_no::{BatchCode, OrderNo},
    payout::{BatchSummary, NewPayout, Outcome},
};

mod age;
mod asks;
mod claim;
mod lease;
mod load;
mod news;
mod pace;
mod patience;
mod purge;
mod read;
mod settings;
mod statement;
mod transfer;
mod verify;
mod work;
mod write;

use news::Ear;

super::codec::columns_of!(PgRow);

/// Connections of one store at most. One listens, one writes, the others read.
const CONNECTIONS: u32 = 12;

/// How long to wait for a connection before trying anew.
const ACQUIRE: Duration = Duration::from_secs(2);

/// A store in a PostgreSQL database.
pub struct PostgresStore {
    pool: PgPool,
    /// The machine on which this process runs.
    host: String,
    /// Where this machine notes what it saw.
    state: Option<PathBuf>,
    /// What this process saw.
    seen: Memory,
    bell: Bell,
    ear: OnceLock<Arc<Ear>>,
    patience: Duration,
}

impl PostgresStore {
    /// Connects to `postgres://USER:PASSWORD@HOST/DATABASE`, and brings the tables up to date. The
    /// database has to be there. What the URL leaves out comes from the environment that
    /// PostgreSQL's own programs know (`PGPASSWORD`, `PGSSLMODE` and others) and from `~/.pgpass`.
    ///
    /// # Errors
    /// The server cannot be reached, or refuses; the tables are those of a newer version.
    pub async fn connect(url: &str) -> Result<Self, Error> {
        let options = options(url)?
            .application_name("payout")
            .options([
                // Whoever is cut off in mid-transaction holds its locks no longer than this.
                ("idle_in_transaction_session_timeout", "60s"),
                ("tcp_keepalives_idle", "10"),
                ("tcp_keepalives_interval", "5"),
                ("tcp_keepalives_count", "3"),
            ])
            .disable_statement_logging();
        let mut first = options.connect().await.map_err(failed("connect to PostgreSQL"))?;
        sqlx::migrate!("migrations/postgres")
            .run_direct(None, &mut first, false)
            .await
            .map_err(|error| Error::store("bring its tables up to date", error))?;
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(ACQUIRE)
            .test_before_acquire(false)
            .after_connect(|connection, _| Box::pin(insist_on_durability(connection)))
            .connect_lazy_with(options);
        Ok(Self {
            pool,
            host: host_name(),
            state: age::state_folder(),
            seen: Memory::default(),
            bell: Bell::new(),
            ear: OnceLock::new(),
            patience: patience::PATIENCE,
        })
    }

    /// Where the database at `url` is, whatever of that comes from the environment, without user
    /// and password.
    pub(crate) fn place(url: &str) -> Result<String, Error> {
        let options = options(url)?;
        let database = options.get_database().unwrap_or_else(|| options.get_username());
        let (host, port) = (options.get_host(), options.get_port());
        Ok(match options.get_socket() {
            Some(socket) => format!("postgres:///{database}?host={}", socket.display()),
            None => format!("postgres://{host}:{port}/{database}"),
        })
    }

    /// Says on which machine this process runs, where the system's name for it does not tell it
    /// from others that share the store.
    #[must_use]
    pub fn with_host(mut self, host: impl Into<String>) -> Self {
        self.host = host.into();
        self
    }

    /// Sets the folder in which this machine notes what it saw.
    #[must_use]
    pub fn with_state_folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.state = Some(folder.into());
        self
    }

    /// Sets how long the server may be away before whoever wants something of it is told.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Begins to hear what others tell.
    fn hear(&self) -> &Arc<Ear> {
        self.ear.get_or_init(|| Arc::new(Ear::open(self.pool.clone(), self.bell.clone())))
    }

    async fn connection(&self) -> Result<PoolConnection<Postgres>, Error> {
        self.pool.acquire().await.map_err(failed("connect to PostgreSQL"))
    }

    async fn begin(&self) -> Result<Transaction<'static, Postgres>, Error> {
        self.pool.begin().await.map_err(failed("begin a transaction"))
    }

    /// A transaction in which everything is seen as of one moment.
    async fn snapshot(&self) -> Result<Transaction<'static, Postgres>, Error> {
        let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
        self.pool.begin_with(begin).await.map_err(failed("begin a transaction"))
    }
}

fn options(url: &str) -> Result<PgConnectOptions, Error> {
    // What the parser says may repeat some of the URL.
    url.parse().map_err(|_| {
        Error::config("the URL of the PostgreSQL database has parameters that are not known")
    })
}

/// A commit that is not on the disk when it returns is none. The server's, the database's or the
/// role's setting may say otherwise; on a connection of ours it is overruled.
async fn insist_on_durability(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query(
        "SELECT set_config('synchronous_commit', 'on', FALSE) \
         WHERE current_setting('synchronous_commit') NOT IN ('on', 'remote_apply')",
    )
    .execute(connection)
    .await
    .map(drop)
}

impl Store for PostgresStore {
    fn create<'a>(
        &'a self,
        new: &'a NewBatch,
        gateway: &'a GatewayIdentity,
        code: BatchCode,
        runner: &'a str,
        now: Timestamp,
    ) -> Answer<'a, Lease> {
        Box::pin(self.patiently(move || load::create(self, new, gateway, code, runner, now)))
    }

    fn append<'a>(
        &'a self,
        lease: &'a Lease,
        rows: &'a [NewPayout],
        now: Timestamp,
    ) -> Answer<'a, ()> {
        Box::pin(self.patiently(move || load::append(self, lease, rows, now)))
    }

    fn complete<'a>(&'a self, lease: &'a Lease, now: Timestamp) -> Answer<'a, Batch> {
        Box::pin(self.patiently(move || load::complete(self, lease, now)))
    }

    fn lease<'a>(&'a self, batch: &'a Batch, runner: &'a str, now: Timestamp) -> Answer<'a, Lease> {
        Box::pin(self.patiently(move || lease::lease(self, batch, runner, now)))
    }

    fn renew<'a>(
        &'a self,
        lease: &'a Lease,
        hold: Option<Duration>,
        now: Timestamp,
    ) -> Answer<'a, ()> {
        Box::pin(self.patiently(move || lease::renew(self, lease, hold, now)))
    }

    fn takes_many_runners(&self) -> bool {
        true
    }

    fn runners(&self, batch: BatchId) -> Answer<'_, Vec<RunnerLease>> {
        Box::pin(self.patiently(move || lease::runners(self, batch)))
    }

    fn request_cancel<'a>(
        &'a self,
        batch: &'a Batch,
        request: &'a CancelRequest,
    ) -> Answer<'a, CancelRequest> {
        Box::pin(self.patiently(move || asks::request_cancel(self, batch, request)))
    }

    fn request_pause<'a>(
        &'a self,
        batch: &'a Batch,
        request: &'a PauseRequest,
    ) -> Answer<'a, PauseRequest> {
        Box::pin(self.patiently(move || asks::request_pause(self, batch, request)))
    }

    fn lift_pause<'a>(&'a self, batch: &'a Batch, by: &'a str, now: Timestamp) -> Answer<'a, ()> {
        Box::pin(self.patiently(move || asks::lift_pause(self, batch, by, now)))
    }

    fn brakes(&self, batch: BatchId) -> Answer<'_, Brakes> {
        Box::pin(self.patiently(move || asks::brakes(self, batch)))
    }

    fn nudge<'a>(&'a self, order_no: &'a OrderNo, now: Timestamp) -> Answer<'a, Option<BatchId>> {
        Box::pin(self.patiently(move || asks::nudge(self, order_no, now)))
    }

    fn changes(&self) -> Changes {
        let changes = self.bell.listen();
        self.hear();
        changes
    }

    fn batch<'a>(&'a self, name: Option<&'a str>) -> Answer<'a, Batch> {
        Box::pin(self.patiently(move || read::batch(self, name)))
    }

    fn newest(&self) -> Answer<'_, Batch> {
        Box::pin(self.patiently(move || read::newest(self)))
    }

    fn batches(&self) -> Answer<'_, Vec<Batch>> {
        Box::pin(self.patiently(move || read::batches(self)))
    }

    fn summary(&self, batch: BatchId) -> Answer<'_, BatchSummary> {
        Box::pin(self.patiently(move || read::summary(self, batch)))
    }

    fn set_state<'a>(
        &'a self,
        lease: &'a Lease,
        change: StateChange,
        now: Timestamp,
    ) -> Answer<'a, ()> {
        Box::pin(async move {
            let change = &change;
            self.patiently(move || write::set_state(self, lease, change, now)).await
        })
    }

    fn wake<'a>(&'a self, lease: &'a Lease, now: Timestamp) -> Answer<'a, ()> {
        Box::pin(self.patiently(move || write::wake(self, lease, now)))
    }

    fn hold_duplicates<'a>(&'a self, lease: &'a Lease, now: Timestamp) -> Answer<'a, u64> {
        Box::pin(self.patiently(move || write::hold_duplicates(self, lease, now)))
    }

    fn write<'a>(
        &'a self,
        lease: &'a Lease,
        transitions: &'a [Transition],
        now: Timestamp,
    ) -> Answer<'a, ()> {
        Box::pin(self.patiently(move || write::write(self, lease, transitions, now)))
    }

    fn offer<'a>(
        &'a self,
        lease: &'a Lease,
        transitions: &'a [Transition],
        now: Timestamp,
    ) -> Answer<'a, u64> {
        Box::pin(self.patiently(move || write::offer(self, lease, transitions, now)))
    }

    fn claim<'a>(
        &'a self,
        lease: &'a Lease,
        now: Timestamp,
        limit: usize,
        under_way: &'a [u64],
    ) -> Answer<'a, Vec<Claim>> {
        Box::pin(self.patiently(move || claim::claim(self, lease, now, limit, under_way)))
    }

    fn next_due<'a>(&'a self, lease: &'a Lease, now: Timestamp) -> Answer<'a, Option<Timestamp>> {
        Box::pin(self.patiently(move || claim::next_due(self, lease, now)))
    }

    fn audit(&self, batch: BatchId) -> Answer<'_, ()> {
        Box::pin(self.patiently(move || read::audit(self, batch)))
    }

    fn verify(&self, batch: BatchId, noted: Option<LogHash>) -> Answer<'_, LogAudit> {
        Box::pin(self.patiently(move || verify::verify(self, batch, noted)))
    }

    fn rows(&self, batch: BatchId, after: u64, limit: usize) -> Answer<'_, Vec<PayoutRecord>> {
        Box::pin(self.patiently(move || read::rows(self, batch, after, limit)))
    }

    fn rows_of<'a>(
        &'a self,
        batch: BatchId,
        outcomes: &'a [Outcome],
        after: u64,
        limit: usize,
    ) -> Answer<'a, Vec<PayoutRecord>> {
        Box::pin(self.patiently(move || read::rows_of(self, batch, outcomes, after, limit)))
    }

    fn timeline(&self, batch: BatchId, stretch: Duration) -> Answer<'_, Vec<Stretch>> {
        Box::pin(self.patiently(move || read::timeline(self, batch, stretch)))
    }

    fn find<'a>(&'a self, batch: BatchId, reference: &'a str) -> Answer<'a, Option<PayoutRecord>> {
        Box::pin(self.patiently(move || read::find(self, batch, reference)))
    }

    fn purge<'a>(&'a self, lease: &'a Lease, now: Timestamp) -> Answer<'a, ()> {
        Box::pin(self.patiently(move || purge::purge(self, lease, now)))
    }

    fn conflicts<'a>(
        &'a self,
        references: &'a [&'a str],
        except: Option<BatchId>,
    ) -> Answer<'a, Vec<Conflict>> {
        Box::pin(self.patiently(move || read::conflicts(self, references, except)))
    }

    fn in_flight_elsewhere(&self, batch: BatchId) -> Answer<'_, Vec<Sum>> {
        Box::pin(self.patiently(move || read::in_flight_elsewhere(self, batch)))
    }

    fn pace(&self, merchant: &GatewayIdentity) -> Option<Arc<dyn Pace>> {
        Some(self.pace_of(merchant))
    }
}

impl Transfer for PostgresStore {
    fn depart<'a>(
        &'a self,
        batch: &'a Batch,
        runner: &'a str,
        to: &'a str,
        now: Timestamp,
    ) -> Answer<'a, Lease> {
        Box::pin(self.patiently(move || lease::take(self, batch, runner, now, Some(to))))
    }

    fn page<'a>(&'a self, table: &'a Table, batch: BatchId, after: i64) -> Answer<'a, Vec<Cells>> {
        Box::pin(self.patiently(move || transfer::page(self, table, batch, after)))
    }

    fn arrive<'a>(&'a self, parcel: &'a Parcel<'a>, now: Timestamp) -> Answer<'a, Batch> {
        Box::pin(self.patiently(move || transfer::arrive(self, parcel, now)))
    }
}
