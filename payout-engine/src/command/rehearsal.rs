//! `--sandbox`: a gateway inside this process, with books of its own that survive it.
//!
//! It is a rehearsal of the real thing: the same client, the same engine, the same store; only the
//! other end and the money are made up. Its state lies beside the store, so that a batch that was
//! killed goes on against the same orders.

use std::path::PathBuf;

use kess_gateway::{BaseUrl, Client, Credentials, PublicKey};
use kess_sandbox::Sandbox;

use crate::command::exit::Exit;
use crate::command::failure::Failure;
use crate::{Error, Payee, with_causes};

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
        let client = sandbox_client(&sandbox);
        let client = client.map_err(|error| Failure::from(error).with_exit(Exit::Other))?;
        Ok(Self { sandbox, client })
    }

    /// Opens an account at the sandbox's bank for a payee of the batch.
    pub(crate) fn add_account(&self, payee: &Payee, currency: &str) {
        let number = payee.bank_account_number.expose();
        self.sandbox.add_account(number, &payee.bic, &payee.expected_holder(), currency);
    }
}

/// A client for a running sandbox, with the credentials that it made up.
///
/// # Errors
/// Where the client refuses what the sandbox says of itself.
pub fn sandbox_client(sandbox: &Sandbox) -> Result<Client, Error> {
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

/// The variables of the contract that point whoever reads them at this sandbox, and what to set
/// them to. The credentials are made up and open nothing else.
#[must_use]
pub fn sandbox_variables(sandbox: &Sandbox) -> [(&'static str, String); 8] {
    let access = sandbox.credentials();
    [
        ("KESS_BASE_URL", sandbox.base_url().to_owned()),
        ("KESS_CLIENT_ID", access.client_id.clone()),
        ("KESS_CLIENT_SECRET", access.client_secret.clone()),
        ("KESS_USERNAME", access.username.clone()),
        ("KESS_PASSWORD", access.password.clone()),
        ("KESS_API_SECRET_KEY", access.api_secret.clone()),
        ("KESS_SELLER_CODE", access.seller_code.clone()),
        ("KESS_PUBLIC_KEY", access.public_key_pem.trim().to_owned()),
    ]
}

fn unusable(error: kess_gateway::Error) -> Error {
    Error::config(format!("the sandbox cannot be used: {error}"))
}
