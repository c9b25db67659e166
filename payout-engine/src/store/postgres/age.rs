//! Whether the database is the one that was seen before, or an older copy of it.
//!
//! Two things tell. Its *incarnation*: the cluster, its timeline, the database and the table of
//! events, each by a number that a copy does not share. A dump that is put back, a recovery to a
//! point in time and a failover to another server give other numbers. And what runners saw: each
//! notes the end of the batch's log in the memory of its process and in a folder of its machine; a
//! log without that event is an older one, or another one.
//!
//! Where no folder can be written, and on a machine that has seen nothing, the incarnation alone
//! vouches.

use std::{
    env,
    path::{Path, PathBuf},
};

use sqlx::PgConnection;

use super::{PostgresStore, statement::statement};
use crate::{
    chain::LogHash,
    error::Error,
    order_no::BatchCode,
    store::{Witness, codec::Fields, failed},
};

/// The folder's name in the environment.
const STATE_DIR: &str = "PAYOUT_STATE_DIR";

/// Where this machine notes what it saw, unless somebody says otherwise.
pub(super) fn state_folder() -> Option<PathBuf> {
    let set = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set(STATE_DIR)
        .or_else(|| set("XDG_STATE_HOME").map(|folder| folder.join("payout")))
        .or_else(|| set("HOME").map(|home| home.join(".local/state/payout")))
}

impl PostgresStore {
    /// Where this machine notes what it saw: the folder is there, for its owner alone. `None` where
    /// that cannot be.
    pub(super) fn noted_in(&self) -> Option<&Path> {
        let folder = self.state.as_deref()?;
        let mut make = std::fs::DirBuilder::new();
        make.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut make, 0o700);
        make.create(folder).ok().map(|()| folder)
    }

    /// What tells this database from copies of it.
    pub(super) async fn incarnation(&self, connection: &mut PgConnection) -> Result<String, Error> {
        let row = statement!(
            "SELECT concat_ws('.', (SELECT system_identifier FROM pg_control_system()), \
             left(pg_walfile_name(pg_current_wal_lsn()), 8), \
             (SELECT oid FROM pg_database WHERE datname = current_database()), \
             'events'::regclass::oid) AS incarnation"
        )
        .fetch_one(connection)
        .await
        .map_err(failed("find out which database this is"))?;
        Ok(Fields(&row).text("incarnation")?.to_owned())
    }

    /// Who notes what is seen of a batch, and what was seen last: by this process, else on this
    /// machine.
    pub(super) fn witness(
        &self,
        code: BatchCode,
    ) -> Result<(Witness, Option<(i64, LogHash)>), Error> {
        Witness::of_machine(self.noted_in(), &self.seen, code)
    }
}
