//! The rules of single fields: what a value must look like to be believed.
//!
//! A rule says yes or no and, for a no, what is wrong and what to type instead. It never repairs:
//! blanks around a value are dropped, and nothing else is changed, because a repaired account
//! number or amount is a guess about somebody's money.

use kess_gateway::{Amount, Currency};

use super::finding::Code;
use super::heading::Column;

/// Why a value is refused, before it is known where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Flaw {
    pub(super) code: Code,
    pub(super) message: String,
    pub(super) hint: String,
}

pub(super) fn flaw(code: Code, message: impl Into<String>, hint: impl Into<String>) -> Flaw {
    Flaw { code, message: message.into(), hint: hint.into() }
}

/// The most digits before the point: with two decimals this makes the 14 significant digits to
/// which the gateway prints, and signs, a number.
const AMOUNT_WHOLE_DIGITS: usize = 12;

/// The longest reference, in characters.
const REFERENCE_CHARS: usize = 100;

/// The longest email address, in characters (RFC 5321).
const EMAIL_CHARS: usize = 254;

/// How many characters the gateway takes, for the columns where it says so.
fn longest(column: Column) -> Option<usize> {
    match column {
        Column::Reference => Some(REFERENCE_CHARS),
        Column::BankAccountNumber => Some(64),
        Column::Email => Some(EMAIL_CHARS),
        Column::Body => Some(255),
        Column::Address => Some(1000),
        Column::City => Some(500),
        Column::Postcode => Some(50),
        _ => None,
    }
}

/// Columns whose every character counts: an unseen or foreign one is refused, not passed on.
fn is_exact(column: Column) -> bool {
    use Column::{
        Amount, BankAccountNumber, Bic, Currency, Email, PhoneNumber, Postcode, Reference,
    };
    matches!(
        column,
        Reference | PhoneNumber | Email | BankAccountNumber | Bic | Amount | Currency | Postcode
    )
}

/// Columns that a spreadsheet takes for numbers, and damages.
fn is_numeric(column: Column) -> bool {
    use Column::{Amount, BankAccountNumber, PhoneNumber, Postcode, Reference};
    matches!(column, Reference | PhoneNumber | BankAccountNumber | Amount | Postcode)
}

/// The text of a field, without the blanks around it; `offset` is that of the record in the file.
pub(super) fn text(column: Column, bytes: &[u8], offset: u64) -> Result<&str, Flaw> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        flaw(
            Code::NotUtf8,
            format!(
                "the text is not UTF-8 (byte {} of the field, in the row that begins at byte \
                 {offset} of the file)",
                error.valid_up_to() + 1
            ),
            "save the file as \"CSV UTF-8\"; no character was replaced",
        )
    })?;
    let text = if is_exact(column) { text.trim_matches([' ', '\t']) } else { text.trim() };
    if text.contains('\0') {
        let hint = "the file is damaged: export it again";
        return Err(flaw(Code::NulByte, "the text holds a zero byte", hint));
    }
    for c in text.chars().filter(|c| c.is_control()) {
        if matches!(c, '\n' | '\r') {
            if !matches!(column, Column::Address | Column::Body) {
                let hint = "write the value on one line";
                return Err(flaw(Code::LineBreak, "a line break stands inside the value", hint));
            }
        } else {
            let message = format!("the text holds the control character U+{:04X}", u32::from(c));
            return Err(flaw(Code::ControlCharacter, message, "remove it"));
        }
    }
    Ok(text)
}

/// Checks `text`, which is not empty, against every rule of `column` but those of amounts.
pub(super) fn check(column: Column, text: &str) -> Result<(), Flaw> {
    spreadsheet_damage(column, text)?;
    if is_exact(column) {
        characters(column, text)?;
    }
    if let Some(most) = longest(column) {
        let count = text.chars().count();
        if count > most {
            let message = format!("{count} characters, and the gateway takes {most}");
            return Err(flaw(Code::TooLong, message, "shorten it"));
        }
    }
    match column {
        Column::BankAccountNumber => account(text),
        Column::PhoneNumber => phone(text),
        Column::Email => email(text),
        Column::Bic => bic(text),
        Column::Currency => currency(text).map(drop),
        _ => Ok(()),
    }
}

