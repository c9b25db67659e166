//! What the generator makes of specs, through its public door.

mod client;
mod documents;
mod findings;
mod freshness;
mod python;
mod uniffi;
