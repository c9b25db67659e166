//! Account numbers, names and card codes that make the sandbox behave in a set way.
//!
//! A file of payouts can script a whole rehearsal by its account numbers alone: the **last four
//! digits** decide. Every other number belongs to an account that is paid at once.
//!
//! | ends in | verify and tokenize | `withdraw`, `withdrawByBankNumber` |
//! |---|---|---|
//! | `0404` | 404 `NOT_FOUND`: no such account | the same, by bank number |
//! | `0411` | answers another holder's name | paid at once |
//! | `0412` | answers the other currency (KHR for USD) | paid at once |
//! | `0400` | ordinary | 400 `VALIDATION_ERROR`: refused, nothing moves |
//! | `0402` | ordinary | 400 `VALIDATION_ERROR` "Insufficient balance.", nothing moves |
//! | `0422` | ordinary | 422 `PROCESS_FAILED`: nothing moves, though the answer does not prove it |
//! | `0504` | ordinary | booked and paid, but the answer is 504 `GATEWAY_TIMEOUT` |
//! | `0600` | ordinary | the first send of an order is cut off unread, later ones are paid |
//! | `0601` | ordinary | the first send is booked and paid, then the connection is cut |
//! | `0202` | ordinary | `WAITING`; the second `queryOrder` and later ones say `SUCCESS` |
//! | `0203` | ordinary | `WAITING` until it expires, then `CLOSED` and the money comes back |
//! | `0410` | ordinary | `WAITING`; `queryOrder` says `CLOSED` and the money is back |
//! | `0777` | ordinary | needs an OTP; the page shows the code and confirms |
//! | `0778` | ordinary | needs an OTP that the page never accepts, until it expires |
//!
//! **Holders.** An account that the directory does not know (see
//! [`SandboxBuilder::account`](crate::SandboxBuilder::account)) answers the name that
//! [`default_holder`] makes of its number, and [`default_currency`]: KHR where the number starts
//! with `9`, USD otherwise. Accounts in the directory answer what the directory says, unless
//! their ending is `0404`, `0411` or `0412`.
//!
//! **Cards** (`directPay`) go by the security code, see [`CardOutcome`]. Quick pay goes by the
//! `auth_code`: one that ends in `00` stays `WAITING`, every other is paid at once.

/// What an account's ending makes the sandbox do. See the table in the [module](self) docs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountMagic {
    /// `0404`: there is no such account.
    Unknown,
    /// `0411`: the account belongs to somebody else.
    OtherHolder,
    /// `0412`: the account is kept in the other currency.
    OtherCurrency,
    /// `0400`: the withdrawal is refused, and nothing moves.
    Refused,
    /// `0402`: the withdrawal is refused for want of funds, and nothing moves.
    LowBalance,
    /// `0422`: the withdrawal fails downstream, and nothing moves.
    ProcessFailed,
    /// `0504`: the withdrawal is paid, but the answer is a time-out.
    PaidButTimedOut,
    /// `0600`: the first send is cut off before anything is booked.
    CutBefore,
    /// `0601`: the first send is cut off after it was booked.
    CutAfter,
    /// `0202`: paid, but only the second query says so.
    PaidLater,
    /// `0203`: waits until it expires.
    NeverPaid,
    /// `0410`: accepted, then closed unpaid.
    ClosedLater,
    /// `0777`: an OTP is needed, and the page confirms it.
    Otp,
    /// `0778`: an OTP is needed, and nothing confirms it.
    OtpNeverConfirmed,
}

/// Every ending with its meaning, in the order of the table above.
pub const ENDINGS: &[(&str, AccountMagic)] = &[
    ("0404", AccountMagic::Unknown),
    ("0411", AccountMagic::OtherHolder),
    ("0412", AccountMagic::OtherCurrency),
    ("0400", AccountMagic::Refused),
    ("0402", AccountMagic::LowBalance),
    ("0422", AccountMagic::ProcessFailed),
    ("0504", AccountMagic::PaidButTimedOut),
    ("0600", AccountMagic::CutBefore),
    ("0601", AccountMagic::CutAfter),
    ("0202", AccountMagic::PaidLater),
    ("0203", AccountMagic::NeverPaid),
    ("0410", AccountMagic::ClosedLater),
    ("0777", AccountMagic::Otp),
    ("0778", AccountMagic::OtpNeverConfirmed),
];

