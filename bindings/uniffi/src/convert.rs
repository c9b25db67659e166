//! Values on their way to the other languages and back: [`Foreign`] and [`Native`].
//!
//! Nothing is lost on the way out, and nothing is rounded on the way in. Amounts travel as the
//! decimal text that they are, so that no float is ever between; times as instants beside the text
//! that the gateway wrote.
//!
//! Invariant: [`Sensitive`] is the only form in which sensitive values cross, and
//! [`SensitiveBytes`] that for bytes. Neither prints what it holds, in any language.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::time::SystemTime;

use kess_gateway::{Amount, Currency, Date, ErrorKind, RawJson, Timestamp, Variable};

use crate::failure::CallError;

/// A value that must not be seen: an account, a name, a token, a password.
pub type Sensitive = kess_gateway::Sensitive<String>;

uniffi::custom_type!(Sensitive, String, {
    remote,
    lower: |value| value.into_exposed(),
    try_lift: |text| Ok(text.into()),
});

/// Bytes that must not be seen: a file of people, a page of the engine's state.
///
/// Kotlin has a class for them, because its records print every byte of an array; Swift's `Data`
/// prints how many there are.
#[derive(Clone, PartialEq, Eq)]
pub struct SensitiveBytes(pub(crate) Vec<u8>);

uniffi::custom_type!(SensitiveBytes, Vec<u8>, {
    lower: |value| value.0,
    try_lift: |bytes| Ok(SensitiveBytes(bytes)),
});

impl fmt::Debug for SensitiveBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SensitiveBytes({} bytes)", self.0.len())
    }
}

uniffi::custom_type!(Amount, String, {
    remote,
    lower: |amount| amount.to_string(),
    try_lift: |text| lifted(text.parse()),
});

/// JSON as it came.
pub type Json = RawJson;

uniffi::custom_type!(Json, String, {
    remote,
    lower: |json| json.get().to_owned(),
    try_lift: |text| lifted(RawJson::parse(text)),
});

/// A day of the calendar, `2026-11-27`.
pub type LocalDate = Date;

uniffi::custom_type!(LocalDate, String, {
    remote,
    lower: |day| day.as_str().to_owned(),
    try_lift: |text| lifted(text.parse()),
});

/// An exact amount and its currency.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Money {
    /// The amount, never rounded.
    pub amount: Amount,
    /// The currency's code: `USD` (two decimals) or `KHR` (none).
    pub currency: String,
}

impl Money {
    pub(crate) fn new(amount: Amount, currency: &Currency) -> Money {
        Money { amount, currency: currency.as_str().to_owned() }
    }
}

impl From<&kess_gateway::Money> for Money {
    fn from(money: &kess_gateway::Money) -> Self {
        Money::new(money.amount(), money.currency())
    }
}

/// A point in time as the gateway wrote it.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct GatewayTime {
    /// The gateway's text.
    pub text: String,
    /// The point in time, where the text has one of the known forms.
    pub instant: Option<SystemTime>,
}

/// What becomes a value of the other languages.
pub(crate) trait Foreign {
    type Foreign;

    fn into_foreign(self) -> Self::Foreign;
}

/// What becomes a value of the client.
pub(crate) trait Native {
    type Native;

    /// Reads the value of the field of that name.
    fn into_native(self, field: &'static str) -> Result<Self::Native, CallError>;
}

/// What is the same on both sides.
macro_rules! same {
    ($($ty:ty),+ $(,)?) => {$(
        impl Foreign for $ty {
            type Foreign = $ty;

            fn into_foreign(self) -> $ty {
                self
            }
        }

        impl Native for $ty {
            type Native = $ty;

            fn into_native(self, _: &'static str) -> Result<$ty, CallError> {
                Ok(self)
            }
        }
    )+};
}

same!(String, i64, bool, Amount, RawJson);

impl Foreign for Currency {
    type Foreign = String;

    fn into_foreign(self) -> String {
        self.as_str().to_owned()
    }
}

impl Foreign for Timestamp {
    type Foreign = GatewayTime;

    fn into_foreign(self) -> GatewayTime {
        let instant = self.instant().map(SystemTime::from);
        GatewayTime { text: self.as_str().to_owned(), instant }
    }
}

/// What the gateway calls a day may be none, so it stays text.
impl Foreign for Date {
    type Foreign = String;

    fn into_foreign(self) -> String {
        self.as_str().to_owned()
    }
}

impl Native for LocalDate {
    type Native = Date;

    fn into_native(self, _: &'static str) -> Result<Date, CallError> {
        Ok(self)
    }
}

impl Native for SystemTime {
    type Native = Timestamp;

