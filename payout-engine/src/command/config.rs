//! Configuration: flag, environment, `payout.toml`, default, in this order.
//!
//! `payout.toml` is looked for in the working folder and in those above it. Paths in it are
//! relative to its own folder, so that a command typed in a subfolder finds the same store:
//! another store would not know what was paid already.
//!
//! Secrets come from the environment or the file, never from a flag, and never into a message.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use kess_gateway::{BaseUrl, Client, ClientBuilder, Credentials, PublicKey, SignType};
use serde::Deserialize;

use crate::command::args::{Global, HowArgs};
use crate::command::failure::Failure;
use crate::{BatchOptions, NameCheck, OtpMode, Policy, Route};

/// The store of real batches, where nothing else is said.
const DEFAULT_STORE: &str = "sqlite://payout.db";

/// `payout.toml`. It has no `Debug`, because it may hold secrets.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct File {
    store: Option<String>,
    gateway: GatewaySection,
    run: RunSection,
    policy: Policy,
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

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct RunSection {
    concurrency: Option<u32>,
    rate: Option<u32>,
    route: Option<Route>,
    name_match: Option<NameCheck>,
    otp: Option<OtpMode>,
    expires_in: Option<u32>,
    notify_url: Option<String>,
}

/// Where a variable's value is looked up; the process environment outside of tests.
type Environment = fn(&str) -> Option<String>;

/// Everything that flags, environment and file say.
pub(crate) struct Config {
    store: Option<String>,
    file: File,
    /// Folder of `payout.toml`; the working folder where there is none.
    folder: PathBuf,
    environment: Environment,
}

impl Config {
    /// Reads the configuration of this process.
    pub(crate) fn load(global: &Global) -> Result<Self, Failure> {
        let environment: Environment = |name| env::var(name).ok();
        let here = env::current_dir().map_err(|error| {
            Failure::usage(format!("the working folder cannot be found: {error}"))
        })?;
        let path = match &global.config {
            Some(path) => Some(path.clone()),
            None => here.ancestors().map(|dir| dir.join("payout.toml")).find(|path| path.is_file()),
        };
        let file = match &path {
            Some(path) => read(path)?,
            None => File::default(),
        };
        let folder =
            path.as_deref().and_then(Path::parent).map_or(here.clone(), |dir| here.join(dir));
        Ok(Self { store: global.store.clone(), file, folder, environment })
    }

    /// URL of the store of real batches.
    pub(crate) fn store_url(&self) -> String {
        if let Some(url) = self.store.clone().or_else(|| self.variable("PAYOUT_STORE")) {
            return url;
        }
        match &self.file.store {
            Some(url) => relative_to(&self.folder, url),
            None => DEFAULT_STORE.to_owned(),
        }
    }

    /// URL of the store that was asked for by flag, if one was.
    pub(crate) fn store_flag(&self) -> Option<&str> {
        self.store.as_deref()
    }

    /// The engine's pauses and limits.
    pub(crate) fn policy(&self) -> Policy {
        self.file.policy.clone()
    }

    /// The options of a new batch. `otp` is what holds where nobody says otherwise.
    pub(crate) fn options(&self, how: &HowArgs, otp: OtpMode) -> BatchOptions {
        let file = &self.file.run;
        let default = BatchOptions::default();
        let concurrency = how.concurrency.or(file.concurrency).map(|count| count.max(1) as usize);
        BatchOptions {
            route: how.route.or(file.route).unwrap_or(default.route),
            name_match: how.name_match.or(file.name_match).unwrap_or(default.name_match),
            otp: how.otp.or(file.otp).unwrap_or(otp),
            concurrency: concurrency.unwrap_or(default.concurrency),
            rate: how.rate.or(file.rate),
            expires_in: how.expires_in.or(file.expires_in),
            notify_url: how.notify_url.clone().or_else(|| file.notify_url.clone()),
            ..default
        }
    }

