//! Samples against the fields that the spec states for them: whatever stands in a sample is known.
//!
//! This is what makes the transcription complete: a field that only a sample shows is a finding
//! until somebody writes it down.

use std::rc::Rc;

use serde_json::{Map, Value};

use crate::diagnostic::{Findings, Place};
use crate::ir::{Example, Field, Operation, PAGING, Range, Reply, Route, Side, Spec, Type};

/// Checks the samples of every operation.
pub(super) fn check(spec: &Spec, findings: &mut Findings) {
    for operation in &spec.operations {
        for example in &operation.examples {
            let mut unknown = Vec::new();
            match example.side {
                Side::Request => request(spec, operation, example, &mut unknown, findings),
                Side::Reply => reply(spec, operation, example, &mut unknown),
                Side::Error => {}
            }
            for path in unknown {
                let key = path.rsplit('.').next().unwrap_or(&path);
                findings.add(
                    &line_of(example, key),
                    format!("the sample holds `{path}`, which is no field of `{}`", operation.name),
                    "write the field down, with `source: \"sample: ...\"`",
                );
            }
        }
    }
}

/// The first line of the sample that has the key.
fn line_of(example: &Example, key: &str) -> Place {
    let quoted = format!("\"{key}\"");
    let line = example.text.lines().position(|line| line.contains(&quoted)).unwrap_or_default();
    Place { file: Rc::from(format!("spec/{}", example.path)), line: line as u64 + 1 }
}

fn request(
    spec: &Spec,
    operation: &Operation,
    example: &Example,
    unknown: &mut Vec<String>,
    findings: &mut Findings,
) {
    let Some(sample) = example.json.as_object() else { return };
    if let Some(service) = operation.service() {
        let sent = sample.get("service").and_then(Value::as_str).unwrap_or_default();
        if !sent.eq_ignore_ascii_case(service) {
            findings.add(
                &line_of(example, "service"),
                format!("the sample sends `{sent}`, but `{}` is `{service}`", operation.name),
                "rename the file or correct the service",
            );
        }
    }
    let signed = matches!(operation.route, Route::Service(_));
    let common: &[Field] = if signed { &spec.gateway.request_fields } else { &[] };
    object(spec, &[&operation.request.fields, common], sample, "", unknown);
}

fn reply(spec: &Spec, operation: &Operation, example: &Example, unknown: &mut Vec<String>) {
    let Some(sample) = example.json.as_object() else { return };
    let data = match operation.route {
        Route::Service(_) => {
            object(spec, &[&spec.gateway.reply_fields], sample, "", unknown);
            sample.get("data")
        }
        Route::Path(_) => Some(&example.json),
    };
    let Some(data) = data else { return };
    match &operation.reply {
        Reply::Object(id) | Reply::Range(Range { object: id, .. }) => {
            value(spec, &Type::Object(*id), data, "data", unknown);
        }
        Reply::List(id) => {
            value(spec, &Type::List(Box::new(Type::Object(*id))), data, "data", unknown);
        }
        Reply::Page(page) => {
            let Some(data) = data.as_object() else { return };
            let mut rest = data.clone();
            rest.retain(|key, _| *key != page.key && !PAGING.contains(&key.as_str()));
            object(spec, &[], &rest, "data", unknown);
            let rows = data.get(&page.key).unwrap_or(&Value::Null);
            let path = format!("data.{}", page.key);
            value(spec, &Type::List(Box::new(Type::Object(page.of))), rows, &path, unknown);
        }
        Reply::Any => {}
    }
}

fn object(
    spec: &Spec,
    fields: &[&[Field]],
    sample: &Map<String, Value>,
    path: &str,
    unknown: &mut Vec<String>,
) {
    for (key, of_sample) in sample {
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        match fields.iter().copied().flatten().find(|field| field.name == *key) {
            Some(field) => value(spec, &field.ty, of_sample, &path, unknown),
            None => unknown.push(path),
        }
    }
}

fn value(spec: &Spec, ty: &Type, sample: &Value, path: &str, unknown: &mut Vec<String>) {
    match (ty, sample) {
        (Type::Object(id) | Type::Variable(id), Value::Object(sample)) => {
            object(spec, &[&spec[*id].fields], sample, path, unknown);
        }
        (Type::List(of), Value::Array(items)) => {
            for item in items {
                value(spec, of, item, &format!("{path}[]"), unknown);
            }
        }
        (Type::Map(of), Value::Object(entries)) => {
            for item in entries.values() {
                value(spec, of, item, &format!("{path}.*"), unknown);
            }
        }
        _ => {}
    }
}