/// What the ending of `number` stands for; `None` for an ordinary account.
///
/// ```
/// use kess_sandbox::magic::{AccountMagic, account};
/// assert_eq!(account("000120777"), Some(AccountMagic::Otp));
/// assert_eq!(account("000123456"), None);
/// ```
#[must_use]
pub fn account(number: &str) -> Option<AccountMagic> {
    ENDINGS.iter().find(|(ending, _)| number.ends_with(ending)).map(|(_, magic)| *magic)
}

/// The holder of an account that the directory does not know: always the same for one number.
#[must_use]
pub fn default_holder(number: &str) -> String {
    const FAMILY: [&str; 8] = ["SOK", "CHAN", "KEO", "HENG", "LIM", "CHEA", "PICH", "NOUN"];
    const GIVEN: [&str; 8] =
        ["DARA", "SOPHEA", "BOPHA", "RITHY", "VANNAK", "SREYMOM", "PISEY", "KOSAL"];
    let sum = number.bytes().fold(7_usize, |sum, byte| (sum * 31 + usize::from(byte)) % 65_521);
    format!("{} {}", FAMILY[sum % 8], GIVEN[sum / 8 % 8])
}

/// The name that an account with the ending `0411` answers.
pub const OTHER_HOLDER: &str = "SOMEBODY ELSE";

/// The currency of an account that the directory does not know.
#[must_use]
pub fn default_currency(number: &str) -> &'static str {
    if number.starts_with('9') { "KHR" } else { "USD" }
}

/// What becomes of a card payment, by the card's security code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CardOutcome {
    /// Any other code: the payer confirms on the 3-D Secure page.
    Confirm,
    /// `111`: declined by the issuer.
    Declined,
    /// `222`: not enough on the card.
    InsufficientFunds,
    /// `333`: blocked by a risk rule.
    Blocked,
    /// `999`: the security code is wrong.
    NoMatch,
}

impl CardOutcome {
    /// The outcome that `security_code` asks for.
    #[must_use]
    pub fn of(security_code: &str) -> Self {
        match security_code {
            "111" => Self::Declined,
            "222" => Self::InsufficientFunds,
            "333" => Self::Blocked,
            "999" => Self::NoMatch,
            _ => Self::Confirm,
        }
    }

    /// The `gatewayCode` of the redirect's `pay_response`, and its message, for a refused card.
    #[must_use]
    pub fn gateway_code(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Confirm => None,
            Self::Declined => Some(("DECLINED", "Payment was declined by issuer")),
            Self::InsufficientFunds => {
                Some(("INSUFFICIENT_FUNDS", "Transaction declined due to insufficient funds"))
            }
            Self::Blocked => Some(("BLOCKED", "Transaction blocked due to risk rules")),
            Self::NoMatch => Some(("NO_MATCH", "Incorrect card security code")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_are_told_apart_and_need_all_four_digits() {
        for (ending, magic) in ENDINGS {
            assert_eq!(account(&format!("00012{ending}")), Some(*magic));
            assert_eq!(account(&ending[1..]), None);
        }
    }

    #[test]
    fn a_default_holder_never_changes_and_is_never_the_other_one() {
        assert_eq!(default_holder("000123456"), default_holder("000123456"));
        assert_ne!(default_holder("000123456"), OTHER_HOLDER);
        let names: std::collections::BTreeSet<_> =
            (100_000..100_200).map(|n| default_holder(&n.to_string())).collect();
        assert!(names.len() > 20, "only {} different names", names.len());
    }
}
