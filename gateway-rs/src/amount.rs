//! Money without rounding: [`Amount`], [`Currency`] and [`Money`].
//!
//! An amount is read from the digits that the gateway printed, whether it printed a number or a
//! text, and written as the shortest plain decimal. It never passes through a binary float, and
//! nothing here rounds: what does not fit is an error. Arithmetic is checked.
//!
//! This is not a ledger: adding amounts of different currencies is the caller's mistake to avoid,
//! which is why [`Money`] offers no sum.

use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::error::{Error, ErrorKind};

/// An exact decimal amount, without its currency.
///
/// Prints as the shortest plain decimal (`10.5`, never `10.50` and never `1e1`), because that is
/// the form in which the gateway signs it. Serialises as a JSON *text*, so that no reader turns it
/// into a float.
///
/// ```
/// use kess_gateway::Amount;
/// let amount: Amount = "10.50".parse()?;
/// assert_eq!(amount.to_string(), "10.5");
/// assert_eq!(amount, "1.05e1".parse()?);
/// assert!("10,50".parse::<Amount>().is_err());
/// # Ok::<(), kess_gateway::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Amount(Decimal);

impl Amount {
    /// Nothing at all.
    pub const ZERO: Amount = Amount(Decimal::ZERO);

    /// The amount as a decimal of the `rust_decimal` crate.
    #[must_use]
    pub fn as_decimal(&self) -> Decimal {
        self.0
    }

    /// The sum, or `None` where it does not fit exactly.
    #[must_use]
    pub fn checked_add(self, other: Amount) -> Option<Amount> {
        // `Decimal` rounds a sum that needs more than its 28 digits; whole numbers do not.
        let scale = self.0.scale().max(other.0.scale());
        let units = |value: Decimal| {
            value.mantissa().checked_mul(10_i128.checked_pow(scale - value.scale())?)
        };
        let sum = units(self.0)?.checked_add(units(other.0)?)?;
        Decimal::try_from_i128_with_scale(sum, scale).ok().map(Amount::from)
    }

    /// The difference, or `None` where it does not fit exactly.
    #[must_use]
    pub fn checked_sub(self, other: Amount) -> Option<Amount> {
        self.checked_add(Amount(-other.0))
    }

    /// The amount without its sign. The gateway prints withdrawals as negative amounts.
    #[must_use]
    pub fn abs(self) -> Amount {
        Amount(self.0.abs())
    }

    /// Whether the amount is below zero.
    #[must_use]
    pub fn is_negative(&self) -> bool {
        self.0 < Decimal::ZERO
    }

    /// Whether the amount is zero.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.0.is_zero()
    }

    /// How many decimals the amount has, without trailing zeros.
    #[must_use]
    pub fn decimals(&self) -> u32 {
        self.0.scale()
    }

    /// Whether at most so many digits count, from the first that is not zero to the last that is
    /// not zero.
    pub(crate) fn has_digits_at_most(&self, most: u32) -> bool {
        let (mut digits, limit) = (self.0.mantissa().unsigned_abs(), 10_u128.pow(most));
        while digits >= limit && digits.is_multiple_of(10) {
            digits /= 10;
        }
        digits < limit
    }

    /// Reads a plain decimal, or one with an exponent, to the last digit.
    fn from_digits(text: &str) -> Option<Amount> {
        let (digits, exponent) = match text.find(['e', 'E']) {
            Some(at) => (&text[..at], text[at + 1..].parse::<i32>().ok()?),
            None => (text, 0),
        };
        let unsigned = digits.strip_prefix('-').unwrap_or(digits);
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
        let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !all_digits(whole) || !all_digits(fraction) {
            return None;
        }
        let mut value = Decimal::from_str_exact(digits).ok()?.normalize();
        if value.is_zero() {
            return Some(Amount::ZERO);
        }
        let scale = i64::from(value.scale()) - i64::from(exponent);
        if let Ok(scale) = u32::try_from(scale) {
            value.set_scale(scale).ok()?;
        } else {
            value.set_scale(0).ok()?;
            let factor = 10_i128.checked_pow(u32::try_from(-scale).ok()?)?;
            value = value.checked_mul(Decimal::try_from_i128_with_scale(factor, 0).ok()?)?;
        }
        Some(Amount::from(value))
    }
}

impl From<Decimal> for Amount {
    fn from(value: Decimal) -> Self {
        // `-0` is zero; left alone it would print, and sign, as `-0`.
        if value.is_zero() { Amount::ZERO } else { Amount(value.normalize()) }
    }
}

