//! What goes back over the connection: envelopes, refusals, and replies that do not arrive.

use std::time::Duration;

use crate::json::{Json, object};
use crate::php::Params;
use crate::refusal::{ErrorCode, Refusal};
use crate::settings::{ErrorShape, ReplySignature};
use crate::signature::{self, SignType};

/// How much of a reply the client gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// All of it.
    Whole,
    /// The head and half of the body, then the connection is cut.
    Half,
    /// Nothing: the connection is cut.
    Cut,
}

/// One reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wire {
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    pub(crate) body: String,
    pub(crate) retry_after: Option<u64>,
    pub(crate) location: Option<String>,
    pub(crate) arrival: Arrival,
    pub(crate) delay: Option<Duration>,
}

impl Wire {
    pub(crate) fn json(status: u16, json: &Json) -> Self {
        Self::of(status, "application/json", json.render())
    }

    pub(crate) fn html(status: u16, body: String) -> Self {
        Self::of(status, "text/html; charset=utf-8", body)
    }

    /// 303 to another page.
    pub(crate) fn redirect(location: String) -> Self {
        Self { location: Some(location), ..Self::html(303, String::new()) }
    }

    /// The connection is cut without a reply.
    pub(crate) fn cut() -> Self {
        Self { arrival: Arrival::Cut, ..Self::html(500, String::new()) }
    }

    /// What a proxy answers that cannot reach the gateway.
    pub(crate) fn proxy_page(status: u16) -> Self {
        let body = format!(
            "<html>\r\n<head><title>{status}</title></head>\r\n<body>\r\n<center><h1>{status}\
             </h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
        );
        Self::html(status, body)
    }

    /// A status with the body of the framework instead of the gateway's envelope.
    pub(crate) fn bare(status: u16, retry_after: Option<u64>) -> Self {
        let message = if status == 429 { "Too Many Attempts." } else { "Server Error" };
        Self { retry_after, ..Self::json(status, &object! { "message": message }) }
    }

    fn of(status: u16, content_type: &'static str, body: String) -> Self {
        Self {
            status,
            content_type,
            body,
            retry_after: None,
            location: None,
            arrival: Arrival::Whole,
            delay: None,
        }
    }
}

/// A success with its signature.
pub(crate) fn success(
    data: &Json,
    sign_type: SignType,
    secret: &str,
    reading: ReplySignature,
) -> Wire {
    let data = data.render();
    let name = sign_type.as_str();
    let signed = match reading {
        ReplySignature::Data => Params::decode(data.as_bytes()).unwrap_or_default(),
        ReplySignature::DataAndSignType => {
            let mut params = Params::decode(data.as_bytes()).unwrap_or_default();
            params.put_text("sign_type", name);
            params
        }
        ReplySignature::Envelope => {
            let mut params = Params::default();
            params.put_text("sign_type", name);
            params.put_text("success", "1");
            params
        }
    };
    let sign = signature::sign(&signed, sign_type, secret);
    let envelope =
        object! { "success": true, "data": Json::Raw(data), "sign": sign, "sign_type": name };
    Wire::json(200, &envelope)
}

/// A refusal in the shape that the sandbox was set up with.
pub(crate) fn refusal(refusal: &Refusal, shape: ErrorShape) -> Wire {
    let code = refusal.code.as_str();
    let message = &refusal.message;
    let status = refusal.code.status();
    match shape {
        ErrorShape::Flat => {
            let json = object! { "success": false, "code": code, "message": message };
            Wire::json(status, &json.with(field_errors(refusal)))
        }
        ErrorShape::Nested => {
            let error = object! { "code": code, "message": message };
            let json = object! { "success": false, "error": error };
            Wire::json(status, &json.with(field_errors(refusal)))
        }
        ErrorShape::SuccessFalse => {
            let json = object! { "success": false, "error_code": code, "msg": message };
            Wire::json(200, &json.with(field_errors(refusal)))
        }
    }
}

/// A code of the table at HTTP 200, whatever the shape of other refusals.
pub(crate) fn success_false(code: ErrorCode) -> Wire {
    refusal(&code.into(), ErrorShape::SuccessFalse)
}

/// Laravel's `errors`: a list of sentences by field.
fn field_errors(refusal: &Refusal) -> Vec<(&'static str, Json)> {
    if refusal.fields.is_empty() {
        return Vec::new();
    }
    let mut by_field = std::collections::BTreeMap::<&str, Vec<&str>>::new();
    for (field, sentence) in &refusal.fields {
        by_field.entry(field).or_default().push(sentence);
    }
    let errors = serde_json::to_string(&by_field).unwrap_or_else(|_| "{}".to_owned());
    vec![("errors", Json::Raw(errors))]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_readings_of_a_reply_signature() {
        let data = object! {
            "owner_name": "TESTING-ABA-KESS", "currency": "USD", "account_number": "123456789",
        };
        for (reading, sign) in [
            (ReplySignature::Data, "094f9b9155a5e2f880acb51b863fdd13"),
            (ReplySignature::DataAndSignType, "1a792140b838358a2d41816a78bb400a"),
            (ReplySignature::Envelope, "8460e178a88c27d84717f5abea21c4eb"),
        ] {
            let wire = success(&data, SignType::Md5, "abc123", reading);
            assert!(wire.body.contains(sign), "{reading:?}: {}", wire.body);
        }
    }

    #[test]
    fn a_validation_error_names_its_fields_in_every_shape() {
        let refused = Refusal::field("body", "The body field is required.");
        for shape in [ErrorShape::Flat, ErrorShape::Nested, ErrorShape::SuccessFalse] {
            let wire = refusal(&refused, shape);
            assert!(wire.body.contains(r#""errors":{"body":["The body field is required."]}"#));
            assert!(wire.body.contains("VALIDATION_ERROR"));
        }
    }
}
