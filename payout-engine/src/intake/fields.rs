//! The rules of single fields: what a value must look like to be believed.
//!
//! A rule says yes or no and, for a no, what is wrong and what to type instead. It never repairs:
//! blanks around a value are dropped, and nothing else is changed, because a repaired account
//! number or amount is a guess about somebody's money.

mod amount;
mod damage;

use std::str::Utf8Error;

use kess_gateway::Currency;
use memchr::memchr;

pub(super) use amount::{amount, units};
pub(super) use damage::{account_warning, phone_warning};

use super::encoding::Encoding;
use super::finding::Code;
use super::heading::Column;
use super::records::{Field, Origin, Record};

/// Why a value is refused, before it is known where it stands. It is boxed wherever it goes: nearly
/// every value passes, and what says so fits into a register then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Flaw {
    pub(super) code: Code,
    pub(super) message: String,
    pub(super) hint: String,
}

pub(super) fn flaw(code: Code, message: impl Into<String>, hint: impl Into<String>) -> Box<Flaw> {
    Box::new(Flaw { code, message: message.into(), hint: hint.into() })
}

/// The longest reference, in characters.
const REFERENCE_CHARS: usize = 100;

/// The longest email address, in characters (RFC 5321).
const EMAIL_CHARS: usize = 254;

/// What is no longer than this, in characters, is too long in no column.
const SHORT: usize = 50;

/// How many characters the gateway takes, for the columns where it says so.
fn longest(column: Column) -> Option<usize> {
    match column {
        Column::Reference => Some(REFERENCE_CHARS),
        Column::BankAccountNumber => Some(64),
        Column::Email => Some(EMAIL_CHARS),
        Column::Body => Some(255),
        Column::Address => Some(1000),
        Column::City => Some(500),
        Column::Postcode => Some(SHORT),
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
pub(super) fn is_numeric(column: Column) -> bool {
    use Column::{Amount, BankAccountNumber, PhoneNumber, Postcode, Reference};
    matches!(column, Reference | PhoneNumber | BankAccountNumber | Amount | Postcode)
}

/// The text of a field, without the blanks around it.
#[inline(always)]
pub(super) fn text<'a>(
    column: Column,
    record: &Record<'a>,
    place: usize,
) -> Result<&'a str, Box<Flaw>> {
    record.plain(place).map_or_else(|| trimmed(column, record.field(place)), Ok)
}

/// [`text`] of a field that anything can be in.
fn trimmed(column: Column, field: Field<'_>) -> Result<&str, Box<Flaw>> {
    damage::cell(column, field.cell)?;
    let text = field.text().map_err(|error| undecodable(field, error))?;
    let text = if is_exact(column) { text.trim_matches([' ', '\t']) } else { text.trim() };
    // Of the characters of UTF-8, those from U+0080 to U+009F begin with the byte C2.
    if text.bytes().any(|byte| matches!(byte, 0..=0x1f | 0x7f | 0xc2)) {
        controls(column, text)?;
    }
    Ok(text)
}

/// Characters that are none.
fn controls(column: Column, text: &str) -> Result<(), Box<Flaw>> {
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
    Ok(())
}

/// What is wrong with bytes that are no text. The place is given so that it can be looked at; which
/// character was meant is for the person to say who wrote it.
pub(super) fn undecodable(field: Field<'_>, error: Utf8Error) -> Box<Flaw> {
    let Origin { offset, encoding } = field.origin;
    let at = encoding.bytes_in_file(&field.bytes[..error.valid_up_to()]) + 1;
    let place =
        format!("byte {at} of the field, in the row that begins at byte {offset} of the file");
    if encoding == Encoding::Utf8 {
        let message = format!("the text is not UTF-8 ({place})");
        let hint = "save the file as \"CSV UTF-8\"; no character was replaced";
        flaw(Code::NotUtf8, message, hint)
    } else {
        let message = format!("half of a UTF-16 character stands alone ({place})");
        let hint = "the file is damaged: export it again as \"CSV UTF-8\"";
        flaw(Code::LoneSurrogate, message, hint)
    }
}

/// Checks `text`, which is not empty, against every rule of `column` but those of amounts.
/// `is_plain` says that it is known to be so.
#[inline(always)]
pub(super) fn check(column: Column, text: &str, is_plain: bool) -> Result<(), Box<Flaw>> {
    let is_digits = text.bytes().all(|byte| byte.is_ascii_digit());
    // In digits there is nothing to be found of what happens to a value.
    if !is_digits {
        damage::check(column, text)?;
        if is_exact(column) {
            characters(column, text, is_plain)?;
        }
    }
    // No text has more characters than bytes.
    if text.len() > SHORT {
        length(column, text)?;
    }
    match column {
        Column::BankAccountNumber => account(is_digits),
        Column::PhoneNumber => phone(text, is_digits),
        Column::Email => email(text),
        Column::Bic => bic(text),
        Column::Currency => currency(text).map(drop),
        _ => Ok(()),
    }
}

