//! What an operation is: the data that generated code gives to the runtime.
//!
//! One [`Operation`] is one service of the gateway. It says what the call does to money
//! ([`Effect`]), what makes a repetition harmless ([`Idempotency`]), and writes its fields in byte
//! order. It holds no control flow: sending, signing, retrying and decoding are the runtime's.

use crate::decode::FromReply;
use crate::encode::Encoder;

/// What a call does at the gateway. Retries and the reading of errors depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Reads only: may be repeated at will.
    Read,
    /// Changes something, but moves no money: repeated only if it certainly did not arrive.
    Write,
    /// Moves money, or may lead to it.
    Money,
}

/// What keeps a repeated call from being carried out twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Idempotency {
    /// Nothing does.
    None,
    /// The merchant's order number, `out_trade_no`.
    OutTradeNo,
}

/// The constant facts about an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OperationMeta {
    /// The value of `service` on the wire, such as `webpay.acquire.withdraw`.
    pub service: &'static str,
    /// The method of the client, such as `withdraw`; what errors and logs call it.
    pub name: &'static str,
    /// What the call does.
    pub effect: Effect,
    /// What makes a repetition harmless.
    pub idempotency: Idempotency,
    /// At least one field of each group must be there.
    pub one_of: &'static [&'static [&'static str]],
}

/// A service of the gateway, as a request with its fields filled in.
pub trait Operation: Send + Sync + 'static {
    /// What stands in `data` of a successful reply.
    type Reply: FromReply + Send + 'static;

    /// The constant facts.
    const META: OperationMeta;

    /// Writes the fields in byte order of their names, `seller_code`, `service` and `sign_type`
    /// in their places. `sign` is not written: it follows from the rest.
    fn encode(&self, out: &mut Encoder<'_>);
}

/// Which characters a text may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charset {
    /// Any.
    Any,
    /// ASCII letters, digits and the dash.
    AlnumDash,
    /// ASCII digits.
    Digits,
    /// Hexadecimal digits.
    Hex,
}

/// What is known about a field of a request. Built by a chain of `const` calls:
///
/// ```
/// use kess_gateway::{Charset, FieldSpec};
/// static OUT_TRADE_NO: FieldSpec =
///     FieldSpec::new("out_trade_no").required().charset(Charset::AlnumDash).max_chars(32);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldSpec {
    pub(crate) name: &'static str,
    pub(crate) required: bool,
    pub(crate) charset: Charset,
    pub(crate) max_chars: Option<usize>,
    pub(crate) min: Option<i64>,
    pub(crate) max: Option<i64>,
    pub(crate) as_text: bool,
}

impl FieldSpec {
    /// An optional field without limits.
    #[must_use]
    pub const fn new(name: &'static str) -> FieldSpec {
        FieldSpec {
            name,
            required: false,
            charset: Charset::Any,
            max_chars: None,
            min: None,
            max: None,
            as_text: false,
        }
    }

    /// The field must be there, and not be blank.
    #[must_use]
    pub const fn required(mut self) -> FieldSpec {
        self.required = true;
        self
    }

    /// The characters that the text may hold.
    #[must_use]
    pub const fn charset(mut self, charset: Charset) -> FieldSpec {
        self.charset = charset;
        self
    }

    /// The longest text, in characters.
    #[must_use]
    pub const fn max_chars(mut self, max_chars: usize) -> FieldSpec {
        self.max_chars = Some(max_chars);
        self
    }

    /// The smallest whole number.
    #[must_use]
    pub const fn min(mut self, min: i64) -> FieldSpec {
        self.min = Some(min);
        self
    }

    /// The largest whole number.
    #[must_use]
    pub const fn max(mut self, max: i64) -> FieldSpec {
        self.max = Some(max);
        self
    }

    /// Numbers, amounts and flags are written as a JSON text.
    #[must_use]
    pub const fn as_text(mut self) -> FieldSpec {
        self.as_text = true;
        self
    }

    /// The name on the wire.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }
}
