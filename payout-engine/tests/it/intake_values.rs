//! Values that a spreadsheet or a keyboard damaged: each refused in its own words, none repaired.

use payout_engine::intake::{Checked, Code};

use crate::intake::{HEADING, accepted, file, problems, refused, row, row_with, warnings};

#[test]
fn spreadsheet_damage_to_accounts() {
    let rows = [
        row_with("A", "1.23457E+11", "10", "USD"),
        row_with("B", "=\"00123\"", "11", "USD"),
        row_with("C", "'00123", "12", "USD"),
        row_with("D", "1234567890123450", "13", "USD"),
    ];
    let checked = refused(
        file(&rows),
        &[
            "2/1/bank_account_number/scientific_notation",
            "3/2/bank_account_number/spreadsheet_formula",
            "4/3/bank_account_number/leading_apostrophe",
        ],
    );
    assert_eq!(warnings(&checked), [(5, Code::DigitsLost)]);
}

#[test]
fn every_problem_of_a_row_is_reported_at_once_and_masked() {
    let text = file(&["A,Dara,,12,nobody,00-123-456,abaakhpp,\"1,000\",usd".to_owned()]);
    let checked = refused(
        text,
        &[
            "2/1/last_name/missing",
            "2/1/phone_number/phone_format",
            "2/1/email/email_format",
            "2/1/bank_account_number/account_digits",
            "2/1/bic/bic_shape",
            "2/1/currency/currency_unknown",
            "2/1/amount/amount_separator",
        ],
    );
    let account = checked.problems[3].value.as_deref().unwrap();
    assert!(account.contains("****") && !account.contains("123-4"), "{account}");
    assert!(checked.problems.iter().all(|p| !p.hint.is_empty() && !p.message.is_empty()));
}

/// Checks one row with `value` in `column`; what is found there.
fn found_in(column: &str, value: &str) -> Checked {
    let values = row("A");
    let mut values: Vec<_> = values.split(',').collect();
    let quoted = format!("\"{value}\"");
    values[HEADING.split(',').position(|name| name == column).unwrap()] = &quoted;
    let text = format!("{HEADING}\n{}\n", values.join(","));
    crate::intake::Batch::of(text).check()
}

#[track_caller]
fn refuses(column: &str, value: &str, code: Code) {
    let checked = found_in(column, value);
    assert_eq!(problems(&checked), [format!("2/1/{column}/{code}")], "{value}");
    assert_eq!((checked.rows, checked.valid), (1, 0), "{value}");
}

#[test]
fn amounts_that_are_no_plain_decimals() {
    use Code::{
        AmountCurrencySign, AmountDecimals, AmountFormat, AmountNotPositive, AmountSeparator,
        AmountTooLarge, ScientificNotation,
    };
    let forty = "4".repeat(40);
    let cases = [
        ("1,234.50", AmountSeparator),
        ("1.000", AmountDecimals),
        ("10,00", AmountSeparator),
        ("10.005", AmountDecimals),
        ("$10", AmountCurrencySign),
        ("(10)", AmountNotPositive),
        ("-0", AmountNotPositive),
        ("NaN", AmountFormat),
        ("1e3", ScientificNotation),
        (&forty, AmountTooLarge),
    ];
    for (amount, code) in cases {
        refuses("amount", amount, code);
    }
    refused(file(&[row_with("A", "1", "100.50", "KHR")]), &["2/1/amount/amount_decimals"]);
    refused(file(&[row_with("A", "1", "100.0", "KHR")]), &["2/1/amount/amount_decimals"]);
}

#[test]
fn scientific_notation_wherever_digits_count() {
    for column in ["reference", "phone_number", "bank_account_number", "amount"] {
        refuses(column, "1.23457E+11", Code::ScientificNotation);
    }
}

#[test]
fn digits_lost_after_the_fifteenth() {
    let checked = accepted(file(&[row_with("A", "1234567890123450000", "1", "USD")]), 1);
    assert_eq!(warnings(&checked), [(2, Code::DigitsLost)]);
    assert!(checked.warnings[0].hint.contains("original"));
}

#[test]
fn leading_zeros_that_a_spreadsheet_ate() {
    let checked = found_in("phone_number", "12345678");
    assert_eq!(warnings(&checked), [(2, Code::LeadingZeroLost)]);
    assert!(checked.warnings[0].hint.contains("account"), "{}", checked.warnings[0].hint);
}

#[test]
fn formulas_and_apostrophes_that_keep_a_text_a_text() {
    for column in ["reference", "phone_number", "bank_account_number"] {
        // Two quotes are one, inside quotes.
        refuses(column, "=\"\"00123\"\"", Code::SpreadsheetFormula);
        refuses(column, "'00123", Code::LeadingApostrophe);
    }
}

#[test]
fn blanks_that_nobody_sees() {
    for unseen in ['\u{a0}', '\u{200b}', '\u{2060}', '\u{202f}', '\u{feff}', '\u{200d}'] {
        for column in ["reference", "bank_account_number", "amount", "bic", "email"] {
            refuses(column, &format!("1{unseen}"), Code::InvisibleCharacter);
            refuses(column, &format!("{unseen}1"), Code::InvisibleCharacter);
        }
    }
}

#[test]
fn digits_of_other_scripts() {
    for digits in ["០១២៣៤៥៦", "０１２３４５６", "٠١٢٣٤٥"] {
        for column in ["reference", "phone_number", "bank_account_number", "amount"] {
            refuses(column, digits, Code::ForeignDigits);
        }
    }
}

#[test]
fn letters_in_references_that_pass_for_latin_ones() {
    for reference in ["РAY-1", "PΑY-1", "ＰAY-1", "ΑΒΓ"] {
        refuses("reference", reference, Code::LookAlike);
    }
    accepted(file(&[row("បៀវត្ស-1")]), 1);
}

#[test]
fn references_that_look_alike() {
    let pairs = [("PAY-01", "PAY-O1"), ("PAY-1", "PAY-l"), ("Jos\u{e9}", "Jose\u{301}")];
    for (one, other) in pairs {
        let rows = [row(one), row_with(other, "000777", "5", "USD")];
        let checked = accepted(file(&rows), 2);
        assert_eq!(warnings(&checked), [(3, Code::ReferenceAlike)], "{one} {other}");
        assert!(checked.warnings[0].message.contains("line 2"));
    }
}
