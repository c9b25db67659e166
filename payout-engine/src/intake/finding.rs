//! A finding: one thing that is wrong, or odd, in a batch file, with the place and the way out.
//!
//! The texts are written for the person who made the file. A value is shown only as far as it does
//! not identify anybody: [`shown`] is the one place that decides this.

use std::fmt;

use kess_gateway::mask_account;

use super::heading::Column;

/// One problem or warning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Physical line of the file, from 1.
    pub line: u64,
    /// Row of the file: the first record below the heading is 1, blank ones are not counted.
    /// `None` for what concerns the file as a whole: such a problem cannot be skipped.
    pub row: Option<u64>,
    /// Heading of the column, as the contract spells it, or as the file does where it is unknown.
    pub column: Option<String>,
    /// What kind of finding it is; stable, for programs.
    pub code: Code,
    /// The value, masked where it identifies a person or an account.
    pub value: Option<String>,
    /// What is wrong, in one sentence.
    pub message: String,
    /// What to do about it.
    pub hint: String,
}

impl Finding {
    /// A finding about the file as a whole.
    pub(super) fn file(line: u64, code: Code, message: String, hint: &str) -> Self {
        Self { line, row: None, column: None, code, value: None, message, hint: hint.to_owned() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}", self.line)?;
        if let Some(column) = &self.column {
            write!(f, ", {column}")?;
        }
        write!(f, ": {}", self.message)
    }
}

