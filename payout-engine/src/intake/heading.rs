//! The heading of a batch file: which column means what.
//!
//! A column is found by its name, in any order and any case; blanks, dashes, dots and underscores
//! do not count. The contract's own names win over the other spellings, and a column that is not
//! known is kept as it is. What two columns claim is never decided by guessing.

use super::finding::{Code, Finding};

macro_rules! columns {
    ($($variant:ident = $name:literal, $required:literal, [$($alias:literal),*];)*) => {
        /// A column that the engine knows.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(super) enum Column { $($variant,)* }

        impl Column {
            pub(super) const ALL: [Column; COLUMNS] = [$(Column::$variant,)*];

            /// The name in the contract.
            pub(super) fn name(self) -> &'static str {
                match self { $(Column::$variant => $name,)* }
            }

            pub(super) fn is_required(self) -> bool {
                match self { $(Column::$variant => $required,)* }
            }

            /// Other spellings, folded as [`fold`] does it.
            fn aliases(self) -> &'static [&'static str] {
                match self { $(Column::$variant => &[$($alias),*],)* }
            }
        }
    };
}

/// Number of columns that the engine knows.
const COLUMNS: usize = 14;

columns! {
    Reference = "reference", true, ["ref", "referenceno", "referencenumber", "payoutid", "លេខយោង"];
    FirstName = "first_name", true, ["givenname", "forename", "នាមខ្លួន"];
    LastName = "last_name", true, ["surname", "familyname", "នាមត្រកូល"];
    PhoneNumber = "phone_number", true,
        ["phone", "phoneno", "mobile", "mobilenumber", "telephone", "លេខទូរស័ព្ទ", "ទូរស័ព្ទ"];
    Email = "email", true, ["emailaddress", "អ៊ីមែល"];
    BankAccountNumber = "bank_account_number", true,
        ["bankaccount", "bankaccountno", "accountnumber", "accountno", "account", "លេខគណនី",
         "លេខគណនីធនាគារ"];
    Bic = "bic", true, ["bankbic", "bankcode", "swift", "swiftcode", "កូដធនាគារ"];
    Amount = "amount", true, ["ចំនួនទឹកប្រាក់", "ទឹកប្រាក់"];
    Currency = "currency", true, ["ccy", "currencycode", "រូបិយប័ណ្ណ"];
    HolderName = "holder_name", false,
        ["accountholder", "accountholdername", "accountname", "ឈ្មោះម្ចាស់គណនី", "ឈ្មោះគណនី"];
    Body = "body", false, ["description", "ពិពណ៌នា"];
    Address = "address", false, ["អាសយដ្ឋាន"];
    City = "city", false, ["town", "ទីក្រុង"];
    Postcode = "postcode", false, ["postalcode", "zip", "zipcode", "លេខប្រៃសណីយ៍"];
}

/// The heading as it was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Heading {
    /// The headings as the file spells them.
    names: Vec<String>,
    /// Where each known column stands, by its number.
    places: [Option<usize>; COLUMNS],
    /// The columns that are not known, with the heading that the file gives them.
    unknown: Vec<(usize, String)>,
}

impl Heading {
    /// Understands the fields of a heading line.
    pub(super) fn read(names: Vec<String>) -> (Self, Vec<(Column, Vec<usize>)>) {
        let mut places = [None; COLUMNS];
        let mut claimed_twice = Vec::new();
        for column in Column::ALL {
            let claims = claims(&names, column);
            if claims.len() > 1 {
                claimed_twice.push((column, claims.clone()));
            }
            places[column as usize] = claims.first().copied();
        }
        let mut heading = Self { names, places, unknown: Vec::new() };
        let unknown = (0..heading.len()).filter(|&place| !places.contains(&Some(place)));
        heading.unknown = unknown.map(|place| (place, heading.name(place))).collect();
        (heading, claimed_twice)
    }

    /// Everything that is wrong with the heading in `line`.
    pub(super) fn findings(&self, twice: &[(Column, Vec<usize>)], line: u64) -> Vec<Finding> {
        let mut findings = Vec::new();
        for column in Column::ALL {
            if column.is_required() && self.place(column).is_none() {
                let message = format!("the column `{}` is missing", column.name());
                let hint = "add it to the heading; the names of the columns are in the manual and \
                            in the template that `payout init` writes";
                let mut finding = Finding::file(line, Code::MissingColumn, message, hint);
                finding.column = Some(column.name().to_owned());
                findings.push(finding);
            }
        }
        for (column, claims) in twice {
            let claims: Vec<_> = claims
                .iter()
                .map(|&at| format!("`{}` (column {})", self.names[at].trim(), at + 1))
                .collect();
            let message =
                format!("more than one column is `{}`: {}", column.name(), claims.join(", "));
            let hint = "rename or remove all but one";
            let mut finding = Finding::file(line, Code::DuplicateColumn, message, hint);
            finding.column = Some(column.name().to_owned());
            findings.push(finding);
        }
        findings
    }

    /// Where `column` stands, from 0.
    pub(super) fn place(&self, column: Column) -> Option<usize> {
        self.places[column as usize]
    }

    /// Number of columns.
    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    /// The known column at `place`.
    pub(super) fn column(&self, place: usize) -> Option<Column> {
        Column::ALL.into_iter().find(|&column| self.place(column) == Some(place))
    }

