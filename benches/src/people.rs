//! Files of made-up people to pay, the same each time.

use std::io::{self, Write};

const HEADING: &str = "reference,first_name,last_name,phone_number,email,bank_account_number,bic,\
                       amount,currency,body";

/// Writes a file with so many rows.
///
/// # Errors
/// Where it cannot be written.
pub fn write(rows: u64, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "{HEADING}")?;
    let mut dice = Dice(rows);
    for row in 1..=rows {
        let account = dice.roll() % 1_000_000_000;
        let cents = 1_000 + dice.roll() % 98_999;
        let (whole, part) = (cents / 100, cents % 100);
        writeln!(
            out,
            "SAL-{row:08},Sok,Dara,{row:09},sok.dara.{row}@example.com,{account:09},ABAAKHPP,\
             {whole}.{part:02},USD,Salary of July"
        )?;
    }
    Ok(())
}

/// Numbers without a pattern, from a seed (splitmix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use payout_engine::intake::{SEALED_BYTES, check_bytes};

    use super::*;

    #[test]
    fn the_rows_are_in_order() {
        let mut file = Vec::new();
        write(1_000, &mut file).expect("memory takes it");
        let checked = check_bytes(file, SEALED_BYTES).expect("it can be read");
        assert_eq!((checked.valid, checked.problems.len(), checked.warnings.len()), (1_000, 0, 0));
    }
}
