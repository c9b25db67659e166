//! The store on SQLite: one file, one writer, readers at any time.
//!
//! Write-ahead log with `synchronous = FULL`: a commit is on the disk when it returns, and a reader
//! (`payout status` while a run is on) never waits for the writer. The file is created for its
//! owner alone (0600), because it holds account numbers. Or the database is in memory, and somebody
//! else keeps its pages: [`kept`].
//!
//! [`load`] takes batches in, [`ready`] makes their rows ready for a run, [`write`] is the runner's
//! side, [`read`] everybody's, [`asks`] what anybody may ask for, [`transfer`] carries to other
//! stores, [`purge`] forgets, [`lock`] and [`lease`] keep it to one runner. Whatever writes does so
//! in a [`work`], which keeps the event log; [`verify`] holds that against the rows.

use std::{
    io::ErrorKind,
    ops::{Deref, DerefMut},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use sqlx::{
    ConnectOptions, Sqlite, SqliteConnection, SqlitePool,
    migrate::MigrateError,
    pool::PoolConnection,
    sqlite::{
        SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteRow, SqliteSynchronous,
    },
};
use tokio::sync::{Mutex, MutexGuard};

use super::{
    Answer, Changes, Claim, Conflict, Lease, PayoutRecord, StateChange, Store, Stretch, Sum,
    Transition, Witness,
    changes::Bell,
    failed,
    storage::PageStorage,
    transfer::{Cells, Parcel, Table, Transfer},
};
use crate::{
    batch::{
        Batch, BatchId, Brakes, CancelRequest, GatewayIdentity, NewBatch, PauseRequest, RunnerLease,
    },
    chain::{LogHash, verify::LogAudit},
    error::Error,
    host::host_name,
    order_no::{BatchCode, OrderNo},
    payout::{BatchSummary, NewPayout, Outcome},
};

mod asks;
mod kept;
mod lease;
mod load;
mod lock;
mod purge;
mod read;
mod ready;
mod transfer;
mod verify;
mod work;
mod write;

use kept::{Keeper, Turn};

super::codec::columns_of!(SqliteRow);

/// Whoever opens a store, in this process.
static OPENING: Mutex<()> = Mutex::const_new(());

/// How often tables that somebody else makes are looked at again, and after what pause.
const TRIES: u32 = 20;
const BETWEEN_TRIES: Duration = Duration::from_millis(50);

/// A store in one SQLite file, or in memory and kept by a [`PageStorage`].
pub struct SqliteStore {
    medium: Medium,
    /// The machine on which this process runs.
    host: String,
    /// The only connection that writes; transactions queue here instead of failing with "busy".
    writer: Mutex<SqliteConnection>,
    bell: Bell,
}

/// What the store is in.
enum Medium {
    File {
        path: PathBuf,
        readers: SqlitePool,
    },
    /// There is no connection but the writer's.
    Kept(Keeper),
}

/// A connection to read with.
enum Reader<'a> {
    Pooled(PoolConnection<Sqlite>),
    /// With the right to use it.
    Sole {
        connection: MutexGuard<'a, SqliteConnection>,
        _turn: MutexGuard<'a, Turn>,
    },
    Own(SqliteConnection),
}

