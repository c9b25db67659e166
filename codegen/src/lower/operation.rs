//! Lowers operations: the route, the request with what it includes, the shape of the reply.

use std::collections::HashSet;

use serde_saphyr::Spanned;

use crate::diagnostic::{Findings, Place};
use crate::ir::{
    Effect, Field, Idempotency, Object, ObjectId, Operation, Page, Range, Reply, Request, Route,
    Type,
};
use crate::lower::field::Owner;
use crate::lower::{Names, twice};
use crate::raw::{self, OperationsFile, Parsed, Shape};

/// What an operation refers to.
#[derive(Clone, Copy)]
struct Known<'a> {
    names: &'a Names<'a>,
    objects: &'a [Object],
}

pub(super) fn lower(
    files: &[(String, Parsed<OperationsFile>)],
    names: &Names<'_>,
    objects: &[Object],
    findings: &mut Findings,
) -> Vec<Operation> {
    let known = Known { names, objects };
    let (mut seen_names, mut seen_routes) = (HashSet::new(), HashSet::new());
    let mut operations = Vec::new();
    for (module, file) in files {
        for operation in &file.content.operations {
            let at = file.at(operation);
            let lowered = one(module, file, operation, known, findings);
            if !seen_names.insert(lowered.name.clone()) {
                twice(findings, &at, "operation", &lowered.name);
            }
            match &lowered.route {
                Route::Service(service) | Route::Path(service) => {
                    if !seen_routes.insert(service.clone()) {
                        twice(findings, &at, "service", service);
                    }
                }
            }
            operations.push(lowered);
        }
    }
    operations
}

fn one(
    module: &str,
    file: &Parsed<OperationsFile>,
    operation: &Spanned<raw::Operation>,
    known: Known<'_>,
    findings: &mut Findings,
) -> Operation {
    let (at, names) = (file.at(operation), known.names);
    let raw = &operation.value;
    let name = &raw.name.value;
    let owner = Owner::new("operation", name, raw.source.as_deref());
    let request = Request {
        fields: names.fields(file, &owner, &raw.request.include, &raw.request.fields, findings),
        one_of: raw.request.one_of.iter().map(|group| group.value.clone()).collect(),
    };
    for group in &raw.request.one_of {
        check_group(&request.fields, &group.value, &file.at(group), findings);
    }
    let source = owner.source(None, &at, "operation", name, findings);
    let quirks = names.quirks(file, &raw.quirks, findings);
    let reply = reply(file, &raw.reply, &request, known, findings);
    Operation {
        module: module.to_owned(),
        section: file.content.section.clone(),
        route: route(raw, &at, findings),
        name: name.clone(),
        title: raw.title.clone(),
        source,
        documented: raw.documented,
        summary: raw.summary.trim().to_owned(),
        description: raw.description.trim().to_owned(),
        effect: match raw.effect {
            raw::Effect::Read => Effect::Read,
            raw::Effect::Write => Effect::Write,
            raw::Effect::Money => Effect::Money,
        },
        idempotency: match raw.idempotency {
            raw::Idempotency::None => Idempotency::None,
            raw::Idempotency::OutTradeNo => Idempotency::OutTradeNo,
        },
        quirks,
        request,
        reply,
        examples: Vec::new(),
        at,
    }
}

fn route(raw: &raw::Operation, at: &Place, findings: &mut Findings) -> Route {
    match (&raw.service, &raw.path) {
        (Some(service), None) => Route::Service(service.value.clone()),
        (None, Some(path)) => Route::Path(path.clone()),
        (service, _) => {
            let what = if service.is_some() { "both" } else { "neither" };
            findings.add(
                at,
                format!("`{}` has {what} `service` and `path`", raw.name.value),
                "a service behind the gateway's endpoint has `service`, anything else `path`",
            );
            Route::Path(raw.name.value.clone())
        }
    }
}

