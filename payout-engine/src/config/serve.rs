//! The section `[serve]`: where `payout serve` listens, and whom it lets in.

use serde::Deserialize;

/// The section `[serve]`, and the variables that go before it. It has no `Debug`, because it holds
/// secrets.
#[derive(Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServeSettings {
    /// Address and port to listen on.
    pub listen: Option<String>,
    /// Where people and the gateway find the server, if not where it listens.
    pub public_url: Option<String>,
    /// The bearer token of an operator (`PAYOUT_SERVE_TOKEN`).
    pub token: Option<String>,
    /// The bearer token of a reader (`PAYOUT_SERVE_READ_TOKEN`).
    pub read_token: Option<String>,
    /// Where traces go (`OTEL_EXPORTER_OTLP_ENDPOINT`).
    pub otlp_endpoint: Option<String>,
    /// Who may sign in with a password.
    pub people: Vec<PersonSettings>,
}

/// One of those who may sign in.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PersonSettings {
    /// What they sign in as, and what is written down as "by".
    pub name: String,
    /// `reader` or `operator`.
    pub role: String,
    /// Hash of the password, as `payout serve --hash-password` prints it.
    pub password: String,
}

impl ServeSettings {
    /// These settings, and those of the environment where it says something.
    pub(super) fn overridden(self, variable: impl Fn(&str) -> Option<String>) -> Self {
        Self {
            token: variable("PAYOUT_SERVE_TOKEN").or(self.token),
            read_token: variable("PAYOUT_SERVE_READ_TOKEN").or(self.read_token),
            otlp_endpoint: variable("OTEL_EXPORTER_OTLP_ENDPOINT").or(self.otlp_endpoint),
            ..self
        }
    }
}