impl SqliteStore {
    /// Opens the file, creates it if need be, and brings its tables up to date.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        // One after another: who makes the file also closes it, see `create_private`.
        let _alone = OPENING.lock().await;
        create_private(path)?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(std::time::Duration::from_secs(10));
        let cannot_open = |error| Error::store(format!("open {}", path.display()), error);
        let mut writer = options.connect().await.map_err(cannot_open)?;
        bring_up_to_date(&mut writer).await.map_err(|error| {
            Error::store(format!("bring the tables of {} up to date", path.display()), error)
        })?;
        let readers = SqlitePoolOptions::new()
            .max_connections(4)
            .connect_with(options)
            .await
            .map_err(cannot_open)?;
        let medium = Medium::File { path: path.to_owned(), readers };
        Ok(Self { medium, host: host_name(), writer: Mutex::new(writer), bell: Bell::new() })
    }

    /// Opens the store whose pages `storage` keeps, and makes it if there are none.
    ///
    /// It counts as one of unknown age until every order was asked about: nobody can tell whether
    /// these are the newest pages. Only one store may be open on a storage. Before another one is
    /// opened on it, ask this one for something, its batches for example, and wait for the answer:
    /// a save that nobody waits for any more is through then.
    ///
    /// # Errors
    /// The storage fails; what it gives back is no store, or not a whole one.
    pub async fn kept_by(storage: Arc<dyn PageStorage>) -> Result<Self, Error> {
        let (keeper, writer) = Keeper::open(storage).await?;
        let (medium, writer) = (Medium::Kept(keeper), Mutex::new(writer));
        Ok(Self { medium, host: host_name(), writer, bell: Bell::new() })
    }

    /// Says on which machine this process runs, where the system's name for it does not tell it
    /// from others that share the store.
    #[must_use]
    pub fn with_host(mut self, host: impl Into<String>) -> Self {
        self.host = host.into();
        self
    }

    /// Who writes to the store at `path` just now, if anybody does. Makes no file.
    ///
    /// # Errors
    /// Where the lock beside the store cannot be looked at.
    pub fn holder(path: impl AsRef<Path>) -> Result<Option<String>, Error> {
        lock::holder(path.as_ref())
    }
}

impl SqliteStore {
    /// A connection that sees the last commit.
    async fn reader(&self) -> Result<Reader<'_>, Error> {
        match &self.medium {
            Medium::File { readers, .. } => {
                readers.acquire().await.map(Reader::Pooled).map_err(failed("be read"))
            }
            Medium::Kept(keeper) => {
                let turn = keeper.turn(&self.writer).await?;
                Ok(Reader::Sole { connection: self.writer.lock().await, _turn: turn })
            }
        }
    }

    /// Two connections at once.
    async fn two_readers(&self) -> Result<(Reader<'_>, Reader<'_>), Error> {
        let mut first = self.reader().await?;
        let second = match &mut first {
            Reader::Sole { connection, .. } => Reader::Own(kept::copy(connection).await?),
            _ => self.reader().await?,
        };
        Ok((first, second))
    }

    /// Work that writes: when it is done, what it wrote is durable.
    fn durably<'a, T: Send + 'a>(
        &'a self,
        work: impl Future<Output = Result<T, Error>> + Send + 'a,
    ) -> Answer<'a, T> {
        match &self.medium {
            Medium::File { .. } => Box::pin(work),
            Medium::Kept(keeper) => Box::pin(keeper.durably(&self.writer, work)),
        }
    }

    /// Keeps the batches for one runner, until what comes back is dropped.
    fn lock(&self, runner: &str) -> Result<Box<dyn Send + Sync>, Error> {
        match &self.medium {
            Medium::File { path, .. } => Ok(Box::new(lock::lock(path, runner)?)),
            Medium::Kept(keeper) => keeper.lock(runner),
        }
    }

    /// What was last seen of a batch: see [`Witness`].
    fn witness(&self, code: BatchCode) -> Result<(Witness, Option<(i64, LogHash)>), Error> {
        match &self.medium {
            Medium::File { path, .. } => Witness::open(path, code),
            Medium::Kept(keeper) => Ok(keeper.seen.witness(code)),
        }
    }
}

impl Deref for Reader<'_> {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        match self {
            Self::Pooled(connection) => connection,
            Self::Sole { connection, .. } => connection,
            Self::Own(connection) => connection,
        }
    }
}

impl DerefMut for Reader<'_> {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        match self {
            Self::Pooled(connection) => connection,
            Self::Sole { connection, .. } => connection,
            Self::Own(connection) => connection,
        }
    }
}

/// Makes the tables, or changes those of an earlier version. Two processes that open a new store in
/// the same moment both do it; the slower one fails, and finds it done when it looks again.
async fn bring_up_to_date(writer: &mut SqliteConnection) -> Result<(), MigrateError> {
    let migrations = sqlx::migrate!("migrations/sqlite");
    let mut tries = 0;
    loop {
        match migrations.run_direct(None, &mut *writer, false).await {
            Err(MigrateError::Execute(_) | MigrateError::ExecuteMigration(..)) if tries < TRIES => {
                tries += 1;
                tokio::time::sleep(BETWEEN_TRIES).await;
            }
            ended => return ended,
        }
    }
}

