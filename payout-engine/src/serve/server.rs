//! A server from its parts: bound, then served until it is asked to end.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use futures_util::future::pending;
use kess_gateway::Client;
use tokio::net::TcpListener;
use url::Url;

use super::{
    Access, Prepare, Runs, Settings, Site, health::Health, listener, metered::Metered,
    metrics::Metrics, notices::Notices, password, router, session::Sessions, throttle::Throttle,
};
use crate::{
    cancel::Cancel,
    config::RunSettings,
    engine::Engine,
    error::Error,
    gateway::{Gateway, KessGateway},
    host::runner_name,
    policy::Policy,
    store::Store,
};

/// What to do where nobody is let in.
const NAME_SOMEBODY: &str =
    "set PAYOUT_SERVE_TOKEN, or name people under [serve] in payout.toml: docs/serve.md";

/// All that a server needs.
pub(crate) struct Setup {
    /// Where to listen.
    pub(crate) listen: SocketAddr,
    /// Where people and the gateway find it, if not there.
    pub(crate) public_url: Option<Url>,
    /// Who is let in.
    pub(crate) access: Access,
    /// Where batches are.
    pub(crate) store: Arc<dyn Store>,
    /// The file that it is in, where it is in one.
    pub(crate) store_file: Option<PathBuf>,
    /// A client for the gateway; without one, batches can be looked at and not run.
    pub(crate) client: Option<Client>,
    /// What a rehearsal does before a batch is run.
    pub(crate) rehearsal: Option<Prepare>,
    /// True for the rehearsals' own store.
    pub(crate) is_repeatable: bool,
    /// How new batches are paid, as far as the file says so.
    pub(crate) run: RunSettings,
    /// The engine's pauses and limits.
    pub(crate) policy: Policy,
    /// Whether metrics are shown to everybody on this machine.
    pub(crate) metrics_open: bool,
    /// Whether what is told is read by people; a link to sign in is not for others.
    pub(crate) is_told_to_people: bool,
    /// Tells whoever starts the server something.
    pub(crate) tell: fn(&str),
}

/// A server that listens, and answers once it is served.
pub(crate) struct Server {
    site: Arc<Site>,
    listener: TcpListener,
}

impl Server {
    /// Takes the address.
    ///
    /// # Errors
    /// An address that is taken, or that others reach and nobody is known to them; a public URL
    /// that is none.
    pub(crate) async fn bind(setup: Setup) -> Result<Self, Error> {
        let is_alone = setup.listen.ip().is_loopback();
        let needs_link = setup.access.is_empty();
        if needs_link && !setup.is_told_to_people {
            return Err(Error::config("nobody could sign in").with_hint(NAME_SOMEBODY));
        }
        if !is_alone && (needs_link || setup.metrics_open) {
            return Err(too_open(setup.listen, needs_link));
        }
        let taken = TcpListener::bind(setup.listen).await;
        let listener = taken.map_err(|error| {
            Error::config(format!("{} cannot be listened to: {error}", setup.listen))
        })?;
        let mut settings = Settings {
            run: setup.run,
            public_url: setup.public_url,
            is_rehearsal: setup.rehearsal.is_some(),
            is_repeatable: setup.is_repeatable,
            metrics_open: setup.metrics_open,
            address: listener.local_addr().unwrap_or(setup.listen),
        };
        let notices = setup.client.as_ref().map(Notices::of).transpose()?;
        // The gateway reaches what has a public address; that of a rehearsal is on this machine.
        let is_reachable = settings.public_url.is_some() || settings.is_rehearsal;
        if let Some(notices) = notices.as_ref().filter(|_| is_reachable) {
            let url = settings.url_of(&notices.path());
            settings.run.notify_url.get_or_insert(url);
        }
        let metrics = Arc::new(Metrics::new());
        let gateway = setup.client.clone().map(|client| -> Arc<dyn Gateway> {
            Arc::new(Metered::new(Arc::new(KessGateway::new(client)), Arc::clone(&metrics)))
        });
        let engine = Engine::new(Arc::clone(&setup.store))
            .with_policy(setup.policy)
            .with_runner(runner_name("payout serve"));
        let site = Arc::new(Site {
            runs: Runs::new(engine, Arc::clone(&metrics) as _, gateway, setup.rehearsal),
            store: setup.store,
            client: setup.client,
            settings,
            access: setup.access,
            sessions: Sessions::default(),
            throttle: Throttle::default(),
            metrics,
            health: Health::new(setup.store_file),
            notices,
            tell: setup.tell,
        });
        if needs_link {
            site.announce_link();
        }
        Ok(Self { site, listener })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.site.settings.address
    }

    /// Where the gateway is to send notices. It is put into batches that are begun here, unless
    /// the configuration names another place.
    pub(crate) fn notify_url(&self) -> Option<String> {
        let notices = self.site.notices.as_ref()?;
        Some(self.site.settings.url_of(&notices.path()))
    }

    /// Takes up what was being paid when the last server went away, and serves until `cancel` is
    /// raised; then calls under way finish, nothing new is sent, and answers that are being given
    /// are given.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub(crate) async fn serve(self, cancel: &Cancel) -> Result<(), Error> {
        let Self { site, listener } = self;
        site.runs.take_up().await?;
        let ends = async {
            cancel.cancelled().await;
            site.health.ends();
            site.runs.drain().await;
        };
        let serves = async {
            tokio::join!(listener::serve(listener, router(Arc::clone(&site)), cancel), ends);
        };
        let works_off = async {
            match &site.notices {
                Some(notices) => notices.work(&*site.store).await,
                None => pending().await,
            }
        };
        tokio::select! {
            () = serves => {}
            () = works_off => {}
            () = site.health.watch(&*site.store) => {}
        }
        Ok(())
    }
}

fn too_open(address: SocketAddr, needs_link: bool) -> Error {
    if needs_link {
        let message = format!("{address} can be reached by others, and nobody needs a password");
        return Error::config(message).with_hint(NAME_SOMEBODY);
    }
    let message = format!("{address} can be reached by others, and metrics are open to everybody");
    Error::config(message)
        .with_hint("leave --metrics-open out: Prometheus sends a bearer token, see docs/serve.md")
}

/// Hashes a password for `payout.toml`.
///
/// # Errors
/// One that is too short.
pub(crate) fn hash_password(password: &str) -> Result<String, Error> {
    Ok(password::hash(password)?.text().to_owned())
}
