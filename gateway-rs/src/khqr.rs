//! KHQR: checking a QR text offline, before it is shown or paid.
//!
//! A KHQR is a row of fields, each two digits of tag, two of length, and a value; the last is the
//! CRC-16/CCITT-FALSE over everything before its value. [`Khqr::parse`] walks it and checks the
//! CRC. `generateKhqr` also answers `md5`, the MD5 of the text ([`md5_of`]), and `decodeKhqr`
//! answers what the walk gives, so the two can be compared ([`Khqr::differences`]).
//!
//! `nativePay` answers a proprietary QR: its CRC holds ([`crc_holds`]), the fields are its own.

use std::collections::BTreeMap;
use std::fmt;

use md5::{Digest, Md5};

use crate::amount::Amount;
use crate::decode;
use crate::error::{Error, ErrorKind};
use crate::raw_json::RawJson;
use crate::sign::in_hex;

/// The fields of a KHQR whose CRC holds.
#[derive(Clone, PartialEq, Eq)]
pub struct Khqr {
    fields: BTreeMap<u8, String>,
}

impl fmt::Debug for Khqr {
    /// Without the names, accounts and telephone numbers that stand in a QR.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Khqr")
            .field("amount", &self.amount())
            .field("currency", &self.currency())
            .finish_non_exhaustive()
    }
}

/// The template of an individual's account, and that of a merchant's.
const INDIVIDUAL: u8 = 29;
const MERCHANT: u8 = 30;
const CRC: u8 = 63;

impl Khqr {
    /// Walks a QR text.
    ///
    /// # Errors
    /// [`ErrorKind::Decode`] where the CRC does not hold, or a field goes on after the end.
    pub fn parse(qr: &str) -> Result<Khqr, Error> {
        if !crc_holds(qr) {
            return Err(Error::new(ErrorKind::Decode, "the CRC of this QR text does not hold"));
        }
        let fields = walk(qr)
            .ok_or_else(|| Error::new(ErrorKind::Decode, "this QR text is not a row of fields"))?;
        Ok(Khqr { fields })
    }

    /// A field by its tag, such as 59 for the merchant's name.
    #[must_use]
    pub fn field(&self, tag: u8) -> Option<&str> {
        self.fields.get(&tag).map(String::as_str)
    }

    /// A field inside a template, such as 29 and 0 for the Bakong account of an individual.
    #[must_use]
    pub fn inner(&self, template: u8, tag: u8) -> Option<String> {
        walk(self.field(template)?)?.remove(&tag)
    }

    /// The Bakong account that is paid.
    #[must_use]
    pub fn bakong_account_id(&self) -> Option<String> {
        self.inner(self.account_template()?, 0)
    }

    /// The amount, if the QR fixes one.
    #[must_use]
    pub fn amount(&self) -> Option<Amount> {
        self.field(54)?.parse().ok()
    }

    /// The currency, if it is one of the gateway's two.
    #[must_use]
    pub fn currency(&self) -> Option<crate::Currency> {
        match self.field(53)? {
            "840" => Some(crate::Currency::Usd),
            "116" => Some(crate::Currency::Khr),
            _ => None,
        }
    }

    fn account_template(&self) -> Option<u8> {
        [INDIVIDUAL, MERCHANT].into_iter().find(|tag| self.fields.contains_key(tag))
    }

