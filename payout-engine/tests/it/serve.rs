//! `payout serve` as a real process, asked over real connections.

mod access;
mod http;
mod life;
mod notices;
mod numbers;
mod process;
mod shared;
