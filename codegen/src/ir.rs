//! The spec as the emitters see it: small, resolved, and valid by construction.
//!
//! Only [`lower`](crate::lower) makes these values, and it hands them to emitters only when there
//! were no findings. So every reference leads somewhere (`spec[id]` cannot fail for an id of the
//! same spec), names are unique, included fields stand in place, and an emitter has no error to
//! report. Nothing here knows a language or a format: how a name is spelt in Rust or what a schema
//! looks like belongs to the emitter.

mod example;
mod gateway;

use std::ops::Index;

use crate::diagnostic::Place;
pub(crate) use example::{Example, Expect, Side};
pub(crate) use gateway::{Endpoint, Fact, Gateway, Host, Link, LinkParameter, Root};

/// Everything that was transcribed. Operations keep the order of their files and sections, which
/// are sorted by path; objects, enums and quirks keep theirs.
#[derive(Debug)]
pub(crate) struct Spec {
    pub(crate) gateway: Gateway,
    pub(crate) operations: Vec<Operation>,
    pub(crate) objects: Vec<Object>,
    pub(crate) enums: Vec<Enum>,
    pub(crate) errors: Vec<ErrorRow>,
    pub(crate) quirks: Vec<Quirk>,
    /// Objects whose fields stand at the root of some request.
    pub(crate) includes: Vec<ObjectId>,
    /// Replies in the shapes that errors were seen in, of no operation in particular.
    pub(crate) error_examples: Vec<Example>,
}

/// Stands for an object of the same [`Spec`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ObjectId(pub(super) usize);

/// Stands for an enum of the same [`Spec`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct EnumId(pub(super) usize);

/// Stands for a quirk of the same [`Spec`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct QuirkId(pub(super) usize);

impl Index<ObjectId> for Spec {
    type Output = Object;

    fn index(&self, id: ObjectId) -> &Object {
        &self.objects[id.0]
    }
}

impl Index<EnumId> for Spec {
    type Output = Enum;

    fn index(&self, id: EnumId) -> &Enum {
        &self.enums[id.0]
    }
}

impl Index<QuirkId> for Spec {
    type Output = Quirk;

    fn index(&self, id: QuirkId) -> &Quirk {
        &self.quirks[id.0]
    }
}

/// Where a fact stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// Under this heading of the documentation.
    Heading(String),
    /// Only in the sample under this heading.
    Sample(String),
    /// Not in the documentation: seen in the field.
    Field,
}

/// One service behind the gateway's endpoint, or the token endpoint.
#[derive(Debug)]
pub(crate) struct Operation {
    /// The stem of the file that holds the section: `withdraw`, `virtual_card`.
    pub(crate) module: String,
    /// The heading of the section, for people.
    pub(crate) section: String,
    pub(crate) route: Route,
    /// snake_case; the method of the client and the stem of the examples.
    pub(crate) name: String,
    /// The heading in the documentation.
    pub(crate) title: String,
    pub(crate) source: Source,
    /// `false` for services that were only seen in the field.
    pub(crate) documented: bool,
    pub(crate) summary: String,
    pub(crate) description: String,
    pub(crate) effect: Effect,
    pub(crate) idempotency: Idempotency,
    pub(crate) quirks: Vec<QuirkId>,
    pub(crate) request: Request,
    pub(crate) reply: Reply,
    /// Sorted by case, requests before replies before errors.
    pub(crate) examples: Vec<Example>,
    pub(crate) at: Place,
}

impl Operation {
    /// The value of `service`, where the operation has one.
    pub(crate) fn service(&self) -> Option<&str> {
        match &self.route {
            Route::Service(service) => Some(service),
            Route::Path(_) => None,
        }
    }
}

/// How a request finds its operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Route {
    /// By the value of `service` at the gateway's one path; the reply comes in the envelope.
    Service(String),
    /// By a path of its own; the reply is not in an envelope, the request is not signed.
    Path(String),
}

/// What a call changes, and so when it may be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    Read,
    Write,
    Money,
}

/// What keeps a second sending from having a second effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Idempotency {
    None,
    OutTradeNo,
}

/// The fields at the root of a request, without `service`, `sign_type` and `sign`, which every
/// request has.
#[derive(Debug)]
pub(crate) struct Request {
    /// Included objects' fields first, then the operation's own; each in the order of its table.
    pub(crate) fields: Vec<Field>,
    /// Of each group, at least one field must be given. The names are fields of the request.
    pub(crate) one_of: Vec<Vec<String>>,
}

/// What `data` holds.
#[derive(Debug)]
pub(crate) enum Reply {
    Object(ObjectId),
    List(ObjectId),
    /// Beside the items stand `current_page` and `last_page`, perhaps `total` and `per_page`.
    Page(Page),
    /// The rows are one field of an object whose `hasMore` says whether there are more.
    Range(Range),
    /// Nobody knows; kept as it came.
    Any,
}

/// What may stand beside the items of a page.
pub(crate) const PAGING: [&str; 4] = ["current_page", "last_page", "per_page", "total"];

/// A list that is asked for by the request's `page`.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) of: ObjectId,
    /// The key of the items inside `data`.
    pub(crate) key: String,
}

/// A list that is asked for by the request's `from` and `to`.
#[derive(Debug)]
pub(crate) struct Range {
    /// What `data` is.
    pub(crate) object: ObjectId,
    /// What each row is.
    pub(crate) of: ObjectId,
    /// The place of the rows among the fields of the object.
    pub(crate) rows: usize,
    /// The place of `hasMore` among the fields of the object.
    pub(crate) has_more: usize,
}

