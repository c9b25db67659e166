//! What `cargo xtask codegen` writes.

pub(crate) mod enums;
pub(crate) mod operations;
pub(crate) mod records;
