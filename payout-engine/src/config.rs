//! Configuration: flag, environment, `payout.toml`, default, in this order.
//!
//! Whoever configures a client or a store by the variables of the manual does so here, whether it
//! is the command or a program: one machine is configured once.
//!
//! `payout.toml` is looked for in the working folder and in those above it. Paths in it are
//! relative to its own folder, so that a command typed in a subfolder finds the same store:
//! another store would not know what was paid already.
//!
//! Secrets come from the environment or the file, never from a flag, and never into a message.
//!
//! ```no_run
//! # async fn pay() -> Result<(), payout_engine::Error> {
//! let config = payout_engine::config::Config::load(None)?;
//! let client = config.client()?;
//! let store = payout_engine::open_store(&config.store_url()).await?;
//! # Ok(())
//! # }
//! ```

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use kess_gateway::{BaseUrl, Client, ClientBuilder, Credentials, PublicKey, SignType};
use serde::Deserialize;

mod serve;

pub use serve::{PersonSettings, ServeSettings};

use crate::{BatchOptions, Error, NameCheck, OtpMode, Policy, Route};

/// The store of real batches, where nothing else is said.
const DEFAULT_STORE: &str = "sqlite://payout.db";

/// `payout.toml`. It has no `Debug`, because it may hold secrets.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct File {
    store: Option<String>,
    gateway: GatewaySection,
    run: RunSettings,
    policy: Policy,
    serve: ServeSettings,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct GatewaySection {
    base_url: Option<String>,
    client_id: Option<String>,
    client_secret: Option<String>,
    username: Option<String>,
    password: Option<String>,
    api_secret_key: Option<String>,
    seller_code: Option<String>,
    public_key_file: Option<PathBuf>,
    public_key: Option<String>,
    sign_type: Option<String>,
}

/// How batches are paid, as far as somebody said so: a flag, an argument, the section `[run]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RunSettings {
    /// Upper bound of calls in flight.
    pub concurrency: Option<u32>,
    /// Calls a second.
    pub rate: Option<u32>,
    /// How money gets to the account.
    pub route: Option<Route>,
    /// What a different holder name means.
    pub name_match: Option<NameCheck>,
    /// Whether a run waits for one-time passwords.
    pub otp: Option<OtpMode>,
    /// Seconds until an unpaid order closes.
    pub expires_in: Option<u32>,
    /// Where the gateway sends its notices.
    pub notify_url: Option<String>,
}

impl RunSettings {
    /// These settings, and those of `others` where these say nothing.
    #[must_use]
    pub fn or(self, others: &Self) -> Self {
        Self {
            concurrency: self.concurrency.or(others.concurrency),
            rate: self.rate.or(others.rate),
            route: self.route.or(others.route),
            name_match: self.name_match.or(others.name_match),
            otp: self.otp.or(others.otp),
            expires_in: self.expires_in.or(others.expires_in),
            notify_url: self.notify_url.or_else(|| others.notify_url.clone()),
        }
    }

    /// The options of a new batch. `otp` is what holds where nobody says otherwise.
    #[must_use]
    pub fn options(self, otp: OtpMode) -> BatchOptions {
        let default = BatchOptions::default();
        let concurrency = self.concurrency.map(|count| count.max(1) as usize);
        BatchOptions {
            route: self.route.unwrap_or(default.route),
            name_match: self.name_match.unwrap_or(default.name_match),
            otp: self.otp.unwrap_or(otp),
            concurrency: concurrency.unwrap_or(default.concurrency),
            rate: self.rate,
            expires_in: self.expires_in,
            notify_url: self.notify_url,
            ..default
        }
    }
}

/// Where a variable's value is looked up; the process environment outside of tests.
type Environment = fn(&str) -> Option<String>;

/// Everything that flags, environment and file say. It has no `Debug`, because it may hold secrets.
pub struct Config {
    /// The store that was asked for by flag.
    store: Option<String>,
    file: File,
    /// Folder of `payout.toml`; the working folder where there is none.
    folder: PathBuf,
    environment: Environment,
}

impl Config {
    /// Reads the configuration of this process: its environment, and `file`, or, without one, the
    /// `payout.toml` that is found upward from the working folder.
    ///
    /// # Errors
    /// A file that cannot be read or understood. What is missing is told by those who need it.
    pub fn load(file: Option<&Path>) -> Result<Self, Error> {
        let environment: Environment = |name| env::var(name).ok();
        let here = env::current_dir().map_err(|error| {
            Error::config(format!("the working folder cannot be found: {error}"))
        })?;
        let path = match file {
            Some(path) => Some(path.to_owned()),
            None => here.ancestors().map(|dir| dir.join("payout.toml")).find(|path| path.is_file()),
        };
        let file = match &path {
            Some(path) => read(path)?,
            None => File::default(),
        };
        let folder =
            path.as_deref().and_then(Path::parent).map_or(here.clone(), |dir| here.join(dir));
        Ok(Self { store: None, file, folder, environment })
    }

    /// Sets the store that was asked for by name, which goes before the configured one.
    #[must_use]
    pub fn with_store(mut self, url: Option<String>) -> Self {
        self.store = url;
        self
    }

