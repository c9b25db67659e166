//! How facts are put into words, the same in every document that is emitted.

use crate::ir::{
    Charset, CurrencyOf, Effect, ErrorKind, Field, Idempotency, Limits, QuirkId, Reply, Route,
    Source, Spec, Type,
};

/// A text without line breaks.
pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Where a fact stands.
pub(super) fn source(source: &Source) -> String {
    match source {
        Source::Heading(heading) => heading.clone(),
        Source::Sample(heading) => format!("sample: {heading}"),
        Source::Field => "field".to_owned(),
    }
}

/// The names of quirks.
pub(super) fn quirk_ids(spec: &Spec, quirks: &[QuirkId]) -> Vec<String> {
    quirks.iter().map(|quirk| spec[*quirk].id.clone()).collect()
}

/// A field's description, with the condition under which it is required.
pub(super) fn of_field(field: &Field) -> String {
    let description = one_line(&field.description);
    match &field.required_with {
        Some(condition) => format!("{description} Required when {}.", condition.trim_matches('.')),
        None => description,
    }
}

/// A type as the tables write it.
pub(super) fn of_type(spec: &Spec, ty: &Type) -> String {
    match ty {
        Type::Text => "text".into(),
        Type::Digits => "digits".into(),
        Type::Integer(_) => "integer".into(),
        Type::Flag(_) => "flag".into(),
        Type::Money { currency: CurrencyOf::Sibling(name), .. } => format!("money in `{name}`"),
        Type::Money { currency: CurrencyOf::Code(code), .. } => format!("money in {code}"),
        Type::Money { currency: CurrencyOf::Unstated, .. } => "money, currency not stated".into(),
        Type::Decimal => "decimal".into(),
        Type::DateTime => "date and time".into(),
        Type::Date => "date".into(),
        Type::Url => "URL".into(),
        Type::Enum(id) => link("value", &spec[*id].name),
        Type::Object(id) => link("object", &spec[*id].name),
        Type::Variable(id) => format!("{} or another shape", link("object", &spec[*id].name)),
        Type::List(item) => format!("list of {}", of_type(spec, item)),
        Type::Map(value) => format!("free keys, each {}", of_type(spec, value)),
        Type::Any => "anything".into(),
        Type::Currency => "currency".into(),
        Type::Sealed(id) => format!("sealed {}", link("object", &spec[*id].name)),
    }
}

/// A link to an object's or enum's heading on the same page.
fn link(kind: &str, name: &str) -> String {
    format!("[{name}](#{kind}-{name})")
}

/// What a value has to keep to, in a few words; empty where there is no limit.
pub(super) fn of_limits(limits: &Limits) -> String {
    let mut parts = Vec::new();
    if let Some(chars) = limits.max_length {
        parts.push(format!("at most {chars} characters"));
    }
    match (limits.min, limits.max) {
        (Some(min), Some(max)) => parts.push(format!("{min} to {max}")),
        (Some(min), None) => parts.push(format!("at least {min}")),
        (None, Some(max)) => parts.push(format!("at most {max}")),
        (None, None) => {}
    }
    match limits.charset {
        Some(Charset::AlnumDash) => parts.push("letters, digits and dashes".into()),
        Some(Charset::Digits) => parts.push("digits".into()),
        Some(Charset::Hex) => parts.push("hexadecimal digits".into()),
        None => {}
    }
    parts.join(", ")
}

/// What a call changes, and so when it may be sent again.
pub(super) fn of_effect(effect: Effect, idempotency: Idempotency) -> &'static str {
    match (effect, idempotency) {
        (Effect::Read, _) => "reads; may be sent again at any time",
        (Effect::Write, Idempotency::OutTradeNo) => "changes something, once for an `out_trade_no`",
        (Effect::Write, Idempotency::None) => {
            "changes something; sent again only if it was certainly not sent"
        }
        (Effect::Money, Idempotency::OutTradeNo) => {
            "moves money, once for an `out_trade_no`; after an unknown outcome only queries follow"
        }
        (Effect::Money, Idempotency::None) => {
            "moves money and has no key against doing it twice: never sent again by itself"
        }
    }
}

/// What a caller can make of an error.
pub(super) fn of_kind(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Refused => "refused",
        ErrorKind::Unauthenticated => "unauthenticated",
        ErrorKind::Forbidden => "forbidden",
        ErrorKind::NotFound => "not found",
        ErrorKind::Duplicate => "duplicate",
        ErrorKind::Expired => "expired",
        ErrorKind::RateLimited => "rate limited",
        ErrorKind::Unavailable => "unavailable",
        ErrorKind::Unknown => "unknown",
    }
}

/// How a request finds its operation.
pub(super) fn route(route: &Route) -> String {
    match route {
        Route::Service(service) => format!("`{service}`"),
        Route::Path(path) => format!("`POST {path}`"),
    }
}

/// What `data` holds, with the name of the object.
pub(super) fn of_reply(spec: &Spec, reply: &Reply) -> String {
    match reply {
        Reply::Object(id) => link("object", &spec[*id].name),
        Reply::List(id) => format!("a list of {}", link("object", &spec[*id].name)),
        Reply::Page(page) => {
            format!("a page; `{}` holds {}", page.key, link("object", &spec[page.of].name))
        }
        Reply::Range(range) => {
            let object = &spec[range.object];
            let rows = &object.fields[range.rows].name;
            format!("a range; `{rows}` of {} holds its rows", link("object", &object.name))
        }
        Reply::Any => "anything; kept as it came".into(),
    }
}
