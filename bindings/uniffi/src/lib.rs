//! The library under the Kotlin package `io.kesspay` and the Swift package `KessPay`.
//!
//! It converts and carries, and decides nothing: calls are made by `kess_gateway`, batches are paid
//! by `payout_engine`, and whatever can go wrong with money is decided there. What users see is in
//! the two languages, under `kotlin/` and `swift/`; there, too, stand the things that only a
//! language can do well: named arguments, flows and sequences, cancellation, a hierarchy of errors.
//!
//! - `generated`: records, enumerations and operations, emitted from the spec;
//! - `gateway` and `call`: the client; `failure`: what becomes an exception;
//! - `delegate`: signing and tokens by the app's own server;
//! - `engine`: batches;
//! - `offline`: QR texts and redirects, which need no gateway;
//! - `convert`: values on their way in and out;
//! - `runtime`: the threads on which all of it runs.
//!
//! Invariants: a call of the interface that waits runs on our own threads, so dropping it (a
//! coroutine that is cancelled) drops the work; and no record prints what is sensitive, because
//! what is sensitive is a type without text form in each language (`convert::Sensitive`).

// What is exported is `pub` for UniFFI's macros, and reachable from the other languages only.
#![allow(unreachable_pub)]

mod call;
mod convert;
mod delegate;
mod engine;
mod failure;
mod gateway;
// Written by the generator, in its own layout.
#[rustfmt::skip]
mod generated;
mod offline;
mod runtime;
mod settings;

uniffi::setup_scaffolding!("kesspay");

/// The version of the library, which the package compares with its own when it is loaded.
#[uniffi::export]
pub fn library_version() -> String {
    env!("CARGO_PKG_VERSION").to_owned()
}