    /// URL of the store of real batches: [`crate::open_store`] opens it.
    #[must_use]
    pub fn store_url(&self) -> String {
        if let Some(url) = self.store.clone().or_else(|| self.variable("PAYOUT_STORE")) {
            return url;
        }
        match &self.file.store {
            Some(url) => relative_to(&self.folder, url),
            None => DEFAULT_STORE.to_owned(),
        }
    }

    /// URL of the store that was asked for by name, if one was.
    #[must_use]
    pub fn chosen_store(&self) -> Option<&str> {
        self.store.as_deref()
    }

    /// The engine's pauses and limits.
    #[must_use]
    pub fn policy(&self) -> Policy {
        self.file.policy.clone()
    }

    /// How new batches are paid, as far as the file says so.
    #[must_use]
    pub fn run_settings(&self) -> &RunSettings {
        &self.file.run
    }

    /// Where `payout serve` listens, and whom it lets in.
    #[must_use]
    pub fn serve_settings(&self) -> ServeSettings {
        self.file.serve.clone().overridden(|name| self.variable(name))
    }

    /// A client for the gateway that the configuration names.
    ///
    /// # Errors
    /// Those of [`Config::client_builder`], and what the builder itself refuses.
    pub fn client(&self) -> Result<Client, Error> {
        self.client_builder()?.build().map_err(|error| Error::config(error.to_string()))
    }

    /// A client that is all configured, and not built yet.
    ///
    /// # Errors
    /// Every variable that is missing, at once ([`Error::missing`]); one that makes no sense.
    pub fn client_builder(&self) -> Result<ClientBuilder, Error> {
        let file = &self.file.gateway;
        let mut missing = Vec::new();
        let mut value = |name: &'static str, from_file: &Option<String>| {
            let value = self.variable(name).or_else(|| from_file.clone());
            value.filter(|text| !text.trim().is_empty()).unwrap_or_else(|| {
                missing.push(name);
                String::new()
            })
        };
        let base_url = value("KESS_BASE_URL", &file.base_url);
        let client_id = value("KESS_CLIENT_ID", &file.client_id);
        let client_secret = value("KESS_CLIENT_SECRET", &file.client_secret);
        let username = value("KESS_USERNAME", &file.username);
        let password = value("KESS_PASSWORD", &file.password);
        let api_secret = value("KESS_API_SECRET_KEY", &file.api_secret_key);
        let seller_code = value("KESS_SELLER_CODE", &file.seller_code);
        let key = self.public_key()?;
        if key.is_none() {
            missing.push("KESS_PUBLIC_KEY_FILE");
        }
        let Some(key) = key.filter(|_| missing.is_empty()) else {
            return Err(Error::incomplete(missing).with_hint(
                "set these environment variables, or their names in lower case without KESS_ under \
                 [gateway] in payout.toml",
            ));
        };
        let base_url: BaseUrl = base_url.parse().map_err(|e| wrong("KESS_BASE_URL", &e))?;
        Ok(Client::builder()
            .base_url(base_url)
            .credentials(Credentials::new(client_id, client_secret, username, password))
            .api_secret(api_secret)
            .seller_code(seller_code)
            .sign_type(self.sign_type()?)
            .public_key(key))
    }

    /// The merchant's public key, if one is named.
    ///
    /// # Errors
    /// A key that cannot be read, or is none.
    pub fn public_key(&self) -> Result<Option<PublicKey>, Error> {
        let Some((text, name)) = self.public_key_text()? else { return Ok(None) };
        PublicKey::from_pem(&text).map(Some).map_err(|error| wrong(name, &error))
    }

    /// What the merchant's key can seal, if the key is at hand: what [`crate::intake::check`] wants
    /// to know.
    #[must_use]
    pub fn sealed_capacity(&self) -> Option<usize> {
        Some(self.public_key().ok()??.capacity())
    }

    fn sign_type(&self) -> Result<SignType, Error> {
        let name = "KESS_SIGN_TYPE";
        match self.variable(name).or_else(|| self.file.gateway.sign_type.clone()) {
            Some(text) => text.trim().parse().map_err(|error| wrong(name, &error)),
            None => Ok(SignType::HmacSha256),
        }
    }

    /// The text of the public key, and the variable it came from.
    fn public_key_text(&self) -> Result<Option<(String, &'static str)>, Error> {
        const BY_FILE: &str = "KESS_PUBLIC_KEY_FILE";
        const BY_TEXT: &str = "KESS_PUBLIC_KEY";
        let section = &self.file.gateway;
        let path = self.variable(BY_FILE).map(PathBuf::from);
        if let (None, Some(text)) = (&path, self.variable(BY_TEXT)) {
            // A variable often carries the line ends of a PEM as `\n`.
            return Ok(Some((text.replace("\\n", "\n"), BY_TEXT)));
        }
        let in_file = section.public_key_file.as_ref().map(|path| self.folder.join(path));
        match path.or(in_file) {
            Some(path) => match fs::read_to_string(&path) {
                Ok(text) => Ok(Some((text, BY_FILE))),
                Err(error) => Err(Error::config(format!(
                    "{BY_FILE} names {}, which cannot be read: {error}",
                    path.display()
                ))),
            },
            None => Ok(section.public_key.clone().map(|text| (text, BY_TEXT))),
        }
    }

    /// An environment variable; an empty one counts as not set.
    fn variable(&self, name: &str) -> Option<String> {
        (self.environment)(name).filter(|value| !value.trim().is_empty())
    }
}

