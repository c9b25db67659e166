//! What codegen emits: operations, objects and enumerations.

pub(crate) mod enums;
pub(crate) mod objects;
pub(crate) mod operations;
