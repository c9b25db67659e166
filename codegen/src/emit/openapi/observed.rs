//! What the samples show of each field beyond what its table says.
//!
//! A schema has to accept every sample of the documentation, and the samples do not keep to the
//! tables: a number comes as text, a required field is left out. The spec says what is meant; this
//! says what was seen, so that the document can allow exactly that much more and nothing besides.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::ir::{Field, ObjectId, Operation, Range, Reply, Side, Spec, Type};

/// Whose field it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Owner<'a> {
    /// The root of the request of the operation with this name.
    Request(&'a str),
    /// The envelope of the reply of the operation with this name.
    Reply(&'a str),
    Object(ObjectId),
}

/// JSON's types, by the names that JSON Schema has for them.
pub(super) type Shape = &'static str;

/// What the samples show of one field.
#[derive(Debug, Default)]
struct Seen {
    shapes: BTreeSet<Shape>,
    absent: bool,
}

/// What the samples show, of every field that a sample reaches.
#[derive(Debug, Default)]
pub(super) struct Observed<'a> {
    seen: BTreeMap<(Owner<'a>, &'a str), Seen>,
}

impl<'a> Observed<'a> {
    /// Walks through all samples.
    pub(super) fn of(spec: &'a Spec) -> Self {
        let mut observed = Self::default();
        for operation in &spec.operations {
            for example in &operation.examples {
                match example.side {
                    Side::Request => observed.request(spec, operation, &example.json),
                    Side::Reply => observed.reply(spec, operation, &example.json),
                    Side::Error => {}
                }
            }
        }
        observed
    }

    /// The shapes that the field was seen in.
    pub(super) fn shapes(&self, owner: Owner<'a>, field: &'a str) -> Vec<Shape> {
        self.seen
            .get(&(owner, field))
            .map(|s| s.shapes.iter().copied().collect())
            .unwrap_or_default()
    }

    /// Whether a sample leaves the field out.
    pub(super) fn is_left_out(&self, owner: Owner<'a>, field: &'a str) -> bool {
        self.seen.get(&(owner, field)).is_some_and(|seen| seen.absent)
    }

    fn request(&mut self, spec: &'a Spec, operation: &'a Operation, json: &Value) {
        if let Value::Object(members) = json {
            let owner = Owner::Request(&operation.name);
            self.fields(spec, owner, &operation.request.fields, members);
            if operation.service().is_some() {
                self.fields(spec, owner, &spec.gateway.request_fields, members);
            }
        }
    }

    fn reply(&mut self, spec: &'a Spec, operation: &'a Operation, json: &Value) {
        let owner = Owner::Reply(&operation.name);
        let mut data = json;
        if operation.service().is_some() {
            let Value::Object(members) = json else { return };
            self.fields(spec, owner, &spec.gateway.reply_fields, members);
            let Some(inside) = members.get("data") else { return };
            data = inside;
        }
        match &operation.reply {
            Reply::Object(id) | Reply::Range(Range { object: id, .. }) => {
                self.object(spec, *id, data);
            }
            Reply::List(id) => self.list(data, |observed, item| observed.object(spec, *id, item)),
            Reply::Page(page) => {
                if let Some(list) = data.get(&page.key) {
                    self.list(list, |observed, item| observed.object(spec, page.of, item));
                }
            }
            Reply::Any => {}
        }
    }

    fn object(&mut self, spec: &'a Spec, id: ObjectId, json: &Value) {
        if let Value::Object(members) = json {
            self.fields(spec, Owner::Object(id), &spec[id].fields, members);
        }
    }

    fn list(&mut self, json: &Value, mut each: impl FnMut(&mut Self, &Value)) {
        for item in json.as_array().into_iter().flatten() {
            each(self, item);
        }
    }

    fn fields(
        &mut self,
        spec: &'a Spec,
        owner: Owner<'a>,
        fields: &'a [Field],
        members: &Map<String, Value>,
    ) {
        for field in fields {
            let seen = self.seen.entry((owner, &field.name)).or_default();
            match members.get(&field.name) {
                None => seen.absent = true,
                Some(value) => {
                    seen.shapes.insert(shape(value));
                    self.inside(spec, &field.ty, value);
                }
            }
        }
    }

    fn inside(&mut self, spec: &'a Spec, ty: &'a Type, json: &Value) {
        match ty {
            Type::Object(id) | Type::Variable(id) => self.object(spec, *id, json),
            Type::List(of) => self.list(json, |observed, item| observed.inside(spec, of, item)),
            Type::Map(value) => {
                for member in json.as_object().into_iter().flat_map(Map::values) {
                    self.inside(spec, value, member);
                }
            }
            _ => {}
        }
    }
}

fn shape(value: &Value) -> Shape {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
