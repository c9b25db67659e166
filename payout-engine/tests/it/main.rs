//! The integration tests of the engine and of the `payout` command.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod audit;
mod cancelling;
mod cli_audit;
mod cli_cancel;
mod cli_check;
mod cli_decide;
mod cli_doctor;
mod cli_duplicates;
mod cli_init;
mod cli_kill;
mod cli_purge;
mod cli_reconcile;
mod cli_retriable;
mod cli_retry;
mod cli_run;
mod command;
mod crashes;
mod decisions;
mod engine;
mod foreign;
mod intake;
mod intake_encoding;
mod intake_random;
mod intake_values;
mod intake_workbook;
mod lease;
mod model;
mod names;
mod reconcile;
mod report;
mod restored;
mod sandbox;
mod simulation;
mod store;
mod wallets;
