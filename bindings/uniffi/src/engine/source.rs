//! [`Source`]: where the rows of a batch come from. Whatever it is, it passes the rules of a file.

use std::path::Path;

use kess_gateway::Amount;
use payout_engine::desk::Rows;

use super::error::EngineError;
use crate::convert::{Sensitive, SensitiveBytes};

/// Where rows come from.
#[derive(Clone, Debug, uniffi::Enum)]
pub enum Source {
    /// A CSV file. Excel workbooks are not read here; they are saved as "CSV UTF-8" beforehand.
    File {
        /// Its path.
        path: String,
    },
    /// What such a file holds.
    Bytes {
        /// The file, whole.
        bytes: SensitiveBytes,
        /// What people call it; the batch is named after it.
        name: String,
    },
    /// Rows that the app made.
    Rows {
        /// The rows.
        rows: Vec<PayoutRow>,
        /// What people call them; the batch is named after it.
        name: String,
    },
}

/// Somebody who is to be paid. The columns are those of a batch file.
#[derive(Clone, Debug, uniffi::Record)]
pub struct PayoutRow {
    /// The merchant's own id of the payout, unique in the batch.
    pub reference: String,
    /// First name.
    pub first_name: Sensitive,
    /// Last name.
    pub last_name: Sensitive,
    /// Phone number.
    pub phone_number: Sensitive,
    /// E-mail address.
    pub email: Sensitive,
    /// Account number at the bank, with its leading zeros.
    pub bank_account_number: Sensitive,
    /// The bank's code, such as `ABAAKHPP`.
    pub bic: String,
    /// How much.
    pub amount: Amount,
    /// The currency's code, `USD` or `KHR`.
    pub currency: String,
    /// The holder's name that is expected; without it, first and last name.
    #[uniffi(default = None)]
    pub holder_name: Option<Sensitive>,
    /// What the payee reads on the statement.
    #[uniffi(default = None)]
    pub body: Option<String>,
    /// Street address.
    #[uniffi(default = None)]
    pub address: Option<Sensitive>,
    /// City.
    #[uniffi(default = None)]
    pub city: Option<Sensitive>,
    /// Postcode.
    #[uniffi(default = None)]
    pub postcode: Option<Sensitive>,
}

/// The columns, in the order in which [`PayoutRow::cells`] gives them.
const COLUMNS: [&str; 14] = [
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

impl PayoutRow {
    fn cells(&self) -> [String; COLUMNS.len()] {
        let optional = |value: &Option<Sensitive>| {
            value.as_ref().map_or_else(String::new, |value| value.expose().clone())
        };
        [
            self.reference.clone(),
            self.first_name.expose().clone(),
            self.last_name.expose().clone(),
            self.phone_number.expose().clone(),
            self.email.expose().clone(),
            self.bank_account_number.expose().clone(),
            self.bic.clone(),
            self.amount.to_string(),
            self.currency.clone(),
            optional(&self.holder_name),
            self.body.clone().unwrap_or_default(),
            optional(&self.address),
            optional(&self.city),
            optional(&self.postcode),
        ]
    }
}

impl Source {
    /// The rows as the engine takes them in.
    pub(super) fn rows(self) -> Result<Rows, EngineError> {
        Ok(match self {
            Source::File { path } => Rows::File(Path::new(&path).into()),
            Source::Bytes { bytes, name } => Rows::Bytes { name, bytes: bytes.0.into() },
            Source::Rows { rows, name } => Rows::Bytes { name, bytes: to_csv(&rows)?.into() },
        })
    }
}

fn to_csv(rows: &[PayoutRow]) -> Result<Vec<u8>, EngineError> {
    let unwritable = |_| EngineError::Configuration("the rows cannot be told as CSV".to_owned());
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record(COLUMNS).map_err(unwritable)?;
    for row in rows {
        csv.write_record(row.cells()).map_err(unwritable)?;
    }
    csv.into_inner().map_err(|error| unwritable(error.into_error().into()))
}
