//! Faults as JSON, for `POST /sandbox/faults` and for tools that read them from a file.
//!
//! What it looks like stands at [`FaultPlan::from_json`], where users find it.

use std::time::Duration;

use serde::Deserialize;

use super::{Fault, FaultPlan, FaultRule};
use crate::error::{Problem, SandboxError};
use crate::refusal::ErrorCode;

/// What a request to change the faults asks for.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) clear: bool,
    pub(crate) rules: Vec<FaultRule>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RequestText {
    #[serde(default)]
    clear: bool,
    #[serde(default)]
    rules: Vec<RuleText>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleText {
    fault: String,
    service: Option<String>,
    out_trade_no: Option<String>,
    #[serde(default)]
    after: u64,
    times: Option<u64>,
    per_mille: Option<u32>,
    code: Option<String>,
    status: Option<u16>,
    booked: Option<bool>,
    retry_after: Option<u64>,
    millis: Option<u32>,
}

impl FaultPlan {
    /// Reads rules from JSON: one rule, a list of them, or `{"rules": [...]}`; over HTTP
    /// `"clear": true` beside `rules` takes the old ones away first.
    ///
    /// ```json
    /// {"rules": [
    ///   {"fault": "cut_after_booking", "service": "withdraw", "per_mille": 20},
    ///   {"fault": "status", "status": 429, "retry_after": 1, "after": 10, "times": 1},
    ///   {"fault": "refuse", "code": "DUPLICATED", "out_trade_no": "WD-1"}
    /// ]}
    /// ```
    /// `service`, `out_trade_no`, `after`, `times` and `per_mille` say which calls are struck, see
    /// [`FaultRule`]. The faults and their own parameters:
    ///
    /// | `fault` | parameters |
    /// |---|---|
    /// | `refuse`, `success_false` | `code`, such as `NOT_FOUND` |
    /// | `status` | `status` (503), `booked` (false), `retry_after` in seconds |
    /// | `html` | `status` (502), `booked` (false) |
    /// | `slow`, `cut_then_book`, `hidden_after_booking` | `millis` (1000) |
    /// | `cut_before_booking`, `cut_after_booking`, `half_reply`, `token_revoked` | |
    /// | `otp_never_confirmed`, `unknown_account`, `other_holder`, `other_currency` | |
    /// | `low_balance`, `duplicate` | |
    ///
    /// # Errors
    /// Says which rule and which parameter it does not understand.
    ///
    /// ```
    /// let text = r#"{"fault": "half_reply", "service": "withdraw", "times": 1}"#;
    /// assert!(kess_sandbox::FaultPlan::from_json(text).is_ok());
    /// assert!(kess_sandbox::FaultPlan::from_json(r#"{"fault": "fire"}"#).is_err());
    /// ```
    pub fn from_json(text: &str) -> Result<Self, SandboxError> {
        Ok(Self { rules: parse_request(text.as_bytes())?.rules })
    }
}

pub(crate) fn parse_request(body: &[u8]) -> Result<Request, SandboxError> {
    let unreadable = |error: serde_json::Error| {
        Problem::FaultText(format!("the faults cannot be read: {error}"))
    };
    let value: serde_json::Value = serde_json::from_slice(body).map_err(unreadable)?;
    let request = match value {
        serde_json::Value::Array(_) => {
            RequestText { clear: false, rules: serde_json::from_value(value).map_err(unreadable)? }
        }
        serde_json::Value::Object(ref members) if members.contains_key("fault") => {
            let rule = serde_json::from_value(value).map_err(unreadable)?;
            RequestText { clear: false, rules: vec![rule] }
        }
        other => serde_json::from_value(other).map_err(unreadable)?,
    };
    let rules = request.rules.into_iter().map(rule_of).collect::<Result<_, _>>()?;
    Ok(Request { clear: request.clear, rules })
}

fn rule_of(text: RuleText) -> Result<FaultRule, Problem> {
    let fault = fault_of(&text)?;
    let per_mille = text.per_mille.unwrap_or(1000);
    if per_mille > 1000 {
        return Err(Problem::FaultText(format!("per_mille is {per_mille}; it ends at 1000")));
    }
    Ok(FaultRule {
        fault,
        service: text.service,
        out_trade_no: text.out_trade_no,
        after: text.after,
        times: text.times,
        per_mille,
    })
}

fn fault_of(text: &RuleText) -> Result<Fault, Problem> {
    let pause = Duration::from_millis(text.millis.unwrap_or(1000).into());
    let booked = text.booked.unwrap_or(false);
    Ok(match text.fault.as_str() {
        "refuse" => Fault::Refuse(code_of(text)?),
        "success_false" => Fault::SuccessFalse(code_of(text)?),
        "cut_before_booking" => Fault::CutBeforeBooking,
        "cut_after_booking" => Fault::CutAfterBooking,
        "cut_then_book" => Fault::CutThenBook(pause),
        "half_reply" => Fault::HalfReply,
        "slow" => Fault::Slow(pause),
        "status" => {
            Fault::Status { status: status_of(text, 503)?, booked, retry_after: text.retry_after }
        }
        "html" => Fault::Html { status: status_of(text, 502)?, booked },
        "token_revoked" => Fault::TokenRevoked,
        "hidden_after_booking" => Fault::HiddenAfterBooking(pause),
        "otp_never_confirmed" => Fault::OtpNeverConfirmed,
        "unknown_account" => Fault::UnknownAccount,
        "other_holder" => Fault::OtherHolder,
        "other_currency" => Fault::OtherCurrency,
        "low_balance" => Fault::LowBalance,
        "duplicate" => Fault::Duplicate,
        other => return Err(Problem::FaultText(format!("there is no fault named {other:?}"))),
    })
}

fn code_of(text: &RuleText) -> Result<ErrorCode, Problem> {
    let code = text.code.as_deref().unwrap_or_default();
    ErrorCode::parse(code).ok_or_else(|| {
        let known = ErrorCode::ALL.map(ErrorCode::as_str).join(", ");
        Problem::FaultText(format!("{} needs a code out of {known}", text.fault))
    })
}

fn status_of(text: &RuleText, default: u16) -> Result<u16, Problem> {
    let status = text.status.unwrap_or(default);
    if (200..=599).contains(&status) {
        return Ok(status);
    }
    Err(Problem::FaultText(format!("status is {status}; it lies between 200 and 599")))
}
