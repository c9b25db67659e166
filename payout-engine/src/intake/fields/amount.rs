//! The rules of amounts: a plain decimal above zero, with no more decimals than its currency has.

use kess_gateway::{Amount, Currency};
use memchr::memchr;
use rust_decimal::Decimal;

use super::{Flaw, characters, damage, flaw};
use crate::intake::finding::Code;
use crate::intake::heading::Column;

/// The most digits before the point: with two decimals this makes the 14 significant digits to
/// which the gateway prints, and signs, a number.
const AMOUNT_WHOLE_DIGITS: usize = 12;

/// The amount of a row, in the smallest unit of its currency. Without a currency, that is where the
/// currency has a flaw of its own, all rules but that of the decimals are applied, and it is zero.
/// `is_plain` says that the text is known to be so.
pub(in crate::intake) fn amount(
    text: &str,
    is_plain: bool,
    currency: Option<&Currency>,
) -> Result<u64, Box<Flaw>> {
    const PLAIN: &str = "write a plain number, such as 1234.50";
    let point = memchr(b'.', text.as_bytes());
    let (whole, fraction) = match point {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    };
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !all_digits(whole) || !fraction.is_none_or(all_digits) {
        damage::check(Column::Amount, text)?;
        characters(Column::Amount, text, is_plain)?;
        return Err(not_plain(text));
    }
    if whole.len() > 1 && whole.starts_with('0') {
        let message = "the amount begins with a zero that means nothing";
        return Err(flaw(Code::AmountFormat, message, PLAIN));
    }
    decimals(text, whole, fraction, currency)?;
    if whole.len() > AMOUNT_WHOLE_DIGITS {
        let message = format!("the amount has {} digits before the point", whole.len());
        return Err(flaw(Code::AmountTooLarge, message, "check the amount"));
    }
    let Some(currency) = currency else {
        let amount = text.parse::<Amount>();
        let amount = amount.map_err(|_| flaw(Code::AmountTooLarge, "too long", PLAIN))?;
        return if amount.is_zero() { Err(zero()) } else { Ok(0) };
    };
    // At most 14 digits, by the rules above.
    let most = currency.exponent().unwrap_or(0) as usize;
    let fraction = fraction.unwrap_or_default();
    let append = |units: u64, digit: u8| units * 10 + u64::from(digit - b'0');
    let units = fraction.bytes().fold(whole.bytes().fold(0, append), append);
    match (fraction.len()..most).fold(units, |units, _| units * 10) {
        0 => Err(zero()),
        units => Ok(units),
    }
}

fn zero() -> Box<Flaw> {
    flaw(Code::AmountNotPositive, "the amount is zero", "remove the row")
}

/// So many of the smallest units of `currency`, as an amount.
pub(in crate::intake) fn units(units: u128, currency: &Currency) -> Option<Amount> {
    let units = i128::try_from(units).ok()?;
    let exponent = currency.exponent().unwrap_or(0);
    Decimal::try_from_i128_with_scale(units, exponent).ok().map(Amount::from)
}

fn decimals(
    text: &str,
    whole: &str,
    fraction: Option<&str>,
    currency: Option<&Currency>,
) -> Result<(), Box<Flaw>> {
    let Some((fraction, currency)) = fraction.zip(currency) else { return Ok(()) };
    let most = currency.exponent().unwrap_or(0) as usize;
    if fraction.len() <= most {
        return Ok(());
    }
    let message = match most {
        0 => format!("{currency} has no decimals"),
        _ => format!("{currency} has at most {most} decimals, and {text} has {}", fraction.len()),
    };
    // A point before three digits is how half of the world writes thousands.
    let hint = if fraction.len() == 3 && whole.len() <= 3 {
        format!("if {text} means thousands, write {whole}{fraction}; nothing is rounded")
    } else {
        "correct the amount; nothing is rounded".to_owned()
    };
    Err(flaw(Code::AmountDecimals, message, hint))
}

/// Says why `text` is not a plain decimal.
fn not_plain(text: &str) -> Box<Flaw> {
    let plain = "write a plain number, such as 1234.50";
    let negative = text.starts_with(['-', '\u{2212}'])
        || text.ends_with('-')
        || (text.starts_with('(') && text.ends_with(')'));
    let letters: String = text.chars().filter(char::is_ascii_alphabetic).collect();
    let sign = text.contains(['$', '៛', '€', '£', '¥'])
        || ["USD", "KHR", "US", "R"].contains(&letters.to_ascii_uppercase().as_str());
    let separated = text.contains(|c: char| c.is_ascii_digit())
        && text.bytes().all(|b| b.is_ascii_digit() || b", '.".contains(&b))
        && (text.contains([',', '\'', ' ']) || text.matches('.').count() > 1);
    if negative {
        let message = "the amount is negative; a payout is above zero";
        flaw(Code::AmountNotPositive, message, "remove the row, or correct the amount")
    } else if sign {
        let message = "the amount carries a currency sign";
        flaw(Code::AmountCurrencySign, message, "keep the currency in the column `currency`")
    } else if separated {
        let message = "the amount has separators, and what they mean differs from place to place";
        flaw(Code::AmountSeparator, message, plain)
    } else {
        flaw(Code::AmountFormat, "the amount is not a plain decimal number", plain)
    }
}

