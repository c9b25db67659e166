//! Small pieces of markup that many templates use, as functions of the template engine.
//!
//! Invariant: a value that comes from outside is escaped before it stands in markup here.

use minijinja::{Environment, Error, ErrorKind, HtmlEscape, State, Value};

use super::words::Language;
use crate::{payout::Outcome, report::grouped};

/// Adds the pieces to the templates of a language.
pub(super) fn add(templates: &mut Environment<'_>, language: Language) {
    templates.add_function("bar", bar);
    templates.add_function("csrf", csrf);
    templates.add_function("group", |number: u64| grouped(&number.to_string()));
    templates.add_function("swatch", |outcome: &str| swatch(known(outcome)?));
    templates.add_function("outcome_mark", move |outcome: &str| {
        let (swatch, words) = (swatch(known(outcome)?)?, format!("outcome.{outcome}"));
        let words = HtmlEscape(language.words(&words));
        markup(format!("<span class=\"outcome\">{swatch}{words}</span>"))
    });
    templates.add_function("time", time);
}

fn markup(text: String) -> Result<Value, Error> {
    Ok(Value::from_safe_string(text))
}

/// Only outcomes become part of names in the markup.
fn known(outcome: &str) -> Result<Outcome, Error> {
    outcome.parse().map_err(|_| Error::new(ErrorKind::InvalidOperation, "no outcome"))
}

fn swatch(outcome: Outcome) -> Result<Value, Error> {
    markup(format!(
        "<svg class=\"swatch\" width=\"14\" height=\"14\" aria-hidden=\"true\"><rect width=\"14\" \
         height=\"14\" rx=\"3\" fill=\"url(#fill-{outcome})\"/></svg>"
    ))
}

/// The bar of a batch's progress. The numbers stand beside it as text, so it is hidden from whoever
/// listens to the page.
fn bar(pieces: Vec<Value>) -> Result<Value, Error> {
    let mut svg =
        "<svg class=\"bar\" width=\"100%\" height=\"14\" aria-hidden=\"true\">".to_owned();
    for piece in pieces {
        let outcome = known(piece.get_attr("outcome")?.as_str().unwrap_or_default())?;
        let (x, width) = (piece.get_attr("x")?, piece.get_attr("width")?);
        svg.push_str(&format!(
            "<rect x=\"{}\" width=\"{}\" height=\"14\" fill=\"url(#fill-{outcome})\"/>",
            HtmlEscape(&x.to_string()),
            HtmlEscape(&width.to_string()),
        ));
    }
    svg.push_str("</svg>");
    markup(svg)
}

/// The hidden field by which the server knows its own forms.
fn csrf(state: &State<'_, '_>) -> Result<Value, Error> {
    let frame = state.lookup("frame").unwrap_or_default();
    let token = frame.get_attr("csrf")?.to_string();
    markup(format!("<input type=\"hidden\" name=\"csrf\" value=\"{}\">", HtmlEscape(&token)))
}

/// A moment. The script shows it in the time of whoever looks.
fn time(moment: Value) -> Result<Value, Error> {
    let (iso, text) = (moment.get_attr("iso")?.to_string(), moment.get_attr("text")?.to_string());
    markup(format!("<time datetime=\"{}\">{}</time>", HtmlEscape(&iso), HtmlEscape(&text)))
}