impl From<u32> for Amount {
    fn from(value: u32) -> Self {
        Amount::from(Decimal::from(value))
    }
}

impl FromStr for Amount {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Amount::from_digits(text).ok_or_else(|| {
            Error::new(ErrorKind::InvalidRequest, "an amount is a plain decimal, such as 10.50")
        })
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Amount({})", self.0)
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Amount {
    /// Reads a JSON number or text. The number's own digits are taken, which is why this works
    /// with JSON only, and not inside `#[serde(flatten)]`.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Amount::from_json(raw.get())
            .ok_or_else(|| crate::decode::mismatch("an exact amount", raw.get()))
    }
}

impl Amount {
    /// Reads the JSON text of a number, or of a text that holds one.
    pub(crate) fn from_json(json: &str) -> Option<Amount> {
        match json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
            Some(text) => Amount::from_digits(text.trim()),
            None => Amount::from_digits(json),
        }
    }
}

/// A currency: the gateway's two, or another one, kept as it came.
///
/// ```
/// use kess_gateway::Currency;
/// assert_eq!("USD".parse::<Currency>()?, Currency::Usd);
/// assert_eq!(Currency::Khr.exponent(), Some(0));
/// assert_eq!(Currency::from("THB").exponent(), None);
/// # Ok::<(), std::convert::Infallible>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Currency {
    /// United States dollar, two decimals.
    Usd,
    /// Cambodian riel, no decimals.
    Khr,
    /// A currency that this version does not know, as the gateway wrote it.
    Other(Box<str>),
}

impl Currency {
    /// How many decimals the currency has; `None` for one that is not known.
    #[must_use]
    pub fn exponent(&self) -> Option<u32> {
        match self {
            Currency::Usd => Some(2),
            Currency::Khr => Some(0),
            Currency::Other(_) => None,
        }
    }

    /// The code on the wire: `USD`, `KHR`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Currency::Usd => "USD",
            Currency::Khr => "KHR",
            Currency::Other(code) => code,
        }
    }
}

impl From<&str> for Currency {
    fn from(text: &str) -> Self {
        let text = text.trim();
        // `decodeKhqr` answers in lower case.
        if text.eq_ignore_ascii_case("USD") {
            Currency::Usd
        } else if text.eq_ignore_ascii_case("KHR") {
            Currency::Khr
        } else {
            Currency::Other(text.into())
        }
    }
}

impl FromStr for Currency {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Currency::from(text))
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::decode::field(deserializer)
    }
}

/// An amount in a currency, with no more decimals than the currency has.
///
/// ```
/// use kess_gateway::{Currency, Money};
/// let money = Money::new("10.5".parse()?, Currency::Usd)?;
/// assert_eq!(money.to_string(), "10.50 USD");
/// assert!(Money::new("10.5".parse()?, Currency::Khr).is_err(), "never rounded");
/// # Ok::<(), kess_gateway::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Money {
    amount: Amount,
    currency: Currency,
}

impl Money {
    /// Joins an amount and its currency.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`] where the amount has more decimals than the currency allows.
    pub fn new(amount: Amount, currency: Currency) -> Result<Money, Error> {
        match currency.exponent() {
            Some(most) if amount.decimals() > most => Err(Error::new(
                ErrorKind::InvalidRequest,
                format!("{amount} {currency} has more decimals than the {most} of its currency"),
            )),
            _ => Ok(Money { amount, currency }),
        }
    }

    /// United States dollars.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`] where `amount` is not a decimal of at most two decimals.
    pub fn usd(amount: &str) -> Result<Money, Error> {
        Money::new(amount.parse()?, Currency::Usd)
    }

    /// Cambodian riel.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`] where `amount` is not a whole number.
    pub fn khr(amount: &str) -> Result<Money, Error> {
        Money::new(amount.parse()?, Currency::Khr)
    }

    /// The amount.
    #[must_use]
    pub fn amount(&self) -> Amount {
        self.amount
    }

    /// The currency.
    #[must_use]
    pub fn currency(&self) -> &Currency {
        &self.currency
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.currency.exponent() {
            Some(places) => {
                let mut padded = self.amount.0;
                padded.rescale(places);
                write!(f, "{padded} {}", self.currency)
            }
            None => write!(f, "{} {}", self.amount, self.currency),
        }
    }
}
