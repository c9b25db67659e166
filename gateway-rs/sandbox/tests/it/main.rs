//! The sandbox over real sockets, with a raw client and bodies built by hand.

mod faults;
mod money;
mod oauth;
mod raw;
mod request_checks;
mod state_file;
