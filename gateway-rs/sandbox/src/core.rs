//! The sandbox without its sockets: state, clock, faults and keys, and the way a call takes.
//!
//! Every change of state goes through [`Core::with_world`]: due events first, then the change, then
//! the state file, all under one lock. A reply is made only after its change was written.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::check;
use crate::clock::{Clock, Millis};
use crate::faults::{Fault, FaultBook, Subject};
use crate::journal::Journal;
use crate::names::Names;
use crate::outbox::{self, Outbox};
use crate::php::Params;
use crate::refusal::{ErrorCode, Refusal};
use crate::rules::Service;
use crate::seal::KeyPair;
use crate::services::{self, Call, Outcome, Room};
use crate::settings::{Credentials, MERCHANT, Settings};
use crate::signature::{self, SignType};
use crate::wire::{self, Arrival, Wire};
use crate::world::World;

/// Everything behind the sockets. It has no text form: it holds secrets and personal data.
pub(crate) struct Core {
    pub(crate) settings: Settings,
    pub(crate) credentials: Credentials,
    pub(crate) clock: Clock,
    pub(crate) keys: KeyPair,
    pub(crate) base_url: String,
    pub(crate) outbox: Outbox,
    pub(crate) faults: Mutex<FaultBook>,
    pub(crate) desk: Mutex<Desk>,
    pub(crate) names: Names,
    /// Calls that came so far.
    pub(crate) arrived: AtomicU64,
}

/// What one lock guards.
pub(crate) struct Desk {
    pub(crate) world: World,
    pub(crate) journal: Option<Journal>,
    /// Calls whose connection was cut and that take effect later.
    pub(crate) later: Vec<(Millis, Call)>,
}

impl Core {
    /// Runs `change` on the world as it is now, and writes down what it changed.
    ///
    /// Fails if the state file cannot be written: the call must not be answered then.
    pub(crate) fn with_world<T>(
        &self,
        change: impl FnOnce(&mut World, Millis) -> T,
    ) -> Result<T, Refusal> {
        let now = self.clock.now();
        let mut desk = lock(&self.desk);
        self.let_time_pass(&mut desk, now);
        let result = change(&mut desk.world, now);
        self.post_notices(&mut desk.world, now);
        let Desk { world, journal, .. } = &mut *desk;
        let Some(journal) = journal else {
            world.forget_change();
            return Ok(result);
        };
        if let Some(change) = world.take_change() {
            journal.append(&change).map_err(|error| {
                tracing::error!(%error, "the state file cannot be written");
                Refusal::from(ErrorCode::SystemError)
            })?;
        }
        Ok(result)
    }

    /// Lets what was due happen: expiries, final refunds, calls that take effect late.
    fn let_time_pass(&self, desk: &mut Desk, now: Millis) {
        let (due, later) =
            std::mem::take(&mut desk.later).into_iter().partition(|(at, _)| *at <= now);
        desk.later = later;
        let due: Vec<(Millis, Call)> = due;
        for (at, call) in due {
            desk.world.settle(MERCHANT, at);
            // Nobody is left to hear the answer.
            let _ = services::answer(&mut self.room(&mut desk.world, at, None), &call);
        }
        desk.world.settle(MERCHANT, now);
    }

    fn post_notices(&self, world: &mut World, now: Millis) {
        for out_trade_no in std::mem::take(&mut world.notices) {
            if let Some(order) = world.orders.get(&out_trade_no) {
                self.outbox.post(outbox::order_notice(order, &self.credentials, now));
            }
        }
        for transaction_id in std::mem::take(&mut world.refund_notices) {
            if let Some(refund) = world.refunds.get(&transaction_id) {
                self.outbox.post(outbox::refund_notice(refund, &self.credentials, now));
            }
        }
    }

