//! Order numbers (`out_trade_no`): the gateway's only idempotency key.
//!
//! An order number is derived from the batch's code, the row and the attempt, so it can be minted
//! without asking anybody, and minted again with the same result. It is stored before it is used
//! and used for ever: sending the same number again can pay once at most, a new number can pay
//! again.
//!
//! Invariant: an [`OrderNo`] has 1 to 32 characters, letters, digits and dashes (`transaction` in
//! the documentation), and two rows, attempts or batches never share one.

use std::{fmt, str::FromStr};

use rand::RngCore;

use crate::error::Error;

/// Crockford's base 32: no I, L, O, U, so a number read over the telephone survives.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const CODE_CHARS: usize = 12;
const MAX_CHARS: usize = 32;

/// Twelve random characters (60 bits) that tell a batch's orders from those of every other batch,
/// on this machine or another one with the same merchant account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BatchCode([u8; CODE_CHARS]);

impl BatchCode {
    /// A fresh code from a source of randomness.
    pub fn random(rng: &mut impl RngCore) -> Self {
        let mut bits = rng.next_u64();
        let mut code = [0; CODE_CHARS];
        for place in &mut code {
            *place = ALPHABET[(bits & 31) as usize];
            bits >>= 5;
        }
        Self(code)
    }

    /// The code as text.
    pub fn as_str(&self) -> &str {
        // Only `ALPHABET` ever gets in, so the bytes are text.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for BatchCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for BatchCode {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let code: [u8; CODE_CHARS] =
            text.as_bytes().try_into().map_err(|_| Error::corrupt("batch code", text))?;
        if code.iter().all(|byte| ALPHABET.contains(byte)) {
            Ok(Self(code))
        } else {
            Err(Error::corrupt("batch code", text))
        }
    }
}

/// An `out_trade_no`: `{batch code}-{row}-{attempt}`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OrderNo(Box<str>);

impl OrderNo {
    /// The number of one attempt at one row. Pure: the same arguments give the same number.
    ///
    /// # Panics
    /// Never for rows below 10^12 and attempts below 10^5; both are far beyond what a store holds.
    pub fn mint(batch: &BatchCode, row: u64, attempt: u32) -> Self {
        let text = format!("{batch}-{row}-{attempt}");
        assert!(
            text.len() <= MAX_CHARS,
            "order number of row {row} exceeds {MAX_CHARS} characters"
        );
        Self(text.into())
    }

    /// The batch and the row that it was minted for; `None` for a number that this engine did not
    /// mint.
    pub(crate) fn place(&self) -> Option<(BatchCode, u64)> {
        let mut parts = self.0.split('-');
        let (code, row) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        Some((code, row))
    }

    /// The number as it goes over the wire.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for OrderNo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for OrderNo {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let fits = (1..=MAX_CHARS).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if fits { Ok(Self(text.into())) } else { Err(Error::corrupt("order number", text)) }
    }
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng, rngs::StdRng};

    use super::*;

    #[test]
    fn numbers_fit_the_gateway_and_read_back() {
        let code = BatchCode::random(&mut StdRng::seed_from_u64(7));
        assert_eq!(code.to_string().parse::<BatchCode>().unwrap(), code);
        for (row, attempt) in [(1, 1), (1_000_000, 12), (999_999_999_999, 99_999)] {
            let number = OrderNo::mint(&code, row, attempt);
            assert!(number.as_str().len() <= 32, "{number}");
            assert_eq!(number.as_str().parse::<OrderNo>().unwrap(), number);
        }
    }

    #[test]
    fn rows_attempts_and_batches_never_share_a_number() {
        let mut rng = StdRng::seed_from_u64(1);
        let codes = [BatchCode::random(&mut rng), BatchCode::random(&mut rng)];
        let mut seen = std::collections::HashSet::new();
        for code in &codes {
            for row in 1..200 {
                for attempt in 1..20 {
                    assert!(seen.insert(OrderNo::mint(code, row, attempt)));
                }
            }
        }
    }

    #[test]
    fn foreign_characters_are_refused() {
        for text in ["", "has space", "O'Brien", "ក", "0123456789012345678901234567890123"] {
            assert!(text.parse::<OrderNo>().is_err(), "{text}");
        }
        assert!("ILOU56789012".parse::<BatchCode>().is_err());
    }
}