    /// The heading of the column at `place`: the contract's name, the file's own, or its number.
    pub(super) fn name(&self, place: usize) -> String {
        match (self.column(place), self.names.get(place).map(|name| name.trim())) {
            (Some(column), _) => column.name().to_owned(),
            (None, Some(name)) if !name.is_empty() => name.to_owned(),
            (None, _) => format!("column {}", place + 1),
        }
    }

    /// The columns that are not known, with the heading that the file gives them.
    pub(super) fn unknown(&self) -> &[(usize, String)] {
        &self.unknown
    }

    /// Whether `fields` repeat this heading.
    pub(super) fn is_repeated_by<'a>(&self, fields: impl Iterator<Item = &'a [u8]>) -> bool {
        let mut known = 0;
        for (place, field) in fields.enumerate() {
            let Ok(text) = std::str::from_utf8(field) else { return false };
            let is_same = |name: &String| folded(name).eq(folded(text));
            if !self.names.get(place).is_some_and(is_same) {
                return false;
            }
            known += usize::from(column_of(text).is_some());
        }
        known > 0
    }
}

/// How many of `fields` are headings of required columns.
pub(super) fn required_headings<'a>(fields: impl Iterator<Item = &'a [u8]>) -> usize {
    fields
        .filter_map(|field| column_of(std::str::from_utf8(field).ok()?))
        .filter(|column| column.is_required())
        .count()
}

/// The columns of `names` that claim to be `column`: those with its own name, or, failing these,
/// those with another spelling of it.
fn claims(names: &[String], column: Column) -> Vec<usize> {
    let matching = |accept: &dyn Fn(&str) -> bool| -> Vec<usize> {
        let folded = names.iter().map(|name| fold(name)).enumerate();
        folded.filter(|(_, name)| accept(name)).map(|(at, _)| at).collect()
    };
    let own = matching(&|name| name == fold(column.name()));
    if own.is_empty() { matching(&|name| column.aliases().contains(&name)) } else { own }
}

/// The contract's name of the column that `heading` means, if it means one: what a caller needs
/// who has columns of its own before there is a file.
///
/// ```
/// use payout_engine::intake::column_named;
/// assert_eq!(column_named("Account No."), Some("bank_account_number"));
/// assert_eq!(column_named("department"), None);
/// ```
#[must_use]
pub fn column_named(heading: &str) -> Option<&'static str> {
    column_of(heading).map(Column::name)
}

fn column_of(name: &str) -> Option<Column> {
    let name = fold(name);
    Column::ALL.into_iter().find(|column| {
        folded(column.name()).eq(name.chars()) || column.aliases().contains(&name.as_str())
    })
}

/// Lower case, without blanks, punctuation and characters that nobody sees.
fn fold(name: &str) -> String {
    folded(name).collect()
}

fn folded(name: &str) -> impl Iterator<Item = char> {
    let kept = |c: &char| {
        !c.is_whitespace()
            && !matches!(c, '_' | '-' | '.' | '*' | ':' | '\'' | '"')
            && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{ad}')
    };
    name.chars().filter(kept).flat_map(char::to_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> (Heading, Vec<(Column, Vec<usize>)>) {
        Heading::read(line.split(',').map(str::to_owned).collect())
    }

    #[test]
    fn columns_are_found_by_any_of_their_names() {
        let cases = [
            ("Bank Account Number", Column::BankAccountNumber),
            ("BANK-ACCOUNT-NUMBER", Column::BankAccountNumber),
            ("Account No.", Column::BankAccountNumber),
            ("លេខគណនី", Column::BankAccountNumber),
            ("\u{feff}Reference", Column::Reference),
            ("E-mail", Column::Email),
            ("ចំនួនទឹកប្រាក់", Column::Amount),
            ("នាមត្រកូល", Column::LastName),
        ];
        for (name, column) in cases {
            assert_eq!(read(name).0.place(column), Some(0), "{name}");
        }
    }

    #[test]
    fn every_alias_is_folded_and_names_one_column() {
        let mut seen = std::collections::BTreeSet::new();
        for column in Column::ALL {
            for alias in column.aliases() {
                assert_eq!(&fold(alias), alias);
                assert!(seen.insert(*alias), "{alias}");
                assert_eq!(column_of(alias), Some(column));
            }
        }
    }

    #[test]
    fn the_contracts_own_name_wins_over_another_spelling() {
        let (heading, twice) = read("account,bank_account_number");
        assert_eq!(heading.place(Column::BankAccountNumber), Some(1));
        assert!(twice.is_empty());
        assert_eq!(heading.unknown(), [(0, "account".to_owned())]);
    }

    #[test]
    fn what_two_columns_claim_is_a_finding() {
        let (heading, twice) = read("amount,Amount,phone,mobile");
        let findings = heading.findings(&twice, 1);
        let twice: Vec<_> = findings.iter().filter(|f| f.code == Code::DuplicateColumn).collect();
        assert_eq!(twice.len(), 2);
        assert!(twice[1].message.contains("`mobile` (column 4)") || twice[0].message.contains("4"));
    }

    #[test]
    fn every_missing_column_is_named() {
        let (heading, twice) = read("reference,amount");
        let findings = heading.findings(&twice, 3);
        let missing: Vec<_> = findings.iter().filter_map(|f| f.column.as_deref()).collect();
        assert_eq!(missing.len(), 7);
        assert!(missing.contains(&"bic") && !missing.contains(&"amount"));
    }
}
