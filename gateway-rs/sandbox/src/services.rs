//! What each service does: from a checked call and the world to data or a refusal.
//!
//! Nothing here knows HTTP, signatures or JSON text; nothing here reads a clock.

mod order;
mod order_view;
mod withdraw;

use crate::check::OpenedBlocks;
use crate::clock::Millis;
use crate::faults::Fault;
use crate::json::Json;
use crate::php::Params;
use crate::refusal::{ErrorCode, Refusal};
use crate::rules::Service;
use crate::settings::Settings;
use crate::signature::SignType;
use crate::world::World;

/// A call that passed every check of its form.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) service: &'static Service,
    pub(crate) params: Params,
    /// Opened sealed blocks; empty where blocks are not opened.
    pub(crate) blocks: OpenedBlocks,
    pub(crate) sign_type: SignType,
}

impl Call {
    /// A parameter that the check has found to be there.
    pub(crate) fn required(&self, name: &str) -> Result<&str, Refusal> {
        let missing = || Refusal::field(name, format!("The {name} field is required."));
        self.params.text(name).ok_or_else(missing)
    }

    /// What tells this call from others of its service.
    pub(crate) fn subject(&self) -> &str {
        const NAMES: [&str; 7] = [
            "out_trade_no",
            "bank_account_number",
            "bank_account_token",
            "transaction_ref",
            "purchase_req_id",
            "qrcode",
            "page",
        ];
        NAMES.iter().find_map(|name| self.params.text(name)).unwrap_or_default()
    }
}

/// What a service answers.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// Success with this `data`.
    Data(Json),
    /// A refusal, in the sandbox's usual shape.
    Refused(Refusal),
    /// A refusal at HTTP 200.
    RefusedAtOk(ErrorCode),
    /// No answer: the connection is cut.
    Cut,
}

impl From<Result<Json, Refusal>> for Outcome {
    fn from(result: Result<Json, Refusal>) -> Self {
        match result {
            Ok(data) => Self::Data(data),
            Err(refusal) => Self::Refused(refusal),
        }
    }
}

/// What a service works with.
#[derive(Debug)]
pub(crate) struct Room<'a> {
    pub(crate) world: &'a mut World,
    pub(crate) settings: &'a Settings,
    pub(crate) base_url: &'a str,
    pub(crate) now: Millis,
    /// A fault that concerns the account or the order rather than the reply.
    pub(crate) fault: Option<&'a Fault>,
}

/// Answers a call.
pub(crate) fn answer(room: &mut Room<'_>, call: &Call) -> Outcome {
    let service = call.service.service;
    match service.strip_prefix("webpay.acquire.").unwrap_or(service) {
        "verifybankaccount" => withdraw::verify(room, call).into(),
        "tokenizebankaccount" => withdraw::tokenize(room, call).into(),
        "withdraw" => withdraw::by_token(room, call),
        "withdrawByBankNumber" => withdraw::by_number(room, call),
        "queryOrder" => order::query(room, call),
        "closeorder" => order::close(room, call).into(),
        _ => Outcome::Refused(ErrorCode::UnderMaintenance.into()),
    }
}
