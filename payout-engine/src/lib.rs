//! A batch payout engine: pays many people through a gateway, and survives anything on the way.
//!
//! A functional core in a durable shell:
//!
//! - **Core**: [`machine`] decides everything about money, `(Payout, Event, now) -> (Payout,
//!   Effects)`, without clock, network or disk.
//! - **Shell**: [`intake`] reads files strictly, [`admission`] says which of them may be paid,
//!   [`report`] writes them, [`Store`] keeps batches (SQLite), the journal commits many transitions
//!   at once, the gate says when a call may leave, a turn makes a row's calls, and [`Engine`]
//!   drives it all. [`Gateway`] is the port to the other end. Front ends that are libraries ask at
//!   the [`desk`].
//!
//! Features, which are all on unless they are switched off:
//!
//! - `command`: the `payout` command in the module `command`, and the configuration that it and
//!   others read in the module `config`. It switches the others on.
//! - `serve`: the server of `payout serve`: the operator's page, the gateway's notices, metrics.
//! - `workbook`: batch files may be Excel workbooks. Without it one is refused with a finding.
//! - `html`: reports as one HTML page. Without it one that is asked for is an error.
//!
//! Three rules hold everywhere: nothing that moves money is sent before its intent is durable; an
//! unknown outcome is only ever queried; an order number is minted once per attempt, stored first,
//! and used for ever.

pub mod admission;
mod ahead;
mod batch;
mod cancel;
mod carry;
mod chain;
mod clock;
#[cfg(feature = "command")]
pub mod command;
#[cfg(any(feature = "command", feature = "serve"))]
pub mod config;
mod decision;
pub mod desk;
mod dispatch;
mod elsewhere;
mod engine;
mod error;
mod event;
mod execute;
mod gateway;
mod host;
pub mod intake;
mod journal;
pub mod machine;
mod names;
mod order_no;
mod pages;
mod payout;
mod policy;
mod reconcile;
pub mod report;
#[cfg(feature = "serve")]
mod serve;
mod store;
mod text_enum;
mod turn;
mod wallets;
mod worker;
mod worklist;

pub use batch::{
    Batch, BatchId, BatchOptions, BatchState, Brakes, CancelRequest, Departure, GatewayIdentity,
    NameCheck, NewBatch, OtpMode, PauseRequest, Route, RunnerLease,
};
pub use cancel::Cancel;
pub use carry::{Carried, Depot, carry};
pub use chain::{
    LogHash,
    verify::{Broken, LogAudit},
};
pub use decision::{Decision, Ruling, reason_line};
pub use dispatch::pace;
pub use elsewhere::{Clash, Elsewhere, Shared, elsewhere};
pub use engine::Engine;
pub use error::{Error, ErrorKind, causes, with_causes};
pub use event::{EngineEvent, Measured, Observer};
pub use gateway::{
    BankToken, CallError, Gateway, Holder, KessGateway, OrderView, SealedPayee, Sealing, Wallet,
    Withdrawal,
};
pub use host::host_name;
pub use names::{NameMatch, compare_names};
pub use order_no::{BatchCode, OrderNo};
pub use pages::{Pages, pages};
pub use payout::{BatchSummary, NewPayout, Outcome, Payee, Reason, StopCause, Stopped, Total};
pub use policy::{Backoff, Policy};
pub use reconcile::{Difference, DifferenceKind, Reconciliation, Seen, reconcile};
#[cfg(feature = "postgres")]
pub use store::postgres::PostgresStore;
pub use store::{
    Claim, Conflict, Lease, PayoutRecord, StateChange, Store, Stretch, Sum, Transition,
    changes::Changes,
    sqlite::SqliteStore,
    storage,
    url::{StoreUrl, open_store},
};
pub use worker::{Worker, WorkerNews};
pub use worklist::{Tally, awaiting_otp, retriable};
