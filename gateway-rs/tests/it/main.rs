//! All integration tests of the client, in one binary.

#![expect(clippy::unwrap_used, reason = "a test that meets an unexpected error has failed")]

mod against_sandbox;
mod auth;
mod delegate;
mod envelope;
mod exchange;
// Written by the generator, in its own layout.
#[rustfmt::skip]
mod generated_examples;
mod handwritten;
mod notices;
mod probe;
mod reading;
mod replies;
mod scripted;
mod sealing;
mod secrets;
mod signing;
mod signing_server;
mod transport;
mod unsigned_request;
