//! Open enumerations: lists of values to which the gateway adds without notice.
//!
//! Generated code writes the enumeration and its table (`as_str`, and `From<&str>` that ends in
//! `Unknown`); [`open_enum!`] adds everything that follows from these two, the same for each.

/// Adds what every open enumeration has: `Display`, `FromStr`, `From<String>`, reading from a text
/// or a number (trimmed, case kept), and writing to requests and to JSON.
///
/// The type must have `fn as_str(&self) -> &str` and `impl From<&str>`, which trims.
macro_rules! open_enum {
    ($type:ty) => {
        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $type {
            type Err = std::convert::Infallible;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Ok(Self::from(text))
            }
        }

        impl From<String> for $type {
            fn from(text: String) -> Self {
                Self::from(text.as_str())
            }
        }

        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                $crate::decode::scalar(from)
            }
        }

        impl $crate::decode::FromScalar for $type {
            const EXPECTED: &'static str = "text";

            fn from_scalar(scalar: $crate::decode::JsonScalar<'_>) -> Option<Self> {
                Some(Self::from(&*scalar.text()))
            }
        }

        impl $crate::encode::WireValue for $type {
            fn scalar(&self) -> Option<$crate::encode::Scalar<'_>> {
                $crate::encode::WireValue::scalar(self.as_str())
            }
        }

        $crate::decode::scalar_from_reply!($type);
        $crate::encode::scalar_as_json!($type);
    };
}
pub(crate) use open_enum;