impl Reply {
    /// The object that the reply holds, once or several times.
    pub(crate) fn object(&self) -> Option<ObjectId> {
        match self {
            Self::Object(id) | Self::List(id) => Some(*id),
            Self::Page(page) => Some(page.of),
            Self::Range(range) => Some(range.object),
            Self::Any => None,
        }
    }

    /// What one answer is to the whole list.
    pub(crate) fn piece(&self) -> &'static str {
        match self {
            Self::Page(_) => "page",
            Self::Range(_) => "range",
            Self::Object(_) | Self::List(_) | Self::Any => "answer",
        }
    }
}

/// A field of a request or an object.
#[derive(Debug, Clone)]
pub(crate) struct Field {
    /// As on the wire.
    pub(crate) name: String,
    /// snake_case, unique among its siblings; not yet escaped for any language.
    pub(crate) snake: String,
    pub(crate) ty: Type,
    pub(crate) required: bool,
    pub(crate) limits: Limits,
    /// A condition in words.
    pub(crate) required_with: Option<String>,
    pub(crate) sensitive: bool,
    pub(crate) example: Option<String>,
    pub(crate) source: Source,
    pub(crate) quirks: Vec<QuirkId>,
    pub(crate) description: String,
    pub(crate) at: Place,
}

/// What a value must keep to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Limits {
    /// In characters.
    pub(crate) max_length: Option<usize>,
    pub(crate) min: Option<i64>,
    pub(crate) max: Option<i64>,
    pub(crate) charset: Option<Charset>,
}

/// The characters that a text may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Charset {
    AlnumDash,
    Digits,
    Hex,
}

/// What a field holds; the table in `spec/README.md` says how each looks on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Type {
    Text,
    Digits,
    Integer(Wire),
    Flag(Wire),
    Money {
        currency: CurrencyOf,
        wire: Wire,
    },
    Decimal,
    DateTime,
    Date,
    Url,
    Enum(EnumId),
    Object(ObjectId),
    Variable(ObjectId),
    List(Box<Type>),
    Map(Box<Type>),
    Any,
    Sealed(ObjectId),
    /// A currency's code, `USD` or `KHR`; an open list.
    Currency,
}

impl Type {
    /// What a list or map holds in the end; the type itself otherwise.
    pub(crate) fn innermost(&self) -> &Type {
        match self {
            Self::List(of) | Self::Map(of) => of.innermost(),
            _ => self,
        }
    }

    /// The object that the type leads to, if it leads to one.
    pub(crate) fn object(&self) -> Option<ObjectId> {
        match self.innermost() {
            Self::Object(id) | Self::Variable(id) | Self::Sealed(id) => Some(*id),
            _ => None,
        }
    }
}

/// Whether a number travels as a JSON number or as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wire {
    Number,
    Text,
}

/// What names the currency of an amount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CurrencyOf {
    /// The sibling field of this wire name.
    Sibling(String),
    /// Always this one.
    Code(String),
    /// Nothing does.
    Unstated,
}

/// A named group of fields.
#[derive(Debug)]
pub(crate) struct Object {
    /// snake_case and unique.
    pub(crate) name: String,
    /// The documentation's name, if it has one.
    pub(crate) title: Option<String>,
    pub(crate) source: Source,
    pub(crate) description: String,
    pub(crate) fields: Vec<Field>,
    pub(crate) quirks: Vec<QuirkId>,
    /// Where the object stands, which decides what is generated for it.
    pub(crate) role: Role,
    pub(crate) at: Place,
}

/// Where an object is used. One object may stand in several places.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Role {
    /// Inside a request, as an object in plain JSON.
    pub(crate) request: bool,
    /// Inside a reply or a notice.
    pub(crate) reply: bool,
    /// Encrypted with the merchant's public key.
    pub(crate) sealed: bool,
}

/// A list of values.
#[derive(Debug)]
pub(crate) struct Enum {
    /// snake_case and unique.
    pub(crate) name: String,
    /// Whether there can be no other value. The client's runtime has such a list by hand, because
    /// its own work depends on the values. Any other list is open: a value that is not in it must
    /// survive a round trip.
    pub(crate) closed: bool,
    pub(crate) source: Source,
    pub(crate) description: String,
    pub(crate) values: Vec<EnumValue>,
    pub(crate) at: Place,
}

#[derive(Debug)]
pub(crate) struct EnumValue {
    pub(crate) value: String,
    pub(crate) description: String,
    pub(crate) source: Source,
    /// A name for people.
    pub(crate) title: Option<String>,
    /// The documentation's number.
    pub(crate) id: Option<i64>,
}

/// A row of the table of errors.
#[derive(Debug)]
pub(crate) struct ErrorRow {
    pub(crate) status: u16,
    pub(crate) code: Option<String>,
    /// Another endpoint than that of the services, by its name.
    pub(crate) endpoint: Option<String>,
    pub(crate) meaning: String,
    pub(crate) kind: ErrorKind,
    /// `false` only where certainly nothing moved.
    pub(crate) may_have_moved_money: bool,
    pub(crate) source: Source,
}

/// What a caller can do about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ErrorKind {
    Refused,
    Unauthenticated,
    Forbidden,
    NotFound,
    Duplicate,
    Expired,
    RateLimited,
    Unavailable,
    Unknown,
}

/// A contradiction or gap of the documentation, with the decision that was taken.
#[derive(Debug)]
pub(crate) struct Quirk {
    pub(crate) id: String,
    /// Names of operations, objects or fields, as the spec's author wrote them.
    pub(crate) places: Vec<String>,
    pub(crate) readings: Vec<String>,
    pub(crate) decision: String,
    pub(crate) why: String,
    pub(crate) source: Source,
}
