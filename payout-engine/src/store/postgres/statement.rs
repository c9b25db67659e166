//! How a statement is written: one text, checked when it is compiled.

/// A statement with its parameters. sqlx checks text and parameters against the tables
/// (`payout-engine/.sqlx`, renewed by `cargo xtask queries`). Rows come as they are, because
/// [`crate::store::codec`] reads those of every store. Lists whose members may be NULL stand
/// behind `nullable`: sqlx knows no type for them.
macro_rules! statement {
    ($sql:literal $(, $value:expr)* $(; nullable $($list:expr),+)? $(,)?) => {{
        // Never run: it is here to be compiled.
        if false {
            let _ = ::sqlx::query!($sql $(, $value)* $($(, $list as _)+)?);
        }
        ::sqlx::query($sql)$(.bind($value))*$($(.bind($list))+)?
    }};
}
pub(super) use statement;