/// What a spreadsheet does to values that it takes for numbers or formulas.
fn spreadsheet_damage(column: Column, text: &str) -> Result<(), Flaw> {
    const AS_TEXT: &str = "format the column as text in the spreadsheet, enter the value again and \
                           export the file";
    if text.starts_with('=') {
        let message = "the value is a spreadsheet formula, not text";
        return Err(flaw(Code::SpreadsheetFormula, message, AS_TEXT));
    }
    let errors = ["#REF!", "#N/A", "#VALUE!", "#NAME?", "#DIV/0!", "#NUM!", "#NULL!"];
    if errors.contains(&text) || (text.len() > 2 && text.bytes().all(|b| b == b'#')) {
        let hint = "repair the cell in the spreadsheet and export the file again";
        return Err(flaw(Code::SpreadsheetError, "the value is a spreadsheet's error", hint));
    }
    if !is_numeric(column) {
        return Ok(());
    }
    if text.strip_prefix('\'').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit())) {
        let message = "the value begins with the apostrophe by which spreadsheets mark text";
        return Err(flaw(Code::LeadingApostrophe, message, "remove the apostrophe"));
    }
    let any_exponent = matches!(column, Column::Amount | Column::BankAccountNumber);
    if is_scientific(text, any_exponent) {
        let message = "the number is in scientific notation, so its digits are lost";
        let hint =
            if column == Column::Amount { "write the amount out: 1000, not 1e3" } else { AS_TEXT };
        return Err(flaw(Code::ScientificNotation, message, hint));
    }
    Ok(())
}

/// `1.23457E+11`; with `any_exponent` also `1e3`, which elsewhere may be somebody's reference.
fn is_scientific(text: &str, any_exponent: bool) -> bool {
    let Some((digits, exponent)) = text.split_once(['e', 'E']) else { return false };
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let digits = digits.strip_prefix('-').unwrap_or(digits);
    let (whole, fraction) = digits.split_once(['.', ',']).unwrap_or((digits, "0"));
    let power = exponent.strip_prefix(['+', '-']);
    all_digits(whole)
        && all_digits(fraction)
        && all_digits(power.unwrap_or(exponent))
        && (any_exponent || power.is_some())
}

/// Characters that nobody sees, digits of other scripts, letters that look like others.
fn characters(column: Column, text: &str) -> Result<(), Flaw> {
    for (at, c) in text.chars().enumerate() {
        let place = format!("U+{:04X} at position {}", u32::from(c), at + 1);
        if is_invisible(c) {
            let message = format!("a character that nobody sees is in the value: {place}");
            return Err(flaw(Code::InvisibleCharacter, message, "type the value again by hand"));
        }
        if c.is_numeric() && !c.is_ascii() {
            let message = format!("a digit of another script is in the value: {place}");
            return Err(flaw(Code::ForeignDigits, message, "use the digits 0 to 9"));
        }
        if column == Column::Reference && looks_like_another(c) {
            let message = format!("a letter that looks like a Latin one is in the value: {place}");
            let hint = "type the reference again on a Latin keyboard";
            return Err(flaw(Code::LookAlike, message, hint));
        }
    }
    Ok(())
}

fn is_invisible(c: char) -> bool {
    let is_space = c.is_whitespace() && c != ' ';
    is_space
        || matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{17b4}' | '\u{17b5}' | '\u{180e}'
            | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

/// Greek, Cyrillic, Armenian, Cherokee, full-width and mathematical letters: scripts whose letters
/// pass for Latin ones, so that two references could look the same and not be.
fn looks_like_another(c: char) -> bool {
    matches!(c, '\u{370}'..='\u{58f}' | '\u{13a0}'..='\u{13ff}' | '\u{1f00}'..='\u{1fff}'
        | '\u{2100}'..='\u{214f}' | '\u{ff00}'..='\u{ffef}' | '\u{1d400}'..='\u{1d7ff}')
}

fn account(text: &str) -> Result<(), Flaw> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(());
    }
    let message = "an account number is digits only";
    let hint = "write the digits without blanks, dashes or a decimal point; leading zeros count";
    Err(flaw(Code::AccountDigits, message, hint))
}

fn phone(text: &str) -> Result<(), Flaw> {
    if (6..=15).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(());
    }
    let message = "a phone number is 6 to 15 digits, and nothing else";
    Err(flaw(Code::PhoneFormat, message, "write it as 012345678 or 85512345678"))
}

