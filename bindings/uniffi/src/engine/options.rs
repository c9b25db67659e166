//! [`RunOptions`]: how a batch is paid, and what has to hold before it is.

use std::collections::HashMap;

use kess_gateway::{Amount, Currency};
use payout_engine::admission::Conditions;
use payout_engine::desk::{Order, Rows};
use payout_engine::{BatchOptions, NameCheck, OtpMode, Policy, Route};

use super::error::EngineError;

/// How money gets to an account.
#[uniffi::remote(Enum)]
pub enum Route {
    /// Tokenized, then withdrawn: the documented way, with a one-time password where asked for.
    Token,
    /// `withdrawByBankNumber`, which knows no one-time password.
    Direct,
}

/// What happens when the bank names another account holder than the row.
#[uniffi::remote(Enum)]
pub enum NameCheck {
    /// Names are not compared.
    Off,
    /// The row is paid and carries a warning.
    Warn,
    /// The row is held for a person to decide.
    Strict,
}

/// What a run does with withdrawals that wait for a one-time password.
#[uniffi::remote(Enum)]
pub enum OtpMode {
    /// Asks about them until they end or expire.
    Wait,
    /// Leaves them waiting and ends; `resume` looks again.
    Detach,
}

/// How a batch is paid, and what has to hold before it is.
#[derive(Clone, Debug, uniffi::Record)]
pub struct RunOptions {
    /// What the batch is called; without a name, after its source and the time.
    #[uniffi(default = None)]
    pub batch: Option<String>,
    /// How money gets to the accounts; by token unless said otherwise.
    #[uniffi(default = None)]
    pub route: Option<Route>,
    /// What a different holder's name means; a warning unless said otherwise.
    #[uniffi(default = None)]
    pub name_match: Option<NameCheck>,
    /// Whether the run waits for one-time passwords; it does not unless said otherwise.
    #[uniffi(default = None)]
    pub otp: Option<OtpMode>,
    /// The most calls that are in flight at once.
    #[uniffi(default = 16)]
    pub concurrency: u32,
    /// Calls a second at most; without it, as many as the gateway allows.
    #[uniffi(default = None)]
    pub rate: Option<u32>,
    /// Seconds until an order that nobody confirms closes.
    #[uniffi(default = None)]
    pub expires_in: Option<u32>,
    /// Where the gateway sends its notices.
    #[uniffi(default = None)]
    pub notify_url: Option<String>,
    /// Verify every account, move nothing.
    #[uniffi(default = false)]
    pub dry_run: bool,
    /// Pay the valid rows, although there are others.
    #[uniffi(default = false)]
    pub skip_invalid: bool,
    /// How many rows there have to be.
    #[uniffi(default = None)]
    pub expect_rows: Option<u64>,
    /// What the valid rows of each currency have to add up to.
    #[uniffi(default)]
    pub expect_total: HashMap<String, Amount>,
    /// Why rows may be paid that another batch paid, may have paid or is about to pay.
    #[uniffi(default = None)]
    pub allow_duplicate: Option<String>,
    /// Whether events are kept for whoever reads them. Say no where nobody does.
    #[uniffi(default = true)]
    pub events: bool,
}

impl RunOptions {
    pub(super) fn order(self, rows: Rows) -> Result<Order, EngineError> {
        if self.concurrency == 0 {
            let text = "concurrency: one call at least has to be in flight";
            return Err(EngineError::Configuration(text.to_owned()));
        }
        let usual = BatchOptions::default();
        let sum = |(currency, sum): (String, Amount)| (Currency::from(currency.as_str()), sum);
        Ok(Order {
            rows,
            name: self.batch,
            options: BatchOptions {
                route: self.route.unwrap_or(usual.route),
                name_match: self.name_match.unwrap_or(usual.name_match),
                otp: self.otp.unwrap_or(usual.otp),
                concurrency: self.concurrency as usize,
                rate: self.rate,
                expires_in: self.expires_in,
                notify_url: self.notify_url,
                ..usual
            },
            conditions: Conditions {
                skip_invalid: self.skip_invalid,
                expect_rows: self.expect_rows,
                expect_total: self.expect_total.into_iter().map(sum).collect(),
                dry_run: self.dry_run,
                allow_duplicate: self.allow_duplicate,
                paused_by: None,
            },
        })
    }
}

/// Reads the pauses and limits; without a text, the usual ones.
pub(super) fn policy(json: Option<String>) -> Result<Policy, EngineError> {
    let Some(json) = json else { return Ok(Policy::default()) };
    serde_json::from_str(&json)
        .map_err(|error| EngineError::Configuration(format!("policy: {error}")))
}
