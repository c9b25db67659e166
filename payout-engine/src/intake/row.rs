//! Makes a payout of a record, or says everything that stands against it.

use kess_gateway::{Amount, Currency, Money, Sensitive};
use serde::Serialize;

use super::Findings;
use super::duplicates::Place;
use super::fields::{self, Flaw, flaw};
use super::finding::{Code, Finding, shown};
use super::heading::{Column, Heading};
use super::records::Record;
use crate::payout::{NewPayout, Payee, Reason};

/// Reads the fields of one record and collects what is wrong with them.
pub(super) struct RowReader<'a> {
    record: &'a Record,
    heading: &'a Heading,
    place: Place,
    findings: &'a mut Findings,
    before: usize,
}

impl<'a> RowReader<'a> {
    pub(super) fn new(
        record: &'a Record,
        heading: &'a Heading,
        place: Place,
        findings: &'a mut Findings,
    ) -> Self {
        let before = findings.problems.len();
        Self { record, heading, place, findings, before }
    }

    /// The payout of the row, valid or with the first reason why not.
    ///
    /// `capacity` is what the sealed block can hold, in bytes.
    pub(super) fn read(mut self, capacity: usize) -> NewPayout {
        let [reference, first_name, last_name, phone_number, email] = [
            self.value(Column::Reference),
            self.value(Column::FirstName),
            self.value(Column::LastName),
            self.value(Column::PhoneNumber),
            self.value(Column::Email),
        ];
        let account = self.value(Column::BankAccountNumber);
        let bic = self.value(Column::Bic);
        let money = self.money();
        let [holder_name, body, address, city, postcode] = [
            self.optional(Column::HolderName),
            self.optional(Column::Body),
            self.optional(Column::Address),
            self.optional(Column::City),
            self.optional(Column::Postcode),
        ];
        self.warn(Column::PhoneNumber, &phone_number, fields::phone_warning);
        self.warn(Column::BankAccountNumber, &account, fields::account_warning);
        let sealed = Sealed {
            phone_number: &phone_number,
            email: &email,
            first_name: &first_name,
            last_name: &last_name,
            address: address.as_deref(),
            city: city.as_deref(),
            postcode: postcode.as_deref(),
        };
        if let Some((column, flaw)) = sealed.overflow(capacity) {
            let value = sealed.value(column).to_owned();
            self.refuse(column, &value, flaw);
        }
        let extra = self.extra();
        let payee = Payee {
            first_name: Sensitive::from(first_name),
            last_name: Sensitive::from(last_name),
            holder_name: holder_name.map(Sensitive::from),
            phone_number: Sensitive::from(phone_number),
            email: Sensitive::from(email),
            bank_account_number: Sensitive::from(account),
            bic,
            address: address.map(Sensitive::from),
            city: city.map(Sensitive::from),
            postcode: postcode.map(Sensitive::from),
        };
        NewPayout {
            row: self.place.row,
            line: self.place.line,
            reference,
            payee,
            money,
            body,
            extra,
            invalid: self.reason(),
        }
    }

    /// The value of a required column; empty, with a problem, where it is missing or refused.
    fn value(&mut self, column: Column) -> String {
        self.checked(column).unwrap_or_default()
    }

    fn optional(&mut self, column: Column) -> Option<String> {
        self.checked(column).filter(|value| !value.is_empty())
    }

    fn checked(&mut self, column: Column) -> Option<String> {
        let text = self.text(column)?;
        if text.is_empty() {
            return Some(String::new());
        }
        match fields::check(column, text) {
            Ok(()) => Some(text.to_owned()),
            Err(flaw) => {
                self.refuse(column, text, flaw);
                None
            }
        }
    }

    /// The text of a column; `None`, with a problem, where there is no reading it.
    fn text(&mut self, column: Column) -> Option<&'a str> {
        let place = self.heading.place(column)?;
        let field = self.record.field(place);
        let text = fields::cell(column, self.record.cell(place))
            .and_then(|()| fields::text(column, field, self.record.origin()));
        match text {
            Ok("") if column.is_required() => {
                let message = format!("`{}` is missing", column.name());
                self.refuse(column, "", flaw(Code::Missing, message, "fill it in"));
                None
            }
            Ok(text) => Some(text),
            Err(flaw) => {
                self.refuse(column, &String::from_utf8_lossy(field), flaw);
                None
            }
        }
    }

    /// Amount and currency; zero where they cannot be read, which no valid row is.
    fn money(&mut self) -> Money {
        let currency = self.text(Column::Currency).and_then(|text| {
            let checked = fields::check(Column::Currency, text);
            match checked.and_then(|()| fields::currency(text)) {
                Ok(currency) => Some(currency),
                Err(flaw) => {
                    self.refuse(Column::Currency, text, flaw);
                    None
                }
            }
        });
        let amount = self.text(Column::Amount).and_then(|text| {
            match fields::amount(text, currency.as_ref()) {
                Ok(amount) => Some(amount),
                Err(flaw) => {
                    self.refuse(Column::Amount, text, flaw);
                    None
                }
            }
        });
        let money = amount
            .zip(currency.clone())
            .and_then(|(amount, currency)| Money::new(amount, currency).ok());
        money.unwrap_or_else(|| nothing(currency))
    }

    /// The columns that are not known, as they stand in the file.
    fn extra(&mut self) -> Vec<(String, String)> {
        let mut extra = Vec::new();
        for (place, name) in self.heading.unknown() {
            match std::str::from_utf8(self.record.field(place)) {
                Ok(text) if text.contains('\0') => {
                    let hint = "the file is damaged: export it again";
                    let flaw = flaw(Code::NulByte, "the text holds a zero byte", hint);
                    self.refuse_as(name, None, flaw);
                }
                Ok(text) => extra.push((name, text.to_owned())),
                Err(_) => {
                    let flaw =
                        fields::text(Column::Body, self.record.field(place), self.record.origin());
                    if let Err(flaw) = flaw {
                        self.refuse_as(name, None, flaw);
                    }
                }
            }
        }
        extra
    }

    fn refuse(&mut self, column: Column, value: &str, flaw: Flaw) {
        self.refuse_as(column.name().to_owned(), Some(shown(column, value)), flaw);
    }

    fn refuse_as(&mut self, column: String, value: Option<String>, flaw: Flaw) {
        let finding = self.finding(column, value, flaw);
        self.findings.problems.push(finding);
    }

    fn warn(&mut self, column: Column, value: &str, rule: fn(&str) -> Option<Flaw>) {
        if let Some(flaw) = rule(value) {
            let finding = self.finding(column.name().to_owned(), Some(shown(column, value)), flaw);
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
    fn reason(&self) -> Option<Reason> {
        let first = self.findings.problems.get(self.before)?;
        let column = first.column.as_deref().unwrap_or_default();
        Some(Reason::new(first.code.as_str(), format!("{column}: {}", first.message)))
    }
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
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    city: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    postcode: Option<&'a str>,
}

impl Sealed<'_> {
    /// The largest field, and by how much the block is too long for the key.
    fn overflow(&self, capacity: usize) -> Option<(Column, Flaw)> {
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

    fn value(&self, column: Column) -> &str {
        match column {
            Column::PhoneNumber => self.phone_number,
            Column::Email => self.email,
            Column::FirstName => self.first_name,
            Column::LastName => self.last_name,
            Column::Address => self.address.unwrap_or_default(),
            Column::City => self.city.unwrap_or_default(),
            Column::Postcode => self.postcode.unwrap_or_default(),
            _ => "",
        }
    }
}
