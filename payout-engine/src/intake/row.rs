//! Makes a payout of a record, or says everything that stands against it.

use std::str::Utf8Error;

use kess_gateway::{Amount, Currency, Money, Sensitive};
use serde::Serialize;

use super::Findings;
use super::duplicates::{Payment, Place};
use super::fields::{self, Flaw, flaw};
use super::finding::{Code, Finding, shown};
use super::heading::{Column, Heading};
use super::records::{Field, Record};
use crate::payout::{NewPayout, Payee, Reason};

/// What every row of a file is read by.
pub(super) struct Rules {
    pub(super) heading: Heading,
    /// What the sealed block can hold, in bytes.
    pub(super) capacity: usize,
}

/// A row that was read, with the values that a check wants of it. The others stay where the file
/// has them, so that a row is small.
pub(super) struct Row<'a> {
    record: Record<'a>,
    rules: &'a Rules,
    pub(super) place: Place,
    /// Empty where it is missing or refused.
    pub(super) reference: &'a str,
    /// Empty where it is missing or refused.
    account: &'a str,
    /// Empty where it is missing or refused.
    bic: &'a str,
    refused: Columns,
    /// The amount in the smallest unit of the currency; zero where it is refused.
    pub(super) units: u64,
    /// Nothing where it is refused.
    currency: Option<&'static Currency>,
    /// The first reason why the row is not valid.
    invalid: Option<Box<Reason>>,
}

impl<'a> Row<'a> {
    /// The value of a column; empty where it is missing or refused.
    fn value(&self, column: Column) -> &'a str {
        let place = self.rules.heading.place(column).filter(|_| !self.refused.has(column));
        let text = place.map(|place| fields::text(column, &self.record, place));
        text.and_then(Result::ok).unwrap_or_default()
    }

    /// What the row pays, and to whom; nothing where it is not valid.
    #[inline]
    pub(super) fn payment(&self) -> Option<Payment<&'a str>> {
        let currency = self.currency.filter(|_| self.invalid.is_none())?;
        Some(Payment { bic: self.bic, account: self.account, units: self.units, currency })
    }

    /// Amount and currency; zero where they cannot be read, which no valid row is.
    fn money(&self) -> Money {
        let money = self.currency.and_then(|currency| {
            let amount = fields::units(self.units.into(), currency)?;
            Money::new(amount, currency.clone()).ok()
        });
        money.unwrap_or_else(|| nothing(self.currency.cloned()))
    }

    /// The payout of the row, which is at `place` of the file.
    pub(super) fn into_payout(self, place: Place) -> NewPayout {
        let sensitive = |column| Sensitive::from(self.value(column).to_owned());
        let optional = |column| (!self.value(column).is_empty()).then(|| sensitive(column));
        let body = self.value(Column::Body);
        let extra = |(at, name): &(usize, String)| {
            let text = extra(self.record.field(*at)).ok()?;
            Some((name.clone(), text.to_owned()))
        };
        NewPayout {
            row: place.row,
            line: place.line,
            reference: self.reference.to_owned(),
            payee: Payee {
                first_name: sensitive(Column::FirstName),
                last_name: sensitive(Column::LastName),
                holder_name: optional(Column::HolderName),
                phone_number: sensitive(Column::PhoneNumber),
                email: sensitive(Column::Email),
                bank_account_number: Sensitive::from(self.account.to_owned()),
                bic: self.bic.to_owned(),
                address: optional(Column::Address),
                city: optional(Column::City),
                postcode: optional(Column::Postcode),
            },
            money: self.money(),
            body: (!body.is_empty()).then(|| body.to_owned()),
            extra: self.rules.heading.unknown().iter().filter_map(extra).collect(),
            invalid: self.invalid.map(|reason| *reason),
        }
    }
}

/// A set of columns.
#[derive(Debug, Clone, Copy, Default)]
struct Columns(u16);

impl Columns {
    fn add(&mut self, column: Column) {
        self.0 |= 1 << column as u16;
    }

    fn has(self, column: Column) -> bool {
        self.0 & 1 << column as u16 != 0
    }
}

/// Reads the fields of one record and collects what is wrong with them.
pub(super) struct RowReader<'a, 'f> {
    record: Record<'a>,
    rules: &'a Rules,
    place: Place,
    findings: &'f mut Findings,
    before: usize,
    refused: Columns,
}

impl<'a, 'f> RowReader<'a, 'f> {
    pub(super) fn new(
        record: Record<'a>,
        rules: &'a Rules,
        place: Place,
        findings: &'f mut Findings,
    ) -> Self {
        let before = findings.problems.len();
        Self { record, rules, place, findings, before, refused: Columns::default() }
    }

