//! `/sandbox/...`: faults, ledger, clock and directory for other processes, as plain JSON.

use std::time::Duration;

use serde::Deserialize;

use crate::clock::rfc3339;
use crate::core::{Core, lock};
use crate::faults::{FaultPlan, text};
use crate::json::{Json, object};
use crate::ledger::Ledger;
use crate::rules::{Field, Kind};
use crate::settings::MERCHANT;
use crate::wire::Wire;
use crate::world::Account;

/// `GET /sandbox/services`: every service with the fields that are checked.
pub(crate) fn services() -> Wire {
    let services = crate::generated::SERVICES.iter().map(|service| {
        object! {
            "service": service.service,
            "name": service.name,
            "documented": service.documented,
            "moves_money": service.moves_money,
            "seller_code": service.seller_code,
            "fields": service.fields.iter().map(field_view).collect::<Vec<Json>>(),
        }
    });
    Wire::json(200, &Json::List(services.collect()))
}

fn field_view(field: &Field) -> Json {
    let values = match field.kind {
        Kind::Enum(values) => values.iter().map(|value| Json::from(*value)).collect(),
        _ => Vec::new(),
    };
    let inside = field.sealed.unwrap_or_default().iter().map(field_view);
    object! {
        "name": field.name,
        "required": field.required,
        "known_values": values,
        "sealed": inside.collect::<Vec<Json>>(),
    }
}

/// `GET /sandbox/faults`: rules with their hits, and hits by the fault's name.
pub(crate) fn faults(core: &Core) -> Wire {
    let book = lock(&core.faults);
    let rules = book.rules().map(|(rule, fired)| {
        object! {
            "fault": rule.fault.name(),
            "service": rule.service.as_ref(),
            "out_trade_no": rule.out_trade_no.as_ref(),
            "hits": i64::try_from(fired).unwrap_or(i64::MAX),
        }
    });
    let rules: Vec<Json> = rules.collect();
    let hits = serde_json::to_string(book.hits()).unwrap_or_else(|_| "{}".to_owned());
    Wire::json(200, &object! { "rules": rules, "hits": Json::Raw(hits) })
}

/// `POST /sandbox/faults`: adds rules, after clearing the old ones where it is asked to.
pub(crate) fn add_faults(core: &Core, body: &[u8]) -> Wire {
    match text::parse_request(body) {
        Ok(request) => {
            let mut book = lock(&core.faults);
            if request.clear {
                book.clear();
            }
            book.extend(FaultPlan { rules: request.rules });
            drop(book);
            faults(core)
        }
        Err(error) => bad_request(&error.to_string()),
    }
}

/// `GET /sandbox/ledger`: a row for each withdrawal, and the wallets.
pub(crate) fn ledger(core: &Core) -> Wire {
    match core.with_world(|world, _| Ledger::of(world)) {
        Ok(ledger) => Wire::json(200, &ledger.to_json()),
        Err(refusal) => bad_request(&refusal.message),
    }
}

/// `GET /sandbox/clock`.
pub(crate) fn clock(core: &Core) -> Wire {
    Wire::json(200, &object! { "now": rfc3339(core.clock.now()) })
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    #[serde(default)]
    seconds: u32,
    #[serde(default)]
    millis: u32,
}

/// `POST /sandbox/clock`: `{"seconds":60}` or `{"millis":250}`.
pub(crate) fn advance(core: &Core, body: &[u8]) -> Wire {
    match serde_json::from_slice::<Advance>(body) {
        Ok(by) => {
            let by =
                Duration::from_secs(by.seconds.into()) + Duration::from_millis(by.millis.into());
            core.advance(by);
            clock(core)
        }
        Err(error) => bad_request(&format!("expected {{\"seconds\":60}}: {error}")),
    }
}

/// `POST /sandbox/accounts`: accounts for the directory.
pub(crate) fn add_accounts(core: &Core, body: &[u8]) -> Wire {
    let accounts: Vec<Account> = match serde_json::from_slice(body) {
        Ok(accounts) => accounts,
        Err(error) => {
            return bad_request(&format!(
                "expected [{{\"number\",\"bic\",\"holder\",\"currency\"}}]: {error}"
            ));
        }
    };
    let added = i64::try_from(accounts.len()).unwrap_or(i64::MAX);
    let done = core.with_world(|world, _| {
        for account in accounts {
            world.add_account(account);
        }
    });
    match done {
        Ok(()) => Wire::json(200, &object! { "added": added }),
        Err(refusal) => bad_request(&refusal.message),
    }
}

fn bad_request(message: &str) -> Wire {
    Wire::json(400, &object! { "message": message })
}

impl Core {
    /// Moves the clock on and lets what became due happen.
    pub(crate) fn advance(&self, by: Duration) {
        self.clock.advance(by);
        if let Err(refusal) = self.with_world(|world, now| world.settle(MERCHANT, now)) {
            tracing::error!(message = refusal.message, "the clock's events were not written");
        }
        if !by.is_zero() {
            self.outbox.bell.notify_one();
        }
    }
}
