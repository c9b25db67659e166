//! What is well-formed and still wrong.
//!
//! Each lint is one function over the whole [`Spec`]; all of them run, and each finding says what
//! to do. A quirk on a field is its author's word that the matter was looked at: it silences the
//! lint on bare money, and nothing else.

mod samples;

use std::collections::HashSet;

use crate::diagnostic::Findings;
use crate::ir::{EnumId, Field, ObjectId, Side, Spec, Type};
use crate::name;

/// Runs every lint.
pub(crate) fn run(spec: &Spec, findings: &mut Findings) {
    unused(spec, findings);
    missing_samples(spec, findings);
    samples::check(spec, findings);
    for field in all_fields(spec) {
        bare_money(field, findings);
        unmarked_sensitive(field, findings);
    }
    unsignable(spec, findings);
    two_sides(spec, findings);
    endless(spec, findings);
    one_namespace(spec, findings);
}

/// Every field that the spec states, each once.
fn all_fields(spec: &Spec) -> impl Iterator<Item = &Field> {
    let requests = spec.operations.iter().flat_map(|operation| &operation.request.fields);
    let objects = spec.objects.iter().flat_map(|object| &object.fields);
    requests.chain(objects).chain(&spec.gateway.reply_fields)
}

/// An object that nothing leads to is a leftover, or a reference was forgotten.
fn unused(spec: &Spec, findings: &mut Findings) {
    let mut objects: HashSet<ObjectId> =
        spec.gateway.roots.iter().map(|root| root.object).collect();
    objects.extend(spec.operations.iter().filter_map(|operation| operation.reply.object()));
    objects.extend(spec.includes.iter().copied());
    let mut enums: HashSet<EnumId> = HashSet::new();
    for field in all_fields(spec).chain(&spec.gateway.request_fields) {
        objects.extend(field.ty.object());
        if let Type::Enum(id) = field.ty.innermost() {
            enums.insert(*id);
        }
    }
    for (index, object) in spec.objects.iter().enumerate() {
        if !objects.contains(&ObjectId(index)) {
            findings.add(
                &object.at,
                format!("nothing uses the object `{}`", object.name),
                "refer to it, list it under `roots` in spec/gateway.yaml, or remove it",
            );
        }
    }
    for (index, item) in spec.enums.iter().enumerate() {
        if !enums.contains(&EnumId(index)) {
            findings.add(
                &item.at,
                format!("nothing uses the enum `{}`", item.name),
                "refer to it as `enum:NAME` or remove it",
            );
        }
    }
}

/// The documentation has a sample of everything it documents, so the transcription has one too.
fn missing_samples(spec: &Spec, findings: &mut Findings) {
    for operation in spec.operations.iter().filter(|operation| operation.documented) {
        for (side, word) in [(Side::Request, "request"), (Side::Reply, "reply")] {
            if !operation.examples.iter().any(|example| example.side == side) {
                findings.add(
                    &operation.at,
                    format!("the operation `{}` has no sample of its {word}", operation.name),
                    format!("add spec/examples/{}.documented.{word}.json", operation.name),
                );
            }
        }
    }
}

/// An amount is `money` with a currency. Where a number only looks like one, a quirk says so.
fn bare_money(field: &Field, findings: &mut Findings) {
    let bare = matches!(
        field.ty.innermost(),
        Type::Integer(_) | Type::Decimal | Type::Text | Type::Digits | Type::Any
    );
    if bare && field.quirks.is_empty() && looks_like_money(&name::snake(&field.name)) {
        findings.add(
            &field.at,
            format!("`{}` looks like an amount of money but is no `money`", field.name),
            "write `type: money` and its `currency:`, or a quirk that says what it is",
        );
    }
}

fn looks_like_money(snake: &str) -> bool {
    const AMOUNTS: [&str; 6] = ["amount", "balance", "fee", "fees", "price", "total"];
    const OF_AMOUNTS: [&str; 6] = ["currency", "ccy", "code", "status", "type", "id"];
    let words: Vec<&str> = snake.split('_').collect();
    let names_an_amount = words.iter().any(|word| AMOUNTS.contains(word)) && words != ["total"];
    names_an_amount && !words.last().is_some_and(|last| OF_AMOUNTS.contains(last))
}

/// What a name like this holds must never be shown.
fn unmarked_sensitive(field: &Field, findings: &mut Findings) {
    let shown = matches!(
        field.ty.innermost(),
        Type::Text | Type::Digits | Type::Integer(_) | Type::Any | Type::Url | Type::Decimal
    );
    if shown && !field.sensitive && looks_sensitive(&name::snake(&field.name)) {
        findings.add(
            &field.at,
            format!("`{}` looks sensitive but is not marked", field.name),
            "add `sensitive: true`",
        );
    }
}

