//! What users call: a method for each operation, in Kotlin and in Swift.
//!
//! Both say the same in the words of `emit::docs`. A method forwards to the core through one of
//! three hand-written functions, by what the call changes: they make exceptions of failures, and an
//! unknown outcome of a call that is given up.

use super::comment::Block;
use super::language::Language;
use super::operation;
use super::record;
use super::samples::{Extent, Samples};
use crate::emit::client::operation::request_name;
use crate::emit::docs;
use crate::ir::{Effect, ObjectId, Operation, Reply, Spec};
use crate::name::{self, camel};

/// An operation as a method.
pub(super) struct Method<'a> {
    language: Language,
    spec: &'a Spec,
    pub(super) operation: &'a Operation,
    pub(super) name: String,
    /// The class of the request, where the operation takes one.
    pub(super) request: Option<String>,
    /// Whether the request may be left out, because nothing in it is required.
    pub(super) may_be_empty: bool,
    /// The type of the answer.
    pub(super) answer: String,
    /// The type of a row, where the answer is a piece of a list.
    pub(super) row: Option<String>,
}

impl<'a> Method<'a> {
    pub(super) fn of(language: Language, spec: &'a Spec, operation: &'a Operation) -> Self {
        let class = |id: ObjectId| name::pascal(&spec[id].name);
        let required = |name: &str| name != "seller_code";
        let fields = &operation.request.fields;
        let may_be_empty = operation.request.one_of.is_empty()
            && !fields.iter().any(|field| field.required && required(&field.name));
        Self {
            language,
            spec,
            operation,
            name: camel(&operation.name),
            request: operation::has_request(operation).then(|| request_name(operation).to_string()),
            may_be_empty,
            answer: match &operation.reply {
                Reply::Object(id) => class(*id),
                Reply::List(id) => language.list_of(&class(*id)),
                Reply::Page(page) => record::page_name(spec, page.of).to_string(),
                Reply::Range(range) => class(range.object),
                Reply::Any => "Json".to_owned(),
            },
            row: operation::row(&operation.reply).map(class),
        }
    }

    /// The hand-written function that makes the call.
    pub(super) fn through(&self) -> &'static str {
        match self.operation.effect {
            Effect::Read => "read",
            Effect::Write => "write",
            Effect::Money => "money",
        }
    }

    /// The number under which money moves, for whoever has to ask what became of it.
    pub(super) fn order_number(&self) -> Option<&'static str> {
        if self.operation.effect != Effect::Money {
            return None;
        }
        let named = self.operation.request.fields.iter().any(|field| field.name == "out_trade_no");
        Some(if named { "request.outTradeNo" } else { self.language.nothing() })
    }

    /// What the call does, as paragraphs.
    pub(super) fn about(&self) -> Vec<Block> {
        let about = docs::operation(self.language.spelling(), self.spec, self.operation);
        let one_of = docs::one_of(self.operation);
        let mut blocks = vec![Block::Prose(about)];
        if !one_of.is_empty() {
            blocks.push(Block::Prose(one_of));
        }
        blocks
    }

    pub(super) fn returns(&self) -> String {
        docs::answer(self.language.spelling(), self.spec, &self.operation.reply)
    }

    pub(super) fn errors(&self) -> &'static str {
        docs::errors(self.language.spelling(), self.operation)
    }

    pub(super) fn iteration(&self) -> String {
        docs::iteration(&self.name, &self.operation.reply)
    }

    /// A call with what is required, and what stands before it.
    pub(super) fn example(&self, before: &str, columns: usize) -> Vec<String> {
        let head = format!("{before}gateway.{}(", self.name);
        if self.request.is_none() || self.may_be_empty {
            return vec![format!("{head})")];
        }
        let samples =
            Samples { language: self.language, spec: self.spec, extent: Extent::Required };
        let request = samples.request(self.operation, columns - 4).join("\n");
        self.language.spread(columns, &head, &[request], ")")
    }
}
