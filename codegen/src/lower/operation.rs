//! Lowers operations: the route, the request with what it includes, the shape of the reply.

use std::collections::HashSet;

use serde_saphyr::Spanned;

use crate::diagnostic::{Findings, Place};
use crate::ir::{Effect, Field, Idempotency, Items, Operation, Reply, Request, Route};
use crate::lower::field::Owner;
use crate::lower::{Names, twice};
use crate::raw::{self, OperationsFile, Parsed, Shape};

pub(super) fn lower(
    files: &[(String, Parsed<OperationsFile>)],
    names: &Names<'_>,
    findings: &mut Findings,
) -> Vec<Operation> {
    let (mut seen_names, mut seen_routes) = (HashSet::new(), HashSet::new());
    let mut operations = Vec::new();
    for (module, file) in files {
        for operation in &file.content.operations {
            let at = file.at(operation);
            let lowered = one(module, file, operation, names, findings);
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
    names: &Names<'_>,
    findings: &mut Findings,
) -> Operation {
    let at = file.at(operation);
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
    let reply = reply(file, &owner, &raw.reply, names, findings);
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
    owner: &Owner<'_>,
    reply: &Spanned<raw::Reply>,
    names: &Names<'_>,
    findings: &mut Findings,
) -> Reply {
    let (at, raw) = (file.at(reply), &reply.value);
    let paged = matches!(raw.shape, Shape::Page | Shape::Range);
    if !paged && (raw.items.is_some() || !raw.fields.is_empty()) {
        findings.add(
            &at,
            "only a reply in pages or ranges has `items` and `fields`",
            "remove them or write `shape: page`",
        );
    }
    let fields = names.fields(file, owner, &[], &raw.fields, findings);
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
    let Some(of) = names.object(file, object, findings) else { return Reply::Any };
    if paged && raw.items.is_none() {
        findings.add(
            &at,
            "a reply in pages or ranges does not say where its items stand",
            "add `items:` with the key inside `data`",
        );
    }
    let items = || Items { of, key: raw.items.clone().unwrap_or_default(), fields };
    match raw.shape {
        Shape::Object => Reply::Object(of),
        Shape::List => Reply::List(of),
        Shape::Page => Reply::Page(items()),
        Shape::Range => Reply::Range(items()),
        Shape::Any => Reply::Any,
    }
}
