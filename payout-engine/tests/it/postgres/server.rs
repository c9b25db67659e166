//! PostgreSQL servers of the tests' own.
//!
//! Most tests share one: the first that needs it starts it, under a lock in a well-known folder;
//! each test makes a database of its own on it. Every process that uses it holds another lock as
//! long as it lives, and a watchman beside the server stops it once nobody has for a while. A test
//! that stops its server, or cuts its connections, starts one for itself ([`Server::private`]).

use std::{
    env,
    fs::{self, File, OpenOptions},
    hash::{DefaultHasher, Hash, Hasher},
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use payout_engine::PostgresStore;
use tempfile::TempDir;

use super::{
    cluster::{done, open_to_all, program, programs, psql, start, stop_command, url},
    proxy::Proxy,
};

/// A database that is there as long as its server.
#[derive(Clone)]
pub(crate) struct Database {
    pub(crate) url: String,
    name: String,
    folder: PathBuf,
}

/// A server that nobody else uses; it ends with this.
pub(crate) struct Server {
    folder: PathBuf,
    _dir: TempDir,
}

/// A new database on the server that tests share. `None` where PostgreSQL is not installed.
pub(crate) fn database() -> Option<Database> {
    static SHARED: OnceLock<Option<(PathBuf, File)>> = OnceLock::new();
    let shared = SHARED.get_or_init(|| is_installed().then(share));
    let (folder, _in_use) = shared.as_ref()?;
    Some(create_database(folder))
}

impl Database {
    /// Opens the store as a process on another machine would.
    pub(crate) async fn store(&self, host: &str, state: &Path) -> PostgresStore {
        let store = PostgresStore::connect(&self.url).await.unwrap();
        store.with_host(host).with_state_folder(state.join(host))
    }

    /// Where the server listens.
    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.join(".s.PGSQL.5432")
    }

    /// The way to it over a line that can be cut.
    pub(crate) fn over(&self, proxy: &Proxy) -> String {
        format!("postgres://payout@{}/{}", proxy.address, self.name)
    }

    /// Runs statements past the store.
    pub(crate) fn sql(&self, statements: &str) -> String {
        done(&mut psql(&self.url, statements))
    }

    /// A back-up, as people make it.
    pub(crate) fn dump(&self) -> String {
        done(program("pg_dump").args(["--schema=public", "--dbname", &self.url]))
    }

    /// Puts a back-up back, as people do: into a new database of the same name.
    pub(crate) fn restore(&self, dump: &str) {
        let (name, server) = (&self.name, url(&self.folder, "postgres"));
        done(&mut psql(&server, &format!("DROP DATABASE {name} WITH (FORCE)")));
        done(&mut psql(&server, &format!("CREATE DATABASE {name}")));
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let dump = dump.replace("CREATE SCHEMA public", "CREATE SCHEMA IF NOT EXISTS public");
        std::io::Write::write_all(&mut file, dump.as_bytes()).unwrap();
        fs::set_permissions(file.path(), fs::Permissions::from_mode(0o644)).unwrap();
        let mut psql = program("psql");
        psql.args(["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--dbname", &self.url]);
        done(psql.arg("--file").arg(file.path()));
    }

    /// Statements that the database refuses, and what it says.
    pub(crate) fn refused(&self, statements: &str) -> String {
        let output = psql(&self.url, statements).output().unwrap();
        assert!(!output.status.success(), "{statements}");
        String::from_utf8(output.stderr).unwrap()
    }
}

impl Server {
    pub(crate) fn private() -> Option<Self> {
        if !is_installed() {
            return None;
        }
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("server");
        open_to_all(dir.path());
        start(&folder);
        Some(Self { folder, _dir: dir })
    }

    pub(crate) fn database(&self) -> Database {
        create_database(&self.folder)
    }

    /// Stops it as a machine does that goes down: nobody is asked, and nothing is written any more.
    pub(crate) fn crash(&self) {
        done(&mut stop_command(&self.folder));
    }

    pub(crate) fn start_again(&self) {
        start(&self.folder);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may be down already.
        let _ = stop_command(&self.folder).output();
    }
}

/// Whether there are servers for tests. Where there are none a test passes, except in CI.
pub(crate) fn is_installed() -> bool {
    let found = programs().is_some();
    assert!(found || env::var_os("CI").is_none(), "CI has to have PostgreSQL (Debian: postgresql)");
    found
}

/// Takes part in the server that tests share, and starts it if it is not there. Returns its folder,
/// and what keeps the watchman from stopping it.
fn share() -> (PathBuf, File) {
    let mut hasher = DefaultHasher::new();
    env!("CARGO_TARGET_TMPDIR").hash(&mut hasher);
    let base = env::temp_dir().join(format!("payout-postgres-{:x}", hasher.finish()));
    open_to_all(&base);
    let lock = |name: &str| {
        let file = base.join(name);
        OpenOptions::new().create(true).append(true).open(file).unwrap()
    };
    let in_use = lock("in-use");
    in_use.lock_shared().unwrap();
    let starting = lock("starting");
    starting.lock().unwrap();
    let folder = base.join("server");
    if !stands(&folder) {
        // What a machine that went down left behind.
        let _ = fs::remove_dir_all(&folder);
        start(&folder);
        watch(&base, &folder);
    }
    (folder, in_use)
}

fn stands(folder: &Path) -> bool {
    folder.join("data").exists()
        && program("pg_isready")
            .arg("--quiet")
            .arg("--host")
            .arg(folder)
            .status()
            .unwrap()
            .success()
}

/// Stops the server once no process uses it any more.
#[expect(clippy::zombie_processes, reason = "it outlives whoever started it")]
fn watch(base: &Path, folder: &Path) {
    let stop = stop_command(folder);
    let words = std::iter::once(stop.get_program()).chain(stop.get_args());
    let stop: Vec<_> = words.map(|word| format!("'{}'", word.display())).collect();
    let script = format!(
        "while sleep 5; do flock --nonblock in-use sh -c \"{}; rm -rf server\" && exit; done",
        stop.join(" ")
    );
    let mut watchman = Command::new("sh");
    watchman.arg("-c").arg(script).current_dir(base).process_group(0);
    watchman.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    watchman.spawn().unwrap();
}

fn create_database(folder: &Path) -> Database {
    static MADE: AtomicU32 = AtomicU32::new(0);
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().subsec_nanos();
    let number = MADE.fetch_add(1, Ordering::SeqCst);
    let name = format!("test_{}_{number}_{nanos}", std::process::id());
    done(&mut psql(&url(folder, "postgres"), &format!("CREATE DATABASE {name}")));
    Database { url: url(folder, &name), name, folder: folder.to_owned() }
}
