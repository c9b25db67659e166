//! A batch payout engine.

mod batch;
mod error;
mod event;
pub mod intake;
mod order_no;
mod payout;
mod policy;
pub mod report;
mod text_enum;

pub use batch::{
    Batch, BatchId, BatchOptions, BatchState, GatewayIdentity, NameCheck, NewBatch, OtpMode, Route,
};
pub use error::{Error, ErrorKind};
pub use event::{EngineEvent, Observer};
pub use order_no::{BatchCode, OrderNo};
pub use payout::{BatchSummary, NewPayout, Outcome, Payee, Reason, StopCause, Stopped, Total};
pub use policy::{Backoff, Policy};
