//! Calls of the Rust client against a gateway, counted and timed: what a binding is compared with.

use kess_gateway::{Client, Error};

use crate::watch::{Took, Watch};

/// Which call is made.
#[derive(Debug, Clone, Copy)]
pub enum Operation {
    /// A small reply.
    VerifyBankAccount,
    /// A large one.
    QueryOrder,
}

impl Operation {
    /// The operation of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "verify_bank_account" => Some(Self::VerifyBankAccount),
            "query_order" => Some(Self::QueryOrder),
            _ => None,
        }
    }

    async fn call(self, client: &Client) -> Result<(), Error> {
        match self {
            Self::VerifyBankAccount => {
                client.verify_bank_account("000123456".to_owned(), "ABAAKHPP").send().await?;
            }
            Self::QueryOrder => {
                client.query_order("PAY-2022-07-0001").send().await?;
            }
        }
        Ok(())
    }
}

/// Makes `count` calls, `at_once` of them in flight, and returns the time that they took. Token and
/// connections are there before the clock starts.
///
/// # Errors
/// The first call that fails.
pub async fn calls(
    client: &Client,
    operation: Operation,
    count: u32,
    at_once: u32,
) -> Result<Took, Error> {
    make(client, operation, at_once * 2, at_once).await?;
    let started = Watch::start();
    make(client, operation, count, at_once).await?;
    Ok(started.read())
}

async fn make(
    client: &Client,
    operation: Operation,
    count: u32,
    at_once: u32,
) -> Result<(), Error> {
    if at_once == 1 {
        for _ in 0..count {
            operation.call(client).await?;
        }
        return Ok(());
    }
    let callers: Vec<_> = (0..at_once)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move {
                for _ in 0..count / at_once {
                    operation.call(&client).await?;
                }
                Ok(())
            })
        })
        .collect();
    for caller in callers {
        caller.await.expect("a caller does not panic")?;
    }
    Ok(())
}
