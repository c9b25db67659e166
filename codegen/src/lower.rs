//! From the files as they stand to the [`Spec`]: references resolved, inclusions in place, names
//! unique.
//!
//! Goes on after a finding, with a stand-in that keeps the rest checkable; the result is only used
//! where nothing was found, so no stand-in ever reaches an emitter.

mod example;
mod field;
mod gateway;
mod operation;

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use serde_saphyr::Spanned;

use crate::SourceFile;
use crate::diagnostic::{Findings, Place};
use crate::ir::{
    Enum, EnumId, EnumValue, ErrorKind, ErrorRow, Object, ObjectId, Operation, Quirk, QuirkId,
    Role, Route, Source, Spec, Type,
};
use crate::raw::{self, Parsed};
use field::Owner;

/// All files, each read in its shape.
struct Files<'a> {
    gateway: Parsed<raw::GatewayFile>,
    /// With the stem of the file.
    operations: Vec<(String, Parsed<raw::OperationsFile>)>,
    objects: Vec<Parsed<raw::ObjectsFile>>,
    enums: Parsed<raw::EnumsFile>,
    errors: Parsed<raw::ErrorsFile>,
    quirks: Parsed<raw::QuirksFile>,
    examples: Vec<&'a SourceFile>,
}

/// What the names of the spec stand for.
pub(super) struct Names<'a> {
    objects: HashMap<&'a str, ObjectId>,
    raw_objects: Vec<(Place, &'a Parsed<raw::ObjectsFile>, &'a raw::Object)>,
    enums: HashMap<&'a str, EnumId>,
    quirks: HashMap<&'a str, QuirkId>,
}

/// Resolves everything. `None` where a file has not even the shape it should have: what the other
/// files refer to would then be missing, and every such finding would be noise.
pub(crate) fn lower(files: &[SourceFile], findings: &mut Findings) -> Option<Spec> {
    let files = read(files, findings)?;
    let names = Names::of(&files, findings);
    let objects = names.lower_objects(findings);
    let mut operations = operation::lower(&files.operations, &names, &objects, findings);
    let error_examples = example::attach(&files.examples, &mut operations, findings);
    let mut spec = Spec {
        gateway: gateway::lower(&files.gateway, &names, findings),
        operations,
        objects,
        enums: lower_enums(&files.enums, &names, findings),
        errors: lower_errors(&files, &names, findings),
        quirks: files.quirks.content.quirks.iter().map(|quirk| lower_quirk(&quirk.value)).collect(),
        includes: names.included(&files),
        error_examples,
    };
    assign_roles(&mut spec);
    Some(spec)
}

fn read<'a>(sources: &'a [SourceFile], findings: &mut Findings) -> Option<Files<'a>> {
    let mut sorted: Vec<&SourceFile> = sources.iter().collect();
    sorted.sort_by(|a, b| a.path.cmp(&b.path));
    let (mut operations, mut objects, mut examples) = (Vec::new(), Vec::new(), Vec::new());
    let (mut gateway, mut enums, mut errors, mut quirks) = (None, None, None, None);
    let mut complete = true;
    for source in sorted {
        let inside = source.path.strip_prefix("spec/").unwrap_or(&source.path);
        let parsed = match inside {
            "gateway.yaml" => keep(&mut gateway, raw::parse(source, findings)),
            "enums.yaml" => keep(&mut enums, raw::parse(source, findings)),
            "errors.yaml" => keep(&mut errors, raw::parse(source, findings)),
            "quirks.yaml" => keep(&mut quirks, raw::parse(source, findings)),
            _ if inside.starts_with("examples/") && inside.ends_with(".json") => {
                examples.push(source);
                true
            }
            _ => match inside.strip_suffix(".yaml").and_then(|stem| stem.split_once('/')) {
                Some(("operations", stem)) => {
                    let parsed = raw::parse(source, findings);
                    parsed.map(|parsed| operations.push((stem.to_owned(), parsed))).is_some()
                }
                Some(("objects", _)) => {
                    raw::parse(source, findings).map(|parsed| objects.push(parsed)).is_some()
                }
                _ => {
                    let at = first_line(&source.path);
                    findings.add(
                        &at,
                        "this file is no part of the spec",
                        "spec/README.md lists the files; move or remove it",
                    );
                    true
                }
            },
        };
        complete &= parsed;
    }
    for (found, path) in [
        (gateway.is_some(), "spec/gateway.yaml"),
        (enums.is_some(), "spec/enums.yaml"),
        (errors.is_some(), "spec/errors.yaml"),
        (quirks.is_some(), "spec/quirks.yaml"),
    ] {
        if !found && complete {
            findings.add(
                &first_line(path),
                "this file is missing",
                "write it; it may be empty of items",
            );
        }
    }
    if !complete {
        return None;
    }
    Some(Files {
        gateway: gateway?,
        operations,
        objects,
        enums: enums?,
        errors: errors?,
        quirks: quirks?,
        examples,
    })
}