/// Scalars are signed and everything else is not: a field that may be either cannot be sent.
fn unsignable(spec: &Spec, findings: &mut Findings) {
    for field in spec.operations.iter().flat_map(|operation| &operation.request.fields) {
        if matches!(field.ty, Type::Any | Type::Variable(_)) {
            findings.add(
                &field.at,
                format!("nobody can know whether to sign `{}`", field.name),
                "give it a type other than `any` and `variable`",
            );
        }
    }
}

/// The client reads objects of replies leniently and writes those of requests strictly.
fn two_sides(spec: &Spec, findings: &mut Findings) {
    for object in &spec.objects {
        if object.role.reply && (object.role.request || object.role.sealed) {
            findings.add(
                &object.at,
                format!("the object `{}` stands in requests and in replies", object.name),
                "make two objects of it",
            );
        }
    }
}

/// An object that contains itself has no size and no end. A list of itself may be empty, and ends.
fn endless(spec: &Spec, findings: &mut Findings) {
    for (index, object) in spec.objects.iter().enumerate() {
        let mut seen = HashSet::new();
        let mut open = vec![ObjectId(index)];
        while let Some(id) = open.pop() {
            open.extend(spec[id].fields.iter().filter_map(inside).filter(|id| seen.insert(*id)));
        }
        if seen.contains(&ObjectId(index)) {
            findings.add(
                &object.at,
                format!("the object `{}` contains itself", object.name),
                "write `list:` before the type of one of the fields on the way, or `any`",
            );
        }
    }
}

/// The object that stands in the field as it is, in no list and no map.
fn inside(field: &Field) -> Option<ObjectId> {
    match field.ty {
        Type::Object(id) | Type::Variable(id) => Some(id),
        _ => None,
    }
}

/// A binding has objects and lists of values side by side, and beside classes of its own.
fn one_namespace(spec: &Spec, findings: &mut Findings) {
    const OWN: [&str; 10] = [
        "Currency",
        "Day",
        "JsonValue",
        "OpenEnum",
        "Page",
        "Record",
        "Rows",
        "Sealed",
        "Timestamp",
        "Untyped",
    ];
    let objects = spec.objects.iter().map(|object| (name::pascal(&object.name), &object.at));
    let classes: HashSet<String> = objects.clone().map(|(class, _)| class).collect();
    let enums = spec.enums.iter().map(|item| (name::pascal(&item.name), &item.at));
    let enums = enums.map(|(class, at)| (classes.contains(&class), class, at));
    for (taken, class, at) in objects.map(|(class, at)| (false, class, at)).chain(enums) {
        if taken || OWN.contains(&class.as_str()) {
            findings.add(
                at,
                format!("bindings have something else that is called `{class}`"),
                "rename the object or the enum",
            );
        }
    }
}

/// Whether the words of one of the known names stand in the name, next to each other.
fn looks_sensitive(snake: &str) -> bool {
    const NAMES: [&str; 32] = [
        "pan",
        "avv",
        "cvv",
        "cvc",
        "security_code",
        "expiry",
        "card_number",
        "card_token",
        "card_hashed",
        "account_number",
        "account_name",
        "acc_info",
        "account_information",
        "bank_account",
        "bank_account_token",
        "password",
        "username",
        "secret",
        "access_token",
        "refresh_token",
        "phone_number",
        "mobile_number",
        "email",
        "first_name",
        "last_name",
        "full_name",
        "holder_name",
        "owner_name",
        "receiver_name",
        "address",
        "postcode",
        "auth_code",
    ];
    let padded = format!("_{snake}_");
    NAMES.iter().any(|name| padded.contains(&format!("_{name}_")))
}

#[cfg(test)]
mod tests {
    use super::{looks_like_money, looks_sensitive};

    #[test]
    fn names_of_amounts() {
        for name in ["amount", "total_amount_cny", "fees_amount", "available_balance", "fee"] {
            assert!(looks_like_money(name), "{name}");
        }
        for name in ["fees_ccy", "total", "amount_currency", "feedback", "rate", "total_status"] {
            assert!(!looks_like_money(name), "{name}");
        }
    }

    #[test]
    fn names_of_secrets() {
        for name in ["pan", "virtual_card_number", "bank_account", "vcn_expiry", "client_secret"] {
            assert!(looks_sensitive(name), "{name}");
        }
        for name in ["company_name", "expires_in", "account_logo", "span", "token_type"] {
            assert!(!looks_sensitive(name), "{name}");
        }
    }
}