fn email(text: &str) -> Result<(), Flaw> {
    let label =
        |part: &str| !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || c == '-');
    let good = text.split_once('@').is_some_and(|(local, domain)| {
        !local.is_empty()
            && !local.contains(|c: char| c.is_whitespace() || "()<>,;:\\\"[]".contains(c))
            && domain.contains('.')
            && domain.split('.').all(label)
    });
    if good {
        return Ok(());
    }
    let message = "this is not an email address";
    Err(flaw(Code::EmailFormat, message, "write one address, such as dara@example.com"))
}

fn bic(text: &str) -> Result<(), Flaw> {
    let shaped = |text: &str| {
        (4..=11).contains(&text.len())
            && text.starts_with(|c: char| c.is_ascii_uppercase())
            && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
    };
    if shaped(text) {
        return Ok(());
    }
    let capitals = text.to_uppercase();
    let hint = if shaped(&capitals) {
        format!("write {capitals}")
    } else {
        "write the bank's code in capitals, such as ABAAKHPP, ACLBKHPP or WING".to_owned()
    };
    let message = "a bank's code is 4 to 11 capital letters and digits";
    Err(flaw(Code::BicShape, message, hint))
}

/// The currency of a row.
pub(super) fn currency(text: &str) -> Result<Currency, Flaw> {
    match text {
        "USD" => Ok(Currency::Usd),
        "KHR" => Ok(Currency::Khr),
        _ => {
            let hint = match text.to_uppercase().as_str() {
                code @ ("USD" | "KHR") => format!("write {code}"),
                _ => "write USD or KHR".to_owned(),
            };
            Err(flaw(Code::CurrencyUnknown, "the currency is neither USD nor KHR", hint))
        }
    }
}

/// The amount of a row. Without a currency, that is where the currency has a flaw of its own, all
/// rules but that of the decimals are applied.
pub(super) fn amount(text: &str, currency: Option<&Currency>) -> Result<Amount, Flaw> {
    const PLAIN: &str = "write a plain number, such as 1234.50";
    spreadsheet_damage(Column::Amount, text)?;
    characters(Column::Amount, text)?;
    let (whole, fraction) = match text.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (text, None),
    };
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !all_digits(whole) || !fraction.is_none_or(all_digits) {
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
    let amount: Amount = text.parse().map_err(|_| flaw(Code::AmountTooLarge, "too long", PLAIN))?;
    if amount.is_zero() {
        return Err(flaw(Code::AmountNotPositive, "the amount is zero", "remove the row"));
    }
    Ok(amount)
}