fn wrong(name: &str, error: &kess_gateway::Error) -> Error {
    Error::config(format!("{name}: {error}"))
}

fn read(path: &Path) -> Result<File, Error> {
    let text = fs::read_to_string(path)
        .map_err(|error| Error::config(format!("{} cannot be read: {error}", path.display())))?;
    let file: File = toml::from_str(&text).map_err(|error| {
        // The parser's own message quotes the line, and the line may hold a secret.
        let at = error.span().map_or(0, |span| span.start.min(text.len()));
        let line = text.as_bytes()[..at].iter().filter(|&&byte| byte == b'\n').count() + 1;
        Error::config(format!("{}, line {line}: {}", path.display(), error.message()))
            .with_hint("the manual, docs/payout.md, has a complete example")
    })?;
    warn_if_open(path, &file);
    Ok(file)
}

/// Secrets in a file that others can read are no secrets for long.
fn warn_if_open(path: &Path, file: &File) {
    use std::os::unix::fs::PermissionsExt;
    let (gateway, serve) = (&file.gateway, &file.serve);
    let secrets = [
        &gateway.client_secret,
        &gateway.password,
        &gateway.api_secret_key,
        &serve.token,
        &serve.read_token,
    ];
    let others = fs::metadata(path).is_ok_and(|meta| meta.permissions().mode() & 0o077 != 0);
    if others && secrets.iter().any(|secret| secret.is_some()) {
        tracing::warn!("{} holds secrets and can be read by others: chmod 600 it", path.display());
    }
}

/// A `sqlite://` URL with a relative path, seen from `folder`.
fn relative_to(folder: &Path, url: &str) -> String {
    match url.strip_prefix("sqlite://") {
        Some(path) if Path::new(path).is_relative() => {
            format!("sqlite://{}", folder.join(path).display())
        }
        _ => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(toml: &str, environment: Environment) -> Config {
        let file = toml::from_str(toml).unwrap();
        Config { store: None, file, folder: PathBuf::from("/books"), environment }
    }

    #[test]
    fn flag_goes_before_environment_before_file_before_default() {
        let nothing: Environment = |_| None;
        let variable: Environment = |name| (name == "PAYOUT_STORE").then(|| "env".to_owned());
        let toml = "store = 'sqlite://file.db'";
        assert_eq!(config("", nothing).store_url(), "sqlite://payout.db");
        assert_eq!(config(toml, nothing).store_url(), "sqlite:///books/file.db");
        assert_eq!(config(toml, variable).store_url(), "env");
        let mut flag = config(toml, variable);
        flag.store = Some("flag".to_owned());
        assert_eq!(flag.store_url(), "flag");
    }

    #[test]
    fn every_missing_variable_is_named_at_once() {
        let some: Environment = |name| match name {
            "KESS_CLIENT_ID" => Some("id".to_owned()),
            "KESS_PASSWORD" => Some("  ".to_owned()),
            _ => None,
        };
        let error = config("[gateway]\nseller_code = 'CU1'", some).client().unwrap_err();
        assert!(error.missing().contains(&"KESS_CLIENT_SECRET"), "{error}");
        let text = error.to_string();
        for name in
            ["KESS_BASE_URL", "KESS_PASSWORD", "KESS_API_SECRET_KEY", "KESS_PUBLIC_KEY_FILE"]
        {
            assert!(text.contains(name), "{name}: {text}");
        }
        assert!(!text.contains("KESS_CLIENT_ID,") && !text.contains("KESS_SELLER_CODE"), "{text}");
    }

    #[test]
    fn settings_of_a_run_come_from_the_file_and_yield_to_flags() {
        let toml = "[run]\nconcurrency = 8\nroute = 'direct'\n[policy]\nsettle = '5s'";
        let config = config(toml, |_| None);
        let mut how = RunSettings { rate: Some(5), ..RunSettings::default() };
        let options = how.clone().or(config.run_settings()).options(OtpMode::Wait);
        assert_eq!((options.concurrency, options.route), (8, Route::Direct));
        assert_eq!((options.rate, options.otp), (Some(5), OtpMode::Wait));
        how.route = Some(Route::Token);
        assert_eq!(how.or(config.run_settings()).route, Some(Route::Token));
        assert_eq!(config.policy().settle, std::time::Duration::from_secs(5));
    }

    #[test]
    fn a_mistake_in_the_file_is_told_with_its_line_and_without_its_text() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("payout.toml");
        fs::write(&path, "[gateway]\npassword = 'hunter2\n").unwrap();
        let Err(error) = read(&path) else { panic!("read") };
        let text = format!("{error} {error:?} {:?}", error.hint());
        assert!(text.contains("line 2"), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
    }
}
