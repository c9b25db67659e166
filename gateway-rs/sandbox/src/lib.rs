//! A stateful stand-in for the KESS PAY gateway.

pub mod magic;
mod rules;