    /// Lets a handler work outside a call of the gateway's endpoint: pages use it.
    pub(crate) fn in_room<T>(&self, work: impl FnOnce(&mut Room<'_>) -> T) -> Result<T, Refusal> {
        self.with_world(|world, now| work(&mut self.room(world, now, None)))
    }

    fn room<'a>(&'a self, world: &'a mut World, now: Millis, fault: Option<&'a Fault>) -> Room<'a> {
        Room { world, settings: &self.settings, base_url: &self.base_url, now, fault }
    }

    /// The id of the call that is answered now, as a proxy before the gateway would give it.
    pub(crate) fn request_id(&self) -> String {
        let arrived = self.arrived.fetch_add(1, Ordering::Relaxed);
        self.names.hex("request id", &arrived.to_string(), 16)
    }

    /// Answers a call of the gateway's endpoint.
    pub(crate) fn gateway(&self, bearer: Option<&str>, body: &[u8]) -> Wire {
        let call = match self.admit(bearer, body) {
            Ok(call) => call,
            Err(refusal) => return wire::refusal(&refusal, self.settings.error_shape),
        };
        let out_trade_no = call.params.text("out_trade_no").map(str::to_owned);
        let key = call.subject().to_owned();
        let subject = Subject {
            name: call.service.name,
            service: call.service.service,
            out_trade_no: out_trade_no.as_deref(),
            key: &key,
        };
        let fault = lock(&self.faults).draw(subject);
        if let Some(Fault::CutThenBook(after)) = fault {
            let due = self.clock.now().saturating_add(millis(after));
            lock(&self.desk).later.push((due, call));
            return Wire::cut();
        }
        if fault == Some(Fault::TokenRevoked) {
            return self.revoke(bearer);
        }
        self.strike(fault.as_ref(), |fault| self.effect(&call, fault))
    }

    /// Lets `effect` happen or not, and its reply arrive or not, as `fault` has it.
    pub(crate) fn strike(
        &self,
        fault: Option<&Fault>,
        effect: impl FnOnce(Option<&Fault>) -> Wire,
    ) -> Wire {
        let Some(fault) = fault else {
            return effect(None);
        };
        match fault {
            Fault::Refuse(code) => wire::refusal(&(*code).into(), self.settings.error_shape),
            Fault::SuccessFalse(code) => wire::success_false(*code),
            Fault::CutBeforeBooking | Fault::CutThenBook(_) => Wire::cut(),
            Fault::CutAfterBooking => {
                effect(None);
                Wire::cut()
            }
            Fault::HalfReply => Wire { arrival: Arrival::Half, ..effect(None) },
            Fault::Slow(delay) => Wire { delay: Some(*delay), ..effect(None) },
            Fault::Status { status, booked, retry_after } => {
                if *booked {
                    effect(None);
                }
                Wire::bare(*status, *retry_after)
            }
            Fault::Html { status, booked } => {
                if *booked {
                    effect(None);
                }
                Wire::proxy_page(*status)
            }
            other => effect(Some(other)),
        }
    }

    /// Everything that is checked before a service is asked.
    fn admit(&self, bearer: Option<&str>, body: &[u8]) -> Result<Call, Refusal> {
        let known = self.with_world(|world, now| {
            bearer.and_then(|token| world.grants.get(token)).is_some_and(|grant| grant.is_good(now))
        })?;
        if !known {
            return Err(ErrorCode::Unauthenticated.into());
        }
        let params = Params::decode(body)
            .ok_or_else(|| Refusal::field("service", "The body is not a JSON object."))?;
        let service = find_service(params.text("service"))?;
        let sign_type = params.text("sign_type").and_then(SignType::parse).ok_or_else(|| {
            Refusal::field("sign_type", "The sign_type must be MD5 or HMAC-SHA256.")
        })?;
        if !signature::holds(&params, sign_type, &self.credentials.api_secret) {
            return Err(Refusal::field("sign", "The signature is invalid."));
        }
        let blocks = check::check(service, &params, &self.keys).map_err(Refusal::invalid)?;
        let seller = params.text("seller_code");
        if seller.is_none() && service.seller_code {
            return Err(Refusal::field("seller_code", "The seller_code field is required."));
        }
        if seller.is_some_and(|code| code != self.credentials.seller_code) {
            return Err(Refusal::field("seller_code", "The selected seller_code is invalid."));
        }
        Ok(Call { service, params, blocks, sign_type })
    }

    fn effect(&self, call: &Call, fault: Option<&Fault>) -> Wire {
        let outcome =
            self.with_world(|world, now| services::answer(&mut self.room(world, now, fault), call));
        let outcome = outcome.unwrap_or_else(Outcome::Refused);
        match outcome {
            Outcome::Data(data) => wire::success(
                &data,
                call.sign_type,
                &self.credentials.api_secret,
                self.settings.reply_signature,
            ),
            Outcome::Refused(refusal) => wire::refusal(&refusal, self.settings.error_shape),
            Outcome::RefusedAtOk(code) => wire::success_false(code),
            Outcome::Cut => Wire::cut(),
        }
    }

    fn revoke(&self, bearer: Option<&str>) -> Wire {
        let revoked = self.with_world(|world, _| {
            if let Some(grant) = bearer.and_then(|token| world.grants.get_mut(token)) {
                grant.revoked = true;
            }
        });
        let refusal = revoked.err().unwrap_or_else(|| ErrorCode::Unauthenticated.into());
        wire::refusal(&refusal, self.settings.error_shape)
    }
}

fn find_service(name: Option<&str>) -> Result<&'static Service, Refusal> {
    let name = name.ok_or_else(|| Refusal::field("service", "The service field is required."))?;
    // The documentation writes `createorder` and `createOrder` for the same service.
    let known = |service: &&Service| service.service.eq_ignore_ascii_case(name);
    crate::generated::SERVICES
        .iter()
        .find(known)
        .ok_or_else(|| Refusal::field("service", "The selected service is invalid."))
}

/// A panic elsewhere must not silence the sandbox: what it left behind is still the state.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A duration in milliseconds, as far as they can be counted.
pub(crate) fn millis(duration: Duration) -> Millis {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
