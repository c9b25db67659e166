//! `--sandbox`: a gateway inside this process, with books of its own that survive it.
//!
//! It is a rehearsal of the real thing: the same client, the same engine, the same store; only the
//! other end and the money are made up. Its state lies beside the store, so that a batch that was
//! killed goes on against the same orders.

use std::path::PathBuf;

use kess_gateway::{BaseUrl, Client, Credentials, PublicKey};
use kess_sandbox::Sandbox;

use crate::Payee;
use crate::command::exit::Exit;
use crate::command::failure::{Failure, with_causes};

/// A running sandbox and a client for it.
pub(crate) struct Rehearsal {
    sandbox: Sandbox,
    pub(crate) client: Client,
}

impl Rehearsal {
    /// Starts the sandbox with its state in `state`.
    pub(crate) fn start(state: PathBuf) -> Result<Self, Failure> {
        let sandbox = Sandbox::builder().state_file(state).start();
        let sandbox = sandbox.map_err(|error| {
            Failure::new(Exit::Other, format!("the sandbox cannot start: {}", with_causes(&error)))
        })?;
        let client = client_for(&sandbox)?;
        Ok(Self { sandbox, client })
    }

    /// Opens an account at the sandbox's bank for a payee of the batch.
    pub(crate) fn add_account(&self, payee: &Payee, currency: &str) {
        let number = payee.bank_account_number.expose();
        self.sandbox.add_account(number, &payee.bic, &payee.expected_holder(), currency);
    }
}

fn client_for(sandbox: &Sandbox) -> Result<Client, Failure> {
    let access = sandbox.credentials();
    let base_url: BaseUrl = sandbox.base_url().parse().map_err(unusable)?;
    let public_key = PublicKey::from_pem(&access.public_key_pem).map_err(unusable)?;
    let credentials = Credentials::new(
        access.client_id.as_str(),
        access.client_secret.as_str(),
        access.username.as_str(),
        access.password.as_str(),
    );
    Client::builder()
        .base_url(base_url)
        .credentials(credentials)
        .api_secret(access.api_secret.as_str())
        .seller_code(access.seller_code.as_str())
        .public_key(public_key)
        .build()
        .map_err(unusable)
}

fn unusable(error: kess_gateway::Error) -> Failure {
    Failure::new(Exit::Other, format!("the sandbox cannot be used: {error}"))
}
