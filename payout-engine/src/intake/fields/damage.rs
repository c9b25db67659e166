//! What spreadsheets do to values: numbers made of text, formulas, errors, digits and zeros lost.

use memchr::memchr2;

use super::{Flaw, flaw, is_numeric};
use crate::intake::finding::Code;
use crate::intake::heading::Column;
use crate::intake::records::Cell;

const AS_TEXT: &str = "format the column as text in the spreadsheet, enter the value again and \
                       export the file";

/// What a spreadsheet does to values that it takes for numbers or formulas.
#[inline]
pub(super) fn check(column: Column, text: &str) -> Result<(), Box<Flaw>> {
    // All that is looked for here begins with a sign or a digit.
    if text.starts_with(|c: char| c.is_ascii_alphabetic()) { Ok(()) } else { damage(column, text) }
}

/// [`check`] for a text that begins with no letter.
fn damage(column: Column, text: &str) -> Result<(), Box<Flaw>> {
    if text.starts_with('=') {
        let message = "the value is a spreadsheet formula, not text";
        return Err(flaw(Code::SpreadsheetFormula, message, AS_TEXT));
    }
    let errors = ["#REF!", "#N/A", "#VALUE!", "#NAME?", "#DIV/0!", "#NUM!", "#NULL!"];
    let is_error = || errors.contains(&text) || (text.len() > 2 && text.bytes().all(|b| b == b'#'));
    if text.starts_with('#') && is_error() {
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

/// Judges a cell of a workbook that is no text. What is let through is judged as text besides.
pub(super) fn cell(column: Column, cell: Cell) -> Result<(), Box<Flaw>> {
    match cell {
        Cell::Text => Ok(()),
        Cell::Number if is_text_of_digits(column) => {
            let message = "the cell holds a number, not text: leading zeros and digits after the \
                           15th are lost";
            let hint = "format the column as text before typing, then type the value again";
            Err(flaw(Code::NumericCell, message, hint))
        }
        Cell::Number => Ok(()),
        Cell::Formula => {
            let message = "the cell holds a formula, and its result can change";
            let hint = "copy the column and paste it over itself as values";
            Err(flaw(Code::SpreadsheetFormula, message, hint))
        }
        Cell::Error => {
            let hint = "repair the cell in the spreadsheet";
            Err(flaw(Code::SpreadsheetError, "the value is a spreadsheet's error", hint))
        }
        Cell::Date | Cell::Boolean => {
            let kind = if cell == Cell::Date { "a date" } else { "TRUE or FALSE" };
            let message = format!("the cell holds {kind}, not text");
            Err(flaw(Code::CellKind, message, AS_TEXT))
        }
    }
}

/// Columns whose digits are no number, so that a number in them is damage.
fn is_text_of_digits(column: Column) -> bool {
    matches!(column, Column::BankAccountNumber | Column::PhoneNumber | Column::Postcode)
}

/// `1.23457E+11`; with `any_exponent` also `1e3`, which elsewhere may be somebody's reference.
fn is_scientific(text: &str, any_exponent: bool) -> bool {
    let Some(at) = memchr2(b'e', b'E', text.as_bytes()) else { return false };
    let (digits, exponent) = (&text[..at], &text[at + 1..]);
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let digits = digits.strip_prefix('-').unwrap_or(digits);
    let (whole, fraction) = digits.split_once(['.', ',']).unwrap_or((digits, "0"));
    let power = exponent.strip_prefix(['+', '-']);
    all_digits(whole)
        && all_digits(fraction)
        && all_digits(power.unwrap_or(exponent))
        && (any_exponent || power.is_some())
}

/// What is odd about an account number that passed: digits that a spreadsheet cannot keep.
pub(in crate::intake) fn account_warning(text: &str) -> Option<Box<Flaw>> {
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
pub(in crate::intake) fn phone_warning(text: &str) -> Option<Box<Flaw>> {
    let lost = matches!(text.len(), 8 | 9) && !text.starts_with('0');
    lost.then(|| {
        let message = "the number does not begin with 0, so a zero may be lost";
        let hint = "format the column as text in the spreadsheet before typing; account numbers \
                    may have lost their zeros as well";
        flaw(Code::LeadingZeroLost, message, hint)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_after_the_fifteenth() {
        assert!(account_warning("1234567890123450").is_some());
        assert!(account_warning("1234567890123456").is_none());
        assert!(account_warning("123456789012340").is_none());
    }
}