/// Puts a file into its slot; says whether it could be read.
fn keep<T>(slot: &mut Option<Parsed<T>>, parsed: Option<Parsed<T>>) -> bool {
    *slot = parsed;
    slot.is_some()
}

fn first_line(path: &str) -> Place {
    Place { file: Rc::from(path), line: 1 }
}

impl<'a> Names<'a> {
    fn of(files: &'a Files<'_>, findings: &mut Findings) -> Self {
        let mut names = Names {
            objects: HashMap::new(),
            raw_objects: Vec::new(),
            enums: HashMap::new(),
            quirks: HashMap::new(),
        };
        for file in &files.objects {
            for object in &file.content.objects {
                let (at, name) = (file.at(object), object.value.name.value.as_str());
                let id = ObjectId(names.raw_objects.len());
                if names.objects.insert(name, id).is_some() {
                    twice(findings, &at, "object", name);
                }
                names.raw_objects.push((at, file, &object.value));
            }
        }
        for (index, item) in files.enums.content.enums.iter().enumerate() {
            let name = item.value.name.value.as_str();
            if names.enums.insert(name, EnumId(index)).is_some() {
                twice(findings, &files.enums.at(item), "enum", name);
            }
        }
        for (index, quirk) in files.quirks.content.quirks.iter().enumerate() {
            if names.quirks.insert(&quirk.value.id, QuirkId(index)).is_some() {
                twice(findings, &files.quirks.at(quirk), "quirk", &quirk.value.id);
            }
        }
        names
    }

    /// The object of that name; where there is none, a finding.
    fn object<F>(
        &self,
        file: &Parsed<F>,
        name: &Spanned<String>,
        findings: &mut Findings,
    ) -> Option<ObjectId> {
        let id = self.objects.get(name.value.as_str()).copied();
        if id.is_none() {
            unknown(findings, &file.at(name), "object", &name.value, "spec/objects");
        }
        id
    }

    fn quirks<F>(
        &self,
        file: &Parsed<F>,
        ids: &[Spanned<String>],
        findings: &mut Findings,
    ) -> Vec<QuirkId> {
        let mut known = Vec::with_capacity(ids.len());
        for id in ids {
            match self.quirks.get(id.value.as_str()) {
                Some(&quirk) => known.push(quirk),
                None => unknown(findings, &file.at(id), "quirk", &id.value, "spec/quirks.yaml"),
            }
        }
        known
    }

    fn included(&self, files: &Files<'_>) -> Vec<ObjectId> {
        let operations = files.operations.iter().flat_map(|(_, file)| &file.content.operations);
        let of_requests = operations.flat_map(|operation| &operation.value.request.include);
        let of_objects = self.raw_objects.iter().flat_map(|(_, _, object)| &object.include);
        let names = of_requests.chain(of_objects).map(|name| name.value.as_str());
        names.filter_map(|name| self.objects.get(name).copied()).collect()
    }

    fn lower_objects(&self, findings: &mut Findings) -> Vec<Object> {
        let mut objects = Vec::with_capacity(self.raw_objects.len());
        for (at, file, object) in &self.raw_objects {
            let owner = Owner::new("object", &object.name.value, object.source.as_deref());
            let quirks = self.quirks(file, &object.quirks, findings);
            objects.push(Object {
                name: object.name.value.clone(),
                title: object.title.clone(),
                source: owner.source(None, at, "object", &object.name.value, findings),
                description: object.description.trim().to_owned(),
                fields: self.fields(file, &owner, &object.include, &object.fields, findings),
                quirks,
                role: Role::default(),
                at: at.clone(),
            });
        }
        objects
    }
}

fn lower_enums(
    file: &Parsed<raw::EnumsFile>,
    names: &Names<'_>,
    findings: &mut Findings,
) -> Vec<Enum> {
    let mut enums = Vec::new();
    for item in &file.content.enums {
        let (at, item) = (file.at(item), &item.value);
        names.quirks(file, &item.quirks, findings);
        let owner = Owner::new("enum", &item.name.value, item.source.as_deref());
        let mut seen = HashSet::new();
        let mut values = Vec::with_capacity(item.values.len());
        for value in &item.values {
            let (at, value) = (file.at(value), &value.value);
            if !seen.insert(value.value.as_str()) {
                twice(findings, &at, "value", &value.value);
            }
            values.push(EnumValue {
                value: value.value.clone(),
                description: value.description.trim().to_owned(),
                source: owner.source(value.source.as_deref(), &at, "value", &value.value, findings),
                title: value.title.clone(),
                id: value.id,
            });
        }
        enums.push(Enum {
            name: item.name.value.clone(),
            closed: item.closed,
            source: owner.source(None, &at, "enum", &item.name.value, findings),
            description: item.description.trim().to_owned(),
            values,
            at,
        });
    }
    enums
}