    /// The row, valid or with the first reason why not.
    #[inline]
    pub(super) fn read(mut self) -> Row<'a> {
        let reference = self.value(Column::Reference);
        let first_name = self.value(Column::FirstName);
        let last_name = self.value(Column::LastName);
        let phone_number = self.value(Column::PhoneNumber);
        let email = self.value(Column::Email);
        let account = self.value(Column::BankAccountNumber);
        let bic = self.value(Column::Bic);
        let currency = self.currency();
        let units = self.units(currency).unwrap_or_default();
        self.value(Column::HolderName);
        self.value(Column::Body);
        let address = self.value(Column::Address);
        let city = self.value(Column::City);
        let postcode = self.value(Column::Postcode);
        self.warn(Column::PhoneNumber, phone_number, fields::phone_warning(phone_number));
        self.warn(Column::BankAccountNumber, account, fields::account_warning(account));
        let sealed = Sealed { phone_number, email, first_name, last_name, address, city, postcode };
        if let Some((column, flaw)) = sealed.overflow(self.rules.capacity) {
            // The value by itself is good, and stays.
            let value = shown(column, sealed.value(column));
            self.refuse_as(column.name().to_owned(), Some(value), *flaw);
        }
        self.check_extra();
        Row {
            record: self.record,
            rules: self.rules,
            place: self.place,
            reference,
            account,
            bic,
            refused: self.refused,
            units,
            currency,
            invalid: self.reason(),
        }
    }

    /// The value of a column; empty where there is none, and, with a problem, where it is refused
    /// or missing though it is required.
    ///
    /// This and what it calls for every value are compiled for each column by themselves: what the
    /// others would have been asked then costs nothing.
    #[inline(always)]
    fn value(&mut self, column: Column) -> &'a str {
        let Some(place) = self.rules.heading.place(column) else { return "" };
        let text = self.text(column, place).filter(|text| !text.is_empty());
        let Some(text) = text else { return "" };
        match fields::check(column, text, self.record.is_plain(place)) {
            Ok(()) => text,
            Err(flaw) => {
                self.refuse(column, text, *flaw);
                ""
            }
        }
    }

    /// The text of a column; `None`, with a problem, where there is no reading it.
    #[inline(always)]
    fn text(&mut self, column: Column, place: usize) -> Option<&'a str> {
        match fields::text(column, &self.record, place) {
            Ok("") if column.is_required() => {
                let message = format!("`{}` is missing", column.name());
                self.refuse(column, "", *flaw(Code::Missing, message, "fill it in"));
                None
            }
            Ok(text) => Some(text),
            Err(flaw) => {
                let bytes = self.record.field(place).bytes;
                self.refuse(column, &String::from_utf8_lossy(bytes), *flaw);
                None
            }
        }
    }

    #[inline]
    fn currency(&mut self) -> Option<&'static Currency> {
        let place = self.rules.heading.place(Column::Currency)?;
        let text = self.text(Column::Currency, place)?;
        let checked = fields::check(Column::Currency, text, self.record.is_plain(place));
        match checked.and_then(|()| fields::currency(text)) {
            Ok(currency) => Some(currency),
            Err(flaw) => {
                self.refuse(Column::Currency, text, *flaw);
                None
            }
        }
    }

    /// The amount, in the smallest unit of the currency.
    #[inline]
    fn units(&mut self, currency: Option<&Currency>) -> Option<u64> {
        let place = self.rules.heading.place(Column::Amount)?;
        let text = self.text(Column::Amount, place)?;
        match fields::amount(text, self.record.is_plain(place), currency) {
            Ok(units) => Some(units),
            Err(flaw) => {
                self.refuse(Column::Amount, text, *flaw);
                None
            }
        }
    }

    /// The columns that are not known, which are passed on as they stand in the file.
    fn check_extra(&mut self) {
        for (place, name) in self.rules.heading.unknown() {
            // What is plain is a text and holds no zero byte.
            if self.record.is_plain(*place) {
                continue;
            }
            let field = self.record.field(*place);
            let flaw = match extra(field) {
                Ok(_) => continue,
                Err(None) => {
                    let hint = "the file is damaged: export it again";
                    flaw(Code::NulByte, "the text holds a zero byte", hint)
                }
                Err(Some(error)) => fields::undecodable(field, error),
            };
            self.refuse_as(name.clone(), None, *flaw);
        }
    }

    #[cold]
    fn refuse(&mut self, column: Column, value: &str, flaw: Flaw) {
        self.refused.add(column);
        self.refuse_as(column.name().to_owned(), Some(shown(column, value)), flaw);
    }

    fn refuse_as(&mut self, column: String, value: Option<String>, flaw: Flaw) {
        let finding = self.finding(column, value, flaw);
        self.findings.problems.push(finding);
    }

    fn warn(&mut self, column: Column, value: &str, flaw: Option<Box<Flaw>>) {
        if let Some(flaw) = flaw {
            let finding = self.finding(column.name().to_owned(), Some(shown(column, value)), *flaw);
            self.findings.warnings.push(finding);
        }
    }

    fn finding(&self, column: String, value: Option<String>, flaw: Flaw) -> Finding {
        Finding {
            line: self.place.line,
            row: Some(self.place.row),
            column: Some(column),
            code: flaw.code,
            value: value.filter(|value| !value.is_empty()),
            message: flaw.message,
            hint: flaw.hint,
        }
    }

    /// Why the row is refused: its first problem stands for all.
    fn reason(&self) -> Option<Box<Reason>> {
        let first = self.findings.problems.get(self.before)?;
        let column = first.column.as_deref().unwrap_or_default();
        let message = format!("{column}: {}", first.message);
        Some(Box::new(Reason::new(first.code.as_str(), message)))
    }
}

