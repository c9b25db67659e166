//! The sandbox over real sockets, with a raw client and bodies built by hand.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops where it stands")]
#![expect(clippy::print_stderr, reason = "a skipped test says why")]

mod connections;
mod faults;
mod hostile;
mod money;
mod notices;
mod oauth;
mod orders;
mod php;
mod raw;
mod request_checks;
mod services;
mod state_file;
