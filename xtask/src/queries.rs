//! `cargo xtask queries`: what the compiler knows of the statements of the store on PostgreSQL.
//!
//! Each statement is checked when it is compiled, against a description of it that is checked in
//! (`payout-engine/.sqlx`), so that nobody needs a database to build. The chore starts one, makes
//! the tables, and lets the compiler ask it anew.

#[path = "../../payout-engine/tests/it/postgres/cluster.rs"]
#[expect(clippy::unwrap_used, reason = "it is written for tests: what fails there has failed")]
mod cluster;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::Path;
use std::time::SystemTime;

use crate::{console, process, root, target_folder, tools};

/// What `cargo xtask queries` takes.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Change nothing; fail if a description is stale or missing
    #[arg(long)]
    check: bool,
}

/// Where the descriptions are.
const CHECKED_IN: &str = "payout-engine/.sqlx";

/// What the compiler has to look at again.
const LIBRARY: &str = "payout-engine/src/lib.rs";

/// Whether there is a server to ask.
pub(crate) fn is_possible() -> bool {
    cluster::programs().is_some()
}

/// Fails if a description is stale.
pub(crate) fn check() -> Result<(), String> {
    run(&Options { check: true })
}

pub(crate) fn run(options: &Options) -> Result<(), String> {
    if !is_possible() {
        return Err(tools::POSTGRES.missing());
    }
    let base = std::env::temp_dir().join(format!("payout-queries-{}", std::process::id()));
    cluster::open_to_all(&base);
    let server = base.join("server");
    cluster::start(&server);
    let found = describe(&server, &base.join("found"));
    let stopped = cluster::stop_command(&server).status();
    let removed = fs::remove_dir_all(&base);
    let found = found?;
    stopped.and(removed).map_err(|error| format!("clear {} away: {error}", base.display()))?;
    let folder = root().join(CHECKED_IN);
    let known = read(&folder)?;
    if found == known {
        console::say(&format!("{} statements are as they are described", known.len()));
        return Ok(());
    }
    if options.check {
        return Err(format!("{CHECKED_IN} is stale; `cargo xtask queries` writes it anew"));
    }
    write(&folder, &known, &found).map_err(|error| format!("write {CHECKED_IN}: {error}"))?;
    console::say(&format!("wrote {} descriptions", found.len()));
    Ok(())
}

/// Lets the compiler ask a server about every statement.
fn describe(server: &Path, found: &Path) -> Result<BTreeMap<String, String>, String> {
    let url = cluster::url(server, "postgres");
    for migration in read(&root().join("payout-engine/migrations/postgres"))?.values() {
        cluster::done(&mut cluster::psql(&url, migration));
    }
    fs::create_dir_all(found).map_err(|error| format!("make {}: {error}", found.display()))?;
    // It does not see that another answer is wanted.
    let library = File::options().append(true).open(root().join(LIBRARY));
    let touched = library.and_then(|file| file.set_modified(SystemTime::now()));
    touched.map_err(|error| format!("touch {LIBRARY}: {error}"))?;
    let mut check = process::cargo();
    check.args(["check", "--quiet", "--package", "payout-engine", "--lib"]);
    check.env("CARGO_TARGET_DIR", target_folder()).env("SQLX_OFFLINE", "false");
    process::run(check.env("DATABASE_URL", &url).env("SQLX_OFFLINE_DIR", found))?;
    read(found)
}

/// The files of a folder by name; none where there is no folder.
fn read(folder: &Path) -> Result<BTreeMap<String, String>, String> {
    let Ok(files) = fs::read_dir(folder) else { return Ok(BTreeMap::new()) };
    let mut read = BTreeMap::new();
    for file in files {
        let path = file.map_err(|error| format!("read {}: {error}", folder.display()))?.path();
        let text = fs::read_to_string(&path);
        let text = text.map_err(|error| format!("read {}: {error}", path.display()))?;
        read.insert(path.file_name().unwrap_or_default().to_string_lossy().into_owned(), text);
    }
    Ok(read)
}

fn write(
    folder: &Path,
    known: &BTreeMap<String, String>,
    found: &BTreeMap<String, String>,
) -> std::io::Result<()> {
    fs::create_dir_all(folder)?;
    for name in known.keys().filter(|name| !found.contains_key(*name)) {
        fs::remove_file(folder.join(name))?;
    }
    found.iter().try_for_each(|(name, text)| fs::write(folder.join(name), text))
}