fn decimals(
    text: &str,
    whole: &str,
    fraction: Option<&str>,
    currency: Option<&Currency>,
) -> Result<(), Flaw> {
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
fn not_plain(text: &str) -> Flaw {
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

/// What is odd about an account number that passed: digits that a spreadsheet cannot keep.
pub(super) fn account_warning(text: &str) -> Option<Flaw> {
    let lost = text.len() > 15 && text.as_bytes()[15..].iter().all(|&byte| byte == b'0');
    lost.then(|| {
        flaw(
            Code::DigitsLost,
            "a spreadsheet keeps 15 digits, and all that follow here are zero",
            "compare the number with the original",
        )
    })
}

/// What is odd about a phone number that passed.
pub(super) fn phone_warning(text: &str) -> Option<Flaw> {
    let lost = matches!(text.len(), 8 | 9) && !text.starts_with('0');
    lost.then(|| {
        let message = "the number does not begin with 0, so a zero may be lost";
        flaw(Code::LeadingZeroLost, message, "format the column as text in the spreadsheet")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(column: Column, value: &str) -> Option<Code> {
        let checked = text(column, value.as_bytes(), 0).and_then(|text| check(column, text));
        checked.err().map(|flaw| flaw.code)
    }

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
            let got = amount(text, Some(&currency)).map(|amount| amount.to_string());
            assert_eq!(got.as_deref().map_err(|flaw| flaw.code), *expected, "{text} {code}");
        }
    }

    #[test]
    fn a_point_before_three_digits_is_asked_about_not_read_as_one() {
        let flaw = amount("1.000", Some(&Currency::Khr)).unwrap_err();
        assert!(flaw.hint.contains("write 1000"), "{}", flaw.hint);
    }

    #[test]
    fn accounts_are_digits_and_keep_their_zeros() {
        let column = Column::BankAccountNumber;
        assert_eq!(code(column, "000123456"), None);
        assert_eq!(code(column, " 000123456\t"), None);
        assert_eq!(code(column, "1.23457E+11"), Some(Code::ScientificNotation));
        assert_eq!(code(column, "=\"00123\""), Some(Code::SpreadsheetFormula));
        assert_eq!(code(column, "'00123"), Some(Code::LeadingApostrophe));
        assert_eq!(code(column, "123456789.0"), Some(Code::AccountDigits));
        assert_eq!(code(column, "000 123 456"), Some(Code::AccountDigits));
        assert_eq!(code(column, "000\u{a0}123"), Some(Code::InvisibleCharacter));
        assert_eq!(code(column, "០០០១២៣"), Some(Code::ForeignDigits));
        assert_eq!(code(column, &"1".repeat(65)), Some(Code::TooLong));
        assert_eq!(code(column, "#REF!"), Some(Code::SpreadsheetError));
        assert_eq!(code(column, "######"), Some(Code::SpreadsheetError));
    }

    #[test]
    fn digits_after_the_fifteenth() {
        assert!(account_warning("1234567890123450").is_some());
        assert!(account_warning("1234567890123456").is_none());
        assert!(account_warning("123456789012340").is_none());
    }

    #[test]
    fn phones_emails_banks_currencies() {
        let cases = [
            (Column::PhoneNumber, "012345678", None),
            (Column::PhoneNumber, "85512345678", None),
            (Column::PhoneNumber, "+85512345678", Some(Code::PhoneFormat)),
            (Column::PhoneNumber, "012 345 678", Some(Code::PhoneFormat)),
            (Column::PhoneNumber, "12345", Some(Code::PhoneFormat)),
            (Column::PhoneNumber, "8.5512E+10", Some(Code::ScientificNotation)),
            (Column::Email, "sok.dara+1@example.com", None),
            (Column::Email, "sok.dara@example", Some(Code::EmailFormat)),
            (Column::Email, "a@b@example.com", Some(Code::EmailFormat)),
            (Column::Email, "a@example..com", Some(Code::EmailFormat)),
            (Column::Email, "a b@example.com", Some(Code::EmailFormat)),
            (Column::Email, "a@example.com\u{200b}", Some(Code::InvisibleCharacter)),
            (Column::Bic, "WING", None),
            (Column::Bic, "ABAAKHPP", None),
            (Column::Bic, "ACLBKHPPXXX", None),
            (Column::Bic, "abaakhpp", Some(Code::BicShape)),
            (Column::Bic, "ABA Bank", Some(Code::BicShape)),
            (Column::Currency, "KHR", None),
            (Column::Currency, "usd", Some(Code::CurrencyUnknown)),
            (Column::Currency, "THB", Some(Code::CurrencyUnknown)),
            (Column::Postcode, "012345", None),
            (Column::Postcode, "1.2E+05", Some(Code::ScientificNotation)),
        ];
        for (column, value, expected) in cases {
            assert_eq!(code(column, value), expected, "{value}");
        }
        assert!(phone_warning("12345678").is_some());
        assert!(phone_warning("85512345678").is_none());
    }

    #[test]
    fn references_hold_no_look_alikes_and_names_hold_any_script() {
        assert_eq!(code(Column::Reference, "PAY-2026/001"), None);
        assert_eq!(code(Column::Reference, "បៀវត្ស-1"), None);
        assert_eq!(code(Column::Reference, "2E10"), None, "somebody's reference");
        assert_eq!(code(Column::Reference, "РAY-1"), Some(Code::LookAlike));
        assert_eq!(code(Column::Reference, "ＰAY-1"), Some(Code::LookAlike));
        assert_eq!(code(Column::Reference, "PAY\u{200b}1"), Some(Code::InvisibleCharacter));
        assert_eq!(code(Column::Reference, "1.23457E+11"), Some(Code::ScientificNotation));
        assert_eq!(code(Column::FirstName, "សុខ\u{200b}ដារ៉ា"), None);
        assert_eq!(code(Column::FirstName, "O'Neil"), None);
        assert_eq!(code(Column::Address, "#12, St 5\nPhnom Penh"), None);
        assert_eq!(code(Column::LastName, "So\nk"), Some(Code::LineBreak));
        assert_eq!(code(Column::LastName, "So\u{7}k"), Some(Code::ControlCharacter));
        assert_eq!(code(Column::LastName, "So\0k"), Some(Code::NulByte));
        assert_eq!(code(Column::LastName, "=HYPERLINK(1)"), Some(Code::SpreadsheetFormula));
        assert_eq!(code(Column::Body, &"x".repeat(256)), Some(Code::TooLong));
    }
}
