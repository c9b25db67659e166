//! Checks a request against the table of services: what is missing, too long, or not of its kind.
//!
//! Every finding names its field and has a sentence of the kind Laravel writes.

use std::collections::BTreeMap;

use crate::php::{Params, Value};
use crate::rules::{Charset, Field, Kind, Service};
use crate::seal::{KeyPair, Opened};

/// Findings: the field and the sentence.
pub(crate) type Findings = Vec<(String, String)>;

/// Opened blocks by the name of their field.
pub(crate) type OpenedBlocks = BTreeMap<&'static str, Params>;

/// Checks every field of `service`. Sealed blocks are opened and their members checked as well.
pub(crate) fn check(
    service: &Service,
    params: &Params,
    keys: &KeyPair,
) -> Result<OpenedBlocks, Findings> {
    let mut findings = Findings::new();
    check_fields(service.fields, params, "", &mut findings);
    for group in service.one_of {
        if group.iter().all(|name| params.get(name) == &Value::Null) {
            let others = group.join(", ");
            for name in *group {
                findings.push(((*name).to_owned(), format!("One of {others} is required.")));
            }
        }
    }
    if !findings.is_empty() {
        return Err(findings);
    }
    let blocks = open_blocks(service, params, keys, &mut findings);
    if findings.is_empty() { Ok(blocks) } else { Err(findings) }
}

fn open_blocks(
    service: &Service,
    params: &Params,
    keys: &KeyPair,
    findings: &mut Findings,
) -> OpenedBlocks {
    let mut blocks = OpenedBlocks::new();
    for field in service.fields.iter().filter(|field| field.kind == Kind::Sealed) {
        let Some(block) = params.text(field.name) else {
            continue;
        };
        match keys.open(block) {
            Opened::Unopened => {}
            Opened::Broken(why) => {
                findings.push((field.name.to_owned(), format!("The {} {why}.", field.name)));
            }
            Opened::Object(inside) => {
                let prefix = format!("{}.", field.name);
                check_fields(field.sealed.unwrap_or_default(), &inside, &prefix, findings);
                blocks.insert(field.name, inside);
            }
        }
    }
    blocks
}

fn check_fields(fields: &[Field], params: &Params, prefix: &str, findings: &mut Findings) {
    for field in fields {
        if let Some(problem) = check_field(field, params.get(field.name)) {
            let name = format!("{prefix}{}", field.name);
            findings.push((name.clone(), format!("The {name} {problem}.")));
        }
    }
}

/// What is wrong with `value`, as the end of a sentence that begins with "The ... ".
fn check_field(field: &Field, value: &Value) -> Option<String> {
    if *value == Value::Null {
        return field.required.then(|| "field is required".to_owned());
    }
    check_kind(field.kind, value)
        .map(str::to_owned)
        .or_else(|| check_length(field, value))
        .or_else(|| check_range(field, value))
        .or_else(|| check_charset(field, value).map(str::to_owned))
}

fn check_kind(kind: Kind, value: &Value) -> Option<&'static str> {
    let text = value.printed();
    let (right, problem) = match kind {
        Kind::Text | Kind::Enum(_) | Kind::Sealed => (text.is_some(), "must be a string"),
        Kind::Digits => (
            text.is_some_and(|t| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit())),
            "must be made of digits",
        ),
        Kind::Integer => {
            (value.decimal().is_some_and(|number| number.is_integer()), "must be an integer")
        }
        Kind::Flag => {
            (matches!(text, Some("1" | "0" | "" | "true" | "false")), "field must be true or false")
        }
        Kind::Money | Kind::Decimal => (value.decimal().is_some(), "must be a number"),
        Kind::Date => (text.is_some_and(is_date), "is not a valid date"),
        Kind::DateTime => (text.is_some_and(is_date_time), "is not a valid date"),
        Kind::Url => (
            text.is_some_and(|t| t.starts_with("http://") || t.starts_with("https://")),
            "is not a valid URL",
        ),
        Kind::Object | Kind::Map => {
            (starts_with(value, &['{']) || starts_with(value, &['[']), "must be an object")
        }
        Kind::List => (starts_with(value, &['[']), "must be an array"),
        Kind::Any => (true, ""),
    };
    if right { None } else { Some(problem) }
}

