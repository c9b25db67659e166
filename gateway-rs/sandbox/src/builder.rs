//! Setting a sandbox up.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rust_decimal::Decimal;

use crate::clock::{Clock, SandboxClock};
use crate::core::{Core, Desk};
use crate::error::{Problem, SandboxError};
use crate::faults::{FaultBook, FaultPlan};
use crate::journal::Journal;
use crate::names::Names;
use crate::outbox::Outbox;
use crate::sandbox::Sandbox;
use crate::seal::{KeyPair, OpenPolicy};
use crate::settings::{
    Credentials, Duplicates, ErrorShape, MissingOrder, OtpPolicy, ReplySignature, Settings,
};
use crate::world::{Account, META, Meta, World};

/// Sets a [`Sandbox`] up. Every choice has a default.
///
/// ```
/// use kess_sandbox::{Fault, FaultPlan, FaultRule, Sandbox};
///
/// let faults = FaultPlan::new()
///     .rule(FaultRule::new(Fault::CutAfterBooking).service("withdraw").per_mille(20));
/// let sandbox = Sandbox::builder()
///     .seed(7)
///     .wallet("USD", "500.00".parse()?)
///     .account("000123456", "ABAAKHPP", "SOK DARA", "USD")
///     .faults(faults)
///     .start()?;
/// assert!(sandbox.base_url().starts_with("http://127.0.0.1:"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use]
pub struct SandboxBuilder {
    port: Option<u16>,
    seed: u64,
    clock: SandboxClock,
    faults: FaultPlan,
    wallets: BTreeMap<String, Decimal>,
    accounts: Vec<Account>,
    open_sealed: OpenPolicy,
    state_file: Option<PathBuf>,
    threads: usize,
    settings: Settings,
}

impl Default for SandboxBuilder {
    fn default() -> Self {
        let wallets = [("USD", 10_000_000), ("KHR", 40_000_000_000_i64)];
        Self {
            port: None,
            seed: 1,
            clock: SandboxClock::default(),
            faults: FaultPlan::default(),
            wallets: wallets.map(|(name, sum)| (name.to_owned(), Decimal::from(sum))).into(),
            accounts: Vec::new(),
            open_sealed: OpenPolicy::default(),
            state_file: None,
            threads: 2,
            settings: Settings::default(),
        }
    }
}

impl SandboxBuilder {
    /// Listens on this port of 127.0.0.1. Without it: the port of the state file, or a free one.
    pub fn port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    /// The seed of credentials, identifiers and chance. The same seed and the same calls give the
    /// same answers. A state file keeps the seed it began with.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Where time comes from. Default: the machine's clock, which can be advanced as well.
    pub fn clock(mut self, clock: SandboxClock) -> Self {
        self.clock = clock;
        self
    }

    /// What goes wrong from the start.
    pub fn faults(mut self, faults: FaultPlan) -> Self {
        self.faults = faults;
        self
    }

    /// The opening balance of the merchant's wallet in `currency`. Default: ten million USD and
    /// forty thousand million KHR. A state file's balances go first.
    pub fn wallet(mut self, currency: impl Into<String>, balance: Decimal) -> Self {
        self.wallets.insert(currency.into(), balance);
        self
    }

    /// Puts an account into the directory, so that verifying it answers this holder and currency.
    pub fn account(
        mut self,
        number: impl Into<String>,
        bic: impl Into<String>,
        holder: impl Into<String>,
        currency: impl Into<String>,
    ) -> Self {
        self.accounts.push(Account {
            number: number.into(),
            bic: bic.into(),
            holder: holder.into(),
            currency: currency.into(),
        });
        self
    }

    /// When a withdrawal needs a one-time password.
    pub fn otp(mut self, policy: OtpPolicy) -> Self {
        self.settings.otp = policy;
        self
    }

    /// What a used order number brings.
    pub fn duplicates(mut self, duplicates: Duplicates) -> Self {
        self.settings.duplicates = duplicates;
        self
    }

    /// How `queryOrder` says that there is no such order.
    pub fn missing_order(mut self, missing: MissingOrder) -> Self {
        self.settings.missing_order = missing;
        self
    }

    /// The shape of refusals.
    pub fn error_shape(mut self, shape: ErrorShape) -> Self {
        self.settings.error_shape = shape;
        self
    }

    /// What a reply's signature covers.
    pub fn reply_signature(mut self, reading: ReplySignature) -> Self {
        self.settings.reply_signature = reading;
        self
    }

    /// Whether sealed blocks are opened.
    pub fn open_sealed(mut self, policy: OpenPolicy) -> Self {
        self.open_sealed = policy;
        self
    }

    /// How long an access token lives. Default: 1800 seconds. Its refresh token lives 15 minutes
    /// longer.
    pub fn token_lifetime(mut self, lifetime: Duration) -> Self {
        self.settings.token_lifetime = lifetime;
        self
    }

    /// Keeps everything in this file and takes it up again at the next start: orders, wallets,
    /// tokens, the key pair and the port. The file is private (0600). What is not kept: faults with
    /// their counts, calls that would have been booked later, and notices.
    pub fn state_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.state_file = Some(path.into());
        self
    }

    /// The number of threads that answer. Default: 2.
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads.max(1);
        self
    }

    /// Starts to listen.
    ///
    /// # Errors
    /// The port is taken, or the state file cannot be used.
    pub fn start(self) -> Result<Sandbox, SandboxError> {
        let mut world = World::new(Names { seed: self.seed });
        let journal = match &self.state_file {
            Some(path) => Some(Journal::open(path, &mut world)?),
            None => None,
        };
        let meta = world.meta.get(META).cloned();
        // A state file keeps the seed it began with: its credentials and identifiers follow from
        // it.
        let names = Names { seed: meta.as_ref().map_or(self.seed, |meta| meta.seed) };
        world.names = names;
        let keys = self.key_pair(meta.as_ref())?;
        let listener = self.listen(meta.as_ref().map(|meta| meta.port))?;
        let port = listener.local_addr().map_err(|source| Problem::Runtime { source })?.port();
        if meta.is_none() {
            let private_key = keys.private_pem().map_err(|source| Problem::KeyPair { source })?;
            world.meta.put(META, Meta { seed: names.seed, port, private_key, counter: 0 });
            world.open_books(&self.wallets);
        } else if let Some(meta) = world.meta.get_mut(META) {
            meta.port = port;
        }
        for account in self.accounts {
            world.add_account(account);
        }
        let clock = Clock::new(self.clock);
        let core = Core {
            credentials: Credentials::new(names, keys.public_pem().to_owned()),
            settings: self.settings,
            clock,
            keys,
            base_url: format!("http://127.0.0.1:{port}"),
            outbox: Outbox::default(),
            faults: Mutex::new(FaultBook::new(names, self.faults)),
            desk: Mutex::new(Desk { world, journal, later: Vec::new() }),
            names,
            arrived: AtomicU64::new(0),
        };
        Sandbox::serve(Arc::new(core), listener, self.threads)
    }

    fn key_pair(&self, meta: Option<&Meta>) -> Result<KeyPair, Problem> {
        let keys = match meta {
            Some(meta) => KeyPair::from_pem(&meta.private_key, self.open_sealed),
            None => KeyPair::of_this_process(self.open_sealed),
        };
        keys.map_err(|source| Problem::KeyPair { source })
    }

    fn listen(&self, last: Option<u16>) -> Result<std::net::TcpListener, Problem> {
        let bind = |port: u16| std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port));
        let port = self.port.or(last).unwrap_or_default();
        bind(port).map_err(|source| Problem::Listen { port, source })
    }
}
