//! A stateful stand-in for the KESS PAY gateway.

mod rules;