/// PHP decodes both `{}` and `[]` to an array, so an empty list passes for an empty object.
fn starts_with(value: &Value, first: &[char]) -> bool {
    matches!(value, Value::Nested(json) if json.starts_with(first))
}

fn is_date(text: &str) -> bool {
    text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok()
}

fn is_date_time(text: &str) -> bool {
    text.parse::<jiff::Timestamp>().is_ok() || text.parse::<jiff::civil::DateTime>().is_ok()
}

fn check_length(field: &Field, value: &Value) -> Option<String> {
    let limit = field.max_chars?;
    let length = value.printed()?.chars().count();
    (length > limit).then(|| format!("may not be greater than {limit} characters"))
}

fn check_range(field: &Field, value: &Value) -> Option<String> {
    if field.min.is_none() && field.max.is_none() {
        return None;
    }
    let number = value.decimal()?;
    if let Some(min) = field.min.filter(|min| number < (*min).into()) {
        return Some(format!("must be at least {min}"));
    }
    let max = field.max.filter(|max| number > (*max).into())?;
    Some(format!("may not be greater than {max}"))
}

fn check_charset(field: &Field, value: &Value) -> Option<&'static str> {
    let text = value.printed()?;
    let (right, problem) = match field.charset? {
        Charset::AlnumDash => (
            text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'),
            "may only contain letters, numbers and dashes",
        ),
        Charset::Digits => (text.bytes().all(|b| b.is_ascii_digit()), "must be made of digits"),
        Charset::Hex => (text.bytes().all(|b| b.is_ascii_hexdigit()), "must be hexadecimal"),
    };
    if right { None } else { Some(problem) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Field = Field {
        name: "x",
        kind: Kind::Text,
        required: true,
        max_chars: None,
        min: None,
        max: None,
        charset: None,
        sealed: None,
    };

    fn finding(field: &Field, json: &str) -> Option<String> {
        let params = Params::decode(format!("{{\"x\":{json}}}").as_bytes()).unwrap();
        check_field(field, params.get("x"))
    }

    #[test]
    fn each_rule_finds_what_breaks_it_and_nothing_else() {
        let rule = |kind| Field { kind, ..PLAIN };
        let long = Field { max_chars: Some(3), ..PLAIN };
        let ranged = Field { min: Some(12), max: Some(24), ..rule(Kind::Integer) };
        let dashed = Field { charset: Some(Charset::AlnumDash), ..PLAIN };
        let cases: [(&Field, &str, &str); 12] = [
            (&PLAIN, "\"a\"", "\" \""),
            (&PLAIN, "12", "[]"),
            (&rule(Kind::Digits), "\"0012\"", "\"12a\""),
            (&rule(Kind::Integer), "\"7\"", "7.5"),
            (&rule(Kind::Flag), "false", "\"maybe\""),
            (&rule(Kind::Money), "\"10.50\"", "\"ten\""),
            (&rule(Kind::Date), "\"2022-01-15\"", "\"2022-02-30\""),
            (&rule(Kind::Url), "\"https://a.b\"", "\"a.b\""),
            (&rule(Kind::Object), "{\"a\":1}", "\"a\""),
            (&long, "\"ខ្ម\"", "\"abcd\""),
            (&ranged, "24", "25"),
            (&dashed, "\"WD-1\"", "\"WD_1\""),
        ];
        for (field, right, wrong) in cases {
            assert_eq!(finding(field, right), None, "{right} for {field:?}");
            assert!(finding(field, wrong).is_some(), "{wrong} for {field:?}");
        }
    }

    #[test]
    fn what_is_optional_may_be_empty() {
        assert_eq!(finding(&Field { required: false, ..PLAIN }, "\"\""), None);
    }
}