/// The text of a column that is not known. An error where it is none, or holds a zero byte.
fn extra(field: Field<'_>) -> Result<&str, Option<Utf8Error>> {
    let text = field.text().map_err(Some)?;
    if text.contains('\0') { Err(None) } else { Ok(text) }
}

/// A payout for a record that has no fields to read: a ragged one, a total, a second heading.
pub(super) fn unreadable(place: Place, reason: Reason) -> NewPayout {
    let nobody = || Sensitive::from(String::new());
    NewPayout {
        row: place.row,
        line: place.line,
        reference: String::new(),
        payee: Payee {
            first_name: nobody(),
            last_name: nobody(),
            holder_name: None,
            phone_number: nobody(),
            email: nobody(),
            bank_account_number: nobody(),
            bic: String::new(),
            address: None,
            city: None,
            postcode: None,
        },
        money: nothing(None),
        body: None,
        extra: Vec::new(),
        invalid: Some(reason),
    }
}

/// Zero, in the currency of the row where it has one.
fn nothing(currency: Option<Currency>) -> Money {
    #[expect(clippy::expect_used, reason = "zero has no decimals, so every currency takes it")]
    Money::new(Amount::ZERO, currency.unwrap_or(Currency::Usd)).expect("zero fits")
}

/// What is sealed for the gateway: the `customer` object, in the order of its documentation.
#[derive(Serialize)]
struct Sealed<'a> {
    phone_number: &'a str,
    email: &'a str,
    first_name: &'a str,
    last_name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    address: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    city: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    postcode: &'a str,
}

impl<'a> Sealed<'a> {
    /// The largest field, and by how much the block is too long for the key.
    fn overflow(&self, capacity: usize) -> Option<(Column, Box<Flaw>)> {
        if self.most() <= capacity {
            return None;
        }
        let needed = serde_json::to_vec(self).map_or(usize::MAX, |json| json.len());
        let over = needed.checked_sub(capacity).filter(|&over| over > 0)?;
        let columns = [
            Column::Address,
            Column::City,
            Column::Email,
            Column::FirstName,
            Column::LastName,
            Column::Postcode,
            Column::PhoneNumber,
        ];
        let largest = columns.into_iter().max_by_key(|&column| self.value(column).len())?;
        let message = format!(
            "the recipient's data take {needed} bytes when sealed, {over} more than the \
             gateway's key can hold; the longest is `{}`",
            largest.name()
        );
        let hint = "shorten it (a Khmer letter takes 3 bytes), or leave optional columns empty";
        Some((largest, flaw(Code::CustomerTooLarge, message, hint)))
    }

    /// What the block takes at most. Of the characters that JSON escapes with more than one further
    /// byte, only line breaks come here, and these are written in two.
    fn most(&self) -> usize {
        const NAMES: usize = r#"{"phone_number":"","email":"","first_name":"","last_name":"","#
            .len()
            + r#""address":"","city":"","postcode":""}"#.len();
        let values = [
            self.phone_number,
            self.email,
            self.first_name,
            self.last_name,
            self.address,
            self.city,
            self.postcode,
        ];
        NAMES + 2 * values.iter().map(|value| value.len()).sum::<usize>()
    }

    fn value(&self, column: Column) -> &'a str {
        match column {
            Column::PhoneNumber => self.phone_number,
            Column::Email => self.email,
            Column::FirstName => self.first_name,
            Column::LastName => self.last_name,
            Column::Address => self.address,
            Column::City => self.city,
            Column::Postcode => self.postcode,
            _ => "",
        }
    }
}
