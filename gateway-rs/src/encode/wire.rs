//! What can stand in a request: [`WireValue`] in scalar fields, [`WireJson`] in all others.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::Encoder;
use crate::amount::{Amount, Currency};
use crate::operation::FieldSpec;
use crate::raw_json::RawJson;
use crate::seal::Sealed;
use crate::sensitive::Sensitive;
use crate::timestamp::{Date, Timestamp};

/// A value as it goes on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scalar<'a> {
    /// A text, still untrimmed.
    Text(Cow<'a, str>),
    /// An exact amount.
    Amount(Amount),
    /// A whole number, or a flag as `1` or `0`.
    Integer(i64),
}

/// A value that can stand in a scalar field. `None` leaves the field out.
pub trait WireValue {
    /// The value on the wire.
    fn scalar(&self) -> Option<Scalar<'_>>;
}

impl WireValue for str {
    fn scalar(&self) -> Option<Scalar<'_>> {
        Some(Scalar::Text(Cow::Borrowed(self)))
    }
}

impl WireValue for String {
    fn scalar(&self) -> Option<Scalar<'_>> {
        self.as_str().scalar()
    }
}

impl WireValue for Amount {
    fn scalar(&self) -> Option<Scalar<'_>> {
        Some(Scalar::Amount(*self))
    }
}

impl WireValue for Currency {
    fn scalar(&self) -> Option<Scalar<'_>> {
        self.as_str().scalar()
    }
}

impl WireValue for i64 {
    fn scalar(&self) -> Option<Scalar<'_>> {
        Some(Scalar::Integer(*self))
    }
}

impl WireValue for u32 {
    fn scalar(&self) -> Option<Scalar<'_>> {
        Some(Scalar::Integer(i64::from(*self)))
    }
}

impl WireValue for bool {
    fn scalar(&self) -> Option<Scalar<'_>> {
        Some(Scalar::Integer(i64::from(*self)))
    }
}

impl WireValue for Date {
    fn scalar(&self) -> Option<Scalar<'_>> {
        self.as_str().scalar()
    }
}

impl WireValue for Timestamp {
    fn scalar(&self) -> Option<Scalar<'_>> {
        self.as_str().scalar()
    }
}

impl<T> WireValue for Sealed<T> {
    fn scalar(&self) -> Option<Scalar<'_>> {
        self.as_hex().scalar()
    }
}

impl<T: WireValue> WireValue for Sensitive<T> {
    fn scalar(&self) -> Option<Scalar<'_>> {
        self.expose().scalar()
    }
}

impl<T: WireValue> WireValue for Option<T> {
    fn scalar(&self) -> Option<Scalar<'_>> {
        self.as_ref().and_then(WireValue::scalar)
    }
}

impl<T: WireValue + ?Sized> WireValue for &T {
    fn scalar(&self) -> Option<Scalar<'_>> {
        (**self).scalar()
    }
}

/// An object that stands in a request: its fields, in the order of the documentation.
pub trait WireObject {
    /// The documentation's name of the object.
    const NAME: &'static str;

    /// Writes the fields.
    fn encode(&self, out: &mut Encoder<'_>);
}

/// A value that is sent but not signed: a list, a map, an object, or what they hold.
pub trait WireJson {
    /// Whether there is nothing to send.
    fn is_absent(&self) -> bool {
        false
    }

    /// Writes the value. `spec` is the field in which it stands.
    fn write(&self, spec: &FieldSpec, out: &mut Encoder<'_>);
}

impl<T: WireObject> WireJson for T {
    fn write(&self, _: &FieldSpec, out: &mut Encoder<'_>) {
        out.object(|out| self.encode(out));
    }
}

impl<T: WireJson> WireJson for Option<T> {
    fn is_absent(&self) -> bool {
        self.as_ref().is_none_or(WireJson::is_absent)
    }

    fn write(&self, spec: &FieldSpec, out: &mut Encoder<'_>) {
        if let Some(value) = self {
            value.write(spec, out);
        }
    }
}

impl<T: WireJson> WireJson for Vec<T> {
    fn is_absent(&self) -> bool {
        self.is_empty()
    }

    fn write(&self, spec: &FieldSpec, out: &mut Encoder<'_>) {
        out.raw(b"[");
        for value in self.iter().filter(|value| !value.is_absent()) {
            out.comma();
            value.write(spec, out);
        }
        out.raw(b"]");
    }
}

impl<T: WireJson> WireJson for BTreeMap<String, T> {
    fn is_absent(&self) -> bool {
        self.is_empty()
    }

    fn write(&self, spec: &FieldSpec, out: &mut Encoder<'_>) {
        out.raw(b"{");
        for (key, value) in self.iter().filter(|(_, value)| !value.is_absent()) {
            out.comma();
            out.json_text(key);
            out.raw(b":");
            value.write(spec, out);
        }
        out.raw(b"}");
    }
}

impl WireJson for RawJson {
    fn write(&self, _: &FieldSpec, out: &mut Encoder<'_>) {
        out.raw(self.get().as_bytes());
    }
}

impl<T: WireJson> WireJson for Sensitive<T> {
    fn is_absent(&self) -> bool {
        self.expose().is_absent()
    }

    fn write(&self, spec: &FieldSpec, out: &mut Encoder<'_>) {
        self.expose().write(spec, out);
    }
}

/// Lets scalars stand in lists and maps.
macro_rules! scalar_as_json {
    ($($type:ty),*) => {$(
        impl $crate::encode::WireJson for $type {
            fn write(
                &self,
                spec: &$crate::operation::FieldSpec,
                out: &mut $crate::encode::Encoder<'_>,
            ) {
                out.scalar_in_json(spec, self);
            }
        }
    )*};
}
pub(crate) use scalar_as_json;
scalar_as_json!(String, Amount, Currency, i64, u32, bool, Date, Timestamp);