#[cfg(test)]
mod tests {
    use super::super::currency;
    use super::*;

    #[test]
    fn amounts() {
        use Code::{
            AmountCurrencySign as Sign, AmountDecimals as Decimals, AmountFormat as Format,
            AmountNotPositive as NotPositive, AmountSeparator as Separator,
            AmountTooLarge as Large, ForeignDigits, InvisibleCharacter as Invisible,
            LeadingApostrophe as Apostrophe, ScientificNotation as Scientific,
            SpreadsheetFormula as Formula,
        };
        let forty = "1".repeat(40);
        let cases: &[(&str, &str, Result<&str, Code>)] = &[
            ("10", "USD", Ok("10")),
            ("10.5", "USD", Ok("10.5")),
            ("10.50", "USD", Ok("10.5")),
            ("0.01", "USD", Ok("0.01")),
            ("999999999999.99", "USD", Ok("999999999999.99")),
            ("41000", "KHR", Ok("41000")),
            ("1,234.50", "USD", Err(Separator)),
            ("1.234,50", "USD", Err(Separator)),
            ("10,00", "USD", Err(Separator)),
            ("1 000", "USD", Err(Separator)),
            ("1'000", "USD", Err(Separator)),
            ("1.000.000", "USD", Err(Separator)),
            ("1.000", "USD", Err(Decimals)),
            ("10.005", "USD", Err(Decimals)),
            ("10.5", "KHR", Err(Decimals)),
            ("10.00", "KHR", Err(Decimals)),
            ("$10", "USD", Err(Sign)),
            ("10៛", "KHR", Err(Sign)),
            ("USD 10", "USD", Err(Sign)),
            ("(10)", "USD", Err(NotPositive)),
            ("-0", "USD", Err(NotPositive)),
            ("-10", "USD", Err(NotPositive)),
            ("0", "USD", Err(NotPositive)),
            ("0.00", "USD", Err(NotPositive)),
            ("NaN", "USD", Err(Format)),
            ("inf", "USD", Err(Format)),
            ("+10", "USD", Err(Format)),
            (".5", "USD", Err(Format)),
            ("10.", "USD", Err(Format)),
            ("010", "USD", Err(Format)),
            ("ten", "USD", Err(Format)),
            ("1e3", "USD", Err(Scientific)),
            ("1.5E+3", "USD", Err(Scientific)),
            ("=1+1", "USD", Err(Formula)),
            ("'10", "USD", Err(Apostrophe)),
            ("១០", "USD", Err(ForeignDigits)),
            ("\u{ff11}0", "USD", Err(ForeignDigits)),
            ("10\u{a0}", "USD", Err(Invisible)),
            ("1\u{200b}0", "USD", Err(Invisible)),
            (&forty, "USD", Err(Large)),
        ];
        for (text, code, expected) in cases {
            let currency = currency(code).unwrap();
            let got = amount(text, false, Some(currency));
            let got = got.map(|count| units(count.into(), currency).unwrap().to_string());
            assert_eq!(got.as_deref().map_err(|flaw| flaw.code), *expected, "{text} {code}");
        }
    }

    #[test]
    fn a_point_before_three_digits_is_asked_about_not_read_as_one() {
        let flaw = amount("1.000", false, Some(&Currency::Khr)).unwrap_err();
        assert!(flaw.hint.contains("write 1000"), "{}", flaw.hint);
    }

    /// What is counted in the smallest units is what the client reads in the same text.
    #[test]
    fn units_are_what_the_text_says() {
        use proptest::prelude::*;
        proptest!(|(whole in 0_u64..1_000_000_000_000, cents in 0..100_u32, short: bool)| {
            let cents = if short { (cents / 10).to_string() } else { format!("{cents:02}") };
            let cases = [
                (whole.to_string(), Currency::Khr),
                (whole.to_string(), Currency::Usd),
                (format!("{whole}.{cents}"), Currency::Usd),
            ];
            for (text, currency) in cases {
                let expected: Amount = text.parse().unwrap();
                match amount(&text, false, Some(&currency)) {
                    Ok(count) => prop_assert_eq!(units(count.into(), &currency), Some(expected)),
                    Err(flaw) => {
                        prop_assert_eq!(flaw.code, Code::AmountNotPositive);
                        prop_assert!(expected.is_zero());
                    }
                }
            }
        });
    }
}
