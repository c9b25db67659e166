//! Where a store is: the URL of the contract, read.
//!
//! Invariant: no message repeats more of a URL than its scheme, host and database. There may be a
//! password in it.

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
    sync::Arc,
};

#[cfg(feature = "postgres")]
use super::postgres::PostgresStore;
use super::{Store, sqlite::SqliteStore, transfer::Transfer};
use crate::error::Error;

/// Where a store is, which need not be there: `sqlite://FILE`, the file alone, or
/// `postgres://HOST/DATABASE`. It is shown without user and password.
#[derive(Clone, PartialEq, Eq)]
pub struct StoreUrl(Kind);

#[derive(Clone, PartialEq, Eq)]
enum Kind {
    Sqlite(PathBuf),
    Postgres { url: String, shown: String },
}

/// What no file's name begins with: whoever forgets the slashes means no file.
const SCHEMES: [&str; 3] = ["sqlite:", "postgres:", "postgresql:"];

/// Opens the store at `url`, and makes it if it is not there. [`StoreUrl`] can do more.
///
/// # Errors
/// A kind of store that this version does not know; a store that cannot be opened.
pub async fn open_store(url: &str) -> Result<Arc<dyn Store>, Error> {
    url.parse::<StoreUrl>()?.open().await
}

impl StoreUrl {
    /// The store's file, if it is in one.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match &self.0 {
            Kind::Sqlite(path) => Some(path),
            Kind::Postgres { .. } => None,
        }
    }

    /// Opens the store. A file is made if it is not there; so are the tables of a database, but not
    /// the database.
    ///
    /// # Errors
    /// Where it cannot be opened.
    pub async fn open(&self) -> Result<Arc<dyn Store>, Error> {
        Ok(self.open_for_transfer().await?)
    }

    /// Opens the store to carry batches from it or to it.
    pub(crate) async fn open_for_transfer(&self) -> Result<Arc<dyn Transfer>, Error> {
        match &self.0 {
            Kind::Sqlite(path) => Ok(Arc::new(SqliteStore::open(path).await?)),
            #[cfg(feature = "postgres")]
            Kind::Postgres { .. } => Ok(Arc::new(self.postgres().await?)),
            #[cfg(not(feature = "postgres"))]
            Kind::Postgres { shown, .. } => Err(Error::config(format!(
                "{shown} is a PostgreSQL database, for which this build has no support"
            ))),
        }
    }

    /// Where the store is, the same however it was written, and without anything secret. A file has
    /// to be there.
    pub(crate) fn place(&self) -> Result<String, Error> {
        match &self.0 {
            Kind::Sqlite(path) => {
                let whole =
                    std::fs::canonicalize(path).map_err(|error| Error::open(path, error))?;
                Ok(format!("sqlite://{}", whole.display()))
            }
            #[cfg(feature = "postgres")]
            Kind::Postgres { url, .. } => PostgresStore::place(url),
            #[cfg(not(feature = "postgres"))]
            Kind::Postgres { shown, .. } => Ok(shown.clone()),
        }
    }

    /// Opens the store if it is there: looking must not make one.
    ///
    /// # Errors
    /// Where it cannot be opened.
    pub async fn open_existing(&self) -> Result<Option<Arc<dyn Store>>, Error> {
        match &self.0 {
            Kind::Sqlite(path) if !path.exists() => Ok(None),
            _ => self.open().await.map(Some),
        }
    }

    /// The database, for those who want to know more of it than of another store.
    #[cfg(feature = "postgres")]
    pub(crate) async fn postgres(&self) -> Result<PostgresStore, Error> {
        match &self.0 {
            Kind::Postgres { url, .. } => PostgresStore::connect(url).await,
            Kind::Sqlite(_) => Err(Error::config(format!("{self} is no PostgreSQL database"))),
        }
    }
}

impl FromStr for StoreUrl {
    type Err = Error;

    fn from_str(url: &str) -> Result<Self, Error> {
        match url.split_once("://") {
            Some(("sqlite", path)) if !path.is_empty() => Ok(Self(Kind::Sqlite(path.into()))),
            Some(("postgres" | "postgresql", _)) => {
                let shown = without_secrets(url)?;
                Ok(Self(Kind::Postgres { url: url.to_owned(), shown }))
            }
            None if !url.trim().is_empty() && !SCHEMES.iter().any(|it| url.starts_with(it)) => {
                Ok(Self(Kind::Sqlite(url.into())))
            }
            _ => {
                let scheme = url.split(':').next().unwrap_or_default();
                let message = format!("a store of kind `{scheme}` is not known to this version");
                Err(Error::config(message)
                    .with_hint("write sqlite://FILE or postgres://USER@HOST/DATABASE"))
            }
        }
    }
}

fn without_secrets(url: &str) -> Result<String, Error> {
    // What the parser says of an URL may repeat some of it.
    let url = url::Url::parse(url).map_err(|_| {
        Error::config("the URL of the PostgreSQL database cannot be read").with_hint(
            "write postgres://USER:PASSWORD@HOST:PORT/DATABASE; what is no letter and \
                        no digit in user or password is written %XX",
        )
    })?;
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    Ok(format!("{}://{}{port}{}", url.scheme(), url.host_str().unwrap_or_default(), url.path()))
}

/// What may be shown to anybody, and typed again.
impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Sqlite(path) => path.display().fmt(f),
            Kind::Postgres { shown, .. } => f.write_str(shown),
        }
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoreUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_is_a_file_or_a_database() {
        for (url, path) in [
            ("sqlite://payout.db", "payout.db"),
            ("sqlite:///var/books/payout.db", "/var/books/payout.db"),
            ("june.db", "june.db"),
        ] {
            assert_eq!(url.parse::<StoreUrl>().unwrap().path(), Some(Path::new(path)));
        }
        for (url, shown) in [
            ("postgres://user:secret@host/db", "postgres://host/db"),
            ("postgresql://secret@host:6543/db?password=secret", "postgresql://host:6543/db"),
            ("postgres:///db?host=/secret", "postgres:///db"),
        ] {
            let url = url.parse::<StoreUrl>().unwrap();
            assert_eq!((url.to_string().as_str(), url.path()), (shown, None));
            assert!(!format!("{url:?}").contains("secret"));
        }
        for url in [
            "postgres://user:secret@host:secret/db",
            "postgres:secret",
            "sqlite://",
            "mysql://user:secret@x",
            "",
        ] {
            let error = url.parse::<StoreUrl>().unwrap_err();
            let text = format!("{error} {error:?} {:?}", error.hint());
            assert!(!text.contains("secret"), "{text}");
        }
    }
}
