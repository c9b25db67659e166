//! Points in time and days as the gateway writes them: [`Timestamp`] and [`Date`].
//!
//! The gateway writes RFC 3339 in some replies and `Y-m-d H:i:s`, its own local time (UTC+7), in
//! others. Both are the text they came from, so that a third form breaks no reply and loses
//! nothing: it then has a text, but no instant. The text is read when somebody asks, because of the
//! many times in a reply hardly any is looked at.

use std::fmt;
use std::str::FromStr;

use jiff::civil;
use jiff::tz::{Offset, TimeZone};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::{Error, ErrorKind};

/// The gateway's local time.
const PHNOM_PENH: Offset = Offset::constant(7);

/// A point in time, as the text it came from.
///
/// ```
/// use kess_gateway::Timestamp;
/// let a = Timestamp::from("2022-07-18T10:44:53.000000Z");
/// let b = Timestamp::from("2022-07-18 17:44:53");
/// assert_eq!(a.instant(), b.instant());
/// assert_eq!(Timestamp::from("next week").instant(), None);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Timestamp {
    text: Box<str>,
}

impl Timestamp {
    /// The text, as it came.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The point in time, where the text has one of the two known forms.
    #[must_use]
    pub fn instant(&self) -> Option<jiff::Timestamp> {
        let local = || {
            let civil = civil::DateTime::strptime("%Y-%m-%d %H:%M:%S", &*self.text).ok()?;
            TimeZone::fixed(PHNOM_PENH).to_timestamp(civil).ok()
        };
        self.text.parse::<jiff::Timestamp>().ok().or_else(local)
    }
}

impl From<&str> for Timestamp {
    fn from(text: &str) -> Self {
        Timestamp { text: text.trim().into() }
    }
}

impl From<jiff::Timestamp> for Timestamp {
    fn from(instant: jiff::Timestamp) -> Self {
        Timestamp { text: instant.to_string().into() }
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::decode::field(deserializer)
    }
}

/// A day, `Y-m-d`, as the text it came from.
///
/// ```
/// use kess_gateway::Date;
/// let day: Date = "2022-01-15".parse()?;
/// assert_eq!(day.as_str(), "2022-01-15");
/// assert!("2022-02-30".parse::<Date>().is_err());
/// # Ok::<(), kess_gateway::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Date {
    text: Box<str>,
}

impl Date {
    /// The text, as it came.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The day, where the text is one.
    #[must_use]
    pub fn day(&self) -> Option<civil::Date> {
        self.text.parse().ok()
    }

    /// What a reply holds: any text is kept.
    pub(crate) fn lenient(text: &str) -> Date {
        Date { text: text.trim().into() }
    }
}

impl From<civil::Date> for Date {
    fn from(day: civil::Date) -> Self {
        Date { text: day.to_string().into() }
    }
}

impl FromStr for Date {
    type Err = Error;

    /// Reads what goes into a request, so it must be a day.
    fn from_str(text: &str) -> Result<Self, Error> {
        match text.parse::<civil::Date>() {
            Ok(day) => Ok(Date::from(day)),
            Err(source) => Err(Error::new(
                ErrorKind::InvalidRequest,
                "a date is a day of the calendar, such as 2022-01-15",
            )
            .with_source(source)),
        }
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl Serialize for Date {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Date {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::decode::field(deserializer)
    }
}
