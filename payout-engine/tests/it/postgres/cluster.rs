//! A PostgreSQL cluster of one's own: its programs, its folder, its beginning and its end. Shared
//! by the tests and by `cargo xtask queries`, so it knows nothing of either.
//!
//! The server refuses to run as root; so root runs it as `nobody`.

use std::{
    env,
    ffi::OsStr,
    fs,
    os::unix::{
        fs::{MetadataExt, PermissionsExt},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
};

/// Where the programs of the newest PostgreSQL are.
pub(crate) fn programs() -> Option<&'static Path> {
    static FOUND: OnceLock<Option<PathBuf>> = OnceLock::new();
    let found = FOUND.get_or_init(|| {
        let debian = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
        let mut debian: Vec<_> = debian.map(|version| version.path().join("bin")).collect();
        debian.sort();
        let path = env::var_os("PATH").unwrap_or_default();
        let folders = debian.into_iter().rev().chain(env::split_paths(&path));
        folders.into_iter().find(|folder| folder.join("initdb").is_file())
    });
    found.as_deref()
}

/// One of PostgreSQL's programs.
pub(crate) fn program(name: &str) -> Command {
    as_server(programs().unwrap().join(name))
}

/// A program, run as a user that the server does not refuse.
fn as_server(program: impl AsRef<OsStr>) -> Command {
    let mut command = if is_root() {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=nobody", "--regid=nogroup", "--clear-groups", "--"]).arg(program);
        command
    } else {
        Command::new(program)
    };
    command.env_clear().env("PATH", env::var_os("PATH").unwrap_or_default()).env("LC_ALL", "C");
    command.current_dir("/").stdin(Stdio::null());
    command
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|it| it.uid() == 0)
}

/// Runs a program to its end, which has to be a good one; returns what it said.
pub(crate) fn done(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    assert!(output.status.success(), "{command:?}: {}", said(&output.stderr));
    said(&output.stdout)
}

/// Makes a folder in which the server's user may make its own.
pub(crate) fn open_to_all(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    fs::set_permissions(folder, fs::Permissions::from_mode(0o777)).unwrap();
}

/// Starts a server in a folder of its own, which it makes if need be.
pub(crate) fn start(folder: &Path) {
    let data = folder.join("data");
    if !data.exists() {
        done(as_server("mkdir").arg("-p").arg(folder));
        let mut init = program("initdb");
        init.args(["--auth=trust", "--username=payout", "--encoding=UTF8", "--no-locale"]);
        done(init.arg("--no-sync").arg("--pgdata").arg(&data));
    }
    let options = format!(
        "-c listen_addresses='' -c unix_socket_directories={} -c max_connections=300",
        folder.display()
    );
    let mut server = program("pg_ctl");
    server.arg("--pgdata").arg(&data).arg("--log").arg(folder.join("log"));
    server.args(["--wait", "--timeout=60", "--options"]).arg(options).arg("start");
    server.process_group(0).stdout(Stdio::null()).stderr(Stdio::null());
    let log = || fs::read_to_string(folder.join("log")).unwrap_or_default();
    assert!(server.status().unwrap().success(), "the server did not start: {}", log());
}

pub(crate) fn stop_command(folder: &Path) -> Command {
    let mut stop = program("pg_ctl");
    stop.arg("--pgdata").arg(folder.join("data"));
    stop.args(["--silent", "--wait", "--mode=immediate", "stop"]);
    stop
}

pub(crate) fn url(folder: &Path, database: &str) -> String {
    format!("postgres:///{database}?user=payout&host={}", folder.display())
}

pub(crate) fn psql(url: &str, statements: &str) -> Command {
    let mut psql = program("psql");
    psql.args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align"]);
    psql.args(["--set=ON_ERROR_STOP=1", "--dbname", url, "--command", statements]);
    psql
}