/// SQLite gives its side files the mode of the main one, so it is enough to create that one
/// privately.
///
/// Invariant: a database that is there is opened by SQLite alone. Locks of POSIX belong to the
/// process, and closing *any* handle of a file gives them all up: another process would then take
/// itself for the last one, and remove the write-ahead log of a run that is on.
fn create_private(path: &Path) -> Result<(), Error> {
    let mut options = std::fs::OpenOptions::new();
    options.create_new(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => return Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) => return Err(Error::open(path, error)),
    }
    // SQLite would open it all the same, and fail when it is too late to say why.
    let metadata = std::fs::metadata(path).map_err(|error| Error::open(path, error))?;
    match metadata.permissions().readonly() {
        true => Err(Error::open(path, ErrorKind::PermissionDenied.into())),
        false => Ok(()),
    }
}

impl Store for SqliteStore {
    fn create<'a>(
        &'a self,
        new: &'a NewBatch,
        gateway: &'a GatewayIdentity,
        code: BatchCode,
        runner: &'a str,
        now: Timestamp,
    ) -> Answer<'a, Lease> {
        self.durably(load::create(self, new, gateway, code, runner, now))
    }

    fn append<'a>(
        &'a self,
        lease: &'a Lease,
        rows: &'a [NewPayout],
        now: Timestamp,
    ) -> Answer<'a, ()> {
        self.durably(load::append(self, lease, rows, now))
    }

    fn complete<'a>(&'a self, lease: &'a Lease, now: Timestamp) -> Answer<'a, Batch> {
        self.durably(load::complete(self, lease, now))
    }

    fn lease<'a>(&'a self, batch: &'a Batch, runner: &'a str, now: Timestamp) -> Answer<'a, Lease> {
        self.durably(write::lease(self, batch, runner, now))
    }

    fn renew<'a>(
        &'a self,
        lease: &'a Lease,
        hold: Option<Duration>,
        now: Timestamp,
    ) -> Answer<'a, ()> {
        self.durably(lease::renew(self, lease, hold, now))
    }

    fn runners(&self, batch: BatchId) -> Answer<'_, Vec<RunnerLease>> {
        Box::pin(lease::runners(self, batch))
    }

    fn request_cancel<'a>(
        &'a self,
        batch: &'a Batch,
        request: &'a CancelRequest,
    ) -> Answer<'a, CancelRequest> {
        self.durably(asks::request_cancel(self, batch, request))
    }

    fn request_pause<'a>(
        &'a self,
        batch: &'a Batch,
        request: &'a PauseRequest,
    ) -> Answer<'a, PauseRequest> {
        self.durably(asks::request_pause(self, batch, request))
    }

    fn lift_pause<'a>(&'a self, batch: &'a Batch, by: &'a str, now: Timestamp) -> Answer<'a, ()> {
        self.durably(asks::lift_pause(self, batch, by, now))
    }

    fn brakes(&self, batch: BatchId) -> Answer<'_, Brakes> {
        Box::pin(asks::brakes(self, batch))
    }

    fn nudge<'a>(&'a self, order_no: &'a OrderNo, now: Timestamp) -> Answer<'a, Option<BatchId>> {
        self.durably(asks::nudge(self, order_no, now))
    }

    fn changes(&self) -> Changes {
        self.bell.listen()
    }

    fn batch<'a>(&'a self, name: Option<&'a str>) -> Answer<'a, Batch> {
        Box::pin(read::batch(self, name))
    }

    fn newest(&self) -> Answer<'_, Batch> {
        Box::pin(read::newest(self))
    }

    fn batches(&self) -> Answer<'_, Vec<Batch>> {
        Box::pin(read::batches(self))
    }

    fn summary(&self, batch: BatchId) -> Answer<'_, BatchSummary> {
        Box::pin(read::summary(self, batch))
    }

    fn set_state<'a>(
        &'a self,
        lease: &'a Lease,
        change: StateChange,
        now: Timestamp,
    ) -> Answer<'a, ()> {
        self.durably(write::set_state(self, lease, change, now))
    }

    fn wake<'a>(&'a self, lease: &'a Lease, now: Timestamp) -> Answer<'a, ()> {
        self.durably(ready::wake(self, lease, now))
    }

    fn hold_duplicates<'a>(&'a self, lease: &'a Lease, now: Timestamp) -> Answer<'a, u64> {
        self.durably(ready::hold_duplicates(self, lease, now))
    }

    fn write<'a>(
        &'a self,
        lease: &'a Lease,
        transitions: &'a [Transition],
        now: Timestamp,
    ) -> Answer<'a, ()> {
        self.durably(write::write(self, lease, transitions, now))
    }

    fn offer<'a>(
        &'a self,
        lease: &'a Lease,
        transitions: &'a [Transition],
        now: Timestamp,
    ) -> Answer<'a, u64> {
        // There is no other runner that could have changed one of them.
        self.durably(async move {
            write::write(self, lease, transitions, now).await?;
            Ok(transitions.len() as u64)
        })
    }

    fn claim<'a>(
        &'a self,
        lease: &'a Lease,
        now: Timestamp,
        limit: usize,
        under_way: &'a [u64],
    ) -> Answer<'a, Vec<Claim>> {
        Box::pin(read::claim(self, lease.batch, now, limit, under_way))
    }

    fn next_due<'a>(&'a self, lease: &'a Lease, now: Timestamp) -> Answer<'a, Option<Timestamp>> {
        Box::pin(read::next_due(self, lease.batch, now))
    }

    fn audit(&self, batch: BatchId) -> Answer<'_, ()> {
        Box::pin(read::audit(self, batch))
    }

    fn verify(&self, batch: BatchId, noted: Option<LogHash>) -> Answer<'_, LogAudit> {
        Box::pin(verify::verify(self, batch, noted))
    }

    fn rows(&self, batch: BatchId, after: u64, limit: usize) -> Answer<'_, Vec<PayoutRecord>> {
        Box::pin(read::rows(self, batch, after, limit))
    }

    fn rows_of<'a>(
        &'a self,
        batch: BatchId,
        outcomes: &'a [Outcome],
        after: u64,
        limit: usize,
    ) -> Answer<'a, Vec<PayoutRecord>> {
        Box::pin(read::rows_of(self, batch, outcomes, after, limit))
    }

    fn timeline(&self, batch: BatchId, stretch: Duration) -> Answer<'_, Vec<Stretch>> {
        Box::pin(read::timeline(self, batch, stretch))
    }

    fn find<'a>(&'a self, batch: BatchId, reference: &'a str) -> Answer<'a, Option<PayoutRecord>> {
        Box::pin(read::find(self, batch, reference))
    }

    fn purge<'a>(&'a self, lease: &'a Lease, now: Timestamp) -> Answer<'a, ()> {
        self.durably(purge::purge(self, lease, now))
    }

    fn conflicts<'a>(
        &'a self,
        references: &'a [&'a str],
        except: Option<BatchId>,
    ) -> Answer<'a, Vec<Conflict>> {
        Box::pin(read::conflicts(self, references, except))
    }

    fn in_flight_elsewhere(&self, batch: BatchId) -> Answer<'_, Vec<Sum>> {
        Box::pin(read::in_flight_elsewhere(self, batch))
    }
}

impl Transfer for SqliteStore {
    fn depart<'a>(
        &'a self,
        batch: &'a Batch,
        runner: &'a str,
        to: &'a str,
        now: Timestamp,
    ) -> Answer<'a, Lease> {
        self.durably(write::take(self, batch, runner, now, Some(to)))
    }

    fn page<'a>(&'a self, table: &'a Table, batch: BatchId, after: i64) -> Answer<'a, Vec<Cells>> {
        Box::pin(transfer::page(self, table, batch, after))
    }

    fn arrive<'a>(&'a self, parcel: &'a Parcel<'a>, now: Timestamp) -> Answer<'a, Batch> {
        self.durably(transfer::arrive(self, parcel, now))
    }
}
