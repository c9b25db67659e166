//! A batch: the options it runs with, the gateway it belongs to, the state it is in.
//!
//! Options and gateway are stored with the batch, so that `resume` needs neither flags nor memory,
//! and so that a batch is never finished against another gateway than it was begun with.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{order_no::BatchCode, payout::Stopped, text_enum::text_enum};

text_enum! {
    /// How money gets to the account.
    Route: "route" {
        /// `tokenizebankaccount`, then `withdraw`: the documented way, with OTP where asked for.
        Token = "token",
        /// `withdrawByBankNumber`, which knows no OTP.
        Direct = "direct",
    }
}

text_enum! {
    /// What happens when the bank names another account holder than the file.
    NameCheck: "name match" {
        /// Names are not compared.
        Off = "off",
        /// The row is paid and carries a warning.
        Warn = "warn",
        /// The row is held for a person to decide.
        Strict = "strict",
    }
}

text_enum! {
    /// What a run does with withdrawals that wait for a one-time password.
    OtpMode: "otp mode" {
        /// Poll them until they end or expire.
        Wait = "wait",
        /// Leave them `awaiting_otp` and end the run.
        Detach = "detach",
    }
}

text_enum! {
    /// Where a batch stands.
    BatchState: "batch state" {
        /// Its rows are being written; none of them can be paid yet.
        Loading = "loading",
        /// Complete, not started.
        Ready = "ready",
        /// A runner is at it, or died at it.
        Running = "running",
        /// Ended before its rows did; `resume` goes on.
        Stopped = "stopped",
        /// Every row has ended or waits for a person.
        Finished = "finished",
        /// It goes on in another store, and is here to be read only.
        Moved = "moved",
    }
}

macro_rules! serde_as_text {
    ($($name:ident),+) => {$(
        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.serialize_str(self.as_str())
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )+};
}
serde_as_text!(Route, NameCheck, OtpMode);

/// What `run` was told; stored with the batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BatchOptions {
    /// How money gets to the account.
    pub route: Route,
    /// What a different holder name means.
    pub name_match: NameCheck,
    /// Whether a run waits for one-time passwords.
    pub otp: OtpMode,
    /// Upper bound of calls in flight.
    pub concurrency: usize,
    /// Calls a second; without it, as fast as the gateway allows.
    pub rate: Option<u32>,
    /// Seconds until an unpaid order closes (`expires_in`); without it the gateway's own default.
    pub expires_in: Option<u32>,
    /// Where the gateway sends its notices. The engine itself does not rely on them.
    pub notify_url: Option<String>,
    /// Verify every account, move nothing.
    pub dry_run: bool,
    /// The reason a person gave for paying rows that another batch paid or may have paid. Without
    /// one, such rows are held.
    pub allow_duplicate: Option<String>,
}

impl Default for BatchOptions {
    fn default() -> Self {
        Self {
            route: Route::Token,
            name_match: NameCheck::Warn,
            otp: OtpMode::Detach,
            concurrency: 64,
            rate: None,
            expires_in: None,
            notify_url: None,
            dry_run: false,
            allow_duplicate: None,
        }
    }
}

/// The gateway a batch belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatewayIdentity {
    /// Base URL.
    pub base_url: String,
    /// Seller code.
    pub seller_code: String,
}

impl fmt::Display for GatewayIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (seller {})", self.base_url, self.seller_code)
    }
}

/// What a batch starts from.
#[derive(Debug, Clone)]
pub struct NewBatch {
    /// Its name; unique in the store.
    pub name: String,
    /// What `run` was told.
    pub options: BatchOptions,
    /// Name of the file it came from, for people.
    pub source: String,
    /// Who takes it in without starting it; it is paused then, until somebody starts it.
    pub paused_by: Option<String>,
}

/// A batch as the store holds it, without its rows.
#[derive(Debug, Clone)]
pub struct Batch {
    /// The store's key.
    pub id: BatchId,
    /// Name, unique in the store.
    pub name: String,
    /// What its order numbers begin with.
    pub code: BatchCode,
    /// Where it stands.
    pub state: BatchState,
    /// What `run` was told.
    pub options: BatchOptions,
    /// The gateway it belongs to.
    pub gateway: GatewayIdentity,
    /// Name of the file it came from.
    pub source: String,
    /// Number of rows, once it is complete.
    pub rows: u64,
    /// The cause for which it stopped, if it did.
    pub stopped: Option<Stopped>,
    /// Who has it in hand, as far as the store knows.
    pub lease: Option<RunnerLease>,
    /// Who wants nothing more of it to be sent, if anybody does.
    pub cancelled: Option<CancelRequest>,
    /// Who wants nothing of it to be sent just now, if anybody does.
    pub paused: Option<PauseRequest>,
    /// Where it goes on, if not here.
    pub moved: Option<Departure>,
    /// When its personal data was removed; nobody of it can be paid since.
    pub purged_at: Option<Timestamp>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When anything about it last changed.
    pub updated_at: Timestamp,
}

/// Who has a batch in hand, and until when that holds if nothing is heard of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunnerLease {
    /// The fencing number of what it writes.
    pub fence: i64,
    /// Command, process and machine, for people.
    pub runner: String,
    /// The moment; a runner that is alive keeps moving it on.
    pub until: Timestamp,
}

/// Somebody wants nothing more of a batch to be sent. Never taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CancelRequest {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: String,
    /// Why, in one line, if they said so.
    pub reason: Option<String>,
}

impl fmt::Display for CancelRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cancelled by {}", self.by)?;
        self.reason.as_ref().map_or(Ok(()), |reason| write!(f, ": {reason}"))
    }
}

/// Somebody wants nothing of a batch to be sent until it is started again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PauseRequest {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: String,
}

impl fmt::Display for PauseRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "paused by {}", self.by)
    }
}

/// A batch was carried to another store. Never taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Departure {
    /// When.
    pub at: Timestamp,
    /// Where it goes on, without anything secret.
    pub to: String,
    /// The state in which it went.
    pub was: BatchState,
}

impl fmt::Display for Departure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "moved to {}", self.to)
    }
}

impl Departure {
    /// The state in which it arrives: what was not finished waits for a person's `resume`.
    pub(crate) fn arrives(&self) -> BatchState {
        match self.was {
            BatchState::Finished => BatchState::Finished,
            _ => BatchState::Stopped,
        }
    }
}

/// What keeps a batch from being paid on, as it stands in the store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Brakes {
    /// Nothing more of it is sent, for good.
    pub cancel: Option<CancelRequest>,
    /// Nothing of it is sent just now.
    pub pause: Option<PauseRequest>,
    /// A runner stopped it for a cause.
    pub stopped: Option<Stopped>,
}

/// The store's key of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BatchId(pub(crate) i64);

impl BatchId {
    /// The key that a store gives to its `number`th batch.
    pub fn new(number: i64) -> Self {
        Self(number)
    }
}
