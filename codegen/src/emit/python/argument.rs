//! What a call or a record takes by keyword: an input's field, and its currency beside it.

use super::annotation;
use crate::emit::docs::{self, Spelling};
use crate::emit::input::Input;
use crate::ir::{Field, Spec};
use crate::name;

/// A keyword.
pub(super) struct Argument<'a> {
    pub(super) name: String,
    pub(super) annotation: String,
    pub(super) required: bool,
    pub(super) field: &'a Field,
    pub(super) about: String,
}

/// The keywords for these inputs, the required ones first.
pub(super) fn of<'a>(spec: &Spec, inputs: &[Input<'a>]) -> Vec<Argument<'a>> {
    let mut arguments: Vec<Argument<'a>> = Vec::new();
    for input in inputs {
        let about = docs::input(Spelling::Python, spec, input);
        arguments.push(one(spec, input.field, input.required, about));
        if let Some(currency) = input.currency {
            let about = docs::field(Spelling::Python, spec, currency);
            arguments.push(one(spec, currency, input.required, about));
        }
    }
    arguments.sort_by_key(|argument| !argument.required);
    arguments
}

fn one<'a>(spec: &Spec, field: &'a Field, required: bool, about: String) -> Argument<'a> {
    let annotation = annotation::given(spec, &field.ty, required);
    Argument { name: name::python(&field.snake), annotation, required, field, about }
}

impl Argument<'_> {
    /// `out_trade_no: str` or `body: str | None = None`.
    pub(super) fn declared(&self) -> String {
        let default = if self.required { "" } else { " = None" };
        format!("{}: {}{default}", self.name, self.annotation)
    }
}