fn check_group(fields: &[Field], group: &[String], at: &Place, findings: &mut Findings) {
    for name in group {
        match fields.iter().find(|field| field.name == *name) {
            None => findings.add(
                at,
                format!("`one_of` names `{name}`, which is no field of the request"),
                "correct the name",
            ),
            Some(field) if field.required => findings.add(
                at,
                format!("`one_of` names `{name}`, which is required anyway"),
                "write `presence: optional` for it or take it out of the group",
            ),
            Some(_) => {}
        }
    }
}

fn reply(
    file: &Parsed<OperationsFile>,
    raw: &Spanned<raw::Reply>,
    request: &Request,
    known: Known<'_>,
    findings: &mut Findings,
) -> Reply {
    let (at, raw) = (file.at(raw), &raw.value);
    let paged = matches!(raw.shape, Shape::Page | Shape::Range);
    if !paged && raw.items.is_some() {
        findings.add(
            &at,
            "only a reply in pages or ranges has `items`",
            "remove it or write `shape: page`",
        );
    }
    if raw.shape == Shape::Any {
        if raw.object.is_some() {
            findings.add(&at, "a reply of any shape has no `type`", "remove `type:`");
        }
        return Reply::Any;
    }
    let Some(object) = &raw.object else {
        findings.add(&at, "the reply has no `type`", "add `type:` with the name of an object");
        return Reply::Any;
    };
    let Some(of) = known.names.object(file, object, findings) else { return Reply::Any };
    if paged && raw.items.is_none() {
        findings.add(
            &at,
            "a reply in pages or ranges does not say where its items stand",
            "add `items:` with the key inside `data`",
        );
    }
    match (raw.shape, &raw.items) {
        (Shape::List, _) => Reply::List(of),
        (Shape::Page, Some(key)) => {
            asks_by(request, &["page"], &at, findings);
            page(of, &key.value, &file.at(key), findings)
        }
        (Shape::Range, Some(key)) => {
            asks_by(request, &["from", "to"], &at, findings);
            range(of, &key.value, &known.objects[of.0], &file.at(key), findings)
        }
        _ => Reply::Object(of),
    }
}

/// A list in pieces is asked for by whole numbers, which the client counts on by itself.
fn asks_by(request: &Request, names: &[&str], at: &Place, findings: &mut Findings) {
    for name in names {
        let field = request.fields.iter().find(|field| field.name == *name);
        if !field.is_some_and(|field| field.required && matches!(field.ty, Type::Integer(_))) {
            findings.add(
                at,
                format!("the reply goes on by `{name}`, which is no required integer here"),
                "write it as a field of the request or correct the shape",
            );
        }
    }
}

fn page(of: ObjectId, key: &str, at: &Place, findings: &mut Findings) -> Reply {
    // The client has one type for pages, which reads these keys.
    if !["data", "items"].contains(&key) {
        findings.add(
            at,
            format!("no page has its items in `{key}`"),
            "write `data` or `items`, or teach the client's `Page` another key",
        );
    }
    Reply::Page(Page { of, key: key.to_owned() })
}

fn range(id: ObjectId, key: &str, object: &Object, at: &Place, findings: &mut Findings) -> Reply {
    let place = |name: &str| object.fields.iter().position(|field| field.name == name);
    let item = |rows: usize| match &object.fields[rows].ty {
        Type::List(item) => match **item {
            Type::Object(of) => Some((rows, of)),
            _ => None,
        },
        _ => None,
    };
    let rows = place(key).and_then(item);
    let has_more = place("hasMore").filter(|at| matches!(object.fields[*at].ty, Type::Flag(_)));
    if rows.is_none() {
        findings.add(
            at,
            format!("`{}` has no list of objects in `{key}`", object.name),
            "name its field that holds the rows",
        );
    }
    if has_more.is_none() {
        findings.add(
            at,
            format!(
                "`{}` has no flag `hasMore`, which says whether a range is the last",
                object.name
            ),
            "add the field or correct the shape",
        );
    }
    match (rows, has_more) {
        (Some((rows, of)), Some(has_more)) => {
            Reply::Range(Range { object: id, of, rows, has_more })
        }
        _ => Reply::Object(id),
    }
}