    /// A client for the gateway that the configuration names.
    pub(crate) fn client(&self) -> Result<Client, Failure> {
        self.client_builder()?.build().map_err(|error| Failure::usage(error.to_string()))
    }

    /// A client that is all configured, and not built yet.
    pub(crate) fn client_builder(&self) -> Result<ClientBuilder, Failure> {
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
            let message = format!("the configuration lacks {}", missing.join(", "));
            return Err(Failure::usage(message).with_hint(
                "set these environment variables, or their names in lower case without KESS_ under \
                 [gateway] in payout.toml; `--sandbox` needs none of them",
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
    pub(crate) fn public_key(&self) -> Result<Option<PublicKey>, Failure> {
        let Some((text, name)) = self.public_key_text()? else { return Ok(None) };
        PublicKey::from_pem(&text).map(Some).map_err(|error| wrong(name, &error))
    }

    /// What the merchant's key can seal, if the key is at hand.
    pub(crate) fn sealed_capacity(&self) -> Option<usize> {
        Some(self.public_key().ok()??.capacity())
    }

    fn sign_type(&self) -> Result<SignType, Failure> {
        let name = "KESS_SIGN_TYPE";
        match self.variable(name).or_else(|| self.file.gateway.sign_type.clone()) {
            Some(text) => text.trim().parse().map_err(|error| wrong(name, &error)),
            None => Ok(SignType::HmacSha256),
        }
    }

    /// The text of the public key, and the variable it came from.
    fn public_key_text(&self) -> Result<Option<(String, &'static str)>, Failure> {
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
                Err(error) => Err(Failure::usage(format!(
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

fn wrong(name: &str, error: &kess_gateway::Error) -> Failure {
    Failure::usage(format!("{name}: {error}"))
}

fn read(path: &Path) -> Result<File, Failure> {
    let text = fs::read_to_string(path)
        .map_err(|error| Failure::usage(format!("{} cannot be read: {error}", path.display())))?;
    let file: File = toml::from_str(&text).map_err(|error| {
        // The parser's own message quotes the line, and the line may hold a secret.
        let at = error.span().map_or(0, |span| span.start.min(text.len()));
        let line = text.as_bytes()[..at].iter().filter(|&&byte| byte == b'\n').count() + 1;
        Failure::usage(format!("{}, line {line}: {}", path.display(), error.message()))
            .with_hint("the manual, docs/payout.md, has a complete example")
    })?;
    warn_if_open(path, &file.gateway);
    Ok(file)
}

/// Secrets in a file that others can read are no secrets for long.
fn warn_if_open(path: &Path, gateway: &GatewaySection) {
    use std::os::unix::fs::PermissionsExt;
    let secrets = [&gateway.client_secret, &gateway.password, &gateway.api_secret_key];
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
        let failure = config("[gateway]\nseller_code = 'CU1'", some).client().unwrap_err();
        let text = failure.text();
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
        let mut how = HowArgs {
            concurrency: None,
            rate: Some(5),
            route: None,
            name_match: None,
            otp: None,
            expires_in: None,
            notify_url: None,
        };
        let options = config.options(&how, OtpMode::Wait);
        assert_eq!((options.concurrency, options.route), (8, Route::Direct));
        assert_eq!((options.rate, options.otp), (Some(5), OtpMode::Wait));
        how.route = Some(Route::Token);
        assert_eq!(config.options(&how, OtpMode::Wait).route, Route::Token);
        assert_eq!(config.policy().settle, std::time::Duration::from_secs(5));
    }

    #[test]
    fn a_mistake_in_the_file_is_told_with_its_line_and_without_its_text() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("payout.toml");
        fs::write(&path, "[gateway]\npassword = 'hunter2\n").unwrap();
        let Err(failure) = read(&path) else { panic!("read") };
        assert!(failure.text().contains("line 2"), "{}", failure.text());
        assert!(!failure.text().contains("hunter2"), "{}", failure.text());
    }
}
