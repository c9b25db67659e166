//! A batch file of any bytes.

use std::collections::{BTreeMap, HashSet};

use kess_gateway::Currency;
use payout_engine::NewPayout;
use payout_engine::intake::{self, SEALED_BYTES};

/// The contract's required columns, and one that is nobody's.
const HEADING: &str = "reference,first_name,last_name,phone_number,email,bank_account_number,bic,\
                       amount,currency,note\n";

/// Checks a file, as it is and below a heading. What is accepted is read again, adds up to what was
/// told, and holds what the engine relies on.
#[expect(clippy::expect_used, reason = "a target panics where something does not hold")]
pub fn intake(bytes: &[u8]) {
    for text in [bytes, &[HEADING.as_bytes(), bytes].concat()] {
        let checked = intake::check_bytes(text, SEALED_BYTES).expect("bytes can be read");
        assert!(checked.valid <= checked.rows);
        for finding in checked.problems.iter().chain(&checked.warnings) {
            assert!(!finding.message.is_empty() && !finding.hint.is_empty(), "{finding:?}");
        }
        if !checked.is_good() && !checked.can_skip_problems() {
            continue;
        }
        let payouts = intake::load(&checked).expect("what was checked can be read");
        let payouts: Vec<NewPayout> = payouts.collect::<Result<_, _>>().expect("to its end");
        assert_eq!(payouts.len() as u64, checked.rows, "no row is dropped");
        let valid: Vec<_> = payouts.iter().filter(|payout| payout.invalid.is_none()).collect();
        assert_eq!(valid.len() as u64, checked.valid);
        assert!(!checked.is_good() || valid.len() == payouts.len());
        let mut sums = BTreeMap::new();
        let mut references = HashSet::new();
        for payout in valid {
            holds(payout);
            assert!(references.insert(&payout.reference), "a reference twice");
            let sum = sums.entry(payout.money.currency().clone()).or_insert_with(Default::default);
            *sum = payout.money.amount().checked_add(*sum).expect("twelve digits add up");
        }
        // A currency of which only refused rows are left adds up to nothing.
        let totals = checked.totals.into_iter().filter(|(_, sum)| !sum.is_zero()).collect();
        assert_eq!(sums, totals);
    }
}

/// What everything behind the intake takes for granted of a row.
fn holds(payout: &NewPayout) {
    let amount = payout.money.amount();
    assert!(!amount.is_negative() && !amount.is_zero(), "{amount}");
    assert!(matches!(payout.money.currency(), Currency::Usd | Currency::Khr));
    assert!(Some(amount.decimals()) <= payout.money.currency().exponent(), "{amount}");
    let payee = &payout.payee;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    assert!(digits(payee.bank_account_number.expose()) && digits(payee.phone_number.expose()));
    let required = [&payout.reference, payee.first_name.expose(), payee.last_name.expose()];
    assert!(required.iter().all(|text| !text.is_empty() && text.trim() == text.as_str()));
}