    fn into_native(self, field: &'static str) -> Result<Timestamp, CallError> {
        let instant = jiff::Timestamp::try_from(self);
        instant.map(Timestamp::from).map_err(|error| {
            CallError::setup(ErrorKind::InvalidRequest, format!("{field}: {error}"))
        })
    }
}

/// A field that changes its shape: the record, or else the JSON that stands in its place.
pub(crate) fn with_other<T: Foreign>(
    value: impl Into<Option<Variable<T>>>,
) -> (Option<T::Foreign>, Option<Json>) {
    match value.into() {
        Some(Variable::Known(value)) => (Some(value.into_foreign()), None),
        Some(Variable::Other(json)) => (None, Some(json)),
        None => (None, None),
    }
}

/// Both ways of an open enumeration, by the names of its listed variants.
macro_rules! open_enum {
    ($name:ident: $($variant:ident),*) => {
        impl $name {
            /// The value as the client has it; a text that is listed is the listed value.
            fn native(&self) -> kess_gateway::enums::$name {
                match self {
                    $(Self::$variant => kess_gateway::enums::$name::$variant,)*
                    Self::Unknown { value } => value.as_str().into(),
                }
            }
        }

        impl $crate::convert::Foreign for kess_gateway::enums::$name {
            type Foreign = $name;

            fn into_foreign(self) -> $name {
                match self {
                    $(Self::$variant => $name::$variant,)*
                    other => $name::Unknown { value: other.as_str().to_owned() },
                }
            }
        }

        impl $crate::convert::Native for $name {
            type Native = kess_gateway::enums::$name;

            fn into_native(
                self,
                _: &'static str,
            ) -> Result<Self::Native, $crate::failure::CallError> {
                Ok(self.native())
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.native().as_str())
            }
        }
    };
}
pub(crate) use open_enum;

impl<T: Foreign<Foreign = U>, U: ToString> Foreign for kess_gateway::Sensitive<T> {
    type Foreign = Sensitive;

    fn into_foreign(self) -> Sensitive {
        self.into_exposed().into_foreign().to_string().into()
    }
}

impl Native for Sensitive {
    type Native = String;

    fn into_native(self, _: &'static str) -> Result<String, CallError> {
        Ok(self.into_exposed())
    }
}

impl Native for Money {
    type Native = kess_gateway::Money;

    fn into_native(self, field: &'static str) -> Result<kess_gateway::Money, CallError> {
        let money = kess_gateway::Money::new(self.amount, Currency::from(self.currency.as_str()));
        money.map_err(|error| invalid(field, &error))
    }
}

impl<T: Foreign> Foreign for Option<T> {
    type Foreign = Option<T::Foreign>;

    fn into_foreign(self) -> Self::Foreign {
        self.map(Foreign::into_foreign)
    }
}

impl<T: Native> Native for Option<T> {
    type Native = Option<T::Native>;

    fn into_native(self, field: &'static str) -> Result<Self::Native, CallError> {
        self.map(|value| value.into_native(field)).transpose()
    }
}

impl<T: Foreign> Foreign for Vec<T> {
    type Foreign = Vec<T::Foreign>;

    fn into_foreign(self) -> Self::Foreign {
        self.into_iter().map(Foreign::into_foreign).collect()
    }
}

impl<T: Native> Native for Vec<T> {
    type Native = Vec<T::Native>;

    fn into_native(self, field: &'static str) -> Result<Self::Native, CallError> {
        self.into_iter().map(|value| value.into_native(field)).collect()
    }
}

impl<T: Foreign> Foreign for BTreeMap<String, T> {
    type Foreign = HashMap<String, T::Foreign>;

    fn into_foreign(self) -> Self::Foreign {
        self.into_iter().map(|(name, value)| (name, value.into_foreign())).collect()
    }
}

impl<T: Native> Native for HashMap<String, T> {
    type Native = BTreeMap<String, T::Native>;

    fn into_native(self, field: &'static str) -> Result<Self::Native, CallError> {
        self.into_iter().map(|(name, value)| Ok((name, value.into_native(field)?))).collect()
    }
}

/// A value that cannot be read is an error of the call that it was given to, and not a panic.
fn lifted<T>(read: Result<T, kess_gateway::Error>) -> uniffi::Result<T> {
    read.map_err(|error| {
        CallError::setup(ErrorKind::InvalidRequest, error.message().to_owned()).into()
    })
}

/// A value that cannot be sent; the value itself is not told.
pub(crate) fn invalid(field: &str, error: &kess_gateway::Error) -> CallError {
    CallError::setup(ErrorKind::InvalidRequest, format!("{field}: {}", error.message()))
}
