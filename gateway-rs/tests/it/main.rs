//! All integration tests of the client, in one binary.

#![expect(clippy::unwrap_used, reason = "a test that meets an unexpected error has failed")]

mod handwritten;
mod scripted;