    /// Compares with the `data` of a `decodeKhqr` reply and names the fields that differ. Empty
    /// means that the gateway and the text agree.
    ///
    /// # Errors
    /// [`ErrorKind::Decode`] where `data` is not an object.
    pub fn differences(&self, data: &str) -> Result<Vec<&'static str>, Error> {
        let answer: BTreeMap<String, RawJson> = decode::read_json(data)
            .ok()
            .flatten()
            .ok_or_else(|| Error::new(ErrorKind::Decode, "the reply of decodeKhqr is no object"))?;
        let answered = |name: &str| {
            let raw = answer.get(name)?;
            decode::read_json::<Option<String>>(raw.get()).ok().flatten().flatten()
        };
        let differs = |name: &'static str, ours: Option<String>| {
            let same = match (ours.as_deref(), answered(name).as_deref()) {
                (None, None) => true,
                (Some(ours), Some(theirs)) if name == "transactionAmount" => {
                    ours.parse::<Amount>().ok() == theirs.parse().ok()
                }
                (Some(ours), Some(theirs)) => ours.eq_ignore_ascii_case(theirs),
                _ => false,
            };
            (!same).then_some(name)
        };
        Ok(self.documented().into_iter().filter_map(|(name, ours)| differs(name, ours)).collect())
    }

    /// The fields under the names of `khqr_info`.
    fn documented(&self) -> Vec<(&'static str, Option<String>)> {
        let root = |tag| self.field(tag).map(str::to_owned);
        let template = self.account_template();
        let account = |tag| template.and_then(|template| self.inner(template, tag));
        let of = |which: u8, value: Option<String>| value.filter(|_| template == Some(which));
        vec![
            ("merchantType", template.map(|tag| tag.to_string())),
            ("bakongAccountID", account(0)),
            ("accountInformation", of(INDIVIDUAL, account(1))),
            ("merchantID", of(MERCHANT, account(1))),
            ("acquiringBank", account(2)),
            ("payloadFormatIndicator", root(0)),
            ("pointofInitiationMethod", root(1)),
            ("unionPayMerchant", root(15)),
            ("merchantCategoryCode", root(52)),
            ("transactionCurrency", self.currency().map(|currency| currency.to_string())),
            ("transactionAmount", root(54)),
            ("countryCode", root(58)),
            ("merchantName", root(59)),
            ("merchantCity", root(60)),
            ("billNumber", self.inner(62, 1)),
            ("mobileNumber", self.inner(62, 2)),
            ("storeLabel", self.inner(62, 3)),
            ("terminalLabel", self.inner(62, 7)),
            ("purposeOfTransaction", self.inner(62, 8)),
            ("languagePreference", self.inner(64, 0)),
            ("merchantNameAlternateLanguage", self.inner(64, 1)),
            ("merchantCityAlternateLanguage", self.inner(64, 2)),
            ("timestamp", root(99)),
            ("crc", root(CRC)),
        ]
    }
}

/// The MD5 of a QR text in lower-case hex, which `generateKhqr` answers as `md5`.
///
/// ```
/// assert_eq!(kess_gateway::khqr::md5_of(""), "d41d8cd98f00b204e9800998ecf8427e");
/// ```
#[must_use]
pub fn md5_of(qr: &str) -> String {
    in_hex(&Md5::digest(qr))
}

/// Whether a text ends in `6304` and the CRC-16/CCITT-FALSE of everything before the CRC.
#[must_use]
pub fn crc_holds(qr: &str) -> bool {
    let Some((signed, crc)) = qr.len().checked_sub(4).and_then(|at| qr.split_at_checked(at)) else {
        return false;
    };
    signed.ends_with("6304") && crc.eq_ignore_ascii_case(&format!("{:04X}", crc16(signed)))
}

/// CRC-16/CCITT-FALSE: polynomial 0x1021, start 0xFFFF.
fn crc16(text: &str) -> u16 {
    text.bytes().fold(0xFFFF, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(byte) << 8), |crc: u16, _| {
            if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 }
        })
    })
}

/// Splits a row of fields. Writers disagree on whether a length counts characters or bytes; it
/// matters for Khmer names only, and a row that does not end evenly was read the wrong way.
fn walk(text: &str) -> Option<BTreeMap<u8, String>> {
    let chars: Vec<char> = text.chars().collect();
    let by_chars = split(&chars, |value| Some(value.iter().collect()));
    by_chars.or_else(|| split(text.as_bytes(), |value| String::from_utf8(value.to_vec()).ok()))
}

fn split<U: Copy + Into<u32>>(
    mut rest: &[U],
    join: impl Fn(&[U]) -> Option<String>,
) -> Option<BTreeMap<u8, String>> {
    let mut fields = BTreeMap::new();
    while !rest.is_empty() {
        let (head, tail) = rest.split_at_checked(4)?;
        let (value, tail) = tail.split_at_checked(two_digits(&head[2..])?.into())?;
        fields.insert(two_digits(&head[..2])?, join(value)?);
        rest = tail;
    }
    Some(fields)
}

fn two_digits<U: Copy + Into<u32>>(pair: &[U]) -> Option<u8> {
    pair.iter().try_fold(0_u8, |number, unit| {
        let digit = char::from_u32((*unit).into())?.to_digit(10)?;
        Some(number * 10 + u8::try_from(digit).ok()?)
    })
}
