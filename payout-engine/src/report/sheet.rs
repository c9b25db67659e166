//! The report as CSV: the merchant's columns, then those of the outcome.
//!
//! Whoever opens it does so in a spreadsheet, which takes text for a formula where it begins with
//! the wrong character. Such text gets an apostrophe in front, and only such text.

use std::borrow::Cow;
use std::io::{self, Write};

use super::{ReportRow, plain};

/// The contract's own columns.
pub(super) const COLUMNS: [&str; 14] = [
    "reference",
    "first_name",
    "last_name",
    "phone_number",
    "email",
    "bank_account_number",
    "bic",
    "amount",
    "currency",
    "holder_name",
    "body",
    "address",
    "city",
    "postcode",
];

/// What the engine adds.
const OUTCOME: [&str; 13] = [
    "row",
    "line",
    "status",
    "out_trade_no",
    "account_holder",
    "transaction_id",
    "otp_url",
    "otp_expires_at",
    "attempts",
    "error_code",
    "error_message",
    "warning",
    "updated_at",
];

pub(super) struct Sheet<W: Write> {
    writer: csv::Writer<W>,
    extra: Vec<String>,
}

impl<W: Write> Sheet<W> {
    pub(super) fn begin(mut out: W, extra: &[String]) -> io::Result<Self> {
        // The mark tells spreadsheets that this is UTF-8; without it Khmer names turn to noise.
        out.write_all("\u{feff}".as_bytes())?;
        let mut writer = csv::Writer::from_writer(out);
        let unknown = extra.iter().map(|name| harmless(name));
        let known = COLUMNS.into_iter().map(Cow::Borrowed);
        let headings = known.chain(unknown).chain(OUTCOME.into_iter().map(Cow::Borrowed));
        write(&mut writer, headings)?;
        Ok(Self { writer, extra: extra.to_vec() })
    }

    pub(super) fn row(&mut self, row: &ReportRow) -> io::Result<()> {
        let mut fields = Vec::with_capacity(COLUMNS.len() + self.extra.len() + OUTCOME.len());
        fields.push(harmless(&row.reference));
        fields.extend(original(row).map(|value| Cow::Owned(harmless(&value).into_owned())));
        for name in &self.extra {
            let value = row.extra.iter().find(|(heading, _)| heading == name);
            fields.push(value.map_or(Cow::Borrowed(""), |(_, value)| harmless(value)));
        }
        fields
            .extend(outcome(row).map(Cow::Owned).map(|field| Cow::Owned(harmless(&field).into())));
        write(&mut self.writer, fields)
    }

    pub(super) fn end(mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

/// The merchant's columns but the reference, as they were in the file; empty once personal data was
/// removed.
pub(super) fn original(row: &ReportRow) -> [Cow<'_, str>; 13] {
    let payee = row.payee.as_ref();
    let text = |value: Option<&'_ String>| -> Cow<'_, str> {
        value.map_or(Cow::Borrowed(""), |value| Cow::Owned(value.clone()))
    };
    let currency = row.money.currency();
    [
        text(payee.map(|payee| payee.first_name.expose())),
        text(payee.map(|payee| payee.last_name.expose())),
        text(payee.map(|payee| payee.phone_number.expose())),
        text(payee.map(|payee| payee.email.expose())),
        text(payee.map(|payee| payee.bank_account_number.expose())),
        text(payee.map(|payee| &payee.bic)),
        Cow::Owned(plain(row.money.amount(), currency)),
        Cow::Borrowed(currency.as_str()),
        text(payee.and_then(|payee| payee.holder_name.as_ref()).map(|name| name.expose())),
        text(row.body.as_ref()),
        text(payee.and_then(|payee| payee.address.as_ref()).map(|value| value.expose())),
        text(payee.and_then(|payee| payee.city.as_ref()).map(|value| value.expose())),
        text(payee.and_then(|payee| payee.postcode.as_ref()).map(|value| value.expose())),
    ]
}

fn outcome(row: &ReportRow) -> [String; 13] {
    let optional = |value: &Option<String>| value.clone().unwrap_or_default();
    let error = row.error.as_ref();
    [
        row.row.to_string(),
        row.line.to_string(),
        row.outcome.to_string(),
        optional(&row.out_trade_no),
        optional(&row.holder_name),
        optional(&row.transaction_id),
        optional(&row.otp_url),
        row.otp_expires_at.map_or_else(String::new, |at| at.to_string()),
        row.attempts.to_string(),
        error.map_or_else(String::new, |error| error.code.clone()),
        error.map_or_else(String::new, |error| error.message.clone()),
        row.warning.as_ref().map_or_else(String::new, |warning| warning.message.clone()),
        row.updated_at.to_string(),
    ]
}

pub(super) fn write<'a, W: Write>(
    writer: &mut csv::Writer<W>,
    fields: impl IntoIterator<Item = Cow<'a, str>>,
) -> io::Result<()> {
    for field in fields {
        writer.write_field(field.as_bytes())?;
    }
    writer.write_record(None::<&[u8]>)?;
    Ok(())
}

/// Text that no spreadsheet takes for a formula. A plain number with a sign is none.
pub(super) fn harmless(text: &str) -> Cow<'_, str> {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
    let number = text.len() > 1
        && text.starts_with(['+', '-'])
        && text[1..].bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if formula && !number { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_made_harmless_and_nothing_else_is_touched() {
        let cases = [
            ("=HYPERLINK(\"x\")", "'=HYPERLINK(\"x\")"),
            ("+1+1", "'+1+1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("-2+3", "'-2+3"),
            ("\t=1", "'\t=1"),
            ("+85512345678", "+85512345678"),
            ("000123456", "000123456"),
            ("-", "'-"),
            ("សុខ", "សុខ"),
            ("", ""),
        ];
        for (text, expected) in cases {
            assert_eq!(harmless(text), expected);
        }
    }
}
