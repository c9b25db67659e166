//! The store: is it there, private, writable, and does somebody hold it? Of a database, whether it
//! keeps what it is told to keep.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::{Check, Verdict};
use crate::command::exit::Exit;
use crate::command::failure::Failure;
use crate::command::output::quoted;
use crate::command::place::Place;
use crate::config::Config;
use crate::report::count;
use crate::{Batch, BatchState, Error, SqliteStore, Store};

mod database;

const NAME: &str = "store";

pub(super) async fn checks(config: &Config) -> Vec<Check> {
    let place = match Place::of(config, false) {
        Ok(place) => place,
        Err(failure) => return vec![Check::failed(NAME, &failure)],
    };
    let Some(path) = place.url.path() else { return database::checks(&place).await };
    if !path.exists() {
        return vec![absent(path)];
    }
    let mut checks = vec![match present(&place, path).await {
        Ok(check) => check,
        Err(failure) => Check::failed(NAME, &failure),
    }];
    checks.extend(privacy(path));
    checks.push(lock(path));
    checks
}

/// The first run makes the store, if it may.
fn absent(path: &Path) -> Check {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let probe = folder.join(format!(".payout-doctor-{}", std::process::id()));
    match OpenOptions::new().write(true).create_new(true).open(&probe).map(drop) {
        Ok(()) => {
            // It is empty and named after this process: left behind, it harms nobody.
            let _ = fs::remove_file(&probe);
            let found = format!("none yet; the first `payout run` makes {}", path.display());
            Check::ok(NAME, found)
        }
        Err(error) => unwritable(path, &error),
    }
}

async fn present(place: &Place, path: &Path) -> Result<Check, Failure> {
    if let Err(error) = OpenOptions::new().append(true).open(path) {
        return Ok(unwritable(path, &error));
    }
    Ok(contents(place, &*place.open().await?).await?)
}

/// How many batches there are.
async fn contents(place: &Place, store: &dyn Store) -> Result<Check, Error> {
    let batches = store.batches().await?;
    let is_done = |batch: &&Batch| matches!(batch.state, BatchState::Finished | BatchState::Moved);
    let unfinished = batches.iter().filter(|batch| !is_done(batch)).count();
    let batches = count(batches.len() as u64, "batch").replace("batchs", "batches");
    let found = format!("{}: {batches}, {unfinished} of them unfinished", place.url);
    Ok(Check::ok(NAME, found))
}

fn unwritable(path: &Path, error: &io::Error) -> Check {
    let found = format!("{} cannot be written: {error}", path.display());
    let advice = "give yourself the permission, or name another store with --store";
    Check::bad(NAME, Verdict::Fail(Exit::Usage), found, advice)
}

fn privacy(path: &Path) -> Option<Check> {
    let mode = fs::metadata(path).ok()?.permissions().mode() & 0o777;
    let name = "store's privacy";
    if mode & 0o077 == 0 {
        return Some(Check::ok(name, format!("mode {mode:o}, readable for its owner only")));
    }
    let path = quoted(&path.display().to_string());
    let found = format!("mode {mode:o}: others can read account numbers in it");
    Some(Check::bad(name, Verdict::Warn, found, format!("chmod 600 {path}")))
}

fn lock(path: &Path) -> Check {
    let name = "store's lock";
    match SqliteStore::holder(path) {
        Ok(None) => Check::ok(name, "free"),
        Ok(Some(holder)) => {
            let advice = "until it ends, `run` and `resume` on this store are refused";
            Check::bad(name, Verdict::Warn, format!("held by {holder}"), advice)
        }
        Err(error) => Check::failed(name, &Failure::from(error)),
    }
}
