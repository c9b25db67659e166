//! What a service of the gateway takes: the types of the generated table, and nothing else.
//!
//! `generated.rs` is one `static SERVICES: &[Service]` in these types, emitted from `spec/` by
//! `cargo xtask codegen`. It is data: what is done with it stands in [`crate::check`]. Nothing here
//! comes from the client crate, so that one mistake cannot hide on both ends of the wire.

/// One service, that is one value of the `service` parameter.
#[derive(Debug)]
pub(crate) struct Service {
    /// The value on the wire, such as `webpay.acquire.withdraw`.
    pub(crate) service: &'static str,
    /// The operation's name in the specification, such as `withdraw`. Handlers and faults use it.
    pub(crate) name: &'static str,
    /// Whether the gateway's documentation has it.
    pub(crate) documented: bool,
    /// Whether a successful call moves money.
    pub(crate) moves_money: bool,
    /// Whether `seller_code` has to be sent.
    pub(crate) seller_code: bool,
    /// Every other parameter of the request, without `service`, `sign_type` and `sign`.
    pub(crate) fields: &'static [Field],
    /// Groups of parameters of which at least one each has to be there.
    pub(crate) one_of: &'static [&'static [&'static str]],
}

/// One parameter of a service, or one member of a sealed object.
#[derive(Debug)]
pub(crate) struct Field {
    /// The name on the wire.
    pub(crate) name: &'static str,
    /// What may stand there.
    pub(crate) kind: Kind,
    /// Whether it has to be there, neither null nor empty.
    pub(crate) required: bool,
    /// The longest text, in characters.
    pub(crate) max_chars: Option<usize>,
    /// The smallest whole number.
    pub(crate) min: Option<i64>,
    /// The largest whole number.
    pub(crate) max: Option<i64>,
    /// The characters a text is made of.
    pub(crate) charset: Option<Charset>,
    /// For [`Kind::Sealed`], the members of the object inside the block.
    pub(crate) sealed: Option<&'static [Field]>,
}

/// What may stand in a field.
#[allow(dead_code, reason = "the words of the specification; not each occurs in a request today")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A text; a number is taken as the text PHP prints for it.
    Text,
    /// Digits, as text or as a number.
    Digits,
    /// A whole number, as number or text.
    Integer,
    /// `1`, `0`, `true` or `false`, as number, text or boolean.
    Flag,
    /// An exact amount, as number or text.
    Money,
    /// An exact number that is not money.
    Decimal,
    /// `Y-m-d`.
    Date,
    /// `Y-m-d H:i:s` or RFC 3339.
    DateTime,
    /// An `http` or `https` address.
    Url,
    /// One of a list that stays open: banks appear, so only a handler refuses an unknown value.
    Enum(&'static [&'static str]),
    /// A JSON object.
    Object,
    /// A JSON array.
    List,
    /// A JSON object with free keys.
    Map,
    /// Anything.
    Any,
    /// Hex of an RSA block, see [`Field::sealed`].
    Sealed,
}

/// The characters a text is made of.
#[allow(dead_code, reason = "the words of the specification; not each occurs in a request today")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Charset {
    /// ASCII letters, digits and `-`.
    AlnumDash,
    /// ASCII digits.
    Digits,
    /// Hexadecimal digits of either case.
    Hex,
}