fn lower_errors(files: &Files<'_>, names: &Names<'_>, findings: &mut Findings) -> Vec<ErrorRow> {
    let (file, endpoints) = (&files.errors, &files.gateway.content.endpoints);
    let mut seen = HashSet::new();
    let mut rows = Vec::new();
    for row in &file.content.errors {
        let (at, row) = (file.at(row), &row.value);
        names.quirks(file, &row.quirks, findings);
        if !seen.insert((row.status, row.code.as_deref())) {
            let name = row.code.clone().unwrap_or_else(|| row.status.to_string());
            twice(findings, &at, "error", &name);
        }
        if let Some(name) = &row.endpoint
            && !endpoints.iter().any(|endpoint| endpoint.value.name == name.value)
        {
            unknown(findings, &file.at(name), "endpoint", &name.value, "spec/gateway.yaml");
        }
        rows.push(ErrorRow {
            status: row.status,
            code: row.code.clone(),
            endpoint: row.endpoint.as_ref().map(|name| name.value.clone()),
            meaning: row.meaning.trim().to_owned(),
            kind: error_kind(row.kind),
            may_have_moved_money: row.moved_money == raw::MovedMoney::Unknown,
            source: source(&row.source),
        });
    }
    rows
}

fn error_kind(kind: raw::ErrorKind) -> ErrorKind {
    match kind {
        raw::ErrorKind::Refused => ErrorKind::Refused,
        raw::ErrorKind::Unauthenticated => ErrorKind::Unauthenticated,
        raw::ErrorKind::Forbidden => ErrorKind::Forbidden,
        raw::ErrorKind::NotFound => ErrorKind::NotFound,
        raw::ErrorKind::Duplicate => ErrorKind::Duplicate,
        raw::ErrorKind::Expired => ErrorKind::Expired,
        raw::ErrorKind::RateLimited => ErrorKind::RateLimited,
        raw::ErrorKind::Unavailable => ErrorKind::Unavailable,
        raw::ErrorKind::Unknown => ErrorKind::Unknown,
    }
}

fn lower_quirk(quirk: &raw::Quirk) -> Quirk {
    Quirk {
        id: quirk.id.clone(),
        places: quirk.places.clone(),
        readings: quirk.readings.clone(),
        decision: quirk.decision.trim().to_owned(),
        why: quirk.why.trim().to_owned(),
        source: source(&quirk.source),
    }
}

/// `field`, `sample: HEADING` or `HEADING`.
fn source(text: &str) -> Source {
    match (text, text.strip_prefix("sample: ")) {
        ("field", _) => Source::Field,
        (_, Some(heading)) => Source::Sample(heading.to_owned()),
        (heading, None) => Source::Heading(heading.to_owned()),
    }
}

fn twice(findings: &mut Findings, at: &Place, what: &str, name: &str) {
    findings.add(
        at,
        format!("the {what} `{name}` stands here for the second time"),
        "rename it or remove one of the two",
    );
}

fn unknown(findings: &mut Findings, at: &Place, what: &str, name: &str, home: &str) {
    findings.add(
        at,
        format!("there is no {what} `{name}`"),
        format!("write it into {home} or correct the name"),
    );
}

/// Follows requests, replies and roots to the objects they lead to.
fn assign_roles(spec: &mut Spec) {
    let mut work: Vec<(ObjectId, Role)> = Vec::new();
    let request = Role { request: true, ..Role::default() };
    let reply = Role { reply: true, ..Role::default() };
    // The runtime asks for tokens by itself, so what that endpoint answers has no role.
    let services = |operation: &&Operation| matches!(operation.route, Route::Service(_));
    for operation in spec.operations.iter().filter(services) {
        for field in &operation.request.fields {
            work.extend(field.ty.object().map(|id| (id, request.into_type(&field.ty))));
        }
        work.extend(operation.reply.object().map(|id| (id, reply)));
    }
    let notices = spec.gateway.roots.iter().filter(|root| !root.in_query);
    work.extend(notices.map(|root| (root.object, reply)));
    while let Some((id, role)) = work.pop() {
        let object = &mut spec.objects[id.0];
        if object.role.covers(role) {
            continue;
        }
        object.role = object.role.or(role);
        for field in &object.fields {
            work.extend(field.ty.object().map(|id| (id, role.into_type(&field.ty))));
        }
    }
}

impl Role {
    fn covers(self, other: Self) -> bool {
        self.or(other) == self
    }

    fn or(self, other: Self) -> Self {
        Self {
            request: self.request || other.request,
            reply: self.reply || other.reply,
            sealed: self.sealed || other.sealed,
        }
    }

    /// The role of what a field of this type leads to: a sealed object is only ever sealed.
    fn into_type(self, ty: &Type) -> Self {
        match ty {
            Type::Sealed(_) => Self { sealed: true, ..Self::default() },
            _ => self,
        }
    }
}
