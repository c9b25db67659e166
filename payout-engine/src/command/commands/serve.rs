//! `payout serve`: the operator's page, the gateway's notices, metrics and health, until it is
//! interrupted.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::Path;
use std::sync::Arc;

use kess_gateway::Client;
use url::Url;

use crate::Payee;
use crate::command::args::{Cli, Command, Global, ServeArgs};
use crate::command::exit::Exit;
use crate::command::failure::Failure;
use crate::command::interrupt;
use crate::command::log;
use crate::command::output::{note, print, tell};
use crate::command::place::Place;
use crate::command::rehearsal::Rehearsal;
use crate::config::Config;
use crate::serve::{Access, Prepare, Server, Setup, Traces, hash_password};

/// Where the server listens, where nothing else is said: for this machine alone.
const LISTEN: &str = "127.0.0.1:8080";

pub(crate) async fn execute(
    args: &ServeArgs,
    global: &Global,
    config: &Config,
    traces: Option<Traces>,
) -> Result<Exit, Failure> {
    let place = Place::of(config, args.sandbox)?;
    let settings = config.serve_settings();
    let access = Access::configured(&settings)?;
    let listen = address(args.listen.as_deref().or(settings.listen.as_deref()).unwrap_or(LISTEN))?;
    let public_url = args.public_url.as_deref().or(settings.public_url.as_deref());
    let public_url = public_url.map(public).transpose()?;
    let rehearsal =
        if args.sandbox { Some(Arc::new(Rehearsal::start(place.sandbox_state())?)) } else { None };
    let client = match &rehearsal {
        Some(rehearsal) => Some(rehearsal.client.clone()),
        None => client(config)?,
    };
    let prepare = rehearsal.map(|rehearsal| -> Prepare {
        Arc::new(move |payee: &Payee, currency: &str| rehearsal.add_account(payee, currency))
    });
    let cancel = interrupt::watch()?;
    let server = Server::bind(Setup {
        listen,
        public_url,
        access,
        store: place.open().await?,
        store_file: place.url.path().map(Path::to_owned),
        client,
        rehearsal: prepare,
        is_repeatable: place.is_repeatable,
        run: config.run_settings().clone(),
        policy: config.policy(),
        metrics_open: args.metrics_open,
        is_told_to_people: !log::is_json(),
        tell,
    })
    .await?;
    if let Some(url) = server.notify_url() {
        note(global, &format!("notify_url: {url}"));
    }
    note(global, &format!("listening on http://{}; Ctrl-C ends it", server.address()));
    let served = server.serve(&cancel).await;
    if let Some(traces) = traces {
        traces.end().await;
    }
    served?;
    Ok(Exit::Done)
}

/// Where spans go, if somebody serves and said so.
pub(crate) fn traces(cli: &Cli) -> Result<Option<Traces>, Failure> {
    if !matches!(cli.command, Command::Serve(_)) {
        return Ok(None);
    }
    let Ok(config) = Config::load(cli.global.config.as_deref()) else {
        // That is told by whoever needs the configuration.
        return Ok(None);
    };
    let endpoint = config.serve_settings().otlp_endpoint;
    Ok(endpoint.map(|endpoint| Traces::to(&endpoint)).transpose()?)
}

/// `--hash-password`: reads a password, prints the line for `payout.toml`.
pub(crate) fn hash() -> Result<Exit, Failure> {
    let mut password = String::new();
    io::stdin().read_line(&mut password)?;
    let hash = hash_password(password.trim_end_matches(['\r', '\n']))?;
    print(&format!("password = '{hash}'"))?;
    Ok(Exit::Done)
}

/// A client, or none where the configuration has no gateway: batches can be looked at then.
fn client(config: &Config) -> Result<Option<Client>, Failure> {
    match config.client() {
        Ok(client) => Ok(Some(client)),
        Err(error) if !error.missing().is_empty() => {
            tell(&format!("nothing can be paid from here: {error}"));
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

fn address(text: &str) -> Result<SocketAddr, Failure> {
    let found = text.to_socket_addrs().ok().and_then(|mut found| found.next());
    found.ok_or_else(|| {
        Failure::usage(format!("`{text}` is no address to listen on"))
            .with_hint("write --listen ADDRESS:PORT, such as 127.0.0.1:8080")
    })
}

fn public(text: &str) -> Result<Url, Failure> {
    let url = text.parse::<Url>().ok();
    let is_plain = |url: &Url| {
        let is_web = ["http", "https"].contains(&url.scheme()) && url.host().is_some();
        is_web && url.path() == "/" && url.query().is_none() && url.username().is_empty()
    };
    url.filter(is_plain).ok_or_else(|| {
        Failure::usage("the public URL is not one that this server can be found at")
            .with_hint("write --public-url https://HOST, without a path")
    })
}
