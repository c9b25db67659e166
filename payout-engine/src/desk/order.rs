//! An order: rows, the options of a run, and the conditions on which they are paid.
//!
//! Invariant: an order that is refused left nothing in the store, and nothing was sent.

use std::sync::Arc;

use kess_gateway::Client;

use super::{Desk, Rows, Started, Task, Watch, nobody};
use crate::{
    admission::{Conditions, batch_name},
    batch::{BatchOptions, GatewayIdentity},
    error::Error,
    gateway::KessGateway,
    intake::{Checked, SEALED_BYTES},
};

/// Rows that are to be paid.
#[derive(Debug, Clone)]
pub struct Order {
    /// Where they come from.
    pub rows: Rows,
    /// What the batch is called; without a name, after its source and the time.
    pub name: Option<String>,
    /// How it is paid. Of these, those count that are no conditions.
    pub options: BatchOptions,
    /// What has to hold before it is.
    pub conditions: Conditions,
}

/// Why an order did not become a run.
#[derive(Debug)]
pub enum Refused {
    /// The source may not be paid; what was found in it.
    File(Error, Box<Checked>),
    /// The engine could not do what it was asked.
    Engine(Error),
}

impl Order {
    /// An order with the default options and no conditions but those that always hold.
    #[must_use]
    pub fn new(rows: Rows) -> Self {
        let (options, conditions) = (BatchOptions::default(), Conditions::default());
        Self { rows, name: None, options, conditions }
    }

    pub(super) async fn begin(
        self,
        desk: &Desk,
        client: &Client,
        watch: Watch,
    ) -> Result<Started, Refused> {
        let name = self.name.as_deref().map(batch_name).transpose()?;
        let capacity = client.sealed_capacity().unwrap_or(SEALED_BYTES);
        let checked = self.rows.check(capacity).await?;
        if let Err(error) = self.conditions.check_file(&checked) {
            return Err(Refused::File(error, Box::new(checked)));
        }
        let store = desk.store().await?;
        let warnings = match self.conditions.check_elsewhere(&*store, &checked).await {
            Ok(found) => found.warnings().collect(),
            Err(error) if error.refusal().is_some() => {
                return Err(Refused::File(error, Box::new(checked)));
            }
            Err(error) => return Err(error.into()),
        };
        let identity = GatewayIdentity::from(client);
        let creator = desk.engine(Arc::clone(&store), "run", nobody());
        let (file, name) = (self.rows.name(), name.as_deref());
        let batch =
            self.conditions.take_in(&creator, &checked, &file, name, self.options, &identity);
        let batch = batch.await?;
        let gateway = Arc::new(KessGateway::new(client.clone()));
        let started = desk.run(store, batch, gateway, Task::pay("run"), watch).await?;
        Ok(started.with_warnings(warnings))
    }
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self::Engine(error)
    }
}

impl Refused {
    /// What happened, whichever it was.
    #[must_use]
    pub fn error(&self) -> &Error {
        match self {
            Self::File(error, _) | Self::Engine(error) => error,
        }
    }
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.error().fmt(f)
    }
}

impl std::error::Error for Refused {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.error().source()
    }
}