/// More characters than the gateway takes.
fn length(column: Column, text: &str) -> Result<(), Box<Flaw>> {
    let Some(most) = longest(column).filter(|&most| text.len() > most) else { return Ok(()) };
    let count = text.chars().count();
    if count <= most {
        return Ok(());
    }
    let message = format!("{count} characters, and the gateway takes {most}");
    Err(flaw(Code::TooLong, message, "shorten it"))
}

/// Characters that nobody sees, digits of other scripts, letters that look like others.
#[inline]
fn characters(column: Column, text: &str, is_plain: bool) -> Result<(), Box<Flaw>> {
    if is_plain { Ok(()) } else { foreign(column, text) }
}

/// [`characters`] for a text with one that not every keyboard has.
#[cold]
fn foreign(column: Column, text: &str) -> Result<(), Box<Flaw>> {
    for (at, c) in text.chars().enumerate() {
        let place = || format!("U+{:04X} at position {}", u32::from(c), at + 1);
        if is_invisible(c) {
            let message = format!("a character that nobody sees is in the value: {}", place());
            return Err(flaw(Code::InvisibleCharacter, message, "type the value again by hand"));
        }
        if c.is_numeric() && !c.is_ascii() {
            let message = format!("a digit of another script is in the value: {}", place());
            return Err(flaw(Code::ForeignDigits, message, "use the digits 0 to 9"));
        }
        if column == Column::Reference && looks_like_another(c) {
            let message =
                format!("a letter that looks like a Latin one is in the value: {}", place());
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

fn account(is_digits: bool) -> Result<(), Box<Flaw>> {
    if is_digits {
        return Ok(());
    }
    let message = "an account number is digits only";
    let hint = "write the digits without blanks, dashes or a decimal point; leading zeros count";
    Err(flaw(Code::AccountDigits, message, hint))
}

fn phone(text: &str, is_digits: bool) -> Result<(), Box<Flaw>> {
    if (6..=15).contains(&text.len()) && is_digits {
        return Ok(());
    }
    let message = "a phone number is 6 to 15 digits, and nothing else";
    Err(flaw(Code::PhoneFormat, message, "write it as 012345678 or 85512345678"))
}

fn email(text: &str) -> Result<(), Box<Flaw>> {
    // Of all blanks only this one comes here; the others are characters that nobody sees.
    let is_refused = |byte| {
        matches!(
            byte,
            b'(' | b')' | b'<' | b'>' | b',' | b';' | b':' | b'\\' | b'"' | b'[' | b']' | b' '
        )
    };
    // Labels with a point between each two of them, and one point at least.
    let is_domain = |domain: &str| {
        let (mut points, mut label) = (0, 0);
        for byte in domain.bytes() {
            match byte {
                b'.' if label > 0 => (points, label) = (points + 1, 0),
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | 0x80.. => label += 1,
                _ => return false,
            }
        }
        let is_letter = |c: char| c.is_ascii() || c.is_alphanumeric();
        points > 0 && label > 0 && (domain.is_ascii() || domain.chars().all(is_letter))
    };
    let good = memchr(b'@', text.as_bytes()).is_some_and(|at| {
        at > 0 && !text.bytes().take(at).any(is_refused) && is_domain(&text[at + 1..])
    });
    if good {
        return Ok(());
    }
    let message = "this is not an email address";
    Err(flaw(Code::EmailFormat, message, "write one address, such as dara@example.com"))
}

fn bic(text: &str) -> Result<(), Box<Flaw>> {
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
#[inline]
pub(super) fn currency(text: &str) -> Result<&'static Currency, Box<Flaw>> {
    match text {
        "USD" => Ok(&Currency::Usd),
        "KHR" => Ok(&Currency::Khr),
        _ => {
            let hint = match text.to_uppercase().as_str() {
                code @ ("USD" | "KHR") => format!("write {code}"),
                _ => "write USD or KHR".to_owned(),
            };
            Err(flaw(Code::CurrencyUnknown, "the currency is neither USD nor KHR", hint))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(column: Column, value: &str) -> Option<Code> {
        let checked = trimmed(column, Field::of(value)).and_then(|text| check(column, text, false));
        checked.err().map(|flaw| flaw.code)
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
