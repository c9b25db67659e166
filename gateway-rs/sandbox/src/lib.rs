//! A stateful stand-in for the KESS PAY gateway, for tests, demonstrations and rehearsals.
//!
//! [`Sandbox::start`] listens on a free port of 127.0.0.1 and answers the gateway's whole protocol:
//! OAuth, every service behind `POST /api/mch/v2/gateway`, the pages that people open, and notices
//! to `notify_url`. It checks what the real gateway checks (bearer, signature, fields, sealed
//! blocks), keeps wallets, orders and a [`Ledger`] of the money that moved, and does on request
//! what a gateway does on a bad day ([`Fault`]).
//!
//! It is not a copy of the gateway: where the documentation is silent it chooses, and where a
//! client has to be right under several readings the choice is an option
//! ([`Duplicates`], [`MissingOrder`], [`ErrorShape`], [`ReplySignature`]). It shares no code with
//! the client crate, so that one mistake cannot hide on both ends of the wire.
//!
//! **Invariant:** a balance is the opening balance plus the movements, and a call is answered only
//! after its change was written to the state file, if there is one.
//!
//! Account numbers that script what happens are in [`magic`].
//!
//! # For other processes
//! | request | does |
//! |---|---|
//! | `GET /sandbox/ledger` | withdrawals with their bookings, and balances |
//! | `GET /sandbox/faults` | rules, and how often each fault struck |
//! | `POST /sandbox/faults` | adds rules, see [`FaultPlan::from_json`] |
//! | `GET /sandbox/clock`, `POST /sandbox/clock` | the time; `{"seconds":60}` moves it on |
//! | `GET /sandbox/services` | every service with its fields, as it is checked |
//! | `POST /sandbox/accounts` | `[{"number","bic","holder","currency"}]` for the directory |

mod builder;
mod check;
mod clock;
mod control;
mod core;
mod error;
mod faults;
// Written by the generator, in its own layout.
#[rustfmt::skip]
mod generated;
mod journal;
mod json;
mod khqr;
mod ledger;
pub mod magic;
mod names;
mod oauth;
mod outbox;
mod pages;
mod php;
mod refusal;
mod rules;
mod sandbox;
mod seal;
mod server;
mod services;
mod settings;
mod signature;
mod wire;
mod world;

pub use crate::builder::SandboxBuilder;
pub use crate::clock::SandboxClock;
pub use crate::error::SandboxError;
pub use crate::faults::{Fault, FaultPlan, FaultRule};
pub use crate::ledger::{Ledger, LedgerRow};
pub use crate::outbox::{Notice, NoticeState};
pub use crate::refusal::ErrorCode;
pub use crate::sandbox::Sandbox;
pub use crate::seal::OpenPolicy;
pub use crate::settings::{
    Credentials, Duplicates, ErrorShape, MissingOrder, OtpPolicy, ReplySignature,
};
pub use crate::signature::sign_body;