macro_rules! codes {
    ($($(#[$meta:meta])* $variant:ident = $text:literal,)*) => {
        /// The kinds of findings. Their texts are part of what users script against.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Code { $($(#[$meta])* $variant,)* }

        impl Code {
            /// Every code there is.
            pub const ALL: &'static [Code] = &[$(Code::$variant,)*];

            /// The code as it is printed: lower case, with underscores.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Code::$variant => $text,)* }
            }
        }
    };
}

codes! {
    /// The file holds no byte, or blank lines only.
    EmptyFile = "empty_file",
    /// The first bytes are those of an old workbook, a PDF, an archive or a web page.
    WrongFileType = "wrong_file_type",
    /// The file is no workbook that can be read, though it begins as one.
    DamagedWorkbook = "damaged_workbook",
    /// The workbook would take too much memory.
    WorkbookTooLarge = "workbook_too_large",
    /// More than one sheet of the workbook has a heading.
    SeveralSheets = "several_sheets",
    /// No line of the file looks like a heading.
    NoHeading = "no_heading",
    /// Lines stand above the heading.
    LinesAboveHeading = "lines_above_heading",
    /// A required column is missing.
    MissingColumn = "missing_column",
    /// Two columns claim the same meaning.
    DuplicateColumn = "duplicate_column",
    /// There is a heading and no row.
    NoRows = "no_rows",
    /// A quote is opened and never closed.
    UnclosedQuote = "unclosed_quote",
    /// Text follows a closing quote.
    TextAfterQuote = "text_after_quote",
    /// A field in quotes holds what looks like whole rows.
    SwallowedRows = "swallowed_rows",
    /// A row is longer than any row can be.
    RowTooLong = "row_too_long",
    /// So many quotes are broken that reading on would be guessing.
    TooManyBrokenQuotes = "too_many_broken_quotes",
    /// The row has more or fewer fields than the heading.
    RaggedRow = "ragged_row",
    /// The last row ends early and without a line end.
    CutOff = "cut_off",
    /// The heading stands a second time among the rows.
    RepeatedHeading = "repeated_heading",
    /// Another heading stands among the rows, with other columns.
    OtherHeading = "other_heading",
    /// The row is a total, not a payout.
    TotalRow = "total_row",
    /// The bytes are not UTF-8.
    NotUtf8 = "not_utf8",
    /// The file is UTF-16, and half of a character stands alone.
    LoneSurrogate = "lone_surrogate",
    /// A zero byte.
    NulByte = "nul_byte",
    /// A control character.
    ControlCharacter = "control_character",
    /// A line break where none can be.
    LineBreak = "line_break",
    /// A no-break or zero-width blank, or another character that nobody sees.
    InvisibleCharacter = "invisible_character",
    /// Digits of another script.
    ForeignDigits = "foreign_digits",
    /// Letters that look like others.
    LookAlike = "look_alike",
    /// A required value is missing.
    Missing = "missing",
    /// The value is longer than the gateway takes.
    TooLong = "too_long",
    /// A spreadsheet turned the number into scientific notation.
    ScientificNotation = "scientific_notation",
    /// The cell is a number where its digits are text.
    NumericCell = "numeric_cell",
    /// The cell is a date, or TRUE or FALSE.
    CellKind = "cell_kind",
    /// The value is a spreadsheet formula.
    SpreadsheetFormula = "spreadsheet_formula",
    /// The value is a spreadsheet's error.
    SpreadsheetError = "spreadsheet_error",
    /// An apostrophe that a spreadsheet uses to mark text.
    LeadingApostrophe = "leading_apostrophe",
    /// The amount is not a plain decimal.
    AmountFormat = "amount_format",
    /// The amount has separators, which mean different things in different countries.
    AmountSeparator = "amount_separator",
    /// The amount carries a currency sign.
    AmountCurrencySign = "amount_currency_sign",
    /// The amount is not above zero.
    AmountNotPositive = "amount_not_positive",
    /// The amount has more decimals than its currency.
    AmountDecimals = "amount_decimals",
    /// The amount is larger than anything that can be signed exactly.
    AmountTooLarge = "amount_too_large",
    /// The currency is not USD or KHR.
    CurrencyUnknown = "currency_unknown",
    /// The bank's code has not the shape of one.
    BicShape = "bic_shape",
    /// The account number holds something other than digits.
    AccountDigits = "account_digits",
    /// The phone number is not one.
    PhoneFormat = "phone_format",
    /// The email address is not one.
    EmailFormat = "email_format",
    /// The reference stands in another row as well.
    DuplicateReference = "duplicate_reference",
    /// The recipient's data do not fit into the sealed block.
    CustomerTooLarge = "customer_too_large",
    /// Warning: the workbook has other sheets, which are not read.
    OtherSheets = "other_sheets",
    /// Warning: blank rows were passed over.
    BlankRows = "blank_rows",
    /// Warning: the last line has no line end, and its last value could be cut without a trace.
    NoLineEnd = "no_line_end",
    /// Warning: two references differ in upper and lower case only.
    ReferenceCase = "reference_case",
    /// Warning: two references look the same and are not.
    ReferenceAlike = "reference_alike",
    /// Warning: the same account gets the same amount more than once.
    SamePayeeAndAmount = "same_payee_and_amount",
    /// Warning: the account number ends as if digits after the 15th were lost.
    DigitsLost = "digits_lost",
    /// Warning: a leading zero seems to be lost.
    LeadingZeroLost = "leading_zero_lost",
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The most characters of a value that are shown.
const SHOWN: usize = 40;

/// The value as it may be shown for `column`: masked where it is personal, without characters that
/// would steer a terminal, and never longer than a glance.
///
/// Nothing is shown as nothing: a mask would look like a value.
pub(super) fn shown(column: Column, value: &str) -> String {
    if value.is_empty() {
        return String::new();
    }
    let clean = |text: &str| -> String {
        let mut out: String = text.escape_debug().to_string().replace("\\'", "'");
        out = out.replace("\\\"", "\"");
        if out.chars().count() > SHOWN {
            out = out.chars().take(SHOWN - 1).collect();
            out.push('…');
        }
        out
    };
    match column {
        Column::BankAccountNumber | Column::PhoneNumber => clean(&mask_account(value)),
        Column::Email => {
            let domain = value.rfind('@').map_or("", |at| &value[at..]);
            format!("{}****{}", clean(&first(value)), clean(domain))
        }
        Column::FirstName
        | Column::LastName
        | Column::HolderName
        | Column::Address
        | Column::City
        | Column::Postcode => format!("{}****", clean(&first(value))),
        Column::Reference | Column::Bic | Column::Amount | Column::Currency | Column::Body => {
            clean(value)
        }
    }
}

fn first(value: &str) -> String {
    value.chars().take(1).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn personal_values_are_masked_and_nothing_steers_a_terminal() {
        let cases = [
            (Column::BankAccountNumber, "000123456", "00****456"),
            (Column::PhoneNumber, "012345678", "01****678"),
            (Column::Email, "sok.dara@example.com", "s****@example.com"),
            (Column::Email, "sok.dara", "s****"),
            (Column::FirstName, "Dara", "D****"),
            (Column::FirstName, "", ""),
            (Column::Email, "", ""),
            (Column::BankAccountNumber, "", ""),
            (Column::Amount, "1,234.50", "1,234.50"),
            (Column::Amount, "\u{1b}[2J", "\\u{1b}[2J"),
            (Column::Reference, "PAY-'1'", "PAY-'1'"),
        ];
        for (column, value, expected) in cases {
            assert_eq!(shown(column, value), expected);
        }
        assert_eq!(shown(Column::Body, &"x".repeat(300)).chars().count(), SHOWN);
    }

    #[test]
    fn codes_are_told_apart_by_their_text() {
        let texts: std::collections::BTreeSet<_> = Code::ALL.iter().map(|c| c.as_str()).collect();
        assert_eq!(texts.len(), Code::ALL.len());
    }
}
