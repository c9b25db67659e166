//! The integration tests of the engine and of the `payout` command.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod engine;
mod intake;
mod model;
mod report;
