//! What a person should know of the server before money rests on it.

use std::path::{Path, PathBuf};

use super::{PostgresStore, statement::statement};
use crate::{
    error::Error,
    store::{codec::Fields, failed},
};

/// How the server is set, and how it is reached.
pub(crate) struct Settings {
    /// Whether commits are forced to the disk.
    pub(crate) fsync: bool,
    /// Whether a page that was half written when power went is made whole.
    pub(crate) full_page_writes: bool,
    /// Whether the connection is encrypted, or leaves no machine.
    pub(crate) is_private: bool,
    /// Where this machine notes what it saw.
    pub(crate) state_folder: Option<PathBuf>,
}

impl PostgresStore {
    pub(crate) async fn settings(&self) -> Result<Settings, Error> {
        let row = statement!(
            "SELECT current_setting('fsync') AS fsync, \
             current_setting('full_page_writes') AS full_page_writes, \
             CASE WHEN inet_server_addr() IS NULL OR inet_server_addr() = inet_client_addr() \
             OR coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), FALSE) \
             THEN 'on' ELSE 'off' END AS private"
        )
        .fetch_one(&self.pool)
        .await
        .map_err(failed("read the server's settings"))?;
        let is_on = |column| Fields(&row).text(column).map(|text| text == "on");
        Ok(Settings {
            fsync: is_on("fsync")?,
            full_page_writes: is_on("full_page_writes")?,
            is_private: is_on("private")?,
            state_folder: self.noted_in().map(Path::to_owned),
        })
    }
}
